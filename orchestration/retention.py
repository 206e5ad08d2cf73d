"""Rows of persons whose time is up: what is counted of them is frozen, and then they are deleted.

In this order, so that a run that is killed anywhere leaves a home whose next run ends the same: the counts go into
``frozen/``, whole; the ledger enters, in one transaction, whose rows are deleted; the files are deleted. What was
frozen and not entered is forgotten and frozen again; what was entered and not deleted is deleted first of all.

A period of an indicator is frozen as a whole, with every area, organisation and group, so that its parts still add up,
and with the periods before it that are closed: how far back an indicator goes is told by the rows that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import duckdb

from expectations.results import GateError
from ingestion.database import no_rows, open_in_memory, write_private_parquet
from ingestion.home import Home
from ingestion.ledger import Ledger
from ingestion.retention import (
    CLOSED_AFTER_MONTHS,
    LONGEST_HOLD_MONTHS,
    Going,
    delete_old_findings,
    delete_retired,
    months_later,
    plan,
)
from ingestion.sql import literal
from orchestration import handover

#: What one row of ``indicator_counts`` is about, but for its area, organisation and group.
_PERIOD = "indicator_id, source_dataset, period_type, period"
_COUNTED = {
    **dict.fromkeys(
        (
            "indicator_id", "source_dataset", "area_code", "sector", "organisation_id", "breakdown", "breakdown_value",
            "period_type", "period",
        ),
        "varchar",
    ),
    **dict.fromkeys(("period_start", "period_end"), "date"),
    **dict.fromkeys(("numerator", "denominator", "unknown_count"), "bigint"),
    "published_value": "decimal(18, 6)",
    "published_status": "varchar",
    "vintage_ids": "varchar[]",
    "sum_of_squares": "bigint",
}  # fmt: skip
#: File in ``frozen/`` → its columns. Each row says for which retired vintages it was frozen.
LAYOUTS = {
    "indicator_counts": _COUNTED | {"retired_vintage_ids": "varchar[]", "frozen_at": "timestamp"},
    "reported_dates": {
        "dataset": "varchar", "vintage_id": "varchar", "supplier": "varchar", "wave": "bigint", "reported_date": "date",
        "retired_vintage_ids": "varchar[]", "frozen_at": "timestamp",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Retained:
    """What became of rows whose time is up."""

    #: Vintages whose rows have been deleted now.
    deleted: list[Going] = field(default_factory=list)
    #: Vintages that stay although their time is up: figures of periods that are not closed rest on them.
    held: list[Going] = field(default_factory=list)
    #: How many rows of ``indicator_counts`` have been frozen for it.
    frozen: int = 0
    #: What of it an operator has to know.
    warnings: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What there is to say; nothing where nothing was due."""
        if not self.deleted:
            return self.warnings
        done = (
            f"{_named(self.deleted)} have been deleted: their time was up. {self.frozen:,} counts were frozen for it."
        )
        return [done, *self.warnings]


def lay_out(home: Home) -> None:
    """Make ``frozen/`` what the warehouse can read: both files are there, with nothing but what has been retired.

    The caller holds the home's lock.
    """
    retired: list[str] = []
    if home.ledger.is_file():
        with Ledger(home) as ledger:
            retired = [vintage_id for _, vintage_id in ledger.retired()]
    with closing(open_in_memory(home.root)) as con:
        for table, columns in LAYOUTS.items():
            path = home.frozen / f"{table}.parquet"
            if not path.is_file():
                _write(con, home, table, no_rows(columns))
                continue
            # What a run froze that was killed before the ledger knew.
            con.execute(
                f"create or replace table read as select *, list_has_any(retired_vintage_ids, $retired::varchar[]) as"
                f" is_founded from read_parquet({literal(str(path))})",
                {"retired": retired},
            )
            if con.execute("select 1 from read where not is_founded limit 1").fetchall():
                _write(con, home, table, "select * exclude (is_founded) from read where is_founded order by all")


def retain(home: Home, today: date | None = None) -> Retained:
    """Freeze and delete what is due; the caller holds the home's lock.

    Args:
        home: the home.
        today: the day that is asked about; without it, today.

    Returns:
        What was deleted, held and frozen.

    Raises:
        HomeError: the home's own rules cannot be used.
    """
    today = today or datetime.now(UTC).date()
    lay_out(home)
    if not home.ledger.is_file():
        return Retained()
    with Ledger(home) as ledger:
        delete_retired(home, ledger)
        delete_old_findings(home, ledger, today)
        due = [going for going in plan(home, ledger) if going.due_on <= today]
        if not due:
            return Retained()
        if not _is_proved(home):
            return _put_off(due)
        with _counts(home, ledger, due) as con:
            needed = _needed(con, today)
            waits = {
                going.group
                for going in due
                if going.vintage_id in needed and today < months_later(going.due_on, LONGEST_HOLD_MONTHS)
            }
            held = [going for going in due if going.group in waits]
            deleted = [going for going in due if going.group not in waits]
            try:
                frozen = _freeze(con, home, deleted, today)
            except duckdb.PermissionException:
                # The home has been moved since: its warehouse reads what lies where it was.
                return _put_off(due)
        ledger.retire({going.vintage_id: going.because for going in deleted})
        delete_retired(home, ledger)
        ledger.export()
    forced = [going for going in deleted if going.vintage_id in needed]
    return Retained(deleted, held, frozen, _warnings(held, forced))


def _put_off(due: list[Going]) -> Retained:
    return Retained(
        held=due,
        warnings=[
            f"The time of the rows of {len(due):,} file{'' if len(due) == 1 else 's'} is up. They are deleted "
            "by the next run after one that published, because what is counted of them must be proved first."
        ],
    )


def planned(home: Home) -> list[Going]:
    """Every vintage of rows of persons with the day on which it goes, soonest first; touches nothing.

    Raises:
        HomeError: the home's own rules cannot be used.
    """
    if not home.ledger.is_file():
        return []
    with Ledger(home) as ledger:
        return plan(home, ledger)


def _is_proved(home: Home) -> bool:
    """Whether the warehouse is as it was when all its checks had passed."""
    try:
        return home.published.exists() and not any(
            check.blocks for check in handover.proved(home) if check.stage in (handover.MODELS, handover.MARTS)
        )
    except GateError:
        return False


@contextmanager
def _counts(home: Home, ledger: Ledger, due: Sequence[Going]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the warehouse, what is frozen, and which vintages could go, as tables."""
    with closing(open_in_memory(home.root)) as con:
        con.execute(f"attach {literal(str(home.warehouse))} as warehouse (read_only)")
        con.execute("create table due (vintage_id varchar, dataset varchar, received_on date)")
        con.executemany("insert into due values (?, ?, ?)", [(d.vintage_id, d.dataset, d.received_on) for d in due])
        con.execute("create table of_dataset (vintage_id varchar, dataset varchar)")
        datasets = {going.dataset for going in due}
        known = [*((v.vintage_id, v.dataset) for v in ledger.kept()), *((i, d) for d, i in ledger.retired())]
        con.executemany("insert into of_dataset values (?, ?)", [entry for entry in known if entry[1] in datasets])
        for table in LAYOUTS:
            path = home.frozen / f"{table}.parquet"
            con.execute(f"create table frozen_{table} as from read_parquet({literal(str(path))})")
        yield con


def _needed(con: duckdb.DuckDBPyConnection, today: date) -> set[str]:
    """Those of the vintages on which a figure of a period rests that is not closed."""
    rows = con.execute(
        "select distinct vintage_id from (select unnest(vintage_ids) as vintage_id"
        " from warehouse.indicators.indicator_counts where period_end >= $open_since) semi join due using (vintage_id)",
        {"open_since": months_later(today, -CLOSED_AFTER_MONTHS)},
    ).fetchall()
    return {vintage_id for (vintage_id,) in rows}


def _freeze(con: duckdb.DuckDBPyConnection, home: Home, deleted: Sequence[Going], today: date) -> int:
    """Put what is counted of the vintages, and the months that they are about, into ``frozen/``.

    Returns how many counts that were.
    """
    ids = [going.vintage_id for going in deleted]
    con.execute("create table going as from due where vintage_id in (select unnest(?))", [ids])
    # What was replaced or rejected is in no figure.
    ids = [going.vintage_id for going in deleted if going.because == "time_is_up"]
    con.execute("create table counting as from due where vintage_id in (select unnest(?))", [ids])
    now = datetime.now(UTC).replace(tzinfo=None)
    con.execute(
        f"""create table newly_frozen as
        with counts as (from warehouse.indicators.indicator_counts),

        -- Which datasets an indicator is counted from, and up to when those that go can tell of anything.
        affected as (
            select
                indicator_id,
                source_dataset,
                max(received_on) as received_on,
                list_sort(list(distinct counting.vintage_id)) as retired_vintage_ids
            from (select distinct indicator_id, source_dataset, unnest(vintage_ids) as vintage_id from counts)
            join of_dataset using (vintage_id)
            join counting using (dataset)
            group by indicator_id, source_dataset
        ),

        periods as (
            select {_PERIOD}, any_value(retired_vintage_ids) as retired_vintage_ids
            from counts
            join affected using (indicator_id, source_dataset)
            where ({_PERIOD}) not in (select ({_PERIOD}) from frozen_indicator_counts)
            group by {_PERIOD}
            having max(period_end) < $open_since and (
                min(period_start) <= max(received_on)
                or bool_or(list_has_any(vintage_ids, affected.retired_vintage_ids))
            )
        )

        select {", ".join(_COUNTED)}, retired_vintage_ids, $now::timestamp as frozen_at
        from counts join periods using ({_PERIOD})""",
        {"open_since": months_later(today, -CLOSED_AFTER_MONTHS), "now": now},
    )
    # The day of an exclusion or a meeting may be told by nothing else: of it the month is enough. A wave lasts from its
    # first day to its last.
    con.execute(
        """create table newly_reported as
        with reported as (
            from warehouse.staging.stg_landing__reported_dates where vintage_id in (select vintage_id from going)
        ),

        coarsened as (
            select
                dataset, vintage_id, supplier, wave, date_trunc('month', reported_date)::date as reported_date
            from reported
            where wave is null
            union all
            select dataset, vintage_id, supplier, wave, unnest([min(reported_date), max(reported_date)])
            from reported
            where wave is not null
            group by dataset, vintage_id, supplier, wave
        )

        select distinct *, [vintage_id] as retired_vintage_ids, ?::timestamp as frozen_at from coarsened""",
        [now],
    )
    _write(con, home, "indicator_counts", "from frozen_indicator_counts union all from newly_frozen order by all")
    _write(con, home, "reported_dates", "from frozen_reported_dates union all from newly_reported order by all")
    ((frozen,),) = con.execute("select count(*) from newly_frozen").fetchall()
    return int(frozen)


def _warnings(held: Sequence[Going], forced: Sequence[Going]) -> list[str]:
    warnings = []
    if held:
        warnings.append(
            f"{_named(held)} stay although their time is up: figures of periods that are not closed rest on them. They "
            "go when those are, and after a year at the latest."
        )
    if forced:
        warnings.append(
            f"{_named(forced)} have been deleted although figures of periods that are not closed rest on them: their "
            "time was up a year ago. Those figures are now counted without them."
        )
    return warnings


def _named(going: Sequence[Going]) -> str:
    names = ", ".join(one.file_name for one in going[:3])
    return f"The rows of {len(going):,} file{'' if len(going) == 1 else 's'} ({names}{', …' if len(going) > 3 else ''})"


def _write(con: duckdb.DuckDBPyConnection, home: Home, table: str, query: str) -> None:
    home.frozen.mkdir(mode=0o700, exist_ok=True)
    write_private_parquet(con, query, home.frozen / f"{table}.parquet")
