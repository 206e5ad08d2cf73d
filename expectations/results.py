"""What a check found, in a form that an asset check, the publication and a terminal can all show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["files", "landed", "models", "marts"]
#: ``error`` rejects the batch, or stops the publication; ``warning`` is reported and stops nothing.
Severity = Literal["error", "warning"]
#: Whose matter a failed check is, as a role and not as a person: who sends the file, who runs and mends the pipeline,
#: who knows what the figures should look like, or who answers for what may be shown.
Owner = Literal["data supplier", "data engineer", "analyst", "disclosure officer"]
OWNERS: tuple[Owner, ...] = ("data supplier", "data engineer", "analyst", "disclosure officer")


class GateError(Exception):
    """A gate could not do its work, so nothing may pass it; the message says what to do."""


@dataclass(frozen=True)
class CheckResult:
    """One check over one batch or one table."""

    stage: str
    #: The dataset, or the table, that was looked at.
    dataset: str
    #: Stable name, such as ``organisation_id_not_null``.
    rule: str
    #: A sentence for an operator: what is true when the check passes.
    description: str
    severity: str
    passed: bool
    #: Rows that were looked at; a gate that saw none does not pass.
    rows_checked: int
    #: What broke the rule: rows, or the columns or files that the rule is about.
    rows_failed: int
    #: The batch; None where the check looked at several together, or at a mart.
    vintage_id: str | None = None
    #: What was found and what to do; None when passed.
    message: str | None = None
    #: Whose matter a failure is: one of ``OWNERS``.
    owner: str = field(kw_only=True)
    #: Why the check matters, in a sentence.
    reason: str = field(kw_only=True)
    #: What an operator does about a failure.
    remedy: str = field(kw_only=True)

    @property
    def blocks(self) -> bool:
        """Whether the batch is rejected, or the publication stopped."""
        return not self.passed and self.severity == "error"

    def rejects(self, vintage_id: str) -> bool:
        """Whether it is held against a batch of its dataset; one that names none is held against each."""
        return self.blocks and self.vintage_id in (None, vintage_id)
