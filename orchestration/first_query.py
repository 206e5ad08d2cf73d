"""The query that a newcomer is shown when a run is done, and what it answers."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import duckdb

from ingestion.home import Home

#: Newest figures of the home's own authority, undivided: a few of each objective of the framework.
_QUERY = """\
select i.objective, i.name, v.source_dataset, v.period, v.numerator, v.denominator, v.value, i.unit
from indicator_values as v join indicators as i using (indicator_id)
where v.area_code = '{authority}' and v.is_latest and v.value_status = 'ok'
    and v.sector = 'total' and v.organisation_id = 'total' and v.breakdown = 'total'
qualify row_number() over (partition by i.objective order by v.indicator_id, v.source_dataset) <= 4
order by i.objective, i.name, v.source_dataset"""


def first_query(home: Home) -> tuple[str, list[str], list[tuple[Any, ...]]]:
    """The query, the names of its columns and its rows, from the publication in force."""
    query = _QUERY.format(authority=home.settings.authority)
    with closing(duckdb.connect(str(home.published / "impact.duckdb"), read_only=True)) as con:
        answer = con.execute(query)
        return query, [column[0] for column in answer.description or []], answer.fetchall()
