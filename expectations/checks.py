"""One check: a query for what breaks a rule, with the words that an operator reads about it, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from expectations.results import CheckResult, Owner, Severity, Stage


@dataclass(frozen=True)
class Check:
    """One rule about a batch or a table.

    ``sql`` is a DuckDB query over ``checked``, the rows at the gate, that returns one row for each thing that breaks
    the rule: ``detail`` says where or what it is, without personal values; at the landing gate ``vintage_id`` says in
    which file vintage.
    """

    rule: str
    description: str
    remedy: str
    sql: str
    severity: Severity = "error"
    owner: Owner = field(kw_only=True)
    #: Why it matters, in a sentence.
    reason: str = field(kw_only=True)
    #: Only rows of files that landed under this version of the contract or a later one are at the gate for it: those
    #: before have not all of the columns that it is about.
    since: int = field(kw_only=True, default=1)


@dataclass(frozen=True)
class Outcome:
    """What Great Expectations says about one check."""

    check: Check
    passed: bool
    #: Rows of the batch, as Great Expectations counted them.
    rows_checked: int
    rows_failed: int
    #: Why the check could not be run; None where it was.
    trouble: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether the batch is to be rejected, or the publication stopped."""
        return not self.passed and self.check.severity == "error"

    def result(
        self, stage: Stage, dataset: str, examples: Sequence[str] = (), vintage_id: str | None = None
    ) -> CheckResult:
        """The outcome as the rest of the project reads it.

        Args:
            stage: which gate.
            dataset: the dataset, or the table.
            examples: the first few of the things that broke the rule.
            vintage_id: the batch, where there was only one.
        """
        return CheckResult(
            stage=stage,
            dataset=dataset,
            rule=self.check.rule,
            description=self.check.description,
            severity=self.check.severity,
            passed=self.passed,
            rows_checked=self.rows_checked,
            rows_failed=self.rows_failed,
            vintage_id=vintage_id,
            message=None if self.passed else self._message(examples),
            owner=self.check.owner,
            reason=self.check.reason,
            remedy=self.check.remedy,
        )

    def _message(self, examples: Sequence[str]) -> str:
        if self.trouble is not None:
            return f"The check could not be run, and counts as failed: {self.trouble}"
        more = self.rows_failed - len(examples)
        found = "; ".join(examples) + (f"; and {more:,} more" if more > 0 else "")
        return f"{self.rows_failed:,} found among {self.rows_checked:,} rows: {found}. {self.check.remedy}"


def rows_where(condition: str) -> str:
    """Query for the landed rows of which the condition is true."""
    return f"select file_vintage_id as vintage_id, 'row ' || source_row as detail from checked where {condition}"


#: Where a group of rows is in its file, for the detail of ``groups_having``.
FIRST_AND_LAST_ROW = "'rows ' || min(source_row) || ' and ' || max(source_row)"


def groups_having(condition: str, key: str | None, detail: str = FIRST_AND_LAST_ROW) -> str:
    """Query for the groups of landed rows of which the condition is true; without a key, for whole files."""
    group = "file_vintage_id" if key is None else f"file_vintage_id, {key}"
    return f"select file_vintage_id as vintage_id, {detail} as detail from checked group by {group} having {condition}"


def landed_since(version: int) -> str:
    """Condition that a landed row is of a file that landed under a version of the contract, or a later one."""
    return f"file_vintage_id in (select vintage_id from files where contract_version >= {version})"


def asking(check: Check, since: Mapping[str, int]) -> Check:
    """A check of rows for those files alone that can have all columns that its query names.

    Args:
        check: what is written by hand names columns as it likes.
        since: column → version of the contract with which it began to land, as ``Contract.since``.
    """
    if not since:
        return check
    # What stands between quotation marks is a value, and before a bracket a function.
    words = {word.lower() for word in re.findall(r"\w+\b(?!\()", re.sub("'[^']*'", "''", check.sql))}
    return replace(check, since=max([1, *(version for column, version in since.items() if column in words)]))


def literal(value: str) -> str:
    """Text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """Texts as an SQL list between brackets, sorted so that the same values give the same query."""
    return "(" + ", ".join(literal(value) for value in sorted(values)) + ")"


def name(identifier: str) -> str:
    """A name as an SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'
