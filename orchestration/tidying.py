"""Removes what past runs left and nobody needs any more: Dagster's record of them, and their logs.

Publications have a number that is kept, and Dagster's ticks an age; see ``impact.yml`` and ``dagster.yaml``.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from ingestion.home import Home

#: At most so many runs go at once: a home that was never tidied must not keep anybody waiting.
MOST_RUNS = 200
#: A database is written anew when so much of it is empty, and it is worth the while.
EMPTY_SHARE = 0.25
WORTH_BYTES = 4_000_000
_BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class Tidied:
    """What went."""

    runs: int
    logs: int
    bytes_freed: int

    def in_words(self) -> str:
        """A sentence."""
        return (
            f"Removed the records of {self.runs} runs and {self.logs} logs; {self.bytes_freed:,} bytes are free again."
        )


def tidy(home: Home, instance: dg.DagsterInstance, now: datetime | None = None) -> Tidied:
    """Remove what is older than the home's ``keep_history_days``.

    A run stays when it is the last in which one of the inbox's datasets arrived: how fresh that is rests on it.

    Args:
        home: whose records.
        instance: Dagster's storage.
        now: the moment to count from, in UTC; by default this one.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=home.settings.keep_history_days)
    runs = _remove_runs(instance, before)
    logs = 0
    for log in (home.state / "logs").glob("run-*.log"):
        if log.stat().st_mtime < before.timestamp():
            log.unlink()
            logs += 1
    return Tidied(runs, logs, sum(_shrunk(path) for path in sorted((home.state / "dagster").glob("*/*.db"))))


def _remove_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    over = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = instance.get_run_records(dg.RunsFilter(statuses=over, created_before=before), limit=MOST_RUNS, ascending=True)
    if not old:
        return 0
    needed = _needed(instance)
    gone = [record.dagster_run.run_id for record in old if record.dagster_run.run_id not in needed]
    for run_id in gone:
        instance.delete_run(run_id)
    return len(gone)


def _needed(instance: dg.DagsterInstance) -> set[str]:
    keys = [key for key in instance.all_asset_keys() if key.path[0] == "inbox"]
    records = instance.get_asset_records(keys) if keys else []
    return {
        entry.last_materialization_record.run_id
        for record in records
        if (entry := record.asset_entry).last_materialization_record is not None
    }


def _shrunk(path: Path) -> int:
    """Give back to the machine what is empty in a SQLite database; 0 where it is in use or not worth it."""
    size = path.stat().st_size
    if size < WORTH_BYTES:
        return 0
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as db:
            (empty,), (pages,) = (db.execute(f"pragma {what}").fetchone() for what in ("freelist_count", "page_count"))
            if empty < EMPTY_SHARE * pages:
                return 0
            db.execute("vacuum")
    except sqlite3.OperationalError:
        # Somebody has it open; the next time will do.
        return 0
    return max(size - path.stat().st_size, 0)
