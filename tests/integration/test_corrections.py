"""Corrections: known mistakes in a supplier's file, mended by a list and visible in the ledger."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ingestion.home import Home, HomeError, open_home
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.ledger import Ledger

HEADER = "dataset,file,match,column,new_value,reason,date\n"
REGISTER = (
    "Organisation ID,Organisation,Also known as,Sector,Role,Head count,As at\n"
    "O1,Moorside Centre,,Housing,,10,01/09/2024\n"
    "O2,Northgate School,,Housing,,31/02/2024,01/09/2024\n"
)
EVENTS = (
    "Date,Title,Type,Sector,Host organisation,Attendance\n"
    "03/10/2025,Listening well,Workshop,Housing,Moorside Centre,12\n"
    "04/10/2025,Ann Example's farewell,Workshop,Housing,Nonesuch,7\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "impact.yml").write_text("authority: E08000005\n", encoding="utf-8")
    (tmp_path / "inbox" / "events").mkdir(parents=True)
    (tmp_path / "inbox" / "register.csv").write_text(REGISTER, encoding="utf-8")
    (tmp_path / "inbox" / "events" / "log.csv").write_text(EVENTS, encoding="utf-8")
    return open_home(tmp_path)


def correct(home: Home, *lines: str) -> None:
    (home.root / "corrections.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")


def land(home: Home) -> dict[str, FileReport]:
    return {report.file_name: report for report in land_inbox(home)}


def landed(home: Home, dataset: str, columns: str) -> list[tuple[object, ...]]:
    with Ledger(home) as ledger:
        files = [str(home.landing / dataset / f"{vintage}.parquet") for vintage in ledger.current(dataset)]
    with duckdb.connect() as con:
        return con.execute(f"select {columns} from read_parquet(?) order by all", [files]).fetchall()


def test_a_correction_mends_the_cell_it_names_and_says_so(home: Home) -> None:
    correct(
        home,
        "events,events/*.csv,Date=04/10/2025; Attendance=7,Host organisation,Moorside Centre,Typed wrong,2025-11-02",
        "organisations,,organisation_id=O2,headcount,14,Head count and date had slipped,2025-11-02",
    )
    reports = land(home)
    assert landed(home, "organisations", "organisation_id, headcount") == [("O1", 10), ("O2", 14)]
    assert landed(home, "events", "attendance, organisation_id, source_row") == [(7, "O1", 3), (12, "O1", 2)]
    report = reports["events/log.csv"]
    assert (report.rows_landed, report.rows_quarantined, report.rows_corrected) == (2, 0, 1)
    assert [(f.source_row, f.column_name, f.rule, f.value, f.message) for f in report.findings] == [
        (
            3,
            "Host organisation",
            "corrected",
            "Moorside Centre",
            "the cell was read as “Moorside Centre”: Typed wrong (2025-11-02)",
        )
    ]
    assert (home.inbox / "events" / "log.csv").read_text(encoding="utf-8") == EVENTS
    with duckdb.connect() as con:
        rows = con.execute(
            "select file_name, rows_corrected from read_parquet(?) order by 1",
            [str(home.landing / "source_files.parquet")],
        ).fetchall()
    assert rows == [("events/log.csv", 1), ("register.csv", 1)]


def test_a_new_correction_has_its_file_read_again_and_no_other(home: Home) -> None:
    assert land(home)["events/log.csv"].rows_quarantined == 1
    correct(home, "events,,Date=04/10/2025,Host organisation,Moorside Centre,Typed wrong,2025-11-02")
    again = land(home)
    assert (again["events/log.csv"].status, again["events/log.csv"].rows_landed) == ("landed", 2)
    assert again["register.csv"].status == "unchanged"
    assert {report.status for report in land(home).values()} == {"unchanged"}
    assert land(home)["events/log.csv"].rows_corrected == 1


def test_what_is_personal_is_corrected_and_not_shown(home: Home) -> None:
    correct(home, "events,,Date=04/10/2025,Title,Bea Example's farewell,Wrong name,2025-11-02")
    report = check_file(home.inbox / "events" / "log.csv", home)
    corrected = [finding for finding in report.findings if finding.rule == "corrected"]
    assert [(f.source_row, f.value) for f in corrected] == [(3, "***")]
    assert "Bea Example" not in str(report)


def test_a_correction_that_matches_nothing_changes_nothing(home: Home) -> None:
    correct(home, "events,other/*.csv,Date=04/10/2025,Host organisation,Moorside Centre,Typed wrong,2025-11-02")
    report = land(home)["events/log.csv"]
    assert (report.rows_corrected, report.rows_quarantined) == (0, 1)


def test_a_correction_of_a_column_that_the_file_lacks_refuses_the_file_by_the_line(home: Home) -> None:
    correct(home, "events,,Datum=04/10/2025,Host organisation,Moorside Centre,Typed wrong,2025-11-02")
    report = land(home)["events/log.csv"]
    assert (report.status, report.findings[0].rule) == ("refused", "correction_not_possible")
    assert report.message == "line 2 of corrections.csv is about it, and it has no column “Datum”"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dataset,file\n", r"corrections.csv, line 1: the header must read dataset,file,match"),
        (HEADER + "event,,A=1,B,2,why,2025-11-02\n", r"line 2: “event” is no dataset that lands"),
        (HEADER + "events,,A=1,,2,why,2025-11-02\n", r"line 2: column is empty"),
        (HEADER + "events,,A,B,2,why,2025-11-02\n", r"line 2: match reads “A”"),
        (HEADER + "events,,A=1,B,2,why,2/11/2025\n", r"line 2: “2/11/2025” is not a date"),
    ],
)
def test_a_list_that_cannot_be_used_stops_the_run_and_names_the_line(home: Home, text: str, says: str) -> None:
    (home.root / "corrections.csv").write_text(text, encoding="utf-8")
    with pytest.raises(HomeError, match=says):
        land_inbox(home)
