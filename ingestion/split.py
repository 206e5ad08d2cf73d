"""The split of a file's rows into good, bad and left out, as one SQL statement generated from the contract.

Every row of the file ends in exactly one place: landed, quarantined with at least one reason, or dropped by a stated
rule. Nothing is blanked to make it pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ingestion.contracts import POSTCODE_PARTS, Codes, Column, Contract
from ingestion.findings import Finding, shown
from ingestion.readers import ROW
from ingestion.sql import literal, name

#: The longest list of allowed values that a message spells out.
LONGEST_LIST = 30

BLANK_ROW = "blank_row"
DUPLICATE_ROW = "duplicate_row"

_YES = ("1", "1.0", "true", "yes", "y")
_NO = ("0", "0.0", "false", "no", "n")
_SPACES = r"[\s\x{00A0}]+"
#: What a formula leaves in a cell when it fails; a workbook's reader and a spreadsheet's CSV write the same.
_FORMULA_ERRORS = ("#DIV/0!", "#ERROR!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")
#: No date that a source may hold lies outside; a year of two digits would otherwise become one of the first century.
_FIRST_DAY, _LAST_DAY = "1900-01-01", "2199-12-31"


def cell_text(cell: str) -> str:
    """SQL for a cell's text; null where it is empty."""
    return f"nullif({cell}, '')"


@dataclass(frozen=True)
class Problem:
    """One way in which a row can fail, with the SQL condition that finds it."""

    column: Column
    rule: str
    condition: str
    message: str
    remedy: str
    severity: str = "error"


@dataclass
class Source:
    """What the generator must know of one file besides its contract."""

    file_name: str
    vintage_id: str
    sheet: str | None
    #: Header as it stands in the file, by column.
    headers: dict[str, str]
    #: Column → where it stands in the file; columns that the file does not have are missing.
    positions: dict[str, int]
    width: int
    context: dict[str, int] = field(default_factory=dict)
    #: Column → table of ``key`` (the cell's text) and ``resolved``; made by the resolvers of pseudonyms and names.
    lookups: dict[str, str] = field(default_factory=dict)
    #: Table of ``item_id``, ``answer`` and ``score``, for a survey.
    scores: str = ""
    #: Column → cell's text → what to try instead, for names that did not resolve.
    suggestions: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Where the rows of a file went; ``read`` = ``landed`` + ``quarantined`` + the sum of ``dropped``."""

    read: int
    landed: int
    quarantined: int
    dropped: dict[str, int]
    findings: list[Finding]


class Splitter:
    """Splits the rows of table ``raw`` (as a reader gives them) in one DuckDB connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection, contract: Contract, columns: Sequence[Column], source: Source):
        """Prepare the split.

        Args:
            con: holds table ``raw`` and the lookup tables of ``source``.
            contract: the dataset.
            columns: its columns in the file; a survey's items stand here beside the contract's own.
            source: the file.
        """
        self.con, self.contract, self.columns, self.source = con, contract, columns, source
        self.year = source.context.get("collection_year")

    def split(self, misshapen: Sequence[tuple[int, int]]) -> Outcome:
        """Sort every row; afterwards table ``good`` holds those that land.

        Args:
            misshapen: rows that the reader set aside, with the cells they have.
        """
        problems = self._problems()
        self.con.execute(f"create or replace temp table checked as {self._checked_sql(problems)}")
        duplicates, repeated = self._find_duplicates()
        self.con.execute(
            f"""create or replace temp view good as
            select * from checked where drop_rule is null and not has_error
            and {ROW} not in (select {ROW} from repeated_rows)"""
        )
        findings = [self._misshapen(row, cells) for row, cells in misshapen]
        findings += self._findings(problems) + duplicates
        counts = self.con.execute("select drop_rule, has_error, count(*) from checked group by all").fetchall()
        dropped: dict[str, int] = {}
        for rule, _, rows in counts:
            if rule is not None:
                dropped[rule] = dropped.get(rule, 0) + rows
        if repeated:
            dropped[DUPLICATE_ROW] = repeated
        read = sum(n for *_, n in counts) + len(misshapen)
        bad = sum(n for rule, has_error, n in counts if rule is None and has_error) + len(misshapen) + len(duplicates)
        return Outcome(read, read - bad - sum(dropped.values()), bad, dict(sorted(dropped.items())), findings)

    # --- the statement -------------------------------------------------------------------------------------------

    def _checked_sql(self, problems: Sequence[Problem]) -> str:
        texts = ",\n".join(f"{self._text(column)} as {name(column.name + '_text')}" for column in self.columns)
        joins = "\n".join(
            f"left join {table} as {lookup} on {lookup}.key = {name(column + '_text')}"
            for column, table in self.source.lookups.items()
            for lookup in [name("lookup_" + column)]
        )
        typed = [f"{self._value(column)} as {name(column.name)}" for column in self.columns]
        typed += [
            f"{name('lookup_' + c.name)}.{part} as {name(c.name + '_' + part)}"
            for c in self.columns
            if c.type == "postcode"
            for part in POSTCODE_PARTS
        ]
        typed += [f"{self._status(c)} as {name(c.name + '_status')}" for c in self.columns if c.type == "statistic"]
        context = [f"{value}::bigint as {name(key)}" for key, value in self.source.context.items()]
        derived = [f"({d.sql}) as {name(d.name)}" for d in self.contract.derived]
        answered = self._answered_items()
        errors = [i for i, problem in enumerate(problems) if problem.severity == "error"]
        found = ", ".join(f"case when {p.condition} then {i} end" for i, p in enumerate(problems)) or "null::integer"
        drops = "\n".join(f"when {drop.when} then {literal(drop.id)}" for drop in self.contract.drops)
        blank = " and ".join(f"{cell_text(f'c{i}')} is null" for i in range(self.source.width))
        return f"""
with texts as (
    select {ROW}, {blank} as is_blank{"," if texts else ""}
    {texts}
    from raw
),
typed as (
    select texts.*, {", ".join(typed + context)}
    from texts
    {joins}
),
derived as (
    select *{"".join(", " + d for d in derived + answered)}
    from typed
),
examined as (
    select *,
        case when is_blank then {literal(BLANK_ROW)} {drops} end as drop_rule,
        list_filter([{found}]::integer[], lambda x: x is not null) as problems
    from derived
)
select *, len(list_intersect(problems, {errors}::integer[])) > 0 as has_error
from examined"""

    def _answered_items(self) -> list[str]:
        if self.contract.survey is None:
            return []
        own = {column.name for column in self.contract.columns}
        answered = " + ".join(
            f"({name(c.name + '_text')} is not null)::integer" for c in self.columns if c.name not in own
        )
        return [f"{answered or '0'} as answered_items"]

    def _text(self, column: Column) -> str:
        position = self.source.positions.get(column.name)
        text = "null::varchar" if position is None else cell_text(f"c{position}")
        return text if column.default is None else f"coalesce({text}, {literal(column.default)})"

    def _value(self, column: Column) -> str:
        text = name(column.name + "_text")
        if column.personal == "pseudonymise" or column.type == "organisation":
            return f"{name('lookup_' + column.name)}.resolved"
        if column.type == "code":
            return _coded(text, self._codes(column))
        return typed_sql(text, column)

    def _status(self, column: Column) -> str:
        text = name(column.name + "_text")
        symbols = "".join(f" when {literal(s.lower())} then {literal(to)}" for s, to in column.symbols.items())
        return f"case when {typed_sql(text, column)} is not null then 'ok' else case lower({text}){symbols} end end"

    def _codes(self, column: Column) -> dict[str, str]:
        return column.codes.in_year(self.year) if column.codes else {}

    # --- the problems --------------------------------------------------------------------------------------------

    def _problems(self) -> list[Problem]:
        problems = [problem for column in self.columns for problem in self._column_problems(column)]
        by_name = {column.name: column for column in self.columns}
        for rule in self.contract.rules:
            column = by_name[rule.column]
            problems.append(Problem(column, rule.id, f"({rule.fails_when})", rule.message, rule.remedy, rule.severity))
        return problems

    def _column_problems(self, column: Column) -> list[Problem]:
        text, value = name(column.name + "_text"), name(column.name)
        problems = []
        if column.required:
            problems.append(Problem(column, "required", f"{text} is null", "the cell is empty", "Fill it in."))
        if column.type in ("text", "text_list") and column.lands and column.personal is None:
            problems.append(
                Problem(
                    column,
                    "holds_an_address",
                    f"regexp_matches({text}, '[^@\\s]+@[^@\\s]+\\.[^@\\s]+')",
                    "the cell holds an e-mail address, and this column is kept",
                    "Take it out, or see whether the cells of the row have shifted.",
                )
            )
        if column.type in ("text", "text_list"):
            errors = ", ".join(map(literal, _FORMULA_ERRORS))
            problems.append(
                Problem(
                    column,
                    "formula_error",
                    f"{text} in ({errors})",
                    "“{value}” is what a formula left that failed",
                    "Mend the formula or write the value itself.",
                )
            )
        if (wrong := self._type_problem(column)) is not None:
            rule, message, remedy = wrong
            good = name(column.name + "_status") if column.type == "statistic" else value
            problems.append(Problem(column, rule, f"{text} is not null and {good} is null", message, remedy))
        if column.pattern is not None:
            problems.append(
                Problem(
                    column,
                    "pattern",
                    f"{text} is not null and not regexp_full_match({text}, {literal(column.pattern)})",
                    f"“{{value}}” is not {column.pattern_says}",
                    f"Write {column.pattern_says}.",
                )
            )
        for rule, bound, sign, words in (
            ("minimum", column.minimum, "<", "below"),
            ("maximum", column.maximum, ">", "above"),
        ):
            if bound is not None:
                problems.append(
                    Problem(
                        column,
                        rule,
                        f"{value} {sign} {bound}",
                        f"“{{value}}” is {words} {bound}",
                        "Correct the number in the source and send the file again.",
                    )
                )
        return problems

    def _type_problem(self, column: Column) -> tuple[str, str, str] | None:
        """Rule, message and remedy for a cell that is not of its column's type."""
        if column.personal == "pseudonymise" or column.type in ("text", "text_list", "postcode"):
            return None
        if column.type == "organisation":
            return (
                "unknown_organisation",
                "“{value}” is not in the register of organisations{suggestion}",
                "Correct the name, or have it added to the register as an organisation or an alias.",
            )
        if column.type == "code":
            codes = list(self._codes(column))
            listed = ", ".join(codes[:LONGEST_LIST]) + (" …" if len(codes) > LONGEST_LIST else "")
            year = f" of collection year {self.year}" if self.year and column.codes and column.codes.changes else ""
            if self.contract.survey is not None and column not in self.contract.columns:
                return (
                    "unknown_answer",
                    f"answer “{{value}}” is not one of the instrument's labels ({listed})",
                    "Correct the answer; if the form has changed, whoever runs the pipeline adds the label to "
                    f"ingestion/instruments/{self.contract.survey.instrument}.yml.",
                )
            return (
                "unknown_code",
                f"“{{value}}” is not one of the codes{year} ({listed})",
                "Use one of the codes listed.",
            )
        if column.type in ("date", "timestamp"):
            forms = " or ".join(dict.fromkeys(_format_in_words(f) for f in column.formats))
            return "not_a_date", f"“{{value}}” is not a date written as {forms}", "Correct the date."
        if column.type == "boolean":
            return "not_yes_or_no", "“{value}” is neither yes nor no", "Write Yes or No."
        if column.type == "statistic":
            return (
                "not_a_figure",
                f"“{{value}}” is neither a number nor one of the publisher's symbols ({', '.join(column.symbols)})",
                "Check the cell against the publisher's file; a new symbol goes into the contract's symbols.",
            )
        return (
            "not_a_number",
            "“{value}” is not a " + ("whole number" if column.type == "integer" else "number"),
            ("Write the number alone, without words or units."),
        )

    # --- what was found ------------------------------------------------------------------------------------------

    def _findings(self, problems: Sequence[Problem]) -> list[Finding]:
        if not problems:
            return []
        values = " ".join(f"when {i} then {name(p.column.name + '_text')}" for i, p in enumerate(problems))
        rows = self.con.execute(
            f"""select {ROW}, problem, case problem {values} end
            from (select *, unnest(problems) as problem from checked where drop_rule is null and len(problems) > 0)
            order by {ROW}, problem"""
        ).fetchall()
        return [self._finding(problems[index], row, value) for row, index, value in rows]

    def _finding(self, problem: Problem, row: int, value: str | None) -> Finding:
        visible = shown(value, personal=problem.column.personal is not None)
        suggestion = self.source.suggestions.get(problem.column.name, {}).get(value or "", "")
        message = problem.message.replace("{suggestion}", suggestion).replace("{value}", visible or "")
        return Finding(
            dataset=self.contract.dataset,
            file_name=self.source.file_name,
            vintage_id=self.source.vintage_id,
            sheet=self.source.sheet,
            source_row=row,
            column_name=self.source.headers.get(problem.column.name, problem.column.headers[0]),
            rule=problem.rule,
            value=visible,
            message=message,
            remedy=problem.remedy,
            severity="error" if problem.severity == "error" else "warning",
        )

    def _misshapen(self, row: int, cells: int) -> Finding:
        return Finding(
            dataset=self.contract.dataset,
            file_name=self.source.file_name,
            vintage_id=self.source.vintage_id,
            sheet=self.source.sheet,
            source_row=row,
            column_name=None,
            rule="number_of_cells",
            value=str(cells),
            message=f"the row has {cells} cells where the header has {self.source.width}",
            remedy="A comma or quotation mark inside a cell is the usual cause: put the cell in quotation marks.",
            severity="error",
        )

    def _find_duplicates(self) -> tuple[list[Finding], int]:
        """Rows that repeat the natural key of an earlier good row; equal ones are dropped, others quarantined.

        Leaves table ``repeated_rows`` with all of them.
        """
        key = [k for k in self.contract.natural_key if k not in ("item_id",)]
        self.con.execute(
            f"create or replace temp table repeated_rows ({ROW} bigint, first_row bigint, is_equal boolean)"
        )
        if not key:
            return [], 0
        # Most files repeat nothing, and a window over all of their rows would cost as much as the rest of the split.
        keys = ", ".join(name(k) for k in key)
        same_key = " and ".join(f"again.{name(k)} is not distinct from repeated.{name(k)}" for k in key)
        equal = " and ".join(f"again.{c} is not distinct from first.{c}" for c in map(name, self._content_columns()))
        self.con.execute(
            f"""insert into repeated_rows
            with fitting as (select * from checked where drop_rule is null and not has_error),
            repeated as (select {keys}, min({ROW}) as first_row from fitting group by {keys} having count(*) > 1)
            select again.{ROW}, repeated.first_row, {equal}
            from repeated
            join fitting as again on {same_key}
            join fitting as first on first.{ROW} = repeated.first_row
            where again.{ROW} <> repeated.first_row"""
        )
        return self._duplicates(), self._count("from repeated_rows where is_equal")

    def _duplicates(self) -> list[Finding]:
        columns = self._key_columns()
        texts = ", ".join(name(column.name + "_text") for column in columns)
        rows = self.con.execute(
            f"""select {ROW}, first_row, {f"concat_ws(', ', {texts})" if texts else "null"}
            from repeated_rows join checked using ({ROW}) where not is_equal order by 1"""
        ).fetchall()
        header = ", ".join(self.source.headers[column.name] for column in columns)
        personal = any(column.personal for column in columns)
        return [
            Finding(
                dataset=self.contract.dataset,
                file_name=self.source.file_name,
                vintage_id=self.source.vintage_id,
                sheet=self.source.sheet,
                source_row=row,
                column_name=header or None,
                rule="duplicate_key",
                value=shown(value, personal=personal),
                message=f"row {first} is about the same thing and says otherwise",
                remedy="Keep the row that is right and send the file again; the first of them was used.",
                severity="error",
            )
            for row, first, value in rows
        ]

    def _key_columns(self) -> list[Column]:
        """The columns of the file that the natural key is made of, those that a derived key is worked out from too."""
        sql = {derived.name: derived.sql for derived in self.contract.derived}
        words = {word for key in self.contract.natural_key for word in re.findall(r"\w+", sql.get(key, key))}
        return [column for column in self.contract.columns if column.name in words & self.source.headers.keys()]

    def _count(self, rows: str) -> int:
        counted = self.con.execute(f"select count(*) {rows}").fetchone()
        return int(counted[0]) if counted else 0

    def _content_columns(self) -> list[str]:
        columns = [c for column in self.columns for c in column.landed_columns()]
        return columns + [derived.name for derived in self.contract.derived]

    # --- landing -------------------------------------------------------------------------------------------------

    def land(self, path: Path) -> int:
        """Write table ``good`` to ``path`` as Parquet with the contract's landed columns; returns its records."""
        select = self._landing_sql() if self.contract.survey is None else self._answers_sql()
        order = ", ".join([ROW, *(["item_id"] if self.contract.survey else [])])
        written = self.con.execute(
            f"copy ({select} order by {order}) to {literal(str(path))} (format parquet, compression zstd)"
        ).fetchone()
        return int(written[0]) if written else 0

    def _landing_sql(self) -> str:
        columns, joins = [], []
        pseudonymised = {d.name for d in self.contract.derived if d.pseudonymise}
        for column, sql_type in self.contract.landed_columns().items():
            if column in pseudonymised:
                alias = name("pseudonym_" + column)
                table = self.source.lookups[column]
                joins.append(f"left join {table} as {alias} on {alias}.key = good.{name(column)}")
                columns.append(f"{alias}.resolved as {name(column)}")
            elif column == "vintage_id":
                columns.append(f"{literal(self.source.vintage_id)} as vintage_id")
            else:
                columns.append(f"good.{name(column)}::{sql_type} as {name(column)}")
        return f"select {', '.join(columns)} from good {' '.join(joins)}"

    def _answers_sql(self) -> str:
        """One record per respondent and statement answered."""
        own = {column.name for column in self.contract.columns}
        items = ", ".join(name(c.name) for c in self.columns if c.name not in own)
        kept = ", ".join(
            f"{name(c)}::{t} as {name(c)}"
            for c, t in self.contract.landed_columns().items()
            if c not in ("item_id", "answer", "score", "vintage_id", ROW)
        )
        return f"""select {kept}, item_id, answer, scores.score::bigint as score,
            {literal(self.source.vintage_id)} as vintage_id, {ROW}
            from (unpivot good on {items} into name item_id value answer)
            left join {self.source.scores} as scores using (item_id, answer)"""


def _coded(text: str, codes: Mapping[str, str]) -> str:
    """The landed value of a code: as it stands, else with its inner spaces made single."""
    if not codes:
        return "null::varchar"
    whens = " ".join(f"when {literal(code.lower())} then {literal(value)}" for code, value in codes.items())
    plain = f"case lower({text}) {whens} end"
    spaced = f"case lower(regexp_replace({text}, '{_SPACES}', ' ', 'g')) {whens} end"
    return f"coalesce({plain}, {spaced})"


def typed_sql(text: str, column: Column) -> str:
    """SQL for the value of a cell's text in its column's type; null where it is not of that type."""
    match column.type:
        case "text" | "postcode":
            return text
        case "text_list":
            parts = f"list_transform(string_split({text}, {literal(column.separator)}), lambda part: trim(part))"
            return f"list_filter({parts}, lambda part: part <> '')"
        case "integer":
            # A cast alone would round 12.5 to 13.
            whole = f"regexp_full_match({_plain(text)}, '[+-]?[0-9]+(\\.0+)?')"
            return f"case when {whole} then try_cast({_plain(text)} as bigint) end"
        case "decimal" | "statistic":
            number = f"regexp_full_match({_plain(text)}, '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)')"
            return f"case when {number} then try_cast({_plain(text)} as decimal(18, 6)) end"
        case "date" | "timestamp":
            return _dated(text, column)
        case "boolean":
            yes, no = ", ".join(map(literal, _YES)), ", ".join(map(literal, _NO))
            return f"case when lower({text}) in ({yes}) then true when lower({text}) in ({no}) then false end"
    raise AssertionError(f"{column.type} has a reader of its own")


def _plain(text: str) -> str:
    """A number without its thousands separators."""
    separated = f"regexp_full_match({text}, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}})+(\\.[0-9]+)?')"
    return f"case when {separated} then replace({text}, ',', '') else {text} end"


def _dated(text: str, column: Column) -> str:
    # A workbook keeps times as fractions of a day, which come back as 10:11:11.999.
    if any("%S" in pattern for pattern in column.formats):
        seconds = f"regexp_replace({text}, '(:[0-9]{{2}})\\.[0-9]+$', '\\1')"
        instant = f"case when contains({text}, '.') then {seconds} else {text} end"
    else:
        instant = text
    formats = "[" + ", ".join(literal(pattern) for pattern in column.formats) + "]"
    parsed = f"try_strptime({instant}, {formats})"
    # Of the words "epoch" and "infinity" DuckDB makes a date as well.
    fits = f"{parsed} between date '{_FIRST_DAY}' and date '{_LAST_DAY}' and regexp_matches({text}, '[0-9]')"
    return f"case when {fits} then {parsed}::{column.type} end"


def _format_in_words(pattern: str) -> str:
    words = {"%d": "dd", "%m": "mm", "%Y": "yyyy", "%y": "yy", "%b": "Mon", "%H": "hh", "%M": "mm", "%S": "ss"}
    for directive, word in words.items():
        pattern = pattern.replace(directive, word)
    return pattern


def item_columns(items: Mapping[str, Sequence[str]], codes: Mapping[str, str]) -> list[Column]:
    """A survey's statements as columns of its file: the wordings are the headers, the labels the codes."""
    return [
        Column(
            name=item,
            headers=list(wordings),
            type="code",
            description=wordings[0],
            codes=Codes(values=dict(codes)),
            may_be_absent=True,
        )
        for item, wordings in items.items()
    ]
