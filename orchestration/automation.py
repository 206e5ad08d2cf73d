"""What starts a run by itself: the clock, and a file that has arrived."""

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ingestion.home import HomeError
from orchestration.resources import HomeResource

EVERYTHING = "everything"
#: A file counts as settled when nothing in the inbox has changed for this long, over two looks at it.
SETTLED_SECONDS = 30.0

Job = dg.JobDefinition | UnresolvedAssetJobDefinition


@dataclass(frozen=True)
class Look:
    """What the sensor remembers of its looks at the inbox: the last state, since when, and the state last run."""

    state: str
    since: float
    run: str | None = None


def nightly_schedule(job: Job) -> dg.ScheduleDefinition:
    """Every night at two, when nobody waits for a publication."""
    return dg.ScheduleDefinition(
        name="nightly",
        job=job,
        cron_schedule="0 2 * * *",
        execution_timezone="Europe/London",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def inbox_sensor(job: Job) -> dg.SensorDefinition:
    """Starts a run when what is in the inbox is new and has settled."""

    @dg.sensor(
        name="inbox_has_settled",
        job=job,
        description="Starts a run when a file has arrived and nothing in the inbox has changed for half a minute.",
        minimum_interval_seconds=int(SETTLED_SECONDS),
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def inbox_has_settled(context: dg.SensorEvaluationContext, inbox: HomeResource) -> dg.SensorResult:
        try:
            folder = inbox.open().inbox
        except HomeError as error:
            return dg.SensorResult(skip_reason=str(error))
        before = Look(**json.loads(context.cursor)) if context.cursor else None
        look, start, reason = decide(before, inbox_state(folder), time.time())
        return dg.SensorResult(
            # The key makes Dagster itself refuse a second run for the same files.
            run_requests=[dg.RunRequest(run_key=look.state)] if start else [],
            skip_reason=None if start else reason,
            cursor=json.dumps(asdict(look)),
        )

    return inbox_has_settled


def decide(before: Look | None, state: str | None, now: float) -> tuple[Look, bool, str]:
    """Whether to start a run.

    Args:
        before: what was remembered at the last look; None at the first.
        state: what the inbox holds now; None where it holds nothing.
        now: seconds since the epoch.

    Returns:
        What to remember, whether to start, and why not.
    """
    run = before.run if before else None
    if state is None:
        return Look("", now, run), False, "The inbox is empty."
    if before is None or before.state != state:
        return Look(state, now, run), False, "The inbox has changed; waiting for it to settle."
    if state == run:
        return before, False, "Everything in the inbox has been through a run."
    if now < before.since:
        return Look(state, now, run), False, "The clock has been set back; waiting for the inbox to settle."
    if now - before.since < SETTLED_SECONDS:
        return before, False, "The inbox has changed; waiting for it to settle."
    return Look(state, before.since, state), True, ""


def inbox_state(inbox: Path) -> str | None:
    """Tells one state of the inbox from another by the names, sizes and times of its files; None without any.

    Files that a program leaves while it has another open are left out, as they are when files land.
    """
    lines = sorted(_lines(inbox))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32] if lines else None


def _lines(inbox: Path) -> Iterable[str]:
    for path in inbox.rglob("*"):
        relative = path.relative_to(inbox)
        if any(part.startswith((".", "~$")) for part in relative.parts) or not path.is_file():
            continue
        stat = path.stat()
        yield f"{relative.as_posix()}\t{stat.st_size}\t{stat.st_mtime_ns}"
