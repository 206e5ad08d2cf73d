"""Files as suppliers would send them, and the record of what was planted in each.

Lives here: the lines of a file with their flaws, the writers whose bytes hang on nothing but the content, and the
truth about files and quarantined rows. What the lines say is the business of the module of each format.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar

import xlsxwriter

from ingestion.contracts import load_contracts

Record = TypeVar("Record")
Cell = str | int | datetime | None
Status = Literal["landed", "not_needed", "refused"]

#: The first row of data, as a spreadsheet counts.
FIRST_ROW = 2


@dataclass(frozen=True)
class Flaw:
    """What is wrong with one cell of a line: its place in the line, the kind of rule that it breaks."""

    position: int
    rule_kind: str
    #: What stood in the cell before.
    right: Cell


@dataclass
class Line(Generic[Record]):
    """One row of a file beside the record it was written from."""

    cells: list[Cell]
    record: Record
    flaw: Flaw | None = None
    #: Left out by a stated rule of the contract, and counted.
    dropped: bool = False

    def spoil(self, position: int, value: str, rule_kind: str) -> None:
        """Put a value into the cell that its rule refuses."""
        self.flaw = Flaw(position, rule_kind, self.cells[position])
        self.cells[position] = value

    def mend(self) -> None:
        """Put back what stood there before the row was spoilt, if it was."""
        if self.flaw is not None:
            self.cells[self.flaw.position] = self.flaw.right
            self.flaw = None

    @property
    def lands(self) -> bool:
        """Whether the row passes everything."""
        return self.flaw is None and not self.dropped


class FileTruth(NamedTuple):
    """What the ledger should say of one file; ``file_name`` is its path below the inbox."""

    file_name: str
    dataset: str
    status: Status
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    rows_dropped: int


class QuarantineTruth(NamedTuple):
    """One cell that should be found out; a file that cannot be used has neither row nor column."""

    file_name: str
    source_row: int | None
    column_header: str
    rule_kind: str
    value: str


@dataclass
class Filing:
    """Writes into one inbox and remembers what was planted."""

    inbox: Path
    #: Nothing that a check refuses is written: spoilt rows are mended, and files that are none are left out.
    is_clean: bool = False
    files: list[FileTruth] = field(default_factory=list)
    quarantine: list[QuarantineTruth] = field(default_factory=list)

    def csv(
        self, name: str, dataset: str, header: Sequence[str], lines: Sequence[Line[Record]], arrived: datetime
    ) -> list[Record]:
        """Write a CSV file that arrived at a time; returns the records of the rows that should land."""
        return self.export(name, dataset, [header], lines, arrived)

    def export(
        self,
        name: str,
        dataset: str,
        header_rows: Sequence[Sequence[str]],
        lines: Sequence[Line[Record]],
        arrived: datetime,
        encoding: str = "utf-8",
        delimiter: str = ",",
    ) -> list[Record]:
        """Write a CSV file whose header takes several rows; returns the records of the rows that should land."""
        first, *more = header_rows
        self._mend(lines)
        write_csv(self.inbox / name, first, chain(more, (line.cells for line in lines)), encoding, delimiter)
        return self._remember(name, dataset, first, lines, arrived, first_row=FIRST_ROW + len(more))

    def xlsx(
        self, name: str, dataset: str, header: Sequence[str], lines: Sequence[Line[Record]], arrived: datetime
    ) -> list[Record]:
        """Write a workbook of one sheet that arrived at a time; returns the records of the rows that should land."""
        self._mend(lines)
        write_xlsx(self.inbox / name, header, [line.cells for line in lines], arrived)
        return self._remember(name, dataset, header, lines, arrived)

    def not_needed(
        self, name: str, dataset: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], arrived: datetime
    ) -> None:
        """Write a CSV file that is recognised and counted, and of which nothing lands."""
        write_csv(self.inbox / name, header, rows)
        self._arrive(name, arrived)
        self.files.append(FileTruth(name, dataset, "not_needed", len(rows), 0, 0, len(rows)))

    def refused(self, name: str, content: str, rule_kind: str, arrived: datetime) -> None:
        """Write a file that no contract fits; it counts no rows, because nothing says what a row of it is."""
        if self.is_clean:
            return
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
        self._arrive(name, arrived)
        self.files.append(FileTruth(name, "", "refused", 0, 0, 0, 0))
        self.quarantine.append(QuarantineTruth(name, None, "", rule_kind, ""))

    def _mend(self, lines: Sequence[Line[Record]]) -> None:
        if self.is_clean:
            for line in lines:
                line.mend()

    def _remember(
        self,
        name: str,
        dataset: str,
        header: Sequence[str],
        lines: Sequence[Line[Record]],
        arrived: datetime,
        first_row: int = FIRST_ROW,
    ) -> list[Record]:
        self._arrive(name, arrived)
        flawed = [(row, line) for row, line in enumerate(lines, first_row) if line.flaw is not None]
        for row, line in flawed:
            assert line.flaw is not None
            position = line.flaw.position
            value = str(line.cells[position])
            self.quarantine.append(QuarantineTruth(name, row, header[position], line.flaw.rule_kind, value))
        landed = [line.record for line in lines if line.lands]
        dropped = len(lines) - len(landed) - len(flawed)
        self.files.append(FileTruth(name, dataset, "landed", len(lines), len(landed), len(flawed), dropped))
        return landed

    def _arrive(self, name: str, arrived: datetime) -> None:
        moment = arrived.replace(tzinfo=UTC).timestamp()
        os.utime(self.inbox / name, (moment, moment))


def headers(dataset: str, columns: Sequence[str], **aliases: int) -> list[str]:
    """The contract's headers of these columns, the first of each list; ``aliases`` takes another of the list."""
    known = {column.name: column.headers for column in load_contracts()[dataset].columns}
    return [known[name][aliases.get(name, 0)] for name in columns]


def labels(dataset: str, column: str) -> dict[str, str]:
    """What lands → what stands in a file, for a column with a code list; of several labels the first."""
    codes = next(c.codes for c in load_contracts()[dataset].columns if c.name == column)
    if codes is None:
        raise ValueError(f"{dataset}.{column} has no code list")
    return {code: label for label, code in reversed(codes.values.items())}


def write_csv(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> None:
    """UTF-8 and commas where nothing else is said, lines ended as spreadsheets end them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)


def write_xlsx(path: Path, header: Sequence[str], rows: Sequence[Sequence[Cell]], created: datetime) -> None:
    """One sheet with true dates; the same content gives the same bytes on any day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # In memory, every part of the workbook's archive carries one fixed time instead of that of a temporary file.
    options = {"in_memory": True, "default_date_format": "m/d/yy h:mm:ss", "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.set_properties({"created": created})
        sheet = workbook.add_worksheet("Sheet1")
        sheet.write_row(0, 0, header)
        for number, cells in enumerate(rows, 1):
            for position, cell in enumerate(cells):
                if isinstance(cell, str):
                    sheet.write_string(number, position, cell)
                elif isinstance(cell, datetime):
                    sheet.write_datetime(number, position, cell)
                elif cell is not None:
                    sheet.write_number(number, position, cell)
