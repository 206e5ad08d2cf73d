"""From the inbox to the landing zone: each file read, recognised, split, and landed or refused, whole or not at all.

The order of writing makes a killed run harmless: first the rows, then the findings, and last the ledger's entry, in
one transaction. Until that entry exists the file counts as not dealt with, and the next run does it again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sqlite3
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_exponential

from ingestion.access import keep_private, only_mine
from ingestion.cache import cache_folder
from ingestion.context import day_in_path, describe, from_path
from ingestion.contracts import Column, Contract, load_contracts
from ingestion.corrections import Correction, of_file, read_corrections
from ingestion.database import open_in_memory
from ingestion.findings import Finding, column_letter, column_letters, listed_headers, shown, to_table
from ingestion.forms import Tool, load_tools, match_questions
from ingestion.forms.matching import refuse_what_is_twice
from ingestion.home import SETTINGS_FILE, Home
from ingestion.instruments import Instrument, load_instruments
from ingestion.keys import domains
from ingestion.ledger import (
    Ledger,
    Vintage,
    landing_path,
    quarantine_path,
    seen_files,
    write_findings,
)
from ingestion.limits import GIGABYTE, LARGEST_FILE_GB, MOST_COLUMNS
from ingestion.lookups import Lookups
from ingestion.organisations import REGISTER, has_register
from ingestion.pseudonyms import DEMO_KEY_WARNING, Key, load_key
from ingestion.published_metadata import description_fingerprint, is_described, metadata_findings
from ingestion.readers import ROW, UnreadableFile, header_positions, normalise_header, read_sheets
from ingestion.recognition import Recognised, recognise, spellings
from ingestion.reference.tables import prepare_reference, reference_fingerprint
from ingestion.registry.tables import load_registry, prepare_registry
from ingestion.retention import warn_of_copies, warn_of_late_files
from ingestion.split import (
    Outcome,
    RowsLost,
    Source,
    Splitter,
    column_text,
    day_first,
    grouped,
    item_columns,
    typed_sql,
)
from ingestion.sql import literal, name
from ingestion.stream import Stream
from ingestion.texts import listed, spelt_out
from ingestion.transience import can_pass
from ingestion.writing import sha256_of, whole_file

log = logging.getLogger(__name__)

#: Raised when the code that lands rows changes what lands, so that files in the inbox are read again.
LANDING_VERSION = 3
#: What a file's own DuckDB may hold in memory; the rest is put down.
MEMORY_LIMIT = "1GB"
FLOWS_FROM_BYTES = 1_000_000

_TEXT = pa.string()

#: Ends the name of the mark of a vintage whose rows have landed and which has no entry yet.
_UNDER_WAY = ".landing"

#: How often a file is opened on a share that does not answer, and the wait before the second time; then twice as long.
READ_ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.5
#: How programs that copy or download call a file until it is whole.
UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".!sync")
#: How far the clock of a file server may be ahead of ours.
CLOCKS_DIFFER_SECONDS = 900.0

#: A date that only the month first explains.
MONTH_FIRST = "(0?[1-9]|1[0-2])[/-](1[3-9]|2[0-9]|3[01])[/-]([0-9]{2}){1,2}"
#: So many of them are no slip of the pen.
FEWEST_MONTH_FIRST = 3
MONTHS = 12
#: Of fewer different postcodes nothing can be said about the column.
FEWEST_POSTCODES = 10

#: What goes wrong in a program; anything else is raised on purpose.
_FAULTS = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, AssertionError, MemoryError,
    duckdb.Error, pa.ArrowException, RowsLost,
)  # fmt: skip

Status = Literal["landed", "unchanged", "refused", "not_needed"]


@dataclass(frozen=True)
class FileReport:
    """What became of one file; ``rows_read`` = ``rows_landed`` + ``rows_quarantined`` + ``rows_dropped``."""

    file_name: str
    dataset: str | None
    vintage_id: str
    status: Status
    rows_read: int = 0
    rows_landed: int = 0
    rows_quarantined: int = 0
    rows_dropped: int = 0
    #: Rows of which a correction changed something, wherever they went.
    rows_corrected: int = 0
    dropped_by_rule: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    message: str | None = None


@dataclass
class _File:
    """A file under way."""

    path: Path
    #: Below the inbox, with forward slashes.
    file_name: PurePosixPath
    content_sha256: str
    #: Size and time of change before the content was hashed: a file that changes after that is seen to have changed.
    size: int = 0
    modified_ns: int = 0
    vintage_id: str = ""
    dataset: str | None = None
    recognised: Recognised | None = None
    context: dict[str, int | str] = field(default_factory=dict)

    @property
    def contract(self) -> Contract:
        """The contract of a file that was recognised."""
        assert self.recognised is not None
        return self.recognised.contract


@dataclass(frozen=True)
class _Rules:
    """What a landing rests on besides the file: when any of it changes, the file is read anew."""

    home: Home | None
    key: Key
    contracts: dict[str, Contract]
    tools: dict[str, Tool]
    own_instruments: tuple[Instrument, ...]
    corrections: tuple[Correction, ...]
    #: Where rows are sorted, and the folder that they are put down in meanwhile.
    workspace: duckdb.DuckDBPyConnection
    spill: Path
    companion: Callable[[str, str, str], int | str | None]
    #: Whether organisations are looked up in the register.
    resolves_organisations: bool

    def fingerprint(self, dataset: str | None, file_name: PurePosixPath, ledger: Ledger) -> str:
        """Changes when the same file might land otherwise."""
        contract = self.contracts.get(dataset or "")
        parts: list[object] = [LANDING_VERSION, self.key.key_id]
        if contract is None or contract.not_needed is not None:
            # Another contract may be a better fit.
            parts.append(self._of_contracts)
        else:
            parts.append(self._of_contracts[contract.dataset])
        if contract is None or contract.survey is not None:
            parts.append(self._of_surveys)
        if contract is not None:
            parts.append([str(correction) for correction in of_file(self.corrections, contract.dataset, file_name)])
        if contract is not None and is_described(contract) and self.home is not None:
            parts.append(description_fingerprint(self.home.inbox / file_name))
        if contract is not None and REGISTER in contract.after:
            parts.append(ledger.current_rules(REGISTER))
        for context in contract.context if contract is not None else ():
            if context.from_companion is not None and from_path(context, file_name) is None:
                parts.append(self.companion(str(file_name.parent), context.from_companion, context.name))
        if contract is not None and any(c.type == "postcode" for c in contract.columns) and self.home is not None:
            parts.append(reference_fingerprint(self.home))
        return _digest_of(parts)[:16]

    @cached_property
    def _of_contracts(self) -> dict[str, str]:
        """What each contract says, as a digest."""
        return {dataset: _digest_of(contract.model_dump(mode="json")) for dataset, contract in self.contracts.items()}

    @cached_property
    def _of_surveys(self) -> str:
        """What the instruments and the survey tools say, as a digest."""
        said = (*load_instruments().values(), *self.own_instruments, *self.tools.values())
        return _digest_of([its.model_dump(mode="json") for its in said])


def _digest_of(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@only_mine()
def land_inbox(
    home: Home, on_file: Callable[[FileReport], None] | None = None, settle_seconds: float = 0.0
) -> list[FileReport]:
    """Land every file in the inbox that is new or whose rules have changed; the caller holds ``home.lock``.

    Args:
        home: the home.
        on_file: called with each file's report as it is ready.
        settle_seconds: files that changed less than so many seconds ago are left as if they were not there yet; what
            their names held before stays in force.

    Returns:
        One report per file in the inbox, in the order they were dealt with.

    Raises:
        HomeError, ReferenceError, PseudonymKeyError: the home's settings, reference data or key cannot be used, or its
        ledger, or what landed from a file that has gone. A file never raises: what is wrong with it is in its report.
    """
    keep_private(home)
    prepare_reference(home)
    prepare_registry(home)
    # What a run that was killed had put down may hold true counts.
    for left_behind in (home.publishing_spill, home.warehouse_spill):
        shutil.rmtree(left_behind, ignore_errors=True)
    key = load_key()
    if key.is_demo:
        log.warning(DEMO_KEY_WARNING)
    home.inbox.mkdir(parents=True, exist_ok=True)
    reports = []
    with Ledger(home) as ledger, _clean_spill(home, ledger) as spill, _workspace(home, spill) as workspace:
        rules = _Rules(
            home,
            key,
            load_contracts(),
            load_tools(home),
            load_registry(home).instruments,
            read_corrections(home),
            workspace,
            spill,
            ledger.companion_context,
            resolves_organisations=True,
        )
        _land_empty_files(home, rules.contracts)
        for file in _in_order(home, ledger, rules, settle_seconds):
            try:
                report = _land(file, home, ledger, rules)
            except _StillArriving:
                log.warning("%s is still being written; it is left for the next run.", file.file_name)
                continue
            except FileNotFoundError:
                if file.path.exists():
                    raise
                # Taken away since the inbox was listed.
                continue
            reports.append(report)
            if on_file is not None:
                on_file(report)
        deleted = {vintage_id for _, vintage_id in ledger.retired()}
        warn_of_copies([report.file_name for report in reports if report.vintage_id in deleted])
        warn_of_late_files(home, ledger)
        ledger.refuse_damaged({report.vintage_id for report in reports})
        ledger.export()
    return reports


@contextmanager
def _clean_spill(home: Home, ledger: Ledger) -> Iterator[Path]:
    """The folder that rows are put down in meanwhile, without what a run that was killed left there and in landing."""
    for mark in home.spill.glob(f"*{_UNDER_WAY}"):
        if ledger.vintage(mark.stem) is None:
            dataset = mark.read_text(encoding="utf-8")
            landing_path(home, dataset, mark.stem).unlink(missing_ok=True)
            quarantine_path(home, dataset, mark.stem).unlink(missing_ok=True)
    # It may hold raw cells.
    if home.spill.exists():
        shutil.rmtree(home.spill)
    home.spill.mkdir(parents=True)
    yield home.spill


def check_file(path: Path, home: Home | None = None) -> FileReport:
    """Read a file exactly as the pipeline would, and touch nothing.

    Args:
        path: the file; its own and its folders' names may give a year or a wave, as in the inbox.
        home: whose register and reference data to check against; without one, or before a register has landed in it,
            organisations are not checked.
    """
    siblings: dict[tuple[str, str], int | str | None] = {}

    def companion(folder: str, dataset: str, key: str) -> int | str | None:
        if (folder, dataset) not in siblings:
            siblings[folder, dataset] = _context_of_sibling(path, dataset, key, rules)
        return siblings[folder, dataset]

    with tempfile.TemporaryDirectory(prefix="impact-") as spill, _workspace(home, Path(spill)) as workspace:
        rules = _Rules(
            home,
            load_key(),
            load_contracts(),
            load_tools(home),
            load_registry(home).instruments,
            read_corrections(home),
            workspace,
            Path(spill),
            companion,
            resolves_organisations=has_register(home),
        )
        file_name = _name_below_inbox(path, home)
        file = _File(path, file_name, "")
        file.content_sha256 = _sha256_of(file, home)
        try:
            with _faults_contained(file):
                _recognise(file, rules)
                if file.contract.not_needed is not None:
                    return _not_needed(file)
                _find_context(file, rules)
                with _sorted(file, rules) as (_, report):
                    return report
        except UnreadableFile as error:
            return _refused(file, error)


def _context_of_sibling(path: Path, dataset: str, key: str, rules: _Rules) -> int | str | None:
    for sibling in sorted(path.parent.iterdir()):
        if sibling == path or not sibling.is_file():
            continue
        file = _File(sibling, _name_below_inbox(sibling, rules.home), "")
        try:
            _recognise(file, rules)
            if file.contract.dataset == dataset:
                return _context(file, rules)[key]
        except UnreadableFile:
            continue
    return None


# --- one file ----------------------------------------------------------------------------------------------------


def _land(file: _File, home: Home, ledger: Ledger, rules: _Rules) -> FileReport:
    if (known := _as_it_was(file, ledger, rules)) is not None:
        return _unchanged(file, known, ledger)
    landed_sha256 = None
    try:
        with _faults_contained(file):
            if file.recognised is None:
                _recognise(file, rules)
            if file.contract.not_needed is not None:
                report = _not_needed(file)
            else:
                _find_context(file, rules)
                known = ledger.vintage(file.vintage_id)
                _refuse_what_was_deleted(file, known, ledger)
                if known is not None and _stands(
                    known, rules.fingerprint(file.contract.dataset, file.file_name, ledger), ledger
                ):
                    return _unchanged(file, known, ledger)
                _refuse_a_twin(file, home, ledger)
                place = landing_path(home, file.contract.dataset, file.vintage_id)
                with _sorted(file, rules) as (splitter, report), whole_file(place) as temporary:
                    splitter.land(temporary)
                    if _has_changed(file):
                        raise _StillArriving
                    landed_sha256 = sha256_of(temporary)
                    # Until the ledger has its entry these rows are nobody's.
                    (rules.spill / f"{file.vintage_id}{_UNDER_WAY}").write_text(file.contract.dataset, encoding="utf-8")
    except UnreadableFile as error:
        report = _refused(file, error)
    if _has_changed(file):
        raise _StillArriving
    # As it ships: a survey's tool adds to it.
    contract = rules.contracts[file.contract.dataset] if file.recognised else None
    write_findings(quarantine_path(home, report.dataset, report.vintage_id), to_table(report.findings))
    ledger.record(
        Vintage(
            vintage_id=report.vintage_id,
            dataset=report.dataset,
            content_sha256=file.content_sha256,
            submission=_submission(file) if report.status == "landed" else "",
            status=report.status,
            rows_read=report.rows_read,
            rows_landed=report.rows_landed,
            rows_quarantined=report.rows_quarantined,
            rows_dropped=report.rows_dropped,
            rows_corrected=report.rows_corrected,
            dropped_by_rule=report.dropped_by_rule,
            context=file.context,
            message=report.message,
            contract_version=contract.version if contract else None,
            rules_fingerprint=rules.fingerprint(contract.dataset if contract else None, file.file_name, ledger),
            key_id=rules.key.key_id if contract is not None and domains(contract) else None,
            landed_sha256=landed_sha256 if report.status == "landed" else None,
        ),
        str(file.file_name),
        file.size,
        file.modified_ns,
    )
    (rules.spill / f"{report.vintage_id}{_UNDER_WAY}").unlink(missing_ok=True)
    return report


@contextmanager
def _faults_contained(file: _File) -> Iterator[None]:
    """What goes wrong over one file is that file's matter: it is refused, and the others are dealt with.

    Libraries quote the cell that they stumbled over, so what they say is not passed on. What is the machine's fault,
    such as a full disk, stops the run.

    Raises:
        UnreadableFile: something went wrong that no rule foresees; names the place in the program.
    """
    try:
        yield
    except (OSError, sqlite3.Error, duckdb.IOException, duckdb.InterruptException):
        raise
    except _FAULTS as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "ingestion" in Path(frame.filename).parts]
        place = f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
        log.error("%s could not be dealt with: %s", file.file_name, place)
        is_too_much = isinstance(error, (MemoryError, duckdb.OutOfMemoryException))
        raise UnreadableFile(
            "too_costly" if is_too_much else "not_foreseen",
            f"it takes more memory than there is for one file ({MEMORY_LIMIT})"
            if is_too_much
            else f"something in it was not foreseen ({place})",
            "Send it in smaller parts."
            if is_too_much
            else "Compare it with an earlier file of its kind; if it is as it should be, report the place.",
        ) from None


class _StillArriving(Exception):
    """A file was written to while it was read; what was read of it counts for nothing."""


def _has_changed(file: _File) -> bool:
    # A link that leads nowhere, or to itself, is looked at itself.
    stat = file.path.stat() if file.path.exists() else file.path.lstat()
    return file.size >= 0 and (stat.st_size, stat.st_mtime_ns) != (file.size, file.modified_ns)


def _refuse_a_twin(file: _File, home: Home, ledger: Ledger) -> None:
    """A wave or a year is sent once: the same bytes under the name of another one are a slip of the name.

    Raises:
        UnreadableFile: a file of the inbox holds the same and counts as another submission.
    """
    if _is_of_headers_alone(file):
        # They are the same in every year.
        return
    twin = ledger.twin(str(file.file_name), file.content_sha256, file.contract.dataset, _submission(file))
    if twin is not None and (home.inbox / twin[0]).is_file():
        path, submission = twin
        raise UnreadableFile(
            "sent_as_another",
            f"it is byte for byte the file {path}, which counts as "
            f"{submission.replace('=', ' ').replace('_', ' ').replace(',', ', ')}",
            "One of the two has the wrong name: take that one out of the inbox.",
        )


def _refuse_what_was_deleted(file: _File, known: Vintage | None, ledger: Ledger) -> None:
    """What has been deleted comes back under no circumstances, and takes the place of nothing.

    A copy of a file in force under a name that is new is neither: it is known, and is let be.

    Raises:
        UnreadableFile: the file's rows were landed once and deleted, or those that it would replace were.
    """
    path = str(file.file_name)
    if known is None:
        deleted_at = ledger.retired_submission(path, file.contract.dataset, _submission(file))
        if deleted_at is not None:
            raise UnreadableFile(
                "retention_over",
                f"the rows that it would replace were deleted on {deleted_at[:10]}, because their time was up, and the "
                "figures that rest on them are frozen as they were counted",
                "Take it out of the inbox. Where files of this dataset add to each other and this one holds something "
                "new, give it a name of its own.",
            )
    elif known.retired_at is not None and (known.retired_because != "time_is_up" or ledger.last_seen(path) is not None):
        raise UnreadableFile(
            "rows_deleted",
            f"what is in it was received before, and the rows were deleted on {known.retired_at[:10]}",
            "Take it out of the inbox. The figures stay as they are.",
        )


def _as_it_was(file: _File, ledger: Ledger, rules: _Rules) -> Vintage | None:
    """The record of a file that is what its path was last seen to hold, and whose rules have not changed."""
    seen = ledger.last_seen(str(file.file_name))
    if seen is None or seen.content_sha256 != file.content_sha256:
        return None
    known = ledger.vintage(seen.vintage_id)
    if known is None:
        return None
    fingerprint = rules.fingerprint(seen.dataset, file.file_name, ledger)
    return known if _stands(known, fingerprint, ledger) else None


def _unchanged(file: _File, known: Vintage, ledger: Ledger) -> FileReport:
    """Enter that a file holds what is known; its findings stand where the first landing put them."""
    ledger.receive(str(file.file_name), file.size, file.modified_ns, known.vintage_id)
    return FileReport(
        file_name=str(file.file_name),
        dataset=known.dataset,
        vintage_id=known.vintage_id,
        status="unchanged",
        rows_read=known.rows_read,
        rows_landed=known.rows_landed,
        rows_quarantined=known.rows_quarantined,
        rows_dropped=known.rows_dropped,
        rows_corrected=known.rows_corrected,
        dropped_by_rule=known.dropped_by_rule,
        message=known.message,
    )


def _stands(known: Vintage, fingerprint: str, ledger: Ledger) -> bool:
    """Whether reading the file again would change nothing.

    A refused file is read again: what it lacked may be there. What has been deleted is never read again.
    """
    if known.retired_at is not None:
        return True
    if known.status == "refused" or known.rules_fingerprint != fingerprint:
        return False
    return known.status == "not_needed" or ledger.is_whole(known)


def _refuse_what_is_not_opened(path: Path, home: Home | None) -> None:
    """What lies there without being a file of a size that is read, and of the inbox.

    Raises:
        UnreadableFile: it does.
    """
    if not path.is_file() and os.path.lexists(path):
        raise UnreadableFile(
            "not_a_file",
            "it is no file: a link that leads nowhere or to a folder, a folder that may not be read, or a pipe",
            "Take it out of the inbox, or put the file itself there.",
        )
    is_sent_as_link = home is not None and path.is_symlink() and path.absolute().is_relative_to(home.inbox)
    if home is not None and is_sent_as_link and not path.resolve().is_relative_to(home.inbox.resolve()):
        raise UnreadableFile(
            "link_leads_out",
            "it is a link to something outside of the inbox, and such links are not followed",
            "Put the file itself there.",
        )
    largest = home.settings.largest_file_gb if home is not None else LARGEST_FILE_GB
    if path.is_file() and (size := path.stat().st_size) > largest * GIGABYTE:
        raise UnreadableFile(
            "file_too_large",
            f"it has {size / GIGABYTE:,.2f} GB, and files of up to {largest:g} GB are read",
            f"Send it in parts. If it is right, raise `largest_file_gb` in {SETTINGS_FILE} of the home.",
        )


def _recognise(file: _File, rules: _Rules) -> None:
    _refuse_what_is_not_opened(file.path, rules.home)
    try:
        sheets = read_sheets(file.path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableFile(
            "not_openable",
            f"the file cannot be opened ({error.strerror or error})",
            "Close it where it is open, let the warehouse read it, and run again.",
        ) from error
    file.recognised = recognise(sheets, file.file_name, rules.contracts, rules.tools, rules.own_instruments)
    file.vintage_id = _vintage_id(file)


def _find_context(file: _File, rules: _Rules) -> None:
    file.context = _context(file, rules)
    file.vintage_id = _vintage_id(file)


def _vintage_id(file: _File) -> str:
    """Names the content as one dataset and one submission."""
    parts = [file.content_sha256]
    if file.recognised is not None:
        parts += [file.contract.dataset, _submission(file)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _submission(file: _File) -> str:
    """What a newer file of the same submission replaces; empty where the file's own path says it."""
    submission = file.contract.submission
    if submission is None or submission.mode == "add":
        return ""
    parts = [f"{key}={file.context.get(key, '')}" for key in submission.key]
    if file.recognised is not None and file.recognised.tool is not None:
        # Two organisations may ask the same questions in the same wave with tools of their own.
        parts.append(f"tool={file.recognised.tool.tool_id}")
    return ",".join(parts)


def _not_needed(file: _File) -> FileReport:
    assert file.recognised is not None
    rows = sum(batch.num_rows for batch in file.recognised.sheet.rows(file.recognised.header_row))
    rows += len(file.recognised.sheet.misshapen)
    return FileReport(
        file_name=str(file.file_name),
        dataset=file.contract.dataset,
        vintage_id=file.vintage_id,
        status="not_needed",
        rows_read=rows,
        rows_dropped=rows,
        dropped_by_rule={"not_needed": rows} if rows else {},
        message=file.contract.not_needed,
    )


def _refused(file: _File, error: UnreadableFile) -> FileReport:
    # Under its name, so that two files that hold the same nothing are two entries, and what landed once stays as it is.
    parts = [file.content_sha256, "refused", str(file.file_name)]
    vintage_id = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
    dataset = file.recognised.contract.dataset if file.recognised else None
    finding = Finding(
        dataset=dataset,
        file_name=str(file.file_name),
        vintage_id=vintage_id,
        sheet=file.recognised.sheet.name if file.recognised else None,
        source_row=None,
        column_name=None,
        rule=error.rule,
        value=None,
        message=str(error),
        remedy=error.remedy,
        severity="error",
    )
    return FileReport(
        file_name=str(file.file_name),
        dataset=dataset,
        vintage_id=vintage_id,
        status="refused",
        findings=[finding],
        message=finding.message,
    )


def _report(file: _File, outcome: Outcome, corrected: list[Finding]) -> FileReport:
    return FileReport(
        file_name=str(file.file_name),
        dataset=file.contract.dataset,
        vintage_id=file.vintage_id,
        status="landed",
        rows_read=outcome.read,
        rows_landed=outcome.landed,
        rows_quarantined=outcome.quarantined,
        rows_dropped=sum(outcome.dropped.values()),
        rows_corrected=len({finding.source_row for finding in corrected if finding.source_row is not None}),
        dropped_by_rule=outcome.dropped,
        findings=[*_unknown_headers(file), *_described(file), *corrected, *outcome.findings],
    )


def _described(file: _File) -> list[Finding]:
    """What the publisher's own description beside a file says otherwise than the contract."""
    assert file.recognised is not None
    return metadata_findings(file.path, file.contract, file.recognised.headers, str(file.file_name), file.vintage_id)


# --- from cells to table ``raw`` and its lookups -------------------------------------------------------------------


@contextmanager
def _sorted(file: _File, rules: _Rules) -> Iterator[tuple[Splitter, FileReport]]:
    """The file's rows sorted into good and bad, and the report on them; the good ones are ready to land.

    Args:
        file: recognised, with its context.
        rules: what it is read by.

    Raises:
        UnreadableFile: the table breaks off.
    """
    assert file.recognised is not None
    sheet, header_row, instrument = file.recognised.sheet, file.recognised.header_row, file.recognised.instrument
    columns, positions, groups = _layout(file)
    with tempfile.TemporaryDirectory(dir=rules.spill) as folder, rules.workspace.cursor() as con:
        source = Source(
            file_name=str(file.file_name),
            vintage_id=file.vintage_id,
            sheet=sheet.name,
            headers={
                c: _shown(file.recognised.headers[at[0]].strip()) or column_letter(at[0])
                for c, at in positions.items()
                if len(at) < len(file.recognised.headers)
            },
            positions=positions,
            width=len(file.recognised.headers),
            context=file.context,
            submission=_submission(file),
            groups=groups,
        )
        lookups = Lookups(
            con,
            rules.home,
            rules.key,
            file.contract,
            columns,
            source,
            instrument,
            resolves_organisations=rules.resolves_organisations,
        )
        corrected: list[Finding] = []
        if _flows(file, columns, positions, rules):
            clean = Path(folder) / "clean.parquet"
            splitter = Splitter(con, file.contract, columns, source, clean)
            rows, clean_keys = Stream(con, splitter, lookups, clean).take(sheet.batches(header_row))
            splitter.clean_keys = clean_keys
            _refuse_month_first(con, columns, source, clean)
        else:
            rows = _read(con, file.recognised, "create temp table raw as select * from reader")
            corrected = _correct(con, file, columns, source, rules)
            _refuse_month_first(con, columns, source)
            columns = [_dated_one_way(con, column, source) for column in columns]
            for column in filter(lookups.looks_up, columns):
                text = column_text(column, positions.get(column.name, ()))
                texts = con.execute(f"select distinct {text} as cell from raw where cell is not null").fetchall()
                lookups.add(column, [cell for (cell,) in texts])
            splitter = Splitter(con, file.contract, columns, source)
        corrected += _postcodes_that_are_none(file, lookups, columns)
        yield splitter, _report(file, splitter.split(rows, sheet.misshapen), corrected)


def _flows(file: _File, columns: list[Column], positions: dict[str, tuple[int, ...]], rules: _Rules) -> bool:
    """Whether each row can be sorted by itself, a column at a time; else all rows are held while they are sorted.

    Of a small file, all rows together cost less than its columns one by one.
    """
    if file.path.stat().st_size < FLOWS_FROM_BYTES:
        return False
    contract = file.contract
    is_flat = contract.survey is None and contract.repeats is None
    has_corrections = bool(of_file(rules.corrections, contract.dataset, file.file_name))
    is_dated_two_ways = any({True, False} <= {day_first(pattern) for pattern in c.formats} for c in columns)
    return is_flat and not has_corrections and not is_dated_two_ways and all(len(at) == 1 for at in positions.values())


def _workspace(home: Home | None, folder: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB that holds little in memory and puts down the rest; each file works in a cursor of its own on it."""
    folders = [folder, cache_folder(), *((home.root,) if home is not None else ())]
    return open_in_memory(*folders, puts_down_in=folder, memory_limit=MEMORY_LIMIT)


def _read(con: duckdb.DuckDBPyConnection, recognised: Recognised, sql: str) -> int:
    """Run SQL over ``reader``, the rows of a table; returns how many rows it makes.

    Raises:
        UnreadableFile: the table breaks off; DuckDB alone would say so in words of its own.
    """
    sheet = recognised.sheet
    reader = sheet.rows(recognised.header_row)
    con.register("reader", reader)
    rows = 0
    try:
        ((rows,),) = con.execute(sql).fetchall()
    except duckdb.Error:
        if sheet.broke_off is None:
            raise
    finally:
        con.unregister("reader")
    if sheet.broke_off is not None:
        raise UnreadableFile(*sheet.broke_off)
    return int(rows)


def _correct(
    con: duckdb.DuckDBPyConnection, file: _File, columns: list[Column], source: Source, rules: _Rules
) -> list[Finding]:
    """Apply the corrections that concern a file to its cells; one finding for each row that one of them changed.

    Raises:
        UnreadableFile: a correction names a column that the file does not have.
    """
    assert file.recognised is not None
    by_header = header_positions(file.recognised.headers)
    names = {column.name: column for column in columns}
    findings = []
    #: Position → condition and new text of each correction of that column.
    mended: dict[int, list[tuple[str, str]]] = {}
    for correction in of_file(rules.corrections, file.contract.dataset, file.file_name):

        def position(header: str, line: int = correction.line) -> int:
            at = source.positions.get(header) or by_header.get(normalise_header(header))
            if not at:
                raise UnreadableFile(
                    "correction_not_possible",
                    f"line {line} of corrections.csv is about it, and it has no column “{header}”",
                    "Name the column in corrections.csv as the file or the contract does.",
                )
            return at[0]

        at = position(correction.column)
        matches = " and ".join(
            f"lower(c{position(header)}) = {literal(value.lower())}" for header, value in correction.match
        )
        mended.setdefault(at, []).append((matches, correction.new_value))
        changed = f"{matches} and c{at} is distinct from {literal(correction.new_value)}"
        rows = con.execute(f"select {ROW} from raw where {changed} order by 1").fetchall()
        column = next((names[name] for name, its in source.positions.items() if its == (at,) and name in names), None)
        # Of a column that nothing reads, nobody has said that it is not.
        personal = column is None or column.personal is not None or column.masked
        for (row,) in rows:
            findings.append(
                Finding(
                    dataset=file.contract.dataset,
                    file_name=str(file.file_name),
                    vintage_id=file.vintage_id,
                    sheet=file.recognised.sheet.name,
                    source_row=row,
                    column_name=_shown(file.recognised.headers[at]),
                    rule="corrected",
                    value=shown(correction.new_value, personal=personal),
                    message=f"the cell was read as “{shown(correction.new_value, personal=personal)}”: "
                    f"{correction.reason} ({correction.made_on.isoformat()})",
                    remedy="Nothing to do; once the sender has mended the file, take the line out of corrections.csv.",
                    severity="warning",
                )
            )
    if mended:
        cells = ", ".join(
            f"case {' '.join(f'when {matches} then {literal(new)}' for matches, new in cases)} else c{at} end as c{at}"
            for at, cases in mended.items()
        )
        con.execute("alter table raw rename to raw_as_sent")
        con.execute(f"create temp view raw as select * replace ({cells}) from raw_as_sent")
    return findings


def _dated_one_way(con: duckdb.DuckDBPyConnection, column: Column, source: Source) -> Column:
    """The column with the formats of one order of day and month: within a file, 03/04 is not both.

    The order is the one in which more of the file's dates can be read; where both read as many, that of the formats
    which the contract or the tool names first.
    """
    if column.type not in ("date", "timestamp") or column.name not in source.positions:
        return column
    orders = [day_first(pattern) for pattern in column.formats]
    if not {True, False} <= set(orders):
        return column

    def kept(order: bool) -> Column:
        formats = [f for f, its in zip(column.formats, orders, strict=True) if its in (None, order)]
        return column.model_copy(update={"formats": formats})

    first = next(order for order in orders if order is not None)
    text = column_text(column, source.positions[column.name])
    (counted,) = con.execute(
        f"select count({typed_sql('cell', kept(first))}), count({typed_sql('cell', kept(not first))})"
        f" from (select {text} as cell from raw)"
    ).fetchall()
    return kept(first if counted[0] >= counted[1] else not first)


def _refuse_month_first(
    con: duckdb.DuckDBPyConnection, columns: list[Column], source: Source, clean: Path | None = None
) -> None:
    """Of a file whose dates can all be read with the month first, and some in no other way, no date is what it says.

    Args:
        con: holds table ``raw``, the rows of which not all has been found good.
        columns: the file's columns; those that may be written in either order have been decided.
        source: where they stand.
        clean: where the other rows are, as they would land.

    Raises:
        UnreadableFile: a column is written like that.
    """
    dated = [
        column
        for column in columns
        if column.type in ("date", "timestamp")
        and len(source.positions.get(column.name, ())) == 1
        and True in map(day_first, column.formats)
    ]
    if not dated:
        return
    texts = {column.name: column_text(column, source.positions[column.name]) for column in dated}
    counts = ", ".join(
        f"count(*) filter (regexp_full_match(split_part({text}, ' ', 1), '{MONTH_FIRST}'))" for text in texts.values()
    )
    (counted,) = con.execute(f"select {counts} from raw").fetchall()
    for column, wrong in zip(dated, counted, strict=True):
        if wrong < FEWEST_MONTH_FIRST:
            continue
        latest = f"select coalesce(max(day({typed_sql('cell', column)})), 0) from (select {texts[column.name]} as cell"
        ((latest_day,),) = con.execute(f"{latest} from raw)").fetchall()
        if clean is not None and column.lands:
            sql = f"select coalesce(max(day({name(column.name)})), 0) from read_parquet({literal(str(clean))})"
            latest_day = max(latest_day, con.execute(sql).fetchall()[0][0])
        if latest_day <= MONTHS:
            raise UnreadableFile(
                "month_first",
                f"the dates in column “{source.headers[column.name]}” are written with the month first: {wrong:,} of "
                "them cannot be read in any other way, and the others would be read as the wrong day",
                "Write the dates with the day first, such as 31/12/2025, or as 2025-12-31, and send the file again.",
            )


def _postcodes_that_are_none(file: _File, lookups: Lookups, columns: list[Column]) -> list[Finding]:
    """A warning for each column in which hardly any of the postcodes is one: nothing can be worked out from it."""
    assert file.recognised is not None
    findings = []
    for column in columns:
        if column.type != "postcode" or not lookups.looks_up(column):
            continue
        texts, located = lookups.located(column)
        if texts >= FEWEST_POSTCODES and 2 * located < texts:
            findings.append(
                Finding(
                    dataset=file.contract.dataset,
                    file_name=str(file.file_name),
                    vintage_id=file.vintage_id,
                    sheet=file.recognised.sheet.name,
                    source_row=None,
                    column_name=_called(column),
                    rule="postcodes_not_known",
                    value=None,
                    message=f"of {texts:,} different postcodes, {texts - located:,} are not in the directory, so "
                    "neither an area nor a distance can be worked out from them",
                    remedy="Check that the column holds whole postcodes and is not shifted or made anonymous.",
                    severity="warning",
                )
            )
    return findings


def _what_was_found(recognised: Recognised) -> str:
    """The header row as it was found; of what is not known there only where it is, as it may be somebody's data."""
    known, unknown = _known_positions(recognised), _unknown_positions(recognised)
    found = f"The header row that was found has {listed_headers([recognised.headers[at] for at in sorted(known)])}"
    return found + (f"; what stands at the top of {column_letters(unknown)} is not known there." if unknown else ".")


def _layout(file: _File) -> tuple[list[Column], dict[str, tuple[int, ...]], dict[int, str]]:
    """The columns of the file, where each stands, and the titles of the groups of columns that repeat.

    Raises:
        UnreadableFile: there are too many columns, a required one is missing, or one that matters stands there twice.
    """
    assert file.recognised is not None
    contract, headers = file.contract, file.recognised.headers
    if len(headers) > MOST_COLUMNS:
        raise UnreadableFile(
            "too_many_columns",
            f"it has {len(headers):,} columns, and no more than {MOST_COLUMNS:,} are read",
            "Delete the columns behind the table, empty ones too, and send the file again.",
        )
    columns, found = list(contract.columns), _found(file.recognised)
    twice = [headers[at[0]] for at in found.values() if len(at) > 1]
    positions = {column: tuple(at) for column, at in found.items()}
    if (instrument := file.recognised.instrument) is not None:
        assert file.recognised.tool is not None
        answered = match_questions(instrument, contract.columns, file.recognised.headings)
        refuse_what_is_twice(answered)
        columns += item_columns(instrument, file.recognised.tool.separator)
        positions |= {name: tuple(at) for name, at in (answered.questions | answered.items).items()}
        columns = [_told_by_the_path(column, positions, file.file_name) for column in columns]
        for column in columns:
            if column.from_tool in ("response_id", "whole_row") and column.name not in positions:
                positions[column.name] = tuple(range(len(headers)))
    if twice:
        raise UnreadableFile(
            "header_twice",
            f"these columns stand in the file more than once: {listed_headers(twice)}",
            "Keep one of each and send the file again.",
        )
    missing = [
        spellings(c.headers or [_called(c)])
        for c in columns
        if c.name not in positions and not c.may_be_absent and c.default is None
    ]
    if missing:
        raise UnreadableFile(
            "header_missing",
            f"it looks like “{contract.title}”, but these columns are missing: {listed(missing, 25)}",
            f"Export it again with them. {_what_was_found(file.recognised)}",
        )
    groups = _groups(contract, headers, positions)
    for number, start in enumerate(groups):
        assert contract.repeats is not None
        for offset, column in enumerate(contract.repeats.columns):
            its_name = grouped(column.name, number)
            columns.append(column.model_copy(update={"name": its_name}))
            positions[its_name] = (start + offset,)
    return columns, positions, dict(enumerate(_told_apart(headers[start] for start in groups)))


def _told_apart(headers: Iterable[str]) -> list[str]:
    """Titles of groups; the second of one title, such as “Quiz”, is “Quiz (2)”."""
    seen: Counter[str] = Counter()
    titles = []
    for header in headers:
        title = _shown(" ".join(header.split()))
        seen[title] += 1
        titles.append(title if seen[title] == 1 else f"{title} ({seen[title]})")
    return titles


def _called(column: Column) -> str:
    return column.headers[0] if column.headers else column.name.replace("_", " ")


def _told_by_the_path(column: Column, positions: dict[str, tuple[int, ...]], file_name: PurePosixPath) -> Column:
    """A survey's day of completion, where its tool exports none: the month that the file's name tells.

    Raises:
        UnreadableFile: neither does.
    """
    if column.from_tool != "completed_at" or column.name in positions:
        return column
    day = day_in_path(file_name)
    if day is None:
        raise UnreadableFile(
            "completed_at_not_known",
            "nothing says when the responses were given",
            "Export it with the time of completion, or write the month into the file name, such as “2025-10”.",
        )
    return column.model_copy(update={"default": day, "formats": ["%Y-%m-%d"]})


def _groups(contract: Contract, headers: list[str], positions: dict[str, tuple[int, ...]]) -> list[int]:
    """Where the groups of columns begin that repeat: behind what the contract knows, and ignores, of the row.

    Raises:
        UnreadableFile: what is left does not make whole groups.
    """
    if contract.repeats is None:
        return []
    ignored = {normalise_header(header) for header in contract.ignored_headers}
    first, size, end = max(p for at in positions.values() for p in at) + 1, len(contract.repeats.columns), len(headers)
    # A group further on may be called like one of these: an activity “Phone”.
    while first < end and normalise_header(headers[first]) in ignored:
        first += 1
    # An export may end each row with a separator.
    if (end - first) % size and not headers[-1].strip():
        end -= 1
    starts = list(range(first, end, size))
    if (end - first) % size or not starts or any(not headers[start].strip() for start in starts):
        raise UnreadableFile(
            "columns_do_not_pair",
            f"behind the columns about the person, there should be {size} for each {contract.repeats.name}",
            "Export the report again without changing its columns. If a column about the person was added, such as a "
            "telephone number, it has to be named in the contract.",
        )
    return starts


def _found(recognised: Recognised) -> dict[str, list[int]]:
    """Column of the contract → its positions, told by the headers."""
    if recognised.headings:
        by_header: dict[str, list[int]] = {}
        for position, heading in enumerate(recognised.headings):
            for called in heading.names:
                by_header.setdefault(called, []).append(position)
    else:
        by_header = header_positions(recognised.headers)
    found: dict[str, list[int]] = {}
    for column in recognised.contract.columns:
        if recognised.headings and column.from_tool is None and column.keep:
            # A question, which is matched by its wording.
            continue
        # Of several headers that mean the column, the contract's order says which one counts.
        at = next((by_header[n] for h in column.headers if (n := normalise_header(h)) in by_header), None)
        if at is not None:
            found[column.name] = at
    return found


def _shown(header: str) -> str:
    """A header as a message may show it: a table may have a column for each person."""
    return shown(header, personal=False) or ""


def _unknown_headers(file: _File) -> list[Finding]:
    """A header that nothing reads is said once, not per row."""
    assert file.recognised is not None
    return [
        Finding(
            dataset=file.contract.dataset,
            file_name=str(file.file_name),
            vintage_id=file.vintage_id,
            sheet=file.recognised.sheet.name,
            source_row=None,
            column_name=_shown(file.recognised.headers[position]),
            rule="unknown_column",
            value=None,
            message="nothing reads this column, and it was not kept",
            remedy="Nothing to do, unless it is a new or reworded question: then add the wording to the instrument."
            if file.contract.survey
            else "Nothing to do, unless the column matters: then add it to the dataset's contract.",
            severity="warning",
        )
        for position in _unknown_positions(file.recognised)
    ]


def _unknown_positions(recognised: Recognised) -> list[int]:
    """The columns that nothing reads, of a file that is not known to have others."""
    if recognised.contract.ignore_other_headers or recognised.contract.repeats is not None:
        return []
    known = _known_positions(recognised)
    return [at for at, header in enumerate(recognised.headers) if header.strip() and at not in known]


def _known_positions(recognised: Recognised) -> set[int]:
    """The columns of a file that are read, or that are known and not wanted."""
    contract = recognised.contract
    ignored = {normalise_header(header) for header in contract.ignored_headers}
    known = {p for at in _found(recognised).values() for p in at}
    for position, header in enumerate(recognised.headers):
        names = recognised.headings[position].names if recognised.headings else {normalise_header(header)}
        if names & ignored:
            known.add(position)
        if recognised.tool is not None and header.startswith(tuple(recognised.tool.ignored_prefixes)):
            known.add(position)
    if recognised.instrument is not None:
        answered = match_questions(recognised.instrument, contract.columns, recognised.headings)
        known |= answered.not_kept
        known |= {p for at in (*answered.items.values(), *answered.questions.values()) for p in at}
    return known


def _context(file: _File, rules: _Rules) -> dict[str, int | str]:
    """The values that belong to the whole file.

    Raises:
        UnreadableFile: nothing says one of them, or the path says one thing and the rows another.
    """
    return {context.name: _context_value(file, context.name, rules) for context in file.contract.context}


def _context_value(file: _File, key: str, rules: _Rules) -> int | str:
    context = next(c for c in file.contract.context if c.name == key)
    if context.kind == "instrument":
        assert file.recognised is not None
        assert file.recognised.instrument is not None
        return file.recognised.instrument.instrument_id
    said = from_path(context, file.file_name)
    # Where a companion can say it, the file's own dates are the last resort: a handful of rows may be carried over.
    is_told_by_dates = context.from_column is not None and context.from_companion is None
    held = _most_frequent_year(file, context.from_column or "", rules) if is_told_by_dates else None
    if said is not None and held is not None and said != held:
        raise UnreadableFile(
            "year_contradicts",
            f"its name or folder says the year ending 31 March {said}, but most of its dates fall in the year ending "
            f"31 March {held}",
            "Put the file into the right folder or give it the right name; if the dates are wrong, correct them.",
        )
    value = said if said is not None else held
    if value is None and context.from_companion is not None and _is_of_headers_alone(file):
        raise UnreadableFile(
            f"{key}_not_known",
            f"it has no rows, so that nothing in it says or contradicts which {key.replace('_', ' ')} it is of",
            f"Write {describe(context)} into its file or folder name: what lies beside it may be of another year soon.",
        )
    if value is None and context.from_companion is not None:
        value = rules.companion(str(file.file_name.parent), context.from_companion, key)
        if value is None and context.from_column is not None:
            value = _most_frequent_year(file, context.from_column, rules)
    if value is None:
        beside = f", or put it beside its {context.from_companion} file" if context.from_companion else ""
        raise UnreadableFile(
            f"{key}_not_known",
            f"nothing says which {key.replace('_', ' ')} it is of",
            f"Write {describe(context)} into its file or folder name{beside}.",
        )
    return value


def _is_of_headers_alone(file: _File) -> bool:
    """Whether a file holds no row, and by that says something."""
    if file.contract.may_be_empty is None:
        return False
    assert file.recognised is not None
    rows = file.recognised.sheet.rows(file.recognised.header_row)
    return not any(batch.num_rows for batch in rows) and not file.recognised.sheet.misshapen


def _most_frequent_year(file: _File, column_name: str, rules: _Rules) -> int | None:
    """The calendar year in which the financial year ends that most of a column's dates fall in."""
    assert file.recognised is not None
    column = next(c for c in file.contract.columns if c.name == column_name)
    positions = _layout(file)[1][column_name]
    day = typed_sql(column_text(column, positions), column)
    with rules.workspace.cursor() as con:
        _read(
            con,
            file.recognised,
            f"""create temp table years as
            select year(day) + (month(day) > 3)::integer as year_end
            from (select {day} as day from reader) where day is not null""",
        )
        row = con.execute(
            "select year_end from years group by all order by count(*) desc, year_end desc limit 1"
        ).fetchone()
    return int(row[0]) if row else None


# --- the inbox ---------------------------------------------------------------------------------------------------


def _in_order(home: Home, ledger: Ledger, rules: _Rules, settle_seconds: float) -> Iterator[_File]:
    """The files of the inbox, those first that others are checked against, then in the order they arrived.

    A file that is as it was last seen is not opened: what it is stands in the ledger.
    """
    order = {dataset: place for place, dataset in enumerate(rules.contracts)}
    waiting: list[tuple[int, int, str, _File]] = []
    for path in submissions_in(home.inbox):
        file = _File(path, _printable(path.relative_to(home.inbox)), "")
        try:
            # A link that leads nowhere, or to itself, is looked at itself.
            stat = path.stat() if path.exists() else path.lstat()
        except FileNotFoundError:
            # Taken away since the inbox was listed.
            continue
        if is_arriving(stat, settle_seconds):
            continue
        file.size, file.modified_ns = stat.st_size, stat.st_mtime_ns
        seen = ledger.last_seen(str(file.file_name))
        if seen is not None and (seen.size, seen.modified_ns) == (file.size, file.modified_ns):
            file.content_sha256, file.dataset = seen.content_sha256, seen.dataset
        else:
            file.content_sha256 = _sha256_of(file, home)
            try:
                file.dataset = _dataset_of(file, rules)
            except FileNotFoundError:
                continue
        waiting.append((order.get(file.dataset or "", -1), file.modified_ns, str(file.file_name), file))
    for *_, file in sorted(waiting, key=lambda entry: entry[:3]):
        yield file


def is_arriving(stat: os.stat_result, settle_seconds: float) -> bool:
    """Whether a file changed less than ``settle_seconds`` ago.

    It goes by the time of the change of its entry, which every write moves on and a copy cannot set, as it can set the
    time of the change of its content. A time well ahead of the clock says nothing: one of the two was wrong.
    """
    age = time.time() - stat.st_ctime
    return -CLOCKS_DIFFER_SECONDS < age < settle_seconds


def unseen(home: Home) -> dict[str, str]:
    """The files of the inbox that no run has dealt with as they are; nothing is written, and no lock is needed.

    Their sizes and times are compared with what they were and never with a clock: a copy can keep the time of its
    original, and a supplier's clock can be ahead.

    Returns:
        Name below the inbox → what tells one state of the file from another.
    """
    known = seen_files(home)
    found = {}
    for path in submissions_in(home.inbox):
        try:
            stat = path.stat() if path.exists() else path.lstat()
        except FileNotFoundError:
            # Taken away since the inbox was listed.
            continue
        name = str(_printable(path.relative_to(home.inbox)))
        size, modified_ns = known.get(name, (None, None))
        # What could not be opened is known without its size; the nightly run tries it again.
        if size not in (-1, stat.st_size) or modified_ns != stat.st_mtime_ns:
            found[name] = f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"
    return found


def submissions_in(folder: Path) -> list[Path]:
    """What someone sent, in order of name: every file below a folder, and whatever else stands there that is none.

    What a program leaves beside a file while it has it open or copies it is left out. A folder that cannot be looked
    into, a link that leads nowhere and a pipe are in the list, so that they are refused and not passed over.
    """
    found: list[Path] = []

    def not_seen(error: OSError) -> None:
        found.append(Path(error.filename))

    for parent, folders, files in os.walk(folder, onerror=not_seen):
        folders[:] = [name for name in folders if not name.startswith((".", "~$"))]
        found += [
            Path(parent, name)
            for name in files
            if not name.startswith((".", "~$")) and not name.lower().endswith(UNFINISHED)
        ]
        found += [path for name in folders if (path := Path(parent, name)).is_symlink()]
    return sorted(found)


def _dataset_of(file: _File, rules: _Rules) -> str | None:
    try:
        with _faults_contained(file):
            _recognise(file, rules)
    except UnreadableFile:
        return None
    return file.contract.dataset


def _sha256_of(file: _File, home: Home | None) -> str:
    # A pipe would be waited for.
    with suppress(OSError, UnreadableFile):
        _refuse_what_is_not_opened(file.path, home)
        return _digest(file.path)
    # What it holds is not known: it is refused under its name, and hashed again by the next run.
    file.size = -1
    return hashlib.sha256(f"not opened: {file.file_name}".encode()).hexdigest()


@retry(
    retry=retry_if_exception(can_pass),
    stop=stop_after_attempt(READ_ATTEMPTS),
    wait=wait_exponential(multiplier=FIRST_WAIT_SECONDS),
    reraise=True,
)
def _digest(path: Path) -> str:
    return sha256_of(path)


def _name_below_inbox(path: Path, home: Home | None) -> PurePosixPath:
    """The path as the ledger would write it; outside an inbox, the file with the folders above it."""
    absolute = path.resolve()
    if home is not None and absolute.is_relative_to(inbox := home.inbox.resolve()):
        return _printable(absolute.relative_to(inbox))
    return _printable(path)


def _printable(path: Path) -> PurePosixPath:
    """The path as text that is safe to show.

    Bytes of a name that are no text, such as those of an old file system, are spelt out, and so is what a screen would
    obey.
    """
    return PurePosixPath(spelt_out(os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")))


def _land_empty_files(home: Home, contracts: dict[str, Contract]) -> None:
    """A file of no rows per dataset, so that a source without data is an empty table and not an error."""
    with open_in_memory(home.landing) as con:
        for contract in contracts.values():
            if contract.not_needed is not None:
                continue
            path = landing_path(home, contract.dataset, "_empty")
            columns = contract.landed_columns()
            if path.is_file():
                described = con.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
                if [(row[0], row[1]) for row in described] == list(columns.items()):
                    continue
            nothing = ", ".join(f"null::{sql_type} as {name(column)}" for column, sql_type in columns.items())
            with whole_file(path) as temporary:
                con.execute(f"copy (select {nothing} where false) to {literal(str(temporary))} (format parquet)")
