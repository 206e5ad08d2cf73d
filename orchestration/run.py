"""``impact run``: the job ``everything``, in this process, recorded where ``dagster dev`` finds it.

Dagster and dbt are imported inside ``run_everything``, after the process that runs the gates has been started: both
sides import for seconds, and there are two cores.
"""

from __future__ import annotations

import logging
import os
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.results import CheckResult
from expectations.worker import GateWorker, collect_garbage_rarely
from ingestion.home import HOME_VARIABLE, Home, HomeError
from orchestration import last_run
from orchestration.instance import settle
from orchestration.lock import WAIT_SECONDS, HomeBusy, writing
from orchestration.logs import file_handler
from orchestration.remedies import with_remedy
from orchestration.watching import Watcher

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult
    from dagster_shared.error import SerializableErrorInfo

    from ingestion.landing import FileReport
    from publishing.publication import Publication

#: How many runs' logs stay in the home.
KEPT_LOGS = 30


@dataclass
class Run:
    """What came of a run."""

    log: Path
    files: list[FileReport] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    publication: Publication | None = None
    #: Why it did not get to the end, in sentences; empty where it did, or where a blocking check stopped it.
    troubles: list[str] = field(default_factory=list)
    #: Seconds by part of the run, in order.
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def blocked_by(self) -> list[CheckResult]:
        """The checks that kept the publication from being made."""
        return [check for check in self.checks if check.blocks and check.stage in ("models", "marts")]


class _Recorder(Watcher):
    """Writes down what the steps tell, and passes it on."""

    def __init__(self, run: Run, watcher: Watcher) -> None:
        self._run, self._watcher = run, watcher
        self._name, self._since = "start", time.perf_counter()

    def phase(self, name: str) -> None:
        if name == "landing":
            # It may be the second time, after something that passed by itself.
            self._run.files.clear()
            self._run.checks.clear()
        now = time.perf_counter()
        self._run.seconds[self._name] = self._run.seconds.get(self._name, 0.0) + now - self._since
        self._name, self._since = name, now
        self._watcher.phase(name)

    def landed(self, report: FileReport) -> None:
        self._run.files.append(report)
        self._watcher.landed(report)

    def built(self, name: str, number: int, total: int) -> None:
        self._watcher.built(name, number, total)

    def checked(self, results: Sequence[CheckResult]) -> None:
        self._run.checks.extend(results)
        self._watcher.checked(results)

    def warned(self, text: str) -> None:
        self._watcher.warned(text)

    def published(self, publication: Publication) -> None:
        self._run.publication = publication
        self._watcher.published(publication)


def run_everything(
    home: Home, watcher: Watcher, wait_seconds: float = WAIT_SECONDS, settle_seconds: float = 0.0
) -> Run:
    """Take what is in the inbox all the way to the publication, and tell whoever wants to be told of what is wrong.

    Args:
        home: the home.
        watcher: is told how it goes.
        wait_seconds: how long to wait for another run of the home to end.
        settle_seconds: files that changed less than so many seconds ago are left for the next run.

    Returns:
        What came of it, also where it failed.

    Raises:
        HomeBusy: another run holds the home's lock.
        HomeError: the home cannot be written to at all.
        KeyboardInterrupt: the run was interrupted.
    """
    try:
        done = _run(home, watcher, wait_seconds, settle_seconds)
    except HomeBusy:
        raise
    except KeyboardInterrupt:
        last_run.interrupted(home)
        raise
    except Exception as error:
        # Where nothing can be written, that is what there is to say.
        with suppress(OSError):
            last_run.could_not_begin(home, type(error).__name__)
            alert(home, watcher)
        if isinstance(error, OSError):
            raise HomeError(with_remedy(f"{home.root} cannot be used: {error}", home)) from error
        raise
    alert(home, watcher)
    return done


def alert(home: Home, watcher: Watcher) -> None:
    """Send what there is to tell; a channel that cannot be reached is a warning to the watcher."""
    if home.settings.alerts:
        from orchestration.alerts import tell_after_run

        for trouble in tell_after_run(home):
            watcher.warned(trouble)


def _run(home: Home, watcher: Watcher, wait_seconds: float, settle_seconds: float) -> Run:
    from sqlalchemy.exc import DatabaseError

    with writing(home, wait_seconds):
        run = Run(_log_file(home))
        recorder = _Recorder(run, watcher)
        recorder.phase("start")
        with _gate_worker() as worker, _logged(run.log, recorder):
            try:
                result = _execute(home, worker, recorder, run.log, wait_seconds, settle_seconds)
                told = [] if result.success else _troubles(result)
            except DatabaseError as error:
                told = [f"Dagster cannot keep its record of the run: {error.orig}"]
        recorder.phase("end")
        run.troubles.extend(with_remedy(text, home) for text in told)
    return run


@contextmanager
def _gate_worker() -> Iterator[GateWorker]:
    """The process that runs the gates, deaf to the keyboard from its first moment: this one decides, and ends it."""
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with ExitStack() as stack:
        try:
            worker = stack.enter_context(GateWorker())
        finally:
            signal.signal(signal.SIGINT, heard)
        yield worker


def _execute(
    home: Home, worker: GateWorker, watcher: Watcher, log: Path, wait_seconds: float, settle_seconds: float
) -> ExecuteInProcessResult:
    settle(home)
    os.environ[HOME_VARIABLE] = str(home.root)
    collect_garbage_rarely()
    from dagster import DagsterInstance

    from orchestration.definitions import defs
    from orchestration.resources import EVERYTHING, Gates, HomeToWrite

    with DagsterInstance.get() as instance:
        result = defs.resolve_job_def(EVERYTHING).execute_in_process(
            instance=instance,
            run_config={"loggers": {"run_log": {"config": {"path": str(log)}}}},
            raise_on_error=False,
            resources={
                "home": HomeToWrite(
                    path=str(home.root), wait_seconds=wait_seconds, settle_seconds=settle_seconds, tells=False
                ),
                "gates": Gates(worker),
                "watcher": watcher,
            },
        )
        _tidy(home, instance)
        return result


def _tidy(home: Home, instance: DagsterInstance) -> None:
    from orchestration.tidying import tidy

    try:
        tidy(home, instance)
    except Exception:
        # What is not tidied tonight is tomorrow; it is no reason for a run to fail.
        logging.getLogger(__name__).exception("Old records could not be removed.")


def _troubles(result: ExecuteInProcessResult) -> list[str]:
    """What stopped the steps that failed, or the run before its first step, without the framework around it."""
    steps = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    whole = [event.job_failure_data.error for event in result.all_events if event.is_job_failure]
    if any(error is not None and error.cls_name == "DagsterExecutionInterruptedError" for error in [*steps, *whole]):
        raise KeyboardInterrupt
    return [_plain(error) for error in steps or whole if error is not None] or ["Dagster did not say why."]


def _plain(error: SerializableErrorInfo) -> str:
    around = ("Dagster", "RetryRequested")
    while error.cause is not None and error.cls_name is not None and error.cls_name.startswith(around):
        error = error.cause
    name, _, text = error.message.strip().partition(": ")
    return text or name


def _log_file(home: Home) -> Path:
    folder = home.state / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("run-*.log"))[: -(KEPT_LOGS - 1)]:
        old.unlink()
    return folder / f"run-{datetime.now():%Y%m%d-%H%M%S}.log"


@contextmanager
def _logged(log: Path, watcher: Watcher) -> Iterator[None]:
    """What libraries have to say goes to the log; what this project warns of reaches the watcher as well."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers, root.level = [file_handler(log), _ToWatcher(watcher)], logging.INFO
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers, root.level = handlers, level


class _ToWatcher(logging.Handler):
    """Passes on the warnings of the rooms."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__(logging.WARNING)
        self._watcher = watcher

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in ("ingestion", "expectations", "publishing", "orchestration"):
            self._watcher.warned(record.getMessage())
