"""Who may read what of a home: its owner everything, and whoever reads publications those and nothing else.

What the pipeline makes is made under a mask that leaves it to its owner (``only_mine``), and what it made before there
was one is mended (``keep_private``). What the owner of a home put there by hand keeps the modes that it has, below a
folder that other users of the machine cannot enter.
"""

from __future__ import annotations

import grp
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ingestion.home import SETTINGS_FILE, Home, HomeError

log = logging.getLogger(__name__)

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_SHARED_FOLDER, _SHARED_FILE = 0o750, 0o640
_OTHERS = stat.S_IRWXO
_NOT_MINE = stat.S_IRWXG | stat.S_IRWXO


@contextmanager
def only_mine() -> Iterator[None]:
    """Whatever this process and those that it starts create meanwhile, only its owner may read and write."""
    before = os.umask(_NOT_MINE)
    try:
        yield
    finally:
        os.umask(before)


def keep_private(home: Home) -> None:
    """Close to others what they have no business in, and let the group of the publication through to it.

    What belongs to another user cannot be mended; a warning says what its owner has to do.

    Raises:
        HomeError: the group of the publication does not exist, or the owner of the home is not in it.
    """
    group = publication_group(home)
    mode = stat.S_IMODE(home.root.stat().st_mode) & ~_OTHERS
    if group is not None:
        mode |= stat.S_IXGRP
    _set(home.root, mode, group)
    for folder in (home.landing, home.quarantine, home.frozen, home.disclosure, home.checks, home.state):
        if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & _NOT_MINE:
            _set_all((*folder.rglob("*"), folder), _PRIVATE_FOLDER, _PRIVATE_FILE)
    _set_all(home.root.glob(f"{home.warehouse.name}*"), _PRIVATE_FOLDER, _PRIVATE_FILE)


def share_publication(home: Home, folder: Path) -> None:
    """Let the group of the publication read a folder of it, and find it there.

    Raises:
        OSError: modes or group cannot be set.
    """
    paths = (*folder.rglob("*"), folder, home.publications)
    _set_all(paths, _SHARED_FOLDER, _SHARED_FILE, publication_group(home), is_needed=True)


def publication_group(home: Home) -> int | None:
    """The number of the group that ``publication_group`` names; None where the settings name none.

    Raises:
        HomeError: there is no such group, or the owner of the home is not in it.
    """
    name = home.settings.publication_group
    if name is None:
        return None
    try:
        group = grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise HomeError(
            f"{home.root / SETTINGS_FILE}: there is no group `{name}` on this machine. Make it with `groupadd {name}` "
            "and put those into it who read the publication, or take `publication_group` out."
        ) from error
    if os.geteuid() != 0 and group not in {os.getegid(), *os.getgroups()}:
        raise HomeError(
            f"{home.root / SETTINGS_FILE}: you are not in the group `{name}`, so you cannot give it the publication. "
            f"Have yourself added (`usermod -aG {name} USER`) and log in again."
        )
    return group


def _set_all(
    paths: Iterable[Path], folder_mode: int, file_mode: int, group: int | None = None, *, is_needed: bool = False
) -> None:
    for path in paths:
        if not path.is_symlink():
            _set(path, folder_mode if path.is_dir() else file_mode, group, is_needed=is_needed)


def _set(path: Path, mode: int, group: int | None = None, *, is_needed: bool = False) -> None:
    """Set what is otherwise; where that is not allowed, warn, unless it is needed."""
    found = path.stat()
    try:
        if group is not None and found.st_gid != group:
            os.chown(path, -1, group)
        if stat.S_IMODE(found.st_mode) != mode:
            path.chmod(mode)
    except PermissionError:
        if is_needed:
            raise
        log.warning(
            "%s belongs to another user and is open to others (%s). Its owner should run `chmod %o` on it.",
            path, stat.filemode(found.st_mode), mode,
        )  # fmt: skip
