"""What a reader of a publication sees of each figure, in whichever of its tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tests.disclosure.tables import TOTAL, Counts, Rule


class CellKey(NamedTuple):
    """The key of ``indicator_values``."""

    indicator_id: str
    source_dataset: str
    area_code: str
    sector: str
    organisation_id: str
    breakdown: str
    breakdown_value: str
    period_type: str
    period: str


@dataclass
class Figures:
    """Everything that any table shows of one cell."""

    status: str | None = None
    numerator: int | None = None
    denominator: int | None = None
    value: float | None = None
    #: Figures that ``indicator_values`` withholds and another table shows: table, column and figure.
    elsewhere: list[tuple[str, str, float]] = field(default_factory=list)


@dataclass
class Publication:
    """One publication as its reader knows it.

    ``figures`` has the cells of the indicators that are protected, of the home's own records; ``published`` those that
    a publisher printed of the same indicators. ``odd`` are figures and words that stand where nothing should.
    """

    rules: dict[str, Rule]
    figures: dict[CellKey, Figures]
    published: dict[CellKey, Figures]
    periods: dict[tuple[str, str], tuple[date, date]]
    headcounts: dict[str, tuple[int, date]]
    multipliers: dict[str, float]
    decimals: dict[str, int]
    #: Rows that passed on, of all files that a cell rests on.
    rows: dict[CellKey, int]
    odd: list[tuple[str, str, str]]


#: Columns of the tables with figures that say nothing about how many people are behind a figure.
ORDERS = {"layer_order", "node_order", "stage", "previous_stage", "stage_change"}
#: Figures of another cell or comparator, which are looked at as that cell's own.
OF_OTHERS = {"previous_value", "comparator_value"}
#: Words that do not tell which way a figure went.
SILENT = {None, "not judged", "not_judged", "too few data points", "cannot be calculated", "cannot_be_calculated"}


def read_publication(path: Path) -> Publication:
    """Read a publication: its DuckDB file, its folder of Parquet files, or the folder that holds either."""
    with _opened(path) as connection:
        tables = {
            name: [column for (column,) in connection.execute(
                "select column_name from duckdb_columns() where table_name = ? order by column_index", [name]
            ).fetchall()]
            for (name,) in connection.execute(
                "select table_name from information_schema.tables order by table_name"
            ).fetchall()
        }  # fmt: skip
        indicators = list(_rows(connection, "select indicator_id, unit, disclosure_rule from indicators"))
        values = list(_rows(connection, "select * from indicator_values"))
        home = {row["area_code"] for row in _rows(connection, "select area_code from areas where is_home")}
        rules = {row["indicator_id"]: rule for row in indicators if (rule := _rule(row)) is not None}
        # A publisher's file is about other areas too.
        published_sources = {row["source_dataset"] for row in values if row["area_code"] not in home}
        every = {_key(row): _figures(row) for row in values if row["indicator_id"] in rules}
        publication = Publication(
            rules=rules,
            figures={key: seen for key, seen in every.items() if key.source_dataset not in published_sources},
            published={
                key: seen
                for key, seen in every.items()
                if key.source_dataset in published_sources and key.area_code in home
            },
            periods={(row["period_type"], row["period"]): (row["period_start"], row["period_end"]) for row in values},
            headcounts=_headcounts(connection, tables),
            multipliers={row["indicator_id"]: _multiplier(row["unit"]) for row in indicators},
            decimals=_decimals(values),
            rows=_rows_landed(connection, tables),
            odd=[],
        )
        publication.rows = {key: rows for key, rows in publication.rows.items() if key in publication.figures}
        for name, columns in tables.items():
            if set(CellKey._fields) <= set(columns):
                _look_at(publication, name, list(_rows(connection, f'select * from "{name}"')))
        if "fewest_respondents" in tables.get("node_status", []):
            for row in _rows(connection, "select * from node_status where fewest_respondents < 10"):
                publication.odd.append(("node_status", "fewest_respondents", f"{row['node_id']} on fewer than 10"))
    return publication


def _opened(path: Path) -> duckdb.DuckDBPyConnection:
    if path.is_dir() and (path / "impact.duckdb").exists():
        path = path / "impact.duckdb"
    if path.is_file():
        return duckdb.connect(path, read_only=True)
    folder = path / "parquet" if (path / "parquet").is_dir() else path
    connection = duckdb.connect()
    for file in sorted(folder.glob("*.parquet")):
        connection.execute(f"""create view "{file.stem}" as select * from read_parquet('{file}')""")
    return connection


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[dict[str, Any]]:
    result = connection.execute(sql)
    names = [column[0] for column in result.description]
    return (dict(zip(names, row, strict=True)) for row in result.fetchall())


def _rule(indicator: dict[str, Any]) -> Rule | None:
    """What the register says in words: from where to where counts are hidden, and below which base."""
    words, unit = indicator["disclosure_rule"] or "", indicator["unit"]
    count = re.search(r"(?:[Cc]ounts|sum of scores) of 1 to (\d+)", words)
    base = re.search(r"fewer than (\d+)", words)
    if count is None and base is None:
        return None
    if unit == "percent":
        measure = "proportion"
    elif unit.startswith("per "):
        measure = "rate"
    else:
        measure = "mean" if unit.startswith("score") else "count"
    return Rule(measure, int(count[1]) if count else None, int(base[1]) if base else None)


def _multiplier(unit: str) -> float:
    if unit == "percent":
        return 100
    per = re.match(r"per ([\d,]+)", unit)
    return float(per[1].replace(",", "")) if per else 1


def _decimals(values: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Decimals that the indicator's figures are printed with."""
    decimals: Counter[str] = Counter()
    for row in values:
        if row["value"] is not None:
            places = len(repr(row["value"]).partition(".")[2].rstrip("0"))
            decimals[row["indicator_id"]] = max(decimals[row["indicator_id"]], places)
    return dict(decimals)


def _headcounts(connection: duckdb.DuckDBPyConnection, tables: dict[str, list[str]]) -> dict[str, tuple[int, date]]:
    if not {"headcount", "headcount_date"} <= set(tables.get("organisations", [])):
        return {}
    return {
        row["organisation_id"]: (row["headcount"], row["headcount_date"])
        for row in _rows(connection, "select * from organisations where headcount is not null")
    }


def _rows_landed(connection: duckdb.DuckDBPyConnection, tables: dict[str, list[str]]) -> dict[CellKey, int]:
    if not {"value_vintages", "source_files"} <= set(tables):
        return {}
    rows = connection.execute(
        f"""
        select {", ".join(CellKey._fields)}, sum(rows_landed)::bigint
        from value_vintages inner join source_files using (vintage_id)
        group by all having count(*) = count(rows_landed)
        """
    ).fetchall()
    return {CellKey(*row[:-1]): row[-1] for row in rows}


def _key(row: dict[str, Any], **other: str) -> CellKey:
    return CellKey(*(other.get(name, row[name]) for name in CellKey._fields))


def _figures(row: dict[str, Any]) -> Figures:
    return Figures(row["value_status"], row["numerator"], row["denominator"], row["value"])


def _look_at(publication: Publication, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Compare a table's figures with what ``indicator_values`` shows of the same cells."""
    for row in rows:
        own = publication.figures.get(_key(row))
        if own is None:
            continue
        for column in ("numerator", "denominator", "value"):
            _add(own, table, column, row.get(column), column)
        if own.status == "c":
            publication.odd += [
                (table, column, f"{' '.join(_key(row))}: {figure}")
                for column, figure in row.items()
                if isinstance(figure, int | float)
                and not isinstance(figure, bool)
                and column not in ORDERS | OF_OTHERS | {"numerator", "denominator", "value"}
            ]
            publication.odd += [
                (table, column, f"{' '.join(_key(row))}: {row[column]}")
                for column in ("direction", "verdict")
                if row.get(column) not in SILENT
            ]
        for other, column, value in _figures_of_others(row):
            seen = publication.figures.get(other)
            if seen is not None:
                _add(seen, table, "value", value, column)


def _figures_of_others(row: dict[str, Any]) -> Iterator[tuple[CellKey, str, float | None]]:
    """Other cells' values that the row shows, or that its difference, gap or ratio gives away, and the column."""
    for key, shown, *differences in (
        (_key_if(row, period="previous_period"), "previous_value", "change"),
        (
            _key_if(row, period="comparator_period")
            if row.get("comparator") in ("previous_period", "baseline")
            else None,
            "comparator_value",
            "difference",
        ),
        (
            _key_if(row, breakdown_value="comparator_breakdown_value"),
            "comparator_value",
            "absolute_gap",
            "relative_gap",
        ),
    ):
        if key is None:
            continue
        yield key, shown, row.get(shown)
        value = row.get("value")
        for column in differences:
            if value is not None and row.get(column):
                is_ratio = column == "relative_gap"
                yield key, column, value / row[column] if is_ratio else value - row[column]


def _key_if(row: dict[str, Any], **other: str) -> CellKey | None:
    """The row's key with some parts from other columns; None where one of them is empty."""
    parts = {part: row.get(column) for part, column in other.items()}
    return None if None in parts.values() else _key(row, **{part: str(value) for part, value in parts.items()})


def _add(seen: Figures, table: str, part: str, figure: float | None, column: str) -> None:
    """Note a figure that another table shows and ``indicator_values`` does not."""
    if figure is not None and getattr(seen, part) is None:
        seen.elsewhere.append((table, column, figure))
        setattr(seen, part, figure)


def read_truth(warehouse: Path) -> dict[CellKey, Counts]:
    """The unsuppressed counts, to judge by and for what a reader may know that the publication does not say."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        rows = connection.execute(
            f"select {', '.join(CellKey._fields)}, numerator, denominator from indicators.indicator_counts"
        ).fetchall()
    return {CellKey(*row[:-2]): Counts(row[-2], row[-1]) for row in rows}


def is_of_area(key: CellKey) -> bool:
    return key.sector == TOTAL and key.organisation_id == TOTAL
