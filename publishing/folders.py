"""The folders of publications and the link that names the one in force.

A folder ``publications/<id>`` is always whole: it is built and removed under a name that begins with a dot, and the
link ``published`` is only ever replaced in one step. Killed at any moment, the next publication clears up.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingestion.access import share_publication
from ingestion.home import Home
from ingestion.writing import sync_folder
from publishing.errors import PublicationError

_PUBLICATION_ID = re.compile(r"(\d{8}T\d{9})Z-[0-9a-f]{8}")
_NEW_LINK = "published.tmp"
_BUILDING = ".building"
_REMOVING = ".removing"


def linked_folder(home: Home) -> Path | None:
    """The folder that ``published`` names, whether or not it exists; None where there is no link.

    Raises:
        PublicationError: ``published`` is a real file or folder, which no link can replace in one step.
    """
    if home.published.is_symlink():
        return home.root / home.published.readlink()
    if home.published.exists():
        raise PublicationError(
            f"{home.published} is not a link, so it cannot be switched in one step. Move it away (a copied home may "
            "have turned the link into a folder) and run again."
        )
    return None


def next_moment(home: Home) -> datetime:
    """The time of a new publication: now, in UTC to the millisecond, and always after every publication there is.

    Identifiers begin with this time, so they sort in the order of publication even when the clock is set back.
    """
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    existing = _publications(home)
    if not existing:
        return now
    newest = existing[-1].name.partition("Z")[0]
    return max(now, datetime.strptime(newest + "000+0000", "%Y%m%dT%H%M%S%f%z") + timedelta(milliseconds=1))


def publication_id(moment: datetime, content_sha256: str) -> str:
    """A name that sorts by time and tells contents apart, ``20250905T020000123Z-1f2e3d4c``."""
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{content_sha256[:8]}"


def building_folder(home: Home, moment: datetime) -> Path:
    """Where a publication is built; readers have no reason to look at it."""
    return home.publications / f".{moment:%Y%m%dT%H%M%S%f}{_BUILDING}"


def switch(home: Home, building: Path, name: str) -> Path:
    """Give a built folder its name and make it the one in force.

    Everything is on disk before the link names it.

    Returns:
        The folder of the publication.
    """
    folder = home.publications / name
    share_publication(home, building)
    for path in (*building.rglob("*"), building):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    building.rename(folder)
    sync_folder(home.publications)
    new_link = home.root / _NEW_LINK
    # Relative, so that a home can be moved or mounted elsewhere.
    new_link.symlink_to(folder.relative_to(home.root))
    new_link.replace(home.published)
    sync_folder(home.root)
    return folder


def remove_leftovers(home: Home, current: Path | None) -> None:
    """Remove what killed runs left: half-built and half-removed folders, and folders the link was never moved to.

    Where there is no link, whole folders stay until they are old: the link may have been lost.
    """
    (home.root / _NEW_LINK).unlink(missing_ok=True)
    if not home.publications.is_dir():
        return
    for path in home.publications.iterdir():
        if path.name.startswith(".") and path.suffix in (_BUILDING, _REMOVING):
            shutil.rmtree(path)
    if current is not None:
        for folder in _publications(home):
            if folder.name > current.name:
                _remove(folder)


def remove_old(home: Home, current: Path) -> None:
    """Remove the oldest publications beyond the number that the home keeps, and never the one in force."""
    others = [folder for folder in _publications(home) if folder.name != current.name]
    surplus = len(others) - (home.settings.keep_publications - 1)
    for folder in others[: max(surplus, 0)]:
        _remove(folder)


def _publications(home: Home) -> list[Path]:
    """Folders of publications, oldest first; anything else that lies there is not ours to touch."""
    if not home.publications.is_dir():
        return []
    return sorted(path for path in home.publications.iterdir() if _PUBLICATION_ID.fullmatch(path.name))


def _remove(folder: Path) -> None:
    doomed = folder.with_name(f".{folder.name}{_REMOVING}")
    folder.rename(doomed)
    shutil.rmtree(doomed)
