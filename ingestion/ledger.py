"""The ledger: every file ever received, what became of its rows, and which vintage is in force.

Kept in SQLite, so that each file's landing is one transaction and nothing takes the warehouse's lock. What the
warehouse and the publication read of it is exported as Parquet.

A *vintage* is the content of a file as one dataset. A *receipt* is a path in the inbox that was seen to hold it. The
vintage in force of a submission is the one received last that landed and was not rejected by its gate. For datasets
whose files add to each other, a path is the submission: a file sent again under its name replaces what it said, and
keeps its place in the order of receipt. Known content that turns up under another name keeps its place too: a copy of
an old file, put into the inbox for the archive, overrules nothing.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from ingestion.findings import SCHEMA as FINDINGS_SCHEMA
from ingestion.home import Home, HomeError
from ingestion.writing import sha256_of, whole_file

_TABLES = """
create table if not exists vintages (
    vintage_id text primary key,
    dataset text,
    content_sha256 text not null,
    submission text not null,
    status text not null check (status in ('landed', 'refused', 'not_needed')),
    gate text check (gate in ('passed', 'rejected')),
    gate_message text,
    rows_read integer not null,
    rows_landed integer not null,
    rows_quarantined integer not null,
    rows_dropped integer not null,
    rows_corrected integer not null default 0,
    dropped_by_rule text not null,
    context text not null,
    message text,
    contract_version integer,
    rules_fingerprint text not null,
    landed_sha256 text,
    landed_at text not null,
    -- Fingerprint of the key that its pseudonyms were made with; null where it has none.
    key_id text,
    -- When its rows were deleted, and why; see ingestion/retention.py.
    retired_at text,
    retired_because text check (retired_because in ('time_is_up', 'replaced', 'rejected')),
    check (rows_read = rows_landed + rows_quarantined + rows_dropped)
);
create table if not exists receipts (
    sequence integer primary key autoincrement,
    path text not null,
    size integer not null,
    modified_ns integer not null,
    vintage_id text not null references vintages (vintage_id),
    received_at text not null,
    -- Place in the order of receipt; see the head of this file.
    rank integer not null
);
create index if not exists receipts_by_path on receipts (path, sequence);
create view if not exists holdings as
    -- What each path in the inbox was last seen to hold.
    select * from receipts where sequence in (select max(sequence) from receipts group by path);
"""

#: Columns that a ledger lacks which an earlier version began.
_ADDED_LATER = {
    "rows_corrected": "integer not null default 0",
    "landed_sha256": "text",
    "key_id": "text",
    "retired_at": "text",
    "retired_because": "text",
}

#: The name of a file of good rows.
_VINTAGE = re.compile(r"[0-9a-f]{16}\.parquet")

_WITHOUT_LEDGER = (
    "It says which rows count. Restore the folder landing/ from your backup and run again. Without a backup, move "
    "landing/ and quarantine/ away and run again: whatever is still in the inbox lands anew, and what is not there any "
    "more no longer counts."
)

_SOURCE_FILES = pa.schema(
    [
        ("dataset", pa.string()),
        ("file_name", pa.string()),
        ("vintage_id", pa.string()),
        ("submission", pa.string()),
        ("status", pa.string()),
        ("gate", pa.string()),
        ("rows_read", pa.int64()),
        ("rows_landed", pa.int64()),
        ("rows_quarantined", pa.int64()),
        ("rows_dropped", pa.int64()),
        ("rows_corrected", pa.int64()),
        ("dropped_by_rule", pa.string()),
        ("received_at", pa.timestamp("us")),
        ("landed_at", pa.timestamp("us")),
        ("sequence", pa.int64()),
        ("is_current", pa.bool_()),
        ("contract_version", pa.int64()),
        ("message", pa.string()),
        ("retired_at", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class Receipt:
    """A file as it was last seen in the inbox."""

    path: str
    size: int
    modified_ns: int
    vintage_id: str
    content_sha256: str
    rules_fingerprint: str
    dataset: str | None


@dataclass(frozen=True)
class Vintage:
    """What became of one file's content."""

    vintage_id: str
    dataset: str | None
    content_sha256: str
    submission: str
    status: str
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    rows_dropped: int
    rows_corrected: int
    dropped_by_rule: dict[str, int]
    context: dict[str, int | str]
    message: str | None
    contract_version: int | None
    rules_fingerprint: str
    #: Fingerprint of the key that its pseudonyms were made with.
    key_id: str | None = None
    #: When its rows were deleted; None while landing holds them.
    retired_at: str | None = None
    retired_because: str | None = None
    #: Digest of the file of good rows; None where there is none.
    landed_sha256: str | None = None


@dataclass(frozen=True)
class KeptVintage:
    """A landed vintage whose rows have not been deleted."""

    dataset: str
    vintage_id: str
    #: Below the inbox.
    file_name: str
    #: What a newer file replaces; where files add to each other, the file's own name.
    submission: str
    is_current: bool
    is_rejected: bool
    #: UTC, when it was first received, and when it was last received under whatever name.
    received_at: datetime
    last_received_at: datetime
    rows_landed: int

    @property
    def received_on(self) -> date:
        """The day from which its time counts."""
        return self.received_at.date()


class LedgerError(HomeError):
    """The ledger, or what it says has landed, cannot be used; the message says what to do."""


class Ledger:
    """The ledger of one home; use it as a context manager."""

    def __init__(self, home: Home) -> None:
        """Open the ledger, and make it where there is none.

        Raises:
            LedgerError: it is damaged, or gone although files have landed.
        """
        self._home = home
        home.landing.mkdir(parents=True, exist_ok=True)
        if _is_empty(home.ledger) and any(_VINTAGE.fullmatch(path.name) for path in home.landing.glob("*/*.parquet")):
            raise LedgerError(f"{home.ledger} is not there, although files have landed. {_WITHOUT_LEDGER}")
        try:
            self._db = sqlite3.connect(home.ledger, isolation_level=None)
            damage = self._db.execute("pragma quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            self._db.execute("pragma foreign_keys = on")
            self._db.executescript(_TABLES)
            columns = [row[1] for row in self._db.execute("pragma table_info(vintages)")]
            for column, definition in _ADDED_LATER.items():
                if column not in columns:
                    self._db.execute(f"alter table vintages add column {column} {definition}")
        except sqlite3.OperationalError:
            # Locked, or a disk that cannot be written: nothing is wrong with the ledger.
            raise
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{home.ledger} is damaged ({error}). {_WITHOUT_LEDGER}") from error

    def __enter__(self) -> Ledger:
        """The ledger itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def last_seen(self, path: str) -> Receipt | None:
        """What ``path`` was last seen to hold."""
        row = self._db.execute(
            """select path, size, modified_ns, vintage_id, content_sha256, rules_fingerprint, dataset
            from holdings join vintages using (vintage_id) where path = ?""",
            (path,),
        ).fetchone()
        return Receipt(*row) if row else None

    def vintage(self, vintage_id: str) -> Vintage | None:
        """The record of a vintage."""
        columns = [column.name for column in fields(Vintage)]
        row = self._db.execute(
            f"select {', '.join(columns)} from vintages where vintage_id = ?", (vintage_id,)
        ).fetchone()
        if row is None:
            return None
        values = dict(zip(columns, row, strict=True))
        return Vintage(
            **values
            | {
                "dropped_by_rule": json.loads(values["dropped_by_rule"]),
                "context": json.loads(values["context"]),
            }
        )

    def record(self, vintage: Vintage, path: str, size: int, modified_ns: int) -> None:
        """Enter what became of a file, in one transaction: from now on it counts as dealt with.

        The first landing keeps its time when the same content is read again under other rules; its gate is asked anew.
        """
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._transaction():
            self._db.execute(
                """insert into vintages (vintage_id, dataset, content_sha256, submission, status, rows_read,
                rows_landed, rows_quarantined, rows_dropped, rows_corrected, dropped_by_rule, context, message,
                contract_version, rules_fingerprint, key_id, landed_sha256, landed_at)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                on conflict (vintage_id) do update set submission = excluded.submission, status = excluded.status,
                gate = null, gate_message = null, rows_read = excluded.rows_read, rows_landed = excluded.rows_landed,
                rows_quarantined = excluded.rows_quarantined, rows_dropped = excluded.rows_dropped,
                rows_corrected = excluded.rows_corrected,
                dropped_by_rule = excluded.dropped_by_rule, context = excluded.context, message = excluded.message,
                contract_version = excluded.contract_version, rules_fingerprint = excluded.rules_fingerprint,
                key_id = excluded.key_id, landed_sha256 = excluded.landed_sha256""",
                (
                    vintage.vintage_id,
                    vintage.dataset,
                    vintage.content_sha256,
                    vintage.submission,
                    vintage.status,
                    vintage.rows_read,
                    vintage.rows_landed,
                    vintage.rows_quarantined,
                    vintage.rows_dropped,
                    vintage.rows_corrected,
                    json.dumps(vintage.dropped_by_rule, sort_keys=True),
                    json.dumps(vintage.context, sort_keys=True),
                    vintage.message,
                    vintage.contract_version,
                    vintage.rules_fingerprint,
                    vintage.key_id,
                    vintage.landed_sha256,
                    now,
                ),
            )
            self._receive(path, size, modified_ns, vintage.vintage_id, now)

    def receive(self, path: str, size: int, modified_ns: int, vintage_id: str) -> None:
        """Enter that ``path`` holds a vintage that is known; nothing is entered where it was last seen to hold it."""
        with self._transaction():
            self._receive(path, size, modified_ns, vintage_id, datetime.now(UTC).isoformat(timespec="microseconds"))

    def _receive(self, path: str, size: int, modified_ns: int, vintage_id: str, now: str) -> None:
        last = self._db.execute(
            "select sequence, vintage_id, size, modified_ns from holdings where path = ?", (path,)
        ).fetchone()
        if last is not None and last[1] == vintage_id:
            if last[2:] != (size, modified_ns):
                self._db.execute(
                    "update receipts set size = ?, modified_ns = ? where sequence = ?", (size, modified_ns, last[0])
                )
            return
        self._db.execute(
            """insert into receipts (path, size, modified_ns, vintage_id, received_at, rank)
            select ?1, ?2, ?3, ?4, ?5, coalesce(
                (select max(rank) from receipts where vintage_id = ?4 and ?1 not in (select path from receipts)),
                (select coalesce(max(sequence), 0) + 1 from receipts))""",
            (path, size, modified_ns, vintage_id, now),
        )

    def companion_context(self, folder: str, dataset: str, key: str) -> int | str | None:
        """The context value of the newest landed file of a dataset in the same folder of the inbox."""
        for path, context in self._db.execute(
            """select path, context from holdings join vintages using (vintage_id)
            where dataset = ? and status = 'landed' order by sequence desc""",
            (dataset,),
        ):
            if str(Path(path).parent) == folder and key in (values := json.loads(context)):
                value: int | str = values[key]
                return value
        return None

    def twin(self, path: str, content_sha256: str, dataset: str, submission: str) -> tuple[str, str] | None:
        """Another path that holds the same content, landed as another submission, and that submission."""
        row: tuple[str, str] | None = self._db.execute(
            """select path, submission from holdings join vintages using (vintage_id)
            where path <> ? and content_sha256 = ? and dataset = ? and submission not in (?, '')
            and status = 'landed'
            order by sequence limit 1""",
            (path, content_sha256, dataset, submission),
        ).fetchone()
        return row

    def record_gate(self, vintage_id: str, passed: bool, message: str | None = None) -> None:
        """Enter a gate's verdict; a rejected vintage is never in force."""
        with self._transaction():
            self._db.execute(
                "update vintages set gate = ?, gate_message = ? where vintage_id = ?",
                ("passed" if passed else "rejected", message, vintage_id),
            )

    def kept(self) -> list[KeptVintage]:
        """Landed vintages whose rows have not been deleted, in the order they were received."""
        first = dict(self._db.execute("select vintage_id, min(received_at) from receipts group by vintage_id"))
        return [
            KeptVintage(
                dataset=str(row["dataset"]),
                vintage_id=str(row["vintage_id"]),
                file_name=str(row["file_name"]),
                submission=str(row["submission"] or row["file_name"]),
                is_current=bool(row["is_current"]),
                is_rejected=row["gate"] == "rejected",
                received_at=_timestamp(first[row["vintage_id"]]),
                last_received_at=_timestamp(row["received_at"]),
                rows_landed=int(str(row["rows_landed"])),
            )
            for row in self._rows()
            if row["status"] == "landed" and row["retired_at"] is None
        ]

    def refused(self) -> list[tuple[str | None, str, str, date]]:
        """Refused files: dataset, vintage, path below the inbox, and the day on which it was first received."""
        found = self._db.execute(
            """select dataset, vintage_id, path, min(received_at) from receipts join vintages using (vintage_id)
            where status = 'refused' group by vintage_id, path order by vintage_id, path"""
        )
        return [(dataset, vintage_id, path, _timestamp(at).date()) for dataset, vintage_id, path, at in found]

    def retire(self, reasons: dict[str, str]) -> None:
        """Enter, in one transaction, whose rows are about to be deleted and why; from now on they count as deleted.

        A vintage that was in force stays so: the figures that rest on it are frozen.
        """
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._transaction():
            self._db.executemany(
                "update vintages set retired_at = ?, retired_because = ? where vintage_id = ? and retired_at is null",
                [(now, because, vintage_id) for vintage_id, because in reasons.items()],
            )

    def retired(self) -> list[tuple[str, str]]:
        """Dataset and id of every vintage whose rows have been deleted, or are about to be."""
        found = self._db.execute(
            "select dataset, vintage_id from vintages where retired_at is not null order by dataset, vintage_id"
        )
        return [(dataset, vintage_id) for dataset, vintage_id in found]

    def retired_submission(self, path: str, dataset: str, submission: str) -> str | None:
        """When the rows in force of a submission were deleted because their time was up; None where they were not."""
        row = self._db.execute(
            """select max(retired_at) from vintages where dataset = ?2 and retired_because = 'time_is_up'
            and submission = ?3 and (submission <> '' or ?1 in (
                select path from receipts where receipts.vintage_id = vintages.vintage_id))""",
            (path, dataset, submission),
        ).fetchone()
        return None if row is None or row[0] is None else str(row[0])

    def current(self, dataset: str | None = None) -> list[str]:
        """Vintages in force whose rows are in landing, of one dataset or of all, in the order they were received."""
        rows = (
            row
            for row in self._rows()
            if row["is_current"] and row["retired_at"] is None and dataset in (None, row["dataset"])
        )
        return [str(row["vintage_id"]) for row in rows]

    def refuse_damaged(self, whole: Collection[str] = ()) -> None:
        """See that the rows of every vintage in force are as they landed.

        Args:
            whole: vintages that have been looked at already.

        Raises:
            LedgerError: the rows of a vintage are gone or have changed.
        """
        damaged = [
            f"{landing_path(self._home, str(row['dataset']), str(row['vintage_id']))} (the rows of {row['file_name']})"
            for row in self._rows()
            if row["is_current"]
            and row["retired_at"] is None
            and row["vintage_id"] not in whole
            and (vintage := self.vintage(str(row["vintage_id"]))) is not None
            and not self.is_whole(vintage)
        ]
        if damaged:
            raise LedgerError(
                f"What has landed is gone or damaged, and its file is not in the inbox any more: {'; '.join(damaged)}. "
                "Put the file back into the inbox under its name, or restore the folder landing/ from your backup, and "
                "run again."
            )

    def is_whole(self, vintage: Vintage) -> bool:
        """Whether the rows of a landed vintage are as they landed."""
        path = landing_path(self._home, vintage.dataset or "", vintage.vintage_id)
        try:
            # An earlier version did not write down what it had landed.
            return sha256_of(path) == vintage.landed_sha256 if vintage.landed_sha256 else path.is_file()
        except OSError:
            return False

    def current_rules(self, dataset: str) -> list[tuple[str, str]]:
        """Vintages in force of a dataset with the rules they were read by: a change of either changes what they say."""
        rules = dict(
            self._db.execute("select vintage_id, rules_fingerprint from vintages where dataset = ?", (dataset,))
        )
        return [(vintage_id, rules[vintage_id]) for vintage_id in self.current(dataset)]

    def keys_in_force(self, dataset: str) -> list[tuple[str, str, str | None]]:
        """Path, vintage and fingerprint of the key of each vintage in force whose rows are in landing, as received."""
        keys = dict(self._db.execute("select vintage_id, key_id from vintages where dataset = ?", (dataset,)))
        return [
            (str(row["file_name"]), str(row["vintage_id"]), keys[row["vintage_id"]])
            for row in self._rows()
            if row["is_current"] and row["retired_at"] is None and row["dataset"] == dataset
        ]

    def _rows(self) -> list[dict[str, object]]:
        """One row per vintage, as the export has it."""
        cursor = self._db.execute(
            """
            with received as (
                select vintage_id, max(sequence) as sequence from receipts group by vintage_id
            ),
            path_ranks as (
                select path, min(rank) as rank from receipts group by path
            ),
            ranks as (
                select vintage_id, max(receipts.rank) as last_rank, min(path_ranks.rank) as first_rank
                from receipts join path_ranks using (path) group by vintage_id
            ),
            standing as (
                select receipts.rank, receipts.vintage_id, vintages.dataset,
                    -- Where files add to each other the path is the submission.
                    coalesce(nullif(vintages.submission, ''), 'file=' || receipts.path) as submission
                from receipts join vintages using (vintage_id)
                where vintages.status = 'landed' and coalesce(vintages.gate, '') <> 'rejected'
                    -- What had been replaced cannot come back once its rows are deleted.
                    and coalesce(vintages.retired_because, 'time_is_up') = 'time_is_up'
                    -- The same bytes at the same path, later read as another submission: the first reading was wrong.
                    and not exists (
                        select 1 from receipts as later
                        join vintages as reread on reread.vintage_id = later.vintage_id
                        where later.path = receipts.path and later.sequence > receipts.sequence
                            and reread.content_sha256 = vintages.content_sha256
                            and reread.vintage_id <> vintages.vintage_id and reread.status = 'landed'
                    )
            ),
            in_force as (
                select vintage_id from standing
                where (rank, dataset, submission) in
                    (select max(rank), dataset, submission from standing group by dataset, submission)
            )
            select v.dataset, r.path as file_name, v.vintage_id, v.submission, v.status, v.gate, v.rows_read,
                v.rows_landed, v.rows_quarantined, v.rows_dropped, v.rows_corrected, v.dropped_by_rule,
                r.received_at, v.landed_at,
                case when v.submission = '' then ranks.first_rank else ranks.last_rank end as sequence,
                v.vintage_id in (select vintage_id from in_force) as is_current, v.contract_version,
                coalesce(v.message, v.gate_message) as message, v.retired_at
            from vintages as v
            join received using (vintage_id)
            join receipts as r on r.sequence = received.sequence
            join ranks on ranks.vintage_id = v.vintage_id
            order by r.sequence"""
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def source_files(self) -> pa.Table:
        """One row per vintage, as ``landing/source_files.parquet`` has it."""
        rows = [
            row
            | {
                "is_current": bool(row["is_current"]),
                "received_at": _timestamp(row["received_at"]),
                "landed_at": _timestamp(row["landed_at"]),
                "retired_at": None if row["retired_at"] is None else _timestamp(row["retired_at"]),
            }
            for row in self._rows()
        ]
        return pa.Table.from_pylist(rows, schema=_SOURCE_FILES)

    def export(self) -> None:
        """Write ``landing/source_files.parquet`` and ``landing/findings.parquet`` for the warehouse to read."""
        _write(self._home.landing / "source_files.parquet", self.source_files())
        _write(self._home.landing / "findings.parquet", self._findings())

    def _findings(self) -> pa.Table:
        """Findings about what the inbox was last seen to hold, in the order of receipt and row."""
        held = self._db.execute(
            "select distinct dataset, vintage_id from holdings join vintages using (vintage_id) order by sequence"
        )
        paths = [quarantine_path(self._home, dataset, vintage_id) for dataset, vintage_id in held]
        tables = [pyarrow.parquet.read_table(path, schema=FINDINGS_SCHEMA) for path in paths if path.is_file()]
        return pa.concat_tables(tables) if tables else FINDINGS_SCHEMA.empty_table()


def seen_files(home: Home) -> dict[str, tuple[int, int]]:
    """Size and time of change of each path of the inbox as it was last seen; nothing is written or made."""
    if not home.ledger.is_file():
        return {}
    with closing(sqlite3.connect(f"{home.ledger.as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute("select path, size, modified_ns from holdings").fetchall()
    return {path: (size, modified_ns) for path, size, modified_ns in rows}


def landing_path(home: Home, dataset: str, vintage_id: str) -> Path:
    """Where a vintage's good rows are."""
    return home.landing / dataset / f"{vintage_id}.parquet"


def quarantine_path(home: Home, dataset: str | None, vintage_id: str) -> Path:
    """Where a vintage's findings are; a file that was not recognised belongs to no dataset."""
    return home.quarantine / (dataset or "not_recognised") / f"{vintage_id}.parquet"


def _is_empty(path: Path) -> bool:
    return not path.exists() or path.stat().st_size == 0


def write_findings(path: Path, table: pa.Table) -> None:
    """Put findings in their place, whole; an empty table removes what an earlier reading left there."""
    if table.num_rows == 0:
        path.unlink(missing_ok=True)
    else:
        _write(path, table)


def _write(path: Path, table: pa.Table) -> None:
    with whole_file(path) as temporary:
        pyarrow.parquet.write_table(table, temporary, compression="zstd")


def _timestamp(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(UTC).replace(tzinfo=None)
