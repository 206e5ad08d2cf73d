"""How the results of the checks developed: when each check began to fail, or passed again, and how much it found.

Kept in ``checks/history.parquet`` of the home, beside nothing that a rebuild throws away, and published as the table
``check_history``. It holds changes and not runs: a run that finds what the one before found adds nothing, and leaves
the publication as it was. Counts only; what was found, and where, stays in ``data_quality``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from expectations.continuity import LAST_PUBLICATION
from expectations.results import CheckResult
from ingestion.home import Home
from ingestion.writing import whole_file

#: Of each check the newest so many changes are kept. One that changes monthly is then known for eight years.
CHANGES_KEPT = 100

COLUMNS = {
    "stage": (pa.string(), "Where the check stands: files, landed, models or marts."),
    "dataset": (pa.string(), "Dataset or table that is checked; null where a file was not recognised."),
    "rule": (pa.string(), "Name of the check."),
    "severity": (pa.string(), "error or warning, as in data_quality."),
    "result": (pa.string(), "passed or failed, from changed_at on."),
    "rows_failed": (pa.int64(), "What broke the rule from changed_at on; 0 where it passed."),
    "changed_at": (pa.timestamp("us"), "When the result, or the number that broke the rule, was first found so, UTC."),
    "is_latest": (pa.bool_(), "True for the state that still holds."),
}
COMMENT = (
    "One row per change in what a check finds, the first time included: when it began to fail, found more or less, or "
    f"passed again. Of each check the newest {CHANGES_KEPT} changes are kept."
)
_SCHEMA = pa.schema([(column, kind) for column, (kind, _) in COLUMNS.items()])

_Key = tuple[str, str | None, str]


@dataclass(frozen=True)
class State:
    """What a check finds in all that it looked at together."""

    stage: str
    dataset: str | None
    rule: str
    severity: str
    passed: bool
    rows_failed: int

    @property
    def key(self) -> _Key:
        """What makes it the same check."""
        return self.stage, self.dataset, self.rule

    @property
    def said(self) -> tuple[str, str, int]:
        """What a change of is a change: severity, result and number."""
        return self.severity, "passed" if self.passed else "failed", 0 if self.passed else self.rows_failed


def states(results: Iterable[CheckResult]) -> list[State]:
    """Results as states, the batches of a dataset together: one that fails makes the check fail.

    How the marts differ from the last publication is a matter of that one run, and no state.
    """

    def key(result: CheckResult) -> _Key:
        return result.stage, result.dataset, result.rule

    lasting = [result for result in results if result.dataset != LAST_PUBLICATION]
    found = []
    for (stage, dataset, rule), group in groupby(sorted(lasting, key=key), key=key):
        together = list(group)
        failed = [result for result in together if not result.passed]
        severity = min(result.severity for result in failed or together)
        found.append(State(stage, dataset, rule, severity, not failed, sum(result.rows_failed for result in failed)))
    return found


def record(home: Home, found: Sequence[State], *, of_every_stage: bool) -> pa.Table:
    """Add what has changed since the last time, and keep it.

    Args:
        home: the caller holds its lock.
        found: what the checks of this run found.
        of_every_stage: nothing that they found is left out. Of stage ``files`` only failures are found, so a rule that
            is not among them is then one that nothing breaks any more.

    Returns:
        The whole history, in order.
    """
    known = _read(home)
    latest = {(row["stage"], row["dataset"], row["rule"]): row for row in known}
    moment = max([datetime.now(UTC).replace(tzinfo=None, microsecond=0), *(row["changed_at"] for row in known)])
    now = {state.key: state for state in found}
    for key, row in latest.items():
        if of_every_stage and row["stage"] == "files" and key not in now:
            now[key] = State("files", row["dataset"], row["rule"], row["severity"], True, 0)
    changes = [
        {
            **dict(zip(("stage", "dataset", "rule"), key, strict=True)),
            **dict(zip(("severity", "result", "rows_failed"), state.said, strict=True)),
            "changed_at": moment,
        }
        for key, state in now.items()
        if key not in latest or tuple(latest[key][word] for word in ("severity", "result", "rows_failed")) != state.said
    ]
    table = _in_order([*known, *changes])
    if changes:
        with whole_file(_path(home)) as temporary:
            pyarrow.parquet.write_table(table, temporary, compression="zstd")
            temporary.chmod(0o600)
    return table


def _in_order(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """The newest changes of each check, with the last of them marked."""

    def key(row: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[word] or "") for word in ("stage", "dataset", "rule"))

    kept = []
    for _, group in groupby(sorted(rows, key=lambda row: (key(row), row["changed_at"])), key=key):
        newest = list(group)[-CHANGES_KEPT:]
        kept += [{**row, "is_latest": row is newest[-1]} for row in newest]
    return pa.Table.from_pylist(kept, schema=_SCHEMA)


def _read(home: Home) -> list[dict[str, Any]]:
    path = _path(home)
    return pyarrow.parquet.read_table(path, schema=_SCHEMA).to_pylist() if path.is_file() else []


def _path(home: Home) -> Path:
    return home.checks / "history.parquet"
