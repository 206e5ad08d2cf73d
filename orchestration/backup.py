"""One archive of a home, and a home from an archive.

An archive is a gzipped tar file of everything in the home that cannot be made again: not the warehouse, which the next
run builds, and not ``.impact``. Its last member, ``backup.json``, has the digest of every file. The pseudonymisation
key is not in it, because it is not in the home.

A restore verifies the whole archive before it writes anything, puts the files down in a folder of its own inside the
new home, and moves ``impact.yml`` into place last: until then the folder is no home. One that was killed is begun anew.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import io
import os
import shutil
import sqlite3
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from ingestion.home import SETTINGS_FILE, Home
from ingestion.pseudonyms import load_key
from ingestion.writing import sync_folder
from orchestration.lock import WAIT_SECONDS, writing
from publishing.folders import linked_folder

MANIFEST = "backup.json"
FORMAT = 1
#: What is put down while a home is restored, inside it.
RESTORING = ".restoring"
#: Parquet and workbooks are compressed already; more effort gains nothing.
_EFFORT = 3
_CHUNK = 1 << 20
#: Python 3.11 has known filters since its fourth correction only; what an archive holds has been held against its list
#: by the time anything of it is taken out.
_SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
_LEDGER = "landing/ledger.sqlite"
#: Names at the top of a home that are not backed up: what can be made again.
_NOT_KEPT = {".impact", RESTORING, "published.tmp"}
#: What a run that was killed leaves.
_LEFTOVERS = (".writing", ".building", ".removing")
#: What a file system puts at the top of a disk of its own.
_NO_CONTENT = {"lost+found"}


class BackupError(Exception):
    """An archive cannot be made or used; the message says what to do."""


class Entry(BaseModel):
    """One file of an archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int
    mode: int


class Manifest(BaseModel):
    """What ``backup.json`` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    made_at: datetime
    authority: str
    with_inbox: bool
    #: The publication in force; None where nothing had been published.
    publication_id: str | None
    #: Tells with which key the pseudonyms were made, without giving it away.
    key_id: str
    versions: dict[str, str]
    files: dict[str, Entry]
    folders: dict[str, int]
    #: Links → what they name; ``published`` alone.
    links: dict[str, str]
    #: What could not be put in: links to elsewhere, pipes, files that were taken away meanwhile.
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Archive:
    """An archive on disk, and what it holds."""

    path: Path
    manifest: Manifest

    @property
    def bytes_held(self) -> int:
        """Bytes of the files in it, before compression."""
        return sum(entry.size for entry in self.manifest.files.values())


def back_up(home: Home, target: Path, *, with_inbox: bool = True, wait_seconds: float = WAIT_SECONDS) -> Archive:
    """Put a home into one archive, as it is between two runs.

    Args:
        home: the home; its lock is held meanwhile.
        target: the archive, which must not exist yet, or a folder, in which it gets a name with the time.
        with_inbox: whether the files of the suppliers go in.
        wait_seconds: how long to wait for a run to end.

    Raises:
        BackupError: the archive exists, lies in the home or cannot be written.
        HomeBusy: a run holds the lock.
    """
    now = datetime.now(UTC)
    if target.is_dir():
        target = target / f"impact-{home.settings.authority}-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    target = target.expanduser().absolute()
    if target.parent.resolve().is_relative_to(home.root):
        raise BackupError(f"{target} lies in the home that it is a backup of. Name a place on another disk.")
    if target.exists():
        raise BackupError(f"{target} exists already. Name another, or take it away.")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.writing")
    try:
        with writing(home, wait_seconds):
            # For the owner alone from its first byte.
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                with tarfile.open(fileobj=out, mode="w:gz", compresslevel=_EFFORT, format=tarfile.PAX_FORMAT) as tar:
                    manifest = _write(home, tar, now, with_inbox)
                out.flush()
                os.fsync(out.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"The archive could not be written: {error}. See that {target.parent} has room.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return Archive(target, manifest)


def restore(archive: Path, root: Path) -> Manifest:
    """Make a home of an archive, with the modes and the ``published`` link that it had.

    Args:
        archive: made by ``back_up``.
        root: the new home: a folder that does not exist yet, is empty, or holds what a restore left that was killed.

    Raises:
        BackupError: the archive is damaged or was not made by ``back_up``, or the folder holds something.
    """
    root = root.expanduser().absolute()
    staging = root / RESTORING
    try:
        manifest = read_manifest(archive)
        names = _top_names(manifest)
        _refuse_what_is_not_empty(root, names)
        verify(archive, manifest)
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear(root, names)
        # Folders of the inbox may be readable by the owner alone.
        staging.mkdir(mode=0o700)
        sync_folder(root)
        _extract(archive, manifest, staging)
        for name in sorted(names, key=lambda name: name == SETTINGS_FILE):
            (staging / name).rename(root / name)
            if name in manifest.folders:
                (root / name).chmod(manifest.folders[name] & 0o777)
            # One after the other on the disk too: `impact.yml` must not be there before the rest is.
            sync_folder(root)
        staging.rmdir()
        sync_folder(root)
    except OSError as error:
        raise BackupError(f"The home could not be restored: {error}. Mend that and restore again.") from error
    return manifest


def read_manifest(archive: Path) -> Manifest:
    """What an archive says that it holds.

    Raises:
        BackupError: it cannot be read, or is none of ours.
    """
    with _opened(archive) as tar:
        try:
            member = tar.getmember(MANIFEST)
            content = tar.extractfile(member)
        except KeyError:
            content = None
        if content is None:
            raise BackupError(f"{archive} has no {MANIFEST}: it was not made by `impact backup`, or is cut off.")
        try:
            manifest = Manifest.model_validate_json(content.read())
        except ValidationError as error:
            raise BackupError(f"{archive} was made by another version: its {MANIFEST} cannot be used.") from error
    if manifest.format != FORMAT:
        raise BackupError(f"{archive} has format {manifest.format}; this version restores format {FORMAT}.")
    return manifest


def verify(archive: Path, manifest: Manifest) -> None:
    """See that an archive holds what its manifest says and nothing else, byte for byte; nothing is written.

    Raises:
        BackupError: it does not; names the first such file.
    """
    missing = set(manifest.files) | set(manifest.folders) | set(manifest.links)
    with _opened(archive) as tar:
        for member in tar:
            if member.name == MANIFEST:
                continue
            if member.name not in missing or not _is_as_said(tar, member, manifest):
                raise BackupError(f"{archive} is damaged at {member.name!r}: it is not what was put in. Use another.")
            missing.discard(member.name)
    if missing:
        raise BackupError(f"{archive} is damaged: {min(missing)!r} is missing. Use another.")
    if SETTINGS_FILE not in manifest.files:
        raise BackupError(f"{archive} has no {SETTINGS_FILE}, so no home can be made of it.")


def _write(home: Home, tar: tarfile.TarFile, now: datetime, with_inbox: bool) -> Manifest:
    files: dict[str, Entry] = {}
    folders: dict[str, int] = {}
    links: dict[str, str] = {}
    left_out: list[str] = []
    for path, name in _content(home, with_inbox, left_out):
        info = tar.gettarinfo(path, arcname=name)
        # Who owns a file is the matter of the machine that it is restored on.
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        if info.issym():
            links[name] = info.linkname
            tar.addfile(info)
        elif info.isdir():
            folders[name] = stat.S_IMODE(info.mode)
            tar.addfile(info)
        else:
            entry = _add_ledger(tar, info, path) if name == _LEDGER else _add(tar, info, path)
            if entry is None:
                left_out.append(name)
            else:
                files[name] = entry
    publication = linked_folder(home)
    manifest = Manifest(
        format=FORMAT,
        made_at=now,
        authority=home.settings.authority,
        with_inbox=with_inbox,
        publication_id=publication.name if publication is not None else None,
        key_id=load_key().key_id,
        versions={"impact-warehouse": importlib.metadata.version("impact-warehouse"), "duckdb": duckdb.__version__},
        files=files,
        folders=folders,
        links=links,
        left_out=tuple(sorted(left_out)),
    )
    content = manifest.model_dump_json(indent=1).encode()
    info = tarfile.TarInfo(MANIFEST)
    info.size, info.mode, info.mtime = len(content), 0o600, int(now.timestamp())
    tar.addfile(info, io.BytesIO(content))
    return manifest


def _content(home: Home, with_inbox: bool, left_out: list[str]) -> Iterator[tuple[Path, str]]:
    """Path and name in the archive of what goes in, folders before what is in them."""
    waiting = sorted(
        path
        for path in home.root.iterdir()
        if path.name not in _NOT_KEPT | _NO_CONTENT
        # DuckDB's log and spilled rows lie beside the warehouse, under its name.
        and not path.name.startswith(home.warehouse.name)
        and (with_inbox or path != home.inbox)
    )
    while waiting:
        path = waiting.pop(0)
        name = path.relative_to(home.root).as_posix()
        if path.name.startswith(".") and path.name.endswith(_LEFTOVERS):
            continue
        if name.startswith(f"{_LEDGER}-"):
            # SQLite's own, beside the ledger; what they hold is in the copy of it.
            continue
        if path == home.published and path.is_symlink() and linked_folder(home) is not None:
            yield path, name
        elif path.is_symlink() or not (path.is_dir() or path.is_file()):
            left_out.append(name)
        else:
            yield path, name
            if path.is_dir():
                waiting = sorted(path.iterdir()) + waiting


class _Digesting(io.RawIOBase):
    """Works out the digest of what is read through it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self.digest = source, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._source.read(size)
        self.digest.update(content)
        return content


def _add(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> Entry | None:
    """Put a file in, as far as it goes now; None where it has been taken away."""
    try:
        opened = path.open("rb")
    except FileNotFoundError:
        return None
    with opened:
        # It may be growing: what is there now goes in.
        info.size = os.fstat(opened.fileno()).st_size
        source = _Digesting(opened)
        tar.addfile(info, source)
    return Entry(sha256=source.digest.hexdigest(), size=info.size, mode=stat.S_IMODE(info.mode))


def _add_ledger(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> Entry | None:
    """The ledger by way of SQLite itself, which knows what a run that was killed has left beside it."""
    with tempfile.TemporaryDirectory(prefix="impact-") as folder:
        copy = Path(folder) / path.name
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return _add(tar, info, copy)


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            yield tar
    except FileNotFoundError:
        raise BackupError(f"There is no file {archive}.") from None
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise BackupError(f"{archive} cannot be read: it is no archive, or it is damaged ({error}).") from error


def _is_as_said(tar: tarfile.TarFile, member: tarfile.TarInfo, manifest: Manifest) -> bool:
    name = PurePosixPath(member.name)
    if name.is_absolute() or not name.parts or ".." in name.parts or name.parts[0] in _NOT_KEPT:
        return False
    if member.issym():
        target = PurePosixPath(member.linkname)
        stays = not target.is_absolute() and ".." not in target.parts and member.name == "published"
        return stays and manifest.links.get(member.name) == member.linkname
    if member.isdir():
        return member.name in manifest.folders
    entry = manifest.files.get(member.name)
    if entry is None or not member.isreg() or member.size != entry.size:
        return False
    content = tar.extractfile(member)
    digest = hashlib.sha256()
    while content is not None and (chunk := content.read(_CHUNK)):
        digest.update(chunk)
    return digest.hexdigest() == entry.sha256


def _extract(archive: Path, manifest: Manifest, staging: Path) -> None:
    with _opened(archive) as tar:
        for member in tar:
            if member.name != MANIFEST:
                tar.extract(member, staging, **_SAFELY)
    for name, entry in manifest.files.items():
        (staging / name).chmod(entry.mode & 0o777)
        with (staging / name).open("rb") as file:
            os.fsync(file.fileno())
    # From the innermost: a folder that may not be written to must have got its own by then.
    for name, mode in sorted(manifest.folders.items(), reverse=True):
        sync_folder(staging / name)
        # Those at the top get theirs in their place: a folder that may not be written to cannot be moved.
        if "/" in name:
            (staging / name).chmod(mode & 0o777)
    sync_folder(staging)


def _top_names(manifest: Manifest) -> set[str]:
    return {name.partition("/")[0] for name in (*manifest.files, *manifest.folders, *manifest.links)}


def _refuse_what_is_not_empty(root: Path, names: set[str]) -> None:
    if not root.exists():
        return
    if not root.is_dir():
        raise BackupError(f"{root} is no folder.")
    there = {path.name for path in root.iterdir()} - _NO_CONTENT
    # A restore that was killed leaves its folder, and no settings until everything else is in place.
    was_killed = RESTORING in there and SETTINGS_FILE not in there
    if there and not (was_killed and there - {RESTORING} <= names):
        raise BackupError(f"{root} is not empty. Restore into a folder that is, and put it in its place afterwards.")


def _clear(root: Path, names: set[str]) -> None:
    for name in sorted({RESTORING, *names}, key=lambda name: name == RESTORING):
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
