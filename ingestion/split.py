"""The split of a file's rows into good, bad and left out, as one SQL statement generated from the contract.

Every row of the file ends in exactly one place: landed, quarantined with at least one reason, or dropped by a stated
rule. Nothing is blanked to make it pass.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from ingestion.contracts import POSTCODE_PARTS, Codes, Column, Contract, OnePer, Repeats, Rule
from ingestion.findings import Finding, shown
from ingestion.instruments import Instrument, normalise_wording
from ingestion.limits import LONGEST_CELL, MOST_FINDINGS
from ingestion.readers import ROW, UnreadableFile
from ingestion.sql import literal, name

#: The longest list of allowed values that a message spells out.
LONGEST_LIST = 30

#: Parts the texts of several cells that are one answer; no file holds it.
UNIT_SEPARATOR = "\x1f"

#: Rules that say of a cell that it is not what its column holds.
_MISFITS = {
    "unknown_organisation", "unknown_code", "unknown_answer", "not_a_date", "not_a_number", "not_yes_or_no",
    "not_a_figure", "pattern",
}  # fmt: skip
#: No name, date or number of a person is as short as this.
_LONGEST_CODE = 4
#: Letters and digits in one word, as systems number their people.
_LIKE_A_NUMBER = re.compile(r"[A-Za-z][0-9]{4}|[0-9]{4}[A-Za-z]")

#: A rule that compares two columns and nothing else.
_COMPARES = re.compile(r"\((\w+) [<>]=? (\w+)\)")
#: Where this share of so many rows breaks one, its two columns are more likely exchanged than all of the rows wrong.
_FEWEST_COMPARED, _NEARLY_ALL = 20, 0.9

BLANK_ROW = "blank_row"
DUPLICATE_ROW = "duplicate_row"

_YES = ("1", "1.0", "true", "yes", "y")
_NO = ("0", "0.0", "false", "no", "n")
#: Control characters, as RE2 writes them, but those of white space and what parts the answers of one question.
_OBEYED = r"[\x00-\x08\x0B\x0C\x0E-\x1E\x7F-\x9F]"
_SPACED = r"regexp_replace({text}, '\s+', ' ', 'g')"
_SPACES = r"[\s\x{00A0}]+"
#: What a formula leaves in a cell when it fails; a workbook's reader and a spreadsheet's CSV write the same.
_FORMULA_ERRORS = ("#DIV/0!", "#ERROR!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")
#: What ``normalise_wording`` makes of the text of a cell, in SQL.
_FOLDED = (
    "trim(regexp_replace(regexp_replace(regexp_replace(lower(nfc_normalize({text})),"
    r" '\p{{Cf}}+', '', 'g'), '[''’‘ʼ`´]', '', 'g'), '[^\p{{L}}\p{{N}}]+', ' ', 'g'))"
)
#: No date that a source may hold lies outside; a year of two digits would otherwise become one of the first century.
_FIRST_DAY, _LAST_DAY = "1900-01-01", "2199-12-31"


def cell_text(cell: str) -> str:
    """SQL for a cell's text; null where it is empty."""
    return f"nullif({cell}, '')"


def column_text(column: Column, positions: Sequence[int]) -> str:
    """SQL over a table of cells for a column's text, which may stand in any of several cells.

    Of a question with a cell for each option, all that were chosen stand in the text, parted by ``UNIT_SEPARATOR``; a
    question that has one answer should have one. A pseudonym of several cells is that of all their texts.
    """
    cells = [cell_text(f"c{position}") for position in positions]
    if not cells:
        text = "null::varchar"
    elif len(cells) == 1:
        text = cells[0]
    elif column.personal == "pseudonymise":
        filled = ", ".join(f"coalesce({cell}, '')" for cell in cells)
        text = f"concat_ws({literal(UNIT_SEPARATOR)}, {filled})"
    elif column.type == "choices":
        text = f"nullif(concat_ws({literal(UNIT_SEPARATOR)}, {', '.join(cells)}), '')"
    else:
        chosen = f"list_distinct([{', '.join(cells)}])"
        all_of_them = f"concat_ws({literal(UNIT_SEPARATOR)}, {', '.join(cells)})"
        text = f"case when len({chosen}) > 1 then {all_of_them} else coalesce({', '.join(cells)}) end"
    if len(cells) == 1:
        # What is pasted from a page or a document brings signs of no width with it; text in ASCII has none.
        visible = f"nullif(trim(regexp_replace({text}, '\\p{{Cf}}+', '', 'g')), '')"
        text = f"case when strlen({text}) > length({text}) then {visible} else {text} end"
    if column.without is not None:
        text = f"nullif(trim(regexp_replace({text}, {literal(column.without)}, '', 'g')), '')"
    return text if column.default is None else f"coalesce({text}, {literal(column.default)})"


def choices_in(text: str, column: Column) -> list[str] | None:
    """The options that a cell of a question with several answers names; None where one is not known, or none is named.

    An option may hold the very sign that parts one from the next, so the longest label is looked for first.
    """
    if len(text) > LONGEST_CELL:
        return None
    codes = {normalise_wording(label): code for label, code in (column.codes or Codes(values={})).values.items()}
    separator = UNIT_SEPARATOR if UNIT_SEPARATOR in text else column.separator
    parts = [part for part in re.split(f"[{re.escape(separator)}]", text) if part.strip()]
    # No label falls into more parts than it has words.
    longest = max((len(label.split()) for label in codes), default=1)
    chosen: list[str] = []
    start = 0
    while start < len(parts):
        for end in range(min(len(parts), start + longest), start, -1):
            code = codes.get(normalise_wording(" ".join(parts[start:end])))
            if code is not None:
                chosen.append(code)
                start = end
                break
        else:
            return None
    return list(dict.fromkeys(chosen)) or None


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
    positions: dict[str, tuple[int, ...]]
    width: int
    context: dict[str, int | str] = field(default_factory=dict)
    #: What a newer file replaces; empty where files add to each other.
    submission: str = ""
    #: Number → header, of the groups of columns that repeat.
    groups: dict[int, str] = field(default_factory=dict)
    #: Column, or derived column that lands as a pseudonym → SQL over its text for what it lands as.
    pseudonyms: dict[str, str] = field(default_factory=dict)
    #: Column → table of ``key`` (the cell's text) and ``resolved``; made by the resolvers of names and choices.
    lookups: dict[str, str] = field(default_factory=dict)
    #: Table of ``item_id``, ``answer`` and ``score``, for a survey.
    scores: str = ""
    #: Column → cell's text → what to try instead, for names that did not resolve.
    suggestions: dict[str, dict[str, str]] = field(default_factory=dict)


class RowsLost(Exception):
    """Rows that went in did not all come out: a fault of the reading, never of the file."""


@dataclass(frozen=True)
class Outcome:
    """Where the rows of a file went; ``read`` = ``landed`` + ``quarantined`` + the sum of ``dropped``."""

    read: int
    landed: int
    quarantined: int
    dropped: dict[str, int]
    findings: list[Finding]


class Splitter:
    """Splits the rows of ``raw`` (see ``ingestion.cells``) in one DuckDB connection.

    Rows flow from the file to a Parquet file of the good ones without being held: a file may be larger than memory.
    Only rows about which there is something to say are kept aside.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        contract: Contract,
        columns: Sequence[Column],
        source: Source,
        clean: Path | None = None,
    ) -> None:
        """Prepare the split.

        Args:
            con: holds ``raw`` and the lookup tables of ``source``.
            contract: the dataset.
            columns: its columns in the file; a survey's items stand here beside the contract's own.
            source: the file.
            clean: a Parquet file of rows that are known to be good and are not in ``raw``, as they land.
        """
        self.con, self.contract, self.columns, self.source, self.clean = con, contract, columns, source, clean
        #: Of each row of ``clean``, the numbers of ``key_numbers`` put together by exclusive or.
        self.clean_keys = np.zeros(0, np.uint64)
        #: Column of the natural key that rows differ in → SQL of a number for its value.
        self.key_numbers = {
            column: f"hash(xor(hash({name(column)}::{kind}), hash({place})))"
            for place, (column, kind) in enumerate(contract.landed_columns().items())
            if column in contract.natural_key and column not in {*self._of_records(), *source.context}
        }
        #: Rows that have to be put between the clean ones, or taken out of them.
        self._out_of_place = 0
        year = source.context.get("collection_year")
        self.year = year if isinstance(year, int) else None

    def split(self, rows: int, misshapen: Sequence[tuple[int, int]]) -> Outcome:
        """Sort every row; afterwards ``good`` holds those that land.

        Args:
            rows: how many the file has, clean ones and those in ``raw``.
            misshapen: rows that the reader set aside, with the cells they have.
        """
        if self.clean is not None and not self._count("from raw"):
            return self._split_clean(rows, misshapen)
        problems = self._problems()
        self.con.execute(f"create or replace temp table examined as {self._examined_sql(problems)}")
        fitting = self._keep_fitting()
        keys = self._numbers_of_keys("fitting_after_all" if self.is_flat else "fitting")
        duplicates, repeated = self._find_duplicates(np.concatenate([self.clean_keys, keys]))
        superseded = self._find_superseded()
        self._out_of_place += len(duplicates) + repeated + superseded
        self.con.execute(
            f"""create or replace temp view good as select * from fitting
            where {ROW} not in (select {ROW} from repeated_rows) and {ROW} not in (select {ROW} from superseded_rows)"""
        )
        findings = [self._misshapen(row, cells) for row, cells in misshapen]
        findings += [*self._findings(self._told_of_exchanges(problems, rows)), *duplicates]
        counts = self.con.execute("select drop_rule, has_error, count(*) from examined group by all").fetchall()
        dropped: dict[str, int] = {}
        for rule, _, number in counts:
            if rule is not None:
                dropped[rule] = dropped.get(rule, 0) + number
        if repeated:
            dropped[DUPLICATE_ROW] = repeated
        if superseded and self.contract.one_per is not None:
            dropped[self.contract.one_per.id] = superseded
        wrong = sum(number for rule, has_error, number in counts if rule is None and has_error)
        bad = wrong + len(misshapen) + len(duplicates)
        landed = fitting - len(duplicates) - repeated - superseded
        read = rows + len(misshapen)
        if landed + bad + sum(dropped.values()) != read:
            raise RowsLost(f"of {read} rows, {landed} land, {bad} are quarantined and {dropped} dropped")
        return Outcome(read, landed, bad, dict(sorted(dropped.items())), findings)

    def _split_clean(self, rows: int, misshapen: Sequence[tuple[int, int]]) -> Outcome:
        """As ``split``, where every row is known to be good: what is left to find is rows that repeat another."""
        self.con.execute(
            f"create or replace temp view fitting as select * from read_parquet({literal(str(self.clean))})"
        )
        duplicates, repeated = self._find_duplicates(self.clean_keys)
        self._out_of_place += len(duplicates) + repeated
        self.con.execute(
            f"""create or replace temp view good as select * from fitting
            where {ROW} not in (select {ROW} from repeated_rows)"""
        )
        dropped = {DUPLICATE_ROW: repeated} if repeated else {}
        bad = len(misshapen) + len(duplicates)
        findings = [*(self._misshapen(row, cells) for row, cells in misshapen), *duplicates]
        read = rows + len(misshapen)
        return Outcome(read, read - bad - repeated, bad, dropped, findings)

    # --- the statement -------------------------------------------------------------------------------------------

    def meaning_sql(self, column: Column, texts: str) -> str:
        """What texts of one column mean, in any order, and whether there is anything to say of them: ``is_suspect``.

        Of what belongs to the natural key there is its number beside, as ``<column>_in_key``.

        Args:
            column: a column that stands in one cell at most.
            texts: a table, or a query in brackets, of ``number`` and ``<column>_text``.
        """
        values, join = self._values(column)
        problems = " or ".join(f"coalesce(({p.condition}), false)" for p in self._column_problems(column))
        of_key = (part for part in column.landed_columns() if part in self.key_numbers)
        numbers = "".join(f", {self.key_numbers[part]} as {name(part + '_in_key')}" for part in of_key)
        return f"""with typed as (select texts.*, {", ".join(values)} from {texts} as texts {join})
        select *, ({problems or "false"}) as is_suspect{numbers} from typed"""

    def can_fail(self, column: Column) -> bool:
        """Whether anything may be wrong with a cell of the column."""
        return bool(self._column_problems(column))

    def _values(self, column: Column) -> tuple[list[str], str]:
        """SQL of all that a column offers beside its text, and the join that it needs."""
        values = [f"{self._value(column)} as {name(column.name)}"]
        lookup = name("lookup_" + column.name)
        if column.type == "postcode":
            values += [f"{lookup}.{part} as {name(column.name + '_' + part)}" for part in POSTCODE_PARTS]
        if column.type == "statistic":
            values.append(f"{self._status(column)} as {name(column.name + '_status')}")
        table = self.source.lookups.get(column.name)
        join = f"left join {table} as {lookup} on {lookup}.key = {name(column.name + '_text')}" if table else ""
        return values, join

    def _keep_fitting(self) -> int:
        """Make ``fitting`` of the rows that are neither dropped nor wrong, the clean ones among them."""
        fits = "drop_rule is null and not has_error"
        if not self.is_flat:
            self.con.execute(f"create or replace temp table fitting as select * from examined where {fits}")
            return self._count("from fitting")
        looked_at = self._landing_sql(f"(select * from examined where {fits})")
        self.con.execute(f"create or replace temp table fitting_after_all as {looked_at}")
        clean = ""
        if self.clean is not None:
            clean = f"select * from read_parquet({literal(str(self.clean))}) union all "
        self.con.execute(f"create or replace temp view fitting as {clean}select * from fitting_after_all")
        self._out_of_place += self._count("from fitting_after_all")
        return self._count("from fitting")

    @property
    def is_flat(self) -> bool:
        """Whether a row of the file lands as one row."""
        return self.contract.survey is None and self.contract.repeats is None

    def _examined_sql(self, problems: Sequence[Problem]) -> str:
        """The rows with their texts, values, context, derived columns, and what there is to say of them.

        ``drop_rule`` is the rule by which a row is dropped, ``problems`` holds the places of the problems that it has.
        """
        texts = ",\n".join(f"{self._text(column)} as {name(column.name + '_text')}" for column in self.columns)
        offered = [self._values(column) for column in self.columns]
        typed = [value for values, _ in offered for value in values]
        joins = "\n".join(join for _, join in offered)
        context = [f"{_context_value(value)} as {name(key)}" for key, value in self.source.context.items()]
        derived = [f"({d.sql}) as {name(d.name)}" for d in self.contract.derived]
        answered = self._answered_items()
        drops = "\n".join(f"when {drop.when} then {literal(drop.id)}" for drop in self.contract.drops)
        blank = " and ".join(f"{cell_text(f'c{i}')} is null" for i in range(self.source.width))
        errors = [i for i, problem in enumerate(problems) if problem.severity == "error"]
        found = ", ".join(f"case when {p.condition} then {i} end" for i, p in enumerate(problems)) or "null"
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
looked_at as (
    select *,
        case when is_blank then {literal(BLANK_ROW)} {drops} end as drop_rule,
        list_filter([{found}]::integer[], lambda place: place is not null) as problems
    from derived
)
select *, list_has_any(problems, {errors}::integer[]) as has_error
from looked_at"""

    def _answered_items(self) -> list[str]:
        if self.contract.repeats is not None:
            first = self.contract.repeats.columns[0].name
            said = [f"{name(grouped(first, number) + '_text')} is not null" for number in self.source.groups]
            return [f"({' or '.join(said)}) as has_a_group"]
        if self.contract.survey is None:
            return []
        answered = " + ".join(f"({name(item + '_text')} is not null)::integer" for item in sorted(self._item_names()))
        return [f"{answered or '0'} as answered_items"]

    def _text(self, column: Column) -> str:
        return column_text(column, self.source.positions.get(column.name, ()))

    def _value(self, column: Column) -> str:
        text = name(column.name + "_text")
        if column.name in self.source.pseudonyms:
            return self.source.pseudonyms[column.name]
        if column.type in ("organisation", "choices"):
            return f"{name('lookup_' + column.name)}.resolved"
        if column.type == "code":
            return _coded(text, self._codes(column), in_words=self.contract.survey is not None)
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
        for rule in (*self.contract.rules, *self._rules_of_groups()):
            column = by_name[rule.column]
            problems.append(Problem(column, rule.id, f"({rule.fails_when})", rule.message, rule.remedy, rule.severity))
        return problems

    def _rules_of_groups(self) -> list[Rule]:
        """The rules about columns that repeat, once for each group."""
        repeats = self.contract.repeats
        if repeats is None:
            return []
        its_names = "|".join(re.escape(sql_name) for column in repeats.columns for sql_name in column.sql_names)
        columns = {sql_name: column.name for column in repeats.columns for sql_name in column.sql_names}

        def of_group(number: int, rule: Rule) -> Rule:
            def called(match: re.Match[str]) -> str:
                column = columns[match[0]]
                return grouped(column, number) + match[0].removeprefix(column)

            sql = re.sub(rf"\b({its_names})\b", called, rule.fails_when)
            return rule.model_copy(update={"column": grouped(rule.column, number), "fails_when": sql})

        return [of_group(number, rule) for number in self.source.groups for rule in repeats.rules]

    def _column_problems(self, column: Column) -> list[Problem]:
        text, value = name(column.name + "_text"), name(column.name)
        problems = []
        if column.required:
            problems.append(Problem(column, "required", f"{text} is null", "the cell is empty", "Fill it in."))
        if column.type in ("text", "text_list") and column.lands and column.personal is None:
            problems += [
                Problem(
                    column,
                    "control_character",
                    f"regexp_matches({text}, '{_OBEYED}')",
                    "the cell holds a character that is not seen and that programs obey",
                    "Type the text of the cell anew and send the file again.",
                ),
                Problem(
                    column,
                    "cell_too_long",
                    f"length({text}) > {LONGEST_CELL}",
                    f"the cell has more than {LONGEST_CELL:,} characters, which no spreadsheet holds",
                    "Shorten it, or see whether a quotation mark is missing.",
                ),
            ]
            problems.append(
                Problem(
                    column,
                    "holds_an_address",
                    f"contains({text}, '@') and regexp_matches({text}, '[^@\\s]+@[^@\\s]+\\.[^@\\s]+')",
                    "the cell holds an e-mail address, and this column is kept",
                    "Take it out, or see whether the cells of the row have shifted.",
                )
            )
        if column.type in ("text", "text_list") and (column.personal != "drop" or column.required):
            errors = ", ".join(map(literal, _FORMULA_ERRORS))
            problems.append(
                Problem(
                    column,
                    "formula_error",
                    f"starts_with({text}, '#') and list_contains([{errors}], {text})",
                    "“{value}” is what a formula left that failed",
                    "Mend the formula or write the value itself.",
                )
            )
        has_one = "true"
        if self._wants_one_of_several(column):
            several = f"coalesce(contains({text}, {literal(UNIT_SEPARATOR)}), false)"
            has_one = f"not {several}"
            problems.append(
                Problem(
                    column,
                    "several_answers",
                    several,
                    "“{value}” are several answers to a question that has one",
                    "Find out which of them is meant, and send the file again with that one alone.",
                )
            )
        if (wrong := self._type_problem(column)) is not None:
            rule, message, remedy = wrong
            good = name(column.name + "_status") if column.type == "statistic" else value
            failed = f"{text} is not null and {has_one} and {good} is null"
            problems.append(Problem(column, rule, failed, message, remedy))
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

    def _wants_one_of_several(self, column: Column) -> bool:
        """Whether the column's one value may stand in any of several cells."""
        is_spread = len(self.source.positions.get(column.name, ())) > 1
        return is_spread and column.personal != "pseudonymise" and column.type != "choices"

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
        if column.type in ("code", "choices"):
            codes = list(self._codes(column))
            listed = ", ".join(codes[:LONGEST_LIST]) + (" …" if len(codes) > LONGEST_LIST else "")
            year = f" of collection year {self.year}" if self.year and column.codes and column.codes.changes else ""
            if self.contract.survey is not None and column not in self.contract.columns:
                named = self.contract.survey.instrument
                place = f"ingestion/instruments/{named}.yml"
                if named is None:
                    place = f"instruments/{self.source.context['instrument']}.yml of the home"
                return (
                    "unknown_answer",
                    f"answer “{{value}}” is not one of the instrument's labels ({listed})",
                    "Correct the answer; if the form has changed, whoever runs the pipeline adds the label to "
                    f"{place}.",
                )
            return (
                "unknown_code",
                f"“{{value}}” is not one of the codes{year} ({listed})",
                "Use one of the codes listed.",
            )
        if column.type in ("date", "timestamp"):
            # The time of day is never what is wrong, and there are many ways to write it.
            forms = " or ".join(dict.fromkeys(_format_in_words(_TIME_OF_DAY.sub("", f)) for f in column.formats))
            return (
                "not_a_date",
                f"“{{value}}” is not a date written as {forms}",
                f"Write a day that there is, as {forms}, and no words beside it.",
            )
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

    def _told_of_exchanges(self, problems: Sequence[Problem], rows: int) -> list[Problem]:
        """The problems; the remedy of one that nearly all rows have says where two columns may be exchanged.

        Rows that lack one of the two say nothing, and may be many: an episode that goes on has no end.
        """
        told = list(problems)
        for place, problem in enumerate(problems):
            columns = compared.groups() if (compared := _COMPARES.fullmatch(problem.condition)) else ()
            if not columns or not self.source.headers.keys() >= set(columns):
                continue
            broken = self._count(f"from examined where drop_rule is null and list_contains(problems, {place})")
            # Clean rows are counted as if they had both.
            lacking = f"drop_rule is not null or {' or '.join(f'{name(column)} is null' for column in columns)}"
            both = rows - self._count(f"from examined where {lacking}")
            if both >= _FEWEST_COMPARED and broken >= _NEARLY_ALL * both:
                called = " and ".join(f"“{self.source.headers[column]}”" for column in columns)
                hint = f"Nearly all rows that have both break this rule: see whether {called} are exchanged."
                told[place] = replace(problem, remedy=f"{problem.remedy} {hint}")
        return told

    def _findings(self, problems: Sequence[Problem]) -> list[Finding]:
        if not problems:
            return []
        self._refuse_too_many(self._count("from (select unnest(problems) from examined where drop_rule is null)"))
        values = " ".join(f"when {i} then {name(p.column.name + '_text')}" for i, p in enumerate(problems))
        rows = self.con.execute(
            f"""select {ROW}, problem, case problem {values} end
            from (select *, unnest(problems) as problem from examined where drop_rule is null)
            order by {ROW}, problem"""
        ).fetchall()
        misfits: dict[int, set[str]] = {}
        for row, index, _ in rows:
            if problems[index].rule in _MISFITS:
                misfits.setdefault(row, set()).add(problems[index].column.name)
        return [
            self._finding(problems[index], row, value, has_shifted=len(misfits.get(row, ())) > 1)
            for row, index, value in rows
        ]

    def _finding(self, problem: Problem, row: int, value: str | None, has_shifted: bool) -> Finding:
        # Of several answers to one question, as a person writes them.
        text = value and value.replace(UNIT_SEPARATOR, "; ")
        visible = shown(text, personal=self._may_tell_who(problem, text or "", has_shifted))
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

    def _refuse_too_many(self, found: int) -> None:
        """A file of which nearly everything is wrong is not named cell by cell.

        Raises:
            UnreadableFile: there is more to say of it than anybody would read.
        """
        if found > MOST_FINDINGS:
            raise UnreadableFile(
                "too_many_wrong",
                f"{found:,} of its cells or rows break a rule, and no more than {MOST_FINDINGS:,} are named one by one",
                "See whether it is the right file and its columns have not shifted: `impact check` on its first rows "
                "says what is wrong with them.",
            )

    def _may_tell_who(self, problem: Problem, text: str, has_shifted: bool) -> bool:
        """Whether a finding must not show a cell: it is personal, or may hold what belongs into a personal one.

        Cells that have moved on by a column fit neither here nor there, so that a row fails in several. What no code
        and no number is and is written like a name may be one.
        """
        column = problem.column
        if column.personal is not None or column.masked:
            return True
        if self.contract.survey is None and not any(c.personal or c.masked for c in self.contract.columns):
            return False
        if has_shifted and len(text) > _LONGEST_CODE:
            return True
        if problem.rule not in _MISFITS:
            return False
        is_item = self.contract.survey is not None and column not in self.contract.columns
        may_be_a_name = column.type != "organisation" and not is_item and _is_like_a_name(text)
        return may_be_a_name or _LIKE_A_NUMBER.search(text) is not None

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

    def _numbers_of_keys(self, rows: str) -> np.ndarray:
        """Of each row of a table, a number for its natural key: rows with one key share theirs."""
        found = self.con.execute(f"select {self._number_of_key()} as number from {rows}").fetchnumpy()
        return np.asarray(found["number"])

    def _number_of_key(self) -> str:
        number = "0::ubigint"
        for its in self.key_numbers.values():
            number = f"xor({number}, {its})"
        return number

    def _find_duplicates(self, numbers: np.ndarray) -> tuple[list[Finding], int]:
        """Rows that repeat the natural key of an earlier good row; equal ones are dropped, others quarantined.

        Leaves table ``repeated_rows`` with all of them.

        Args:
            numbers: of the keys of all rows of ``fitting``, in any order.
        """
        key = [k for k in self.contract.natural_key if k not in self._of_records()]
        self.con.execute(
            f"create or replace temp table repeated_rows ({ROW} bigint, first_row bigint, is_equal boolean)"
        )
        if not key:
            return [], 0
        # Most files repeat nothing, and only what shares a number is looked at.
        numbers = np.sort(numbers)
        shared = np.unique(numbers[1:][numbers[1:] == numbers[:-1]])
        if not len(shared):
            return [], 0
        self.con.register("shared_numbers", pa.table({"number": shared}))
        self.con.execute(
            f"""create or replace temp table alike as
            select * from fitting where {self._number_of_key()} in (select number from shared_numbers)"""
        )
        self.con.unregister("shared_numbers")
        keys = ", ".join(name(k) for k in key)
        same_key = " and ".join(f"again.{name(k)} is not distinct from repeated.{name(k)}" for k in key)
        equal = " and ".join(f"again.{c} is not distinct from first.{c}" for c in map(name, self._content_columns()))
        self.con.execute(
            f"""insert into repeated_rows
            with repeated as (select {keys}, min({ROW}) as first_row from alike group by {keys} having count(*) > 1)
            select again.{ROW}, repeated.first_row, {equal}
            from repeated
            join alike as again on {same_key}
            join alike as first on first.{ROW} = repeated.first_row
            where again.{ROW} <> repeated.first_row"""
        )
        return self._duplicates(), self._count("from repeated_rows where is_equal")

    def _find_superseded(self) -> int:
        """Good rows that a later one with the same key takes the place of; leaves them in ``superseded_rows``."""
        self.con.execute(f"create or replace temp table superseded_rows ({ROW} bigint)")
        one_per: OnePer | None = self.contract.one_per
        if one_per is None:
            return 0
        key = ", ".join(map(name, one_per.key))
        self.con.execute(
            f"""insert into superseded_rows select {ROW} from fitting
            where {ROW} not in (select {ROW} from repeated_rows)
            qualify row_number() over (partition by {key} order by {name(one_per.latest_by)} desc, {ROW} desc) > 1"""
        )
        return self._count("from superseded_rows")

    def _of_records(self) -> set[str]:
        """Columns that the records of one row do not share."""
        if self.contract.survey is not None:
            return {"item_id", "answer"}
        if self.contract.repeats is not None:
            return {self.contract.repeats.name}
        return set()

    def _duplicates(self) -> list[Finding]:
        self._refuse_too_many(self._count("from repeated_rows where not is_equal"))
        columns = self._key_columns()
        keys = [key for key in self.contract.natural_key if key not in self._of_records()]
        values = ", ".join(f"{name(key)}::varchar" for key in keys)
        rows = self.con.execute(
            f"""select {ROW}, first_row, concat_ws(', ', {values})
            from repeated_rows join alike using ({ROW}) where not is_equal order by 1"""
        ).fetchall()
        header = ", ".join(self.source.headers[column.name] for column in columns)
        personal = any(column.personal or column.masked for column in columns)
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

    def land(self, path: Path) -> None:
        """Write ``good`` to ``path`` as Parquet with the contract's landed columns."""
        if self.clean is not None and not self._out_of_place:
            shutil.move(self.clean, path)
            return
        if self.contract.survey is not None:
            select = self._answers_sql()
        elif self.contract.repeats is not None:
            select = self._groups_sql(self.contract.repeats)
        else:
            select = "select * from good"
        order = ", ".join([ROW, *sorted(self._of_records())])
        self.con.execute(f"copy ({select} order by {order}) to {literal(str(path))} (format parquet, compression zstd)")

    def _landing_sql(self, rows: str) -> str:
        columns = []
        for column, sql_type in self.contract.landed_columns().items():
            if column == "vintage_id":
                value = literal(self.source.vintage_id)
            elif any(column == derived.name for derived in self.contract.derived):
                value = self.source.pseudonyms.get(column, name(column))
            else:
                value = name(column)
            columns.append(f"({value})::{sql_type} as {name(column)}")
        return f"select {', '.join(columns)} from {rows}"

    def _answers_sql(self) -> str:
        """One record per respondent and statement answered, or option chosen."""
        items = [column for column in self.columns if column.name in self._item_names()]
        kept = self._shared_sql(("item_id", "answer", "score"))
        one = ", ".join(name(c.name) for c in items if c.type == "code")
        selects = [f"select * from (unpivot good on {one} into name item_id value answer)"] if one else []
        selects += [
            f"select *, {literal(c.name)} as item_id, unnest({name(c.name)}) as answer from good"
            for c in items
            if c.type == "choices"
        ]
        answers = " union all by name ".join(f"({select})" for select in selects)
        return f"""select {kept}, item_id, answer, scores.score::bigint as score,
            {literal(self.source.vintage_id)} as vintage_id, {ROW}
            from ({answers}) as answers left join {self.source.scores} as scores using (item_id, answer)"""

    def _groups_sql(self, repeats: Repeats) -> str:
        """One record per row and group of columns that says anything."""
        kept = self._shared_sql((repeats.name, *(c.name for c in repeats.columns)))
        selects = []
        for number, title in self.source.groups.items():
            values = ", ".join(
                f"{name(grouped(c.name, number))}::{kind} as {name(c.name)}"
                for c in repeats.columns
                for kind in c.landed_columns().values()
            )
            first = name(grouped(repeats.columns[0].name, number) + "_text")
            selects.append(
                f"select {kept}, {literal(title)} as {name(repeats.name)}, {values},"
                f" {literal(self.source.vintage_id)} as vintage_id, {ROW} from good where {first} is not null"
            )
        return " union all ".join(selects)

    def _shared_sql(self, of_records: Sequence[str]) -> str:
        """The landed columns that all records of a row have in common."""
        return ", ".join(
            f"{name(column)}::{sql_type} as {name(column)}"
            for column, sql_type in self.contract.landed_columns().items()
            if column not in (*of_records, "vintage_id", ROW)
        )

    def _item_names(self) -> set[str]:
        """Names of the columns that are a survey's items."""
        own = {column.name for column in self.contract.columns}
        return {column.name for column in self.columns} - own


def _is_like_a_name(text: str) -> bool:
    words = text.split()
    return len(words) > 1 and all(word[0].isupper() for word in words)


def _context_value(value: int | str) -> str:
    return f"{value}::bigint" if isinstance(value, int) else literal(value)


def grouped(column: str, number: int) -> str:
    """Name of a repeated column in one of its groups."""
    return f"{column}__{number}"


def _coded(text: str, codes: Mapping[str, str], in_words: bool = False) -> str:
    """The landed value of a code: as it stands, else with its inner spaces made single.

    Where the codes are words that somebody pasted into a form, they are compared as its questions are: punctuation
    makes no difference.
    """
    if not codes:
        return "null::varchar"
    straight = {code.lower().replace("’", "'"): value for code, value in codes.items()}
    whens = " ".join(f"when {literal(code)} then {literal(value)}" for code, value in straight.items())
    # A word processor's apostrophe is nobody's code.
    plain = f"case replace(lower({text}), '’', chr(39)) {whens} end"
    if in_words:
        folded = {normalise_wording(code): value for code, value in codes.items()}
        whens = " ".join(f"when {literal(code)} then {literal(value)}" for code, value in folded.items() if code)
        return f"coalesce({plain}, case {_FOLDED.format(text=text)} {whens} end)" if whens else plain
    spaced = f"case replace(lower(regexp_replace({text}, '{_SPACES}', ' ', 'g')), '’', chr(39)) {whens} end"
    return f"coalesce({plain}, {spaced})"


def typed_sql(text: str, column: Column) -> str:
    """SQL for the value of a cell's text in its column's type; null where it is not of that type."""
    match column.type:
        case "text":
            return _on_one_line(text)
        case "postcode":
            return text
        case "text_list":
            parts = f"string_split({_on_one_line(text)}, {literal(column.separator)})"
            parts = f"list_transform({parts}, lambda part: trim(part))"
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


def _on_one_line(text: str) -> str:
    """The text without the ends of lines in it: names are compared, shown and published on one."""
    return f"case when regexp_matches({text}, '[\\t\\r\\n]') then {_SPACED.format(text=text)} else {text} end"


def _plain(text: str) -> str:
    """A number without its thousands separators."""
    separated = f"regexp_full_match({text}, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}})+(\\.[0-9]+)?')"
    return f"case when {separated} then replace({text}, ',', '') else {text} end"


def _dated(text: str, column: Column) -> str:
    # A workbook keeps times as fractions of a day, which come back as 10:11:11.999; and a form's answers in a sheet
    # carry the zone they are told in, which changes nothing about the day.
    if any("%S" in pattern for pattern in column.formats):
        seconds = f"regexp_replace({text}, '(:[0-9]{{2}})\\.[0-9]+$', '\\1')"
        zone = f"regexp_replace({text}, ' (GMT|UTC|BST)([+-][0-9:]+)?$', '')"
        zoned = f"contains({text}, 'GMT') or contains({text}, 'UTC') or contains({text}, 'BST')"
        instant = f"case when contains({text}, '.') then {seconds} when {zoned} then {zone} else {text} end"
    else:
        instant = text
    formats = "[" + ", ".join(literal(pattern) for pattern in column.formats) + "]"
    in_range = f"between date '{_FIRST_DAY}' and date '{_LAST_DAY}'"
    # Of the words "epoch" and "infinity" DuckDB makes a date as well.
    parsed = f"try_strptime(case when regexp_matches({text}, '[0-9]') then {instant} end, {formats})"
    ways = [parsed, _from_serial(text)]
    return f"coalesce({', '.join(f'case when {way} {in_range} then {way} end' for way in ways)})::{column.type}"


def _from_serial(text: str) -> str:
    """The day and time that a spreadsheet shows for a number: days since the end of 1899."""
    days = f"try_cast({text} as double)"
    return (
        f"case when length({text}) = 5 or {text} like '_____.%' then case when {days} between 20000 and 80000"
        f" then timestamp '1899-12-30' + to_seconds(round({days} * 86400)::bigint) end end"
    )


def day_first(pattern: str) -> bool | None:
    """Whether a date is written with its day before its month; None where no two numbers could change places."""
    day, month = pattern.find("%d"), pattern.find("%m")
    return None if day < 0 or month < 0 or pattern.startswith("%Y") else day < month


#: What follows the day in a format.
_TIME_OF_DAY = re.compile(r"[ T]%[HI].*")


def _format_in_words(pattern: str) -> str:
    words = {
        "%d": "dd",
        "%m": "mm",
        "%Y": "yyyy",
        "%y": "yy",
        "%b": "Mon",
        "%B": "Month",
        "%H": "hh",
        "%I": "hh",
        "%M": "mm",
        "%S": "ss",
        "%p": "AM/PM",
    }
    for directive, word in words.items():
        pattern = pattern.replace(directive, word)
    return pattern


def item_columns(instrument: Instrument, separator: str) -> list[Column]:
    """A survey's items as columns of its file: the wordings are the headers, the labels the codes.

    Args:
        instrument: the survey.
        separator: what parts several choices in one cell; any of its characters.
    """
    return [
        Column(
            name=item.item_id,
            headers=list(item.wordings),
            type="choices" if item.choose_many else "code",
            description=item.wordings[0],
            codes=Codes(values=instrument.label_codes(item)),
            separator=separator,
            may_be_absent=True,
        )
        for item in instrument.items
    ]
