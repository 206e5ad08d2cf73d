"""Runs checks through Great Expectations on an in-memory DuckDB. Importing this module imports Great Expectations.

The database holds no rows of its own: views over landed Parquet, or the warehouse attached read-only. Leaving the
context detaches and closes everything, so that the next process can open the warehouse for writing.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import great_expectations as gx
import pyarrow as pa
import sqlalchemy
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.core.expect_table_row_count_to_be_between import ExpectTableRowCountToBeBetween
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.checks import Check, Outcome, literal
from expectations.duckdb_datasource import ExpectNoRowsThatBreakTheRule
from expectations.results import GateError
from ingestion.database import confining_sql


class Validation:
    """A throw-away database with a Great Expectations context beside it; a context manager."""

    def __init__(self) -> None:
        """Prepare both; nothing is written to disk and nothing is sent anywhere."""
        # A named in-memory database is one database to every connection of this process.
        address = f"duckdb:///:memory:gate_{uuid4().hex}"
        self._engine = sqlalchemy.create_engine(address, isolation_level="AUTOCOMMIT")
        self._connection = self._engine.connect()
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                analytics_enabled=False,
                progress_bars=ProgressBarsConfig(globally=False),
            ),
        )
        self._source = context.data_sources.add_impact_duckdb(name="gate", connection_string=address)
        self._batches: dict[str, BatchDefinition[Any]] = {}
        self._attached: list[str] = []
        self._found: dict[str, ExpectationValidationResult] = {}

    def __enter__(self) -> Self:
        """The validation itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Detach and close."""
        for database in self._attached:
            self.execute(f"detach {database}")
        for batch in self._batches.values():
            batch.data_asset.datasource.get_execution_engine().close()
        self._source.get_execution_engine().close()
        self._source.get_engine().dispose()
        self._connection.close()
        self._engine.dispose()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement beside Great Expectations, to lay out what it looks at; returns its rows, if any."""
        result = self._connection.exec_driver_sql(sql, tuple(parameters))
        return [tuple(row) for row in result.fetchall()] if result.returns_rows else []

    def look_up(self, table: str, rows: pa.Table) -> None:
        """Let ``execute`` read an Arrow table under a name; the checks do not see it."""
        self._connection.exec_driver_sql("register", (table, rows))

    def confine(self, folder: Path) -> None:
        """From now on the database reaches nothing outside of a folder."""
        for statement in confining_sql([folder]):
            self.execute(statement)

    def attach(self, path: str, database: str) -> None:
        """Attach a DuckDB file read-only under a name, until the context is left."""
        self.execute(f"attach {literal(path)} as {database} (read_only)")
        self._attached.append(database)

    def run(self, table: str, checks: Sequence[Check]) -> list[Outcome]:
        """Validate the checks over one table or view.

        Returns:
            One outcome per check, in their order.

        Raises:
            GateError: not even the rows could be counted.
        """
        # The count is an expectation like the others: it is the proof that Great Expectations saw the rows.
        count = ExpectTableRowCountToBeBetween(min_value=0)
        suite = gx.ExpectationSuite(name=table, expectations=[count, *(_expectation(check) for check in checks)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = self._batch(table).get_batch().validate(suite, result_format="BASIC").results
        by_rule = {_rule(result): result for result in results}
        counted = by_rule[None]
        if not counted.success:
            raise GateError(f"The rows of {table} could not be counted: {_trouble(counted)}")
        rows = int(counted.result["observed_value"])
        for check in checks:
            # Batches that were looked at together and then alone: a failure says more than a pass.
            if (known := self._found.get(check.rule)) is None or known.success:
                self._found[check.rule] = by_rule[check.rule]
        return [_outcome(check, by_rule[check.rule], rows) for check in checks]

    def taken(self) -> list[ExpectationValidationResult]:
        """What Great Expectations found since this was last asked for, one result per rule, for the data docs."""
        found, self._found = list(self._found.values()), {}
        return found

    def _batch(self, table: str) -> BatchDefinition[Any]:
        if table not in self._batches:
            asset = self._source.add_query_asset(name=table, query=f"select * from {table}")
            self._batches[table] = asset.add_batch_definition_whole_table("whole")
        return self._batches[table]


def _expectation(check: Check) -> ExpectNoRowsThatBreakTheRule:
    # Great Expectations fills braces in, and SQLAlchemy takes a colon for a parameter.
    sql = check.sql.replace("{", "{{").replace("}", "}}").replace(":", "\\:")
    return ExpectNoRowsThatBreakTheRule(
        unexpected_rows_query=f"with checked as (select * from {{batch}}) {sql}",
        description=check.description,
        severity=FailureSeverity.CRITICAL if check.severity == "error" else FailureSeverity.WARNING,
        meta={
            "rule": check.rule,
            # Where the data docs look for what stands beside an expectation.
            "attributes": {
                "owner": check.owner,
                "severity": check.severity,
                "reason": check.reason,
                "remedy": check.remedy,
            },
        },
    )


def _rule(result: ExpectationValidationResult) -> str | None:
    configuration = result.expectation_config
    return configuration.meta.get("rule") if configuration and configuration.meta else None


def _outcome(check: Check, result: ExpectationValidationResult, rows: int) -> Outcome:
    trouble = _trouble(result)
    failed = 0 if trouble else int(result.result["observed_value"])
    return Outcome(check, bool(result.success), rows, failed, trouble)


def _trouble(result: ExpectationValidationResult) -> str | None:
    """The message of whatever kept an expectation from being evaluated."""
    told = result.exception_info or {}
    # One exception stands by itself; those of metrics stand under the name of the metric.
    for entry in [told, *(value for value in told.values() if isinstance(value, dict))]:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message")).splitlines()[0]
    return None
