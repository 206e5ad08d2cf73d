"""From the inbox to the landing zone and the quarantine, with every row accounted for."""

from __future__ import annotations

import csv
import io
import os
import shutil
import string
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion import landing, readers, stream
from ingestion.contracts import Column, load_contracts
from ingestion.findings import MASK
from ingestion.home import Home, open_home
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.ledger import Ledger
from ingestion.pseudonyms import KEY_VARIABLE, load_key
from ingestion.split import Splitter
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


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose register has landed, and in which nothing else happens."""
    made = make_home(tmp_path_factory.mktemp("settled") / "home")
    put_register(made)
    land_inbox(made)
    return made


@pytest.fixture
def registered(settled: Home, tmp_path: Path) -> Home:
    """A home whose register has landed."""
    return copied(settled, tmp_path / "home")


def copied(home: Home, root: Path) -> Home:
    """The same home elsewhere: the same bytes, changed at the same times."""
    return open_home(shutil.copytree(home.root, root))


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
            response(
                5, dict.fromkeys(wordings()) | {"wf23": "strongly  DISAGREE"}, organisation="moorside FAMILY centre."
            ),
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
        (f.sheet, f.source_row, f.column_name, f.rule, f.value, f.message, f.remedy, f.severity)
        for f in report.findings
    ] == [
        (
            "Sheet1", 3, header[7 + 10], "unknown_answer", "Somewhat",
            "answer “Somewhat” is not one of the instrument's labels (Strongly disagree, Disagree, Neither agree nor "
            "disagree, Neither agree or disagree, Agree, Strongly agree, Prefer not to say, Rather not say)",
            "Correct the answer; if the form has changed, whoever runs the pipeline adds the label to "
            "ingestion/instruments/workforce.yml.",
            "error",
        ),
        (
            "Sheet1", 4, "Completion time", "not_a_date", "31/02/2025 10:00:00",
            "“31/02/2025 10:00:00” is not a date written as yyyy-mm-dd or mm/dd/yy or mm/dd/yyyy",
            "Write a day that there is, as yyyy-mm-dd or mm/dd/yy or mm/dd/yyyy, and no words beside it.",
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
        (row, load_key().pseudonym("workforce_survey_response", f"wave=3,tool=microsoft_forms|{number}"))
        for row, number in ((2, 1), (6, 5))
    }


def test_checking_a_file_says_the_same_and_touches_nothing(registered: Home) -> None:
    path = spoiled_survey(registered)
    report = run(registered)[SURVEY]
    before = snapshot(registered.root)
    checked = check_file(path, registered)
    assert snapshot(registered.root) == before
    assert checked == report


def test_checking_a_file_before_anything_ran_makes_nothing(home: Home) -> None:
    put_register(home)
    path = spoiled_survey(home)
    before = snapshot(home.root)
    checked = check_file(path, home)
    assert snapshot(home.root) == before
    assert not home.landing.exists()
    # No register has landed that its organisations could be looked up in.
    assert [(f.source_row, f.rule) for f in checked.findings] == [(3, "unknown_answer"), (4, "not_a_date")]


def test_a_file_can_be_checked_without_a_home_and_then_its_organisations_are_not(home: Home) -> None:
    path = spoiled_survey(home)
    assert [(f.source_row, f.rule) for f in check_file(path).findings] == [(3, "unknown_answer"), (4, "not_a_date")]


def test_checking_says_why_a_file_would_be_refused(home: Home, tmp_path: Path) -> None:
    report = check_file(write(tmp_path / "x.csv", b""), home)
    assert (report.status, report.message) == ("refused", "the file is empty (0 bytes)")
    survey = check_file(write_forms(tmp_path / "survey.xlsx", [response(1)]), home)
    assert (survey.status, survey.message) == ("refused", "nothing says which wave it is of")
    assert survey.findings[0].remedy == "Write “wave 3” into its file or folder name."
    metadata = ["col_name", "col_type", "label", "indicator_grouping", "indicator_unit"]
    assert check_file(write(tmp_path / "y.csv", csv_text(metadata, [["1"] * 5])), home).status == "not_needed"


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
        "ssda903/uasc.csv": "landed",
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


def test_each_report_is_told_as_soon_as_it_is_ready(home: Home) -> None:
    full_inbox(home)
    told: list[tuple[FileReport, bool]] = []

    def tell(report: FileReport) -> None:
        with Ledger(home) as ledger:
            told.append((report, ledger.last_seen(report.file_name) is not None))

    reports = land_inbox(home, tell)
    assert [report for report, _ in told] == reports
    assert all(entered for _, entered in told)


def test_a_file_that_was_only_touched_or_copied_is_the_same_vintage(registered: Home) -> None:
    training(registered, booking())
    before = landed(registered, "training_bookings", "landed.*")
    path = registered.inbox / "training" / "bookings.csv"
    os.utime(path, (1, 1))
    write(registered.inbox / "training" / "a copy.csv", path.read_bytes())
    assert {report.status for report in run(registered).values()} == {"unchanged"}
    assert len(list((registered.landing / "training_bookings").glob("[!_]*.parquet"))) == 1
    assert landed(registered, "training_bookings", "landed.*") == before


def test_a_corrected_file_under_its_name_is_a_new_vintage_and_the_old_one_can_come_back(registered: Home) -> None:
    name = "training/bookings.csv"
    first = training(registered, booking(status="Booked"))
    second = training(registered, booking(status="Attended"))
    assert (first.status, second.status) == ("landed", "landed")
    assert first.vintage_id != second.vintage_id
    assert landed(registered, "training_bookings", "landed.status") == [("attended",)]
    third = training(registered, booking(status="Booked"))
    assert (third.status, third.vintage_id) == ("unchanged", first.vintage_id)
    assert landed(registered, "training_bookings", "landed.status") == [("booked",)]
    assert source_files(registered, "file_name, vintage_id, is_current")[1:] == [
        (name, second.vintage_id, False),
        (name, first.vintage_id, True),
    ]


def test_training_files_of_two_names_add_to_each_other(registered: Home) -> None:
    training(registered, booking("a@x.example"), name="training/autumn.csv")
    training(registered, booking("b@x.example"), name="training/spring.csv")
    assert len(landed(registered, "training_bookings", "person_id")) == 2


def test_neither_a_copy_nor_a_correction_of_an_old_file_overrules_a_newer_one(registered: Home) -> None:
    old = booking("a@x.example", status="Booked")
    training(registered, old, name="training/autumn.csv")
    training(registered, booking("a@x.example", status="Completed"), name="training/spring.csv")
    shutil.copyfile(registered.inbox / "training/autumn.csv", registered.inbox / "training/archived.csv")
    training(registered, old, booking("b@x.example"), name="training/autumn.csv")
    order = rows(
        "select file_name from read_parquet(?) where dataset = 'training_bookings' and is_current order by sequence",
        str(registered.landing / "source_files.parquet"),
    )
    assert order[-1] == ("training/spring.csv",)


def test_a_wave_sent_under_the_number_of_another_is_refused(registered: Home) -> None:
    inbox = registered.inbox / "workforce survey"
    write_forms(inbox / "Workforce survey wave 2.xlsx", [response(1)], age=200)
    shutil.copyfile(inbox / "Workforce survey wave 2.xlsx", inbox / "Workforce survey wave 4.xlsx")
    report = run(registered)["workforce survey/Workforce survey wave 4.xlsx"]
    assert report.status == "refused"
    assert report.message == (
        "it is byte for byte the file workforce survey/Workforce survey wave 2.xlsx, "
        "which counts as wave 2, tool microsoft forms"
    )


def test_an_address_in_a_column_that_is_kept_is_quarantined_and_not_shown(registered: Home) -> None:
    report = training(registered, booking("a@x.example", course="About jo.roe@secret.example"), booking("b@x.example"))
    assert (report.rows_landed, report.rows_quarantined) == (1, 1)
    assert [(f.rule, f.value) for f in report.findings] == [("holds_an_address", "***")]


def test_an_event_of_the_future_is_quarantined(registered: Home) -> None:
    text = csv_text(EVENTS_HEADER, [("01/05/2140", "Launch", "Briefing", "Health", "Moorside Family Centre", "20")])
    write(registered.inbox / "events" / "log.csv", text)
    report = run(registered)["events/log.csv"]
    assert [(f.rule, f.value) for f in report.findings] == [("happened_by_now", "01/05/2140")]


def test_a_landed_file_that_was_damaged_is_landed_again(registered: Home) -> None:
    report = training(registered, booking())
    path = registered.landing / "training_bookings" / f"{report.vintage_id}.parquet"
    whole = path.read_bytes()
    path.write_bytes(b"PAR1 and no more")
    assert run(registered)["training/bookings.csv"].status == "landed"
    assert path.read_bytes() == whole


def test_a_file_name_that_is_no_text_is_spelt_out_and_the_run_goes_on(registered: Home) -> None:
    folder = os.fsencode(registered.inbox)
    with open(folder + b"/caf\xe9.csv", "wb") as file:  # noqa: PTH123 (a path of bytes)
        file.write(b"x,y\n1,2\n")
    assert run(registered)["caf\\xe9.csv"].status == "refused"


def test_a_corrected_wave_replaces_the_wave_whatever_its_file_is_called(registered: Home) -> None:
    inbox = registered.inbox / "workforce survey"
    write_forms(inbox / "Workforce survey wave 2.xlsx", [response(1, organisation="ORG2")], age=300)
    write_forms(inbox / "Workforce survey wave 3.xlsx", [response(1), response(2)], age=200)
    write_forms(inbox / "Workforce survey wave 3 (corrected).xlsx", [response(1), response(2), response(3)], age=100)
    run(registered)
    in_force = "wave, count(distinct respondent_id)"
    counts = rows(
        f"""select {in_force} from read_parquet(?) join read_parquet(?) using (vintage_id)
        where is_current group by 1 order by 1""",
        str(registered.landing / "workforce_survey" / "*.parquet"),
        str(registered.landing / "source_files.parquet"),
    )
    assert counts == [(2, 1), (3, 3)]
    assert source_files(registered, "submission, is_current")[1:] == [
        ("wave=2,tool=microsoft_forms", True),
        ("wave=3,tool=microsoft_forms", False),
        ("wave=3,tool=microsoft_forms", True),
    ]


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
            (
                "ORG1",
                "Ashfield Primary School",
                "Ashfield",
                "schools AND education",
                "Senior leader",
                "1,002",
                "2024-09-01",
            ),
            ("ORG 4", "Space in its id", "", "Housing", "All", "3", "01/09/2024"),
            ("ORG5", "Half a person", "", "Housing", "All", "3.5", "01/09/2024"),
            ("ORG6", "Nobody's sector", "", "Leisure", "All", "3", "01/09/2024"),
            ("ORG7", "Below nothing", "", "Housing", "All", "-3", "01/09/2024"),
        ],
    )
    report = run(home)["organisations/register.csv"]
    columns = "organisation_id, organisation_name, aliases, sector_code, role_code, headcount, counted_date, source_row"
    assert landed(home, "organisations", columns) == [
        (
            "ORG1",
            "Ashfield Primary School",
            ["Ashfield", "Ashfield Primary"],
            "education",
            "total",
            40,
            date(2024, 9, 1),
            2,
        ),
        ("ORG2", "Moorside Family Centre", None, "social_care", "total", 25, date(2024, 9, 1), 3),
        ("ORG1", "Ashfield Primary School", ["Ashfield"], "education", "leader", 1002, date(2024, 9, 1), 4),
    ]
    assert [(f.source_row, f.column_name, f.rule, f.value) for f in report.findings] == [
        (5, "Organisation ID", "pattern", "ORG 4"),
        (6, "Head count", "not_a_number", "3.5"),
        (7, "Sector", "unknown_code", "Leisure"),
        (8, "Head count", "minimum", "-3"),
    ]


def test_a_name_that_two_organisations_bear_stands_for_neither(home: Home) -> None:
    shared_alias = ("ORG3", "Hill House", "Ashfield; The Hill", "Housing", "", "9", "01/09/2024")
    put_register(home, [*REGISTER_ROWS, shared_alias])
    organisations = ["Ashfield", "the-hill", "Ashfield Primary", "HILL HOUSE"]
    report = training(home, *(booking(f"{n}@x.example", organisation=o) for n, o in enumerate(organisations)))
    assert [(f.source_row, f.rule, f.value) for f in report.findings] == [(2, "unknown_organisation", "Ashfield")]
    assert landed(home, "training_bookings", "organisation_id") == [("ORG3",), ("ORG1",), ("ORG3",)]


@pytest.mark.parametrize(
    ("changes", "header", "rule", "value"),
    [
        ({"learner": ""}, "Learner", "required", None),
        ({"learner": "#N/A"}, "Learner", "formula_error", MASK),
        ({"course": " "}, "Course", "required", None),
        ({"level": "Expert"}, "Level", "unknown_code", "Expert"),
        ({"date": "32/10/24"}, "Session date", "not_a_date", "32/10/24"),
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
    columns = (
        "person_id, course, course_level, is_core, session_date, landed.status, organisation_id, role_code, source_row"
    )
    day = date(2024, 10, 1)
    assert landed(registered, "training_bookings", columns) == [
        (ann, "It's “Łódź”; {value}", "informed", True, day, "did_not_attend", "ORG1", "practitioner", 2),
        (ann, "B", "skilled", True, day, "did_not_attend", "ORG2", None, 3),
    ]


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files are sorted as large ones are: a piece after the other, each of few rows."""
    monkeypatch.setattr(landing, "FLOWS_FROM_BYTES", 0)
    monkeypatch.setattr(stream, "PIECE_ROWS", 5)
    # A piece is no smaller than what the reader gives at once: some three lines.
    monkeypatch.setattr(readers, "_CHUNK_BYTES", 60)


@pytest.mark.usefixtures("in_pieces")
def test_each_row_has_the_pseudonym_of_its_own_person_in_whatever_order_they_were_made(
    registered: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_comes = Splitter.meaning_sql

    def backwards(splitter: Splitter, column: Column, texts: str) -> str:
        return f"select * from ({as_it_comes(splitter, column, texts)}) order by number desc"

    monkeypatch.setattr(Splitter, "meaning_sql", backwards)
    # In each piece people of those before, and others; one of them is written otherwise.
    people = [f"person{n - n // 3}@x.example" for n in range(30)] + [" PERSON0@x.example", "person7@x.example"]
    report = training(registered, *(booking(person, f"Course {n}") for n, person in enumerate(people)))
    assert (report.rows_landed, report.rows_quarantined) == (32, 0)
    key = load_key()
    assert landed(registered, "training_bookings", "person_id, course") == [
        (key.pseudonym("learner", person), f"Course {n}") for n, person in enumerate(people)
    ]


@pytest.mark.usefixtures("in_pieces")
def test_a_row_that_repeats_one_of_another_piece_is_found(registered: Home) -> None:
    bookings = [booking(f"a.person.{n}@x.example", f"Course {n}") for n in range(20)]
    again = [bookings[3], (*bookings[4][:6], "Volunteer"), (*bookings[5][:4], "Maybe", *bookings[5][5:])]
    report = training(registered, *bookings, *again)
    assert (report.rows_read, report.rows_landed, report.rows_quarantined, report.rows_dropped) == (23, 20, 2, 1)
    assert report.dropped_by_rule == {"duplicate_row": 1}
    assert {(f.source_row, f.rule) for f in report.findings} == {(23, "duplicate_key"), (24, "unknown_code")}


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
        ("E08000005", "E10000017", Decimal("24.7")),
        ("E08000005", "E08000005", Decimal("0")),
        ("E08000005", None, None),
        (None, "E08000005", None),
        ("E08000005", "N09000003", None),
        ("E08000005", None, None),
    ]


def test_half_a_tenth_of_a_mile_and_more_is_rounded_up(home: Home) -> None:
    # A mile is 1,609.3 metres here, so a quarter of one is 402.3 and 0.35 of one is 563.3.
    places = {"ZZ1 1AA": 0, "ZZ1 1AB": 402, "ZZ1 1AC": 403, "ZZ1 1AD": 563, "ZZ1 1AE": 564}
    write(
        home.root / "reference" / "postcodes.csv",
        csv_text(
            ["postcode_key", "easting", "northing", "district_code"],
            [(key, 390000 + metres, 413000, "E08000005") for key, metres in places.items()],
        ),
    )
    write(
        home.inbox / "episodes.csv",
        csv_text(
            EPISODES_HEADER,
            [episode(CHILD=str(n), HOME_POST="zz11aa", PL_POST=key) for n, key in enumerate(places)],
        ),
    )
    run(home)
    assert [str(miles.normalize()) for (miles,) in landed(home, "ssda903_episodes", "distance_miles")] == [
        "0", "0.2", "0.3", "0.3", "0.4",
    ]  # fmt: skip


def test_new_postcodes_of_the_home_land_the_episodes_anew(home: Home) -> None:
    write(home.inbox / "episodes.csv", csv_text(EPISODES_HEADER, [episode(PL_POST="ZZ1 1AA")]))
    run(home)
    assert landed(home, "ssda903_episodes", "placement_authority_code") == [(None,)]
    overlay = csv_text(["postcode_key", "easting", "northing", "district_code"], [("ZZ1 1AA", 1, 2, "E08000004")])
    write(home.root / "reference" / "postcodes.csv", overlay)
    assert run(home)["episodes.csv"].status == "landed"
    assert landed(home, "ssda903_episodes", "placement_authority_code") == [("E08000004",)]


@pytest.mark.parametrize(
    ("cells", "header", "rule", "severity"),
    [
        ({"DECOM": "31/02/2025"}, "DECOM", "not_a_date", "error"),
        ({"DECOM": "01/04/2025"}, "DECOM", "started_by_year_end", "error"),
        ({"DEC": "31/05/2024", "REC": "E8"}, "DEC", "ceased_after_start", "error"),
        ({"DEC": "01/04/2025", "REC": "E8"}, "DEC", "ceased_by_year_end", "warning"),
        ({"REC": "E8"}, "REC", "reason_without_end", "warning"),
        ({"DEC": "01/07/2024"}, "DEC", "end_without_reason", "warning"),
        ({"DEC": "01/07/2024", "REC": "E43"}, "REC", "unknown_code", "error"),
        ({"PLACE": "H5"}, "PLACE", "unknown_code", "error"),
        ({"LS": ""}, "LS", "required", "error"),
    ],
)
def test_an_episode_that_breaks_a_rule_is_quarantined_or_told(
    home: Home, cells: dict[str, str], header: str, rule: str, severity: str
) -> None:
    good = [episode(CHILD="2"), episode(CHILD="3")]
    write(home.inbox / "2024-25" / "episodes.csv", csv_text(EPISODES_HEADER, [episode(**cells), *good]))
    report = run(home)["2024-25/episodes.csv"]
    assert [(f.source_row, f.column_name, f.rule, f.severity) for f in report.findings] == [(2, header, rule, severity)]
    assert report.rows_landed == 2 + (severity == "warning")


# --- the year and the wave ----------------------------------------------------------------------------------------


def test_the_year_of_a_return_is_told_by_its_episodes_and_their_companion_follows(home: Home) -> None:
    many = [episode(CHILD=str(n), DECOM=day) for n, day in enumerate(["01/04/2024", "31/03/2025", "31/03/2024"])]
    write(home.inbox / "return" / "episodes.csv", csv_text(EPISODES_HEADER, many))
    write(home.inbox / "return" / "children.csv", csv_text(HEADER_HEADER, [child()]))
    write(home.inbox / "alone" / "children.csv", csv_text(HEADER_HEADER, [child()]))
    reports = run(home)
    assert landed(home, "ssda903_episodes", "distinct collection_year", "1") == [(2025,)]
    assert landed(home, "ssda903_header", "collection_year") == [(2025,)]
    alone = reports["alone/children.csv"]
    assert (alone.status, alone.message) == ("refused", "nothing says which collection year it is of")
    assert alone.findings[0].remedy == (
        "Write the year, such as “2024-25” into its file or folder name, or put it beside its ssda903_episodes file."
    )


def test_a_refused_header_lands_once_its_episodes_have_come(home: Home) -> None:
    write(home.inbox / "children.csv", csv_text(HEADER_HEADER, [child()]))
    assert run(home)["children.csv"].status == "refused"
    write(home.inbox / "episodes.csv", csv_text(EPISODES_HEADER, [episode()]))
    assert run(home)["children.csv"].status == "landed"
    assert run(home)["children.csv"].status == "unchanged"
    assert findings(home, "*") == []


def test_a_header_follows_its_episodes_into_another_year(home: Home) -> None:
    write(home.inbox / "children.csv", csv_text(HEADER_HEADER, [child(DOB="01/01/2010")]))
    write(home.inbox / "episodes.csv", csv_text(EPISODES_HEADER, [episode()]))
    run(home)
    write(home.inbox / "episodes.csv", csv_text(EPISODES_HEADER, [episode(DECOM="01/06/2025")]))
    run(home)
    assert landed(home, "ssda903_header", "collection_year, age_at_year_end") == [(2026, 16)]


def test_a_folder_that_contradicts_the_dates_is_refused(home: Home) -> None:
    write(home.inbox / "2017-18" / "episodes.csv", csv_text(EPISODES_HEADER, [episode()]))
    report = run(home)["2017-18/episodes.csv"]
    assert report.status == "refused"
    assert report.message == (
        "its name or folder says the year ending 31 March 2018, but most of its dates fall in the year ending "
        "31 March 2025"
    )


def test_a_check_finds_the_year_as_a_run_does(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "from the supplier"
    header = write(folder / "children.csv", csv_text(HEADER_HEADER, [child(DOB="31/03/2025"), child(DOB="01/04/2025")]))
    assert check_file(header, home).status == "refused"
    write(folder / "episodes.csv", csv_text(EPISODES_HEADER, [episode()]))
    checked = check_file(header, home)
    assert (checked.rows_landed, checked.rows_quarantined) == (1, 1)
    assert checked.findings[0].rule == "born_before_year_end"


# --- formats ------------------------------------------------------------------------------------------------------

THREE_BOOKINGS = [booking("a@x.example", "Café"), booking("b@x.example", date="31/02/2024"), booking("c@x.example")]


@pytest.mark.parametrize(
    ("encoding", "delimiter", "end"),
    [
        ("utf-8", ",", "\n"),
        ("utf-8-sig", ",", "\r\n"),
        ("utf-16", "\t", "\r\n"),
        ("windows-1252", ";", "\r\n"),
        ("utf-8", "|", "\r"),
    ],
)
@pytest.mark.parametrize("titles", [[], ["Bookings; autumn, 2024", "", '"made by', 'the system"']])
def test_a_csv_file_lands_the_same_in_whatever_encoding(
    registered: Home, encoding: str, delimiter: str, end: str, titles: list[str]
) -> None:
    text = "\n".join([*titles, ""] if titles else []) + csv_text(TRAINING_HEADER, THREE_BOOKINGS, delimiter)
    content = text.replace("\r\n", "\n").replace("\n", end).encode(encoding)
    write(registered.inbox / "bookings.csv", content)
    report = run(registered)["bookings.csv"]
    first = 2 + (3 if titles else 0)
    assert landed(registered, "training_bookings", "course, source_row") == [
        ("Café", first),
        ("Trauma basics", first + 2),
    ]
    assert [(f.source_row, f.column_name, f.value) for f in report.findings] == [
        (first + 1, "Session date", "31/02/2024")
    ]


def test_rows_that_are_blank_ragged_or_over_several_lines_keep_their_numbers(registered: Home) -> None:
    text = (
        'Learner,Course,Level,Session date,Status,"Organisation\n(main)",Organisation,Role\r\n'
        'a@x.example,"two\r\nlines",Informed,01/10/2024,Attended,,Ashfield,\r\n'  # 2
        "\r\n"  # 3
        ",,,,,,,\r\n"  # 4
        "b@x.example,Basics,Informed\r\n"  # 5
        "c@x.example,Basics, again,Informed,01/10/2024,Attended,,Ashfield,\r\n"  # 6
        "d@x.example,Basics,Informed,01/10/2024,Gone,,Ashfield,\r\n"  # 7
        "e@x.example,Basics,Informed,01/10/2024,Attended,,Ashfield,"  # 8
    )
    write(registered.inbox / "bookings.csv", text)
    report = run(registered)["bookings.csv"]
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (7, 2, 3)
    assert report.dropped_by_rule == {"blank_row": 2}
    assert [row for (row,) in landed(registered, "training_bookings", "source_row")] == [2, 8]
    assert [(f.source_row, f.column_name, f.rule, f.value, f.severity) for f in report.findings] == [
        (None, "Organisation (main)", "unknown_column", None, "warning"),
        (5, None, "number_of_cells", "3", "error"),
        (6, None, "number_of_cells", "9", "error"),
        (7, "Status", "unknown_code", "Gone", "error"),
    ]


def test_a_workbook_lands_numbers_and_dates_however_its_cells_hold_them(registered: Home) -> None:
    header = ["Organisation ID", "Organisation", "Sector", "Head count", "As at"]
    write_workbook(
        registered.inbox / "more organisations.xlsx",
        {
            "Register": [
                ["Register of organisations"],
                [],
                header,
                ["A", "Number", "Housing", 12, datetime(2024, 9, 1)],
                ["B", "Text", "Housing", "12", "01/09/2024"],
                ["C", "Fraction", "Housing", 12.5, "2024-09-01"],
                [None, None, None, None, None],
                ["D", "Serial day", "Housing", 12, 45536],
                ["E", "Impossible", "Housing", 12, "31/02/2024"],
                ["F", "=NA()", "Housing", 12, "01/09/2024"],
            ],
            "Sectors": [["Sector"], ["Housing"]],
            "Old": [header, ["X", "Gone", "Housing", 1, "01/09/2020"]],
        },
        hidden=("Old",),
    )
    report = run(registered)["more organisations.xlsx"]
    assert (report.rows_read, report.rows_landed, report.dropped_by_rule) == (7, 3, {"blank_row": 1})
    assert landed(registered, "organisations", "organisation_id, headcount, counted_date, source_row")[2:] == [
        ("A", 12, date(2024, 9, 1), 4),
        ("B", 12, date(2024, 9, 1), 5),
        ("D", 12, date(2024, 9, 1), 8),
    ]
    assert [(f.sheet, f.source_row, f.column_name, f.rule, f.value) for f in report.findings] == [
        ("Register", 6, "Head count", "not_a_number", "12.5"),
        ("Register", 9, "As at", "not_a_date", "31/02/2024"),
        ("Register", 10, "Organisation", "formula_error", "#N/A"),
    ]


def unusable_files(folder: Path) -> dict[str, tuple[str, str | None]]:
    """Put files that cannot be used into a folder; file name → the rule that refuses it and its dataset."""
    header = list(TRAINING_HEADER)
    good = csv_text(header, [booking()])
    workbook = write_workbook(folder / "whole.xlsx", {"Data": [header, list(booking())]}).read_bytes()
    (folder / "whole.xlsx").unlink()
    contents_of: dict[str, tuple[str | bytes, str, str | None]] = {
        "zero bytes.csv": (b"", "empty_file", None),
        "zero bytes.xlsx": (b"", "empty_file", None),
        "picture.csv": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not_text", None),
        "broke off.xlsx": (workbook[: len(workbook) // 2], "not_a_workbook", None),
        "with a password.xlsx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096), "old_or_locked_workbook", None),
        "other encoding.csv": (good.encode() + b"\x81\x8d", "unknown_encoding", None),
        "minutes.csv": ("When,Who\n1,2\n", "not_recognised", None),
        "no header.csv": ("\n".join(good.splitlines()[1:]), "not_recognised", None),
        "no status.csv": (
            csv_text(["Learner", "Course", "Level", "Session date", "Organisation"], []),
            "not_recognised",
            None,
        ),
        "header twice.csv": (csv_text([*header, "STATUS "], [[*booking(), "x"]]), "header_twice", "training_bookings"),
        "too wide.csv": (csv_text([*header, *[""] * 2000], [booking()]), "too_many_columns", None),
        "open quote.csv": (good + 'b@x.example,"Basics,Informed\n' + good, "quote_never_closes", "training_bookings"),
        "one huge cell.csv": (good + "x" * (1 << 23) + ",1,2,3,4,5,6\n", "row_too_long", "training_bookings"),
        "training/no level.csv": (
            csv_text(["Learner", "Course", "Session date", "Status", "Organisation"], [["a"] * 5]),
            "header_missing",
            "training_bookings",
        ),
    }
    for name, (content, _, _) in contents_of.items():
        write(folder / name, content)
    write_workbook(folder / "two tables.xlsx", {"A": [header], "B": [list(EVENTS_HEADER)]})
    write_workbook(folder / "nothing visible.xlsx", {"A": [header]}, hidden=())
    write_forms(folder / "survey.xlsx", [response(1)])
    return {name: (rule, dataset) for name, (_, rule, dataset) in contents_of.items()} | {
        "two tables.xlsx": ("two_tables", None),
        "survey.xlsx": ("wave_not_known", "workforce_survey"),
    }


def test_files_that_cannot_be_used_are_refused_with_a_reason_and_the_run_goes_on(registered: Home) -> None:
    expected = unusable_files(registered.inbox)
    training(registered, booking())
    reports = {report.file_name: report for report in land_inbox(registered)}
    assert reports["training/bookings.csv"].status == "unchanged"
    for name, (rule, dataset) in expected.items():
        report = reports[name]
        assert (name, report.status, report.dataset) == (name, "refused", dataset)
        (finding,) = report.findings
        assert (name, finding.rule, finding.message) == (name, rule, report.message)
        assert finding.remedy
        assert (finding.source_row, finding.value, finding.severity) == (None, None, "error")
        checked = check_file(registered.inbox / name, registered)
        assert (checked.message, [f.rule for f in checked.findings]) == (report.message, [rule])
    refused = source_files(registered, "file_name, status, is_current, rows_read, message")
    assert {name for name, status, *_ in refused if status == "refused"} == set(expected)
    assert all(row[2:] == (False, 0, reports[row[0]].message) for row in refused if row[1] == "refused")
    assert {name for name, _ in findings(registered, "file_name, rule")} == set(expected)


def test_a_missing_column_is_named_with_what_was_found(registered: Home) -> None:
    write(
        registered.inbox / "training" / "x.csv",
        csv_text(["Learner", "Course", "Session date", "Amy Jones", "Status", "Organisation"], [["a"] * 6]),
    )
    report = run(registered)["training/x.csv"]
    assert report.message == (
        "it looks like “Training bookings and attendance”, but these columns are missing: “Level” (or “Course level”, "
        "“Training level”)"
    )
    assert report.findings[0].remedy == (
        "Export it again with them. The header row that was found has “Learner”, “Course”, “Session date”, “Status”, "
        "“Organisation”; what stands at the top of column D is not known there."
    )


def test_a_header_without_rows_lands_as_an_empty_vintage(registered: Home) -> None:
    report = training(registered)
    assert (report.status, report.rows_read, report.rows_landed) == ("landed", 0, 0)
    assert landed(registered, "training_bookings", "*") == []


def test_a_survey_with_a_statement_in_two_columns_is_refused(registered: Home) -> None:
    header = [*forms_header(), wordings()["wf03"]]
    write_workbook(registered.inbox / "wave 1.xlsx", {"Sheet1": [header, [*response(1), "Agree"]]})
    report = run(registered)["wave 1.xlsx"]
    assert report.message is not None
    assert report.message.startswith("these columns stand in the file more than once: “I have the knowledge to work")


def test_a_question_that_the_instrument_does_not_know_is_reported_once(registered: Home) -> None:
    header = [*forms_header(), "Anything else?", "Points - Anything else?"]
    rows = [[*response(number), "I am Ann", 3] for number in (1, 2, 3)]
    write_workbook(registered.inbox / "wave 1.xlsx", {"Sheet1": [header, *rows]})
    report = run(registered)["wave 1.xlsx"]
    assert [(f.source_row, f.column_name, f.rule, f.value, f.severity) for f in report.findings] == [
        (None, "Anything else?", "unknown_column", None, "warning"),
    ]
    assert report.rows_landed == 3
    assert "I am Ann" not in every_text(registered.root)


def test_files_that_programs_leave_beside_others_are_not_submissions(registered: Home) -> None:
    for name in (".DS_Store", "~$bookings.xlsx", ".~lock.bookings.xlsx#", ".hidden/x.csv"):
        write(registered.inbox / name, "x")
    assert list(run(registered)) == ["organisations/register.csv"]


def test_a_file_that_cannot_be_opened_is_refused_and_read_once_it_can_be(
    registered: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(registered.inbox / "bookings.csv", csv_text(TRAINING_HEADER, [booking()]))

    def forbidden(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as closed:
        closed.setattr(landing, "hashlib", SimpleNamespace(file_digest=forbidden, sha256=landing.hashlib.sha256))
        closed.setattr(landing, "read_sheets", forbidden)
        report = run(registered)["bookings.csv"]
    assert (report.status, report.message) == ("refused", "the file cannot be opened (Permission denied)")
    again = run(registered)["bookings.csv"]
    assert (again.status, again.rows_landed) == ("landed", 1)
    assert again.vintage_id == check_file(registered.inbox / "bookings.csv", registered).vintage_id


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_run(
    registered: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(registered.inbox / "bookings.csv", csv_text(TRAINING_HEADER, [booking()]), age=60)
    recognise = landing._recognise

    def written_meanwhile(file: Any, rules: Any) -> None:
        recognise(file, rules)
        if file.path == path:
            write(path, csv_text(TRAINING_HEADER, [booking(), booking("b@x.example")]))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(landing, "_recognise", written_meanwhile)
        # What was read is neither what the file held nor what it holds.
        assert "bookings.csv" not in run(registered)
    assert landed(registered, "training_bookings", "source_row") == []
    report = run(registered)["bookings.csv"]
    assert (report.status, report.rows_landed) == ("landed", 2)
    assert len(landed(registered, "training_bookings", "source_row")) == 2


# --- what is personal stays out ------------------------------------------------------------------------------------

PLANTED = {
    "700123456", "H801200001999", "17/05/2011", "2011-05-17", "23/11/2009", "OL16 1XL", "OL161XL", "PR1 8XJ", "PR18XJ",
    "4455667", "zelda.q@planted.example", "Zelda Quirk", "Zelda's farewell",
}  # fmt: skip


def test_no_identifier_reaches_landing_quarantine_or_the_ledger(registered: Home) -> None:
    private = {"CHILD": "700123456", "HOME_POST": "OL16 1XL", "PL_POST": "PR1 8XJ", "URN": "4455667"}
    about = {"CHILD": "700123456", "UPN": "H801200001999", "DOB": "17/05/2011", "MC_DOB": "23/11/2009"}
    inbox = registered.inbox
    # Each file once as it should be and once with something wrong in the very row, which then is in quarantine.
    write(
        inbox / "2025" / "episodes.csv",
        csv_text(EPISODES_HEADER, [episode(**private), episode(**private | {"RNE": "Q"}), episode(**private)[:-1]]),
    )
    write(
        inbox / "2025" / "header.csv",
        csv_text(
            HEADER_HEADER, [child(**about), child(**about | {"DOB": "2011-05-17"}), child(**about | {"SEX": "Q"})]
        ),
    )
    header = [*TRAINING_HEADER, "Learner name"]
    who = "zelda.q@planted.example"
    write(
        inbox / "training.csv",
        csv_text(header, [(*booking(who), "Zelda Quirk"), (*booking(who, date="never"), "Zelda Quirk")]),
    )
    write(
        inbox / "events.csv",
        csv_text(EVENTS_HEADER, [event(title="Zelda's farewell"), event(title="Zelda's farewell", attendance="31")]),
    )
    answers = response(1), response(2, {"wf01": "Hm"}), response(2)
    for answer in answers:
        answer[3:5] = ["zelda.q@planted.example", "Zelda Quirk"]
    write_forms(inbox / "wave 3.xlsx", answers)
    write(inbox / "zelda.csv", "Zelda Quirk,zelda.q@planted.example\nx,y\n")
    reports = run(registered)
    assert {r.rows_quarantined for r in reports.values() if r.dataset not in (None, "organisations")} == {1, 2}
    for folder in (registered.landing, registered.quarantine):
        texts = every_text(folder)
        assert texts
        for secret in PLANTED:
            assert not [text for text in texts if secret.casefold() in text.casefold()], secret
        for path in folder.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            assert not [secret for secret in PLANTED if secret.encode() in content], path
    assert {value for (value,) in findings(registered, "value") if value} == {"Q", "never", "Hm", MASK, "12"}


def test_landed_files_have_the_columns_of_their_contracts_and_no_others(home: Home) -> None:
    full_inbox(home)
    reports = run(home)
    for contract in load_contracts().values():
        files = list((home.landing / contract.dataset).glob("*.parquet"))
        landed_too = contract.dataset in {report.dataset for report in reports.values() if report.status == "landed"}
        assert len(files) == (0 if contract.not_needed else 1 + landed_too)
        for path in files:
            described = rows("describe select * from read_parquet(?)", str(path))
            assert [(name, kind) for name, kind, *_ in described] == list(contract.landed_columns().items())
            if path.stem == "_empty":
                assert rows("select count(*) from read_parquet(?)", str(path)) == [(0,)]


def test_a_dataset_without_files_is_an_empty_table_and_one_of_an_older_layout_is_written_anew(home: Home) -> None:
    run(home)
    empty = home.landing / "events" / "_empty.parquet"
    before = empty.read_bytes()
    write(empty, (home.landing / "organisations" / "_empty.parquet").read_bytes())
    run(home)
    assert empty.read_bytes() == before
    assert landed(home, "events", "*") == []
    assert source_files(home, "*") == []
    assert findings(home, "*") == []


# --- killed at any point ------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here."""


def corrections(home: Home) -> None:
    """What comes later: a register that knows more, bookings put right, a file that breaks."""
    put_register(home, [*REGISTER_ROWS, ("ORG3", "Moorsyde Family Center", "", "Housing", "", "9", "01/09/2024")])
    write(home.inbox / "training" / "autumn.csv", csv_text(TRAINING_HEADER, [booking(), booking(date="29/02/2024")]))
    write(home.inbox / "events" / "log.csv", b"")
    write(home.inbox / "minutes.csv", csv_text(EVENTS_HEADER, [event(title="Another")]))


def outcome(home: Home) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Everything that a run leaves behind but the times at which it happened."""
    files = {name: digest for name, digest in contents(home).items() if name != "source_files.parquet"}
    return files, source_files(home, "* exclude (received_at, landed_at)")


@pytest.fixture(scope="module")
def about_to_change(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which everything has landed and to which corrections have come."""
    made = make_home(tmp_path_factory.mktemp("about_to_change") / "home")
    full_inbox(made)
    land_inbox(made)
    corrections(made)
    return made


@pytest.fixture(scope="module")
def undisturbed(about_to_change: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """What becomes of it in a run that nothing disturbs."""
    made = copied(about_to_change, tmp_path_factory.mktemp("undisturbed") / "home")
    land_inbox(made)
    return made


@pytest.mark.parametrize(
    ("owner", "name", "when", "occasion"),
    [
        pytest.param(landing.Splitter, "land", "after", 2, id="rows written under a name of no consequence"),
        pytest.param(landing, "write_findings", "before", 1, id="rows of the register in their place"),
        pytest.param(landing, "write_findings", "before", 4, id="rows of a survey in their place"),
        pytest.param(landing, "write_findings", "after", 3, id="findings in their place"),
        pytest.param(Ledger, "record", "after", 2, id="in the ledger"),
        pytest.param(Ledger, "export", "before", 1, id="before the export"),
    ],
)
def test_a_run_killed_and_run_again_ends_where_an_undisturbed_one_does(
    about_to_change: Home,
    undisturbed: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    when: str,
    occasion: int,
) -> None:
    killed = copied(about_to_change, tmp_path / "killed")
    calls = 0
    original = getattr(owner, name)

    def dies(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == occasion and when == "before":
            raise Killed
        result = original(*arguments)
        if calls == occasion:
            raise Killed
        return result

    with monkeypatch.context() as dying:
        dying.setattr(owner, name, dies)
        with pytest.raises(Killed):
            land_inbox(killed)
    assert outcome(killed) != outcome(undisturbed)
    land_inbox(killed)
    assert outcome(killed) == outcome(undisturbed)


DIES_AT_ONCE = """
import os, sys
from pathlib import Path
from ingestion import landing, readers, stream
from ingestion.home import open_home
landing.write_findings = lambda *_: os._exit(9)
landing.land_inbox(open_home(Path(sys.argv[1])))
"""
LANDS_AND_CHECKS = """
import sys
from pathlib import Path
from ingestion.home import open_home
from ingestion.landing import check_file, land_inbox
home = open_home(Path(sys.argv[1]))
for report in land_inbox(home):
    if report.dataset in ("training_bookings", "ssda903_header", None):
        check_file(home.inbox / report.file_name, home)
print("done")
"""


def python(program: str, home: Home) -> subprocess.CompletedProcess[str]:
    repository = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, "-c", program, str(home.root)], cwd=repository, capture_output=True, text=True, check=False
    )


def test_a_process_that_dies_without_a_word_leaves_nothing_that_the_next_run_would_trust(
    about_to_change: Home, undisturbed: Home, tmp_path: Path
) -> None:
    killed = copied(about_to_change, tmp_path / "killed")
    assert python(DIES_AT_ONCE, killed).returncode == 9
    land_inbox(killed)
    assert outcome(killed) == outcome(undisturbed)


def test_nothing_is_left_open_when_the_process_ends(home: Home) -> None:
    full_inbox(home)
    write(home.inbox / "breaks off.csv", csv_text(TRAINING_HEADER, [booking(course="x" * (1 << 23))]))
    ended = python(LANDS_AND_CHECKS, home)
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
    assert "nanobind" not in ended.stderr
    assert [line for line in ended.stderr.splitlines() if "IMPACT_PSEUDONYM_KEY" not in line] == []


# --- any dirt at all ----------------------------------------------------------------------------------------------

DIRT = st.text(
    st.sampled_from([*string.printable, *"\u00a0\ufeff\u200b\u2028\x85\x1a€éŁ😀“”{}$\\\"'", *",;|\t\n\r"]), max_size=12
)
TELLING = st.sampled_from(
    ["Ashfield", "ORG2", "Informed", "attended", "01/10/2024", "31/02/2024", "2024-10-01 00:00:00", "1,234", "1e5",
     "-1", "12.5", " 7 ", "All", "Housing", "Briefing", "a@x.example", "epoch", "NaN", "#N/A", "NULL", "", "  "]
)  # fmt: skip
CELL = TELLING | DIRT
GOOD = {
    "training_bookings": (TRAINING_HEADER, booking()),
    "events": (EVENTS_HEADER, event()),
    "organisations": (REGISTER_HEADER, REGISTER_ROWS[0]),
}


@st.composite
def dirty_table(draw: st.DrawFn, dataset: str) -> tuple[str, str]:
    """The text of a CSV file of a dataset whose rows are a good one with any cell and any number of cells wrong."""
    header, good = GOOD[dataset]
    text = io.StringIO(newline="")
    delimiter = draw(st.sampled_from(",;\t|"))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(
        text, delimiter=delimiter, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))
    )
    writer.writerow(header)
    for changes in draw(st.lists(st.dictionaries(st.integers(0, len(good) - 1), CELL, max_size=3), max_size=6)):
        row = [changes.get(position, cell) for position, cell in enumerate(good)]
        writer.writerow(
            row[: draw(st.sampled_from([len(row)] * 8 + [0, 1, len(row) - 1]))]
            + draw(st.sampled_from([[]] * 8 + [["more"]]))
        )
    return text.getvalue(), delimiter


@pytest.mark.parametrize("dataset", sorted(GOOD))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_the_cells_every_row_is_accounted_for(
    settled: Home, tmp_path: Path, dataset: str, data: st.DataObject
) -> None:
    text, delimiter = data.draw(dirty_table(dataset))
    # As a spreadsheet counts: an empty line is a row.
    sent = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))[1:]
    report = check_file(write(tmp_path / "dirty.csv", text), settled)
    assert (report.status, report.dataset, report.rows_read) == ("landed", dataset, len(sent))
    accounts_for_its_rows(report)
    ragged = {number for number, row in enumerate(sent, start=2) if len(row) not in (0, len(GOOD[dataset][0]))}
    assert {f.source_row for f in report.findings if f.rule == "number_of_cells"} == ragged
    blank = sum(not row or (len(row) == len(GOOD[dataset][0]) and not any(c.strip() for c in row)) for row in sent)
    assert report.dropped_by_rule.get("blank_row", 0) == blank


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=60))
@example(tail=b'"')
@example(tail=b'a,"b\n')
@example(tail=b"\xff\xfe\x00")
@example(tail=b"caf\xe9,\x81")
def test_whatever_bytes_follow_the_header_a_file_lands_or_is_refused(
    settled: Home, tmp_path: Path, tail: bytes
) -> None:
    good = csv_text(TRAINING_HEADER, [booking()]).encode()
    report = check_file(write(tmp_path / "dirty.csv", good + tail), settled)
    accounts_for_its_rows(report)
    assert report.status in ("landed", "refused")
    assert report.rows_landed == (1 if report.status == "landed" else 0) or report.rows_landed == 2


# --- what stands in an inbox and is no file, and what only looks right ------------------------------------------------


def test_what_stands_in_the_inbox_and_is_no_file_is_refused_and_not_passed_over(registered: Home) -> None:
    write(registered.inbox / "bookings.csv", csv_text(TRAINING_HEADER, [booking()]))
    (registered.inbox / "nowhere.csv").symlink_to("gone.csv")
    (registered.inbox / "round.csv").symlink_to("round.csv")
    os.mkfifo(registered.inbox / "pipe.csv")
    reports = run(registered)
    assert {name: report.findings[0].rule for name, report in reports.items() if report.status == "refused"} == {
        "nowhere.csv": "not_a_file",
        "round.csv": "not_a_file",
        "pipe.csv": "not_a_file",
    }
    assert reports["bookings.csv"].rows_landed == 1
    assert check_file(registered.inbox / "pipe.csv", registered).findings[0].rule == "not_a_file"


def test_a_file_that_is_taken_away_during_the_run_stops_no_other(registered: Home) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        write(registered.inbox / name, csv_text(TRAINING_HEADER, [booking(f"{name[0]}@x.example")]))
    landed: list[str] = []

    def take_away(report: FileReport) -> None:
        landed.append(report.file_name)
        (registered.inbox / "b.csv").unlink(missing_ok=True)

    land_inbox(registered, take_away)
    assert [name for name in landed if name.endswith("a.csv") or name.endswith("c.csv")] == ["a.csv", "c.csv"]
    assert "b.csv" not in landed


@pytest.mark.parametrize("rows_of_each", [1, 20_000], ids=["as a whole", "as it flows"])
def test_dates_with_the_month_first_refuse_the_file_and_are_not_read_as_other_days(
    registered: Home, rows_of_each: int
) -> None:
    days = [f"{month:02}/{day:02}/2024" for month in (1, 2, 3) for day in (4, 11, 19)]
    rows = [booking(f"{n}@x.example", date=day) for n in range(rows_of_each) for day in days]
    path = write(registered.inbox / "bookings.csv", csv_text(TRAINING_HEADER, rows))
    refused = check_file(path, registered).findings[0]
    assert (refused.rule, refused.severity) == ("month_first", "error")
    assert f"{3 * rows_of_each:,} of them cannot be read in any other way" in refused.message
    # One date that only the day first explains, and the file is what it says; its slips are rows.
    write(path, csv_text(TRAINING_HEADER, [*rows, booking("last@x.example", date="25/01/2024")]))
    report = check_file(path, registered)
    assert (report.rows_quarantined, report.rows_landed) == (3 * rows_of_each, 6 * rows_of_each + 1)


def test_dates_with_the_month_first_and_a_year_of_two_digits_refuse_the_file_too(registered: Home) -> None:
    days = [f"{month}/{day}/24" for month in (1, 2, 3) for day in (4, 11, 19)]
    path = write(
        registered.inbox / "bookings.csv",
        csv_text(TRAINING_HEADER, [booking(f"{n}@x.example", date=day) for n, day in enumerate(days)]),
    )
    assert check_file(path, registered).findings[0].rule == "month_first"


def test_a_column_of_postcodes_in_which_none_is_one_is_said_once(home: Home) -> None:
    rows = [
        [str(n), "01/05/2023", "S", "C2", "N1", "U1", "PR1", "", "", "", f"NOWHERE {n}", f"NONE {n}", ""]
        for n in range(12)
    ]
    write(home.inbox / "2023-24" / "episodes.csv", csv_text(EPISODES_HEADER, rows))
    report = run(home)["2023-24/episodes.csv"]
    said = [(f.column_name, f.rule, f.severity) for f in report.findings if f.rule == "postcodes_not_known"]
    assert said == [
        ("HOME_POST", "postcodes_not_known", "warning"), ("PL_POST", "postcodes_not_known", "warning")
    ]  # fmt: skip
