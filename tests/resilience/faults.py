"""A disk that is full and one that is read-only, for one process and its children alone.

``python -m tests.resilience.faults FAULT ACTION HOME`` copies a home to a small disk in memory, lands its inbox or
publishes its warehouse there while the disk has the fault, and again when it has not; prints what came of both, as
JSON. Exit code 77: this machine lets nobody mount anything.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

CANNOT_MOUNT = 77
_MS_RDONLY, _MS_REMOUNT, _MS_REC, _MS_PRIVATE = 1, 1 << 5, 1 << 14, 1 << 18
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MEGABYTES = 48
#: What stays free on a disk that is full for whatever is larger.
_FREE_BYTES = 12_000


def main() -> None:
    """Do what the arguments say."""
    fault, action, root = sys.argv[1], ACTIONS[sys.argv[2]], Path(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder)
        try:
            _mount_disk(disk)
        except OSError as error:
            print(error, file=sys.stderr)
            os._exit(CANNOT_MOUNT)
        home = disk / "home"
        shutil.copytree(root, home, symlinks=True)
        filler = disk / "filler"
        if fault == "full":
            _fill(filler)
        else:
            _mount(b"none", os.fsencode(disk), None, _MS_REMOUNT | _MS_RDONLY)
        told = {"during": _outcome(action, home), "published during": _published(home)}
        if fault == "full":
            filler.unlink()
        else:
            _mount(b"none", os.fsencode(disk), None, _MS_REMOUNT)
        told |= {"after": _outcome(action, home), "published after": _published(home)}
        told["left over"] = " ".join(path.name for path in home.rglob(".*") if path.name != ".impact")
        print(json.dumps(told), flush=True)
        # The disk goes with this process, and cannot be emptied before.
        os._exit(0)


def _land(root: Path) -> str:
    from ingestion.home import open_home
    from ingestion.landing import land_inbox
    from orchestration.lock import writing

    with writing(open_home(root)):
        return " ".join(f"{report.file_name}: {report.status}." for report in land_inbox(open_home(root)))


def _publish(root: Path) -> str:
    from ingestion.home import open_home
    from publishing.publication import publish
    from tests.integration.test_publication import PASSED

    return "new" if publish(open_home(root), [PASSED]).changed else "as it was"


ACTIONS: dict[str, Callable[[Path], str]] = {"land": _land, "publish": _publish}


def _outcome(action: Callable[[Path], str], home: Path) -> str:
    from ingestion.home import open_home
    from orchestration.remedies import with_remedy

    try:
        return action(home)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {with_remedy(str(error), open_home(home))}"


def _published(home: Path) -> str:
    link = home / "published"
    return link.readlink().name if link.is_symlink() else ""


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - _FREE_BYTES)


def _mount_disk(folder: Path) -> None:
    """A disk in memory that only this process and its children see."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0 and libc.unshare(_CLONE_NEWNS | _CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE)
    _mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={_MEGABYTES}m".encode())


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int, data: bytes | None = None) -> None:
    if ctypes.CDLL(None, use_errno=True).mount(source, target, kind, flags, data) != 0:
        raise OSError(ctypes.get_errno(), "mount", os.fsdecode(target))


if __name__ == "__main__":
    main()
