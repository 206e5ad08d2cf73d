"""Great Expectations on DuckDB: two short subclasses. Importing this module imports Great Expectations.

Great Expectations gives a connection back before it fetches from it, which DuckDB's driver does not survive (its
issues 10738 and 11579). The engine below therefore keeps one connection. The data source stands in a module of its
own because its literal ``type`` is what registers it, as ``context.data_sources.add_impact_duckdb``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import sqlalchemy
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


class KeptConnectionEngine(SqlAlchemyExecutionEngine):
    """The SQLAlchemy engine with one connection that stays open until ``close``."""

    kept_connection: sqlalchemy.Connection | None = None

    @contextmanager
    def get_connection(self) -> Iterator[sqlalchemy.Connection]:
        """The kept connection, opened at first use.

        Every statement commits on its own: a transaction left open would go on seeing the tables of the batch before,
        and would hold the warehouse file.
        """
        if self.kept_connection is None:
            self.kept_connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        yield self.kept_connection

    def close(self) -> None:
        """Close the kept connection and those of the pool."""
        if self.kept_connection is not None:
            self.kept_connection.close()
            self.kept_connection = None
        super().close()


#: In the class below ``type`` is its literal.
EngineType = type[KeptConnectionEngine]


class ImpactDuckDBDatasource(SQLDatasource):
    """A DuckDB database by its SQLAlchemy address."""

    type: Literal["impact_duckdb"] = "impact_duckdb"  # type: ignore[assignment]

    @property
    def execution_engine_type(self) -> EngineType:
        """The engine that this data source's queries run on."""
        return KeptConnectionEngine


class ExpectNoRowsThatBreakTheRule(UnexpectedRowsExpectation):
    """Counts what a query finds, once.

    The parent runs the query a second time to fetch rows that nobody reads, and allows for conditions and runtime
    options that no check here has; each costs a copy of the expectation.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    runtime_keys: ClassVar[tuple[str, ...]] = ("result_format",)

    #: Heading → place in ``meta`` of what the data docs show beside the expectation; set when they are rendered.
    meta_properties_to_render: dict[str, str] | None = None

    _configuration: ExpectationConfiguration | None = PrivateAttr(None)

    @property
    def configuration(self) -> ExpectationConfiguration:
        """The expectation as data, made once: it is asked for at every step of a validation."""
        if self._configuration is None:
            self._configuration = super().configuration
        return self._configuration

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> ExpectationValidationResult | dict[str, Any]:
        broken = metrics["unexpected_rows_query.row_count"]
        return {"success": broken == 0, "result": {"observed_value": broken}}
