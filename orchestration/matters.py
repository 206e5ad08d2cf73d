"""What needs somebody: the matters that alerts are about.

A matter names datasets, periods, tables and checks. It holds no row, value, file name or count, nor what an error said:
an alert leaves the machine, and any of these can hold a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb

from ingestion.alert_settings import Kind
from ingestion.contracts import Contract, load_contracts
from ingestion.home import Home
from orchestration import last_run
from orchestration.last_run import LastRun
from orchestration.status import status_of
from publishing.publication import DATABASE_FILE, current_publication

#: How long before its due date a supplier is reminded: the rarer a dataset, the more there is to prepare.
REMIND_DAYS_BEFORE = {"monthly": 7, "termly": 14, "by_wave": 14, "when_it_changes": 14, "yearly": 30}


@dataclass(frozen=True)
class Matter:
    """One thing that needs somebody, for as long as it does."""

    #: Stays the same from day to day, so that it is told once.
    matter_id: str
    kind: Kind
    #: A sentence that says what is the matter.
    text: str
    #: A sentence that says what to do.
    remedy: str


def open_matters(home: Home, now: datetime | None = None) -> list[Matter]:
    """Everything that needs somebody, from what lies in the home; nothing is written, and no lock is kept.

    Args:
        home: the home.
        now: the moment to judge by, in UTC; by default this one.
    """
    moment = now or datetime.now(UTC)
    contracts = load_contracts()
    last = last_run.read(home)
    return [
        *_of_runs(home, last, moment),
        *_blocked(last),
        *_rejected(last, contracts),
        *_submissions(home, moment.date(), contracts),
        *_stale(home, moment, contracts),
    ]


def _of_runs(home: Home, last: LastRun | None, now: datetime) -> list[Matter]:
    if last is None:
        return []
    found = []
    log = f"`impact status` and the newest log in {home.state.name}/logs say why. Mend it and run again."
    began = f"{datetime.fromisoformat(last.began_at):%d %B %Y %H:%M} UTC"
    if last.outcome == "failed":
        error = f" ({last.error})" if last.error else ""
        found.append(Matter("failed/run", "failed", f"The run of {began} did not get to its end{error}.", log))
    elif last_run.was_killed(home, last):
        remedy = "The machine stopped or somebody ended it. Run again; it goes on from what has landed."
        found.append(Matter("failed/run", "failed", f"The run of {began} ended without a word.", remedy))
    days = home.settings.alert_without_run_days
    if last.published_at and now - datetime.fromisoformat(last.published_at) > timedelta(days=days):
        since = f"{datetime.fromisoformat(last.published_at):%d %B %Y}"
        text = f"No run has got to its end since {since}."
        remedy = "See that cron or Dagster's daemon is running; the publication in force is of that day."
        found.append(Matter("failed/no_run", "failed", text, remedy))
    return found


def _blocked(last: LastRun | None) -> list[Matter]:
    return [
        Matter(
            f"blocked/{table}/{rule}",
            "blocked",
            f"The check {rule} of {table} failed: {description.rstrip('.')}.",
            "Nothing new is published until it passes; `impact status` says what was found and what to do.",
        )
        for checks in (last.blocked if last else {}).values()
        for table, rule, description in checks
    ]


def _rejected(last: LastRun | None, contracts: Mapping[str, Contract]) -> list[Matter]:
    return [
        Matter(
            f"rejected/{dataset}/{vintage_id}",
            "rejected",
            f"A batch of {_called(dataset, contracts)} was rejected as a whole (vintage {vintage_id[:12]}).",
            "The batch before it stays in force; `impact status` says what was wrong. Ask the supplier for a new file.",
        )
        for dataset, vintage_id in (last.rejected if last else [])
    ]


#: What was due by the day and has not come, and what will be. A dataset that has landed a file since the publication is
#: left out: whether that file was the one is known when it is published.
_SUBMISSIONS = """
select dataset, period, organisation_id, supplier_role, due_date
from expected_submissions
where status in ('late', 'not yet due')
    and dataset not in (select dataset from read_parquet(?) where status = 'landed' and landed_at > ?)
order by due_date, dataset, period, organisation_id
"""


def _submissions(home: Home, today: date, contracts: Mapping[str, Contract]) -> list[Matter]:
    publication = current_publication(home)
    files = home.landing / "source_files.parquet"
    if publication is None or not files.is_file() or "expected_submissions" not in publication.tables:
        return []
    with closing(duckdb.connect(str(publication.path / DATABASE_FILE), read_only=True)) as con:
        published_at = publication.published_at.astimezone(UTC).replace(tzinfo=None)
        rows = con.execute(_SUBMISSIONS, [str(files), published_at]).fetchall()
    found = []
    for dataset, period, organisation_id, role, due in rows:
        cadence = contracts[dataset].cadence if dataset in contracts else "yearly"
        one = "" if organisation_id == "total" else f"/{organisation_id}"
        what = f"{_called(dataset, contracts)} for {period}"
        whom = role if organisation_id == "total" else "some of those who send it"
        if due < today:
            text = f"{what} was due on {due:%d %B %Y} and has not come from {whom}."
            remedy = "Ask the supplier for it; the table expected_submissions says what is missing from whom."
            found.append(Matter(f"late/{dataset}/{period}{one}", "late", text, remedy))
        elif due <= today + timedelta(days=REMIND_DAYS_BEFORE[cadence]):
            text = f"{what} is due by {due:%d %B %Y} from {whom}."
            found.append(Matter(f"due/{dataset}/{period}{one}", "due", text, "Remind the supplier."))
    return found


def _stale(home: Home, now: datetime, contracts: Mapping[str, Contract]) -> list[Matter]:
    """Datasets of which nothing has come for longer than their cadence allows, where no due dates are known."""
    publication = current_publication(home)
    if publication is None or "expected_submissions" not in publication.tables:
        return []
    with closing(duckdb.connect(str(publication.path / DATABASE_FILE), read_only=True)) as con:
        expected = {row[0] for row in con.execute("select distinct dataset from expected_submissions").fetchall()}
    return [
        Matter(
            f"late/{item.dataset}",
            "late",
            f"Nothing has come of {_called(item.dataset, contracts)} for more than {item.fresh_for_days} days.",
            "Ask the supplier whether there is a newer file.",
        )
        for item in status_of(home, now).datasets
        if item.state == "late" and item.dataset not in expected
    ]


def _called(dataset: str, contracts: Mapping[str, Contract]) -> str:
    return f"{dataset} ({contracts[dataset].title})" if dataset in contracts else dataset
