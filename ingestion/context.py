"""Values that belong to a whole file and stand in none of its rows: the collection year, the wave."""

from __future__ import annotations

import re
from pathlib import PurePath

from ingestion.contracts import Context

_TWO_YEARS = re.compile(r"(?<!\d)(20\d\d)[-_/ ]?(?:20)?(\d\d)(?![-_]?\d)")
_ONE_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)(?![-_]\d\d[-_]\d\d)")
#: What a browser writes behind the name of a file that is there already.
_COPY = re.compile(r"\s*\(\d+\)$")
_MONTH = re.compile(r"(?<!\d)(20\d\d)-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?(?!\d)")
_WAVE = re.compile(r"wave[\W_]*(\d{1,3})(?!\d)", re.IGNORECASE)


def from_path(context: Context, file_name: PurePath) -> int | str | None:
    """What the file's name says, else the nearest folder that says anything; None where none does.

    Text is told by the name alone. A financial year is given by the calendar year it ends in: ``2017-18``,
    ``2017_18``, ``201718`` and, as returns are named after the year of their collection, a lone ``2018``.
    """
    if context.kind == "text":
        match = re.fullmatch(context.pattern or "", _COPY.sub("", file_name.stem), re.IGNORECASE)
        return match[1] if match else None
    read = _wave if context.kind == "wave" else _financial_year_end
    for part in (file_name.stem, *reversed(file_name.parts[:-1])):
        if (value := read(part)) is not None:
            return value
    return None


def _wave(text: str) -> int | None:
    match = _WAVE.search(text)
    return int(match[1]) if match else None


def _financial_year_end(text: str) -> int | None:
    for years in _TWO_YEARS.finditer(text):
        if int(years[2]) == (int(years[1]) + 1) % 100:
            return int(years[1]) + 1
    year = _ONE_YEAR.search(text)
    return int(year[1]) if year else None


def describe(context: Context) -> str:
    """What to write into a file name so that the value can be told."""
    said = {"wave": "“wave 3”", "financial_year_end": "the year, such as “2024-25”"}
    return said.get(context.kind) or f"the {context.name.replace('_', ' ')}, as in “{context.example}”,"


def day_in_path(file_name: PurePath) -> str | None:
    """A month or a day that the file's name or the nearest folder names, as yyyy-mm-dd; the first of a month."""
    for part in (file_name.stem, *reversed(file_name.parts[:-1])):
        if match := _MONTH.search(part):
            return f"{match[1]}-{match[2]}-{match[3] or '01'}"
    return None
