"""The points of a run at which something can happen to it: its stages, each thing that Python does to a file of the
home, each statement that changes the ledger, each file landed and each node built.

An order names a point by its stage and its number there, or a moment by the seconds since the stage began, and what
happens then: the run is killed (``kill``), the process that runs its gates is (``kill_worker``), or the run waits to
be looked at (``pause``). Inside DuckDB, SQLite and Parquet only moments strike.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate"}


class Points:
    """Counts the points of each stage, writes them down, and acts at the one that was asked for."""

    def __init__(self, order: dict[str, Any]) -> None:
        """Take the order: ``home``, ``trace`` (a file to append to) and what is to happen."""
        self._home = os.path.realpath(order["home"])
        self._trace = os.open(order["trace"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._kill: dict[str, Any] = order.get("kill") or {}
        self._kill_worker: dict[str, Any] = order.get("kill_worker") or {}
        self._pause: dict[str, Any] = order.get("pause") or {}
        self._stage, self._count, self._began = "start", 0, time.monotonic()
        self._process = os.getpid()
        self._turn = threading.RLock()

    def enter(self, stage: str) -> None:
        """A stage begins. One that had fewer points than were asked for is killed at its end."""
        if self._kill.get("stage") == self._stage != stage:
            self._die(f"the end of {self._stage}")
        self._stage, self._count, self._began = stage, 0, time.monotonic()
        for order, act in ((self._kill, self._die), (self._kill_worker, self._end_worker)):
            if order.get("stage") == stage and "after" in order:
                threading.Thread(target=_later, args=(order["after"], act), daemon=True).start()
        self.point(f"{stage} begins")

    def point(self, what: str) -> None:
        """Something is about to be done."""
        if os.getpid() != self._process:
            return
        with self._turn:
            self._count += 1
            self._write(what)
            if (self._kill.get("stage"), self._kill.get("at")) == (self._stage, self._count):
                self._die(what)
            if self._pause.get("stage") == self._stage and self._pause.get("at") == self._count:
                Path(self._pause["says"]).touch()
                while not Path(self._pause["until"]).exists():
                    time.sleep(0.02)

    def audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What Python tells of itself: here, what is done to files of the home."""
        is_change = event in _CHANGES or (
            event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
        )
        if is_change and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.fsdecode(arguments[0])
            if path.startswith(self._home):
                self.point(f"{event} {path[len(self._home) + 1 :]}")

    def _write(self, what: str) -> None:
        seconds = time.monotonic() - self._began
        os.write(self._trace, f"{self._stage}\t{self._count}\t{seconds:.3f}\t{what}\n".encode())

    def _die(self, what: str) -> None:
        self._write(f"killed before {what}")
        os.kill(os.getpid(), signal.SIGKILL)

    def _end_worker(self, what: str) -> None:
        self._write(f"worker killed before {what}")
        for worker in active_children():
            worker.kill()


def _later(seconds: float, act: Callable[[str], None]) -> None:
    time.sleep(seconds)
    act(f"second {seconds:.3f}")


def install(order: dict[str, Any]) -> None:
    """Make this process act as the order says; ``clock`` shifts the time of day by so many seconds."""
    from ingestion.ledger import Ledger
    from orchestration.run import _Recorder

    points = Points(order)

    def before(owner: Any, name: str, act: Callable[..., None]) -> None:
        original = getattr(owner, name)

        def instead(*args: Any, **kwargs: Any) -> Any:
            act(*args, **kwargs)
            return original(*args, **kwargs)

        setattr(owner, name, instead)

    before(_Recorder, "phase", lambda recorder, stage: points.enter(stage))
    before(_Recorder, "landed", lambda recorder, report: points.point(f"landed {report.file_name}"))
    before(_Recorder, "built", lambda recorder, node, number, total: points.point(f"built {node}"))
    before(os, "fsync", lambda descriptor: points.point(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink()}"))
    opened = Ledger.__init__

    def with_statements(self: Ledger, *args: Any, **kwargs: Any) -> None:
        opened(self, *args, **kwargs)
        self._db.set_trace_callback(
            lambda sql: (
                points.point(f"ledger: {sql.split()[0]}")
                if sql.split()[0] in ("begin", "commit", "insert", "update", "delete", "rollback")
                else None
            )
        )

    Ledger.__init__ = with_statements  # type: ignore[method-assign]
    sys.addaudithook(points.audited)
