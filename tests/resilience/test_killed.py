"""A run that is killed anywhere, again and again, ends where an undisturbed one does, and readers never notice.

Each kill is a SIGKILL of the process that runs ``impact run``; its second process, which runs the gates, has to follow
by itself. Two deliveries are taken through: the first into an empty home, the second over a publication that somebody
has open. The points are drawn at random; a failure names the seed and every kill up to it.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.home import Home
from tests.resilience.harness import (
    Ended,
    Server,
    copied,
    differences,
    every_entry_has_its_file,
    first_delivery,
    layout,
    left_over,
    published_rows,
    second_delivery,
    whole_publication,
)

SEED = 20261122
KILLS = 100
SWITCH = "os.rename published.tmp"
#: A table that every part of the publication ends in.
CONTENT = "select count(*), sum(hash(indicator_values)::hugeint) from indicator_values"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


class Chain:
    """One home that is killed again and again."""

    def __init__(self, server: Server, home: Home) -> None:
        self.server, self.home = server, home
        self.chance = random.Random(SEED)
        self.kills: list[str] = []
        self.struck: Counter[str] = Counter()

    def kill(self, stage: str, part: str | None = None, **where: Any) -> Ended:
        """Start, kill at a point or a moment of a stage, and see that nothing is broken.

        ``part`` runs a part of the route on its own, as can be done from Dagster's page.
        """
        before = whole_publication(self.home)
        ended = self.server.run(self.home, kill={"stage": stage, **where}, part=part)
        stage, number, seconds, what = ended.points[-1]
        self.kills.append(f"{stage} {number} ({seconds} s): {what}")
        print(len(self.kills), self.kills[-1], flush=True)
        assert ended.code == -9, f"{self}\n{ended.said}"
        self.struck[stage] += 1
        after = whole_publication(self.home)
        assert before is None or (after is not None and after >= before), str(self)
        every_entry_has_its_file(self.home)
        return ended

    def complete(self) -> Ended:
        """A run that nobody disturbs, which clears up."""
        ended = self.server.run(self.home)
        assert ended.code == 0, f"{self}\n{ended.said}"
        assert left_over(self.home) == [], str(self)
        assert whole_publication(self.home) is not None
        return ended

    def __str__(self) -> str:
        return f"seed {SEED}, killed {len(self.kills)} times:\n" + "\n".join(self.kills)


@pytest.fixture(scope="module")
def undisturbed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home, Ended]:
    """A home after one delivery and after two, and the points that the first run came to."""
    home = first_delivery(tmp_path_factory.mktemp("undisturbed") / "home")
    first = server.run(home)
    assert first.code == 0, first.said
    after_first = copied(home, home.root.parent / "after the first")
    second_delivery(home)
    assert server.run(home).code == 0
    return after_first, home, first


def how_many(points: list[tuple[str, int, float, str]], stage: str) -> int:
    return max(number for its, number, *_ in points if its == stage)


def how_long(points: list[tuple[str, int, float, str]], stage: str) -> float:
    return max(seconds for its, _, seconds, _ in points if its == stage)


@pytest.mark.endurance
def test_killed_a_hundred_times_it_ends_with_the_marts_of_a_run_that_was_not(
    server: Server, undisturbed: tuple[Home, Home, Ended], tmp_path: Path
) -> None:
    after_first, after_second, first = undisturbed
    # As it stood before its first run, with the times at which files came.
    home = copied(after_first, tmp_path / "home")
    for path in home.root.iterdir():
        if path.is_symlink() or path.name == home.warehouse.name:
            path.unlink()
        elif path.is_dir() and path != home.inbox:
            shutil.rmtree(path)
    chain = Chain(server, home)
    stages = list(dict.fromkeys(stage for stage, *_ in first.points))
    assert stages[:6] == ["start", "landing", "landing checks", "models", "mart checks", "publication"]

    # The first delivery, into an empty home.
    for at in chain.chance.sample(range(1, how_many(first.points, "start")), 4):
        chain.kill("start", at=at)
    # Reference data are written anew until all of them are there; from then on each run goes on where the one before
    # was killed, so that the last ones come to the end of landing.
    for earliest, latest, times in ((1, 50, 5), (50, 110, 2), (110, 250, 2), (5, 70, 20)):
        for _ in range(times):
            chain.kill("landing", at=chain.chance.randint(earliest, latest))
    for _ in range(6):
        chain.kill("landing", after=chain.chance.uniform(0, how_long(first.points, "landing")))
    for at in chain.chance.sample(range(1, how_many(first.points, "landing checks")), 5):
        chain.kill("landing checks", at=at)
    for _ in range(3):
        chain.kill("landing checks", after=chain.chance.uniform(0, how_long(first.points, "landing checks")))
    nodes = how_many(first.points, "models")
    for earliest, latest in ((1, 2), (3, nodes // 4), (nodes // 4, nodes // 2), (nodes // 2, nodes)):
        chain.kill("models", at=chain.chance.randint(earliest, latest))
    chain.kill("mart checks", at=1)
    check_and_publish(chain, first.points)
    assert differences(published_rows(home.published), published_rows(after_first.published)) == [], str(chain)

    # The second, over a publication that somebody reads, and with what a bad night can leave behind besides.
    second_delivery(home)
    with duckdb.connect(str(home.published / "impact.duckdb"), read_only=True) as reader:
        read = reader.execute(CONTENT).fetchall()
        for _ in range(16):
            chain.kill("landing", at=chain.chance.randint(1, 20))
        lose_the_gates(chain, "landing checks")
        for _ in range(4):
            chain.kill("landing checks", at=chain.chance.randint(1, 30))
        chain.kill("models", at=chain.chance.randint(3, nodes // 2))
        tear(home)
        lose_the_gates(chain, "mart checks")
        check_and_publish(chain, first.points)
        assert differences(published_rows(home.published), published_rows(after_second.published)) == [], str(chain)
        shutil.rmtree(home.state)
        chain.complete()
        assert reader.execute(CONTENT).fetchall() == read
    # That run, too, held its marts against the last publication, which was no longer the first: its checks looked at
    # more rows.
    differing = differences(published_rows(home.published), published_rows(after_second.published))
    assert set(differing) <= {"check_history", "data_quality"}, str(chain)
    assert layout(home) == layout(after_second)
    print(f"{server.reap()} s; {sum(chain.struck.values())} kills: {dict(chain.struck)}")
    assert sum(chain.struck.values()) >= KILLS
    assert chain.struck.keys() >= set(stages[:6])


def check_and_publish(chain: Chain, points: list[tuple[str, int, float, str]]) -> None:
    """With the models built, check the marts and publish them, each killed on its way again and again."""
    before = whole_publication(chain.home)
    for at in (2, 5):
        chain.kill("mart checks", "mart checks", at=at)
    chain.kill("mart checks", "mart checks", after=chain.chance.uniform(0, how_long(points, "mart checks")))
    checked = chain.server.run(chain.home, part="mart checks")
    assert checked.code == 0, f"{chain}\n{checked.said}"
    (switch,) = (number for stage, number, _, what in points if (stage, what) == ("publication", SWITCH))
    # On its own it makes somewhat fewer steps than as a part of the whole run.
    for at in sorted(chain.chance.sample(range(1, switch - 20), 10)):
        chain.kill("publication", "publication", at=at)
        assert whole_publication(chain.home) == before, str(chain)
    chain.kill("publication", "publication", before=SWITCH)
    assert whole_publication(chain.home) == before, str(chain)
    chain.kill("publication", "publication", before=f"fsync {chain.home.root}")
    assert whole_publication(chain.home) != before, str(chain)


def tear(home: Home) -> None:
    """Leave the warehouse and the working files as a power cut might."""
    for path in (home.warehouse, home.state / "dagster" / "events" / "event_log.db"):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 3])
    (home.state / "run.json").write_text('{"process": 1, "si', encoding="utf-8")
    (home.state / "checks" / "landed.json").write_bytes(b"")


def lose_the_gates(chain: Chain, stage: str) -> None:
    """Kill the process that runs the gates, and nothing else: the run says so, and publishes nothing."""
    before = whole_publication(chain.home)
    ended = chain.server.run(chain.home, kill_worker={"stage": stage, "after": 0})
    assert ended.code == 2, f"{chain}\n{ended.said}"
    assert "The process that runs the checks ended before it answered" in ended.said
    assert "Run again" in ended.said
    assert whole_publication(chain.home) == before


def test_of_two_runs_one_works_and_the_other_waits_or_declines(server: Server, tmp_path: Path) -> None:
    home = first_delivery(tmp_path / "home")
    paused, go_on = tmp_path / "paused", tmp_path / "go on"
    first = server.start(home, pause={"stage": "landing", "at": 5, "says": str(paused), "until": str(go_on)})
    wait_until(paused.exists)

    declined = server.start(home).wait()
    assert declined.code == 2
    assert f"is being written by another run (process {first.pid}, since " in declined.said
    assert "Try again when it has finished; nothing was changed." in declined.said
    # A step that somebody starts from Dagster's page, or that its daemon starts for the sensor or the schedule.
    from_dagster = server.start(home, part="publication", wait=0).wait()
    assert from_dagster.code == 1
    assert f"is being written by another run (process {first.pid}, since " in from_dagster.said
    # Who only looks waits for nobody.
    assert server.start(home, "status", "--home", home.root).wait().code == 0
    assert server.start(home, "check", home.inbox / "events" / "log.csv", "--home", home.root).wait().code == 0
    assert "nothing has been published yet" in server.start(home, "lineage", "wf01", "--home", home.root).wait().said

    waiting = {"kill": {"stage": "landing", "at": 1}}
    second = server.start(home, "run", "--home", home.root, "--wait", 600, **waiting)
    wait_until(lambda: second.trace.is_file() and "run.lock" in second.trace.read_text(encoding="utf-8"))
    go_on.touch()
    assert first.wait().code == 0
    # It came to its own landing, where this test ends it, once the first had published.
    assert second.wait().code == -9
    server.reap()
    assert whole_publication(home) is not None
    assert left_over(home) == []


def wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.02)
