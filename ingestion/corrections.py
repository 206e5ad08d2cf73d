"""Known mistakes in someone else's file, mended by a list and not by hand.

``corrections.csv`` of a home holds one correction per line: ``dataset``, ``file`` (a path below the inbox, in which
``*`` stands for anything; empty for every file of the dataset), ``match`` (``Header=value``, several parted by
semicolons), ``column``, ``new_value``, ``reason`` and ``date``. A correction is applied to the text of the cells after
a file is read and before anything judges them. The file in the inbox stays as it was sent.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from ingestion.contracts import Contract, load_contracts
from ingestion.home import Home, HomeError

FILE_NAME = "corrections.csv"
HEADER = ("dataset", "file", "match", "column", "new_value", "reason", "date")


@dataclass(frozen=True)
class Correction:
    """One mistake and what should stand there instead."""

    line: int
    dataset: str
    file: str
    #: Header and text of each cell that tells the row.
    match: tuple[tuple[str, str], ...]
    column: str
    new_value: str
    reason: str
    made_on: date

    def is_about(self, dataset: str, file_name: PurePosixPath) -> bool:
        """Whether the correction concerns a file."""
        return self.dataset == dataset and (not self.file or fnmatchcase(str(file_name), self.file))


def read_corrections(home: Home | None) -> tuple[Correction, ...]:
    """The corrections of a home, in their order; none where it has no list.

    Raises:
        HomeError: the list cannot be used; names the line and what to change.
    """
    if home is None or not (path := home.root / FILE_NAME).is_file():
        return ()
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != HEADER:
            raise HomeError(f"{FILE_NAME}, line 1: the header must read {','.join(HEADER)}.")
        return tuple(_correction(row, rows.line_num, load_contracts()) for row in rows)


def _correction(row: dict[str, str], line: int, contracts: dict[str, Contract]) -> Correction:
    def refuse(what: str) -> HomeError:
        return HomeError(f"{FILE_NAME}, line {line}: {what}")

    cells = {name: (row.get(name) or "").strip() for name in HEADER}
    contract = contracts.get(cells["dataset"])
    if contract is None or contract.not_needed is not None:
        raise refuse(f"“{cells['dataset']}” is no dataset that lands. See docs/datasets.md for their names.")
    for name in ("match", "column", "reason"):
        if not cells[name]:
            raise refuse(f"{name} is empty. Say which row, which column, and why.")
    conditions = [condition.partition("=") for condition in cells["match"].split(";") if condition.strip()]
    if not all(equals and header.strip() for header, equals, _ in conditions):
        raise refuse(f"match reads “{cells['match']}”. Write Header=value, and several parted by semicolons.")
    try:
        made_on = date.fromisoformat(cells["date"])
    except ValueError:
        raise refuse(f"“{cells['date']}” is not a date written as yyyy-mm-dd.") from None
    match = tuple((header.strip(), value.strip()) for header, _, value in conditions)
    return Correction(
        line, cells["dataset"], cells["file"], match, cells["column"], cells["new_value"], cells["reason"], made_on
    )


def of_file(corrections: Sequence[Correction], dataset: str, file_name: PurePosixPath) -> list[Correction]:
    """The corrections that concern one file."""
    return [correction for correction in corrections if correction.is_about(dataset, file_name)]
