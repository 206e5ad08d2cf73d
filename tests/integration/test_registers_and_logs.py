"""Register, bookings and the logs that partnerships keep by hand: each in its layout with its traps, row by row."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.home import Home, open_home
from ingestion.landing import FileReport, land_inbox
from ingestion.pseudonyms import KEY_VARIABLE, load_key
from ingestion.sample import Size, write_sample
from tests.commands import impact
from tests.integration.builders import (
    REGISTER_HEADER,
    csv_text,
    every_text,
    findings,
    landed,
    make_home,
    put_register,
    write,
    write_workbook,
)


@pytest.fixture(autouse=True)
def _demonstration_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose inbox holds a register: ORG1 (also called Ashfield) and ORG2 (Moorside Family Centre)."""
    made = make_home(tmp_path / "home")
    put_register(made)
    return made


def land(home: Home, name: str) -> FileReport:
    """Land the inbox; the report on one file, which must account for its rows."""
    report = {report.file_name: report for report in land_inbox(home)}[name]
    assert report.rows_read == report.rows_landed + report.rows_quarantined + report.rows_dropped
    return report


def errors(home: Home, dataset: str) -> list[tuple[object, ...]]:
    """Row, header and rule of everything in quarantine of a dataset."""
    found = findings(home, "dataset, severity, source_row, column_name, rule")
    return sorted(row[2:] for row in found if row[:2] == (dataset, "error"))


def pseudonym(domain: str, *parts: str) -> str:
    return load_key().pseudonym(domain, "|".join(parts))


# --- sector sub-groups --------------------------------------------------------------------------------------------


def test_an_attendance_list_under_a_title_lands_a_row_per_organisation_and_person(home: Home) -> None:
    name = "sub_groups/Health sub-group.csv"
    table = [
        ["Attendance at the sub-groups 2024/25", "", "", "", "", "", ""],
        ["", "", "", "", "", "", ""],
        ["Meeting date", "Sub group", "ORGANISATION ", "Attended", "Name", "E-mail", ""],
        ["03/10/24", "Health", "Ashfield", "Yes", "Robin Mockley", "r.mockley@ashfield.example", ""],
        ["03/10/2024", "Health", "ashfield primary", "Y", "Sky Trialby", "", ""],
        # The same person entered twice.
        ["3/10/2024", "Health", "Ashfield Primary School", "Present", "robin mockley", "", ""],
        ["03-10-2024", "Health", "Moorside Family Centre", "Apologies", "Wren Specimore", "", ""],
        ["05 Dec 2024", "Health", "MOORSIDE FAMILY CENTRE", "", "Wren Specimore", "", ""],
        ["05/12/2024", "Health", "Moorsyde Family Centre", "Yes", "", "", ""],
        ["31/11/2024", "Health", "Ashfield", "Yes", "", "", ""],
        ["05/12/2124", "Health", "Ashfield", "Yes", "", "", ""],
        ["05/12/2024", "Health", "Ashfield", "Maybe", "", "", ""],
        ["05/12/2024", "", "Ashfield", "Yes", "", "", ""],
        ["", "", "", "", "", "", ""],
        ["", "", "", "", "", "", ""],
    ]
    write(home.inbox / name, csv_text(table[0], table[1:]))

    report = land(home, name)

    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (12, 4, 5)
    assert report.dropped_by_rule == {"blank_row": 2, "duplicate_row": 1}
    columns = "source_row, meeting_date, sub_group, organisation_id, attended, entry_id"

    def entry(day: str, organisation: str, person: str) -> str:
        return pseudonym("sub_group_attendance", day, "health", organisation, person)

    assert landed(home, "sector_group_attendance", columns) == [
        (4, date(2024, 10, 3), "Health", "ORG1", "came", entry("2024-10-03", "ORG1", "robin mockley")),
        (5, date(2024, 10, 3), "Health", "ORG1", "came", entry("2024-10-03", "ORG1", "sky trialby")),
        (7, date(2024, 10, 3), "Health", "ORG2", "did_not_come", entry("2024-10-03", "ORG2", "wren specimore")),
        (8, date(2024, 12, 5), "Health", "ORG2", "came", entry("2024-12-05", "ORG2", "wren specimore")),
    ]
    assert errors(home, "sector_group_attendance") == [
        (9, "ORGANISATION", "unknown_organisation"),
        (10, "Meeting date", "not_a_date"),
        (11, "Meeting date", "happened_by_now"),
        (12, "Attended", "unknown_code"),
        (13, "Sub group", "required"),
    ]
    messages = findings(home, "rule, message")
    assert ("unknown_organisation", "“Moorsyde Family Centre” is not in the register of organisations; nearest: "
            "“Moorside Family Centre”") in messages  # fmt: skip


def test_a_list_without_a_column_of_attendance_is_of_those_who_came(home: Home) -> None:
    name = "notes/list.csv"
    write(home.inbox / name, csv_text(["Date", "Sub-group", "Organisation"], [["2024-10-03", "Housing", "ORG2"]]))
    assert land(home, name).dataset == "sector_group_attendance"
    assert landed(home, "sector_group_attendance", "meeting_date, sub_group, organisation_id, attended") == [
        (date(2024, 10, 3), "Housing", "ORG2", "came")
    ]


# --- deep listening -----------------------------------------------------------------------------------------------


def test_a_deep_listening_log_lands_its_numbers_and_nothing_of_what_was_said(home: Home) -> None:
    name = "deep_listening/Deep listening log.xlsx"
    day = datetime(2025, 3, 4)
    rows: list[list[str | int | float | datetime | None]] = [
        ["Deep listening log"],
        ["Please fill in one row per day"],
        [],
        ["Session date", "Setting", "Number of sessions", "Themes", "Logged by", None],
        [day, "Ashfield", 2, "Jamie said: moving home (jamie@child.example)", "Sage Inventley", None],
        [day, "Ashfield", 1, "being believed", "Linden Trialby", None],
        # Says otherwise than the first row about the same day, organisation and person.
        [day, "Ashfield Primary", 3, "trust", "SAGE INVENTLEY", None],
        ["05/03/2025", "Moorside Family Centre", "3", None, None, None],
        [datetime(2025, 4, 1), "Moorside Family Centre", 0, None, None, None],
        [day, "Moorside Family Centre", "about two", "x", "Wren", None],
        [day, "Moorside Family Centre", -1, "x", "Sky", None],
        [day, "Moorside Family Centre", 1.5, "x", "Rowan", None],
        [None, "Moorside Family Centre", 1, None, "Sage", None],
        [None, None, None, None, None, None],
    ]
    write_workbook(home.inbox / name, {"Log": rows, "Guidance": [["How to fill it in"]]})

    report = land(home, name)

    assert report.dataset == "deep_listening_log"
    assert (report.rows_landed, report.rows_quarantined) == (4, 5)

    def entry(when: str, organisation: str, who: str) -> str:
        return pseudonym("deep_listening_entry", when, organisation, who)

    assert landed(home, "deep_listening_log", "* exclude (vintage_id, source_row)")[0][:3] == (
        date(2025, 3, 4), "ORG1", 2,
    )  # fmt: skip
    assert landed(home, "deep_listening_log", "source_row, session_date, organisation_id, sessions, entry_id") == [
        (5, date(2025, 3, 4), "ORG1", 2, entry("2025-03-04", "ORG1", "sage inventley")),
        (6, date(2025, 3, 4), "ORG1", 1, entry("2025-03-04", "ORG1", "linden trialby")),
        (8, date(2025, 3, 5), "ORG2", 3, entry("2025-03-05", "ORG2", "")),
        (9, date(2025, 4, 1), "ORG2", 0, entry("2025-04-01", "ORG2", "")),
    ]
    assert [(row, rule) for row, _, rule in errors(home, "deep_listening_log")] == [
        (7, "duplicate_key"), (10, "not_a_number"), (11, "minimum"), (12, "not_a_number"), (13, "required"),
    ]  # fmt: skip
    texts = " ".join(every_text(home.root)).casefold()
    assert "ashfield" in texts
    for said in ("jamie", "moving home", "believed", "inventley", "trialby", "child.example"):
        assert said not in texts


# --- facilitated sessions -----------------------------------------------------------------------------------------


def test_facilitators_reports_land_a_head_count_per_session_and_one_for_a_session_reported_twice(home: Home) -> None:
    name = "facilitated_training/Session report.xlsx"
    sent, day = datetime(2025, 2, 3, 16, 10, 5), datetime(2025, 2, 3)
    header = [
        "ID", "Start time", "Completion time", "Email", "Name", "Date of the session", "Time",
        "Which\u00a0course was it?", "Course level", "Where was the session held?\n",
        "How many people attended?", "Core", "Role mix",
    ]  # fmt: skip

    def report(number: int, who: str, *answers: str | int | datetime | None) -> list[str | int | datetime | None]:
        return [number, sent, sent, f"{who.lower()}@training.example", who, *answers, "Yes", "mostly teachers"]

    rows = [
        report(1, "Fernleafe", day, "09:30", "Trauma basics", "Informed", "Ashfield", 14),
        # The colleague who held it with her says the same, and then a third says otherwise.
        report(2, "Galewright", day, "09:30", "trauma  BASICS", "Informed", "Ashfield Primary", 14),
        report(3, "Heathorne", day, "09:30", "Trauma basics", "Informed", "Ashfield", 41),
        report(4, "Fernleafe", day, "13:00", "Trauma basics", "Informed", "Ashfield", 14),
        report(
            5, "Galewright", "04/02/2025", None, "Relational practice", "Skilled", "Moorside Family Centre", "1,004"
        ),
        report(6, "Galewright", day, None, "Relational practice", "Beginner", "Moorside Family Centre", 9),
        report(7, "Galewright", day, None, "Relational practice", "Skilled", "Moorside Family Centre", "full house"),
        report(8, "Galewright", day, None, "galewright@training.example", "Skilled", "Moorside Family Centre", 9),
    ]
    write_workbook(home.inbox / name, {"Sheet1": [header, *rows]})

    found = land(home, name)

    assert found.dataset == "training_facilitated_sessions"
    assert (found.rows_read, found.rows_landed, found.dropped_by_rule) == (8, 3, {"duplicate_row": 1})
    columns = "source_row, session_date, course, course_level, organisation_id, attendance, session_id"

    def session(*parts: str) -> str:
        return pseudonym("facilitated_session", *parts)

    assert landed(home, "training_facilitated_sessions", columns) == [
        (2, date(2025, 2, 3), "trauma basics", "informed", "ORG1", 14,
         session("2025-02-03", "09:30", "trauma basics", "ORG1")),
        (5, date(2025, 2, 3), "trauma basics", "informed", "ORG1", 14,
         session("2025-02-03", "13:00", "trauma basics", "ORG1")),
        (6, date(2025, 2, 4), "relational practice", "skilled", "ORG2", 1004,
         session("2025-02-04", "", "relational practice", "ORG2")),
    ]  # fmt: skip
    assert [(row, rule) for row, _, rule in errors(home, "training_facilitated_sessions")] == [
        (4, "duplicate_key"), (7, "unknown_code"), (8, "not_a_number"), (9, "course_is_a_name"),
    ]  # fmt: skip
    texts = " ".join(every_text(home.root)).casefold()
    for name_or_address in ("fernleafe", "galewright", "heathorne", "@training.example", "mostly teachers"):
        assert name_or_address not in texts


# --- reflective sessions ------------------------------------------------------------------------------------------


def test_a_reflective_log_in_an_old_encoding_counts_one_where_it_says_no_number(home: Home) -> None:
    name = "reflective_practice/log.csv"
    header = [
        "Date of session",
        "Organisation",
        "Type of session",
        "Number of sessions",
        "Team",
        "Supervisor",
        "Attendance",
    ]
    rows = [
        ["01/09/2024", "Ashfield", "Reflective practice", "", "Café team", "Dr Figmenton", "8"],
        ["01/09/2024", "Ashfield", "Reflective practice", "2", "Night staff", "Dr Figmenton", "6"],
        ["02/09/2024", "Moorside Family Centre", "ONE-TO-ONE  SUPERVISION", "5", "", "", ""],
        ["02/09/2024", "Moorside Family Centre", "Clinical supervision", "5", "", "", ""],
        ["03/09/2024", "Moorside Family Centre", "Yoga", "1", "", "", ""],
    ]
    write(home.inbox / name, csv_text(header, rows, delimiter=";").encode("windows-1252"))

    report = land(home, name)

    assert (report.rows_landed, report.rows_quarantined, report.dropped_by_rule) == (3, 1, {"duplicate_row": 1})
    columns = "source_row, session_date, organisation_id, session_kind, sessions, entry_id"

    def entry(*parts: str) -> str:
        return pseudonym("reflective_entry", *parts)

    assert landed(home, "reflective_sessions", columns) == [
        (2, date(2024, 9, 1), "ORG1", "reflective_practice", 1,
         entry("2024-09-01", "ORG1", "reflective_practice", "café team")),
        (3, date(2024, 9, 1), "ORG1", "reflective_practice", 2,
         entry("2024-09-01", "ORG1", "reflective_practice", "night staff")),
        (4, date(2024, 9, 2), "ORG2", "individual_supervision", 5,
         entry("2024-09-02", "ORG2", "individual_supervision", "")),
    ]  # fmt: skip
    assert errors(home, "reflective_sessions") == [(6, "Type of session", "unknown_code")]
    assert not {text for text in every_text(home.root) if "Figmenton" in text or "Café" in text}


# --- bookings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            ["Learner", "Course", "Level", "Session date", "Status", "Organisation", "Role", "For leaders"],
            ["P@School.example", "Basics", "Informed", "01/10/2024", "Completed", "Ashfield", "Senior leader", "Yes"],
        ),
        (
            # A name and an address: the address tells people apart.
            ["Delegate", "Delegate email", "Course title", "Training level", "Start date", "Attendance status",
             "Establishment", "Staff role", "Leaders' course"],
            ["Pat Pastley", "p@school.EXAMPLE", "Basics", "informed", "01/10/2024 09:30", "Passed",
             "Ashfield Primary School", "senior leader", "1"],
        ),
        (
            ["Full name", "E-mail address", "Training", "Course level", "Course date", "Outcome", "Agency", "Job role",
             "For leaders", "Notes"],
            ["Pat Pastley", " p@school.example ", "Basics", "INFORMED", "1 Oct 2024", "complete", "ORG1",
             "Senior leader", "true", "x"],
        ),
    ],
)  # fmt: skip
def test_bookings_of_several_systems_land_alike(home: Home, header: Sequence[str], row: Sequence[str]) -> None:
    name = "training/extract.csv"
    write(home.inbox / name, csv_text(["Extract of bookings", *[""] * (len(header) - 1)], [header, row]))
    assert land(home, name).rows_landed == 1
    columns = (
        "person_id, course, course_level, is_core, session_date, landed.status, organisation_id,"
        " role_code, is_for_leaders"
    )
    assert landed(home, "training_bookings", columns) == [
        (pseudonym("learner", "p@school.example"), "Basics", "informed", True, date(2024, 10, 1), "completed", "ORG1",
         "leader", True)
    ]  # fmt: skip


def test_every_way_to_say_what_became_of_a_booking_lands_as_one_of_five(home: Home) -> None:
    said = {
        "Booked": "booked", "Confirmed": "booked", "ENROLLED": "booked", "Registered": "booked",
        "Attended": "attended", "Present": "attended", "Did not complete": "attended", "Failed": "attended",
        "Completed": "completed", "Complete": "completed", "Passed": "completed",
        "Did not attend": "did_not_attend", "DNA": "did_not_attend", "No show": "did_not_attend",
        "Absent": "did_not_attend", "Cancelled": "cancelled", "Withdrawn": "cancelled", "Waiting  list": "cancelled",
    }  # fmt: skip
    header = ["Learner", "Course", "Level", "Session date", "Status", "Organisation"]
    rows = [[f"p{n}@x.example", "Basics", "Informed", "01/10/2024", status, "ORG1"] for n, status in enumerate(said)]
    write(home.inbox / "training/all.csv", csv_text(header, [*rows, ["q@x.example", *rows[0][1:4], "Perhaps", "ORG1"]]))
    report = land(home, "training/all.csv")
    assert (report.rows_landed, report.rows_quarantined) == (len(said), 1)
    assert [row[0] for row in landed(home, "training_bookings", "landed.status")] == list(said.values())
    assert set(landed(home, "training_bookings", "session_date, is_for_leaders")) == {(date(2024, 10, 1), False)}


# --- register and events ------------------------------------------------------------------------------------------


def test_a_register_lands_head_counts_by_role_and_day_and_names_organisations_by_any_alias(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    rows: list[list[str | int | datetime | None]] = [
        ["Register of the partnership"],
        [None],
        [*REGISTER_HEADER, "Left on", None, None],
        ["ORG1", "Ashfield Primary School", "Ashfield;  Ashfield Primary ;", "Schools and education", None, 40,
         datetime(2023, 9, 1), None, None, None],
        ["ORG1", "Ashfield Primary School", "Ashfield", "Schools and education", "Senior leader", "4", "01/09/2023",
         None, None],
        ["ORG1", "Ashfield Academy", "Ashfield", "Schools and education", "All staff", 44, "2024-09-01", None, None,
         None],
        ["ORG2", "Moorside Family Centre", None, "Children\u2019s social care", None, 25, "01/09/2024", "31/12/2024",
         None, None],
        ["ORG3", "Harrow Homes", None, "housing", "Total", 1200, "01/09/2024", None, None, None],
        ["ORG3", "Harrow Homes", None, "Housing", "Cook", 12, "01/09/2024", None, None, None],
        [None] * 10,
        [None] * 10,
    ]  # fmt: skip
    write_workbook(home.inbox / "organisations/register.xlsx", {"Register": rows})
    header = ["Event date", "Event title", "Event type", "Sector", "Hosted by", "Number attending"]
    event_rows = [
        ["05/06/2025", "Briefing", "Briefing", "Health", "Ashfield Primary", "12"],
        ["05/06/2025", "briefing ", "Network", "Housing", "HARROW HOMES", "0"],
        ["06/06/2025", "Briefing", "Online event", "All sectors", "ashfield academy", "7"],
        ["06/06/2025", "Briefing", "Gala", "Health", "Ashfield", "7"],
    ]
    write(home.inbox / "misc/log.csv", csv_text(header, event_rows))

    report = land(home, "misc/log.csv")

    columns = "source_row, organisation_id, aliases, sector_code, role_code, headcount, counted_date, left_date"
    first, second = date(2023, 9, 1), date(2024, 9, 1)
    # The curly apostrophe in row 7 is the spreadsheet's own doing.
    assert errors(home, "organisations") == [(9, "Role", "unknown_code")]
    assert landed(home, "organisations", columns) == [
        (4, "ORG1", ["Ashfield", "Ashfield Primary"], "education", "total", 40, first, None),
        (5, "ORG1", ["Ashfield"], "education", "leader", 4, first, None),
        (6, "ORG1", ["Ashfield"], "education", "total", 44, second, None),
        (7, "ORG2", None, "social_care", "total", 25, second, date(2024, 12, 31)),
        (8, "ORG3", None, "housing", "total", 1200, second, None),
    ]
    assert (report.dataset, report.rows_quarantined) == ("events", 1)
    columns = "event_date, event_type, sector_code, organisation_id, attendance, event_id"
    day = date(2025, 6, 5)
    assert landed(home, "events", columns) == [
        (day, "briefing", "health", "ORG1", 12, pseudonym("event", "2025-06-05", "briefing", "ORG1")),
        (day, "network_meeting", "housing", "ORG3", 0, pseudonym("event", "2025-06-05", "briefing", "ORG3")),
        (date(2025, 6, 6), "webinar", "all_sectors", "ORG1", 7, pseudonym("event", "2025-06-06", "briefing", "ORG1")),
    ]


# --- the whole way ------------------------------------------------------------------------------------------------

ROLES = {"": 20, "Senior leader": 10}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of two years of hand-made files after a run."""
    home = make_home(tmp_path_factory.mktemp("counted") / "home")
    register = [
        [f"ORG{n}", f"Organisation {n}", "", "Health" if n < 3 else "Housing", role, count + 20 * later, day, left]
        for later, day in enumerate(("01/09/2023", "01/08/2025"))
        for n in (1, 2, 3)
        for role, count in ROLES.items()
        for left in [("31/08/2025" if (n, later) == (3, 1) else "")]
    ]
    write(home.inbox / "organisations/register.csv", csv_text([*REGISTER_HEADER, "Left"], register))
    header = ["Learner", "Course", "Level", "Session date", "Status", "Organisation", "Role", "For leaders"]
    leader = "Senior leader"

    def booking(who: str, day: str, status: str, organisation: int = 1, role: str = leader) -> list[str]:
        return [
            f"{who}@x.example",
            "Leading change",
            "Enhanced",
            day,
            status,
            f"Organisation {organisation}",
            role,
            "Yes",
        ]

    bookings = [
        # Trained twice, in two organisations: one person, where they were last.
        booking("a", "10/10/2023", "Completed"),
        booking("A", "11/03/2024", "Completed", organisation=2),
        *(booking(f"b{n}", "10/10/2023", "Completed") for n in range(7)),
        booking("c", "10/10/2023", "Attended", role="Practitioner"),
        booking("d", "11/03/2024", "Did not attend"),
        booking("e", "11/03/2024", "Cancelled"),
        # Says that the bookings cover the year, and nothing yet of what became of it.
        booking("f", "03/07/2024", "Booked"),
    ]
    write(home.inbox / "training/bookings.csv", csv_text(header, bookings))
    sessions = [
        # In the bookings as well, under the same day and course.
        ["10/10/2023", "leading  change", "Enhanced", "Organisation 3", "30"],
        ["11/10/2023", "Leading change", "Enhanced", "Organisation 3", "12"],
        ["12/10/2023", "Whole-team basics", "Informed", "Organisation 1", "18"],
    ]
    facilitated = ["Session date", "Course", "Level", "Host organisation", "Attendance"]
    write(home.inbox / "facilitated_training/sessions.csv", csv_text(facilitated, sessions))
    groups = [
        ["05/10/2023", "Health", "Organisation 1", "Yes"],
        ["05/03/2024", "Health", "Organisation 1", "Yes"],
        ["05/03/2024", "Health", "Organisation 2", "Apologies"],
        ["05/06/2024", "Housing", "Organisation 3", "Yes"],
        ["05/06/2025", "Housing", "Organisation 3", "Yes"],
    ]
    write(home.inbox / "sub_groups/list.csv", csv_text(["Date", "Sub-group", "Organisation", "Attended"], groups))
    result = impact("run", "--home", home.root)
    assert result.returncode == 0, result.stdout + result.stderr
    return home.root


def counts(root: Path, indicator: str, where: str = "true") -> list[tuple[object, ...]]:
    """Source, sector, period, numerator and denominator of the area's and the sectors' counts."""
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(
            f"""select source_dataset, sector, period, numerator, denominator from indicators.indicator_counts
            where indicator_id = '{indicator}' and organisation_id = 'total' and breakdown = 'total' and {where}
            order by period, source_dataset, sector <> 'total', sector"""
        ).fetchall()


def test_somebody_trained_twice_is_one_person_two_attendances_and_two_completions(counted: Path) -> None:
    year = "period = '2023/24'"
    dataset, joined = "training_bookings", "training_records"
    # On 31 August 2024 three organisations with 20 people and 10 leaders each.
    assert counts(counted, "training_take_up", year) == [
        (joined, "total", "2023/24", 8, 60),
        (joined, "health", "2023/24", 8, 40),
        (joined, "housing", "2023/24", 0, 20),
    ]
    assert counts(counted, "leaders_trained", year) == [
        (joined, "total", "2023/24", 8, 30),
        (joined, "health", "2023/24", 8, 20),
        (joined, "housing", "2023/24", 0, 10),
    ]
    # Twelve bookings of which one is cancelled; nine were completed.
    assert counts(counted, "training_completion") == [
        (dataset, "total", "2023/24", 9, 12), (dataset, "health", "2023/24", 9, 12),
    ]  # fmt: skip


def test_a_session_in_the_bookings_and_in_a_facilitators_report_counts_once(counted: Path) -> None:
    assert counts(counted, "training_attendances") == [
        ("training_bookings", "total", "2023-10", 9, None),
        ("training_bookings", "health", "2023-10", 9, None),
        ("training_facilitated_sessions", "total", "2023-10", 30, None),
        ("training_facilitated_sessions", "health", "2023-10", 18, None),
        ("training_facilitated_sessions", "housing", "2023-10", 12, None),
        ("training_bookings", "total", "2024-03", 1, None),
        ("training_bookings", "health", "2024-03", 1, None),
    ]


def test_organisations_are_out_of_those_in_the_register_when_the_year_ends(counted: Path) -> None:
    dataset = "sector_group_attendance"
    # The third organisation left on 31 August 2025: it is not in the register then, nor is its attendance counted.
    assert counts(counted, "organisations_in_sector_groups") == [
        (dataset, "total", "2023/24", 2, 3),
        (dataset, "health", "2023/24", 1, 2),
        (dataset, "housing", "2023/24", 1, 1),
        (dataset, "total", "2024/25", 0, 2),
        (dataset, "health", "2024/25", 0, 2),
    ]


# --- the sample ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "seed"), [("borough", 2), pytest.param("region", 1, marks=pytest.mark.endurance)])
def test_the_truth_of_the_sample_is_what_its_landed_logs_count_to(tmp_path: Path, size: Size, seed: int) -> None:
    root = write_sample(tmp_path / "home", size, seed).root
    needed = {
        "organisations",
        "training",
        "facilitated_training",
        "sub_groups",
        "deep_listening",
        "reflective_practice",
    }
    for folder in (root / "inbox").iterdir():
        if folder.name not in needed:
            shutil.rmtree(folder)
    home = open_home(root)
    land_inbox(home)
    with (root / "truth" / "indicator_counts.csv").open(encoding="utf-8", newline="") as file:
        planted = [
            row for row in csv.DictReader(file) if row["organisation_id"] == "total" and row["breakdown"] == "total"
        ]

    def truth(indicator: str, dataset: str) -> dict[tuple[str, str], tuple[int, int | None]]:
        rows = [row for row in planted if (row["indicator_id"], row["source_dataset"]) == (indicator, dataset)]
        assert rows
        return {
            (row["sector"], row["period"]): (int(row["numerator"]), int(row["denominator"] or 0) or None)
            for row in rows
        }

    register = landed(home, "organisations", "organisation_id, sector_code, counted_date, left_date")
    sectors = {organisation: sector for organisation, sector, *_ in register}
    bookings = set(
        landed(home, "training_bookings", "session_date, lower(course), landed.status in ('attended', 'completed')")
    )
    # Of entries with one key the one received last counts: later ones take the place of earlier ones.
    columns = "session_id, session_date, course, organisation_id, attendance"
    reports = {row[0]: row[1:] for row in landed(home, "training_facilitated_sessions", columns)}
    attended: Counter[tuple[str, str]] = Counter()
    in_both = 0
    for day, course, organisation, attendance in reports.values():
        if (day, course, True) in bookings:
            in_both += 1
            continue
        for sector in ("total", sectors[organisation]):
            attended[sector, f"{day:%Y-%m}"] += attendance
    assert in_both > 0
    facilitated = truth("training_attendances", "training_facilitated_sessions")
    assert facilitated == {key: (number, None) for key, number in attended.items()}

    seats = {
        row[0]: row[1:]
        for row in landed(home, "sector_group_attendance", "entry_id, meeting_date, organisation_id, attended")
    }
    entries = {
        row[0]: row[1:]
        for row in landed(home, "deep_listening_log", "entry_id, session_date, organisation_id, sessions")
    }
    came = {(_year(day), organisation) for day, organisation, attended in seats.values() if attended == "came"}
    used = {(_year(day), organisation) for day, organisation, sessions in entries.values() if sessions}
    for indicator, dataset, active in (
        ("organisations_in_sector_groups", "sector_group_attendance", came),
        ("deep_listening_take_up", "deep_listening_log", used),
    ):
        expected: dict[tuple[str, str], tuple[int, int | None]] = {}
        for year in (2022, 2023, 2024):
            joined = {o for o, _, counted, left in register if counted <= date(year + 1, 8, 31)}
            for sector in ("total", *sectors.values()):
                members = {o for o in joined if sector in ("total", sectors[o])}
                there = sum((year, o) in active for o in members)
                expected[sector, f"{year}/{year % 100 + 1}"] = (there, len(members))
        assert truth(indicator, dataset) == expected
    assert any(left == date(2025, 9, 30) for *_, left in register)


def _year(day: date) -> int:
    """The calendar year in which a day's academic year begins."""
    return day.year if day.month >= 9 else day.year - 1
