"""A process that has imported Great Expectations by the time a gate needs it.

The import takes seconds, so a run starts the worker first and lands files meanwhile. The worker also keeps what Great
Expectations holds (connections above all) out of the process that builds the warehouse.
"""

from __future__ import annotations

import atexit
import gc
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from expectations.batches import batch_checks
from expectations.deferred import defer
from expectations.gates import check_landed, check_marts, companions, write_data_docs
from expectations.marts import has_rows
from expectations.results import CheckResult, GateError
from expectations.suites import landed_checks
from ingestion.contracts import load_contracts
from ingestion.home import Home
from ingestion.pseudonyms import KEY_VARIABLE

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Frameworks make millions of objects that live until the end; to look through them again and again takes a fifth of
#: the time.
_OBJECTS_BEFORE_COLLECTION = 200_000


def collect_garbage_rarely() -> None:
    """Let Python look for objects that nobody needs less often than it does of itself, to the end of the process."""
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 20, 50)


class GateWorker:
    """Runs the gates in a process of its own; a context manager.

    ``with GateWorker() as worker:`` starts the process, which dies with the block and with the process that started
    it, however that ends.
    """

    def __init__(self) -> None:
        """Prepare the worker; nothing runs yet."""
        self._executor: ProcessPoolExecutor | None = None
        self._lifeline: Connection | None = None
        self._documenting: Future[None] | None = None
        self._asked: Future[Any] | None = None

    def __enter__(self) -> Self:
        """Start the process and let it import while the caller goes on."""
        # Not forked: a copy of a process with threads and open databases is not safe to work in.
        processes = multiprocessing.get_context("spawn")
        theirs, self._lifeline = processes.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(1, mp_context=processes, initializer=_start, initargs=(theirs,))
        self._asked = self._executor.submit(os.getpid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process: after an error at once, else when the data docs are written."""
        if self._documenting is not None and kind is None:
            trouble = self._documenting.exception()
            if trouble is not None:
                # A run whose checks were made and heeded has not failed for want of pages about them.
                log.warning("The data docs could not be written: %s. They are as the run before left them.", trouble)
        self._documenting = None
        if self._lifeline is not None:
            self._lifeline.close()
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
        self._executor = self._lifeline = self._asked = None

    @property
    def is_free(self) -> bool:
        """Whether the process has started, and has answered what it was asked."""
        return self._asked is not None and self._asked.done()

    def check_landed(self, home: Home, vintages: Mapping[str, Sequence[str]]) -> list[CheckResult]:
        """``gates.check_landed`` in the worker; with nothing to gate the worker is not asked.

        Raises:
            GateError: as there, or the worker ended before it answered.
        """
        wanted = {dataset: list(ids) for dataset, ids in vintages.items() if ids}
        return self._ask(check_landed, home, wanted) if wanted else []

    def begin_to_check_landed(
        self, home: Home, vintages: Mapping[str, Sequence[str]], ledger: pa.Table
    ) -> Future[list[CheckResult]]:
        """``gates.check_landed`` in the worker, while the caller goes on; what it raises the future holds."""
        return self._submit(check_landed, home, {dataset: list(ids) for dataset, ids in vintages.items()}, ledger)

    def companions(self, home: Home, datasets: Sequence[str]) -> dict[str, frozenset[str]]:
        """``gates.companions`` in the worker, which has the checks at hand.

        Raises:
            GateError: the worker ended before it answered.
        """
        return self._ask(companions, home, list(datasets))

    def check_marts(self, home: Home) -> list[CheckResult]:
        """``gates.check_marts`` in the worker.

        Raises:
            GateError: as there, or the worker ended before it answered.
        """
        return self._ask(check_marts, home)

    def document(self, home: Home) -> None:
        """``gates.write_data_docs`` in the worker, while the caller goes on; leaving the block waits for it."""
        if self._executor is not None:
            self._documenting = self._executor.submit(write_data_docs, home)

    def _ask(self, gate: Callable[..., T], *arguments: object) -> T:
        with _death_told():
            return self._submit(gate, *arguments).result()

    def _submit(self, gate: Callable[..., T], *arguments: object) -> Future[T]:
        if self._executor is None:
            raise GateError("The worker is not running: use it inside `with GateWorker() as worker:`.")
        with _death_told():
            answer = self._asked = self._executor.submit(gate, *arguments)
        return answer


@contextmanager
def _death_told() -> Iterator[None]:
    """Say what it means that the process is not there any more."""
    try:
        yield
    except BrokenProcessPool as error:
        raise GateError(
            "The process that runs the checks ended before it answered, so nothing has passed the gate. "
            "Run again; if it happens again, see whether the machine ran out of memory."
        ) from error


def _start(lifeline: Connection) -> None:
    """Make the worker end with its parent, then do beforehand whatever the first gate would wait for."""
    # Nothing that a gate looks at has to be made into a pseudonym.
    os.environ.pop(KEY_VARIABLE, None)
    # An interrupt from the keyboard reaches both processes; the parent decides, and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    # What Great Expectations keeps open to the end DuckDB would complain of, on the screen of whoever ran the parent.
    atexit.register(os._exit, 0)
    defer()
    collect_garbage_rarely()
    from tqdm import tqdm  # type: ignore[import-untyped]

    from expectations.validation import Validation

    # Great Expectations' progress bars, shown or not, share a lock between processes that nobody would clear away.
    tqdm.set_lock(threading.RLock())
    for dataset, contract in load_contracts().items():
        if contract.not_needed is None:
            landed_checks(dataset)
            batch_checks(dataset)
    # Parts of Great Expectations are imported by the first validation only.
    with Validation() as validation:
        validation.execute("create table warm_up as select 'no rows' as detail")
        validation.run("warm_up", [has_rows("warm_up")])


def _end_with(lifeline: Connection) -> None:
    """Wait until the other end of the lifeline is closed, by the parent or by its death, and end the process."""
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os._exit(0)
