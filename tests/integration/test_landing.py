"""From the inbox to the landing zone and the quarantine, with every row accounted for."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import string
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion import landing
from ingestion.contracts import load_contracts
from ingestion.findings import MASK
from ingestion.home import Home, open_home
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.ledger import Ledger
from ingestion.pseudonyms import KEY_VARIABLE, load_key
from tests.integration.builders import (
    EPISODES_HEADER,
    EVENTS_HEADER,
    HEADER_HEADER,
    ORGANISATION_QUESTION,
    REGISTER_HEADER,
    REGISTER_ROWS,
    TRAINING_HEADER,
    booking,
    child,
    contents,
    csv_text,
    episode,
    event,
    every_text,
    findings,
    forms_header,
    landed,
    make_home,
    put_register,
    response,
    rows,
    snapshot,
    source_files,
    wordings,
    write,
    write_forms,
    write_workbook,
)

SURVEY = "workforce survey/Workforce survey wave 3.xlsx"


@pytest.fixture(autouse=True)
def _demonstration_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


@pytest.fixture
def registered(home: Home) -> Home:
    """A home whose register of organisations is in the inbox."""
    put_register(home)
    return home


def run(home: Home) -> dict[str, FileReport]:
    """Land the inbox; the reports by file name. Every file must account for its rows, and every bad row for itself."""
    reports = land_inbox(home)
    for report in reports:
        accounts_for_its_rows(report)
    return {report.file_name: report for report in reports}


def accounts_for_its_rows(report: FileReport) -> None:
    assert report.rows_read == report.rows_landed + report.rows_quarantined + report.rows_dropped
    assert report.rows_dropped == sum(report.dropped_by_rule.values())
    if report.status == "unchanged":
        return
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert len({finding.source_row for finding in errors if finding.source_row}) == report.rows_quarantined
    for finding in errors:
        assert finding.file_name == report.file_name
        assert finding.vintage_id == report.vintage_id
        assert finding.rule
        assert finding.message
        assert finding.remedy


def training(home: Home, *bookings: tuple[str, ...], name: str = "training/bookings.csv") -> FileReport:
    """What becomes of a training file of these rows."""
    write(home.inbox / name, csv_text(TRAINING_HEADER, bookings))
    return run(home)[name]


# --- one survey file with three bad rows ---------------------------------------------------------------------------


def spoiled_survey(home: Home) -> Path:
    """Six responses: the second, third and fourth spoiled, the fifth answering little, the sixth nothing."""
    return write_forms(
        home.inbox / SURVEY,
        [
            response(1, {"wf01": "Strongly agree", "wf02": "Prefer not to say", "wf03": None}),
            response(2, {"wf11": "Somewhat"}),
            response(3, completed="31/02/2025 10:00:00"),
            response(4, organisation="Moorsyde Family Center"),
            response(5, dict.fromkeys(wordings()) | {"wf23": "strongly  DISAGREE"}, organisation="moorside FAMILY centre."),
            response(6, dict.fromkeys(wordings())),
        ],
    )


def test_a_survey_with_three_bad_rows_loses_those_three_and_says_why(registered: Home) -> None:
    spoiled_survey(registered)
    report = run(registered)[SURVEY]
    assert (report.status, report.dataset) == ("landed", "workforce_survey")
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (6, 2, 3)
    assert report.dropped_by_rule == {"no_answered_item": 1}
    header = forms_header()
    assert [
        (f.sheet, f.source_row, f.column_name, f.rule, f.value, f.message, f.remedy, f.severity) for f in report.findings
    ] == [
        (
            "Sheet1", 3, header[7 + 10], "unknown_answer", "Somewhat",
            "answer “Somewhat” is not one of the instrument's labels (Strongly disagree, Disagree, Neither agree nor "
            "disagree, Neither agree or disagree, Agree, Strongly agree, Prefer not to say, Rather not say)",
            "Correct the answer; if the form has changed, add the label to ingestion/instruments/workforce.yml.",
            "error",
        ),
        (
            "Sheet1", 4, "Completion time", "not_a_date", "31/02/2025 10:00:00",
            "“31/02/2025 10:00:00” is not a date written as yyyy-mm-dd hh:mm:ss or mm/dd/yy hh:mm:ss or dd/mm/yyyy "
            "hh:mm:ss or yyyy-mm-dd or dd/mm/yyyy",
            "Correct the date.",
            "error",
        ),
        (
            "Sheet1", 5, ORGANISATION_QUESTION, "unknown_organisation", "Moorsyde Family Center",
            "“Moorsyde Family Center” is not in the register of organisations; nearest: “Moorside Family Centre”",
            "Correct the name, or have it added to the register as an organisation or an alias.",
            "error",
        ),
    ]  # fmt: skip
    exported = findings(registered, "source_row, column_name, rule, value, message, remedy, severity")
    assert exported == [
        (f.source_row, f.column_name, f.rule, f.value, f.message, f.remedy, f.severity) for f in report.findings
    ]


def test_the_other_rows_of_the_survey_land_answer_by_answer(registered: Home) -> None:
    spoiled_survey(registered)
    run(registered)
    first = {item: ("agree", 4) for item in wordings() if item != "wf03"}
    first |= {"wf01": ("strongly_agree", 5), "wf02": ("prefer_not_to_say", None)}
    answers = landed(registered, "workforce_survey", "source_row, item_id, answer, score", "source_row, item_id")
    assert answers == [(2, item, *first[item]) for item in sorted(first)] + [(6, "wf23", "strongly_disagree", 1)]
    about = landed(registered, "workforce_survey", "wave, submitted_date, organisation_id, role_code, source_row")
    assert set(about) == {
        (3, date(2025, 9, 15), "ORG1", "practitioner", 2),
        (3, date(2025, 9, 15), "ORG2", "practitioner", 6),
    }
    assert set(landed(registered, "workforce_survey", "source_row, respondent_id")) == {
        (row, load_key().pseudonym("workforce_survey_response", f"wave=3|{number}")) for row, number in ((2, 1), (6, 5))
    }


def test_checking_a_file_says_the_same_and_touches_nothing(registered: Home) -> None:
    path = spoiled_survey(registered)
    report = run(registered)[SURVEY]
    before = snapshot(registered.root)
    checked = check_file(path, registered)
    assert snapshot(registered.root) == before
    assert checked == report


def test_checking_a_file_before_anything_ran_makes_nothing(registered: Home) -> None:
    path = spoiled_survey(registered)
    before = snapshot(registered.root)
    checked = check_file(path, registered)
    assert snapshot(registered.root) == before
    assert not registered.landing.exists()
    assert checked.rows_quarantined == 5
    assert checked.findings[0].message.endswith(
        "is not in the register of organisations: no register has landed yet, so put one into the inbox first"
    )


def test_a_file_can_be_checked_without_a_home_and_then_its_organisations_are_not(home: Home) -> None:
    path = spoiled_survey(home)
    assert [(f.source_row, f.rule) for f in check_file(path).findings] == [(3, "unknown_answer"), (4, "not_a_date")]


def test_checking_says_why_a_file_would_be_refused(home: Home, tmp_path: Path) -> None:
    report = check_file(write(tmp_path / "x.csv", b""), home)
    assert (report.status, report.message) == ("refused", "the file is empty (0 bytes)")
    survey = check_file(write_forms(tmp_path / "survey.xlsx", [response(1)]), home)
    assert (survey.status, survey.message) == ("refused", "nothing says which wave it is of")
    assert survey.findings[0].remedy == "Write “wave 3” into its file or folder name."
    missing = write(tmp_path / "y.csv", csv_text(["CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"], [["1"] * 5]))
    assert check_file(missing, home).status == "not_needed"


# --- twice, corrected, superseded ---------------------------------------------------------------------------------


def full_inbox(home: Home) -> None:
    put_register(home)
    spoiled_survey(home)
    write(home.inbox / "training" / "autumn.csv", csv_text(TRAINING_HEADER, [booking(), booking(date="31/02/2024")]))
    write(home.inbox / "events" / "log.csv", csv_text(EVENTS_HEADER, [event()]))
    write(home.inbox / "ssda903" / "episodes.csv", csv_text(EPISODES_HEADER, [episode(), episode(CHILD="2", RNE="Q")]))
    write(home.inbox / "ssda903" / "header.csv", csv_text(HEADER_HEADER, [child()]))
    write(home.inbox / "ssda903" / "uasc.csv", csv_text(["CHILD", "SEX", "DOB", "DUC"], [["1", "F", "", ""]]))
    write(home.inbox / "minutes.csv", "When,Who\n1,2\n")


def test_a_second_run_changes_nothing(home: Home) -> None:
    full_inbox(home)
    first = run(home)
    assert {name: report.status for name, report in first.items()} == {
        "minutes.csv": "refused",
        "organisations/register.csv": "landed",
        "ssda903/episodes.csv": "landed",
        "ssda903/header.csv": "landed",
        "ssda903/uasc.csv": "not_needed",
        "events/log.csv": "landed",
        "training/autumn.csv": "landed",
        SURVEY: "landed",
    }
    before = contents(home)
    assert "source_files.parquet" in before
    second = run(home)
    assert contents(home) == before
    # A refused file is read again, in case what it lacked has come since.
    assert {name for name, report in second.items() if report.status != "unchanged"} == {"minutes.csv"}
    for name, report in second.items():
        same = ("dataset", "vintage_id", "rows_read", "rows_landed", "rows_quarantined", "dropped_by_rule", "message")
        assert {key: getattr(report, key) for key in same} == {key: getattr(first[name], key) for key in same}


def test_a_file_that_was_only_touched_or_copied_is_the_same_vintage(registered: Home) -> None:
    training(registered, booking())
    before = landed(registered, "training_bookings", "*")
    path = registered.inbox / "training" / "bookings.csv"
    os.utime(path, (1, 1))
    write(registered.inbox / "training" / "a copy.csv", path.read_bytes())
    assert {report.status for report in run(registered).values()} == {"unchanged"}
    assert len(list((registered.landing / "training_bookings").glob("[!_]*.parquet"))) == 1
    assert [row[:-1] for row in landed(registered, "training_bookings", "person_id, course, 1")] == [
        row[:-1] for row in landed(registered, "training_bookings", "person_id, course, 1")
    ]
    assert len(landed(registered, "training_bookings", "source_row")) == len(before) == 1


def test_a_corrected_file_under_its_name_is_a_new_vintage_and_the_old_one_can_come_back(registered: Home) -> None:
    name = "training/bookings.csv"
    first = training(registered, booking(status="Booked"))
    second = training(registered, booking(status="Attended"))
    assert (first.status, second.status) == ("landed", "landed")
    assert first.vintage_id != second.vintage_id
    assert landed(registered, "training_bookings", "status") == [("attended",)]
    third = training(registered, booking(status="Booked"))
    assert (third.status, third.vintage_id) == ("unchanged", first.vintage_id)
    assert landed(registered, "training_bookings", "status") == [("booked",)]
    assert source_files(registered, "file_name, vintage_id, is_current")[1:] == [
        (name, second.vintage_id, False),
        (name, first.vintage_id, True),
    ]


def test_training_files_of_two_names_add_to_each_other(registered: Home) -> None:
    training(registered, booking("a@x.example"), name="training/autumn.csv")
    training(registered, booking("b@x.example"), name="training/spring.csv")
    assert len(landed(registered, "training_bookings", "person_id")) == 2


def test_a_corrected_wave_replaces_the_wave_whatever_its_file_is_called(registered: Home) -> None:
    inbox = registered.inbox / "workforce survey"
    write_forms(inbox / "Workforce survey wave 2.xlsx", [response(1, organisation="ORG2")], age=300)
    write_forms(inbox / "Workforce survey wave 3.xlsx", [response(1), response(2)], age=200)
    write_forms(inbox / "Workforce survey wave 3 (corrected).xlsx", [response(1), response(2), response(3)], age=100)
    run(registered)
    in_force = "wave, count(distinct respondent_id)"
    counts = rows(
        f"select {in_force} from read_parquet(?) join read_parquet(?) using (vintage_id) where is_current group by 1 order by 1",
        str(registered.landing / "workforce_survey" / "*.parquet"),
        str(registered.landing / "source_files.parquet"),
    )
    assert counts == [(2, 1), (3, 3)]
    assert source_files(registered, "submission, is_current")[1:] == [("wave=2", True), ("wave=3", False), ("wave=3", True)]


def test_a_later_return_of_the_year_replaces_the_return(home: Home) -> None:
    write(home.inbox / "first" / "episodes.csv", csv_text(EPISODES_HEADER, [episode()]), age=100)
    run(home)
    write(home.inbox / "second" / "return.csv", csv_text(EPISODES_HEADER, [episode(CHILD="700002"), episode()]))
    run(home)
    assert source_files(home, "file_name, submission, is_current") == [
        ("first/episodes.csv", "collection_year=2025", False),
        ("second/return.csv", "collection_year=2025", True),
    ]


def test_a_survey_lands_anew_when_the_register_learns_its_organisation(registered: Home) -> None:
    write_forms(registered.inbox / SURVEY, [response(1), response(2, organisation="Hill House")])
    before = run(registered)[SURVEY]
    assert (before.rows_landed, before.rows_quarantined) == (1, 1)
    hill_house = ("ORG3", "Hill House", "", "Housing", "", "9", "01/09/2024")
    put_register(registered, [*REGISTER_ROWS, hill_house])
    after = run(registered)[SURVEY]
    assert (after.status, after.rows_landed, after.rows_quarantined) == ("landed", 2, 0)
    assert after.vintage_id == before.vintage_id
    assert findings(registered, "rule") == []
    assert not list(registered.quarantine.rglob("*.parquet"))
    assert {row[0] for row in landed(registered, "workforce_survey", "organisation_id")} == {"ORG1", "ORG3"}
    assert run(registered)[SURVEY].status == "unchanged"


def test_everything_lands_anew_under_another_key(registered: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    training(registered, booking())
    ((demo,),) = landed(registered, "training_bookings", "person_id")
    monkeypatch.setenv(KEY_VARIABLE, "a key of one's own, and long enough")
    assert {report.status for report in run(registered).values()} == {"landed"}
    ((own,),) = landed(registered, "training_bookings", "person_id")
    assert own == load_key().pseudonym("learner", "a.person@school.example")
    assert own != demo


def test_a_landed_file_that_was_deleted_is_landed_again(registered: Home) -> None:
    report = training(registered, booking())
    (registered.landing / "training_bookings" / f"{report.vintage_id}.parquet").unlink()
    assert run(registered)["training/bookings.csv"].status == "landed"
    assert len(landed(registered, "training_bookings", "source_row")) == 1


def test_a_file_taken_out_of_the_inbox_stays_in_force(registered: Home) -> None:
    training(registered, booking())
    (registered.inbox / "training" / "bookings.csv").unlink()
    assert list(run(registered)) == ["organisations/register.csv"]
    assert len(landed(registered, "training_bookings", "source_row")) == 1


def test_a_refused_correction_leaves_the_file_it_was_to_correct_in_force(registered: Home) -> None:
    training(registered, booking())
    write(registered.inbox / "training" / "bookings.csv", b"")
    assert run(registered)["training/bookings.csv"].status == "refused"
    assert len(landed(registered, "training_bookings", "source_row")) == 1
    assert source_files(registered, "status, is_current")[1:] == [("landed", True), ("refused", False)]


def test_a_rejected_register_no_longer_resolves_anything(registered: Home) -> None:
    training(registered, booking())
    with Ledger(registered) as ledger:
        ledger.record_gate(ledger.current("organisations")[0], passed=False, message="too few rows")
    report = run(registered)["training/bookings.csv"]
    assert (report.status, report.rows_quarantined) == ("landed", 1)


# --- every dataset, cell by cell ----------------------------------------------------------------------------------


def test_a_register_lands_its_organisations_with_aliases_and_head_counts(home: Home) -> None:
    put_register(
        home,
        [
            *REGISTER_ROWS,
            ("ORG1", "Ashfield Primary School", "Ashfield", "schools AND education", "Senior leader", "1,002", "2024-09-01"),
            ("ORG 4", "Space in its id", "", "Housing", "All", "3", "01/09/2024"),
            ("ORG5", "Half a person", "", "Housing", "All", "3.5", "01/09/2024"),
            ("ORG6", "Nobody's sector", "", "Leisure", "All", "3", "01/09/2024"),
            ("ORG7", "Below nothing", "", "Housing", "All", "-3", "01/09/2024"),
        ],
    )
    report = run(home)["organisations/register.csv"]
    columns = "organisation_id, organisation_name, aliases, sector_code, role_code, headcount, counted_date, source_row"
    assert landed(home, "organisations", columns) == [
        ("ORG1", "Ashfield Primary School", ["Ashfield", "Ashfield Primary"], "education", "total", 40, date(2024, 9, 1), 2),
        ("ORG2", "Moorside Family Centre", None, "social_care", "total", 25, date(2024, 9, 1), 3),
        ("ORG1", "Ashfield Primary School", ["Ashfield"], "education", "leader", 1002, date(2024, 9, 1), 4),
    ]
    assert [(f.source_row, f.column_name, f.rule, f.value) for f in report.findings] == [
        (5, "Organisation ID", "pattern", "ORG 4"),
        (6, "Head count", "not_a_number", "3.5"),
        (7, "Sector", "unknown_code", "Leisure"),
        (8, "Head count", "minimum", "-3"),
    ]


@pytest.mark.parametrize(
    ("changes", "header", "rule", "value"),
    [
        ({"learner": ""}, "Learner", "required", None),
        ({"learner": "#N/A"}, "Learner", "formula_error", MASK),
        ({"course": " "}, "Course", "required", None),
        ({"level": "Expert"}, "Level", "unknown_code", "Expert"),
        ({"date": "01/10/24"}, "Session date", "not_a_date", "01/10/24"),
        ({"date": "31/02/2024"}, "Session date", "not_a_date", "31/02/2024"),
        ({"status": "Maybe"}, "Status", "unknown_code", "Maybe"),
        ({"organisation": "{value}"}, "Organisation", "unknown_organisation", "{value}"),
        ({"organisation": "'; drop table raw; --"}, "Organisation", "unknown_organisation", "'; drop table raw; --"),
        ({"role": "Boss"}, "Role", "unknown_code", "Boss"),
    ],
)
def test_a_booking_with_one_wrong_cell_is_the_one_row_that_is_quarantined(
    registered: Home, changes: dict[str, str], header: str, rule: str, value: str | None
) -> None:
    report = training(registered, booking("a@x.example"), booking(**changes), booking("b@x.example"))
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (3, 2, 1)
    (finding,) = report.findings
    assert (finding.source_row, finding.column_name, finding.rule, finding.value) == (3, header, rule, value)


def test_bookings_land_with_one_pseudonym_per_person(registered: Home) -> None:
    training(
        registered,
        booking("Ann@x.example", "It's “Łódź”; {value}", "informed", "2024-10-01", "DNA", "ASHFIELD PRIMARY"),
        booking(" ann@X.example ", "B", "Skilled", "1/10/2024", "did  not attend", "org2", ""),
    )
    ann = load_key().pseudonym("learner", "ann@x.example")
    columns = "person_id, course, course_level, is_core, session_date, status, organisation_id, role_code, source_row"
    day = date(2024, 10, 1)
    assert landed(registered, "training_bookings", columns) == [
        (ann, "It's “Łódź”; {value}", "informed", True, day, "did_not_attend", "ORG1", "practitioner", 2),
        (ann, "B", "skilled", True, day, "did_not_attend", "ORG2", None, 3),
    ]


def test_events_land_without_their_titles_and_tell_themselves_apart_by_them(registered: Home) -> None:
    write(
        registered.inbox / "events.csv",
        csv_text(
            EVENTS_HEADER,
            [
                event(title="Briefing on sleep"),
                event(title="Briefing on food", sector="all sectors", kind="network meeting", attendance="0"),
                event(title="BRIEFING on sleep"),
                event(title="briefing on Sleep", attendance="31"),
                event(attendance="about 30"),
                event(host="Nobody"),
            ],
        ),
    )
    report = run(registered)["events.csv"]
    sleep, food = (
        load_key().pseudonym("event", f"2024-10-01|{title}|ORG1") for title in ("briefing on sleep", "briefing on food")
    )
    columns = "event_id, event_date, event_type, sector_code, organisation_id, attendance"
    assert landed(registered, "events", columns) == [
        (sleep, date(2024, 10, 1), "briefing", "health", "ORG1", 30),
        (food, date(2024, 10, 1), "network_meeting", "all_sectors", "ORG1", 0),
    ]
    assert report.dropped_by_rule == {"duplicate_row": 1}
    assert [(f.source_row, f.column_name, f.rule, f.value) for f in report.findings] == [
        (6, "Attendance", "not_a_number", "about 30"),
        (7, "Host organisation", "unknown_organisation", "Nobody"),
        (5, "Date, Title, Host organisation", "duplicate_key", MASK),
    ]


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("31/03/2012", 13),
        ("01/04/2012", 12),
        ("29/02/2012", 13),
        ("31/03/2025", 0),
        ("01/01/2000", 25),
    ],
)
def test_a_date_of_birth_becomes_the_age_on_31_march(home: Home, born: str, age: int) -> None:
    write(home.inbox / "2024-25" / "header.csv", csv_text(HEADER_HEADER, [child(DOB=born)]))
    run(home)
    columns = "collection_year, child_id, sex, ethnicity_code, is_mother, age_at_year_end"
    pseudonym = load_key().pseudonym("looked_after_child", "700001")
    assert landed(home, "ssda903_header", columns) == [(2025, pseudonym, "F", "WBRI", False, age)]


@pytest.mark.parametrize(
    ("cells", "header", "rule"),
    [
        ({"DOB": "01/04/2025"}, "DOB", "born_before_year_end"),
        ({"DOB": "31/03/1999"}, "DOB", "not_over_25"),
        ({"DOB": "31/02/2010"}, "DOB", "not_a_date"),
        ({"DOB": ""}, "DOB", "required"),
        ({"SEX": "2"}, "SEX", "unknown_code"),
        ({"MC_DOB": "soon"}, "MC_DOB", "not_a_date"),
    ],
)
def test_a_child_whose_row_cannot_be_right_is_quarantined_and_not_shown(
    home: Home, cells: dict[str, str], header: str, rule: str
) -> None:
    write(home.inbox / "2024-25" / "header.csv", csv_text(HEADER_HEADER, [child(**cells)]))
    report = run(home)["2024-25/header.csv"]
    (finding,) = report.findings
    assert (finding.source_row, finding.column_name, finding.rule) == (2, header, rule)
    assert finding.value == (None if rule == "required" else "2" if header == "SEX" else MASK)


def test_the_return_of_2024_writes_sex_in_figures(home: Home) -> None:
    write(home.inbox / "header 2024.csv", csv_text(HEADER_HEADER, [child(SEX="1"), child(CHILD="2", SEX="2")]))
    run(home)
    assert landed(home, "ssda903_header", "collection_year, sex") == [(2024, "M"), (2024, "F")]


def test_postcodes_become_authorities_and_a_distance_rounded_half_up(home: Home) -> None:
    write(
        home.inbox / "episodes.csv",
        csv_text(
            EPISODES_HEADER,
            [
                episode(CHILD="1", HOME_POST="ZE1 0AA", PL_POST="ze3 9jx"),  # the length of Shetland
                episode(CHILD="2", HOME_POST="OL161XL", PL_POST=" PR1  8XJ "),  # a two-tier county
                episode(CHILD="3", PL_POST="OL16 1XL"),  # the same place
                episode(CHILD="4", PL_POST="ZZ99 9ZZ"),  # does not resolve
                episode(CHILD="5", HOME_POST="", PL_POST="OL16 1XL"),
                episode(CHILD="6", PL_POST="BT1 1AA"),  # on another grid
                episode(CHILD="7", PL_POST="not a postcode"),
            ],
        ),
    )
    report = run(home)["episodes.csv"]
    assert (report.rows_landed, report.findings) == (7, [])
    columns = "home_authority_code, placement_authority_code, distance_miles"
    assert landed(home, "ssda903_episodes", columns) == [
        ("S12000027", "S12000027", Decimal("20.1")),
        ("E08000005", "E10000017", Decimal("29.0")),
        ("E08000005", "E08000005", Decimal("0")),
        ("E08000005", None, None),
        (None, "E08000005", None),
        ("E08000005", "N09000003", None),
        ("E08000005", None, None),
    ]


@pytest.mark.parametrize(("easting", "miles"), [(24138, "1.5"), (24139, "1.5"), (24140, "1.5"), (2333, "0.1"), (2332, "0.1")])
def test_half_a_tenth_of_a_mile_is_rounded_up(tmp_path: Path, easting: int, miles: str) -> None:
    raise NotImplementedError
