"""The page of seeded faults, written from the faults themselves: ``python -m tests.faults.page``."""

from __future__ import annotations

from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.model import Fault

TARGET = Path(__file__).resolve().parents[2] / "docs" / "faults.md"

_HEAD = """# Seeded faults

Written from `tests/faults/` by `make docs`; change the fault, not this page.

{number} kinds of wrong data, each planted in a clean sample by `tests/integration/test_faults.py`, which holds that the
check named here finds it, that the clean sample passes that check, and that no stage before it finds anything. An
**error** keeps the row, the file, the batch or the publication out; a **warning** is reported with what to do, where
one of two things is wrong and no machine can say which. What the stages are, and how to add a check, is in
[checks.md](checks.md).
"""

_STAGES = {
    "files": "As a file is read",
    "own files": "As the home's own files are read",
    "landed": "When a batch has landed",
    "models": "When the models have been built",
    "marts": "Before the marts are published",
}


def page() -> str:
    """The page, as Markdown."""
    parts = [_HEAD.format(number=len(FAULTS))]
    for stage, title in _STAGES.items():
        faults = sorted((f for f in FAULTS.values() if f.stage == stage), key=lambda f: (f.dataset, f.rule, f.name))
        columns = ["fault", "what is done", "dataset or table", "check", "severity"]
        if stage not in ("files", "own files"):
            columns.append("why not earlier")
        rows = "\n".join(_row(fault, len(columns)) for fault in faults)
        parts.append(f"## {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n{rows}\n")
    return "\n".join(parts)


def _row(fault: Fault, columns: int) -> str:
    check = f"“{fault.rule}”" if fault.stage == "own files" else f"`{fault.rule}`"
    dataset = f"`{fault.dataset}`" if fault.dataset else "any"
    cells = [fault.title, fault.what, dataset, check, fault.severity, fault.not_earlier]
    return f"| {' | '.join(cells[:columns])} |"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
