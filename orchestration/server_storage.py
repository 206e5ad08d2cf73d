"""Dagster's record of runs in PostgreSQL, over connections that stay open.

Dagster's own PostgreSQL storage logs in anew for every statement: measured on two cores, a step with 200 events took
seven times as long as with the SQLite log of ``event_log``. A connection that is kept brings that down again. It is
the way in which Dagster's webserver uses the same storage, so nothing is done here that Dagster does not do itself.
Only a deployment needs this module, and ``dagster-postgres`` with it; see docs/deployment.md.
"""

from collections.abc import Mapping
from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

#: How long one statement may take, in milliseconds; and how long a connection is kept, in seconds.
STATEMENT_TIMEOUT = 60_000
KEPT_SECONDS = 3600
#: Connections beyond the one that is kept, for the threads of the daemon.
MORE_CONNECTIONS = 20


class KeptPostgresStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage with connections that are kept."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "KeptPostgresStorage":
        """The storage that ``dagster.yaml`` describes; Dagster's own method makes one of Dagster's own class."""
        return cls(postgres_url=pg_url_from_config(config_value), inst_data=inst_data)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Open the storage, and make its tables where there are none."""
        super().__init__(*arguments, **named)
        storages: tuple[Any, ...] = (self.run_storage, self.event_log_storage, self.schedule_storage)
        for storage in storages:
            storage.optimize_for_webserver(STATEMENT_TIMEOUT, KEPT_SECONDS, MORE_CONNECTIONS)
