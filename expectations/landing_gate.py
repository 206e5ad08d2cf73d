"""How landed batches are laid out for their checks, and how a failure finds the batch that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy.exc

from expectations.batches import batch_checks, file_checks, own_survey_checks
from expectations.checks import Check, Outcome, asking, landed_since, literal, name
from expectations.results import CheckResult, GateError
from expectations.suites import landed_checks
from ingestion.contracts import load_contracts
from ingestion.home import Home
from ingestion.instruments import load_own_instruments

if TYPE_CHECKING:
    from expectations.validation import Validation

#: Rows, distinct rows of the source file, columns, and why the file could not be read.
_Facts = tuple[int | None, int | None, list[dict[str, Any]] | None, str | None]

#: How many of the things that break a rule a message names.
EXAMPLES = 3

#: Up to here the rows are read into memory once; beyond it, every check reads the columns it needs from the files.
MOST_ROWS_COPIED = 1_000_000

#: What the gate needs of the ledger's export, with the types it has there.
LEDGER_COLUMNS = {
    "dataset": "varchar",
    "vintage_id": "varchar",
    "file_name": "varchar",
    "submission": "varchar",
    "status": "varchar",
    "gate": "varchar",
    "sequence": "bigint",
    "rows_read": "bigint",
    "rows_landed": "bigint",
    "rows_quarantined": "bigint",
    "rows_dropped": "bigint",
    "received_at": "timestamp",
    "is_current": "boolean",
    "contract_version": "bigint",
}

#: The register of organisations.
REGISTER = "organisations"

#: What checks compare a batch with: name → dataset whose landed files it comes from, and the columns it has.
COMPANIONS = {
    "registered_organisations": (REGISTER, {"organisation_id": "varchar"}),
    "landed_rolls": ("pupils_on_roll", {"school_id": "varchar"}),
    "landed_header": ("ssda903_header", {"collection_year": "bigint", "child_id": "varchar"}),
    "landed_episodes": ("ssda903_episodes", {"collection_year": "bigint", "child_id": "varchar"}),
    "landed_courses": ("training_courses", {"course": "varchar"}),
    "landed_course_aliases": ("training_courses", {"aliases": "varchar[]"}),
    "landed_activities": (
        "moodle_activity_progress",
        {"course_short_name": "varchar", "person_id": "varchar", "completion_state": "varchar"},
    ),
}

#: Which tables of the reference data say where the home lies.
REFERENCE_TABLES = ("authorities", "regions")


class LandingGate:
    """Lays out the batches of one call and validates them dataset by dataset.

    Tables it makes: ``facts`` and, of the vintages being looked at, ``files`` (one row per file) and ``landed`` (their
    rows, with the vintage whose file they lie in as ``file_vintage_id``, and null in a column that began to land after
    them). Checks on such a column look at ``landed_since_<version>``, the rows of the files that can have it.
    """

    def __init__(
        self,
        validation: Validation,
        home: Home,
        vintages: Mapping[str, Sequence[str]],
        ledger: pa.Table | None = None,
    ) -> None:
        """Read the ledger and the columns of every file; rows are read only by the checks."""
        self.validation, self.home = validation, home
        self._described: dict[str, dict[str, str]] = {}
        self._lay_out_ledger(ledger)
        self._lay_out_facts(vintages)
        self._lay_out_home()
        self._lay_out_names()
        for companion, (dataset, columns) in COMPANIONS.items():
            self._lay_out_companion(companion, dataset, columns)

    def results(self, dataset: str, vintages: Sequence[str]) -> list[CheckResult]:
        """The results of one dataset, every error attributed to one vintage.

        Raises:
            GateError: a check failed over several batches and over none of them alone.
        """
        outcomes = self._look_at(dataset, vintages)
        if len(vintages) == 1:
            return self._reported(dataset, outcomes, vintages[0])
        failed = [(table, outcome) for table, outcome in outcomes if outcome.blocks]
        if not failed:
            return self._reported(dataset, outcomes, None)
        named = {vintage for table, outcome in failed for vintage in self._vintages_named(table, outcome)}
        # Where a check could not be run at all, each batch has to pass alone.
        suspects = [vintage for vintage in vintages if vintage in named] or list(vintages)
        results = [result for vintage in suspects for result in self.results(dataset, [vintage])]
        if not any(result.blocks for result in results):
            rules = ", ".join(outcome.check.rule for _, outcome in failed)
            raise GateError(
                f"{dataset}: {rules} failed over {len(vintages)} batches together and over none of them alone. "
                "A rule about landed rows must hold within one batch: correct the check."
            )
        rest = [vintage for vintage in vintages if vintage not in suspects]
        return results + (self.results(dataset, rest) if rest else [])

    def _look_at(self, dataset: str, vintages: Sequence[str]) -> list[tuple[str, Outcome]]:
        """Validate the files, then the rows of those files whose columns and rows are there."""
        listed = ", ".join(literal(vintage) for vintage in vintages)
        version = load_contracts()[dataset].version
        # By what is known here a file of a later version may well be wrong; every message about it says whose it is.
        of_later_release = (
            f"if(contract_version > {version}, ' (landed by a later release than this one, under version '"
            f" || contract_version || ' of the contract, which is here of version {version})', '')"
        )
        self.validation.execute(
            "create or replace table files as select facts.*,"
            f" coalesce(ledger.file_name || {of_later_release}, facts.vintage_id) as file_name,"
            f" coalesce(contract_version, {version}) as contract_version,"
            " rows_read, rows_landed, rows_quarantined, rows_dropped, received_at, replaced_file_name, replaced_rows"
            " from facts left join (select * exclude (dataset) from ledger) as ledger using (vintage_id)"
            " left join replaced using (vintage_id)"
            f" where facts.dataset = {literal(dataset)} and vintage_id in ({listed})"
        )
        rows = int(self.validation.execute("select coalesce(sum(rows_in_file), 0)::bigint from files")[0][0])
        # Counted in rows like all the others, not in files.
        outcomes = [
            ("files", replace(outcome, rows_checked=rows))
            for outcome in self.validation.run("files", file_checks(dataset))
        ]
        unusable = {v for table, o in outcomes if o.blocks for v in self._vintages_named(table, o)}
        usable = [vintage for vintage in vintages if vintage not in unusable]
        if usable:
            self._lay_out_rows(dataset, usable, rows)
            outcomes += self._look_at_rows(dataset, usable)
        return outcomes

    def _look_at_rows(self, dataset: str, vintages: Sequence[str]) -> list[tuple[str, Outcome]]:
        checks: dict[int, list[Check]] = {}
        for check in rows_checks(self.home, dataset):
            checks.setdefault(check.since, []).append(check)
        outcomes = []
        for version, of_version in sorted(checks.items()):
            table = "landed"
            if version > 1:
                if not self._are_of(version, vintages):
                    continue
                table = f"landed_since_{version}"
                self.validation.execute(
                    f"create or replace view {table} as select * from landed where {landed_since(version)}"
                )
            outcomes += [(table, outcome) for outcome in self.validation.run(table, of_version)]
        return outcomes

    def _are_of(self, version: int, vintages: Sequence[str]) -> bool:
        """Whether any of the files landed under a version of the contract, or a later one."""
        listed = ", ".join(literal(vintage) for vintage in vintages)
        ((are_there,),) = self.validation.execute(
            f"select count(*) > 0 from files where contract_version >= {version} and vintage_id in ({listed})"
        )
        return bool(are_there)

    def _reported(
        self, dataset: str, outcomes: Sequence[tuple[str, Outcome]], vintage_id: str | None
    ) -> list[CheckResult]:
        # A check that had no rows to look at has proved nothing, so it is not reported as passed: `has_rows` fails.
        return [
            outcome.result("landed", dataset, self._examples(table, outcome), vintage_id)
            for table, outcome in outcomes
            if outcome.rows_checked > 0 or not outcome.passed
        ]

    def _vintages_named(self, table: str, outcome: Outcome) -> set[str]:
        if outcome.trouble is not None:
            return set()
        rows = self.validation.execute(
            f"with checked as (select * from {table}) select distinct vintage_id from ({outcome.check.sql}) as broken"
        )
        return {row[0] for row in rows}

    def _examples(self, table: str, outcome: Outcome) -> list[str]:
        if outcome.passed or outcome.trouble is not None:
            return []
        rows = self.validation.execute(
            f"with checked as (select * from {table})"
            " select file_name, coalesce(detail, 'a row without number')"
            f" from (select distinct vintage_id, detail from ({outcome.check.sql}) as broken)"
            " left join (select vintage_id, file_name from files) as named using (vintage_id)"
            f" order by file_name, length(detail), detail limit {EXAMPLES}"
        )
        return [f"{file_name}, {detail}" for file_name, detail in rows]

    # --- layout ------------------------------------------------------------------------------------------------------

    def _path(self, dataset: str, vintage_id: str) -> Path:
        return self.home.landing / dataset / f"{vintage_id}.parquet"

    def _lay_out_ledger(self, ledger: pa.Table | None) -> None:
        exported = self.home.landing / "source_files.parquet"
        columns = list(LEDGER_COLUMNS)
        if ledger is None and exported.is_file():
            ledger = pq.read_table(exported, columns=columns)
        # Without one every batch fails for not being in the ledger, which is what there is to say.
        self.validation.execute(f"create table ledger ({_typed(LEDGER_COLUMNS)})")
        if ledger is not None:
            self.validation.look_up("exported", ledger)
            self.validation.execute(f"insert into ledger select {', '.join(columns)} from exported")
        # Where files add to each other the file itself is the submission.
        self.validation.execute(
            "create table replaced as"
            " select vintage_id, lag(file_name) over received as replaced_file_name,"
            " lag(rows_landed) over received as replaced_rows"
            " from ledger where status = 'landed' and coalesce(gate, '') <> 'rejected'"
            " window received as (partition by dataset, coalesce(nullif(submission, ''), file_name) order by sequence)"
        )

    def _lay_out_home(self) -> None:
        """The home's own authority, with its region and country where the reference data name them."""
        own = literal(self.home.settings.authority)
        authorities, regions = (self.home.landing / "reference" / f"{table}.parquet" for table in REFERENCE_TABLES)
        self.validation.execute(f"create table home_areas as select {own} as area_code, 'authority' as level")
        if authorities.is_file() and regions.is_file():
            self.validation.execute(
                "insert into home_areas"
                " select distinct unnest([region_code, country_code]), unnest(['region', 'country'])"
                f" from read_parquet({literal(str(authorities))}) as authorities"
                f" join read_parquet({literal(str(regions))}) as regions using (region_code)"
                f" where area_code = {own}"
            )

    def _lay_out_names(self) -> None:
        """Every name under which an organisation is registered, as names are compared: without regard to case."""
        columns = {"organisation_id": "varchar", "organisation_name": "varchar", "aliases": "varchar[]"}
        self._lay_out_companion("registered", REGISTER, columns, complete=False)
        self.validation.execute(
            "create table registered_names as"
            " select distinct lower(trim(regexp_replace(name, '\\s+', ' ', 'g'))) as known_as"
            " from (select unnest(list_concat([organisation_id, organisation_name], aliases)) as name from registered)"
            " where name is not null"
        )

    def _lay_out_facts(self, vintages: Mapping[str, Sequence[str]]) -> None:
        self.validation.execute(
            "create table facts (dataset varchar, vintage_id varchar, rows_in_file bigint, source_rows bigint,"
            " columns struct(name varchar, kind varchar, place bigint)[], trouble varchar)"
        )
        facts = []
        for dataset, ids in vintages.items():
            told = self._facts({vintage_id: self._path(dataset, vintage_id) for vintage_id in ids})
            facts += [(dataset, vintage_id, *told[vintage_id]) for vintage_id in ids]
        if facts:
            rows = ", ".join("(?, ?, ?, ?, ?, ?)" for _ in facts)
            self.validation.execute(f"insert into facts values {rows}", [value for row in facts for value in row])

    def _facts(self, paths: Mapping[str, Path]) -> dict[str, _Facts]:
        """Of each file its rows, distinct rows of the source file, columns, and why it could not be read.

        Args:
            paths: vintage → its file; those with the same columns are counted in one query, unless one is damaged.
        """
        facts: dict[str, _Facts] = {}
        alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for vintage_id, path in paths.items():
            if not path.is_file():
                facts[vintage_id] = (None, None, None, "the landed file is missing")
                continue
            try:
                alike.setdefault(tuple(self._columns(path).items()), []).append(vintage_id)
            except sqlalchemy.exc.DBAPIError as error:
                facts[vintage_id] = _unreadable(error)
        for columns, vintages in alike.items():
            listed = [{"name": c, "kind": kind, "place": place} for place, (c, kind) in enumerate(columns, start=1)]
            has_source_rows = "source_row" in dict(columns)
            try:
                counts = self._counts([paths[vintage_id] for vintage_id in vintages], has_source_rows)
            except sqlalchemy.exc.DBAPIError as error:
                if len(vintages) == 1:
                    facts[vintages[0]] = _unreadable(error)
                else:
                    for vintage_id in vintages:
                        facts |= self._facts({vintage_id: paths[vintage_id]})
                continue
            for vintage_id in vintages:
                facts[vintage_id] = (*counts.get(vintage_id, (0, 0 if has_source_rows else None)), listed, None)
        return facts

    def _counts(self, paths: Sequence[Path], has_source_rows: bool) -> dict[str, tuple[int, int | None]]:
        """Rows and distinct rows of the source file, by vintage; without one that has no rows."""
        distinct = "count(distinct source_row)" if has_source_rows else "null::bigint"
        counted = self.validation.execute(
            f"select parse_filename(filename, true), count(*), {distinct}"
            f" from read_parquet([{', '.join(literal(str(path)) for path in paths)}], filename = true) group by 1"
        )
        return {vintage_id: (rows, source_rows) for vintage_id, rows, source_rows in counted}

    def _columns(self, path: Path) -> dict[str, str]:
        """The columns of a file with their types; files written with the same schema are described once."""
        schema = _schema(path)
        if schema is None or schema not in self._described:
            described = self.validation.execute(f"describe select * from read_parquet({literal(str(path))})")
            self._described[schema or str(path)] = {row[0]: row[1] for row in described}
        return self._described[schema or str(path)]

    def _lay_out_rows(self, dataset: str, vintages: Sequence[str], rows: int) -> None:
        paths = [self._path(dataset, vintage) for vintage in vintages]
        # Their columns are those of the contract; only what began to land later is not in all of them.
        options = "filename = 'gate_path'"
        if load_contracts()[dataset].since():
            options += ", union_by_name = true"
        source = (
            "select parse_filename(gate_path, true) as file_vintage_id, * exclude (gate_path)"
            f" from {_together(dataset, paths, options)}"
        )
        if rows <= MOST_ROWS_COPIED:
            self.validation.execute(f"create or replace table copied as {source}")
            source = "select * from copied"
        self.validation.execute(f"create or replace view landed as {source}")

    def _lay_out_companion(
        self, companion: str, dataset: str, columns: Mapping[str, str], *, complete: bool = True
    ) -> None:
        # What has been replaced lies there still, and says nothing any more.
        in_force = dict(self.validation.execute("select vintage_id, contract_version from ledger where is_current"))
        paths = [path for path in sorted((self.home.landing / dataset).glob("*.parquet")) if path.stem in in_force]
        contract = load_contracts()[dataset]
        # What landed before a column did has nothing in it, and says the rest all the same.
        paths = [
            path
            for path in paths
            if self._has(path, columns.keys() & contract.landed_columns(in_force[path.stem] or contract.version))
        ]
        if not paths:
            self.validation.execute(f"create table {companion} ({_typed(columns)})")
            return
        self.validation.execute(
            f"create table {companion} as select distinct {', '.join(columns)}"
            f" from {_together(dataset, paths, 'union_by_name = true')}"
            # One missing value would make every comparison with the whole list unknown, and so let everything pass.
            + (f" where {' and '.join(f'{column} is not null' for column in columns)}" if complete else "")
        )

    def _has(self, path: Path, columns: Iterable[str]) -> bool:
        """Whether a landed file can be compared with; one that cannot be read is rejected by its own gate."""
        try:
            return set(columns) <= self._columns(path).keys()
        except sqlalchemy.exc.DBAPIError:
            return False


def companions(home: Home, dataset: str) -> frozenset[str]:
    """The datasets whose landed rows the checks on another one look at beside its own."""
    tables = {"registered_names": REGISTER, **{table: of for table, (of, _) in COMPANIONS.items()}}
    words = {word for check in rows_checks(home, dataset) for word in re.findall(r"\w+", check.sql)}
    return frozenset(of for table, of in tables.items() if table in words)


def rows_checks(home: Home, dataset: str) -> tuple[Check, ...]:
    """The checks on the landed rows of a dataset, with what the home's own instruments demand of answers to them."""
    contract = load_contracts()[dataset]
    takes_own = contract.survey is not None and contract.survey.instrument is None
    own = own_survey_checks(load_own_instruments(home)) if takes_own else ()
    return (*landed_checks(dataset), *batch_checks(dataset), *(asking(check, contract.since()) for check in own))


def _together(dataset: str, paths: Iterable[Path], options: str) -> str:
    """The rows of landed files of a dataset as an SQL source, with every column of its contract.

    Args:
        dataset: whose files they are.
        paths: the files.
        options: what else ``read_parquet`` is told.
    """
    contract = load_contracts()[dataset]
    read = f"read_parquet([{', '.join(literal(str(path)) for path in paths)}], {options})"
    types = contract.landed_columns()
    later = ", ".join(f"null::{types[column]} as {name(column)}" for column in contract.since())
    # Of a column that none of the files has yet, the type and no row.
    return f"(from {read} union all by name select {later} where false)" if later else read


def _typed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{column} {kind}" for column, kind in columns.items())


def _schema(path: Path) -> str | None:
    """The Parquet schema of a file as text; None where it cannot be read, of which DuckDB says why."""
    try:
        # The first line names an object in memory.
        return str(pq.read_metadata(path).schema).partition("\n")[2]
    except (OSError, pa.ArrowException):
        return None


def _unreadable(error: sqlalchemy.exc.DBAPIError) -> _Facts:
    return None, None, None, f"the landed file cannot be read ({str(error.orig).splitlines()[0]})"
