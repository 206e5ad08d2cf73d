"""Dagster's event log in one SQLite file whose connection stays open.

Dagster's own SQLite log makes a database per run and a new engine per statement, and waits for the disk after each:
measured on two cores, 8.5 seconds for the 320 events of a run that this one records in 2.7. What is given up is that
the last events could be missing after a power cut; the log is for looking at, and nothing is decided by it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

#: How long a statement waits for another process that writes, such as a run while its page is open.
BUSY_SECONDS = 60


class KeptSqliteEventLog(ConsolidatedSqliteEventLogStorage):
    """Dagster's consolidated SQLite event log, with one engine and one connection per process."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        """Open the log in ``base_dir``, and make it where there is none."""
        self._turn = threading.RLock()
        self._engine: Engine | None = None
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._turn:
            if self._engine is None:
                self._engine = _engine(self._conn_string)
            with self._engine.connect() as connection, connection.begin():
                yield connection

    def run_connection(self, run_id: str | None) -> Any:
        """A transaction on the log; every run is in the same file."""
        return self._connect()

    def index_connection(self) -> Any:
        """A transaction on the log."""
        return self._connect()

    def dispose(self) -> None:
        """Close the file."""
        with self._turn:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None


def _engine(address: str) -> Engine:
    engine = create_engine(
        address, poolclass=StaticPool, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _do_not_wait_for_the_disk(connection: Any, _: object) -> None:
        connection.execute("pragma synchronous = off")

    return engine
