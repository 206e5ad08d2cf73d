"""What was found wrong with a file or one of its rows, in words that a supplier can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from ingestion.texts import listed, printable

#: What stands in a finding where the offending value is personal.
MASK = "***"
#: A longer value is cut: a finding is read on one screen, and a cell may hold a whole document.
LONGEST_VALUE = 80
#: Characters of a value that are looked through for an identifier; of a longer one nothing is shown.
_LONGEST_LOOKED_THROUGH = 10_000
#: What an identifier looks like wherever it stands: a shifted row puts one into a column that is not personal.
LOOKS_PERSONAL = re.compile(
    r"""(?<![^\s@])[^\s@]+@[^\s@]+\.[^\s@]+  # an e-mail address, looked for where a word begins and nowhere else
    | \b[A-Z]{1,2}[0-9][A-Z0-9]?\s*[0-9][A-Z]{2}\b  # a postcode
    | \b[A-Z][0-9]{11,12}[0-9A-Z]?\b     # a unique pupil number
    | [0-9]{9,}                          # a long number: a telephone, an NHS number
    | (?<![0-9-])(?:\+44|0)[0-9]{2,4}(?:[ -][0-9]{3,4}){1,3}\b  # a telephone with spaces
    | \b[0-9]{3}[ -][0-9]{3}[ -][0-9]{4}\b  # an NHS number with spaces
    | [^\W\d_]{2}[^\n]{0,60}?\b[0-9]{1,2}[./-][0-9]{1,2}[./-](?:[0-9]{2}){1,2}\b  # words and a date: who was born when
    | \b[0-9]{1,2}[./-][0-9]{1,2}[./-](?:[0-9]{2}){1,2}\b[^\n]{0,60}?[^\W\d_]{2}
    | \b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b  # an IP address
    | \b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}\b  # one of the newer kind
    | (?<![0-9.])[0-9]{1,3}\.[0-9]{4,}   # a position
    """,
    re.IGNORECASE | re.VERBOSE,
)

SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("file_name", pa.string()),
        ("vintage_id", pa.string()),
        ("sheet", pa.string()),
        ("source_row", pa.int64()),
        ("column_name", pa.string()),
        ("rule", pa.string()),
        ("value", pa.string()),
        ("message", pa.string()),
        ("remedy", pa.string()),
        ("severity", pa.string()),
    ]
)


@dataclass(frozen=True)
class Finding:
    """One rule that one row, or the whole file, does not keep."""

    dataset: str | None
    file_name: str
    vintage_id: str
    sheet: str | None
    #: As a spreadsheet counts: the header is usually row 1. None: the whole file.
    source_row: int | None
    #: The header as it stands in the file.
    column_name: str | None
    rule: str
    value: str | None
    message: str
    remedy: str
    #: ``error``: the row (or file) is quarantined. ``warning``: it is kept.
    severity: Literal["error", "warning"]

    def __post_init__(self) -> None:
        """Names, headers and values come from outside, and a finding is shown on screens and written to logs."""
        for part in ("file_name", "sheet", "column_name", "value", "message", "remedy"):
            text = getattr(self, part)
            if text is not None and not text.isprintable():
                object.__setattr__(self, part, printable(text))

    def sentence(self) -> str:
        """File, row, column, what was found and what to do, in one line."""
        place = self.file_name
        if self.sheet:
            place += f", sheet “{self.sheet}”"
        if self.source_row is not None:
            place += f", row {self.source_row}"
        if self.column_name:
            place += f", column “{' '.join(self.column_name.split())}”"
        return f"{place}: {self.message}. {self.remedy}"


def to_table(findings: Sequence[Finding]) -> pa.Table:
    """Findings as Arrow, one row each."""
    return pa.Table.from_pylist([vars(finding) for finding in findings], schema=SCHEMA)


def shown(value: str | None, *, personal: bool) -> str | None:
    """The value as a finding may show it: masked where it is or looks personal, cut where long."""
    if value is None:
        return None
    if personal or len(value) > _LONGEST_LOOKED_THROUGH or LOOKS_PERSONAL.search(value):
        return MASK
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"


def column_letter(position: int) -> str:
    """A column, counted from 0, by the letters that a spreadsheet shows above it."""
    first, last = divmod(position, 26)
    return (column_letter(first - 1) if first else "") + chr(ord("A") + last)


def column_letters(positions: Sequence[int]) -> str:
    """Several columns in a sentence, where their headers may be somebody's data, as in a form."""
    return ("column " if len(positions) == 1 else "columns ") + listed([column_letter(at) for at in positions], 25)


def listed_headers(headers: Sequence[str]) -> str:
    """Headers as a message may show them; one may name a person, where a table has a column for each."""
    named = (" ".join(header.split()) for header in headers)
    return listed([f"“{(shown(header, personal=False) or '')[:60]}”" for header in named if header], 25)
