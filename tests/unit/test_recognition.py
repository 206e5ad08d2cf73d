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


def test_a_file_that_nearly_fits_is_told_what_was_expected_and_never_what_it_holds() -> None:
    problem = refusal(table(["Date", "Title", "Type", "Jane Doe", "x@y.example"]))
    assert str(problem) == "no kind of file that is known has its headers"
    assert "Expected headers: Log of trauma-informed practice events: Date, Title, Type" in problem.remedy
    assert "Jane Doe" not in problem.remedy


def test_a_file_of_no_known_kind_is_told_what_is_known() -> None:
    problem = refusal(table(["Make", "Model"]))
    assert problem.remedy.endswith(f" {len(KEPT)} kinds are known (docs/datasets.md).")


@pytest.mark.parametrize("sheets", [(), (table(),), (table([], []),)])
def test_a_file_without_rows_is_not_recognised(sheets: tuple[Sheet, ...]) -> None:
    assert refusal(*sheets).rule == "not_recognised"
