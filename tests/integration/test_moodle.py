"""Moodle's reports and the register of courses, in the layouts that people receive, landed value by value."""

from __future__ import annotations

import codecs
import csv
import io
import shutil
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pytest

from ingestion.findings import MASK
from ingestion.home import Home, open_home
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.pseudonyms import KEY_VARIABLE, load_key
from tests.integration.builders import (
    TRAINING_HEADER,
    booking,
    csv_text,
    every_text,
    findings,
    landed,
    make_home,
    put_register,
    rows,
    source_files,
    write,
)

ACTIVITIES, WHOLE, COURSES = "moodle_activity_progress", "moodle_course_completion", "training_courses"
#: As Moodle writes it with five identity fields: nothing over the name, and the expected date over an activity's date.
ACTIVITIES_HEADER = (
    "", "ID number", "Email address", "Department", "Institution",
    "Welcome", "", "E-learning: what is trauma?", "2025-10-01 00:00:00", "Final quiz", "",
)  # fmt: skip
ACTIVITIES_COLUMNS = "course_short_name, person_id, organisation_id, activity, completion_state, completed_date"
WHOLE_HEADER = (
    "ID", "Name", "Email address", "Institution", "Final quiz", "Final quiz - Completion date", "Course complete",
)  # fmt: skip
PASSED, FAILED = "Completed (achieved pass grade)", "Completed (did not achieve pass grade)"


@pytest.fixture(autouse=True)
def _demonstration_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = make_home(tmp_path_factory.mktemp("settled") / "home")
    put_register(made)
    land_inbox(made)
    return made


@pytest.fixture
def home(settled: Home, tmp_path: Path) -> Home:
    """A home whose register of organisations has landed."""
    return open_home(shutil.copytree(settled.root, tmp_path / "home"))


def person(address: str) -> str:
    return load_key().pseudonym("learner", address)


def learner(
    name: str = "Ann Smith",
    address: str = "ann@school.example",
    institution: str = "Ashfield",
    *states: str,
) -> tuple[str, ...]:
    """One learner of the report on activities: the state and the date of each of the three activities."""
    given = states or ("Completed", "2025-09-01 09:00:00", "Not completed", "", PASSED, "2025-09-03 10:11:12")
    return (name, "E123", address, "Year 4", institution, *given)


def quoted(header: Sequence[str], records: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """As Moodle writes it: every cell in quotation marks but the empty one that the header begins with."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([header, *records])
    return text.getvalue().removeprefix('""')


def excel_csv(header: Sequence[str], records: Iterable[Sequence[str]]) -> bytes:
    """What Moodle calls an Excel CSV: UTF-16, the lower byte first, with a mark, and tabs."""
    return codecs.BOM_UTF16_LE + quoted(header, records, "\t").encode("utf-16-le")


def run(home: Home) -> dict[str, FileReport]:
    """Land the inbox; the reports by file name, whose rows must add up."""
    reports = land_inbox(home)
    for report in reports:
        assert report.rows_read == report.rows_landed + report.rows_quarantined + report.rows_dropped
        assert report.rows_dropped == sum(report.dropped_by_rule.values())
    return {report.file_name: report for report in reports}


def activities(home: Home, *learners: tuple[str, ...], name: str = "moodle/progress.tip101.csv") -> FileReport:
    """What becomes of a report on activities."""
    write(home.inbox / name, quoted(ACTIVITIES_HEADER, learners))
    return run(home)[name]


def whole(home: Home, *learners: tuple[str, ...], name: str = "moodle/completion-tip101.csv") -> FileReport:
    """What becomes of a report on a whole course."""
    write(home.inbox / name, csv_text(WHOLE_HEADER, learners))
    return run(home)[name]


def said(report: FileReport) -> list[tuple[int | None, str | None, str, str | None]]:
    return [(f.source_row, f.column_name, f.rule, f.value) for f in report.findings]


def kept_bytes(home: Home) -> bytes:
    """All that landing and quarantine hold: the files' bytes, and the texts that are compressed in them."""
    folders = (home.landing, home.quarantine)
    whole = b"\n".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())
    return whole + "\n".join(text for folder in folders for text in sorted(every_text(folder))).encode()


# --- activities ----------------------------------------------------------------------------------------------------

MIXED = (
    learner(),
    learner(
        "Bob Jones", "BOB@school.example", "", "Completed (set by Joe Bloggs)", "2025-09-02 09:00:00",
        f"{FAILED} (set by Joan O'Bloggs-Smythe)", "2025-09-04 23:59:59", FAILED, "2025-09-05 10:00:00",
    ),
    learner(
        "Cy Dean", "cy@centre.example", "moorside  FAMILY centre", "", "", "Not completed (set by Joe Bloggs)",
        "2025-09-06 10:00:00", f"{PASSED} (set by Joe Bloggs)", "2025-09-07 10:00:00",
    ),
)  # fmt: skip
MIXED_LANDED = [
    ("ann@school.example", "ORG1", "E-learning: what is trauma?", "not_completed", None),
    ("ann@school.example", "ORG1", "Final quiz", "completed", date(2025, 9, 3)),
    ("ann@school.example", "ORG1", "Welcome", "completed", date(2025, 9, 1)),
    ("bob@school.example", None, "E-learning: what is trauma?", "failed", date(2025, 9, 4)),
    ("bob@school.example", None, "Final quiz", "failed", date(2025, 9, 5)),
    ("bob@school.example", None, "Welcome", "completed", date(2025, 9, 2)),
    ("cy@centre.example", "ORG2", "E-learning: what is trauma?", "not_completed", date(2025, 9, 6)),
    ("cy@centre.example", "ORG2", "Final quiz", "completed", date(2025, 9, 7)),
]


def landed_of(course: str) -> list[tuple[object, ...]]:
    return [(course, person(address), *rest) for address, *rest in MIXED_LANDED]


def test_a_learner_is_as_many_rows_as_activities_that_the_report_says_anything_of(home: Home) -> None:
    report = activities(home, *MIXED)
    assert (report.status, report.dataset, report.findings) == ("landed", ACTIVITIES, [])
    assert (report.rows_read, report.rows_landed) == (3, 3)
    found = landed(home, ACTIVITIES, f"{ACTIVITIES_COLUMNS}, source_row, vintage_id", "source_row, activity")
    assert [row[:6] for row in found] == landed_of("tip101")
    assert [row[6:] for row in found] == [(at, report.vintage_id) for at in (2, 2, 2, 3, 3, 3, 4, 4)]


def test_an_excel_csv_lands_as_the_csv_does(home: Home) -> None:
    write(home.inbox / "moodle/progress.tip101.csv", excel_csv(ACTIVITIES_HEADER, MIXED))
    report = run(home)["moodle/progress.tip101.csv"]
    assert (report.status, report.rows_read, report.rows_landed, report.findings) == ("landed", 3, 3, [])
    assert landed(home, ACTIVITIES, ACTIVITIES_COLUMNS, "source_row, activity") == landed_of("tip101")


@pytest.mark.parametrize(
    ("name", "course"),
    [
        ("progress.tip101.csv", "tip101"),
        ("Progress.tip101 (1).csv", "tip101"),
        ("progress.tip101(12).csv", "tip101"),
        ("progress.Skilled practice 2025.csv", "Skilled practice 2025"),
        ("progress_TIP-101_a.csv", "TIP-101_a"),
    ],
)
def test_the_short_name_is_what_the_file_s_name_says_without_a_browser_s_number(
    home: Home, name: str, course: str
) -> None:
    activities(home, learner(), name=f"Moodle/{name}")
    assert landed(home, ACTIVITIES, "distinct course_short_name", "1") == [(course,)]


def test_a_file_whose_name_says_no_course_is_refused_with_a_name_to_follow(home: Home) -> None:
    report = activities(home, learner(), name="moodle/export.csv")
    assert (report.status, report.rows_landed) == ("refused", 0)
    [finding] = report.findings
    assert finding.rule == "course_short_name_not_known"
    assert finding.remedy == ("Write the course short name, as in “progress.tip101.csv”, into its file or folder name.")


def test_nobody_s_name_is_kept_neither_the_learner_s_nor_that_of_who_set_the_state(home: Home) -> None:
    unclear = learner("Dee Eastwood", "dee@school.example", "Ashfield", "Ended by Joe Bloggs", "", "", "", "", "")
    nameless = learner("Flo Grimshaw", "", "Ashfield")
    activities(home, *MIXED, unclear, nameless)
    whole(home, ("17", "Hal Ibbotson", "hal@school.example", "Ashfield", "Completed", "", "32/10/25, 09:15"))
    write(home.inbox / "moodle/progress.tip102.csv", excel_csv(ACTIVITIES_HEADER, [unclear, *MIXED]))
    run(home)
    kept = kept_bytes(home)
    assert b"unknown_code" in kept
    assert b"Final quiz" in kept
    for secret in (
        "Smith", "Jones", "Bloggs", "Eastwood", "Grimshaw", "Ibbotson", "Ann", "Ended by", "set by", "school.example",
        "centre.example", "E123", "Year 4",
    ):  # fmt: skip
        assert secret.encode() not in kept, secret


def test_an_unknown_state_is_quarantined_and_not_shown(home: Home) -> None:
    report = activities(
        home, learner(), learner("Bob", "bob@school.example", "", "Finished by Joe Bloggs", "", "", "", "", "")
    )
    assert (report.rows_landed, report.rows_quarantined) == (1, 1)
    assert said(report) == [(3, "Welcome", "unknown_code", MASK)]
    assert report.findings[0].message == (
        f"“{MASK}” is not one of the codes (Completed, Not completed, Completed (achieved pass grade), "
        "Completed (did not achieve pass grade))"
    )
    assert findings(home, "source_row, rule, value") == [(3, "unknown_code", MASK)]


def test_of_a_row_with_several_mistakes_each_is_said_and_nothing_lands(home: Home) -> None:
    row = learner("Bob", "", "Nonesuch Academy", "Completed", "31/09/2025 10:00", "Completed", "soon", "", "")
    report = activities(home, row)
    assert (report.rows_landed, report.rows_quarantined) == (0, 1)
    # Of a row whose cells may have shifted no longer text is shown; a column without a header is called by its letter.
    assert said(report) == [
        (2, "Email address", "required", None),
        (2, "Institution", "unknown_organisation", MASK),
        (2, "G", "not_a_date", MASK),
        (2, "2025-10-01 00:00:00", "not_a_date", "soon"),
    ]


def test_a_learner_without_an_address_is_quarantined_because_nothing_tells_who_it_is(home: Home) -> None:
    report = activities(home, learner(address=""), learner("Bob", "bob@school.example"))
    assert said(report) == [(2, "Email address", "required", None)]
    assert landed(home, ACTIVITIES, "distinct person_id", "1") == [(person("bob@school.example"),)]


def test_an_unknown_institution_is_quarantined_with_the_nearest_name(home: Home) -> None:
    report = activities(home, learner(institution="Moorsyde Family Center"))
    assert said(report) == [(2, "Institution", "unknown_organisation", "Moorsyde Family Center")]
    assert "nearest: “Moorside Family Centre”" in report.findings[0].message


def test_an_export_without_institutions_lands_without_organisations(home: Home) -> None:
    name = "moodle/progress.tip101.csv"
    header = ("", "Email address", "Welcome", "")
    write(home.inbox / name, quoted(header, [("Ann", "ann@school.example", "Completed", "2025-09-01 09:00:00")]))
    assert run(home)[name].findings == []
    assert landed(home, ACTIVITIES, ACTIVITIES_COLUMNS) == [
        ("tip101", person("ann@school.example"), None, "Welcome", "completed", date(2025, 9, 1))
    ]


def test_an_export_without_addresses_is_refused_and_says_what_is_missing(home: Home) -> None:
    progress, completion = "moodle/progress.tip101.csv", "moodle/completion-tip101.csv"
    write(
        home.inbox / progress,
        quoted(("", "ID number", "Welcome", ""), [("Ann", "E123", "Completed", "2025-09-01 09:00:00")]),
    )
    write(
        home.inbox / completion,
        csv_text(("ID", "Name", "Institution", "Course complete"), [("3", "Ann", "Ashfield", "3/10/25, 09:15")]),
    )
    reports = run(home)
    assert [reports[name].status for name in (progress, completion)] == ["refused", "refused"]
    [first], [second] = reports[progress].findings, reports[completion].findings
    assert first.rule == "not_recognised"
    assert "Moodle activity completion: Email address" in first.remedy
    assert (second.rule, second.message) == (
        "header_missing",
        "it looks like “Moodle course completion”, but these columns are missing: “Email address” (or “Email”)",
    )
    assert landed(home, ACTIVITIES, "person_id") == landed(home, WHOLE, "person_id") == []


def test_a_newer_export_of_a_course_replaces_the_older_one_and_no_other_course(home: Home) -> None:
    def of(name: str, address: str, state: str, age: int) -> None:
        row = learner("A", address, "Ashfield", state, "2025-09-01 09:00:00", "", "", "", "")
        write(home.inbox / name, quoted(ACTIVITIES_HEADER, [row]), age=age)

    of("moodle/progress.tip101.csv", "ann@school.example", "Not completed", 30)
    of("moodle/progress.tip102.csv", "bob@school.example", "Completed", 20)
    of("moodle/progress.tip101 (1).csv", "cy@school.example", "Completed", 10)
    reports = run(home)
    assert {report.status for name, report in reports.items() if name.startswith("moodle")} == {"landed"}
    assert landed(home, ACTIVITIES, "course_short_name, person_id, completion_state") == [
        ("tip102", person("bob@school.example"), "completed"),
        ("tip101", person("cy@school.example"), "completed"),
    ]
    in_force = source_files(home, "dataset, file_name, submission, is_current")
    assert [row[1:] for row in in_force if row[0] == ACTIVITIES] == [
        ("moodle/progress.tip101.csv", "course_short_name=tip101", False),
        ("moodle/progress.tip102.csv", "course_short_name=tip102", True),
        ("moodle/progress.tip101 (1).csv", "course_short_name=tip101", True),
    ]


def test_a_learner_who_stands_there_twice_counts_once_and_contradictions_are_said(home: Home) -> None:
    otherwise = learner("Ann", "ANN@school.example ", "Ashfield", "Not completed", "", "", "", "", "")
    report = activities(home, learner(), learner("Ann Smith-Lee"), otherwise, learner("Bob", "bob@school.example"))
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (4, 2, 1)
    assert report.dropped_by_rule == {"duplicate_row": 1}
    assert said(report) == [(4, "Email address", "duplicate_key", MASK)]
    found = landed(home, ACTIVITIES, "person_id, source_row", "source_row")
    assert sorted(set(found)) == sorted([(person("ann@school.example"), 2), (person("bob@school.example"), 5)])
    assert len(found) == 6


def test_a_file_of_only_a_header_lands_as_nothing_and_takes_the_place_of_the_older_one(home: Home) -> None:
    write(home.inbox / "moodle/progress.tip101.csv", quoted(ACTIVITIES_HEADER, [learner()]), age=20)
    run(home)
    assert len(landed(home, ACTIVITIES, "activity")) == 3
    report = activities(home, name="moodle/progress.tip101 (1).csv")
    assert (report.status, report.rows_read, report.rows_landed, report.findings) == ("landed", 0, 0, [])
    assert whole(home).rows_read == 0
    assert landed(home, ACTIVITIES, "activity") == landed(home, WHOLE, "person_id") == []


@pytest.mark.parametrize(
    "header",
    [
        ("", "Email address", "Welcome", "", "Final quiz"),
        ("", "Email address", "Telephone (home)", "Welcome", "", "Final quiz", ""),
        ("", "Email address", "Institution"),
        ("", "Email address", "", "", "Welcome", ""),
    ],
)
def test_columns_that_do_not_pair_are_refused(home: Home, header: tuple[str, ...]) -> None:
    name = "moodle/progress.tip101.csv"
    cells = ("Ann", "ann@school.example", *("Completed" for _ in header[2:]))
    write(home.inbox / name, quoted(header, [cells]))
    report = run(home)[name]
    assert (report.status, report.rows_read) == ("refused", 0)
    [finding] = report.findings
    assert (finding.rule, finding.message) == (
        "columns_do_not_pair",
        "behind the columns about the person, there should be 2 for each activity",
    )
    assert landed(home, ACTIVITIES, "activity") == []


def test_two_activities_of_one_name_are_two_activities(home: Home) -> None:
    name = "moodle/progress.tip101.csv"
    header = ("", "Email address", "Quiz", "", "Welcome", "", "quiz", "", "Quiz ", "2025-10-01 00:00:00")
    states = ("Completed", "2025-09-01 09:00:00", "", "", "", "", "Not completed", "")
    write(home.inbox / name, quoted(header, [("Ann", "ann@school.example", *states)]))
    assert run(home)[name].findings == []
    assert landed(home, ACTIVITIES, "activity, completion_state", "source_row, activity") == [
        ("Quiz", "completed"),
        ("Quiz (2)", "not_completed"),
    ]


def test_an_activity_called_like_a_field_about_the_person_is_an_activity(home: Home) -> None:
    name = "moodle/progress.tip101.csv"
    header = ("", "Email address", "Country", "Welcome", "", "Phone", "")
    states = ("UK", "Completed", "2025-09-01 09:00:00", "Completed", "2025-09-02 09:00:00")
    write(home.inbox / name, quoted(header, [("Ann", "ann@school.example", *states)]))
    assert run(home)[name].findings == []
    assert landed(home, ACTIVITIES, "activity, completed_date", "source_row, activity") == [
        ("Phone", date(2025, 9, 2)),
        ("Welcome", date(2025, 9, 1)),
    ]


def test_a_state_that_was_set_in_the_future_is_quarantined(home: Home) -> None:
    report = activities(
        home,
        learner("Ann", "ann@school.example", "", "Completed", "2149-09-01 09:00:00", "", "", "", "2149-10-01 09:00:00"),
        learner("Bob", "bob@school.example"),
    )
    assert (report.rows_landed, report.rows_quarantined) == (1, 1)
    assert said(report) == [
        (2, "G", "set_by_now", "2149-09-01 09:00:00"),
        (2, "K", "set_by_now", "2149-10-01 09:00:00"),
    ]


def test_a_separator_at_the_end_of_each_row_is_no_activity(home: Home) -> None:
    name = "moodle/progress.tip101.csv"
    header = ("", "Email address", "Welcome", "", "")
    write(home.inbox / name, quoted(header, [("Ann", "ann@school.example", "Completed", "2025-09-01 09:00:00", "")]))
    assert run(home)[name].status == "landed"
    assert landed(home, ACTIVITIES, "activity, completed_date") == [("Welcome", date(2025, 9, 1))]


def test_a_cell_with_a_comma_a_quotation_mark_or_a_line_break_is_one_cell(home: Home) -> None:
    name = "moodle/progress.tip101.csv"
    header = ("", "Email address", 'Module 1, "why"\nit matters', "")
    write(
        home.inbox / name,
        quoted(header, [('Smith, "Ann"\nMary', "ann@school.example", "Completed", "2025-09-01 09:00:00")]),
    )
    assert run(home)[name].rows_landed == 1
    assert landed(home, ACTIVITIES, "activity") == [('Module 1, "why" it matters',)]


def test_checking_an_export_says_what_landing_would_and_keeps_nothing(home: Home) -> None:
    path = write(home.inbox / "moodle/progress.tip101.csv", quoted(ACTIVITIES_HEADER, [learner(address="")]))
    report = check_file(path, home)
    assert said(report) == [(2, "Email address", "required", None)]
    assert landed(home, ACTIVITIES, "activity") == []


# --- whole courses -------------------------------------------------------------------------------------------------


def test_a_whole_course_lands_with_the_day_of_its_completion_alone(home: Home) -> None:
    report = whole(
        home,
        ("3", "Ann Smith", "ann@school.example", "Ashfield", "Completed", "3/10/25, 09:15", "3/10/25, 09:15"),
        ("4", "Bob Jones", "Bob@School.example", "", "Completed", "4/10/25, 23:59", "14/10/2025, 23:59"),
        ("5", "Cy Dean", "cy@centre.example", "Moorside Family Centre", "Not completed", "", ""),
        ("6", "Dee East", "dee@school.example", "Ashfield Primary", "Completed", "", "2025-10-04 08:00:00"),
    )
    assert (report.status, report.dataset, report.findings) == ("landed", WHOLE, [])
    columns = "course_short_name, person_id, organisation_id, completed_date, source_row"
    assert landed(home, WHOLE, columns) == [
        ("tip101", person("ann@school.example"), "ORG1", date(2025, 10, 3), 2),
        ("tip101", person("bob@school.example"), None, date(2025, 10, 14), 3),
        ("tip101", person("cy@centre.example"), "ORG2", None, 4),
        ("tip101", person("dee@school.example"), "ORG1", date(2025, 10, 4), 5),
    ]


def test_days_of_completion_that_cannot_be_are_quarantined(home: Home) -> None:
    report = whole(
        home,
        ("3", "Ann", "ann@school.example", "", "", "", "10/31/25, 09:15"),
        ("4", "Bob", "bob@school.example", "", "", "", "3/10/49, 09:15"),
        ("5", "Cy", "cy@centre.example", "Nonesuch", "", "", "3/10/25, 09:15"),
        ("6", "Dee", "", "", "", "", "3/10/25, 09:15"),
    )
    assert said(report) == [
        (2, "Course complete", "not_a_date", "10/31/25, 09:15"),
        (3, "Course complete", "completed_by_now", "3/10/49, 09:15"),
        (4, "Institution", "unknown_organisation", "Nonesuch"),
        (5, "Email address", "required", None),
    ]
    assert landed(home, WHOLE, "person_id") == []


def test_a_learner_twice_in_a_whole_course_counts_once(home: Home) -> None:
    report = whole(
        home,
        ("3", "Ann", "ann@school.example", "Ashfield", "Completed", "", "3/10/25, 09:15"),
        ("3", "Ann Smith", "Ann@school.example", "Ashfield Primary", "", "", "3/10/25, 17:00"),
        ("9", "Ann", "ann@school.example", "Ashfield", "", "", ""),
    )
    assert (report.rows_landed, report.rows_quarantined, report.dropped_by_rule) == (1, 1, {"duplicate_row": 1})
    assert said(report) == [(4, "Email address", "duplicate_key", MASK)]
    assert landed(home, WHOLE, "completed_date") == [(date(2025, 10, 3),)]


def test_a_newer_report_on_a_whole_course_replaces_the_older_one_and_leaves_the_activities(home: Home) -> None:
    activities(home, learner())
    first = ("3", "Ann", "ann@school.example", "Ashfield", "", "", "")
    write(home.inbox / "moodle/completion-tip101.csv", csv_text(WHOLE_HEADER, [first]), age=20)
    other = ("4", "Bob", "bob@school.example", "Ashfield", "", "", "")
    write(home.inbox / "moodle/completion-tsk201.csv", csv_text(WHOLE_HEADER, [other]), age=15)
    again = (*first[:6], "3/10/25, 09:15")
    whole(home, again, name="moodle/completion-tip101 (1).csv")
    assert landed(home, WHOLE, "course_short_name, completed_date") == [
        ("tsk201", None),
        ("tip101", date(2025, 10, 3)),
    ]
    assert len(landed(home, ACTIVITIES, "activity")) == 3


def test_one_address_is_one_person_in_moodle_and_in_the_bookings(home: Home) -> None:
    write(home.inbox / "training/bookings.csv", csv_text(TRAINING_HEADER, [booking(learner="Ann@school.example")]))
    activities(home, learner(address="ann@school.example "))
    whole(home, ("3", "Ann", " ANN@SCHOOL.example", "", "", "", ""))
    people = {
        who for dataset in (ACTIVITIES, WHOLE, "training_bookings") for (who,) in landed(home, dataset, "person_id")
    }
    assert people == {person("ann@school.example")}


def test_the_same_bytes_under_the_name_of_another_course_are_refused_as_a_slip_of_the_name(home: Home) -> None:
    row = ("3", "Ann", "ann@school.example", "Ashfield", "", "", "3/10/25, 09:15")
    write(home.inbox / "moodle/completion-tip101.csv", csv_text(WHOLE_HEADER, [row]), age=20)
    report = whole(home, row, name="moodle/completion-tip102.csv")
    assert (report.status, [finding.rule for finding in report.findings]) == ("refused", ["sent_as_another"])
    assert landed(home, WHOLE, "course_short_name") == [("tip101",)]


# --- the register of courses ---------------------------------------------------------------------------------------

COURSES_HEADER = ("Course", "Also known as", "Level", "Core", "For leaders")
COURSES_COLUMNS = "course, aliases, course_level, is_core, is_for_leaders"


def test_the_register_of_courses_lands_with_every_name_apart(home: Home) -> None:
    name = "training/courses.csv"
    write(
        home.inbox / name,
        csv_text(
            COURSES_HEADER,
            [
                ("Trauma basics", "tip101; E-learning: what is trauma? ;;Final quiz", "Informed", "Yes", "No"),
                ("Leading change", "", "enhanced", "no", "yes"),
                ("Formulation", "tsp400", "Specialist", "Y", ""),
            ],
        ),
    )
    report = run(home)[name]
    assert (report.status, report.dataset, report.findings) == ("landed", COURSES, [])
    assert landed(home, COURSES, COURSES_COLUMNS) == [
        ("Trauma basics", ["tip101", "E-learning: what is trauma?", "Final quiz"], "informed", True, False),
        ("Leading change", None, "enhanced", False, True),
        ("Formulation", ["tsp400"], "specialist", True, False),
    ]


def test_a_register_of_courses_without_leaders_or_aliases_has_none(home: Home) -> None:
    name = "training/courses.csv"
    write(home.inbox / name, csv_text(("Course name", "Aliases", "Course level", "Core course"), [
        ("Trauma basics", "", "Informed", "Yes"),
    ]))  # fmt: skip
    assert run(home)[name].dataset == COURSES
    assert landed(home, COURSES, COURSES_COLUMNS) == [("Trauma basics", None, "informed", True, False)]


def test_bad_rows_of_the_register_of_courses_are_quarantined(home: Home) -> None:
    name = "training/courses.csv"
    write(
        home.inbox / name,
        csv_text(
            COURSES_HEADER,
            [
                ("Trauma basics", "", "Beginner", "Yes", "No"),
                ("", "", "Informed", "Yes", "No"),
                ("Leading change", "", "Enhanced", "perhaps", "No"),
                ("Formulation", "", "Specialist", "", "No"),
                ("Reflection", "ask ann@school.example", "Specialist", "Yes", "No"),
                ("Skilled practice", "", "Skilled", "Yes", "No"),
                ("Skilled practice", "", "Enhanced", "Yes", "No"),
            ],
        ),
    )
    report = run(home)[name]
    assert [(row, column, rule) for row, column, rule, _ in said(report)] == [
        (2, "Level", "unknown_code"),
        (3, "Course", "required"),
        (4, "Core", "not_yes_or_no"),
        (5, "Core", "required"),
        (6, "Also known as", "holds_an_address"),
        (8, "Course", "duplicate_key"),
    ]
    assert landed(home, COURSES, "course, course_level") == [("Skilled practice", "skilled")]


def test_bookings_are_not_taken_for_the_register_of_courses(home: Home) -> None:
    name = "training/bookings.csv"
    header = (*TRAINING_HEADER, "Core", "Also known as")
    write(home.inbox / name, csv_text(header, [(*booking(), "Yes", "")]))
    assert run(home)[name].dataset == "training_bookings"
    assert rows("select count(*) from read_parquet(?)", str(home.landing / COURSES / "*.parquet")) == [(0,)]
