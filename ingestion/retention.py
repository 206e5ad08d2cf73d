"""How long the landed rows of persons are kept, whose time is up, and how they are deleted.

The rules are data: ``retention.yml`` beside this module, and under ``retention`` in a home's ``impact.yml``. The time
of a file counts from when it was first received. What figures need of it is frozen before it goes
(``orchestration.retention``); here are the rules, the plan and the deletion.
"""

from __future__ import annotations

import calendar
import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import duckdb
import yaml
from pydantic import Field, StringConstraints

from ingestion.contracts import Strict, load_contracts
from ingestion.database import open_in_memory
from ingestion.home import SETTINGS_FILE, SPAN, Home, HomeError
from ingestion.ledger import KeptVintage, Ledger, landing_path, quarantine_path
from ingestion.sql import literal, name
from ingestion.texts import listed

log = logging.getLogger(__name__)

#: A period is closed when it has been over for so long: no figure of it is expected to change any more.
CLOSED_AFTER_MONTHS = 12
#: Rows that an open figure still rests on stay this much longer, and no longer.
LONGEST_HOLD_MONTHS = 12

Span = Annotated[str, StringConstraints(pattern=SPAN)]
#: Why a vintage goes: the time of its rows is up, another file has replaced it, or its gate has rejected it.
Because = Literal["time_is_up", "replaced", "rejected"]


class Rule(Strict):
    """How long rows of some datasets are kept, and why."""

    datasets: list[str] = Field(min_length=1)
    keep: Span
    at_least: Span
    together: bool = False
    reason: str
    decided_on: date


class Replaced(Strict):
    """How long rows are kept that are in no figure any more."""

    keep: Span
    reason: str
    decided_on: date


class Rules(Strict):
    """All that ``retention.yml`` says."""

    rules: list[Rule]
    replaced: Replaced

    def of(self, dataset: str) -> Rule | None:
        """The rule of a dataset; None where it holds no rows of persons, which are kept as long as the home."""
        return next((rule for rule in self.rules if dataset in rule.datasets), None)


@dataclass(frozen=True)
class Going:
    """A vintage whose rows go, and when."""

    dataset: str
    file_name: str
    vintage_id: str
    because: Because
    received_on: date
    due_on: date
    rows_landed: int
    #: Vintages of one group go together.
    group: str


@cache
def load_rules() -> Rules:
    """The rules that ship."""
    text = files("ingestion").joinpath("retention.yml").read_text(encoding="utf-8")
    return Rules.model_validate(yaml.safe_load(text))


def months_in(span: str) -> int:
    """``6 years`` → 72."""
    number, unit = span.split()
    return int(number) * (12 if unit.startswith("year") else 1)


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def kept_for(home: Home) -> dict[str, str]:
    """Dataset of persons → how long the home keeps its rows.

    Raises:
        HomeError: ``impact.yml`` names a dataset that has no rule, or keeps one for less than its figures need.
    """
    rules = load_rules()
    path = home.root / SETTINGS_FILE
    kept = {dataset: rule.keep for rule in rules.rules for dataset in rule.datasets}
    for dataset, span in home.settings.retention.items():
        rule = rules.of(dataset)
        if rule is None:
            why = "holds no rows of persons and is kept" if dataset in load_contracts() else "is not a dataset"
            raise HomeError(f"{path}: `retention.{dataset}`: {dataset} {why}; there are {', '.join(sorted(kept))}.")
        if months_in(span) < months_in(rule.at_least):
            raise HomeError(
                f"{path}: `retention.{dataset}`: {span} is too short. Figures need these rows for {rule.at_least} at "
                f"least; write `{dataset}: {rule.at_least}` or more."
            )
        kept[dataset] = span
    return kept


def plan(home: Home, ledger: Ledger) -> list[Going]:
    """Every vintage of rows of persons that landing holds, with the day on which it goes, soonest first.

    Raises:
        HomeError: the home's own rules cannot be used.
    """
    rules, kept = load_rules(), kept_for(home)
    replaced_months = months_in(rules.replaced.keep)
    held = [vintage for vintage in ledger.kept() if vintage.dataset in kept]
    going = []
    for vintage in held:
        rule = rules.of(vintage.dataset)
        assert rule is not None
        because: Because
        group = vintage.vintage_id
        if vintage.is_current:
            because, due = "time_is_up", months_later(vintage.received_on, months_in(kept[vintage.dataset]))
            if rule.together:
                group = f"{rule.datasets[0]} {vintage.submission}"
        elif vintage.is_rejected:
            because, due = "rejected", months_later(vintage.received_on, replaced_months)
        else:
            because, due = "replaced", months_later(_replaced_on(vintage, held), replaced_months)
        going.append(
            Going(
                vintage.dataset,
                vintage.file_name,
                vintage.vintage_id,
                because,
                vintage.received_on,
                due,
                vintage.rows_landed,
                group,
            )
        )
    last: dict[str, date] = defaultdict(lambda: date.min)
    for one in going:
        last[one.group] = max(last[one.group], one.due_on)
    going = [Going(**(vars(one) | {"due_on": last[one.group]})) for one in going]
    return sorted(going, key=lambda one: (one.due_on, one.dataset, one.file_name, one.vintage_id))


def _replaced_on(vintage: KeptVintage, held: list[KeptVintage]) -> date:
    """When the file came that took its place; where none is known any more, when it came itself."""
    successors = [
        other.last_received_at.date()
        for other in held
        if (other.dataset, other.submission) == (vintage.dataset, vintage.submission)
        and other.last_received_at > vintage.last_received_at
        and not other.is_rejected
    ]
    return min(successors, default=vintage.received_on)


def delete_retired(home: Home, ledger: Ledger) -> None:
    """Delete the rows and findings of every vintage that the ledger has as retired, if a killed run left any."""
    for dataset, vintage_id in ledger.retired():
        landing_path(home, dataset, vintage_id).unlink(missing_ok=True)
        quarantine_path(home, dataset, vintage_id).unlink(missing_ok=True)


def delete_old_findings(home: Home, ledger: Ledger, today: date) -> None:
    """Delete findings about files that were refused, once they are old and the file is out of the inbox."""
    months = months_in(load_rules().replaced.keep)
    for dataset, vintage_id, path, received_on in ledger.refused():
        if months_later(received_on, months) <= today and not (home.inbox / path).exists():
            quarantine_path(home, dataset, vintage_id).unlink(missing_ok=True)


def warn_of_late_files(home: Home, ledger: Ledger) -> None:
    """Say which files in force are wholly about periods whose figures are frozen: their rows change nothing."""
    frozen = home.frozen / "indicator_counts.parquet"
    retired = ledger.retired()
    if not retired or not frozen.is_file():
        return
    dataset_of = {vintage_id: dataset for dataset, vintage_id in retired}
    # Dataset → when periods of it were frozen, and the end of the last of them.
    ends: dict[str, list[tuple[datetime, date]]] = defaultdict(list)
    late = []
    with open_in_memory(home.root) as con:
        for vintage_id, frozen_at, period_end in con.execute(
            "select vintage_id, frozen_at, max(period_end)"
            " from (select unnest(retired_vintage_ids) as vintage_id, period_end, frozen_at"
            f" from read_parquet({literal(str(frozen))})) group by vintage_id, frozen_at"
        ).fetchall():
            if (dataset := dataset_of.get(vintage_id)) is not None:
                ends[dataset].append((frozen_at, period_end))
        for vintage in ledger.kept():
            # What came before they were frozen is in the figures.
            frozen_before = [end for at, end in ends.get(vintage.dataset, ()) if at < vintage.received_at]
            if not vintage.is_current or not frozen_before:
                continue
            newest = _newest_day(con, home, vintage)
            if newest is not None and newest <= max(frozen_before):
                late.append(vintage.file_name)
    if late:
        log.warning(
            "%s: only about periods whose figures are frozen, because the rows of other files of those periods have "
            "been deleted. The rows are not counted.",
            listed(sorted(late)),
        )


def warn_of_copies(file_names: list[str]) -> None:
    """Say which files still lie in the inbox although the rows that landed from them have been deleted."""
    if file_names:
        log.warning(
            "%s: still in the inbox, although the rows that landed from it have been deleted because their time was "
            "up. Take it out; the warehouse never changes the inbox.",
            listed(sorted(file_names)),
        )


def _newest_day(con: duckdb.DuckDBPyConnection, home: Home, vintage: KeptVintage) -> date | None:
    path = landing_path(home, vintage.dataset, vintage.vintage_id)
    if not path.is_file():
        return None
    # As the file has them: it may have landed under a version of the contract with other columns.
    columns = con.execute(f"describe select * from read_parquet({literal(str(path))})").fetchall()
    dates = [f"max({name(column)})::date" for column, kind, *_ in columns if kind in ("DATE", "TIMESTAMP")]
    if not dates:
        return None
    newest: date | None
    ((newest,),) = con.execute(
        f"select greatest({', '.join(dates)}) from read_parquet({literal(str(path))})"
    ).fetchall()
    return newest
