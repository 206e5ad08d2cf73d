"""Files that are still arriving, and errors that pass by themselves."""

import errno
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import duckdb
import pytest

from ingestion import landing
from ingestion.home import Home, HomeError, open_home
from ingestion.landing import is_arriving, land_inbox, unseen
from ingestion.transience import can_pass
from orchestration import persistence
from orchestration.dbt_build import BuildError
from orchestration.persistence import persistent
from orchestration.resources import HomeToWrite
from orchestration.tidying import tidy
from publishing.errors import PublicationError
from tests.integration.builders import EVENTS_HEADER, csv_text, event, source_files, write


def events(home: Home, attendance: int = 7, name: str = "events.csv") -> Path:
    return write(home.inbox / name, csv_text(EVENTS_HEADER, [event(attendance=str(attendance))]))


def in_force(home: Home) -> list[str]:
    return [str(vintage) for vintage, current in source_files(home, "vintage_id, is_current") if current]


# --- what counts as arriving -----------------------------------------------------------------------------------------


def test_a_file_that_changed_a_moment_ago_is_left_for_the_next_run_and_what_it_replaces_stays_in_force(home):
    path = events(home)
    assert land_inbox(home, settle_seconds=30) == []
    assert [report.status for report in land_inbox(home)] == ["landed"]
    before = in_force(home)
    path.write_text(path.read_text().replace("7", "8"))
    assert land_inbox(home, settle_seconds=30) == []
    assert in_force(home) == before
    assert [report.status for report in land_inbox(home)] == ["landed"]
    assert in_force(home) != before


@pytest.mark.parametrize("modified", [0, 4_000_000_000])
def test_a_copy_that_keeps_the_time_of_its_original_or_a_time_to_come_settles_like_any_other(home, modified):
    path = events(home)
    os.utime(path, (modified, modified))
    assert land_inbox(home, settle_seconds=30) == []
    (name,) = unseen(home)
    assert name == "events.csv"
    assert [report.status for report in land_inbox(home)] == ["landed"]
    assert unseen(home) == {}


@pytest.mark.parametrize(
    ("age", "arriving"),
    # Seconds since the change; less than none where the clock of a file server is ahead, or one was wrong.
    [(0, True), (29, True), (31, False), (-60, True), (-1000, False), (-10_000_000, False)],
)
def test_how_long_ago_a_file_changed_is_told_by_its_entry_unless_a_clock_was_wrong(age, arriving):
    assert is_arriving(SimpleNamespace(st_ctime=time.time() - age), 30) is arriving


def test_a_file_that_is_not_whole_by_its_name_is_left_until_it_is_renamed(home):
    path = events(home, name="events.csv.part")
    assert land_inbox(home) == []
    assert unseen(home) == {}
    path.rename(home.inbox / "events.csv")
    assert list(unseen(home)) == ["events.csv"]
    assert [report.status for report in land_inbox(home)] == ["landed"]


def test_a_file_that_is_written_to_while_it_is_read_counts_for_nothing_until_the_next_run(home, monkeypatch, caplog):
    path = events(home)
    write(home.inbox / "other.csv", csv_text(EVENTS_HEADER, [event(attendance="9")]))
    recognise = landing._recognise

    def growing(file: landing._File, rules: landing._Rules) -> None:
        recognise(file, rules)
        if file.path == path:
            with path.open("a") as more:
                more.write("\n")

    monkeypatch.setattr(landing, "_recognise", growing)
    assert [report.file_name for report in land_inbox(home)] == ["other.csv"]
    assert "events.csv is still being written" in caplog.text
    monkeypatch.undo()
    assert list(unseen(home)) == ["events.csv"]
    assert {report.file_name: report.status for report in land_inbox(home)} == {
        "events.csv": "landed",
        "other.csv": "unchanged",
    }


def test_what_no_run_has_seen_is_told_from_the_ledger_and_a_moved_folder_is_seen(home, tmp_path):
    old = events(home, name="2024/events.csv")
    os.utime(old, (1, 1))
    assert list(unseen(home)) == ["2024/events.csv"]
    land_inbox(home)
    folder = tmp_path / "prepared"
    write(folder / "events.csv", "Date\n")
    folder.rename(home.inbox / "2025")
    assert list(unseen(home)) == ["2025/events.csv"]


# --- what is tried again ---------------------------------------------------------------------------------------------


def because(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


def busy_database() -> sqlite3.OperationalError:
    with sqlite3.connect(":memory:") as db:
        assert db
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
    return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(errno.EIO, "the share is away"), True),
        (OSError(errno.ESTALE, "stale file handle"), True),
        (because(PublicationError("could not be written"), OSError(errno.EBUSY, "busy")), True),
        (duckdb.IOException('IO Error: Could not set lock on file "w": Conflicting lock is held'), True),
        (busy_database(), True),
        (OSError(errno.ENOSPC, "no room"), False),
        (PermissionError(errno.EACCES, "not yours"), False),
        (FileNotFoundError(errno.ENOENT, "gone"), False),
        (HomeError("no home"), False),
        (duckdb.IOException("IO Error: No files found"), False),
        (because(BuildError("a model is wrong"), ValueError("wrong")), False),
        (sqlite3.OperationalError("no such table"), False),
    ],
)
def test_only_what_can_pass_by_itself_is_tried_again(error, passes):
    assert can_pass(error) is passes


def attempts(monkeypatch: pytest.MonkeyPatch, root: Path, *errors: Exception) -> tuple[int, dg.ExecuteInProcessResult]:
    """How often a step was begun that fails of one error after the other, and then does not."""
    monkeypatch.setattr(persistence, "FIRST_WAIT_SECONDS", 0)
    waiting, begun = list(errors), []

    @dg.asset
    def step(context: dg.AssetExecutionContext, home: HomeToWrite) -> None:
        begun.append(context.retry_number)
        with persistent(context, home):
            if waiting:
                raise waiting.pop(0)

    definitions = dg.Definitions(
        assets=[step], jobs=[dg.define_asset_job("one")], resources={"home": HomeToWrite(path=str(root))}
    )
    result = definitions.resolve_job_def("one").execute_in_process(raise_on_error=False)
    return len(begun), result


def test_a_step_is_begun_again_after_an_error_that_passed_and_ends_well(home, monkeypatch):
    times, result = attempts(monkeypatch, home.root, OSError(errno.EIO, "away"), OSError(errno.EIO, "away"))
    assert (times, result.success) == (3, True)


def test_a_step_is_not_begun_again_after_an_error_that_stays_nor_without_end(home, monkeypatch):
    from orchestration.run import _troubles

    times, result = attempts(monkeypatch, home.root, HomeError("impact.yml is wrong"))
    assert (times, result.success, _troubles(result)) == (1, False, ["impact.yml is wrong"])
    times, result = attempts(monkeypatch, home.root, *[OSError(errno.EIO, "away")] * 9)
    assert (times, result.success) == (1 + persistence.RETRIES, False)
    assert _troubles(result) == ["[Errno 5] away"]


def test_a_file_on_a_share_that_is_away_for_a_moment_lands(home, monkeypatch):
    events(home)
    monkeypatch.setattr(landing._digest.retry, "sleep", lambda seconds: None)
    opened = failing_first(Path.open, 2, "events.csv")
    monkeypatch.setattr(Path, "open", opened)
    assert [report.status for report in land_inbox(home)] == ["landed"]


def failing_first(function: Callable[..., object], times: int, name: str) -> Callable[..., object]:
    left = [times]

    def wrapped(path: Path, *arguments: object, **named: object) -> object:
        if path.name == name and left[0]:
            left[0] -= 1
            raise OSError(errno.EIO, "the share is away")
        return function(path, *arguments, **named)

    return wrapped


# --- what goes ------------------------------------------------------------------------------------------------------


def test_old_runs_and_logs_go_and_the_run_in_which_a_dataset_last_arrived_stays(home, tmp_path):
    @dg.asset(key=["inbox", "events"])
    def arrived() -> None:
        pass

    @dg.asset(key="areas")
    def built() -> None:
        pass

    root = home.root
    (root / "impact.yml").write_text("authority: E08000005\nkeep_history_days: 30\n")
    (root / ".impact" / "logs").mkdir(parents=True)
    old, new = (root / ".impact" / "logs" / f"run-{name}.log" for name in ("1", "2"))
    for log in (old, new):
        log.write_text("said")
    os.utime(old, (1, 1))
    with dg.DagsterInstance.ephemeral() as instance:
        runs = [dg.materialize([asset], instance=instance).run_id for asset in (arrived, built, built)]
        assert tidy(open_home(root), instance).runs == 0
        later = datetime.now(UTC) + timedelta(days=31)
        assert not old.exists()
        assert new.exists()
        tidied = tidy(open_home(root), instance, later)
        assert (tidied.runs, tidied.logs, tidied.bytes_freed) == (2, 1, 0)
        assert [run.run_id for run in instance.get_runs()] == [runs[0]]
        assert instance.all_logs(runs[1]) == []


def test_a_database_that_is_mostly_empty_is_made_smaller_unless_somebody_has_it_open(home):
    path = home.state / "dagster" / "events" / "event_log.db"
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as db:
        db.execute("create table events (text)")
        db.executemany("insert into events values (?)", [("x" * 4000,)] * 2000)
        db.commit()
        db.execute("delete from events where rowid > 100")
        db.commit()
        db.execute("begin immediate")
        size = path.stat().st_size
        with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as patch:
            patch.setattr("orchestration.tidying._BUSY_SECONDS", 0.01)
            assert tidy(home, instance).bytes_freed == 0
            db.rollback()
            assert tidy(home, instance).bytes_freed > size / 2
    with sqlite3.connect(path) as db:
        assert db.execute("select count(*) from events").fetchone() == (100,)
