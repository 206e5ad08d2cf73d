"""From the inbox to the landing zone: each file read, recognised, split, and landed or refused, whole or not at all.

The order of writing makes a killed run harmless: first the rows, then the findings, and last the ledger's entry, in
one transaction. Until that entry exists the file counts as not dealt with, and the next run does it again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet

from ingestion.context import describe, from_path
from ingestion.contracts import Column, Contract, load_contracts
from ingestion.findings import Finding, to_table
from ingestion.home import Home
from ingestion.instruments import Instrument, load_instruments
from ingestion.ledger import Ledger, Vintage, landing_path, quarantine_path, write_findings
from ingestion.organisations import REGISTER, Register, read_register
from ingestion.pseudonyms import DEMO_KEY_WARNING, Key, load_key
from ingestion.readers import Sheet, UnreadableFile, header_positions, normalise_header, read_sheets
from ingestion.recognition import Recognised, match_items, recognise
from ingestion.reference.postcodes import normalise_postcode_sql, postcode_table
from ingestion.reference.tables import prepare_reference, reference_fingerprint
from ingestion.split import Outcome, Source, Splitter, cell_text, item_columns, typed_sql
from ingestion.sql import literal, name
from ingestion.writing import whole_file

log = logging.getLogger(__name__)

#: Raised when the code that lands rows changes what lands, so that files in the inbox are read again.
LANDING_VERSION = 1

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
    context: dict[str, int] = field(default_factory=dict)

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
    companion: Callable[[str, str, str], int | None]

    def fingerprint(self, contract: Contract | None, file_name: PurePosixPath, ledger: Ledger) -> str:
        """Changes when the same file might land otherwise."""
        parts: list[object] = [LANDING_VERSION, self.key.key_id]
        if contract is None:
            parts.append([c.model_dump(mode="json") for c in self.contracts.values()])
        else:
            parts.append(contract.model_dump(mode="json"))
        if contract is None or contract.survey is not None:
            parts.append([i.model_dump(mode="json") for i in load_instruments().values()])
        if contract is not None and REGISTER in contract.after:
            parts.append(ledger.current_rules(REGISTER))
        for context in contract.context if contract is not None else ():
            if context.from_companion is not None and from_path(context, file_name) is None:
                parts.append(self.companion(str(file_name.parent), context.from_companion, context.name))
        if contract is not None and any(c.type == "postcode" for c in contract.columns) and self.home is not None:
            parts.append(reference_fingerprint(self.home))
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def land_inbox(home: Home, on_file: Callable[[FileReport], None] | None = None) -> list[FileReport]:
    """Land every file in the inbox that is new or whose rules have changed; the caller holds ``home.lock``.

    Args:
        home: the home.
        on_file: called with each file's report as it is ready.

    Returns:
        One report per file in the inbox, in the order they were dealt with.

    Raises:
        HomeError, ReferenceError, PseudonymKeyError: the home's settings, reference data or key cannot be used. A file
        never raises: whatever is wrong with it is in its report.
    """
    prepare_reference(home)
    key = load_key()
    if key.is_demo:
        log.warning(DEMO_KEY_WARNING)
    home.inbox.mkdir(parents=True, exist_ok=True)
    reports = []
    with Ledger(home) as ledger:
        rules = _Rules(home, key, load_contracts(), ledger.companion_context)
        _land_empty_files(home, rules.contracts)
        for file in _in_order(home, ledger, rules):
            report = _land(file, home, ledger, rules)
            reports.append(report)
            if on_file is not None:
                on_file(report)
        ledger.export()
    return reports


def check_file(path: Path, home: Home | None = None) -> FileReport:
    """Read a file exactly as the pipeline would, and touch nothing.

    Args:
        path: the file; its own and its folders' names may give a year or a wave, as in the inbox.
        home: whose register and reference data to check against; without one, organisations are not checked.
    """
    contracts = load_contracts()
    siblings: dict[tuple[str, str], int | None] = {}

    def companion(folder: str, dataset: str, key: str) -> int | None:
        if (folder, dataset) not in siblings:
            siblings[folder, dataset] = _context_of_sibling(path, dataset, key, rules)
        return siblings[folder, dataset]

    rules = _Rules(home, load_key(), contracts, companion)
    file_name = _name_below_inbox(path, home)
    file = _File(path, file_name, _sha256(path))
    try:
        _recognise(file, rules)
        if file.contract.not_needed is not None:
            return _not_needed(file)
        _find_context(file, rules)
        with _opened(file, rules) as (splitter, misshapen):
            return _report(file, splitter.split(misshapen))
    except UnreadableFile as error:
        return _refused(file, error)


def _context_of_sibling(path: Path, dataset: str, key: str, rules: _Rules) -> int | None:
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
    if (known := _as_it_was(file, home, ledger, rules)) is not None:
        return _unchanged(file, known, ledger)
    try:
        if file.recognised is None:
            _recognise(file, rules)
        if file.contract.not_needed is not None:
            report = _not_needed(file)
        else:
            _find_context(file, rules)
            known = ledger.vintage(file.vintage_id)
            if known is not None and _stands(known, rules.fingerprint(file.contract, file.file_name, ledger), home):
                return _unchanged(file, known, ledger)
            _refuse_a_twin(file, home, ledger)
            with _opened(file, rules) as (splitter, misshapen):
                outcome = splitter.split(misshapen)
                _pseudonymise_derived(splitter, rules)
                with whole_file(landing_path(home, file.contract.dataset, file.vintage_id)) as temporary:
                    splitter.land(temporary)
                report = _report(file, outcome)
    except UnreadableFile as error:
        report = _refused(file, error)
    contract = file.recognised.contract if file.recognised else None
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
            dropped_by_rule=report.dropped_by_rule,
            context=file.context,
            message=report.message,
            contract_version=contract.version if contract else None,
            rules_fingerprint=rules.fingerprint(contract, file.file_name, ledger),
        ),
        str(file.file_name),
        file.size,
        file.modified_ns,
    )
    return report


def _refuse_a_twin(file: _File, home: Home, ledger: Ledger) -> None:
    """A wave or a year is sent once: the same bytes under the name of another one are a slip of the name.

    Raises:
        UnreadableFile: a file of the inbox holds the same and counts as another submission.
    """
    twin = ledger.twin(str(file.file_name), file.content_sha256, file.contract.dataset, _submission(file))
    if twin is not None and (home.inbox / twin[0]).is_file():
        path, submission = twin
        raise UnreadableFile(
            "sent_as_another",
            f"it is byte for byte the file {path}, which counts as {submission.replace('=', ' ').replace('_', ' ')}",
            "One of the two has the wrong name: take that one out of the inbox.",
        )


def _as_it_was(file: _File, home: Home, ledger: Ledger, rules: _Rules) -> Vintage | None:
    """The record of a file that is what its path was last seen to hold, and whose rules have not changed."""
    seen = ledger.last_seen(str(file.file_name))
    if seen is None or seen.content_sha256 != file.content_sha256:
        return None
    known = ledger.vintage(seen.vintage_id)
    if known is None:
        return None
    fingerprint = rules.fingerprint(rules.contracts.get(seen.dataset or ""), file.file_name, ledger)
    return known if _stands(known, fingerprint, home) else None


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
        dropped_by_rule=known.dropped_by_rule,
        message=known.message,
    )


def _stands(known: Vintage, fingerprint: str, home: Home) -> bool:
    """Whether reading the file again would change nothing.

    A refused file is read again: what it lacked may be there.
    """
    if known.status == "refused" or known.rules_fingerprint != fingerprint:
        return False
    if known.status == "not_needed":
        return True
    try:
        pyarrow.parquet.read_metadata(landing_path(home, known.dataset or "", known.vintage_id))
    except (OSError, pa.ArrowInvalid):
        return False
    return True


def _recognise(file: _File, rules: _Rules) -> None:
    try:
        sheets = read_sheets(file.path)
    except OSError as error:
        raise UnreadableFile(
            "not_openable",
            f"the file cannot be opened ({error.strerror or error})",
            "Close it where it is open, let the warehouse read it, and run again.",
        ) from error
    file.recognised = recognise(sheets, file.file_name, rules.contracts)
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
    return ",".join(f"{key}={file.context.get(key, '')}" for key in submission.key)


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
        message=str(error),
    )


def _report(file: _File, outcome: Outcome) -> FileReport:
    return FileReport(
        file_name=str(file.file_name),
        dataset=file.contract.dataset,
        vintage_id=file.vintage_id,
        status="landed",
        rows_read=outcome.read,
        rows_landed=outcome.landed,
        rows_quarantined=outcome.quarantined,
        rows_dropped=sum(outcome.dropped.values()),
        dropped_by_rule=outcome.dropped,
        findings=_unknown_headers(file) + outcome.findings,
    )


# --- from cells to table ``raw`` and its lookups -------------------------------------------------------------------


@contextmanager
def _opened(file: _File, rules: _Rules) -> Iterator[tuple[Splitter, list[tuple[int, int]]]]:
    """The file's rows in a DuckDB of their own, ready to split, and the rows that have the wrong number of cells."""
    assert file.recognised is not None
    sheet = file.recognised.sheet
    columns = file_columns(file.contract)
    positions = _positions(file.recognised, columns)
    with tempfile.TemporaryDirectory(prefix="impact-") as spill, duckdb.connect() as con:
        con.execute(f"set temp_directory = {literal(spill)}")
        _read(con, sheet, file.recognised.header_row, "create temp table raw as select * from reader")
        source = Source(
            file_name=str(file.file_name),
            vintage_id=file.vintage_id,
            sheet=sheet.name,
            headers={c: file.recognised.headers[p] for c, p in positions.items()},
            positions=positions,
            width=len(file.recognised.headers),
            context=file.context,
        )
        _resolve(con, file.contract, columns, source, rules)
        splitter = Splitter(con, file.contract, columns, source)
        yield splitter, sheet.misshapen


def _read(con: duckdb.DuckDBPyConnection, sheet: Sheet, header_row: int, sql: str) -> None:
    """Run SQL over ``reader``, the rows of a table.

    Raises:
        UnreadableFile: the table breaks off; DuckDB alone would say so in words of its own.
    """
    reader = sheet.rows(header_row)
    con.register("reader", reader)
    try:
        con.execute(sql)
    except duckdb.Error:
        if sheet.broke_off is None:
            raise
    finally:
        con.unregister("reader")
    if sheet.broke_off is not None:
        raise UnreadableFile(*sheet.broke_off)


def file_columns(contract: Contract) -> list[Column]:
    """The columns of the dataset's files; for a survey, its statements behind the contract's own."""
    if contract.survey is None:
        return list(contract.columns)
    instrument = load_instruments()[contract.survey.instrument]
    items = {item.item_id: item.wordings for item in instrument.items}
    return [*contract.columns, *item_columns(items, instrument.label_codes())]


def _positions(recognised: Recognised, columns: list[Column]) -> dict[str, int]:
    """Column → its position in the file.

    Raises:
        UnreadableFile: a required column is missing, or a header that matters stands there twice.
    """
    found = _found(recognised, columns)
    twice = [recognised.headers[at[0]] for at in found.values() if len(at) > 1]
    if twice:
        raise UnreadableFile(
            "header_twice",
            f"these columns stand in the file more than once: {_listed(twice)}",
            "Keep one of each and send the file again.",
        )
    missing = [c.headers[0] for c in columns if c.name not in found and not c.may_be_absent]
    if missing:
        raise UnreadableFile(
            "header_missing",
            f"it looks like “{recognised.contract.title}”, but these columns are missing: {_listed(missing)}",
            f"Export it again with them. The header row that was found reads: {_listed(recognised.headers)}.",
        )
    return {column: at[0] for column, at in found.items()}


def _found(recognised: Recognised, columns: list[Column]) -> dict[str, list[int]]:
    contract, headers = recognised.contract, recognised.headers
    by_header = header_positions(headers)
    found: dict[str, list[int]] = {}
    for column in columns:
        # Of several headers that mean the column, the contract's order says which one counts.
        at = next((by_header[n] for h in column.headers if (n := normalise_header(h)) in by_header), None)
        if at is not None:
            found[column.name] = at
    if contract.survey is not None:
        found.update(match_items(load_instruments()[contract.survey.instrument], headers))
    return found


def _listed(headers: list[str]) -> str:
    shown = [f"“{' '.join(header.split())[:60]}”" for header in headers if header.strip()]
    return ", ".join(shown[:25]) + (f" and {len(shown) - 25} more" if len(shown) > 25 else "")


def _unknown_headers(file: _File) -> list[Finding]:
    """A header that nothing reads is said once, not per row."""
    assert file.recognised is not None
    known = {p for at in _found(file.recognised, file_columns(file.contract)).values() for p in at}
    ignored = {normalise_header(header) for header in file.contract.ignored_headers}
    return [
        Finding(
            dataset=file.contract.dataset,
            file_name=str(file.file_name),
            vintage_id=file.vintage_id,
            sheet=file.recognised.sheet.name,
            source_row=None,
            column_name=header,
            rule="unknown_column",
            value=None,
            message="nothing reads this column, and it was not kept",
            remedy="Nothing to do, unless it is a new or reworded question: then add the wording to the instrument."
            if file.contract.survey
            else "Nothing to do, unless the column matters: then add it to the dataset's contract.",
            severity="warning",
        )
        for position, header in enumerate(file.recognised.headers)
        if header.strip() and position not in known and normalise_header(header) not in ignored
    ]


def _context(file: _File, rules: _Rules) -> dict[str, int]:
    """The values that belong to the whole file.

    Raises:
        UnreadableFile: nothing says one of them, or the path says one thing and the rows another.
    """
    return {context.name: _context_value(file, context.name, rules) for context in file.contract.context}


def _context_value(file: _File, key: str, rules: _Rules) -> int:
    context = next(c for c in file.contract.context if c.name == key)
    said = from_path(context, file.file_name)
    held = _most_frequent_year(file, context.from_column) if context.from_column else None
    if said is not None and held is not None and said != held:
        raise UnreadableFile(
            "year_contradicts",
            f"its name or folder says the year ending 31 March {said}, but most of its dates fall in the year ending "
            f"31 March {held}",
            "Put the file into the right folder or give it the right name; if the dates are wrong, correct them.",
        )
    value = said if said is not None else held
    if value is None and context.from_companion is not None:
        value = rules.companion(str(file.file_name.parent), context.from_companion, key)
    if value is None:
        beside = f", or put it beside its {context.from_companion} file" if context.from_companion else ""
        raise UnreadableFile(
            f"{key}_not_known",
            f"nothing says which {key.replace('_', ' ')} it is of",
            f"Write {describe(context)} into its file or folder name{beside}.",
        )
    return value


def _most_frequent_year(file: _File, column_name: str) -> int | None:
    """The calendar year in which the financial year ends that most of a column's dates fall in."""
    assert file.recognised is not None
    column = next(c for c in file.contract.columns if c.name == column_name)
    position = _positions(file.recognised, file_columns(file.contract))[column_name]
    day = typed_sql(cell_text(f"c{position}"), column)
    with duckdb.connect() as con:
        _read(
            con,
            file.recognised.sheet,
            file.recognised.header_row,
            f"""create temp table years as
            select year(day) + (month(day) > 3)::integer as year_end
            from (select {day} as day from reader) where day is not null""",
        )
        row = con.execute(
            "select year_end from years group by all order by count(*) desc, year_end desc limit 1"
        ).fetchone()
    return int(row[0]) if row else None


def _resolve(
    con: duckdb.DuckDBPyConnection, contract: Contract, columns: list[Column], source: Source, rules: _Rules
) -> None:
    """Make the lookup tables: pseudonyms, organisations, postcodes, scores."""
    register: Register | None = None
    for column in columns:
        if column.personal == "pseudonymise":
            scope = "".join(f"{k}={v}|" for k, v in source.context.items()) if column.per_submission else ""
            texts = _distinct(con, column, source)
            _lookup(
                con, source, column.name, texts, [rules.key.pseudonym(column.domain or "", scope + t) for t in texts]
            )
        elif column.type == "organisation":
            register = register or read_register(rules.home)
            texts = _distinct(con, column, source)
            resolved = [register.resolve(text) if rules.home else text for text in texts]
            _lookup(con, source, column.name, texts, resolved)
            source.suggestions[column.name] = {
                text: register.suggest(text) for text, found in zip(texts, resolved, strict=True) if found is None
            }
    _locate(con, columns, source, rules)
    if contract.survey is not None:
        _score(con, load_instruments()[contract.survey.instrument], source)


def _distinct(con: duckdb.DuckDBPyConnection, column: Column, source: Source) -> list[str]:
    position = source.positions.get(column.name)
    if position is None:
        return []
    rows = con.execute(
        f"select distinct {cell_text(f'c{position}')} as cell from raw where cell is not null order by cell"
    ).fetchall()
    return [row[0] for row in rows]


def _lookup(
    con: duckdb.DuckDBPyConnection, source: Source, column: str, keys: list[str], resolved: list[str] | list[str | None]
) -> None:
    source.lookups[column] = name(f"lookup_of_{column}")
    _make_table(
        con,
        source.lookups[column],
        pa.table({"key": pa.array(keys, pa.string()), "resolved": pa.array(resolved, pa.string())}),
    )


def _make_table(con: duckdb.DuckDBPyConnection, table: str, entries: pa.Table) -> None:
    con.register("entries", entries)
    con.execute(f"create temp table {table} as select * from entries")
    con.unregister("entries")


def _locate(con: duckdb.DuckDBPyConnection, columns: list[Column], source: Source, rules: _Rules) -> None:
    postcodes = [c for c in columns if c.type == "postcode"]
    if not postcodes:
        return
    cells = " union ".join(
        f"select {normalise_postcode_sql(f'c{source.positions[c.name]}')} as postcode_key from raw"
        for c in postcodes
        if c.name in source.positions
    )
    con.execute(f"create temp table postcode_keys as select * from ({cells}) where postcode_key <> ''")
    located = postcode_table(con, rules.home, "postcode_keys")
    for column in postcodes:
        position = source.positions.get(column.name)
        cell = "null::varchar" if position is None else cell_text(f"c{position}")
        source.lookups[column.name] = name(f"lookup_of_{column.name}")
        con.execute(
            f"""create temp table {source.lookups[column.name]} as
            select cells.key, located.* exclude (postcode_key)
            from (select distinct {cell} as key from raw) as cells
            join {located} as located on located.postcode_key = {normalise_postcode_sql("cells.key")}"""
        )


def _pseudonymise_derived(splitter: Splitter, rules: _Rules) -> None:
    """Lookup tables for derived columns that land as pseudonyms, made once the rows are split."""
    for derived in splitter.contract.derived:
        if derived.pseudonymise:
            rows = splitter.con.execute(
                f"select distinct {name(derived.name)} as text from good where text is not null order by text"
            ).fetchall()
            texts = [row[0] for row in rows]
            pseudonyms = [rules.key.pseudonym(derived.pseudonymise, text) for text in texts]
            _lookup(splitter.con, splitter.source, derived.name, texts, pseudonyms)


def _score(con: duckdb.DuckDBPyConnection, instrument: Instrument, source: Source) -> None:
    scores = [(i.item_id, answer, score) for i in instrument.items for answer, score in instrument.scores(i).items()]
    entries = pa.table(
        {
            "item_id": pa.array([row[0] for row in scores]),
            "answer": pa.array([row[1] for row in scores]),
            "score": pa.array([row[2] for row in scores], pa.int64()),
        }
    )
    source.scores = "answer_scores"
    _make_table(con, source.scores, entries)


# --- the inbox ---------------------------------------------------------------------------------------------------


def _in_order(home: Home, ledger: Ledger, rules: _Rules) -> Iterator[_File]:
    """The files of the inbox, those first that others are checked against, then in the order they arrived.

    A file that is as it was last seen is not opened: what it is stands in the ledger.
    """
    order = {dataset: place for place, dataset in enumerate(rules.contracts)}
    waiting: list[tuple[int, int, str, _File]] = []
    for path in sorted(p for p in home.inbox.rglob("*") if _is_submission(p, home.inbox)):
        file = _File(path, _printable(path.relative_to(home.inbox)), "")
        try:
            stat = path.stat()
        except FileNotFoundError:
            # Taken away since the inbox was listed.
            continue
        file.size, file.modified_ns = stat.st_size, stat.st_mtime_ns
        seen = ledger.last_seen(str(file.file_name))
        if seen is not None and (seen.size, seen.modified_ns) == (file.size, file.modified_ns):
            file.content_sha256, file.dataset = seen.content_sha256, seen.dataset
        else:
            file.content_sha256 = _sha256_of(file)
            file.dataset = _dataset_of(file, rules)
        waiting.append((order.get(file.dataset or "", -1), file.modified_ns, str(file.file_name), file))
    for *_, file in sorted(waiting, key=lambda entry: entry[:3]):
        yield file


def _is_submission(path: Path, inbox: Path) -> bool:
    """A file that someone sent, and not one that a program left beside it while it had it open."""
    hidden = any(part.startswith((".", "~$")) for part in path.relative_to(inbox).parts)
    return not hidden and path.is_file()


def _dataset_of(file: _File, rules: _Rules) -> str | None:
    try:
        _recognise(file, rules)
    except UnreadableFile:
        return None
    return file.contract.dataset


def _sha256_of(file: _File) -> str:
    try:
        return _sha256(file.path)
    except OSError:
        # What it holds is not known: it is refused under its name, and hashed again by the next run.
        file.size = -1
        return hashlib.sha256(f"not opened: {file.file_name}".encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name_below_inbox(path: Path, home: Home | None) -> PurePosixPath:
    """The path as the ledger would write it; outside an inbox, the file with the folders above it."""
    absolute = path.resolve()
    if home is not None and absolute.is_relative_to(inbox := home.inbox.resolve()):
        return _printable(absolute.relative_to(inbox))
    return _printable(path)


def _printable(path: Path) -> PurePosixPath:
    """The path as text; bytes of a name that are no text, such as those of an old file system, are spelt out."""
    return PurePosixPath(os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace"))


def _land_empty_files(home: Home, contracts: dict[str, Contract]) -> None:
    """A file of no rows per dataset, so that a source without data is an empty table and not an error."""
    with duckdb.connect() as con:
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
