"""What a new build would change of what the publication in force shows, and what of it somebody has accepted.

A figure that people have seen must not vanish or move far without anybody noticing. Each indicator of each source whose
figures do is one *change* with an id made of the publication and of exactly what changes of it: whoever accepts it
accepts this and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict

from expectations.checks import Check, literal, name
from expectations.marts import KEY, MARTS, TINY
from expectations.results import GateError
from ingestion.database import open_in_memory
from ingestion.home import Home
from ingestion.registry.tables import load_registry

#: Under which the results stand in ``data_quality``.
LAST_PUBLICATION = "last_publication"
VANISHED, MOVED = "nothing_vanished", "nothing_moved"
#: Columns that a publication must have to be held against; every other one that is asked for may be missing.
_NEEDED = (*KEY, "value", "value_status")
_WANTED = (*_NEEDED, "period_end", "ci_lower_95", "ci_upper_95")

Execute = Callable[[str], Sequence[tuple[Any, ...]]]


class _Tolerance(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: float
    least: float = 0
    least_steps: float = 0
    reason: str


class _Tolerances(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    decided_on: date
    tolerances: dict[str, _Tolerance]
    late_figures: _Tolerance


@dataclass(frozen=True)
class Change:
    """What happens to the figures of one indicator of one source."""

    change_id: str
    #: ``nothing_vanished`` or ``nothing_moved``: the rule that it breaks.
    rule: str
    indicator_id: str
    source_dataset: str
    #: How many published figures it is about.
    figures: int
    #: One sentence with the figure that changes most.
    summary: str


@cache
def tolerances() -> _Tolerances:
    """The tolerances as ``continuity.yml`` has them."""
    text = (Path(__file__).parent / "continuity.yml").read_text(encoding="utf-8")
    return _Tolerances.model_validate(yaml.safe_load(text))


def lay_out(execute: Execute, home: Home) -> bool:
    """Lay the publication in force and the accepted changes beside the warehouse, which is attached as ``warehouse``.

    Makes ``last_publication`` (its figures), ``last_columns`` (the columns of its marts), ``new_columns`` (those of the
    warehouse's) and ``accepted_changes``.

    Returns:
        Whether there is a publication that can be held against; its marts may be of an older version.

    Raises:
        ReferenceDataError: what the home has accepted cannot be read.
    """
    # Once, so that a switch in between cannot mix two publications.
    publication = home.published.resolve()
    files = {path.stem: path for path in sorted(publication.glob("parquet/*.parquet")) if path.stem in MARTS}
    if "indicator_values" not in files:
        return False
    columns: dict[str, dict[str, str]] = {
        mart: dict(execute(f"select column_name, column_type from (describe from read_parquet({literal(str(path))}))"))
        for mart, path in files.items()
    }
    rows = ", ".join(
        f"({literal(mart)}, {literal(column)}, {literal(kind)})"
        for mart, found in columns.items()
        for column, kind in found.items()
    )
    execute(f"create table last_columns as from (values {rows}) as last (mart, column_name, column_type)")
    execute(
        "create view new_columns as select table_name as mart, column_name, data_type as column_type"
        " from duckdb_columns() where database_name = 'warehouse' and schema_name = 'marts'"
    )
    there = columns["indicator_values"]
    if not set(_NEEDED) <= there.keys():
        return False
    shown = ", ".join(name(column) if column in there else f"null as {name(column)}" for column in _WANTED)
    execute(
        f"create view last_publication as select {shown}, {literal(publication.name)} as publication_id"
        f" from read_parquet({literal(str(files['indicator_values']))})"
    )
    accepted = [row.values["change_id"] for row in load_registry(home).tables["accepted_changes"]]
    execute("create table accepted_changes (change_id varchar)")
    if accepted:
        execute(f"insert into accepted_changes values {', '.join(f'({literal(change)})' for change in accepted)}")
    return True


def continuity_checks() -> tuple[Check, ...]:
    """The checks over the figures of the publication in force, laid out by ``lay_out``."""
    late = tolerances().late_figures
    before = ", ".join(f"now.{name(column)}" for column in KEY if column != "period")
    pending = (
        f"select summary || ' [change ' || change_id || ']' as detail from ({_changes('checked')}) as changes"
        " where change_id not in (select change_id from accepted_changes) and rule = "
    )
    remedy = (
        "Find out why: a file that was sent again, a correction, a change of the registry. If the new figures are "
        "right, `impact accept` records who says so and why, and the next run publishes them; if not, mend the file."
    )
    return (
        Check(
            rule=VANISHED,
            description="No figure that is published vanishes, but to protect somebody, unless that is accepted.",
            remedy=remedy,
            sql=pending + literal(VANISHED),
            owner="analyst",
            reason="People have seen the figure and may have acted on it; it must not be as if it had never been.",
        ),
        Check(
            rule=MOVED,
            description="No published figure moves by more than its tolerance, unless that is accepted.",
            remedy=remedy,
            sql=pending + literal(MOVED),
            owner="analyst",
            reason="A figure that jumps is a mistake more often than news, and what people remember is the first one.",
        ),
        Check(
            rule="few_figures_appear_late",
            description="Few figures appear for periods that lie before the latest one published of their series.",
            remedy="See in source_files what has been sent again, and whether its reach is meant.",
            severity="warning",
            owner="analyst",
            reason="A longer past changes trends and limits of charts that people have seen.",
            sql=f"select now.indicator_id || ' of ' || now.source_dataset || ': ' || count(*) || ' figures' as detail"
            " from warehouse.marts.indicator_values as now"
            f" join (select {before.replace('now.', '')}, max(period_end) as published_to from checked"
            f" where value_status = 'ok' group by all) as series using ({before.replace('now.', '')})"
            f" anti join (select {', '.join(KEY)} from checked where value_status in ('ok', 'c')) as shown"
            f" using ({', '.join(KEY)})"
            " where now.value_status = 'ok' and now.period_end < series.published_to"
            " group by now.indicator_id, now.source_dataset"
            f" having count(*) > greatest({late.least}, {late.percent} / 100 * (select count(*) from checked as old"
            " where old.indicator_id = now.indicator_id and old.source_dataset = now.source_dataset"
            " and old.value_status = 'ok'))",
        ),
        Check(
            rule="marts_as_last_published",
            description="Every published mart has the columns, of the types, that it had in the publication before.",
            remedy="Tell those who read the marts; the table `versions` says what changed and when.",
            severity="warning",
            owner="data engineer",
            reason="Queries and dashboards name columns and break where one is gone.",
            sql="select mart || ' is gone' as detail from last_columns anti join new_columns using (mart) group by mart"
            " union all select mart || ' is new' from new_columns anti join last_columns using (mart) group by mart"
            " union all select coalesce(last.mart, new.mart) || '.' || coalesce(last.column_name, new.column_name)"
            " || case when new.mart is null then ' is gone' when last.mart is null then ' is new'"
            " else ' was ' || last.column_type || ' and is ' || new.column_type end"
            " from (from last_columns semi join new_columns using (mart)) as last"
            " full join (from new_columns semi join last_columns using (mart)) as new using (mart, column_name)"
            " where last.column_type is distinct from new.column_type",
        ),
    )


def pending_changes(home: Home) -> list[Change]:
    """The changes that keep the warehouse as it stands from being published, until somebody accepts them.

    Raises:
        GateError: there is no warehouse, or it cannot be read.
    """
    if not home.warehouse.is_file():
        raise GateError(
            f"There is no warehouse at {home.warehouse}, so nothing waits to be accepted. Use `impact run`."
        )
    with closing(open_in_memory(home.root)) as connection:
        try:
            connection.execute(f"attach {literal(str(home.warehouse))} as warehouse (read_only)")
            if not lay_out(lambda sql: connection.execute(sql).fetchall(), home):
                return []
            rows = connection.execute(
                "select change_id, rule, indicator_id, source_dataset, figures, summary"
                f" from ({_changes(LAST_PUBLICATION)}) as changes"
                " where change_id not in (select change_id from accepted_changes) order by all"
            ).fetchall()
        except duckdb.Error as error:
            raise GateError(f"{home.warehouse} cannot be read: {error}. Use `impact run` and try again.") from error
    return [Change(*row) for row in rows]


def _changes(published: str) -> str:
    """Query for the changes, accepted or not, of the figures in ``published``, which the publication in force shows."""
    same = " and ".join(f"now.{name(column)} = last.{name(column)}" for column in KEY)
    figure = ", ".join(f"last.{name(column)}" for column in KEY if column not in ("indicator_id", "source_dataset"))
    allowed = " ".join(
        f"when {literal(kind)} then greatest({t.percent} / 100 * abs(last.value),"
        f" {t.least} + {t.least_steps} * pow(10, -decimals))"
        for kind, t in tolerances().tolerances.items()
    )
    columns = (
        f"last.indicator_id, last.source_dataset, concat_ws(' / ', {figure}) as figure,"
        " last.value as old_value, now.value as new_value, last.publication_id"
    )
    return f"""
        select rule, indicator_id, source_dataset, count(*) as figures,
            left(md5(rule || any_value(publication_id) || string_agg(
                concat_ws('|', indicator_id, source_dataset, figure, old_value, new_value), ';' order by figure
            )), 12) as change_id,
            indicator_id || ' of ' || source_dataset || ': ' || count(*)
                || if(count(*) = 1, ' published figure ', ' published figures ')
                || if(rule = {literal(VANISHED)},
                    if(count(*) = 1, 'vanishes', 'vanish') || ', such as ' || min(figure),
                    if(count(*) = 1, 'moves', 'move') || ', such as '
                    || max_by(
                        figure || ' from ' || old_value || ' to ' || new_value,
                        (abs(new_value - old_value), figure)
                    )
                ) as summary
        from (
            select {literal(VANISHED)} as rule, {columns}
            from {published} as last left join warehouse.marts.indicator_values as now on {same}
            where last.value_status = 'ok' and coalesce(now.value_status, '') not in ('ok', 'c')
            union all
            select {literal(MOVED)} as rule, {columns}
            from {published} as last join warehouse.marts.indicator_values as now on {same}
            join warehouse.staging.stg_registry__indicators as registry
                on registry.indicator_id = last.indicator_id
            where last.value_status = 'ok' and now.value_status = 'ok'
                and (last.ci_lower_95 is null or now.value not between last.ci_lower_95 and last.ci_upper_95)
                and abs(now.value - last.value) > case measure_type {allowed} end + {TINY}
        ) as differences
        group by rule, indicator_id, source_dataset
    """
