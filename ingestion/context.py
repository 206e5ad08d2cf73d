"""Values that belong to a whole file and stand in none of its rows: the collection year, the wave."""

from __future__ import annotations

import re
from pathlib import PurePath

from ingestion.contracts import Context

_TWO_YEARS = re.compile(r"(?<!\d)(20\d\d)[-_/ ]?(?:20)?(\d\d)(?![-_]?\d)")
_ONE_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)(?![-_]\d\d[-_]\d\d)")
_WAVE = re.compile(r"wave[\W_]*(\d{1,3})(?!\d)", re.IGNORECASE)


def from_path(context: Context, file_name: PurePath) -> int | None:
    """What the file's name says, else the nearest folder that says anything; None where none does.

    A financial year is given by the calendar year it ends in: ``2017-18``, ``2017_18``, ``201718`` and, as returns
    are named after the year of their collection, a lone ``2018``.
    """
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
    return {"wave": "“wave 3”", "financial_year_end": "the year, such as “2024-25”"}[context.kind]
