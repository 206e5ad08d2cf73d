"""What the steps of a run are given: the home, its lock, and the process that runs the gates."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from expectations.worker import GateWorker
from ingestion.home import Home, find_home
from orchestration.lock import WAIT_SECONDS, writing


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

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HomeToWrite"]:
        """Take the lock, and give it back when the run ends.

        Raises:
            HomeError: there is no home.
            HomeBusy: another run held the lock for longer than ``wait_seconds``.
        """
        with writing(self.open(), self.wait_seconds):
            yield self


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
