"""The tables of a publication: every mart as it is, the ledger of files and the results of checks.

Tables are staged in a DuckDB connection in memory, each in one total order of its rows, so that the same content
always makes the same bytes. Only the schema ``marts`` of the warehouse is read: what is unsuppressed lives elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from expectations.file_rules import file_concerns
from expectations.marts import published_sources
from expectations.results import CheckResult
from ingestion.contracts import load_contracts
from ingestion.home import Home
from ingestion.reference.layout import to_arrow
from ingestion.registry.layout import DECISIONS
from ingestion.registry.tables import load_registry
from ingestion.sql import literal
from ingestion.sql import name as quoted
from publishing import check_history, versions
from publishing.check_history import State, states
from publishing.errors import PublicationError

#: Marts that a publication must have; a table that went missing is not news that readers should find out.
REQUIRED_MARTS = (
    "indicators",
    "framework_nodes",
    "framework_links",
    "indicator_nodes",
    "indicator_values",
    "value_vintages",
    "comparisons",
    "control_limits",
    "inequalities",
    "node_status",
    "inputs",
    "activities",
    "short_term_outcomes",
    "medium_term_outcomes",
    "long_term_outcomes",
    "national_outcomes",
    "theory_of_change",
    "feature_outcomes",
    "change_journey",
    "measurement_framework",
    "areas",
    "organisations",
    "sectors",
    "periods",
    "expected_submissions",
)

#: Tables that the publication itself writes.
RECORDS = ("source_files", "data_quality", "check_history", "accepted_changes", "versions")

_SOURCE_FILES = (
    "One row per file vintage ever received: a file with one content. A corrected file is a new vintage.",
    {
        "dataset": "Dataset the file was recognised as; null where it was not recognised.",
        "file_name": "Name of the file, relative to the inbox.",
        "vintage_id": "Identifier of the file's content.",
        "status": "landed, refused (could not be used; see message) or not_needed (no indicator rests on it).",
        "contract_version": "Version of the dataset's contract by which the file was read.",
        "rows_status": "c where the file holds so few people that no number of rows is shown, else ok.",
        "rows_read": "Rows in the file; always landed + quarantined + dropped.",
        "rows_landed": "Rows that passed on.",
        "rows_quarantined": "Rows set aside because they break a rule of the dataset.",
        "rows_dropped": "Rows left out by a stated rule: a preview, a duplicate.",
        "rows_corrected": "Rows of which a listed correction changed a cell, wherever they went.",
        "received_at": "When the file was first seen, UTC.",
        "landed_at": "When its rows landed, UTC; null where none did.",
        "is_current": "True while the published figures rest on this vintage; false once replaced or rejected.",
        "message": "Why a file was refused or rejected or is not needed, and what to do; null otherwise.",
        "retired_at": "When its rows were deleted because their time was up, UTC; null while they are kept. Figures of "
        "a file in force stay as they were counted.",
    },
)

_DATA_QUALITY = (
    "One row per check of the data: rules on rows as files arrive, checks of landed batches, of models and of marts.",
    {
        "stage": "Where the check stands: files, landed, models or marts.",
        "dataset": "Dataset or table that was checked; null where a file was not recognised.",
        "rule": "Name of the check.",
        "description": "What must hold, in a sentence.",
        "severity": "error: rows are set aside, a batch rejected or a publication stopped. warning: data kept.",
        "result": "passed or failed.",
        "rows_checked": "Rows that were looked at; null where that could tell how many people a small file holds.",
        "rows_failed": "What breaks the rule: rows, or the columns or files that it is about; null for 1 to 5 people.",
        "vintage_id": "File vintage that was checked; null where the check covers a table or several files.",
        "message": "What was found and what to do; null where it passed.",
        "owner": "Role whose matter a failure is: data supplier, data engineer, analyst or disclosure officer.",
        "reason": "Why the check matters.",
        "remedy": "What an operator does about a failure.",
    },
)

_ACCEPTED_CHANGES = (
    "One row per change of published figures that a check stopped and somebody accepted.",
    {
        "change_id": "Identifier of the change: of the publication before it and of exactly what changed.",
        "rule": "The check that stopped it: nothing_vanished or nothing_moved.",
        "indicator_id": "Indicator whose figures changed.",
        "source_dataset": "Source of the figures.",
        "figures": "How many published figures changed.",
        "summary": "What changed, with the figure that changed most.",
        "reason": "Why the new figures are right.",
        "decided_by": "Role of whoever said so.",
        "decided_date": "When it was accepted.",
    },
)

_ACCEPTED = DECISIONS["accepted_changes"]
#: How a formula begins. A sign before nothing but a number, as in -5 or +3.2 %, is no formula.
_FORMULA = r"(?s)^[=@\t\r]|^[+-].*[^0-9.,% +-]"

_CHECK_TYPES = {
    "stage": "VARCHAR",
    "dataset": "VARCHAR",
    "rule": "VARCHAR",
    "description": "VARCHAR",
    "severity": "VARCHAR",
    "passed": "BOOLEAN",
    "rows_checked": "BIGINT",
    "rows_failed": "BIGINT",
    "vintage_id": "VARCHAR",
    "message": "VARCHAR",
    "owner": "VARCHAR",
    "reason": "VARCHAR",
    "remedy": "VARCHAR",
}

#: So few people are a secret; a file that reads or lands as many rows shows no number of them.
_FEW_PEOPLE = 5
_FEW = f"1 to {_FEW_PEOPLE}"
#: Over the ledger: a file of a dataset about people, with so few rows that they are a count of persons.
_IS_SMALL = f"""(
    (dataset is null or dataset not in (select unnest($about_nobody)))
    and (coalesce(rows_read, 0) between 1 and {_FEW_PEOPLE} or coalesce(rows_landed, 0) between 1 and {_FEW_PEOPLE})
)"""
_WITHOUT_SHARE = "regexp_replace(message, '[0-9,]+ of [0-9,]+ rows', 'too many rows')"
_IS_FEW_PEOPLE = (
    f"(row_count between 1 and {_FEW_PEOPLE}"
    " and (findings_by_rule.dataset is null or findings_by_rule.dataset not in (select unnest($about_nobody))))"
)

# Findings about files that a corrected file has replaced are history, and stay in the home's quarantine: the table says
# what is wrong with the data in force. Values and messages of findings quote what was found, so neither is published.
_DATA_QUALITY_SQL = f"""
with checks as (
    select unnest(from_json($checks::json, $types), recursive := true)
),

concerns as (
    select unnest(from_json($concerns::json, $concern_types), recursive := true)
),

files as (
    select *, {_IS_SMALL} as is_small from read_parquet($source_files)
),

standing_files as (
    select *
    from files
    where is_current
        or (
            (status = 'refused' or gate = 'rejected')
            and not exists (
                select 1
                from files as newer
                where newer.file_name = files.file_name
                    and newer.sequence > files.sequence
            )
        )
),

rows_by_dataset as (
    select dataset, sum(rows_read)::bigint as rows_read
    from standing_files
    group by dataset
),

findings as (
    select *
    from read_parquet($findings)
    where vintage_id in (select vintage_id from standing_files)
),

findings_by_rule as (
    select
        dataset,
        rule,
        severity,
        count(distinct (vintage_id, sheet, source_row)) filter (source_row is not null) as row_count,
        count(distinct vintage_id) filter (source_row is not null) as row_file_count,
        count(distinct vintage_id) filter (source_row is null) as whole_file_count
    from findings
    group by dataset, rule, severity
),

findings_as_checks as (
    select
        'files' as stage,
        findings_by_rule.dataset,
        rule,
        format('Every row and file that arrives keeps the rule {{}}.', rule) as description,
        severity,
        'failed' as result,
        coalesce(rows_read, 0) as rows_checked,
        row_count + whole_file_count as rows_failed,
        null::varchar as vintage_id,
        concat_ws(
            '; ',
            case when row_count > 0 then format(
                '{{}} row{{}} of {{}} file{{}} {{}}',
                if({_IS_FEW_PEOPLE}, '{_FEW}', row_count::varchar), if(row_count = 1 and not {_IS_FEW_PEOPLE}, '', 's'),
                row_file_count, if(row_file_count = 1, '', 's'),
                if(severity = 'error', 'set aside in quarantine', 'kept with a warning')
            ) end,
            case when whole_file_count > 0 then format(
                '{{}} file{{}} {{}}',
                whole_file_count, if(whole_file_count = 1, '', 's'),
                if(severity = 'error', 'could not be used', 'used with a warning')
            ) end
        ) || '. `impact check` on the file says which rows and what to do.' as message,
        {_IS_FEW_PEOPLE} as is_few,
        coalesce(named.owner, otherwise.owner) as owner,
        coalesce(named.reason, otherwise.reason) as reason,
        coalesce(named.remedy, otherwise.remedy) as remedy
    from findings_by_rule
    left join rows_by_dataset on rows_by_dataset.dataset is not distinct from findings_by_rule.dataset
    left join concerns as named on named.rule_name = findings_by_rule.rule
    left join concerns as otherwise
        on otherwise.rule_name = if(row_count > 0, 'any_row', 'any_file')
),

-- Checks that name rows are about people; others about columns or whole files.
gate_checks as (
    select
        stage, dataset, rule, description, severity, if(passed, 'passed', 'failed') as result,
        rows_checked, rows_failed, vintage_id, message, owner, reason, remedy,
        rows_failed between 1 and {_FEW_PEOPLE} and case stage
            when 'landed'
                then dataset not in (select unnest($about_nobody))
                    and coalesce(regexp_matches(message, ': rows? [0-9]'), false)
            when 'models' then regexp_matches(dataset, '^(stg|int)_')
            else false
        end as is_few
    from checks
),

stated as (
    select * from gate_checks
    union all by name
    select * from findings_as_checks
),

counted as (
    select
        *,
        case
            when stage = 'marts' then rows_checked
            when stage = 'models' and not regexp_matches(dataset, '^(stg|int)_') then rows_checked
            when dataset in (select unnest($about_nobody)) then rows_checked
            when rows_checked between 1 and {_FEW_PEOPLE} then null
            -- The whole less the files that are shown would be the file that is not.
            when stage = 'models' and exists (select 1 from standing_files where is_small) then null
            when exists (
                select 1 from standing_files as small
                where small.is_small and small.dataset is not distinct from stated.dataset
            ) then null
            else rows_checked
        end as shown_rows_checked
    from stated
)

select
    stage, dataset, rule, description, severity, result,
    shown_rows_checked as rows_checked,
    case when not is_few then rows_failed end as rows_failed,
    vintage_id,
    case
        when is_few and stage <> 'files'
            then 'Found in {_FEW} rows. `impact check` on the file says which and what to do.'
        when shown_rows_checked is null then regexp_replace({_WITHOUT_SHARE}, ' among [0-9,]+ rows', '')
        else message
    end as message,
    owner, reason, remedy
from counted
"""


@dataclass(frozen=True)
class Table:
    """A staged table: its name, how many rows it has and what is said about it and its columns."""

    name: str
    rows: int
    comment: str | None
    column_comments: dict[str, str]


def stage_tables(connection: duckdb.DuckDBPyConnection, home: Home, checks: Sequence[CheckResult]) -> list[Table]:
    """Copy the tables of a publication into the connection's own catalogue, sorted, and nothing else.

    Args:
        connection: to an empty database in memory.
        home: its warehouse has been built and its ledger exported.
        checks: results of every check on the data in force.

    Returns:
        The tables, by name.

    Raises:
        PublicationError: there is no warehouse or ledger, or the marts are not the tables they should be.
    """
    tables = [*_stage_marts(connection, home), *_stage_records(connection, home, checks)]
    return sorted(tables, key=lambda table: table.name)


def _stage_marts(connection: duckdb.DuckDBPyConnection, home: Home) -> list[Table]:
    if not home.warehouse.is_file():
        raise PublicationError(f"{home.warehouse} does not exist, so there is nothing to publish. Use `impact run`.")
    connection.execute(f"attach {literal(str(home.warehouse))} as warehouse (read_only)")
    try:
        marts: dict[str, str | None] = dict(
            connection.execute(
                "select table_name, comment from duckdb_tables() "
                "where database_name = 'warehouse' and schema_name = 'marts'"
            ).fetchall()
        )
        _refuse_unfit(connection, marts)
        column_comments: dict[str, dict[str, str]] = {name: {} for name in marts}
        for table, column, comment in connection.execute(
            "select table_name, column_name, comment from duckdb_columns() "
            "where database_name = 'warehouse' and schema_name = 'marts' and comment is not null"
        ).fetchall():
            column_comments[table][column] = comment
        return [
            Table(
                name, _stage(connection, name, f"from warehouse.marts.{quoted(name)}"), comment, column_comments[name]
            )
            for name, comment in marts.items()
        ]
    finally:
        connection.execute("detach warehouse")


def _refuse_unfit(connection: duckdb.DuckDBPyConnection, marts: dict[str, str | None]) -> None:
    views = connection.execute(
        "select view_name from duckdb_views() where database_name = 'warehouse' and schema_name = 'marts' order by all"
    ).fetchall()
    if views:
        raise PublicationError(
            f"These marts are views, and a publication holds tables only: {', '.join(name for (name,) in views)}. "
            "Materialise them as tables in the dbt project."
        )
    missing = [name for name in REQUIRED_MARTS if name not in marts]
    if missing:
        raise PublicationError(
            f"The warehouse has no mart {', '.join(missing)}. The models did not all build: see what dbt says, mend it "
            "and run again."
        )
    taken = sorted(set(RECORDS) & marts.keys())
    if taken:
        raise PublicationError(
            f"The publication itself writes {' and '.join(taken)}, so no mart may have that name. Rename the model."
        )


def _stage_records(connection: duckdb.DuckDBPyConnection, home: Home, checks: Sequence[CheckResult]) -> list[Table]:
    source_files = home.landing / "source_files.parquet"
    findings = home.landing / "findings.parquet"
    for path in (source_files, findings):
        if not path.is_file():
            raise PublicationError(f"{path} does not exist: the ledger was not exported. Use `impact run`.")
    comment, columns = _SOURCE_FILES
    about_nobody = _about_nobody()
    shown = {
        "rows_status": "if(is_small, 'c', 'ok') as rows_status",
        "message": f"if(is_small, {_WITHOUT_SHARE}, message) as message",
        **{
            column: f"case when not is_small then {column} end as {column}"
            for column in columns
            if column.startswith("rows_") and column != "rows_status"
        },
    }
    ledger = (
        f"select {', '.join(shown.get(column, column) for column in columns)}"
        f" from (select *, {_IS_SMALL} as is_small from read_parquet($source_files))"
    )
    rows = _stage(connection, "source_files", ledger, {"source_files": str(source_files), "about_nobody": about_nobody})
    staged = [Table("source_files", rows, comment, columns)]

    comment, columns = _DATA_QUALITY
    parameters = {
        "checks": json.dumps([vars(check) for check in checks]),
        "types": json.dumps([_CHECK_TYPES]),
        "concerns": json.dumps(file_concerns()),
        "concern_types": json.dumps([dict.fromkeys(("rule_name", "owner", "reason", "remedy"), "VARCHAR")]),
        "source_files": str(source_files),
        "findings": str(findings),
        "about_nobody": about_nobody,
    }
    rows = _stage(connection, "data_quality", _DATA_QUALITY_SQL, parameters)
    staged.append(Table("data_quality", rows, comment, columns))

    found = connection.execute(
        "select stage, dataset, rule, min(severity), bool_and(result = 'passed'),"
        " coalesce(sum(rows_failed) filter (result = 'failed'), 0)::bigint"
        " from data_quality where stage = 'files' group by all"
    ).fetchall()
    history = check_history.record(home, [*(State(*row) for row in found), *states(checks)], of_every_stage=True)
    columns = {column: said for column, (_, said) in check_history.COLUMNS.items()}
    staged.append(_stage_arrow(connection, "check_history", history, check_history.COMMENT, columns))

    comment, columns = _ACCEPTED_CHANGES
    accepted = load_registry(home).tables["accepted_changes"]
    staged.append(_stage_arrow(connection, "accepted_changes", to_arrow(accepted, _ACCEPTED), comment, columns))
    columns = {column: said for column, (_, said) in versions.COLUMNS.items()}
    staged.append(_stage_arrow(connection, "versions", versions.versions(), versions.COMMENT, columns))
    return staged


def _stage_arrow(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table, comment: str, columns: dict[str, str]
) -> Table:
    connection.register("rows_in_memory", rows)
    try:
        return Table(name, _stage(connection, name, "from rows_in_memory"), comment, columns)
    finally:
        connection.unregister("rows_in_memory")


def _about_nobody() -> list[str]:
    """The datasets of which a row is about no person: public ones, and those in which no column is personal."""
    return [
        dataset
        for dataset, contract in load_contracts().items()
        if dataset in published_sources()
        or (contract.columns and not any(column.personal for column in contract.columns))
    ]


def _stage(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    parameters: Mapping[str, str | Sequence[str]] | None = None,
) -> int:
    """Create a table from a query with its rows in one total order; returns how many there are."""
    created = connection.execute(
        f"create table {quoted(name)} as select * from ({query}) order by all", parameters
    ).fetchone()
    assert created is not None
    _defuse_formulas(connection, name)
    return int(created[0])


def _defuse_formulas(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Put an apostrophe before every text of a table that a spreadsheet would take for a formula.

    Names of files and organisations are suppliers' words, and a publication is opened in spreadsheets sooner or later.
    """
    texts = connection.execute(
        "select column_name from duckdb_columns() "
        "where database_name = 'memory' and table_name = ? and data_type = 'VARCHAR'",
        [table],
    ).fetchall()
    for (column,) in texts:
        text = quoted(column)
        connection.execute(
            f"update {quoted(table)} set {text} = chr(39) || {text} "
            f"where regexp_matches({text}, {literal(_FORMULA)}) and try_cast({text} as double) is null"
        )
