"""Rows of persons go when their time is up, and what was counted of them stays as it was."""

from __future__ import annotations

import csv
import logging
import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from ingestion.contracts import load_contracts
from ingestion.home import Home, HomeError, open_home
from ingestion.landing import FileReport, land_inbox
from ingestion.ledger import Ledger
from ingestion.retention import Going, kept_for, load_rules, months_in, months_later, plan
from orchestration import handover, retention
from orchestration.cli import app
from orchestration.retention import LAYOUTS, Retained, lay_out, retain
from tests.integration.builders import (
    EPISODES_HEADER,
    TRAINING_HEADER,
    booking,
    contract_with,
    csv_text,
    episode,
    every_text,
    findings,
    make_home,
    put_register,
    rows,
    snapshot,
    source_files,
    write,
)

REPOSITORY = Path(__file__).resolve().parents[2]
#: Long after everything that the tests receive is due, and a day on which only some of it is.
LATER, SOON = date(2040, 1, 1), date(2026, 1, 1)
OLD, NEW = "training/2019.csv", "training/2024.csv"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path / "home")
    put_register(made)
    return made


def training(home: Home, name: str, *bookings: Sequence[str]) -> None:
    write(home.inbox / name, csv_text(TRAINING_HEADER, bookings))


def land(home: Home) -> dict[str, FileReport]:
    return {report.file_name: report for report in land_inbox(home)}


def received(home: Home, **days: str) -> None:
    """As if files had been received on other days; by the end of their name, without its ending."""
    with closing(sqlite3.connect(home.ledger)) as db, db:
        for name, day in days.items():
            db.execute(
                "update receipts set received_at = ? where path like ?", (f"{day}T08:00:00+00:00", f"%{name}.csv")
            )
    with Ledger(home) as ledger:
        ledger.export()


def vintages(home: Home) -> dict[str, str]:
    return dict(source_files(home, "file_name, vintage_id"))


def planned(home: Home) -> list[Going]:
    with Ledger(home) as ledger:
        return plan(home, ledger)


def count(
    period: str, numerator: int, *vintage_ids: str, indicator: str = "training_take_up", **other: Any
) -> tuple[Any, ...]:
    """A row of ``indicator_counts``; the period is an academic year."""
    start = int(period[:4])
    row = dict.fromkeys(list(LAYOUTS["indicator_counts"])[:-2]) | {
        "indicator_id": indicator, "source_dataset": "training_records", "area_code": "E08000005", "sector": "total",
        "organisation_id": "total", "breakdown": "total", "breakdown_value": "total", "period_type": "academic_year",
        "period": period, "period_start": f"{start}-09-01", "period_end": f"{start + 1}-08-31", "numerator": numerator,
        "denominator": 40, "unknown_count": 0, "vintage_ids": list(vintage_ids),
    } | other  # fmt: skip
    return tuple(row.values())


def build_warehouse(home: Home, *counts: tuple[Any, ...]) -> None:
    """What the models would have made, proved and published."""
    home.warehouse.unlink(missing_ok=True)
    columns = dict(list(LAYOUTS["indicator_counts"].items())[:-2])
    with closing(duckdb.connect(str(home.warehouse))) as con:
        con.execute("create schema indicators; create schema staging")
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        con.execute(f"create table indicators.indicator_counts ({typed})")
        con.executemany(f"insert into indicators.indicator_counts values ({', '.join('?' for _ in columns)})", counts)
        con.execute(
            "create view staging.stg_landing__reported_dates as select distinct 'training_bookings' as dataset,"
            " vintage_id, null::varchar as supplier, null::bigint as wave, session_date as reported_date"
            f" from read_parquet('{home.landing}/training_bookings/*.parquet', union_by_name = true)"
        )
    home.published.mkdir(exist_ok=True)
    for stage in handover.STAGES:
        handover.leave(home, stage, [])


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bookings of two years, received six years apart."""
    home = make_home(tmp_path_factory.mktemp("retention") / "home")
    put_register(home)
    gone = booking("second@x.example", status="Gone")
    training(home, OLD, booking("old.person@school.example", date="01/10/2018"), gone)
    training(home, NEW, booking("new.person@school.example", date="01/10/2024"))
    land(home)
    received(home, **{"2019": "2019-11-05", "2024": "2024-11-05"})
    return home.root


@pytest.fixture
def two_years(landed: Path, tmp_path: Path) -> Home:
    """The same, counted and published."""
    shutil.copytree(landed, tmp_path / "home")
    home = open_home(tmp_path / "home")
    ids = vintages(home)
    build_warehouse(
        home,
        count("2018/19", 1, ids[OLD], ids["organisations/register.csv"]),
        count("2018/19", 0, ids["organisations/register.csv"], sector="health"),
        count("2019/20", 0, ids["organisations/register.csv"]),
        count("2020/21", 5, ids[OLD], ids[NEW]),
        count("2024/25", 7, ids[NEW]),
        count("2018/19", 3, "events", indicator="events_held", source_dataset="events"),
    )
    return home


def frozen(home: Home, columns: str = "period, sector, numerator") -> list[tuple[Any, ...]]:
    return rows(f"select {columns} from read_parquet(?) order by all", str(home.frozen / "indicator_counts.parquet"))


# --- the rules ---------------------------------------------------------------------------------------------------


def test_every_dataset_of_persons_has_a_rule_and_no_other_dataset_has_one() -> None:
    of_persons = {
        name
        for name, contract in load_contracts().items()
        if contract.not_needed is None and contract.licence == "Not published; personal data"
    }
    pseudonymous = {
        name
        for name, contract in load_contracts().items()
        if any(column.personal == "pseudonymise" for column in contract.columns if contract.not_needed is None)
    }
    ruled = [dataset for rule in load_rules().rules for dataset in rule.datasets]
    assert sorted(ruled) == sorted(of_persons)
    assert pseudonymous <= of_persons


def test_no_rule_deletes_what_a_figure_still_looks_back_on() -> None:
    for rule in load_rules().rules:
        assert months_in(rule.keep) >= months_in(rule.at_least) >= retention.CLOSED_AFTER_MONTHS
    with (REPOSITORY / "dbt_project" / "seeds" / "seed_indicators.csv").open(encoding="utf-8", newline="") as file:
        longest = max(int(row["window_months"] or 0) for row in csv.DictReader(file))
    assert longest > 0
    rule = load_rules().of("training_bookings")
    assert rule is not None
    assert months_in(rule.at_least) >= longest + retention.CLOSED_AFTER_MONTHS


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2020, 2, 29), 12, date(2021, 2, 28)),
        (date(2020, 11, 30), 3, date(2021, 2, 28)),
        (date(2020, 12, 15), 1, date(2021, 1, 15)),
        (date(2020, 1, 15), -1, date(2019, 12, 15)),
        (date(2020, 5, 5), 72, date(2026, 5, 5)),
    ],
)
def test_months_are_counted_on_the_calendar(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("training_bookings: 18 months", "18 months is too short. Figures need these rows for 48 months at least"),
        ("events: 2 years", "events holds no rows of persons and is kept"),
        ("bookings: 2 years", "bookings is not a dataset"),
        ("training_bookings: forever", "`retention.training_bookings` is not a length of time, such as 6 years"),
        ("training_bookings: 0 years", "is not a length of time"),
    ],
)
def test_a_home_that_says_something_impossible_is_told_so(tmp_path: Path, entry: str, said: str) -> None:
    make_home(tmp_path / "home")
    write(tmp_path / "home" / "impact.yml", f"authority: E08000005\nretention:\n  {entry}\n")
    with pytest.raises(HomeError, match=re.escape(said)):
        kept_for(open_home(tmp_path / "home"))


def test_a_home_may_keep_rows_longer_or_shorter(two_years: Home) -> None:
    write(two_years.root / "impact.yml", "authority: E08000005\nretention:\n  training_bookings: 10 years\n")
    home = open_home(two_years.root)
    assert [one.due_on for one in planned(home)] == [date(2029, 11, 5), date(2034, 11, 5)]


# --- whose time is up --------------------------------------------------------------------------------------------


def test_the_time_counts_from_the_first_receipt_and_not_from_a_copy(two_years: Home) -> None:
    training(two_years, "training/copy.csv", booking("new.person@school.example", date="01/10/2024"))
    land(two_years)
    assert [(one.because, one.due_on) for one in planned(two_years)] == [
        ("time_is_up", date(2025, 11, 5)),
        ("time_is_up", date(2030, 11, 5)),
    ]


def test_what_was_replaced_or_rejected_goes_a_year_later(two_years: Home) -> None:
    training(two_years, NEW, booking("another@school.example"))
    training(two_years, "training/bad.csv", booking("bad@school.example"))
    land(two_years)
    with Ledger(two_years) as ledger:
        bad = next(vintage.vintage_id for vintage in ledger.kept() if vintage.file_name == "training/bad.csv")
        ledger.record_gate(bad, passed=False)
    today = datetime.now().date()
    due = {(one.file_name, one.because): one.due_on for one in planned(two_years)}
    assert abs(due[NEW, "replaced"] - months_later(today, 12)).days <= 1
    assert abs(due["training/bad.csv", "rejected"] - months_later(today, 12)).days <= 1
    assert abs(due[NEW, "time_is_up"] - months_later(today, 72)).days <= 1


def test_the_files_of_a_return_go_together(home: Home) -> None:
    write(home.inbox / "ssda903" / "2024-25" / "episodes.csv", csv_text(EPISODES_HEADER, [episode()]))
    header = ("CHILD", "DOB", "MIS_START", "MIS_END", "MISSING")
    away = ("700001", "05/05/2012", "01/08/2024", "02/08/2024", "M")
    write(home.inbox / "ssda903" / "2024-25" / "missing.csv", csv_text(header, [away]))
    reports = land(home)
    assert {report.dataset for report in reports.values()} >= {"ssda903_episodes", "ssda903_missing"}
    received(home, episodes="2025-06-01", missing="2025-09-30")
    assert {one.due_on for one in planned(home)} == {date(2031, 9, 30)}


# --- freezing and deleting ---------------------------------------------------------------------------------------


def test_whole_periods_are_frozen_before_their_rows_go(two_years: Home) -> None:
    ids = vintages(two_years)
    done = retain(two_years, SOON)
    assert [one.file_name for one in done.deleted] == [OLD]
    # The parts that nobody is in, the period that looks back on the rows, and no figure that does not rest on bookings.
    # The year between, of which no booking tells, ended after the file came and is not of its time.
    assert frozen(two_years) == [
        ("2018/19", "health", 0),
        ("2018/19", "total", 1),
        ("2019/20", "total", 0),
        ("2020/21", "total", 5),
    ]
    assert {tuple(row[0]) for row in frozen(two_years, "retired_vintage_ids")} == {(ids[OLD],)}
    assert sorted(path.name for path in (two_years.landing / "training_bookings").iterdir()) == [
        f"{name}.parquet" for name in sorted(["_empty", ids[NEW]])
    ]
    retired = source_files(two_years, "file_name, is_current, rows_landed, retired_at is not null")
    assert (OLD, True, 1, True) in retired
    assert (NEW, True, 1, False) in retired
    assert two_years.frozen.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in two_years.frozen.iterdir())


def test_nothing_of_the_rows_is_left_but_in_the_inbox(two_years: Home) -> None:
    (pseudonym,) = rows(
        "select person_id from read_parquet(?)",
        str(two_years.landing / "training_bookings" / f"{vintages(two_years)[OLD]}.parquet"),
    )[0]
    assert pseudonym in every_text(two_years.root)
    assert "Gone" in {value for (value,) in findings(two_years, "value")}
    retain(two_years, SOON)
    assert pseudonym not in every_text(two_years.root)
    assert findings(two_years, "value") == []
    kept = [path for path in two_years.root.rglob("*") if path.is_file() and "inbox" not in path.parts]
    assert not [path for path in kept if pseudonym.encode() in path.read_bytes()]
    # Of what they were about, the month is left.
    dates = rows("select reported_date from read_parquet(?)", str(two_years.frozen / "reported_dates.parquet"))
    assert dates == [(date(2018, 10, 1),)]


def test_frozen_figures_stay_when_more_rows_go_and_nothing_happens_twice(two_years: Home) -> None:
    retain(two_years, SOON)
    before = snapshot(two_years.root)
    again = retain(two_years, SOON)
    assert again == Retained()
    assert snapshot(two_years.root) == before
    # Counted anew from what is left the year would be smaller.
    ids = vintages(two_years)
    build_warehouse(two_years, count("2020/21", 2, ids[NEW]), count("2024/25", 7, ids[NEW]))
    retain(two_years, LATER)
    assert frozen(two_years)[-2:] == [("2020/21", "total", 5), ("2024/25", "total", 7)]


def test_rows_that_an_open_figure_rests_on_stay_a_year_longer_at_most(two_years: Home) -> None:
    ids = vintages(two_years)
    build_warehouse(two_years, count("2018/19", 1, ids[OLD]), count("2025/26", 4, ids[OLD], ids[NEW]))
    held = retain(two_years, SOON)
    assert (held.deleted, [one.file_name for one in held.held]) == ([], [OLD])
    assert "figures of periods that are not closed rest on them" in held.warnings[0]
    gone = retain(two_years, date(2026, 11, 5))
    assert [one.file_name for one in gone.deleted] == [OLD]
    assert "are now counted without them" in gone.warnings[0]
    assert frozen(two_years, "period") == [("2018/19",)]


@pytest.mark.parametrize("unproved", ["no results", "built since", "never published"])
def test_nothing_goes_whose_counts_are_not_proved(two_years: Home, unproved: str) -> None:
    if unproved == "no results":
        handover.forget(two_years, handover.MODELS)
    elif unproved == "built since":
        with closing(duckdb.connect(str(two_years.warehouse))) as con:
            con.execute("create table something as select 1 as made")
    else:
        two_years.published.rmdir()
    before = snapshot(two_years.landing)
    done = retain(two_years, SOON)
    assert (done.deleted, [one.file_name for one in done.held]) == ([], [OLD])
    assert "by the next run after one that published" in done.warnings[0]
    assert snapshot(two_years.landing) == before
    assert frozen(two_years) == []


def test_a_home_that_was_moved_keeps_its_rows_until_its_warehouse_is_built_there(two_years: Home) -> None:
    moved = open_home(two_years.root.rename(two_years.root.with_name("elsewhere")))
    done = retain(moved, SOON)
    assert (done.deleted, [one.file_name for one in done.held]) == ([], [OLD])
    assert frozen(moved) == []


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", ["before the ledger", "before the files", "between the files"])
def test_killed_between_its_steps_it_ends_the_same_the_next_time(
    two_years: Home, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    training(two_years, "training/2019 second.csv", booking("third@school.example", date="01/11/2018"))
    land(two_years)
    received(two_years, **{"2019 second": "2019-12-01"})
    for stage in handover.STAGES:
        handover.leave(two_years, stage, [])
    deletions: list[Path] = []
    unlink = Path.unlink

    def die(*_: object, **__: object) -> None:
        raise Killed

    def die_at_the_third(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".parquet" and path.is_relative_to(two_years.landing):
            deletions.append(path)
            if len(deletions) > 1:
                raise Killed
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        if moment == "before the ledger":
            patched.setattr(Ledger, "retire", die)
        elif moment == "before the files":
            patched.setattr(retention, "delete_retired", _first_then(die))
        else:
            patched.setattr(Path, "unlink", die_at_the_third)
        with pytest.raises(Killed):
            retain(two_years, SOON)
    retain(two_years, SOON)
    left = {path.stem for path in (two_years.landing / "training_bookings").iterdir()}
    assert left == {"_empty", vintages(two_years)[NEW]}
    assert [row[0] for row in frozen(two_years)] == ["2018/19", "2018/19", "2019/20", "2020/21"]
    with Ledger(two_years) as ledger:
        assert len(ledger.retired()) == 2


def _first_then(die: Callable[..., None]) -> Callable[..., None]:
    """The first call, which clears up after an earlier run, does nothing; the second ends the process."""
    calls: list[int] = []

    def call(*_: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            die()

    return call


def test_what_was_frozen_for_rows_that_are_still_there_is_forgotten(
    two_years: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "retire", die)
        with pytest.raises(Killed):
            retain(two_years, SOON)
    assert frozen(two_years) != []
    lay_out(two_years)
    assert frozen(two_years) == []


# --- what arrives afterwards -------------------------------------------------------------------------------------


def test_a_file_that_still_lies_in_the_inbox_does_not_land_again(
    two_years: Home, caplog: pytest.LogCaptureFixture
) -> None:
    retain(two_years, SOON)
    write(two_years.inbox / "archive" / "2019 copy.csv", (two_years.inbox / OLD).read_bytes())
    with caplog.at_level(logging.WARNING):
        reports = land(two_years)
    assert {reports[OLD].status, reports["archive/2019 copy.csv"].status} == {"unchanged"}
    assert sorted(path.stem for path in (two_years.landing / "training_bookings").iterdir()) == sorted(
        ["_empty", vintages(two_years)[NEW]]
    )
    assert f"archive/2019 copy.csv, {OLD}: still in the inbox" in caplog.text
    ids = {row[0] for row in frozen(two_years, "unnest(retired_vintage_ids)")}
    current = dict(source_files(two_years, "vintage_id, is_current"))
    assert all(current[vintage_id] for vintage_id in ids)


def test_a_correction_of_deleted_rows_is_refused_and_the_figures_stay(two_years: Home) -> None:
    retain(two_years, SOON)
    training(two_years, OLD, booking("corrected@school.example", date="01/10/2018"))
    report = land(two_years)[OLD]
    assert (report.status, report.findings[0].rule) == ("refused", "retention_over")
    assert "the figures that rest on them are frozen" in str(report.message)
    ids = {row[0] for row in frozen(two_years, "unnest(retired_vintage_ids)")}
    current = dict(source_files(two_years, "vintage_id, is_current"))
    assert all(current[vintage_id] for vintage_id in ids)


def test_what_was_replaced_and_deleted_does_not_come_back_under_its_name(two_years: Home) -> None:
    first = (two_years.inbox / NEW).read_bytes()
    training(two_years, NEW, booking("another@school.example"))
    land(two_years)
    for stage in handover.STAGES:
        handover.leave(two_years, stage, [])
    done = retain(two_years, date(2028, 1, 1))
    assert {(one.file_name, one.because) for one in done.deleted} == {(OLD, "time_is_up"), (NEW, "replaced")}
    # Nothing rests on what was replaced, so nothing is frozen for it.
    assert "2024/25" not in {row[0] for row in frozen(two_years)}
    write(two_years.inbox / NEW, first)
    report = land(two_years)[NEW]
    assert (report.status, report.findings[0].rule) == ("refused", "rows_deleted")
    with Ledger(two_years) as ledger:
        assert len(ledger.current("training_bookings")) == 1


def test_a_file_wholly_about_frozen_periods_lands_and_is_said_to_count_for_nothing(
    two_years: Home, caplog: pytest.LogCaptureFixture
) -> None:
    retain(two_years, SOON)
    training(two_years, "training/found.csv", booking("found@school.example", date="01/12/2018"))
    training(two_years, "training/this year.csv", booking("now@school.example", date="01/12/2025"))
    with caplog.at_level(logging.WARNING):
        assert land(two_years)["training/found.csv"].status == "landed"
    (said,) = [record.getMessage() for record in caplog.records if "frozen" in record.getMessage()]
    assert "training/found.csv" in said
    assert "training/this year.csv" not in said


def test_it_is_still_said_of_a_file_that_landed_before_another_date_began_to(
    two_years: Home, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    retain(two_years, SOON)
    training(two_years, "training/found.csv", booking("found@school.example", date="01/12/2018"))
    land(two_years)
    (two_years.inbox / "training/found.csv").unlink()
    invited = {
        "name": "invited_date", "headers": ["Invited"], "description": "When they were invited.", "type": "date",
        "formats": ["%d/%m/%Y"], "may_be_absent": True, "since": 2,
    }  # fmt: skip
    monkeypatch.setitem(load_contracts(), "training_bookings", contract_with("training_bookings", 2, columns=[invited]))
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        land(two_years)
    (said,) = [record.getMessage() for record in caplog.records if "frozen" in record.getMessage()]
    assert "training/found.csv" in said


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_lists_what_goes_when_and_deletes_what_is_due(two_years: Home) -> None:
    before = snapshot(two_years.landing)
    listed = CliRunner().invoke(app, ["retain", "--dry-run", "--home", str(two_years.root)])
    assert listed.exit_code == 0, listed.output
    assert f"2025-11-05  training_bookings  {OLD}, 1 rows: its time is up then" in listed.output
    assert f"2030-11-05  training_bookings  {NEW}, 1 rows" in listed.output
    assert snapshot(two_years.landing) == before
    done = CliRunner().invoke(app, ["retain", "--home", str(two_years.root)])
    assert done.exit_code == 0, done.output
    assert "4 counts were frozen for it" in done.output
    assert CliRunner().invoke(app, ["retain", "--home", str(two_years.root)]).output.strip() == "No time is up."
