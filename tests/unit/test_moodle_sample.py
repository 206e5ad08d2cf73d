"""What the sample plants of people trained, worked out once more from its files alone: bookings and Moodle together."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from ingestion.sample import write_sample

#: Moodle course and activity (none for a whole course) → the course of the register and its level.
COUNTED = {
    ("tip101", "Introduction (e-learning)"): ("Trauma-informed practice: an introduction", "informed"),
    ("induction", "Adversity and resilience"): ("Adversity and resilience", "informed"),
    ("tsk201", None): ("Trauma-skilled practice", "skilled"),
    ("lead301", None): ("Leading trauma-informed change", "enhanced"),
}
FOR_LEADERS = "Leading trauma-informed change"


class Record(NamedTuple):
    """Somebody with a course, a day, and where they work as what; of a booking, with what became of it."""

    person: str
    course: str
    level: str
    is_core: bool
    day: str
    organisation: str
    role: str
    is_completed: bool = True


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample") / "home").root


@pytest.fixture(scope="module")
def organisations(home: Path) -> dict[str, str]:
    """Every name and alias of every organisation → its id."""
    known = {}
    for path in sorted((home / "inbox" / "organisations").iterdir()):
        for row in dicts(path):
            aliases = row.get("Also known as") or row.get("Aliases") or ""
            for name in (row["Organisation"], *aliases.split(";")):
                known[name.strip()] = row["Organisation ID"]
    return known


@pytest.fixture(scope="module")
def bookings(home: Path, organisations: dict[str, str]) -> list[Record]:
    """The bookings in force: of two reports of one, the later."""
    found = {}
    for path in sorted((home / "inbox" / "training").iterdir(), key=lambda p: p.stat().st_mtime):
        for cells in good_rows(home, path):
            person, _, course, level, core, day, status, employer, role, _ = cells
            day = "-".join(reversed(day.split("/")))
            found[person, course, day] = Record(
                person, course, level.lower(), core == "Yes", day, organisations[employer], role, status == "Completed"
            )
    return list(found.values())


@pytest.fixture(scope="module")
def in_moodle(home: Path, organisations: dict[str, str], bookings: list[Record]) -> list[Record]:
    """The completions in Moodle of courses of the register, by people whose organisation is known."""
    booked = defaultdict(list)
    for booking in bookings:
        booked[booking.person].append(booking)
    found = []
    for person, employer, course, level, day in moodle_completions(home):
        theirs = [b for b in booked[person] if not employer or b.organisation == organisations[employer]]
        before = [b for b in theirs if b.day <= day]
        nearest = max(before, key=lambda b: b.day) if before else min(theirs, key=lambda b: b.day, default=None)
        organisation = organisations[employer] if employer else nearest.organisation if nearest else None
        if organisation is not None:
            role = nearest.role if nearest else ""
            found.append(Record(person, course, level, True, day, organisation, role))
    return found


def dicts(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cells_of(path: Path) -> list[list[str]]:
    """Every row of a CSV file, also of what Moodle calls an Excel CSV."""
    is_wide = path.read_bytes().startswith(b"\xff\xfe")
    with path.open(encoding="utf-16" if is_wide else "utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t" if is_wide else ","))


def good_rows(home: Path, path: Path) -> list[list[str]]:
    """The rows of a file without its header and without those that the truth says are quarantined."""
    name = path.relative_to(home / "inbox").as_posix()
    bad = {row["source_row"] for row in dicts(home / "truth" / "quarantine.csv") if row["file_name"] == name}
    return [cells for number, cells in enumerate(cells_of(path)[1:], 2) if str(number) not in bad]


def moodle_completions(home: Path) -> Iterator[tuple[str, str, str, str, str]]:
    """Person, institution, course, its level and day of every completion in the newest export of each Moodle course."""
    newest: dict[tuple[str, str], Path] = {}
    for path in sorted((home / "inbox" / "moodle").iterdir(), key=lambda p: p.stat().st_mtime):
        kind, course = re.fullmatch(r"(progress|completion)[.-](.+?)(?: \(\d+\))?", path.stem).groups()  # type: ignore[union-attr]
        newest[kind, course] = path
    for (kind, course), path in newest.items():
        header = cells_of(path)[0]
        rows = {tuple(row[1 if kind == "progress" else 2 :]): row for row in good_rows(home, path)}.values()
        for (moodle_course, activity), counted in COUNTED.items():
            if moodle_course != course or (activity is None) != (kind == "completion"):
                continue
            for row in rows:
                if activity is None:
                    if row[6]:
                        yield row[2], row[3], *counted, f"{datetime.strptime(row[6], '%d/%m/%y, %H:%M'):%Y-%m-%d}"
                    continue
                at = header.index(activity)
                if row[at].startswith("Completed"):
                    yield row[1], row[2], *counted, row[at + 1][:10]


def latest(records: list[Record]) -> dict[str, Record]:
    return {record.person: record for record in sorted(records, key=lambda r: r.day)}


def test_people_trained_are_those_of_the_bookings_and_of_moodle_each_once(
    home: Path, bookings: list[Record], in_moodle: list[Record]
) -> None:
    year, began, ended = "2024/25", "2022-09-01", "2025-08-31"
    done = [r for r in (*bookings, *in_moodle) if r.is_completed and began <= r.day <= ended]
    core = [r for r in done if r.is_core]
    last = latest(core)
    staff = {
        (row["Organisation ID"], row["Role"]): int(row["Head count"])
        for row in dicts(home / "inbox/organisations/register_2024-09.csv")
    }
    everyone = {organisation: count for (organisation, role), count in staff.items() if role == "All"}
    counts = [row for row in dicts(home / "truth" / "indicator_counts.csv") if row["period"] == year]
    take_up = {
        (row["organisation_id"], row["breakdown_value"]): (int(row["numerator"]), int(row["denominator"]))
        for row in counts
        if row["indicator_id"] == "training_take_up" and (row["sector"] == "total" or row["organisation_id"] != "total")
    }
    assert {row["source_dataset"] for row in counts if row["indicator_id"] == "training_take_up"} == {
        "training_records"
    }
    assert take_up["total", "total"] == (len(last), sum(everyone.values()))
    by_organisation = Counter(record.organisation for record in last.values())
    assert {key[0]: count for key, count in take_up.items() if key[0] != "total"} == {
        organisation: (by_organisation[organisation], count) for organisation, count in everyone.items()
    }
    # A small organisation whose staff change: more people trained than work there at once.
    assert sum(by_organisation[organisation] > count for organisation, count in everyone.items()) == 1
    by_level = Counter(level for level, _ in {(record.level, record.person) for record in core})
    by_role = Counter(record.role for record in last.values())
    for level in ("informed", "skilled", "enhanced"):
        assert take_up["total", level][0] == by_level[level]
    for label, role in (("Senior leader", "leader"), ("Practitioner", "practitioner"), ("Volunteer", "volunteer")):
        assert take_up["total", role][0] == by_role[label]

    leaders = [r for r in latest([r for r in done if r.course == FOR_LEADERS]).values() if r.role == "Senior leader"]
    trained = next(r for r in counts if r["indicator_id"] == "leaders_trained" and r["sector"] == "total")
    assert (trained["source_dataset"], int(trained["numerator"])) == ("training_records", len(leaders))


def test_some_people_are_in_both_systems_and_some_have_no_organisation_anywhere(
    home: Path, bookings: list[Record], in_moodle: list[Record]
) -> None:
    booked = {record.person for record in bookings if record.is_completed}
    moodled = {record.person for record in in_moodle}
    assert len(booked & moodled) > 100
    assert len(moodled - booked) > 100
    unknown = {person for person, *_ in moodle_completions(home)} - moodled
    assert len(unknown) > 10
    assert any(record.role == "" for record in in_moodle)


def test_the_report_that_is_sent_again_holds_the_mistakes_of_the_first_put_right(home: Path) -> None:
    first, again = (cells_of(home / "inbox/moodle" / f"progress.tip101{copy}.csv") for copy in ("", " (1)"))
    wrong = Counter(row["file_name"] for row in dicts(home / "truth" / "quarantine.csv"))
    assert len(first) == len(again)
    assert (wrong["moodle/progress.tip101.csv"], wrong["moodle/progress.tip101 (1).csv"]) == (3, 0)
    states = [sum(cell.startswith("Completed") for row in rows for cell in row) for rows in (first, again)]
    assert states[1] > states[0] + 50
