"""What can go wrong around a run: a disk that is full or read-only, a clock that jumps, a file that is taken away or
changed between listing and reading.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import Any

_MS_RDONLY, _MS_REMOUNT, _MS_BIND = 1, 32, 4096
_CLONE_NEWNS = 0x00020000


def install(order: dict[str, Any]) -> None:
    """Make what the order names go wrong in this process.

    ``read_only``: folders that are mounted read-only, for this process and its children. ``meddle``: a file that is
    taken away (``content`` null) or written anew when the run comes to open it for the ``nth`` time.
    """
    if order.get("read_only"):
        mount_read_only(order["read_only"])
    if order.get("meddle"):
        meddle(**order["meddle"])


def mount_read_only(folders: list[str]) -> None:
    """Mount folders over themselves, read-only, in a view of the file system of this process's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    # Nothing of it may be seen by others.
    _mount(libc, b"none", b"/", 1 << 18 | 1 << 14)
    for folder in folders:
        path = folder.encode()
        _mount(libc, path, path, _MS_BIND)
        _mount(libc, path, path, _MS_BIND | _MS_REMOUNT | _MS_RDONLY)


def _mount(libc: ctypes.CDLL, source: bytes, target: bytes, flags: int) -> None:
    if libc.mount(source, target, None, flags, None) != 0:
        raise OSError(ctypes.get_errno(), "mount", os.fsdecode(target))


def meddle(path: str, nth: int, content: str | None) -> None:
    """Do something to a file just before it is opened for the ``nth`` time."""
    left = nth

    def opened(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            if os.fsdecode(arguments[0]) != path:
                return
            left -= 1
            if left == 0 and content is None:
                Path(path).unlink()
            elif left == 0:
                time.sleep(0.01)
                Path(path).write_text(content or "", encoding="utf-8")

    sys.addaudithook(opened)
