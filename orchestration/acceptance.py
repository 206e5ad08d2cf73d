"""``impact accept``: who says that what a new build changes of the publication is right, and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import asdict
from datetime import date

from expectations.continuity import Change, pending_changes
from ingestion.home import Home
from ingestion.registry.layout import DECISIONS
from ingestion.registry.tables import load_registry
from ingestion.writing import whole_file
from orchestration.lock import writing

_LAYOUT = DECISIONS["accepted_changes"]


class NoSuchChange(Exception):
    """A change that is to be accepted does not wait; the message names those that do."""


def accept(
    home: Home, change_ids: Collection[str] | None, decided_by: str, reason: str, wait_seconds: float
) -> list[Change]:
    """Enter changes that wait into ``decisions/accepted_changes.csv``; the next run publishes them.

    Args:
        home: the home.
        change_ids: ids of the changes; None for all that wait.
        decided_by: the role of whoever says that the new figures are right.
        reason: why they are.
        wait_seconds: how long to wait for a run of the home to end.

    Returns:
        What was entered.

    Raises:
        NoSuchChange: one of the ids does not wait.
        HomeBusy: a run holds the home's lock.
        ReferenceDataError: the file stands there and cannot be used.
        GateError: there is no warehouse.
    """
    with writing(home, wait_seconds):
        # A file that no run could read must not grow.
        load_registry(home)
        waiting = {change.change_id: change for change in pending_changes(home)}
        unknown = sorted(set(change_ids or ()) - waiting.keys())
        if unknown:
            raise NoSuchChange(
                f"No change {', '.join(unknown)} waits to be accepted. "
                + (f"There are: {', '.join(waiting)}." if waiting else "There is none at all.")
            )
        accepted = [change for change in waiting.values() if change_ids is None or change.change_id in change_ids]
        if accepted:
            _append(home, accepted, decided_by, reason)
    return accepted


def _append(home: Home, changes: Collection[Change], decided_by: str, reason: str) -> None:
    path = home.decisions / f"{_LAYOUT.name}.csv"
    # With the rows that stand there as they stand there: somebody may keep columns of their own order.
    if path.is_file():
        text = path.read_text(encoding="utf-8-sig")
        header = next(csv.reader(io.StringIO(text)))
    else:
        header = [field.name for field in _LAYOUT.fields]
        text = ",".join(header)
    content = io.StringIO()
    content.write(text if text.endswith("\n") else text + "\n")
    rows = csv.DictWriter(content, [name.strip() for name in header], lineterminator="\n")
    for change in changes:
        rows.writerow(
            {**asdict(change), "reason": reason, "decided_by": decided_by, "decided_date": date.today().isoformat()}
        )
    with whole_file(path) as temporary:
        temporary.write_text(content.getvalue(), encoding="utf-8")
