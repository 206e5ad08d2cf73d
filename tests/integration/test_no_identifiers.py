"""Nothing that tells who somebody is leaves the inbox: every byte that a run leaves behind is searched for it."""

from __future__ import annotations

import json
import random
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb
import pyarrow.parquet as pq
import pytest

from ingestion.contracts import Column, Contract, load_contracts
from tests.commands import impact
from tests.integration.builders import REGISTER_ROWS, csv_text, make_home, put_register, rows, write, write_workbook
from tests.integration.test_random_dirt import FORMATS, Format

FIRST, LAST, MAIL = "Zeldamira", "Quirkington", "z.quirkington@planted.example"
ADDRESS, NEWER_ADDRESS = "203.0.113.177", "2001:db8:85a3::8a2e:370:7334"
LATITUDE, LONGITUDE = "53.61735129", "-2.1575831"
PUPIL, CHILD, LEARNER, HOME_NUMBER = "H801200001999", "CH70012398", "LRN5551234", "SC4455667"
POSTCODES = ("OL16 1XL", "PR1 8XJ")
BIRTH_DATES = (
    "17/05/2011", "17-05-2011", "2011-05-17", "17 May 2011", "17.05.2011", "05/17/2011", "17/05/2006", "2006-05-17",
)  # fmt: skip
#: The pseudonymisation key, which is nobody's business but the environment's.
KEY = "zz-planted-pseudonymisation-key-9f3c1e77"
#: All that no file of a home may hold but those that were sent, with the ways in which programs write a text.
SECRETS = (
    KEY, FIRST, LAST, MAIL, ADDRESS, NEWER_ADDRESS, LATITUDE, LONGITUDE, PUPIL, CHILD, LEARNER, HOME_NUMBER, *POSTCODES,
    *(postcode.replace(" ", "") for postcode in POSTCODES), *BIRTH_DATES,
)  # fmt: skip
WRITTEN = {
    form
    for secret in SECRETS
    for form in (
        secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], secret.replace("/", "\\/"),
        secret.replace("@", "&#64;"), repr(secret)[1:-1],
    )
}  # fmt: skip
#: Texts and bytes are compared in small letters.
ANY_TEXT = sorted({form.lower() for form in WRITTEN})
ANY_BYTES = [form.encode(encoding) for form in ANY_TEXT for encoding in ("utf-8", "utf-16-le", "utf-16-be")]


def told_by(content: bytes) -> set[bytes]:
    """The secrets that stand in some bytes, in any of the ways in which programs write them."""
    content = content.lower()
    return {secret for secret in ANY_BYTES if secret in content}


def tells(values: Iterable[object]) -> set[str]:
    """Those of some values, as text, that tell a secret."""
    texts = [str(value) for value in values]
    everything = "\n".join(texts).lower()
    found = [secret for secret in ANY_TEXT if secret in everything]
    return {text for text in texts if any(secret in text.lower() for secret in found)}


# --- the files ------------------------------------------------------------------------------------------------------

#: What stands in columns of the survey tools' own, and in those that a contract names and does not read.
BY_HEADER = {
    "email": MAIL,
    "e-mail": MAIL,
    "email address": MAIL,
    "recipientemail": MAIL,
    "name": f"{FIRST} {LAST}",
    "first name": FIRST,
    "last name": LAST,
    "recipientfirstname": FIRST,
    "recipientlastname": LAST,
    "ipaddress": ADDRESS,
    "ip address": ADDRESS,
    "locationlatitude": LATITUDE,
    "locationlongitude": LONGITUDE,
    "custom data 1": f"{FIRST} {LAST}, {POSTCODES[0]}",
    "username": LEARNER,
    "id number": PUPIL,
    "upn": PUPIL,
    "date of birth": BIRTH_DATES[0],
    "dob": BIRTH_DATES[0],
    "mc_dob": BIRTH_DATES[0],
    "child": CHILD,
    "mother": "0",
}
BY_COLUMN = {
    "title": f"A farewell for {FIRST} {LAST}",
    "themes": f"{FIRST} said that {POSTCODES[0]} is home; call {MAIL}",
    "establishment_number": HOME_NUMBER,
    "home_postcode": POSTCODES[0],
    "placement_postcode": POSTCODES[1],
}
#: Columns of the tools' own that tell who answered, beside those that the plain export of ``FORMATS`` has.
MORE = {
    "qualtrics": ("RecipientLastName", "RecipientFirstName", "LocationLatitude", "LocationLongitude"),
    "surveymonkey": ("Last Name", "Custom Data 1"),
    "moodle_activity_progress": (),
    "moodle_course_completion": ("ID number", "Name"),
    "google_forms": ("Username",),
}


def is_personal(contract: Contract, dataset: str) -> bool:
    """Whether files of the dataset carry anything about a person."""
    return (
        contract.survey is not None
        or any(c.personal or c.masked for c in contract.columns)
        or bool(contract.not_needed and dataset.startswith("ssda903"))
    )


def planted(column: Column | None, header: str, cell: str, number: int) -> str:
    """The cell with an identifier in it, where the column is about a person."""
    if column is not None and column.personal == "pseudonymise" and column.headers[0] != "CHILD":
        # A person has an address in one system and a number in another.
        return f"{number}{MAIL}" if number % 2 else f"{LEARNER}{number}"
    if column is not None and column.name in BY_COLUMN:
        return BY_COLUMN[column.name]
    told = BY_HEADER.get(header.strip().lower())
    if told == CHILD:
        return f"{CHILD}{number}"
    if told is not None:
        return told
    if column is not None and column.personal == "drop" and column.type == "text":
        return f"{FIRST} {LAST}"
    return cell


def people(key: str, format_: Format) -> tuple[list[list[str]], list[list[str]]]:
    """Header and good rows of a format, each row about somebody."""
    contract = load_contracts()[format_.dataset]
    columns = {header: column for column in contract.columns for header in column.headers}
    rng = random.Random(key)
    header = [list(row) for row in format_.header]
    found = [format_.good(rng, number) for number in range(16)]
    for name in MORE.get(key, MORE.get(key.rpartition("-")[2], ())):
        header = [[*row, name if number == 0 else ""] for number, row in enumerate(header)]
        found = [[*row, ""] for row in found]
    names = header[0]
    if format_.dataset == "ssda903_oc3":
        # Care leavers are older.
        columns = {header: column for header, column in columns.items() if header != "DOB"}
        at = header[0].index("DOB")
        found = [[*row[:at], "17/05/2006", *row[at + 1 :]] for row in found]
        names = [name if name != "DOB" else "" for name in names]
    return header, [
        [planted(columns.get(h), h, cell, number) for h, cell in zip(names, row, strict=True)]
        for number, row in enumerate(found)
    ]


def with_mistakes(good: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows, and some of them again with what goes wrong: moved by a cell, cut off, too long, said otherwise."""
    spoiled = [[cell if at % 3 else "Q" for at, cell in enumerate(row)] for row in good[:2]]
    return [
        *map(list, good),
        *spoiled,
        [good[2][-1], *good[2][:-1]],
        [*good[3][1:], good[3][0]],
        ["", "", *good[4][:-2]],
        list(good[5][:-1]),
        [*good[6], f"{FIRST} {LAST}"],
        [*good[7][:-1], "Q"],
        list(good[8]),
    ]


def put_everything(inbox: Path) -> set[str]:
    """A file of each format about people, good and bad, and refused in every way; gives the datasets."""
    contracts = load_contracts()
    datasets, tools = set(), set()
    for number, (key, format_) in enumerate(FORMATS.items()):
        contract = contracts[format_.dataset]
        if not is_personal(contract, format_.dataset):
            continue
        tool = key.rpartition("-")[2]
        is_another = format_.dataset in datasets and tool in tools
        datasets.add(format_.dataset)
        tools.add(tool)
        name = Path(format_.name)
        # Each tool has a wave of its own, so that no file replaces another.
        stem = name.stem.replace("wave 2", f"wave {number}")

        def place(kind: str, ending: str = ".csv", key: str = key, name: Path = name, stem: str = stem) -> Path:
            return inbox / name.parts[0] / f"{key} {kind}" / name.parts[1] / f"{stem}{ending}"

        header, good = people(key, format_)
        sent = [*header[1:], *with_mistakes(good)]
        text = csv_text(header[0], sent)
        write(place("as sent"), text, age=100)
        headers = [*header[0], MAIL, f"Postcode {POSTCODES[0]}"]
        longer = [[*row, NEWER_ADDRESS, LAST] for row in good[9:]]
        write(place("more columns"), csv_text(headers, [*header[1:], *longer]), age=50)
        if "xlsx" in contract.formats:
            write_workbook(place("workbook", ".xlsx"), {"Sheet1": [*header, *with_mistakes(good)]}, age=60)
        less = [row[: len(row) // 2 - 1] + row[len(row) // 2 :] for row in (*header, *good)]
        refused = {
            "without a header": csv_text(good[0], good[1:]),
            "breaks off": text + '"' + ",".join(good[0]),
            "under the wrong header": csv_text([*good[0][:-1], MAIL], [header[0], *good]),
            "without a column": csv_text(less[0], less[1:]),
        }
        # The ways in which a file is refused are the same for all: half of them each, in turn, and of a survey once
        # for each tool.
        for kind in [] if is_another else list(refused)[number % 2 :: 2]:
            write(place(kind), refused[kind])
        if len(header) > 1:
            # Somebody took the second row out by hand.
            write(place("one header row"), csv_text(header[0], good), age=70)
    return datasets


CORRECTIONS = (
    ("training_bookings", "", f"Learner e-mail=1{MAIL}", "Learner name", f"{LAST}, {FIRST}"),
    ("ssda903_header", "", f"CHILD={CHILD}1", "DOB", "17-05-2011"),
    ("ssda903_episodes", "", f"CHILD={CHILD}2", "HOME_POST", POSTCODES[1]),
    ("events", "", f"Title={BY_COLUMN['title']}", "Title", f"{FIRST}'s farewell"),
    ("sector_group_attendance", "", f"E-mail={MAIL}", "Name", f"{LAST}, {FIRST}"),
    # Of a column that nothing reads.
    ("workforce_survey", "*microsoft_forms*", f"Email={MAIL}", "Name", f"{FIRST} {LAST} of {POSTCODES[0]}"),
    ("children_families_survey", "*qualtrics*", f"IP Address={ADDRESS}", "RecipientLastName", f"{LAST}-{FIRST}"),
)

# --- the search -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str], set[str]]:
    """A home after one run over all those files, what the run said, and the datasets that were sent."""
    home = make_home(tmp_path_factory.mktemp("homes") / "home")
    settings = [(f"S{n}", f"Setting {n}", "", "Health", "", "9", "01/09/2024") for n in range(40)]
    put_register(home, [*REGISTER_ROWS, *settings])
    datasets = put_everything(home.inbox)
    lines = [(*correction, "typed wrongly", "2025-10-01") for correction in CORRECTIONS]
    write(
        home.root / "corrections.csv",
        csv_text(("dataset", "file", "match", "column", "new_value", "reason", "date"), lines),
    )
    return home.root, impact("run", "--home", home.root, IMPACT_PSEUDONYM_KEY=KEY), datasets


def left_behind(root: Path) -> Iterator[Path]:
    """Every file of a home but those that were sent, and the published directory of postcodes."""
    for path in sorted(root.rglob("*")):
        below = path.relative_to(root)
        is_directory_of_postcodes = "postcode" in path.name and "reference" in below.parts
        is_sent = below.parts[0] in ("inbox", "reference", "corrections.csv")
        if path.is_file() and not is_sent and not is_directory_of_postcodes:
            yield path


def test_a_home_after_a_run_is_its_owners_alone_but_for_the_publication(
    after: tuple[Path, subprocess.CompletedProcess[str], set[str]],
) -> None:
    root = after[0]
    modes: dict[tuple[bool, bool], set[str]] = {}
    for path in root.rglob("*"):
        below = path.relative_to(root).parts[0]
        if below in ("inbox", "reference", "corrections.csv", "impact.yml") or path.is_symlink():
            continue
        its_kind = (below == "publications", path.is_dir())
        modes.setdefault(its_kind, set()).add(f"{stat.S_IMODE(path.stat().st_mode):o}")
    assert modes == {
        (True, True): {"750"},
        (True, False): {"640"},
        (False, True): {"700"},
        (False, False): {"600"},
    }
    assert stat.S_IMODE(root.stat().st_mode) & stat.S_IRWXO == 0


def test_the_files_were_read_refused_and_corrected(
    after: tuple[Path, subprocess.CompletedProcess[str], set[str]],
) -> None:
    root, ran, datasets = after
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    files = rows(
        "select dataset, status, rows_landed, rows_quarantined from read_parquet(?)",
        str(root / "landing" / "source_files.parquet"),
    )
    with_rows = {dataset for dataset, status, landed, quarantined in files if landed and quarantined}
    needed = {dataset for dataset in datasets if load_contracts()[dataset].not_needed is None}
    assert with_rows - {"organisations"} == needed
    assert sum(status == "refused" for _, status, *_ in files) > len(datasets)
    corrected = rows(
        "select distinct dataset from read_parquet(?) where rule = 'corrected'",
        str(root / "landing" / "findings.parquet"),
    )
    assert {dataset for (dataset,) in corrected} == {dataset for dataset, *_ in CORRECTIONS}


def test_no_byte_of_what_a_run_leaves_behind_tells_who_somebody_is(
    after: tuple[Path, subprocess.CompletedProcess[str], set[str]],
) -> None:
    root, ran, _ = after
    assert told_by((ran.stdout + ran.stderr).encode()) == set()
    leaks: dict[str, set[bytes]] = {}
    searched = 0
    for path in left_behind(root):
        content = path.read_bytes()
        searched += len(content)
        if secrets := told_by(content) | told_by(path.name.encode()):
            leaks[str(path.relative_to(root))] = secrets
    assert leaks == {}
    # Dagster's event log, dbt's and the run's own among them.
    assert searched > 10_000_000


def test_no_value_of_a_table_that_a_run_leaves_behind_tells_who_somebody_is(
    after: tuple[Path, subprocess.CompletedProcess[str], set[str]],
) -> None:
    root = after[0]
    leaks: set[tuple[str, str, str]] = set()
    searched = 0
    for path in left_behind(root):
        tables = {"": pq.read_table(path)} if path.suffix == ".parquet" else {}
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                # A view holds nothing of its own.
                named = con.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
                tables = {
                    table: con.sql(f'select * from "{schema}"."{table}"').to_arrow_table()
                    for schema, table in named
                    if "postcode" not in table
                }
        for called, table in tables.items():
            for name in table.column_names:
                values = set(map(str, table[name].to_pylist()))
                searched += len(values)
                leaks |= {(str(path.relative_to(root)), f"{called}.{name}", value[:80]) for value in tells(values)}
    assert leaks == set()
    assert searched > 10_000
