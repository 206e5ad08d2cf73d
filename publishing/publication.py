"""The atomic publication: a new folder with one DuckDB file and one Parquet file per table, then one switch."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from expectations.continuity import LAST_PUBLICATION
from expectations.results import CheckResult
from ingestion.access import only_mine, share_publication
from ingestion.database import open_in_memory
from ingestion.home import Home
from ingestion.sql import literal
from ingestion.sql import name as quoted
from ingestion.writing import sha256_of
from publishing import folders, released
from publishing.content import Table, stage_tables
from publishing.errors import PublicationError

log = logging.getLogger(__name__)

DATABASE_FILE = "impact.duckdb"
PARQUET_FOLDER = "parquet"
MANIFEST_FILE = "manifest.json"

#: The oldest format that the engine still writes; every DuckDB from 1.0 on opens it.
STORAGE_VERSION = "v1.0.0"

#: A failure at these stages means that the marts are wrong. One at an earlier stage rejects a batch or sets rows aside.
_BLOCKING_STAGES = ("models", "marts")


@dataclass(frozen=True)
class Publication:
    """A publication on disk.

    ``path`` is its own folder, not the link. ``tables`` maps each table to its number of rows. ``changed`` says
    whether the call that returned it switched to it.
    """

    path: Path
    publication_id: str
    published_at: datetime
    changed: bool
    tables: dict[str, int]


class _PublishedTable(BaseModel):
    model_config = ConfigDict(frozen=True)

    rows: int
    sha256: str


class _Manifest(BaseModel):
    """What ``manifest.json`` says: enough to tell what a folder holds, and that it is whole, without opening tables."""

    model_config = ConfigDict(frozen=True)

    publication_id: str
    published_at: datetime
    #: Of the tables' rows and of what is said about them; two publications with the same content have the same.
    content_sha256: str
    database_sha256: str
    versions: dict[str, str]
    #: Each table's rows and the digest of its Parquet file.
    tables: dict[str, _PublishedTable]


@only_mine()
def publish(home: Home, checks: Sequence[CheckResult]) -> Publication:
    """Publish the marts as they stand in the warehouse, or leave everything as it is when nothing changed.

    The caller holds ``home.lock``, and nobody has the warehouse open for writing.

    Args:
        home: its warehouse has been built and its ledger exported.
        checks: results of every check on the data in force, which become ``data_quality``.

    Returns:
        The publication in force afterwards.

    Raises:
        PublicationError: a blocking check failed, a mart is missing, or files cannot be read or written. The previous
            publication is untouched and stays in force.
    """
    _refuse_failed(checks)
    # How it differs from the one before is no part of a publication: the next run over the same files would change it.
    checks = [check for check in checks if check.dataset != LAST_PUBLICATION]
    try:
        current = folders.linked_folder(home)
        manifest = None if current is None else _manifest_if_whole(current)
        folders.remove_leftovers(home, current)
        folder, manifest, changed = _build(home, checks, current, manifest)
        folders.remove_old(home, folder)
    except (duckdb.IOException, duckdb.TransactionException, OSError) as error:
        # A disk that fills up is told by the transaction that cannot be committed.
        raise PublicationError(
            f"The publication could not be written: {error}. Make sure that nothing else has {home.warehouse} open and "
            f"that {home.root} has room and can be written to, and run again."
        ) from error
    return _publication(folder, manifest, changed)


def current_publication(home: Home) -> Publication | None:
    """The publication in force; None where nothing has been published.

    Raises:
        PublicationError: ``published`` is not a link, or its manifest is damaged.
    """
    folder = folders.linked_folder(home)
    manifest = None if folder is None else _read_manifest(folder)
    if manifest is None and folder != (folder_now := folders.linked_folder(home)):
        # Switched, and the old one removed, between two looks.
        folder, manifest = folder_now, None if folder_now is None else _read_manifest(folder_now)
    return None if folder is None or manifest is None else _publication(folder, manifest, changed=False)


def _refuse_failed(checks: Sequence[CheckResult]) -> None:
    failed = [check for check in checks if check.stage in _BLOCKING_STAGES and check.blocks]
    if failed:
        details = "\n".join(f"{check.dataset}, {check.rule}: {check.message or check.description}" for check in failed)
        raise PublicationError(
            f"Nothing was published, because {len(failed)} blocking check{'' if len(failed) == 1 else 's'} failed; "
            f"the previous publication stays in force.\n{details}"
        )


def _build(
    home: Home, checks: Sequence[CheckResult], current: Path | None, previous: _Manifest | None
) -> tuple[Path, _Manifest, bool]:
    """Build and switch to a new publication, unless the current one is whole and already has this content."""
    moment = folders.next_moment(home)
    building = folders.building_folder(home, moment)
    (building / PARQUET_FOLDER).mkdir(parents=True)
    try:
        with closing(_connect(home)) as connection:
            tables = stage_tables(connection, home, checks)
            published = {table.name: _write_parquet(connection, building, table) for table in tables}
            content_sha256 = _content_digest(tables, published)
            if (
                current is not None
                and previous is not None
                and previous.content_sha256 == content_sha256
                and _is_whole(current, previous)
            ):
                if not released.is_remembered(home, current.name):
                    released.remember(home, current.name)
                share_publication(home, current)
                return current, previous, False
            _write_database(connection, building, tables)
        manifest = _Manifest(
            publication_id=folders.publication_id(moment, content_sha256),
            published_at=moment,
            content_sha256=content_sha256,
            database_sha256=sha256_of(building / DATABASE_FILE),
            versions={"impact-warehouse": _own_version(), "duckdb": duckdb.__version__, "storage": STORAGE_VERSION},
            tables=published,
        )
        (building / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        # Before the switch: a publication in force whose hidden counts are not known could be given away by the next.
        released.remember(home, manifest.publication_id)
        return folders.switch(home, building, manifest.publication_id), manifest, True
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _connect(home: Home) -> duckdb.DuckDBPyConnection:
    """A connection in memory that spills into the home's working folder and asks the network for nothing."""
    return open_in_memory(home.root, puts_down_in=home.publishing_spill)


def _write_parquet(connection: duckdb.DuckDBPyConnection, building: Path, table: Table) -> _PublishedTable:
    path = _parquet_file(building, table.name)
    connection.execute(f"copy {quoted(table.name)} to {literal(str(path))} (format parquet, compression zstd)")
    return _PublishedTable(rows=table.rows, sha256=sha256_of(path))


def _write_database(connection: duckdb.DuckDBPyConnection, building: Path, tables: Sequence[Table]) -> None:
    path = building / DATABASE_FILE
    # The file is whole or thrown away, so nothing is gained by writing every row to a log first.
    connection.execute(
        f"attach {literal(str(path))} as publication "
        f"(storage_version {literal(STORAGE_VERSION)}, recovery_mode no_wal_writes)"
    )
    connection.execute("begin")
    for table in tables:
        target = f"publication.main.{quoted(table.name)}"
        connection.execute(f"create table {target} as from memory.main.{quoted(table.name)}")
        if table.comment:
            connection.execute(f"comment on table {target} is {literal(table.comment)}")
        for column, comment in table.column_comments.items():
            connection.execute(f"comment on column {target}.{quoted(column)} is {literal(comment)}")
    connection.execute("commit")
    connection.execute("checkpoint publication")
    connection.execute("detach publication")


def _content_digest(tables: Sequence[Table], published: dict[str, _PublishedTable]) -> str:
    """Digest of the rows of all tables, in the bytes of their Parquet files, and of what is said about them."""
    said = [{**vars(table), "sha256": published[table.name].sha256} for table in tables]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _is_whole(folder: Path, manifest: _Manifest) -> bool:
    """Whether every file is there with the bytes that were published: a damaged publication is published anew."""
    expected = {_parquet_file(folder, name): table.sha256 for name, table in manifest.tables.items()}
    expected[folder / DATABASE_FILE] = manifest.database_sha256
    return all(path.is_file() and sha256_of(path) == sha256 for path, sha256 in expected.items())


def _parquet_file(folder: Path, table: str) -> Path:
    return folder / PARQUET_FOLDER / f"{table}.parquet"


def _read_manifest(folder: Path) -> _Manifest | None:
    path = folder / MANIFEST_FILE
    try:
        return _Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, UnicodeDecodeError) as error:
        raise PublicationError(f"{path} is damaged. Use `impact run`; a new publication takes its place.") from error


def _manifest_if_whole(folder: Path) -> _Manifest | None:
    """The manifest of a publication; one that is damaged says nothing, and a new publication takes its place."""
    try:
        return _read_manifest(folder)
    except PublicationError:
        log.warning("The publication %s is damaged, so a new one takes its place.", folder.name)
        return None


def _publication(folder: Path, manifest: _Manifest, changed: bool) -> Publication:
    return Publication(
        path=folder,
        publication_id=manifest.publication_id,
        published_at=manifest.published_at,
        changed=changed,
        tables={name: table.rows for name, table in manifest.tables.items()},
    )


def _own_version() -> str:
    try:
        return importlib.metadata.version("impact-warehouse")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
