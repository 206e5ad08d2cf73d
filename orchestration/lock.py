"""The one lock of a home: whoever writes its landing zone, warehouse or publication holds it.

It is the operating system's lock on ``.impact/run.lock``, so it goes when the process that holds it ends, however that
ends. Inside one process it can be taken again by whoever is called by its holder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ingestion.access import only_mine
from ingestion.home import Home
from ingestion.writing import remove_unfinished

#: How long a second run waits for the first one to finish before it declines.
WAIT_SECONDS = 600.0


class HomeBusy(Exception):
    """Another run writes this home; the message says which."""


@contextmanager
def writing(home: Home, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the home's lock; what is written meanwhile is its owner's alone.

    Whoever takes it begins by removing what those before were killed in the middle of writing.

    Args:
        home: whose lock.
        wait_seconds: how long to wait for another run to end; 0 declines at once.

    Raises:
        HomeBusy: another process still holds it; names the process and since when.
    """
    with only_mine():
        home.state.mkdir(parents=True, exist_ok=True)
    # One object per path in a process, also across threads: that is what makes taking it again possible.
    lock = FileLock(home.lock, is_singleton=True, thread_local=False)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as error:
        raise HomeBusy(
            f"{home.root} is being written by another run{_holder(home)}. Waited {wait_seconds:.0f} seconds. "
            "Try again when it has finished; nothing was changed."
        ) from error
    try:
        with only_mine():
            _holder_file(home).write_text(
                json.dumps({"process": os.getpid(), "since": datetime.now().isoformat(sep=" ", timespec="seconds")}),
                encoding="utf-8",
            )
            for folder in home.root.iterdir():
                # What lies in the inbox is the suppliers'.
                if folder.is_dir() and not folder.is_symlink() and folder != home.inbox:
                    remove_unfinished(folder)
            yield
    finally:
        lock.release()


def _holder_file(home: Home) -> Path:
    return home.state / "run.json"


def _holder(home: Home) -> str:
    """Who wrote last that they hold it; it is said as a help, never relied on."""
    try:
        holder = json.loads(_holder_file(home).read_text(encoding="utf-8"))
        return f" (process {holder['process']}, since {holder['since']})"
    except (OSError, ValueError, KeyError):
        return ""
