"""What the last run came to, as a small file in the home: alerts rest on it, also while no run goes on.

The results that the stages hand over are dropped when a run begins, so a look at them in the middle of a run would find
that everything had passed. What is written here changes when a run ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ingestion.database import open_in_memory
from ingestion.home import Home
from ingestion.writing import whole_file
from orchestration import handover
from orchestration.lock import HomeBusy, writing

Outcome = Literal["running", "published", "blocked", "failed", "interrupted"]


@dataclass(frozen=True)
class LastRun:
    """The last run of the whole route, and what is known of the checks from whichever run looked at them last."""

    outcome: Outcome
    began_at: str
    process: int
    #: When a run last got to its end; None where none has yet.
    published_at: str | None = None
    #: Class of the error that stopped it, where it failed. Its message may quote data, so it is left in the log.
    error: str | None = None
    #: Stage → the checks that stopped the publication, as dataset, rule and description.
    blocked: dict[str, list[list[str]]] = field(default_factory=dict)
    #: Batches that their gate keeps out of force, as dataset and vintage.
    rejected: list[list[str]] = field(default_factory=list)


class Recording:
    """Lets the steps of a run say how far it got."""

    def __init__(self) -> None:
        """Nothing has been published, and nothing has failed."""
        self.has_published = False
        self.error: str | None = None


@contextmanager
def recorded(home: Home, *, whole: bool) -> Iterator[Recording]:
    """Write down how a run ends; the caller holds the home's lock.

    Args:
        home: whose run.
        whole: whether it is of the whole route: of a part only what its checks found is written.
    """
    before = read(home) or LastRun("published", _now(), os.getpid())
    now = replace(before, outcome="running", began_at=_now(), process=os.getpid(), error=None) if whole else before
    _write(home, now)
    recording = Recording()
    try:
        yield recording
    finally:
        blocked = before.blocked | {
            stage: _blocking(home, stage)
            for stage in (handover.MODELS, handover.MARTS)
            if handover.found(home, stage) is not None
        }
        known = handover.found(home, handover.LANDED) is not None
        now = replace(now, blocked=blocked, rejected=_rejected(home) if known else before.rejected)
        if recording.has_published:
            now = replace(now, outcome="published", published_at=_now())
        elif whole:
            ours = [stage for stage in (handover.MODELS, handover.MARTS) if _blocking(home, stage)]
            now = replace(now, outcome="blocked" if ours else "failed", error=recording.error)
        _write(home, now)


def could_not_begin(home: Home, error: str | None) -> None:
    """Write down that a run failed before its first step.

    Args:
        home: whose run.
        error: class of the error; None where Dagster found that the run's process was not there.
    """
    before = read(home) or LastRun("failed", _now(), os.getpid())
    _write(home, replace(before, outcome="failed", began_at=_now(), process=os.getpid(), error=error))


def ended_without_beginning(home: Home, wanted_at: datetime) -> None:
    """Write down that a run failed of which nothing was heard since it was asked for.

    Args:
        home: whose run.
        wanted_at: when it was asked for.
    """
    last = read(home)
    # The seconds of what is written down are whole.
    if last is not None and datetime.fromisoformat(last.began_at) >= wanted_at.replace(microsecond=0):
        return
    try:
        with writing(home, 0):
            could_not_begin(home, None)
    except HomeBusy:
        # Another run goes on, and will say how it ends.
        return


def interrupted(home: Home) -> None:
    """Write down that somebody stopped the run, so nobody has to be told."""
    if (last := read(home)) is not None:
        _write(home, replace(last, outcome="interrupted"))


def read(home: Home) -> LastRun | None:
    """What the last run came to; None where there has been none."""
    try:
        return LastRun(**json.loads(_file(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def was_killed(home: Home, last: LastRun) -> bool:
    """Whether a run that has not said how it ended goes on no more: nobody holds the home's lock."""
    if last.outcome != "running" or last.process == os.getpid():
        return False
    try:
        with writing(home, 0):
            # It may have ended between the two looks.
            return (again := read(home)) is not None and again.outcome == "running"
    except HomeBusy:
        return False


def _blocking(home: Home, stage: str) -> list[list[str]]:
    return [[check.dataset, check.rule, check.description] for check in handover.left(home, stage) if check.blocks]


#: Batches that would be in force if their gate had let them, as far as their file is still there.
_REJECTED = """
with files as (
    select *, coalesce(nullif(submission, ''), file_name) as replaced from read_parquet(?) where status = 'landed'
)
select dataset, vintage_id, file_name from files as rejected where gate = 'rejected' and not exists (
    select 1 from files as other where other.dataset = rejected.dataset and other.replaced = rejected.replaced
        and other.is_current and other.sequence > rejected.sequence
)
order by dataset, vintage_id
"""


def _rejected(home: Home) -> list[list[str]]:
    files = home.landing / "source_files.parquet"
    if not files.is_file():
        return []
    with open_in_memory(home.landing) as con:
        rows = con.execute(_REJECTED, [str(files)]).fetchall()
    return [[dataset, vintage_id] for dataset, vintage_id, name in rows if (home.inbox / name).exists()]


def _file(home: Home) -> Path:
    return home.state / "last_run.json"


def _write(home: Home, last: LastRun) -> None:
    with whole_file(_file(home)) as temporary:
        temporary.write_text(json.dumps(asdict(last), indent=1), encoding="utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
