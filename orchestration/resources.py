"""What the steps of a run are given: the home, its lock, and the process that runs the gates."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from expectations.worker import GateWorker
from ingestion.home import Home, find_home
from orchestration.alerts import tell_after_run
from orchestration.last_run import Recording, recorded
from orchestration.lock import WAIT_SECONDS, writing

#: The job that takes what is in the inbox to the publication.
EVERYTHING = "everything"


class HomeResource(dg.ConfigurableResource["HomeResource"]):
    """The home, for those who only look: found when it is asked for, never when definitions load."""

    #: Its folder; without one, ``IMPACT_HOME``, else the current folder.
    path: str | None = None

    def open(self) -> Home:
        """The home.

        Raises:
            HomeError: there is none; says what to do.
        """
        return find_home(None if self.path is None else Path(self.path))


class HomeToWrite(HomeResource):
    """The home with its lock, held from the first step that asks for it to the end of the run.

    With the in-process executor that is the whole run. With another one it is each step; the publication then still
    refuses a warehouse that was built again since its marts were checked.
    """

    wait_seconds: float = WAIT_SECONDS
    #: Files that changed less than so many seconds ago are left for the next run: they may be still arriving.
    settle_seconds: float = 0.0
    #: Whether to send the alerts when the run is over; the command line does so itself, when it has let go of the lock.
    tells: bool = True

    _recording: Recording = PrivateAttr(default_factory=Recording)

    def has_published(self) -> None:
        """Say that the run got to its end."""
        self._recording.has_published = True

    def has_failed(self, error: BaseException) -> None:
        """Say what a step failed of."""
        self._recording.error = type(error).__name__

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HomeToWrite"]:
        """Take the lock, and give it back when the run ends.

        Raises:
            HomeError: there is no home.
            HomeBusy: another run held the lock for longer than ``wait_seconds``.
        """
        home = self.open()
        run = context.run
        whole = run is not None and run.job_name == EVERYTHING and not run.asset_selection
        with writing(home, self.wait_seconds), recorded(home, whole=whole) as self._recording:
            yield self
        if self.tells:
            for trouble in tell_after_run(home):
                (context.log or logging.getLogger(__name__)).warning(trouble)


class Gates:
    """Runs the gates, in a process that is started for the purpose unless there is one already."""

    def __init__(self, worker: GateWorker | None = None) -> None:
        """Take over a worker that is running, or start one when it is needed."""
        self._worker = worker

    @contextmanager
    def worker(self) -> Iterator[GateWorker]:
        """A running worker."""
        if self._worker is not None:
            yield self._worker
        else:
            with GateWorker() as worker:
                yield worker
