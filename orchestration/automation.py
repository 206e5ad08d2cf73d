"""What starts a run by itself: the clock, and a file that has arrived."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ingestion.home import HomeError
from ingestion.landing import unseen
from orchestration import last_run
from orchestration.alerts import tell
from orchestration.resources import EVERYTHING, HomeResource
from orchestration.tidying import tidy

#: A file counts as settled when it has not changed for this long, over two looks at it.
SETTLED_SECONDS = 30.0
#: What has settled waits so long for what is still arriving: suppliers send many files one after the other, and a run
#: for each would be wasteful. One that grows for ever does not hold back the others.
PATIENCE_SECONDS = 600.0
#: What starts by itself leaves files for the next run that change while it looks.
SETTLED_ONLY = {"resources": {"home": {"config": {"settle_seconds": SETTLED_SECONDS}}}}

TIME_ZONE = "Europe/London"

Job = dg.JobDefinition | UnresolvedAssetJobDefinition


@dataclass(frozen=True)
class Look:
    """What the sensor remembers of its looks at the inbox."""

    #: File as it is → since when; only files that no run has dealt with yet.
    since: dict[str, float] = field(default_factory=dict)
    #: What the last run was started for.
    run: str | None = None


def schedules(everything: Job, alerts: Job, tidying: Job) -> list[dg.ScheduleDefinition]:
    """What the clock starts.

    One nightly run serves every cadence: it publishes whatever has come, be it monthly or once a year. When something
    of a cadence is due, soon or by now, is worked out each morning (``orchestration.matters``).
    """
    return [
        dg.ScheduleDefinition(
            name="nightly",
            job=everything,
            description="Every night at two, when nobody waits for a publication.",
            cron_schedule="0 2 * * *",
            execution_timezone=TIME_ZONE,
            run_config=SETTLED_ONLY,
            default_status=dg.DefaultScheduleStatus.RUNNING,
        ),
        dg.ScheduleDefinition(
            name="morning_alerts",
            job=alerts,
            description="Every morning: what is late, what will be due soon, and whether the night's run was there.",
            cron_schedule="30 7 * * *",
            execution_timezone=TIME_ZONE,
            default_status=dg.DefaultScheduleStatus.RUNNING,
        ),
        dg.ScheduleDefinition(
            name="weekly_tidying",
            job=tidying,
            description="Every Sunday: the records of runs that are older than the home keeps them.",
            cron_schedule="0 5 * * 0",
            execution_timezone=TIME_ZONE,
            default_status=dg.DefaultScheduleStatus.RUNNING,
        ),
    ]


def alerts_job() -> dg.JobDefinition:
    """Tells whoever is to be told, also where no run has been."""

    @dg.op
    def tell_what_is_the_matter(context: dg.OpExecutionContext, inbox: HomeResource) -> None:
        for trouble in tell(inbox.open()):
            context.log.warning(trouble)

    @dg.job(name="alerts", description="Tells over the channels of impact.yml what needs somebody; reads only.")
    def alerts() -> None:
        tell_what_is_the_matter()

    return alerts


def tidying_job() -> dg.JobDefinition:
    """Removes what past runs left and nobody needs any more."""

    @dg.op
    def remove_old_records(context: dg.OpExecutionContext, inbox: HomeResource) -> None:
        context.log.info(tidy(inbox.open(), context.instance).in_words())

    @dg.job(name="tidying", description="Removes the records of runs that are older than the home keeps them.")
    def tidying() -> None:
        remove_old_records()

    return tidying


def inbox_sensor(job: Job) -> dg.SensorDefinition:
    """Starts a run when there are files in the inbox that no run has seen, and they have settled."""

    @dg.sensor(
        name="inbox_has_settled",
        job=job,
        description="Starts a run when a file has arrived that has not changed for half a minute.",
        minimum_interval_seconds=int(SETTLED_SECONDS),
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def inbox_has_settled(context: dg.SensorEvaluationContext, inbox: HomeResource) -> dg.SensorResult:
        try:
            arrived = unseen(inbox.open())
        except (HomeError, OSError, sqlite3.Error) as error:
            return dg.SensorResult(skip_reason=str(error))
        look, start, reason = decide(remembered(context.cursor), arrived, time.time())
        return dg.SensorResult(
            # The key makes Dagster itself refuse a second run for the same files.
            run_requests=[dg.RunRequest(run_key=look.run, run_config=SETTLED_ONLY)] if start else [],
            skip_reason=None if start else reason,
            cursor=json.dumps(asdict(look)),
        )

    return inbox_has_settled


def failure_sensor() -> dg.SensorDefinition:
    """Tells of a run that cannot tell by itself: its process never began, or was killed."""

    @dg.run_failure_sensor(
        name="run_has_failed",
        description="Tells of a run whose process never began or was killed; others tell when they end.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def run_has_failed(context: dg.RunFailureSensorContext, inbox: HomeResource) -> None:
        home = inbox.open()
        record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
        if record is not None and context.dagster_run.job_name == EVERYTHING:
            last_run.ended_without_beginning(home, record.create_timestamp)
        for trouble in tell(home):
            context.log.warning(trouble)

    return run_has_failed


def remembered(cursor: str | None) -> Look:
    """The looks before, from what Dagster keeps; none where it keeps something else."""
    try:
        return Look(**json.loads(cursor or "{}"))
    except (ValueError, TypeError):
        return Look()


def decide(before: Look, arrived: Mapping[str, str], now: float) -> tuple[Look, bool, str]:
    """Whether to start a run.

    Args:
        before: what was remembered at the last look.
        arrived: file → what tells one state of it from another; the files that no run has dealt with as they are.
        now: seconds since the epoch.

    Returns:
        What to remember, whether to start, and why not.
    """
    states = {_short(name, state): name for name, state in arrived.items()}
    # A clock that was set back must not keep a file waiting until it is as late again.
    since = {state: min(before.since.get(state, now), now) for state in states}
    settled = sorted(state for state, first in since.items() if now - first >= SETTLED_SECONDS)
    look = Look(since, before.run)
    if not arrived:
        return look, False, "Everything in the inbox has been through a run."
    if not settled:
        return look, False, "Files are arriving; waiting for them to settle."
    if len(settled) < len(since) and now - min(since.values()) < PATIENCE_SECONDS:
        return look, False, "Some files have settled and others are arriving; waiting for them for a while."
    run = _short(*settled)
    if run == before.run:
        return look, False, "A run was started for what has settled; it goes on, or could not deal with it."
    return Look(since, run), True, ""


def _short(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
