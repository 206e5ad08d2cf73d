"""What a seeded fault is, and the register that the modules of this folder enter theirs into."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Stage = Literal["files", "own files", "landed", "models", "marts"]
Severity = Literal["error", "warning"]

#: Changes the files of a home, or its warehouse; takes the folder of the home.
Plant = Callable[[Path], object]

#: Why no stage before that of its check can know of a fault.
FIRST = "No stage comes before."
NEEDS_OTHER_FILES = "Every row and the file by itself are right; only beside another file is it wrong."
NEEDS_OTHER_ROWS = "Every row by itself is right; only beside the other rows of its file is it wrong."
NEEDS_THE_DAY = "The day on which the file was received is known once it has landed."
NEEDS_ALL_ROWS = "It is no row that is wrong but what is not there, and only the landed batch shows that."
NEEDS_THE_MODEL = "The files and what landed are right; the model that reads them is not."
NEEDS_THE_MART = "The counts are right; the figure that is made of them is not."


@dataclass(frozen=True)
class Fault:
    """One kind of wrong data, and the check that must catch it."""

    name: str
    what: str
    #: The source whose clean files it is planted in, a name out of ``borough.PARTS``; empty for a built warehouse.
    part: str
    #: Dataset, or table, that the check is about.
    dataset: str
    stage: Stage
    #: The rule; of the home's own files, words of the message that stops the run.
    rule: str
    severity: Severity
    not_earlier: str
    plant: Plant
    #: Other rules that break at the same stage, as ``dataset.rule``: one slip may break several.
    beside: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """Its name in words."""
        return self.name.replace("_", " ")


FAULTS: dict[str, Fault] = {}


def fault(
    part: str,
    dataset: str,
    rule: str,
    *,
    stage: Stage = "files",
    severity: Severity = "error",
    not_earlier: str = FIRST,
    beside: frozenset[str] | set[str] = frozenset(),
) -> Callable[[Plant], Plant]:
    """Enter the function below as a fault: its name is the fault's, its docstring says what is done.

    Raises:
        ValueError: another fault has that name.
    """

    def enter(plant: Plant) -> Plant:
        name, what = getattr(plant, "__name__", ""), " ".join((inspect.getdoc(plant) or "").split())
        if name in FAULTS:
            raise ValueError(f"there is a fault {name} already")
        FAULTS[name] = Fault(name, what, part, dataset, stage, rule, severity, not_earlier, plant, frozenset(beside))
        return plant

    return enter


# --- editing a file as somebody would ------------------------------------------------------------------------------


class Table:
    """The cells of a CSV file; row 0 is its header."""

    def __init__(self, rows: list[list[str]]) -> None:
        """Take the rows of the file, its header first."""
        self.rows = rows

    def at(self, header: str) -> int:
        """The column under a header."""
        return self.rows[0].index(header)

    @property
    def body(self) -> list[list[str]]:
        """The rows below the header."""
        return self.rows[1:]

    def change(self, header: str, new: Callable[[str], str], rows: slice = slice(None)) -> None:
        """Write another text into the cells of a column, in all rows below the header or in some."""
        column = self.at(header)
        for row in self.body[rows]:
            row[column] = new(row[column])

    def swap_headers(self, one: str, other: str) -> None:
        """Exchange two headers, and leave what stands below them."""
        first, second = self.at(one), self.at(other)
        self.rows[0][first], self.rows[0][second] = other, one

    def keep(self, wanted: Callable[[dict[str, str]], bool]) -> None:
        """Drop the rows that are not wanted."""
        header = self.rows[0]
        self.rows[1:] = [row for row in self.body if wanted(dict(zip(header, row, strict=False)))]


@contextmanager
def table(root: Path, name: str, encoding: str = "utf-8-sig") -> Iterator[Table]:
    """A CSV file of the inbox to change; it is written back at the end.

    Args:
        root: of the home.
        name: path below the inbox.
        encoding: of the file.
    """
    path = root / "inbox" / name
    with path.open(encoding=encoding, newline="") as file:
        made = Table(list(csv.reader(file)))
    yield made
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(made.rows)
