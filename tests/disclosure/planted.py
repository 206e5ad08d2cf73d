"""Small publications with figures put in by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tests.disclosure.publication import CellKey
from tests.disclosure.tables import TOTAL, Counts

HOME = "E08999001"
COUNTS = "Counts of 1 to 5 people and everything that could give them back are suppressed; zeros are shown."
BASES = "and so is every figure on fewer than 10 people; zeros are shown."

#: Unit and disclosure rule of indicators, as the register words them.
INDICATORS = {
    "training_attendances": ("attendances", COUNTS),
    "training_take_up": ("percent", f"Counts of 1 to 5 people are suppressed, {BASES}"),
    "training_completion": ("percent", f"Counts of 1 to 5 bookings are suppressed, {BASES}"),
    "suspension_rate": ("per 100 pupils", f"From records: counts of 1 to 5 suspensions are suppressed, {BASES}"),
    "pupils_suspended": ("percent", f"Counts of 1 to 5 pupils are suppressed, {BASES}"),
    "repeat_suspension": ("percent", f"Counts of 1 to 5 pupils are suppressed, {BASES}"),
    "sdq_mean": ("score from 0 to 40", f"Every figure on fewer than 10 children is suppressed, {BASES}"),
    "sdq_high_concern": ("percent", f"Counts of 1 to 5 children are suppressed, {BASES}"),
    "cf01": ("percent", "Figures on fewer than 10 respondents are suppressed."),
    "events_held": ("events", "Nothing to protect: the figure counts events and says nothing about a person."),
}

PERIODS = {
    "academic_year": (date(2024, 9, 1), date(2025, 8, 31)),
    "term": (date(2024, 9, 1), date(2025, 8, 31)),
    "month": (date(2025, 1, 1), date(2025, 1, 31)),
    "financial_year": (date(2024, 4, 1), date(2025, 3, 31)),
    "wave": (date(2025, 1, 1), date(2025, 2, 28)),
}

FIGURES = "numerator bigint, denominator bigint, value double, value_status varchar"
KEY = ", ".join(f"{name} varchar" for name in CellKey._fields)


def cell(indicator: str, place: str = TOTAL, group: str = TOTAL, period: str = "2024/25", **other: str) -> CellKey:
    """A key in short: ``place`` is ``sector`` or ``sector/organisation``, ``group`` is ``breakdown=member``."""
    sector, _, organisation = place.partition("/")
    breakdown, _, member = group.partition("=")
    period_type = other.get("period_type", "term" if " " in period else "academic_year")
    source = other.get("source", "records")
    return CellKey(
        indicator, source, HOME, sector, organisation or TOTAL, breakdown, member or TOTAL, period_type, period
    )


def plant(
    path: Path,
    cells: Mapping[CellKey, tuple[int | None, int | None] | tuple[int | None, int | None, float | None]],
    tables: Mapping[str, tuple[str, Iterable[tuple[Any, ...]]]] | None = None,
) -> Path:
    """Write a publication: numerator, denominator and value of its cells; suppressed where the numerator is None.

    Args:
        path: the DuckDB file to write.
        cells: what ``indicator_values`` shows.
        tables: further tables, by name: their columns as in ``create table``, and their rows.
    """
    with duckdb.connect(path) as connection:
        connection.execute("create table areas (area_code varchar, is_home boolean)")
        connection.execute("insert into areas values (?, true)", [HOME])
        connection.execute("create table indicators (indicator_id varchar, unit varchar, disclosure_rule varchar)")
        connection.executemany("insert into indicators values (?, ?, ?)", [(i, *r) for i, r in INDICATORS.items()])
        connection.execute(f"create table indicator_values ({KEY}, {FIGURES}, period_start date, period_end date)")
        for key, figures in cells.items():
            numerator, denominator, value = (*figures, None)[:3]
            status = "c" if numerator is None else "ok"
            inserted = [*key, numerator, denominator, value, status, *PERIODS[key.period_type]]
            connection.execute(f"insert into indicator_values values ({', '.join('?' * len(inserted))})", inserted)
        for name, (columns, rows) in (tables or {}).items():
            connection.execute(f"create table {name} ({columns})")
            for row in rows:
                connection.execute(f"insert into {name} values ({', '.join('?' * len(row))})", row)
    return path


def truth_of(
    cells: Mapping[CellKey, tuple[int | None, int | None] | tuple[int | None, int | None, float | None]],
    hidden: Mapping[CellKey, tuple[int, int | None]],
) -> dict[CellKey, Counts]:
    """What is shown, and the true counts of what is not."""
    return {key: Counts(*hidden.get(key, figures[:2])) for key, figures in cells.items()}
