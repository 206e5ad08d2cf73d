"""``impact lineage``: from a published figure to the files that it rests on, and on to their rows in landing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb

from expectations.marts import KEY
from ingestion.home import Home
from ingestion.sql import literal

_VALUES = f"""
select {", ".join(KEY)}, numerator, denominator, value, value_status
from indicator_values
where indicator_id = $indicator and area_code = $area and organisation_id = $organisation
    and sector = coalesce($sector, if(organisation_id = 'total', 'total', sector))
    and breakdown = $breakdown and breakdown_value = $breakdown_value
    and case when $period is null then is_latest else period = $period end
order by all
"""
_FILES = f"""
select dataset, file_name, vintage_id, received_at, rows_landed
from value_vintages join source_files using (vintage_id)
where {" and ".join(f"{column} = ${column}" for column in KEY)}
order by all
"""
_LIKE_IT = """
select indicator_id from indicators
order by jaro_winkler_similarity(indicator_id, $indicator) desc, indicator_id limit 3
"""


class NoSuchFigure(Exception):
    """Nothing is published under what was asked for; the message says what there is."""


@dataclass(frozen=True)
class SourceFile:
    """A file that a figure rests on."""

    dataset: str
    #: Below the inbox.
    file_name: str
    vintage_id: str
    #: UTC.
    received_at: datetime
    rows_landed: int
    #: Query that lists its rows as they landed, each with ``source_row``, its row in the file; None where they have
    #: been removed.
    rows_query: str | None


@dataclass(frozen=True)
class Lineage:
    """A published figure with the files that it rests on."""

    indicator_id: str
    source_dataset: str
    area_code: str
    sector: str
    organisation_id: str
    breakdown: str
    breakdown_value: str
    period_type: str
    period: str
    numerator: float | None
    denominator: float | None
    value: float | None
    value_status: str
    files: list[SourceFile]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def lineage_of(
    home: Home,
    indicator: str,
    period: str | None = None,
    area: str | None = None,
    sector: str | None = None,
    organisation: str = "total",
    breakdown: tuple[str, str] = ("total", "total"),
) -> list[Lineage]:
    """Every published figure of a key, one for each source and kind of period, from the publication in force.

    Args:
        home: the home.
        indicator: id of the indicator.
        period: label of the period; without one the latest.
        area: code of the area; without one the home's own authority.
        sector: code of the sector, or ``total``; without one that of the organisation, where one is named.
        organisation: id of the organisation, or ``total``.
        breakdown: name of the breakdown and its value, or ``total`` twice.

    Raises:
        NoSuchFigure: nothing is published yet, or nothing under that key.
    """
    path = home.published / "impact.duckdb"
    if not path.is_file():
        raise NoSuchFigure("nothing has been published yet; `impact run` does it")
    key = {
        "indicator": indicator,
        "area": area or home.settings.authority,
        "sector": sector,
        "organisation": organisation,
        "breakdown": breakdown[0],
        "breakdown_value": breakdown[1],
        "period": period,
    }
    with closing(duckdb.connect(str(path), read_only=True)) as con:
        values = con.execute(_VALUES, key)
        names = [column[0] for column in values.description or []]
        figures = [dict(zip(names, row, strict=True)) for row in values.fetchall()]
        if not figures:
            raise NoSuchFigure(_what_there_is(con, key))
        return [Lineage(**figure, files=_files(con, home, figure)) for figure in figures]


def _files(con: duckdb.DuckDBPyConnection, home: Home, figure: dict[str, Any]) -> list[SourceFile]:
    key = {name: figure[name] for name in KEY}
    return [
        SourceFile(dataset, file_name, vintage_id, received_at, rows, _rows_query(home, dataset, vintage_id))
        for dataset, file_name, vintage_id, received_at, rows in con.execute(_FILES, key).fetchall()
    ]


def _rows_query(home: Home, dataset: str, vintage_id: str) -> str | None:
    path = home.landing / dataset / f"{vintage_id}.parquet"
    return f"select * from read_parquet({literal(str(path))}) order by source_row" if path.is_file() else None


def _what_there_is(con: duckdb.DuckDBPyConnection, key: dict[str, str | None]) -> str:
    indicator = key["indicator"]
    if not con.execute("select 1 from indicators where indicator_id = ?", [indicator]).fetchall():
        near = ", ".join(row[0] for row in con.execute(_LIKE_IT, {"indicator": indicator}).fetchall())
        return f"no indicator is called {indicator}; the nearest are {near}"
    periods = con.execute(
        "select distinct period, period_end from indicator_values where indicator_id = ? and area_code = ?"
        " order by period_end desc limit 8",
        [indicator, key["area"]],
    ).fetchall()
    asked = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in key.items() if value is not None)
    there = ", ".join(row[0] for row in periods)
    return f"nothing is published for {asked}; " + (
        f"the newest periods of {indicator} in that area are {there}" if there else f"{indicator} has no figure there"
    )
