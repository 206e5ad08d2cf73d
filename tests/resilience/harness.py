"""A small home, the server that runs ``impact`` for it, and what must be true of the home at every moment."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.home import Home
from tests.integration.builders import (
    EPISODES_HEADER,
    EVENTS_HEADER,
    HEADER_HEADER,
    TRAINING_HEADER,
    booking,
    child,
    csv_text,
    episode,
    event,
    make_home,
    put_register,
    response,
    write,
    write_forms,
)

REPOSITORY = Path(__file__).resolve().parents[2]
ORGANISATIONS = ("Ashfield", "Moorside Family Centre")
#: When something was done, which no two runs have in common.
MOMENTS = {"received_at", "landed_at"}
#: What a run leaves that is still under way.
_UNFINISHED = re.compile(
    r"\.writing$|\.building|\.removing|\.copying$|published\.tmp$|\.wal$|-journal$|/landing/\.?tmp|\.tmp$"
)


# --- the home -----------------------------------------------------------------------------------------------------


def first_delivery(root: Path) -> Home:
    """A home with a wave of the survey (short term), training and events, and a return of looked-after children (long
    term), each with something wrong in it."""
    home = make_home(root)
    put_register(home)
    survey(home, 1, 30)
    bookings = [booking(f"person{n}@school.example", organisation=ORGANISATIONS[n % 2]) for n in range(40)]
    write(home.inbox / "training" / "autumn.csv", csv_text(TRAINING_HEADER, [*bookings, booking(date="31/02/2024")]))
    write(home.inbox / "events" / "log.csv", csv_text(EVENTS_HEADER, [event(), event("01/11/2024", "Second")]))
    looked_after(home, 30)
    write(home.inbox / "minutes.csv", "what,who\nnothing,nobody\n")
    return home


def second_delivery(home: Home) -> None:
    """A second wave, a corrected return, and a file taken away."""
    survey(home, 2, 24)
    looked_after(home, 33)
    write(home.inbox / "events" / "spring.csv", csv_text(EVENTS_HEADER, [event("01/03/2025", "Third")]))
    (home.inbox / "minutes.csv").unlink()


def survey(home: Home, wave: int, people: int) -> Path:
    """One wave of the workforce survey."""
    begun = datetime(2025, 8 + wave, 15, 10, 12, 30)
    answers = ("Agree", "Strongly agree", "Disagree")
    responses = [
        response(
            number,
            {"wf01": answers[number % 3]},
            organisation=ORGANISATIONS[number % 2],
            completed=begun + timedelta(minutes=number),
        )
        for number in range(1, people + 1)
    ]
    return write_forms(home.inbox / "workforce" / f"Workforce survey wave {wave}.xlsx", responses)


def looked_after(home: Home, children: int) -> None:
    """A year's return: the children and their placements."""
    numbers = [str(700001 + number) for number in range(children)]
    folder = home.inbox / "ssda903" / "2024-25"
    header = [child(CHILD=number, UPN=f"H80120000{number[-4:]}") for number in numbers]
    write(folder / "header.csv", csv_text(HEADER_HEADER, header))
    write(folder / "episodes.csv", csv_text(EPISODES_HEADER, [episode(CHILD=number) for number in numbers]))


def copied(home: Home, to: Path) -> Home:
    """A copy of a home as it stands, links and times included."""
    shutil.copytree(home.root, to, symlinks=True)
    return Home(to, home.settings)


# --- the server ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How a process that ran ``impact`` ended: its exit code, negative where a signal ended it, and what it said."""

    code: int
    said: str
    #: The points that it came to: stage, number, seconds since the stage began, and what was about to be done.
    points: list[tuple[str, int, float, str]] = field(repr=False)

    @property
    def killed_in(self) -> str:
        """The stage in which it was killed."""
        return self.points[-1][0]


class Server:
    """Talks to ``tests.resilience.server``; a context manager."""

    def __init__(self) -> None:
        """Start it; it answers once it has imported everything."""
        environment = {name: value for name, value in os.environ.items() if name not in ("IMPACT_HOME", "DAGSTER_HOME")}
        # Libraries that start threads when they are imported could not be forked.
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
        self._folder = tempfile.TemporaryDirectory()
        self._number = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.resilience.server"],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._answer() == {"threads": []}

    def __enter__(self) -> Server:
        """The server itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._folder.cleanup()

    def start(self, home: Home, *arguments: object, **order: Any) -> Started:
        """``impact`` with these arguments, by default a run that waits for nobody; see ``points`` for the order."""
        self._number += 1
        files = {name: str(Path(self._folder.name) / f"{self._number}.{name}") for name in ("output", "trace")}
        arguments = arguments or ("run", "--home", home.root, "--wait", 0)
        (pid,) = self._ask(do="start", home=str(home.root), arguments=[*map(str, arguments)], **files, **order).values()
        return Started(self, int(pid), Path(files["output"]), Path(files["trace"]))

    def run(self, home: Home, *arguments: object, **order: Any) -> Ended:
        """The same, to its end and to that of every process that it started."""
        ended = self.start(home, *arguments, **order).wait()
        self.reap()
        return ended

    def reap(self) -> float:
        """Wait until no process is left of those that were started; returns the processor's seconds up to now."""
        return float(self._ask(do="reap")["cpu_seconds"])

    def _ask(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@dataclass(frozen=True)
class Started:
    """A process that runs ``impact``."""

    server: Server
    pid: int
    output: Path
    trace: Path

    def wait(self) -> Ended:
        """Wait for its end."""
        code = int(self.server._ask(do="wait", pid=self.pid)["code"])
        points: list[tuple[str, int, float, str]] = []
        if self.trace.is_file():
            for line in self.trace.read_text(encoding="utf-8").splitlines():
                stage, number, seconds, what = line.split("\t")
                points.append((stage, int(number), float(seconds), what))
        return Ended(code, self.output.read_text(encoding="utf-8"), points)


# --- what must be true ----------------------------------------------------------------------------------------------


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def whole_publication(home: Home) -> str | None:
    """The id of the publication in force, which holds what its manifest says and nothing else; None before the first.

    Every folder with a publication's name is whole, whether or not it is in force.
    """
    if not home.published.is_symlink():
        assert not home.published.exists()
        return None
    in_force = home.published.readlink().name
    assert (home.publications / in_force).is_dir(), "the link leads nowhere"
    for folder in home.publications.iterdir():
        if not folder.name.startswith("."):
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            assert manifest["publication_id"] == folder.name
            files = {f"parquet/{name}.parquet": table["sha256"] for name, table in manifest["tables"].items()}
            files["impact.duckdb"] = manifest["database_sha256"]
            found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
            assert found == {*files, "manifest.json"}
            assert {name: digest(folder / name) for name in files} == files
    return in_force


def published_rows(folder: Path) -> dict[str, pa.Table]:
    """The rows of every table of a publication, without the moments at which files came."""
    tables = {}
    for path in sorted((folder / "parquet").glob("*.parquet")):
        table = pq.read_table(path)
        tables[path.stem] = table.drop_columns([name for name in table.column_names if name in MOMENTS])
    return tables


def differences(found: Mapping[str, pa.Table], expected: Mapping[str, pa.Table]) -> list[str]:
    """Tables that are not the same, row by row, in the same order."""
    return sorted(name for name in {*found, *expected} if not same(found.get(name), expected.get(name)))


def same(one: pa.Table | None, other: pa.Table | None) -> bool:
    """Whether two tables hold the same."""
    return one is not None and other is not None and bool(one.equals(other))


def every_entry_has_its_file(home: Home) -> int:
    """How many vintages the ledger calls landed; the file of each is there, byte for byte as it landed."""
    if not home.ledger.exists():
        return 0
    with tempfile.TemporaryDirectory() as folder:
        # A journal that a killed run left is played back by whoever opens the ledger: here, in a copy.
        for path in home.landing.glob("ledger.sqlite*"):
            shutil.copyfile(path, Path(folder) / path.name)
        con = sqlite3.connect(Path(folder) / "ledger.sqlite")
        try:
            if not con.execute("select 1 from sqlite_master where name = 'vintages'").fetchall():
                return 0
            rows = con.execute(
                "select dataset, vintage_id, landed_sha256 from vintages where status = 'landed'"
            ).fetchall()
        finally:
            con.close()
    for dataset, vintage_id, landed_sha256 in rows:
        assert digest(home.landing / dataset / f"{vintage_id}.parquet") == landed_sha256
    return len(rows)


def left_over(home: Home) -> list[str]:
    """Files and folders that only a run that is under way may have."""
    names = [path.relative_to(home.root).as_posix() for path in home.root.rglob("*")]
    return sorted(name for name in names if _UNFINISHED.search(name) and not name.startswith(".impact/dagster/"))


def layout(home: Home) -> Counter[str]:
    """What stands in a home, with names that differ from run to run made alike."""
    folders = [home.landing, home.quarantine, home.disclosure, home.publications, home.state / "checks", home.spill]
    names = [
        re.sub(r"\d{8}T\d{9}Z-[0-9a-f]{8}", "<publication>", path.relative_to(home.root).as_posix())
        for folder in folders
        for path in folder.rglob("*")
    ]
    return Counter([*names, *(path.name for path in home.root.iterdir())])
