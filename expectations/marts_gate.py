"""How the warehouse is laid out for the checks on its marts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from expectations.checks import Check, Outcome, literal
from expectations.continuity import LAST_PUBLICATION, continuity_checks, lay_out
from expectations.marts import has_rows, mart_checks
from expectations.results import CheckResult
from ingestion.home import Home

if TYPE_CHECKING:
    from expectations.validation import Validation

#: The name under which the checks find the warehouse.
WAREHOUSE = "warehouse"
#: How many of the things that break a rule a message names.
EXAMPLES = 3


class MartsGate:
    """Attaches the warehouse read-only and validates its marts."""

    def __init__(self, validation: Validation, home: Home) -> None:
        """Attach the warehouse and read the ledger."""
        self.validation = validation
        validation.attach(str(home.warehouse), WAREHOUSE)
        ledger = home.landing / "source_files.parquet"
        if ledger.is_file():
            source = f"read_parquet({literal(str(ledger))})"
            validation.execute(
                f"create view ledger as select dataset, vintage_id, received_at, is_current from {source}"
            )
        else:
            # Every value then rests on files that nobody knows, which is what there is to say.
            validation.execute(
                "create table ledger (dataset varchar, vintage_id varchar, received_at timestamp, is_current boolean)"
            )
        tables = validation.execute(
            "select table_name from information_schema.tables"
            f" where table_catalog = {literal(WAREHOUSE)} and table_schema = 'marts'"
        )
        self.present = {row[0] for row in tables}
        self._can_be_held_against = lay_out(validation.execute, home)

    def results(self, mart: str) -> list[CheckResult]:
        """The results of one mart."""
        if mart not in self.present:
            # Even a mart that may be empty must be there.
            missing = Outcome(replace(has_rows(mart), severity="error"), passed=False, rows_checked=0, rows_failed=1)
            return [missing.result("marts", mart, ["the mart is missing"])]
        return self._validated(f"{WAREHOUSE}.marts.{mart}", mart, mart_checks(mart))

    def continuity(self) -> list[CheckResult]:
        """The results of holding the marts against the publication in force; empty where there is none."""
        if not self._can_be_held_against or "indicator_values" not in self.present:
            return []
        return self._validated(LAST_PUBLICATION, LAST_PUBLICATION, continuity_checks())

    def _validated(self, table: str, shown: str, checks: Sequence[Check]) -> list[CheckResult]:
        # A check that had no rows to look at has proved nothing, so it is not reported as passed: `has_rows` speaks
        # for them all.
        return [
            self._result(table, shown, outcome)
            for outcome in self.validation.run(table, checks)
            if outcome.rows_checked > 0 or not outcome.passed
        ]

    def _result(self, table: str, shown: str, outcome: Outcome) -> CheckResult:
        examples: list[str] = []
        if not outcome.passed and outcome.trouble is None:
            rows = self.validation.execute(
                f"with checked as (select * from {table}) select detail from ({outcome.check.sql}) as broken"
                f" order by length(detail), detail limit {EXAMPLES}"
            )
            examples = [str(row[0]) for row in rows]
        return outcome.result("marts", shown, examples)
