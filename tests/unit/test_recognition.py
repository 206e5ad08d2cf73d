"""Which dataset a table is taken for, and what is said where it is taken for none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest

from ingestion.contracts import load_contracts
from ingestion.forms import load_tools
from ingestion.instruments import load_instruments
from ingestion.readers import Sheet, UnreadableFile
from ingestion.recognition import Recognised, recognise
from tests.integration.builders import (
    EPISODES_HEADER,
    EVENTS_HEADER,
    HEADER_HEADER,
    REGISTER_HEADER,
    TRAINING_HEADER,
    forms_header,
)

AREAS = ["country_code", "country_name", "region_code", "region_name", "old_la_code", "new_la_code", "la_name"]
FIGURES = ["school_type", "headcount", "perm_excl", "perm_excl_rate"]
EXCLUSIONS = ["time_identifier", "time_period", "geographic_level", *AREAS, *FIGURES]
KEPT = [contract for contract in load_contracts().values() if contract.not_needed is None]
OLD_EXCLUSIONS = [*EXCLUSIONS, "fixed_excl", "fixed_excl_rate", "one_plus_fixed", "one_plus_fixed_rate"]
NEW_EXCLUSIONS = [*EXCLUSIONS, "suspension", "susp_rate", "one_plus_susp", "one_plus_susp_rate"]


def table(*rows: Sequence[str], name: str | None = None) -> Sheet:
    """A table with these first rows: of a workbook where it has a name, of a CSV file otherwise."""
    return Sheet(path=Path("file"), name=name, top=[list(row) for row in rows])


def found(*sheets: Sheet, path: str = "file.csv") -> Recognised:
    return recognise(sheets, PurePosixPath(path), load_contracts(), load_tools())


def refusal(*sheets: Sheet, path: str = "file.csv") -> UnreadableFile:
    with pytest.raises(UnreadableFile) as refused:
        found(*sheets, path=path)
    return refused.value


@pytest.mark.parametrize(
    ("header", "dataset"),
    [
        (OLD_EXCLUSIONS, "dfe_exclusions"),
        (NEW_EXCLUSIONS, "dfe_exclusions"),
        (TRAINING_HEADER, "training_bookings"),
        (EVENTS_HEADER, "events"),
        (REGISTER_HEADER, "organisations"),
        (HEADER_HEADER, "ssda903_header"),
        (EPISODES_HEADER, "ssda903_episodes"),
        (["CHILD", "DOB", "REVIEW", "REVIEW_CODE"], "ssda903_reviews"),
        (["CHILD", "SEX", "DOB", "DUC"], "ssda903_uasc"),
        (["CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"], "ssda903_missing"),
        (["col_name", "col_type", "label", "indicator_grouping", "indicator_unit"], "dfe_metadata"),
    ],
)
def test_a_file_is_known_by_its_headers_whatever_their_order_and_case(header: Sequence[str], dataset: str) -> None:
    assert found(table(header)).contract.dataset == dataset
    assert found(table([f" {h.upper()} " for h in reversed(header)])).contract.dataset == dataset


def test_any_alias_of_a_header_will_do() -> None:
    header = ["Learner e-mail", "Course name", "Course level", "Date", "Booking status", "Employer"]
    assert found(table(header)).contract.dataset == "training_bookings"


def test_a_header_that_another_dataset_marks_itself_by_is_not_mistaken() -> None:
    # Every header of the table by area is there too, and yet it is another table of the same publication.
    header = [*NEW_EXCLUSIONS, "characteristic"]
    assert found(table(header)).contract.dataset == "dfe_exclusions_by_characteristic"
    # Nor is it taken for the table by area where it lacks a header of its own, which will be told.
    header.remove("headcount")
    assert found(table(header)).contract.dataset == "dfe_exclusions_by_characteristic"


def test_a_survey_is_known_by_its_tool_and_most_of_its_statements() -> None:
    match = found(table(forms_header(), name="Sheet1"), path="anything.xlsx")
    assert (match.contract.dataset, match.header_row) == ("workforce_survey", 1)
    header = forms_header()
    assert found(table(header[: 7 + 12], name="Sheet1")).contract.dataset == "workforce_survey"
    assert refusal(table(header[: 7 + 11], name="Sheet1")).rule == "unknown_questionnaire"
    assert refusal(table(header[2:], name="Sheet1")).rule == "not_recognised"


def test_the_header_row_is_found_under_titles_and_rows_that_are_not_tables() -> None:
    match = found(table(["Training report"], [], ["Autumn", "2024", ""], TRAINING_HEADER, ["a", "b"]))
    assert (match.contract.dataset, match.header_row) == ("training_bookings", 4)
    assert match.headers == list(TRAINING_HEADER)


def test_only_formats_that_the_contract_names_are_taken() -> None:
    assert found(table(TRAINING_HEADER, name="Sheet1")).contract.dataset == "training_bookings"
    assert refusal(table(EPISODES_HEADER, name="Sheet1")).rule == "not_recognised"


def test_a_folder_helps_where_one_marking_header_is_missing() -> None:
    header = ["Date", "Title", "Kind", "Sector", "Host organisation", "Attendance"]
    assert refusal(table(header)).rule == "not_recognised"
    assert found(table(header), path="Events/log.csv").contract.dataset == "events"
    assert refusal(table(["Date", "Title", "What"]), path="events/log.csv").rule == "not_recognised"


def test_a_file_in_the_folder_of_one_kind_is_not_taken_for_another_that_asks_for_less() -> None:
    header = ["Date", "Organisation", "Sessions"]
    assert found(table(header), path="log.csv").contract.dataset == "deep_listening_log"
    assert found(table(header), path="reflective sessions/log.csv").contract.dataset == "reflective_sessions"


def test_a_table_that_lacks_one_header_of_a_kept_kind_is_not_set_aside_as_one_that_nobody_needs() -> None:
    generic = ["time_period", "time_identifier", "geographic_level", "country_code", "country_name"]
    needs = [*generic, "phase_type_grouping", "sen_status", "sen_primary_need"]
    assert found(table(generic)).contract.dataset == "dfe_other"
    assert found(table(needs)).contract.dataset == "dfe_sen_needs"
    assert found(table(needs[:-1])).contract.dataset == "dfe_other"


def test_statements_of_a_survey_without_the_columns_of_a_tool_are_called_that_survey() -> None:
    instrument = load_instruments()["workforce"]
    statements = [item.wordings[0] for item in instrument.items]
    problem = refusal(table(["Jane Doe", *statements]))
    assert str(problem).startswith("it holds the statements of “Workforce survey”")
    assert "Jane Doe" not in f"{problem} {problem.remedy}"


def test_two_sheets_of_data_are_refused_by_their_names() -> None:
    problem = refusal(
        table(TRAINING_HEADER, name="Bookings"), table(["x", "y"], name="Notes"), table(EVENTS_HEADER, name="Log")
    )
    assert problem.rule == "two_tables"
    assert "“Bookings” (Training bookings and attendance)" in str(problem)
    assert "“Log” (Log of trauma-informed practice events)" in str(problem)
    assert problem.remedy == "Send each sheet as a file of its own."


def test_of_one_file_read_with_several_delimiters_the_one_that_fits_is_taken() -> None:
    match = found(table([";".join(TRAINING_HEADER)]), table(TRAINING_HEADER))
    assert match.headers == list(TRAINING_HEADER)


#: As the sample's learning system writes them: hardly one is the first spelling of the contract.
OTHER_SPELLINGS = [
    "Learner e-mail", "Learner name", "Course name", "Course level", "Core course", "Session date", "Booking status",
    "Organisation", "Role", "For leaders",
]  # fmt: skip
BOOKINGS = "it looks most like “Training bookings and attendance”, but these headers are missing: "
A_STATUS = "“Status” (or “Booking status”, “Attendance status”)"


def spelt(**others: str | None) -> list[str]:
    """The headers with those named called otherwise, or left out."""
    called = {name.replace("_", " "): other for name, other in others.items()}
    return [other for header in OTHER_SPELLINGS if (other := called.get(header, header)) is not None]


@pytest.mark.parametrize("path", ["file.csv", "training/file.csv", "events/file.csv"])
@pytest.mark.parametrize(
    ("header", "missing", "unknown"),
    [
        (spelt(Booking_status=None), A_STATUS, None),
        (spelt(Booking_status="State"), A_STATUS, "column G"),
        (
            spelt(Session_date="Held at", Booking_status="State"),
            f"“Session date” (or “Date of session”, “Course date”), {A_STATUS}",
            "columns F, G",
        ),
    ],
)
def test_a_file_that_lacks_a_header_is_told_which_and_what_else_it_may_be_called(
    path: str, header: list[str], missing: str, unknown: str | None
) -> None:
    assert found(table(OTHER_SPELLINGS), path=path).contract.dataset == "training_bookings"
    problem = refusal(table(["Report of bookings"], header, ["a@x.example", "Ann Bee", "Basics"]), path=path)
    assert (problem.rule, str(problem)) == ("not_recognised", BOOKINGS + missing)
    remedy = "Export it again with them, or, where one is there under another name, rename it."
    assert problem.remedy == remedy + (f" Not known there: what stands at the top of {unknown}." if unknown else "")


def test_of_a_kind_that_needs_two_headers_the_others_help_to_name_it() -> None:
    assert found(table(["School", "Pupils on roll", "Census date"])).contract.dataset == "pupils_on_roll"
    problem = refusal(table(["School", "Learners", "Census date"]))
    assert str(problem).startswith("it looks most like “Pupils on roll")
    assert "these headers are missing: “Pupils on roll”" in str(problem)


FORMS = [
    ["UPN", "A123456789012", "School", "Oakfield", "Category", "SUSP", "Start date", "01/02/2024", "Name", "Amy Jones"],
    ["CHILD", "700015", "SEX", "1", "DOB", "05/06/2009", "Name", "Amina Hassan"],
    ["CHILD", "SEX", "DOB", "Amina Hassan", "07700 900123", "05062009"],
    ["Learner", "Course", "Session date", "Organisation", "Level", "ann@x.example", "Amy Jones"],
]


@pytest.mark.parametrize("form", FORMS)
def test_of_a_form_nothing_is_quoted_that_stands_beside_its_titles(form: list[str]) -> None:
    problem = refusal(table(form))
    said = f"{problem} {problem.remedy}"
    titles = {"UPN", "School", "Category", "Start date", "CHILD", "SEX", "DOB", "Name", "1"}
    titles |= {"Learner", "Course", "Session date", "Organisation", "Level"}
    assert [cell for cell in form if cell not in titles and cell in said] == []


@pytest.mark.parametrize("path", ["file.csv", "training/file.csv"])
def test_nothing_is_quoted_of_a_table_that_begins_with_somebody(path: str) -> None:
    # Two of the cells are called like headers of bookings.
    rows = [["ann@x.example", "Ann Bee", "Training", "Skilled", "2025-09-08", "Attended", "Agency", "Nurse"]] * 3
    problem = refusal(table(*rows), path=path)
    for cell in rows[0]:
        assert f"“{cell}”" not in f"{problem} {problem.remedy}"


def test_a_file_that_nearly_fits_is_told_what_is_missing_and_never_what_it_holds() -> None:
    problem = refusal(table(["Date", "Title", "Type", "Jane Doe", "x@y.example"]))
    assert str(problem).startswith("it looks most like “Log of trauma-informed practice events”, but these headers are")
    assert "Jane Doe" not in f"{problem} {problem.remedy}"


def test_a_folder_makes_a_file_that_has_little_of_its_kind_one_that_was_meant_to_be_it() -> None:
    header = ["Date", "Title", "What"]
    assert str(refusal(table(header))) == "no kind of file that is known has its headers"
    assert str(refusal(table(header), path="events/log.csv")).startswith("it looks most like “Log of trauma-informed")


def test_a_file_that_lacks_nothing_is_told_what_else_keeps_it_from_being_read() -> None:
    problem = refusal(table(EPISODES_HEADER, name="Sheet1"))
    assert str(problem).endswith("”, which is read as CSV alone")
    assert problem.remedy == "Send it as CSV."
    problem = refusal(table(["School", "Pupils on roll", "UPN"]))
    assert str(problem).endswith("”, and others that no such file has: “UPN”")


def test_a_file_of_no_known_kind_is_told_what_is_known() -> None:
    problem = refusal(table(["Make", "Model"]))
    assert problem.remedy.endswith(f" {len(KEPT)} kinds are known (docs/datasets.md).")


@pytest.mark.parametrize("sheets", [(), (table(),), (table([], []),)])
def test_a_file_without_rows_is_not_recognised(sheets: tuple[Sheet, ...]) -> None:
    assert refusal(*sheets).rule == "not_recognised"
