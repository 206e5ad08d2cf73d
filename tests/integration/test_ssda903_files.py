"""The files of a return on looked-after children beside header and episodes, in their layout and with their traps."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest

from ingestion.findings import MASK
from ingestion.home import Home
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.pseudonyms import KEY_VARIABLE, load_key
from tests.integration.builders import (
    EPISODES_HEADER,
    csv_text,
    episode,
    every_text,
    landed,
    make_home,
    source_files,
    write,
)

REVIEWS = ("CHILD", "DOB", "REVIEW", "REVIEW_CODE")
UASC = ("CHILD", "SEX", "DOB", "DUC")
MISSING = ("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END")
OC2 = (
    "CHILD", "DOB", "SDQ_SCORE", "SDQ_REASON", "CONVICTED", "HEALTH_CHECK", "IMMUNISATIONS", "TEETH_CHECK",
    "HEALTH_ASSESSMENT", "SUBSTANCE_MISUSE", "INTERVENTION_RECEIVED", "INTERVENTION_OFFERED",
)  # fmt: skip
OC3 = ("CHILD", "DOB", "IN_TOUCH", "ACTIV", "ACCOM")
#: Every landed column but the one that names the file.
EVERYTHING = "landed.* exclude (vintage_id)"
#: Files that are part of a return and that no indicator needs.
NOT_NEEDED = {
    "ssda903_ad1": "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR",
    "ssda903_placed_for_adoption": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED",
    "ssda903_previous_permanence": "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM",
    "ssda903_social_worker_episodes": "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON",
    "ssda903_deprivation_of_liberty": "CHILD,DOB,DOLO_START,DOLO_END",
}


@pytest.fixture(autouse=True)
def _demonstration_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def child_id(number: str) -> str:
    return load_key().pseudonym("looked_after_child", number)


def put(home: Home, header: Sequence[str], *rows: Sequence[object], name: str = "2024-25/file.csv") -> Path:
    """Put one file of a return into the inbox."""
    return write(home.inbox / "ssda903" / name, csv_text(header, rows))


def land(home: Home) -> dict[str, FileReport]:
    """Land the inbox; the reports by the name of the file."""
    return {report.file_name.rsplit("/", 1)[-1]: report for report in land_inbox(home)}


def accounted(report: FileReport) -> tuple[str, int, int, int, dict[str, int]]:
    """What became of a file and of its rows."""
    return (
        report.status, report.rows_read, report.rows_landed, report.rows_quarantined, report.dropped_by_rule,
    )  # fmt: skip


def found(report: FileReport, severity: str = "error") -> list[tuple[int | None, str | None, str, str | None]]:
    """The findings of one severity: row, header, rule and the value that is shown."""
    return [(f.source_row, f.column_name, f.rule, f.value) for f in report.findings if f.severity == severity]


# --- each format -----------------------------------------------------------------------------------------------------


def test_reviews_land_once_each_and_none_from_after_the_year(home: Home) -> None:
    put(
        home,
        REVIEWS,
        ("700001", "05/05/2012", "31/03/2025", "PN1"),
        ("700001", "05/05/2012", " 02/10/2024 ", "pn7"),
        ("700001", "05/05/2012", "02/10/2024", "PN7"),
        ("700001", "05/05/2012", "02/10/2024", "PN2"),
        ("700002", "not known", "01/04/2024", "PN0"),
        ("700003", "", "01/04/2025", "PN1"),
        ("700004", "", "2024-10-02", "PN1"),
        ("700005", "", "02/10/2024", "PN8"),
        ("", "", "02/10/2024", "PN1"),
        ("", "", "", ""),
    )
    report = land(home)["file.csv"]
    assert accounted(report) == ("landed", 10, 3, 5, {"blank_row": 1, "duplicate_row": 1})
    assert found(report) == [
        (7, "REVIEW", "reviewed_by_year_end", "01/04/2025"),
        (8, "REVIEW", "not_a_date", "2024-10-02"),
        (9, "REVIEW_CODE", "unknown_code", "PN8"),
        (10, "CHILD", "required", None),
        (5, "CHILD, REVIEW", "duplicate_key", MASK),
    ]
    assert landed(home, "ssda903_reviews", EVERYTHING) == [
        (2025, child_id("700001"), date(2025, 3, 31), "PN1", 2),
        (2025, child_id("700001"), date(2024, 10, 2), "PN7", 3),
        (2025, child_id("700002"), date(2024, 4, 1), "PN0", 6),
    ]


@pytest.mark.parametrize(("folder", "boy", "girl", "gone"), [("2023-24", "1", "2", "M"), ("2024-25", "M", "F", "1")])
def test_of_unaccompanied_children_only_their_status_at_the_years_end_lands(
    home: Home, folder: str, boy: str, girl: str, gone: str
) -> None:
    year = int(folder[:4]) + 1
    put(
        home,
        UASC,
        ("700001", boy, "05/05/2008", "05/05/2026"),
        ("700002", girl, "05/05/2008", ""),
        ("700003", boy, "31/03/2006", f"31/03/{year}"),
        ("700004", boy, "01/04/2006", f"01/04/{year}"),
        ("700005", gone, "05/05/2008", ""),
        ("700006", boy, "05/05/2008", "04/05/2008"),
        ("700007", boy, "31/09/2008", ""),
        name=f"{folder}/uasc.csv",
    )
    report = land(home)["uasc.csv"]
    assert accounted(report) == ("landed", 7, 4, 3, {})
    assert found(report) == [
        (6, "SEX", "unknown_code", gone),
        (7, "DUC", "status_ended_after_birth", MASK),
        (8, "DOB", "not_a_date", MASK),
    ]
    assert landed(home, "ssda903_uasc", EVERYTHING) == [
        (year, child_id("700001"), True, 2),
        (year, child_id("700002"), True, 3),
        (year, child_id("700003"), False, 4),
        (year, child_id("700004"), True, 5),
    ]


def test_missing_episodes_land_if_they_reach_into_the_year_and_two_in_a_day_are_one(home: Home) -> None:
    put(
        home,
        MISSING,
        ("700001", "05/05/2010", "M", "30/03/2024", "01/04/2024"),
        ("700001", "05/05/2010", "A", "31/03/2025", ""),
        ("700001", "05/05/2010", "M", "12/07/2024", "12/07/2024"),
        ("700001", "05/05/2010", "M", "12/07/2024", "13/07/2024"),
        ("700001", "05/05/2010", "A", "12/07/2024", "12/07/2024"),
        ("700002", "05/05/2010", "m", "20/03/2025", "02/04/2025"),
        ("700003", "05/05/2010", "M", "01/04/2025", ""),
        ("700003", "05/05/2010", "M", "12/07/2024", "11/07/2024"),
        ("700003", "05/05/2010", "M", "12/02/2024", "31/03/2024"),
        ("700003", "05/05/2010", "X", "12/07/2024", ""),
        ("700003", "05/05/2010", "M", "", "12/07/2024"),
        ("700003", "05/05/2010", "M", "12/07/2024", "31/06/2024"),
    )
    report = land(home)["file.csv"]
    assert accounted(report) == ("landed", 12, 5, 6, {"duplicate_row": 1})
    assert found(report) == [
        (8, "MIS_START", "started_by_year_end", "01/04/2025"),
        (9, "MIS_END", "ended_after_start", "11/07/2024"),
        (10, "MIS_END", "ended_in_year", "31/03/2024"),
        (11, "MISSING", "unknown_code", "X"),
        (12, "MIS_START", "required", None),
        (13, "MIS_END", "not_a_date", "31/06/2024"),
    ]
    assert found(report, "warning") == [(7, "MIS_END", "ended_by_year_end", "02/04/2025")]
    assert landed(home, "ssda903_missing", EVERYTHING) == [
        (2025, child_id("700001"), "M", date(2024, 3, 30), 2),
        (2025, child_id("700001"), "A", date(2025, 3, 31), 3),
        (2025, child_id("700001"), "M", date(2024, 7, 12), 4),
        (2025, child_id("700001"), "A", date(2024, 7, 12), 6),
        (2025, child_id("700002"), "M", date(2025, 3, 20), 7),
    ]


def oc2(number: str, born: str, score: str, reason: str, *flags: str) -> tuple[str, ...]:
    """A row of OC2; ``flags`` are those of conviction, health assessment and substance misuse."""
    convicted, assessed, misuse = flags
    return (number, born, score, reason, convicted, "1", "0", "1", assessed, misuse, "0", "1")


def test_outcomes_land_with_the_age_on_31_march_and_without_the_rest_of_a_childs_health(home: Home) -> None:
    put(
        home,
        OC2,
        oc2("700001", "31/03/2012", "0", "", "0", "1", "0"),
        oc2("700002", "01/04/2012", "40", "", "1.0", "0.0", "1.0"),
        oc2("700003", "29/02/2008", "17.0", "", "No", "Yes", "false"),
        oc2("700004", "01/04/2007", "", "SDQ1", "", "", ""),
        oc2("700005", "05/05/2012", "12", "SDQ4", "0", "1", "0"),
        oc2("700006", "05/05/2012", "", "", "0", "1", "0"),
        oc2("700007", "05/05/2022", "", "", "0", "1", "0"),
        oc2("700008", "05/05/2012", "41", "", "0", "1", "0"),
        oc2("700009", "05/05/2012", "-1", "", "0", "1", "0"),
        oc2("700010", "05/05/2012", "12.5", "", "0", "1", "0"),
        oc2("700011", "05/05/2012", "", "SDQ6", "0", "1", "0"),
        oc2("700012", "05/05/2012", "12", "", "2", "1", "0"),
        oc2("700013", "31/03/2007", "12", "", "0", "1", "0"),
        oc2("700014", "01/04/2025", "12", "", "0", "1", "0"),
        oc2("700015", "", "12", "", "0", "1", "0"),
        oc2("700001", "31/03/2012", "3", "", "0", "1", "0"),
    )
    report = land(home)["file.csv"]
    assert accounted(report) == ("landed", 16, 7, 9, {})
    assert found(report) == [
        (9, "SDQ_SCORE", "maximum", "41"),
        (10, "SDQ_SCORE", "minimum", "-1"),
        (11, "SDQ_SCORE", "not_a_number", "12.5"),
        (12, "SDQ_REASON", "unknown_code", MASK),
        (13, "CONVICTED", "not_yes_or_no", "2"),
        (14, "DOB", "not_of_age", MASK),
        (15, "DOB", "born_before_year_end", MASK),
        (16, "DOB", "required", None),
        (17, "CHILD", "duplicate_key", MASK),
    ]
    assert found(report, "warning") == [
        (6, "SDQ_SCORE", "score_and_reason", "12"),
        (7, "SDQ_SCORE", "score_or_reason", None),
    ]
    columns = (
        "collection_year, child_id, sdq_score, is_convicted, is_health_assessed, has_substance_misuse_problem, "
        "age_at_year_end, source_row"
    )
    assert landed(home, "ssda903_oc2", columns) == [
        (2025, child_id("700001"), 0, False, True, False, 13, 2),
        (2025, child_id("700002"), 40, True, False, True, 12, 3),
        (2025, child_id("700003"), 17, False, True, False, 17, 4),
        (2025, child_id("700004"), None, None, None, None, 17, 5),
        (2025, child_id("700005"), 12, False, True, False, 12, 6),
        (2025, child_id("700006"), None, False, True, False, 12, 7),
        (2025, child_id("700007"), None, False, True, False, 2, 8),
    ]
    assert {len(row) for row in landed(home, "ssda903_oc2", EVERYTHING)} == {len(columns.split(","))}


def test_outcomes_without_the_columns_that_nothing_reads_land_too(home: Home) -> None:
    short = ("CHILD", "DOB", "SDQ_SCORE", "SDQ_REASON", "CONVICTED", "HEALTH_ASSESSMENT", "SUBSTANCE_MISUSE")
    put(home, short, ("700001", "05/05/2012", "20", "", "0", "1", "0"))
    report = land(home)["file.csv"]
    assert (accounted(report), report.findings) == (("landed", 1, 1, 0, {}), [])


IN, OUT = "in_education_employment_or_training", "not_in_education_employment_or_training"


def test_care_leavers_land_with_the_answers_and_not_the_circumstances(home: Home) -> None:
    put(
        home,
        OC3,
        ("500001", "31/03/2008", "YES", "F1", "U1"),
        ("500002", "01/04/2003", "YES", "P5", "X2"),
        ("500003", "05/05/2006", "yes", "G6", "R1"),
        ("500004", "05/05/2006", "NO", "0", "0"),
        ("500005", "05/05/2006", "NREQ", "G4", "Z1"),
        ("500006", "05/05/2006", "REFU", "0.0", "0"),
        ("500007", "05/05/2006", "DIED", "0", "0"),
        ("500008", "05/05/2006", "RHOM", "F2", "B1"),
        ("500009", "05/05/2006", "YES", "F4", "0"),
        ("500010", "01/04/2008", "YES", "F1", "U1"),
        ("500011", "31/03/2003", "YES", "F1", "U1"),
        ("500012", "05/05/2006", "YES", "F3", "U1"),
        ("500013", "05/05/2006", "YES", "F1", "01"),
        ("500014", "05/05/2006", "YES", "F1", "S1"),
        ("500015", "05/05/2006", "", "F1", "U1"),
        ("500016", "05/05/2006", "YES", "", "U1"),
    )
    report = land(home)["file.csv"]
    assert accounted(report) == ("landed", 16, 8, 8, {})
    assert found(report) == [
        (7, "ACTIV", "unknown_code", "0.0"),
        (11, "DOB", "aged_17_to_21", MASK),
        (12, "DOB", "aged_17_to_21", MASK),
        (13, "ACTIV", "unknown_code", "F3"),
        (14, "ACCOM", "unknown_code", "01"),
        (15, "ACCOM", "unknown_code", "S1"),
        (16, "IN_TOUCH", "required", None),
        (17, "ACTIV", "required", None),
    ]
    assert found(report, "warning") == [
        (9, "IN_TOUCH", "told_though_out_of_scope", "RHOM"),
        (10, "IN_TOUCH", "not_told_though_in_touch", "YES"),
    ]
    assert landed(home, "ssda903_oc3", EVERYTHING) == [
        (2025, child_id("500001"), IN, "suitable", True, 2),
        (2025, child_id("500002"), IN, "unsuitable", True, 3),
        (2025, child_id("500003"), OUT, "not_known", True, 4),
        (2025, child_id("500004"), "not_known", "not_known", True, 5),
        (2025, child_id("500005"), OUT, "suitable", True, 6),
        (2025, child_id("500007"), "not_known", "not_known", False, 8),
        (2025, child_id("500008"), IN, "suitable", False, 9),
        (2025, child_id("500009"), IN, "not_known", True, 10),
    ]


@pytest.mark.parametrize(
    ("folder", "activity", "accommodation", "lands"),
    [
        ("2016-17", "F3", "S1", True),
        ("2020-21", "P3", "X1", True),
        ("2020-21", "F4", "W1", True),
        ("2021-22", "F3", "U1", False),
        ("2021-22", "P4", "S1", True),
        ("2022-23", "F5", "S1", False),
        ("2022-23", "P3", "U1", False),
    ],
)
def test_codes_of_care_leavers_are_those_of_the_collection_year(
    home: Home, folder: str, activity: str, accommodation: str, lands: bool
) -> None:
    born = f"05/05/{int(folder[:4]) - 18}"
    put(home, OC3, ("500001", born, "YES", activity, accommodation), name=f"{folder}/oc3.csv")
    land(home)
    expected = [(IN, "suitable")] if lands else []
    assert landed(home, "ssda903_oc3", "activity, accommodation") == expected


@pytest.mark.parametrize("dataset", NOT_NEEDED)
def test_files_that_no_indicator_needs_are_counted_and_nothing_of_them_is_kept(home: Home, dataset: str) -> None:
    header = NOT_NEEDED[dataset].split(",")
    secret = tuple(f"secret {number}" for number in range(len(header)))
    put(home, header, secret, secret, secret)
    report = land(home)["file.csv"]
    assert (report.dataset, accounted(report)) == (dataset, ("not_needed", 3, 0, 0, {"not_needed": 3}))
    assert not (home.landing / dataset).exists()
    assert not any("secret" in text for text in every_text(home.landing) | every_text(home.quarantine))


def test_a_mark_another_order_of_columns_and_spaces_in_the_header_make_no_difference(home: Home) -> None:
    text = "\ufeff mis_end ,Missing,MIS_START, dob,Child\r\n12/07/2024,M,11/07/2024,05/05/2010,700001\r\n,,,,\r\n"
    write(home.inbox / "returns" / "2025.csv", text.encode("utf-8"))
    report = land(home)["2025.csv"]
    assert (report.dataset, accounted(report)) == ("ssda903_missing", ("landed", 2, 1, 0, {"blank_row": 1}))
    assert landed(home, "ssda903_missing", "collection_year, child_id, missing_code, started_date") == [
        (2025, child_id("700001"), "M", date(2024, 7, 11))
    ]


# --- the year, newer files, identifiers ------------------------------------------------------------------------------


FILES = {
    "reviews.csv": ("ssda903_reviews", REVIEWS, ("700001", "05/05/2008", "02/10/2020", "PN1")),
    "uasc.csv": ("ssda903_uasc", UASC, ("700001", "1", "05/05/2008", "")),
    "missing.csv": ("ssda903_missing", MISSING, ("700001", "05/05/2008", "M", "11/07/2020", "12/07/2020")),
    "oc2.csv": ("ssda903_oc2", OC2, oc2("700001", "05/05/2008", "20", "", "0", "1", "0")),
    "oc3.csv": ("ssda903_oc3", OC3, ("700001", "05/05/2002", "YES", "F1", "U1")),
}


@pytest.mark.parametrize("name", FILES)
def test_the_year_is_that_of_the_name_the_folder_the_episodes_beside_it_or_the_dates(home: Home, name: str) -> None:
    dataset, header, row = FILES[name]
    episodes = csv_text(EPISODES_HEADER, [episode(DECOM="01/06/2020")])
    write(home.inbox / "beside" / "episodes.csv", episodes)
    write(home.inbox / "beside" / name, csv_text(header, [row]))
    write(home.inbox / "2021-22" / name, csv_text(header, [("700002", *row[1:])]))
    write(home.inbox / "2021-22" / f"201920 {name}", csv_text(header, [("700003", *row[1:])]))
    write(home.inbox / "alone" / name, csv_text(header, [("700004", *row[1:])]))
    reports = {report.file_name: report for report in land_inbox(home)}

    years = {row[0]: row[1] for row in landed(home, dataset, "child_id, collection_year")}
    expected = {child_id("700001"): 2021, child_id("700002"): 2022, child_id("700003"): 2020}
    # What happened in the year to 31 March 2021 is no part of the return before, nor of the one after if it was over.
    if name in ("reviews.csv", "missing.csv"):
        del expected[child_id("700003")]
    if name == "missing.csv":
        del expected[child_id("700002")]
    # Nothing else says it: its own dates do, where a file has such; and it is the later file of that year.
    if name in ("reviews.csv", "missing.csv"):
        expected[child_id("700004")] = expected.pop(child_id("700001"))
        assert reports[f"alone/{name}"].status == "landed"
    else:
        refused = reports[f"alone/{name}"]
        assert (refused.status, [finding.rule for finding in refused.findings]) == (
            "refused", ["collection_year_not_known"],
        )  # fmt: skip
        assert (
            "Write the year, such as “2024-25” into its file or folder name, or put it beside"
            in refused.findings[0].remedy
        )
    assert years == expected
    checked = check_file(home.inbox / "beside" / name, home)
    assert (checked.status, checked.rows_landed) == ("landed", 1)


def test_a_return_of_headers_alone_is_of_the_year_that_its_name_says_and_of_no_other(home: Home) -> None:
    write(home.inbox / "ssda903/2023-24/missing.csv", csv_text(MISSING, []), age=600)
    write(home.inbox / "ssda903/2024-25/missing.csv", csv_text(MISSING, []), age=300)
    write(home.inbox / "ssda903/missing.csv", csv_text(MISSING, []))
    # What lies beside it would say a year of it, and another one when it is replaced.
    write(home.inbox / "ssda903/episodes_2022.csv", csv_text(EPISODES_HEADER, [episode(CHILD="700001")]))
    land(home)
    told = source_files(home, "file_name, status, submission, is_current")
    assert [row for row in told if row[0].endswith("missing.csv")] == [
        ("ssda903/2023-24/missing.csv", "landed", "collection_year=2024", True),
        ("ssda903/2024-25/missing.csv", "landed", "collection_year=2025", True),
        ("ssda903/missing.csv", "refused", "", False),
    ]


def test_a_file_of_the_same_year_that_comes_later_replaces_the_earlier_as_a_whole(home: Home) -> None:
    first = csv_text(OC2, [oc2(number, "05/05/2012", "20", "", "0", "0", "0") for number in ("700001", "700002")])
    again = csv_text(OC2, [oc2("700001", "05/05/2012", "12", "", "0", "1", "0")])
    write(home.inbox / "ssda903/2024-25/oc2.csv", first, age=600)
    write(home.inbox / "ssda903/2023-24/oc2.csv", first.replace("700002", "700009"), age=300)
    write(home.inbox / "ssda903/2024-25/oc2 sent again.csv", again)
    land(home)
    assert landed(home, "ssda903_oc2", "collection_year, child_id, sdq_score, is_health_assessed") == [
        (2024, child_id("700001"), 20, False),
        (2024, child_id("700009"), 20, False),
        (2025, child_id("700001"), 12, True),
    ]
    assert source_files(home, "file_name, is_current") == [
        ("ssda903/2024-25/oc2.csv", False),
        ("ssda903/2023-24/oc2.csv", True),
        ("ssda903/2024-25/oc2 sent again.csv", True),
    ]


def test_a_child_keeps_its_pseudonym_from_file_to_file_and_no_number_or_birth_date_is_kept(home: Home) -> None:
    number = "7348891256"
    write(home.inbox / "2020-21/episodes.csv", csv_text(EPISODES_HEADER, [episode(CHILD=number, DECOM="01/06/2020")]))
    for name, (_, header, row) in FILES.items():
        # The second row is refused for all that follows the child's number and birth date.
        wrong = [cell if at < 2 else "?" for at, cell in enumerate(row)]
        write(home.inbox / "2020-21" / name, csv_text(header, [(number, *row[1:]), (number, *wrong[1:])]))
    reports = land(home)
    for name, (dataset, _, _) in FILES.items():
        assert landed(home, dataset, "distinct child_id", "1") == [(child_id(number),)], name
        assert reports[name].rows_quarantined == 1
    assert landed(home, "ssda903_episodes", "child_id") == [(child_id(number),)]
    texts = every_text(home.landing) | every_text(home.quarantine)
    for secret in (number, "05/05/2008", "05/05/2002", "2008-05-05", "2002-05-05"):
        assert not any(secret in text for text in texts), secret


# --- the invented return that nobody on this project wrote -----------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, FileReport]]:
    """A home with the return's files beside each other: the year is that of the episodes, 2018."""
    made = make_home(tmp_path_factory.mktemp("real") / "home")
    for path in (shared / "data" / "ssda903_fake").glob("*.csv"):
        write(made.inbox / "return" / path.name, path.read_bytes())
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv(KEY_VARIABLE, raising=False)
        return made, land(made)


def records(shared: Path, name: str) -> list[tuple[int, dict[str, str]]]:
    """Each row of one of its files with its number in a spreadsheet."""
    with (shared / "data" / "ssda903_fake" / name).open(encoding="utf-8", newline="") as file:
        return list(enumerate(csv.DictReader(file), start=2))


def day(text: str) -> date:
    return datetime.strptime(text, "%d/%m/%Y").date()


YEAR_END = date(2018, 3, 31)


@pytest.mark.shared_data
def test_every_row_of_the_return_is_accounted_for(real: tuple[Home, dict[str, FileReport]], shared: Path) -> None:
    assert {name: accounted(report) for name, report in real[1].items() if name in FILES} == {
        "missing.csv": ("landed", 43, 43, 0, {}),
        "oc2.csv": ("landed", 2675, 2675, 0, {}),
        "oc3.csv": ("landed", 53, 48, 5, {}),
        "reviews.csv": ("landed", 12582, 7532, 5049, {"duplicate_row": 1}),
        "uasc.csv": ("landed", 132, 132, 0, {}),
    }  # fmt: skip
    for name in FILES:
        assert real[1][name].rows_read == len(records(shared, name))


@pytest.mark.shared_data
def test_reviews_of_the_return_are_refused_only_for_lying_in_its_future_or_contradicting_another(
    real: tuple[Home, dict[str, FileReport]], shared: Path
) -> None:
    home, reports = real
    first: dict[tuple[str, str], tuple[int, str]] = {}
    future: set[int] = set()
    contradicting: set[int] = set()
    repeated: set[int] = set()
    for number, row in records(shared, "reviews.csv"):
        key = (row["CHILD"], row["REVIEW"])
        if day(row["REVIEW"]) > YEAR_END:
            future.add(number)
        elif key not in first:
            first[key] = (number, row["REVIEW_CODE"])
        else:
            (repeated if first[key][1] == row["REVIEW_CODE"] else contradicting).add(number)
    assert (len(future), len(contradicting), len(repeated)) == (5042, 7, 1)
    errors = {(f.source_row, f.rule) for f in reports["reviews.csv"].findings}
    assert errors == {(n, "reviewed_by_year_end") for n in future} | {(n, "duplicate_key") for n in contradicting}
    assert landed(home, "ssda903_reviews", "source_row, collection_year, child_id, review_date, review_code") == [
        (number, 2018, child_id(child), day(held), code) for (child, held), (number, code) in first.items()
    ]


@pytest.mark.shared_data
def test_outcomes_missing_episodes_and_arrivals_of_the_return_land_as_they_stand(
    real: tuple[Home, dict[str, FileReport]], shared: Path
) -> None:
    home = real[0]
    flags = {"0": False, "1": True, "": None}

    def age(text: str) -> int:
        born = day(text)
        return 2018 - born.year - ((born.month, born.day) > (3, 31))

    columns = "source_row, child_id, sdq_score, is_convicted, is_health_assessed, has_substance_misuse_problem"
    assert landed(home, "ssda903_oc2", f"{columns}, age_at_year_end") == [
        (
            number,
            child_id(row["CHILD"]),
            int(row["SDQ_SCORE"]) if row["SDQ_SCORE"] else None,
            *(flags[row[header]] for header in ("CONVICTED", "HEALTH_ASSESSMENT", "SUBSTANCE_MISUSE")),
            age(row["DOB"]),
        )
        for number, row in records(shared, "oc2.csv")
    ]
    assert landed(home, "ssda903_missing", "source_row, child_id, missing_code, started_date") == [
        (number, child_id(row["CHILD"]), row["MISSING"], day(row["MIS_START"]))
        for number, row in records(shared, "missing.csv")
    ]
    assert landed(home, "ssda903_uasc", "source_row, child_id, is_unaccompanied_at_year_end") == [
        (number, child_id(row["CHILD"]), day(row["DUC"]) > YEAR_END) for number, row in records(shared, "uasc.csv")
    ]


@pytest.mark.shared_data
def test_care_leavers_of_the_return_are_refused_for_a_code_or_an_age_that_none_has(
    real: tuple[Home, dict[str, FileReport]], shared: Path
) -> None:
    home, reports = real
    # 01 and 02 are no codes, and three were born after 31 March 2001.
    refused = {(2, "unknown_code"), (47, "unknown_code")} | {(n, "aged_17_to_21") for n in (17, 42, 51)}
    errors = {(f.source_row, f.rule) for f in reports["oc3.csv"].findings if f.severity == "error"}
    assert errors == refused
    told = {f.source_row for f in reports["oc3.csv"].findings if f.severity == "warning"}
    expected: list[tuple[object, ...]] = []
    contradicting: set[int] = set()
    for number, row in records(shared, "oc3.csv"):
        in_scope = row["IN_TOUCH"] not in ("DIED", "RHOM")
        if not in_scope:
            contradicting.add(number)
        if number in {n for n, _ in refused}:
            continue
        activity = {"F": IN, "P": IN, "G": OUT, "0": "not_known"}[row["ACTIV"][0]]
        suitability = "not_known" if row["ACCOM"][0] == "R" else {"1": "suitable", "2": "unsuitable"}[row["ACCOM"][1]]
        expected.append((number, child_id(row["CHILD"]), activity, suitability, in_scope))
    assert told == contradicting
    assert len(told) == 21
    assert landed(home, "ssda903_oc3", "source_row, child_id, activity, accommodation, is_in_scope") == expected


@pytest.mark.shared_data
def test_no_number_or_birth_date_of_the_return_is_anywhere_afterwards(
    real: tuple[Home, dict[str, FileReport]], shared: Path
) -> None:
    home = real[0]
    rows = [row for name in FILES for _, row in records(shared, name)]
    dates = {row[h] for row in rows for h in ("REVIEW", "MIS_START", "MIS_END") if h in row}
    secrets = {row["CHILD"] for row in rows} | {row["DOB"] for row in rows} - dates
    secrets |= {row["DUC"] for row in rows if "DUC" in row} - dates
    assert len(secrets) > 4000
    assert not secrets & (every_text(home.landing) | every_text(home.quarantine))
