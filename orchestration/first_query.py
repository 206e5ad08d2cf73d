"""The query that a newcomer is shown when a run is done, and what it answers."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import duckdb

from ingestion.home import Home

#: The newest figures of the home's own authority, undivided.
_QUERY = """\
select indicators.name, period, numerator, denominator, value, unit
from indicator_values join indicators using (indicator_id)
where area_code = '{authority}' and sector = 'total' and organisation_id = 'total' and breakdown = 'total'
    and is_latest and value_status = 'ok'
order by indicators.level desc, indicators.name limit 8"""


def first_query(home: Home) -> tuple[str, list[str], list[tuple[Any, ...]]]:
    """The query, the names of its columns and its rows, from the publication in force."""
    query = _QUERY.format(authority=home.settings.authority)
    with closing(duckdb.connect(str(home.published / "impact.duckdb"), read_only=True)) as con:
        answer = con.execute(query)
        return query, [column[0] for column in answer.description or []], answer.fetchall()
