"""Dagster's own storage: in the home's working folder, so that two homes share nothing."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from ingestion.home import Home

log = logging.getLogger(__name__)

DAGSTER_HOME = "DAGSTER_HOME"

#: Compute logs would copy what is printed through processes of their own; steps log through Dagster instead.
_SETTINGS = """\
# Written by `impact`. Deleting this folder loses the record of past runs and nothing else.
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: orchestration.event_log
  class: KeptSqliteEventLog
  config:
    base_dir: {folder}
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
retention:
  schedule:
    purge_after_days: 60
  sensor:
    purge_after_days: {{skipped: 1, failure: 30, success: 60}}
"""


def settle(home: Home) -> Path:
    """Where Dagster keeps its runs: what the user set as ``DAGSTER_HOME``, else a folder of this home.

    The variable is set for this process and those that it starts.
    """
    if named := os.environ.get(DAGSTER_HOME):
        return Path(named)
    folder = home.state / "dagster"
    if damaged := _damaged(folder):
        log.warning("Dagster's record of past runs was damaged (%s), so it begins anew.", damaged)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "dagster.yaml"
    content = _SETTINGS.format(folder=_quoted(folder / "events"))
    if not settings.is_file() or settings.read_text(encoding="utf-8") != content:
        settings.write_text(content, encoding="utf-8")
    os.environ[DAGSTER_HOME] = str(folder)
    return folder


def _damaged(folder: Path) -> str | None:
    """What is wrong with Dagster's files; its log does not wait for the disk, so a power cut can leave anything."""
    for path in sorted(folder.glob("*/*.db")):
        try:
            with closing(sqlite3.connect(path)) as con:
                (found,) = con.execute("pragma quick_check(1)").fetchone()
        except sqlite3.OperationalError:
            # Locked, or a disk that cannot be read: not for us to judge.
            continue
        except sqlite3.DatabaseError as error:
            found = str(error)
        if found != "ok":
            return f"{path.name}: {found}"
    return None


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
