"""What lies in a home gets damaged, lost or moved about: it heals by itself, or the message says exactly what to do."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion import landing, ledger
from ingestion.home import Home
from ingestion.landing import FileReport, land_inbox
from ingestion.ledger import Ledger, LedgerError, landing_path
from orchestration import handover, manifest
from orchestration.automation import SETTLED_SECONDS, Look, decide
from orchestration.instance import DAGSTER_HOME, settle
from orchestration.lock import writing
from tests.integration.builders import EVENTS_HEADER, contents, csv_text, event, landed, make_home, put_register, write

LOG = "events/log.csv"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which a register and a log of two events have landed."""
    home = make_home(tmp_path / "home")
    put_register(home)
    write(home.inbox / LOG, csv_text(EVENTS_HEADER, [held(1), held(2)]))
    run(home)
    return home


def run(home: Home) -> dict[str, FileReport]:
    return {report.file_name: report for report in land_inbox(home)}


def held(attendance: int) -> tuple[str, ...]:
    """An event, told apart by how many came."""
    return event(attendance=str(attendance), title=f"Event {attendance}")


def events(home: Home) -> list[int]:
    """How many came to each event in force."""
    return [attendance for (attendance,) in landed(home, "events", "attendance", order="attendance")]


def landed_file(home: Home, dataset: str = "events") -> Path:
    with Ledger(home) as its:
        (vintage_id,) = its.current(dataset)
    return landing_path(home, dataset, vintage_id)


def overwrite(path: Path) -> None:
    """Change bytes in the middle of a file, as a failing disk does."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(8)
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Cut a file short, as a power cut does."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


# --- landing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [overwrite, cut, empty, Path.unlink])
def test_rows_that_were_damaged_land_again_from_the_inbox(home: Home, damage: Callable[[Path], None]) -> None:
    before = contents(home)
    damage(landed_file(home))
    assert run(home)[LOG].status == "landed"
    assert contents(home) == before


@pytest.mark.parametrize("damage", [overwrite, cut, Path.unlink])
def test_rows_that_were_damaged_and_whose_file_has_gone_stop_the_run_and_are_named(
    home: Home, damage: Callable[[Path], None]
) -> None:
    sent = (home.inbox / LOG).read_bytes()
    (home.inbox / LOG).unlink()
    run(home)
    its = landed_file(home)
    damage(its)
    with pytest.raises(LedgerError) as stopped:
        run(home)
    assert f"{its} (the rows of {LOG})" in str(stopped.value)
    assert "Put the file back into the inbox under its name" in str(stopped.value)
    write(home.inbox / LOG, sent)
    run(home)
    assert events(home) == [1, 2]


def test_rows_of_a_run_that_was_killed_before_their_entry_do_not_stay_behind(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    write(home.inbox / LOG, csv_text(EVENTS_HEADER, [held(3)]))
    with monkeypatch.context() as under_way:
        under_way.setattr(Ledger, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            run(home)
    assert len(list((home.landing / "events").glob("*.parquet"))) == 3
    # Before the next run the sender has replaced it, so nobody will land these rows again.
    write(home.inbox / LOG, csv_text(EVENTS_HEADER, [held(4)]))
    run(home)
    assert events(home) == [4]
    # The first version, the corrected one, and the file of no rows.
    assert len(list((home.landing / "events").glob("*.parquet"))) == 3


def test_what_was_half_written_is_removed(home: Home) -> None:
    half = [
        home.landing / "events" / ".0123456789abcdef.parquet.4711.writing",
        home.landing / ".source_files.parquet.4711.writing",
        home.quarantine / "events" / ".0123456789abcdef.parquet.4711.writing",
        home.spill / "tmpabcdefgh" / "clean.parquet",
    ]
    for path in half:
        write(path, "half")
    run(home)
    assert [path for path in half if path.exists()] == []


# --- the ledger ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [cut, empty, Path.unlink, lambda path: path.write_bytes(b"not a database" * 100)])
def test_without_its_ledger_nothing_lands_and_the_message_says_how_to_get_it_back(
    home: Home, damage: Callable[[Path], object]
) -> None:
    good = home.ledger.read_bytes()
    damage(home.ledger)
    rows = {name: digest for name, digest in contents(home).items() if name.count("/")}
    with pytest.raises(LedgerError) as stopped:
        run(home)
    assert str(home.ledger) in str(stopped.value)
    assert "Restore the folder landing/ from your backup" in str(stopped.value)
    assert "move landing/ and quarantine/ away" in str(stopped.value)
    assert {name: digest for name, digest in contents(home).items() if name.count("/")} == rows
    home.ledger.write_bytes(good)
    assert run(home)[LOG].status == "unchanged"


def test_a_transaction_that_a_power_cut_broke_off_is_played_back(home: Home, tmp_path: Path) -> None:
    before = contents(home)
    # A connection that changes the ledger and never commits, copied with its journal as it stands on the disk.
    con = sqlite3.connect(home.ledger, isolation_level=None)
    con.execute("pragma cache_size = 1")
    con.execute("begin immediate")
    con.execute("update vintages set message = hex(randomblob(20000))")
    con.execute("delete from receipts")
    broken = {path.name: path.read_bytes() for path in home.landing.glob("ledger.sqlite*")}
    con.close()
    assert "ledger.sqlite-journal" in broken
    for name, content in broken.items():
        (home.landing / name).write_bytes(content)
    assert {report.status for report in run(home).values()} == {"unchanged"}
    assert contents(home) == before


def test_a_ledger_of_an_earlier_version_that_has_no_digests_still_counts(home: Home) -> None:
    with sqlite3.connect(home.ledger) as con:
        con.execute("alter table vintages drop column landed_sha256")
    con.close()
    assert {report.status for report in run(home).values()} == {"unchanged"}


# --- the inbox ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["_sha256_of", "_recognise", "_find_context", "_refuse_a_twin"])
def test_a_file_that_vanishes_while_it_is_read_is_passed_over(
    home: Home, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    path = write(home.inbox / "events" / "spring.csv", csv_text(EVENTS_HEADER, [held(3)]))
    before = getattr(landing, moment)

    def vanishing(file: Any, *others: Any) -> Any:
        done = before(file, *others)
        if file.path == path:
            path.unlink(missing_ok=True)
        return done

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(landing, moment, vanishing)
        reports = run(home)
    assert reports.keys() == {"organisations/register.csv", LOG}
    assert events(home) == [1, 2]
    assert list(home.landing.rglob("*.writing")) == []


# --- the clock ------------------------------------------------------------------------------------------------------


class Clock(datetime):
    """A clock that is set anew for each run."""

    shift = timedelta()

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + cls.shift


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(hours=-1), timedelta(days=4000)])
def test_what_is_in_force_does_not_depend_on_the_clock(
    home: Home, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    monkeypatch.setattr(ledger, "datetime", Clock)
    monkeypatch.setattr(Clock, "shift", jump)
    path = write(home.inbox / LOG, csv_text(EVENTS_HEADER, [held(3)]))
    # The file's own time is as wrong as the clock.
    then = time.time() + jump.total_seconds()
    os.utime(path, (then, then))
    assert run(home)[LOG].status == "landed"
    assert events(home) == [3]
    monkeypatch.setattr(Clock, "shift", timedelta())
    write(home.inbox / LOG, csv_text(EVENTS_HEADER, [held(4)]))
    run(home)
    assert events(home) == [4]


def test_a_clock_that_is_set_back_does_not_put_the_sensor_off_until_it_has_caught_up() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    look, start, _ = decide(None, "state", now)
    assert not start
    look, start, reason = decide(look, "state", now - 86_400)
    assert (start, reason) == (False, "The clock has been set back; waiting for the inbox to settle.")
    _, start, _ = decide(look, "state", now - 86_400 + SETTLED_SECONDS)
    assert start
    assert look == Look("state", now - 86_400)


# --- .impact and the cache ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", ['{"process": 999999', "", '{"process": 999999, "since": "2025-10-01 02:00:00"}'])
def test_what_a_dead_process_left_about_its_lock_stops_nobody(home: Home, left: str) -> None:
    write(home.lock, "")
    write(home.state / "run.json", left)
    with writing(home, wait_seconds=0):
        assert json.loads((home.state / "run.json").read_text(encoding="utf-8"))["process"] == os.getpid()


def test_dagsters_record_begins_anew_where_it_was_damaged(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(DAGSTER_HOME, raising=False)
    folder = home.state / "dagster"
    with sqlite3.connect(write(folder / "history" / "runs.db", "")) as con:
        con.execute("create table runs (run_id text)")
    con.close()
    assert settle(home) == folder
    assert (folder / "history" / "runs.db").exists()
    monkeypatch.delenv(DAGSTER_HOME)
    write(folder / "events" / "event_log.db", b"torn" * 1000)
    assert settle(home) == folder
    assert not (folder / "history").exists()
    assert (folder / "dagster.yaml").is_file()
    assert "Dagster's record of past runs was damaged (event_log.db: file is not a database)" in caplog.text
    monkeypatch.delenv(DAGSTER_HOME)


def test_results_that_were_half_written_count_as_none(home: Home) -> None:
    handover.leave(home, handover.LANDED, [])
    cut(home.state / "checks" / "landed.json")
    assert handover.left(home, handover.LANDED) == []


def test_a_parsed_project_that_was_cut_short_is_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []

    def parse(project: Path, target: Path) -> None:
        parsed.append(project)
        for name in ("manifest.json", "partial_parse.msgpack"):
            write(target / name, f"{name} of {project}" * 100)

    monkeypatch.setenv("IMPACT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(manifest, "_parse", parse)
    project = tmp_path / "project"
    write(project / "dbt_project.yml", "name: project\n")
    whole = manifest.manifest_path(project)
    content = whole.read_bytes()
    assert manifest.manifest_path(project) == whole
    assert len(parsed) == 1
    for damaged in (whole, whole.with_name("partial_parse.msgpack")):
        cut(damaged)
        assert manifest.manifest_path(project) == whole
        assert whole.read_bytes() == content
    assert len(parsed) == 3
