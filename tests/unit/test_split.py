"""Where a row goes, what its cells become, and what is said of a row that does not land."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.contracts import Contract
from ingestion.findings import Finding
from ingestion.split import Outcome, Source, Splitter
from ingestion.sql import literal, name

VINTAGE = "0123456789abcdef"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def contract(columns: Sequence[dict[str, Any]], **more: Any) -> Contract:
    """A contract with these columns, each under its own name as header, and no more than it must have."""
    return Contract.model_validate(
        {
            "dataset": "cells",
            "version": 1,
            "title": "Cells",
            "description": "Cells.",
            "supplier": "Test",
            "licence": "None",
            "cadence": "monthly",
            "owner": "test",
            "recognise": {"headers": ["a"]},
            "submission": {"mode": "replace", "key": ["collection_year"]},
            "context": [{"name": "collection_year", "kind": "financial_year_end", "description": "Year."}],
            "columns": [{"headers": [c["name"]], "description": c["name"]} | c for c in columns],
        }
        | more
    )


class Split:
    """One split of rows of text under a contract."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        contract: Contract,
        rows: Sequence[Sequence[str | None]],
        year: int = 2018,
        misshapen: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.con = con
        self.contract = contract
        width = len(contract.columns)
        cells = ", ".join(f"c{i} varchar" for i in range(width))
        con.execute(f"create or replace temp table raw (source_row bigint, {cells})")
        for number, row in enumerate(rows, start=2):
            con.execute(f"insert into raw values (?{', ?' * width})", [number, *row])
        self.splitter = Splitter(
            con,
            contract,
            contract.columns,
            Source(
                file_name="cells.csv",
                vintage_id=VINTAGE,
                sheet=None,
                headers={c.name: c.headers[0] for c in contract.columns},
                positions={c.name: (i,) for i, c in enumerate(contract.columns)},
                width=width,
                context={"collection_year": year},
                pseudonyms={c.name: f"upper({c.name}_text)" for c in contract.columns if c.personal == "pseudonymise"},
                lookups={c.name: self._lookup(c.name) for c in contract.columns if c.type == "organisation"},
            ),
        )
        self.outcome: Outcome = self.splitter.split(len(rows), list(misshapen))

    def _lookup(self, column: str) -> str:
        """Every text stands for itself in capitals, but for “nowhere”, which stands for nothing."""
        at = [c.name for c in self.contract.columns].index(column)
        self.con.execute(
            f"""create or replace temp table {name("known_" + column)} as
            select distinct c{at} as key, case when c{at} <> 'nowhere' then upper(c{at}) end as resolved from raw"""
        )
        return name("known_" + column)

    def good(self, columns: str) -> list[tuple[Any, ...]]:
        return self.con.execute(f"select {columns} from good order by source_row").fetchall()

    @property
    def findings(self) -> list[Finding]:
        return self.outcome.findings

    def rules(self) -> list[tuple[int | None, str | None, str]]:
        return [(f.source_row, f.column_name, f.rule) for f in self.findings]


def value_of(con: duckdb.DuckDBPyConnection, column: dict[str, Any], cell: str, landed: str = "a") -> Any:
    """What a cell lands as; the rule that it breaks where it does not land."""
    split = Split(con, contract([{"name": "a"} | column]), [[cell]])
    if split.outcome.landed:
        return split.good(landed)[0][0]
    assert split.outcome.quarantined == 1
    return "; ".join(f.rule for f in split.findings)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7", 7),
        ("007", 7),
        ("+7", 7),
        ("-7", -7),
        ("7.0", 7),
        ("7.00", 7),
        ("1,234", 1234),
        ("1,234,567", 1234567),
        ("-1,234.0", -1234),
        ("12.5", "not_a_number"),
        ("7.01", "not_a_number"),
        ("1e5", "not_a_number"),
        ("12,34", "not_a_number"),
        ("1,2345", "not_a_number"),
        (",123", "not_a_number"),
        ("1 234", "not_a_number"),
        ("seven", "not_a_number"),
        ("7 people", "not_a_number"),
        ("٧", "not_a_number"),
        ("−7", "not_a_number"),
        ("0x10", "not_a_number"),
        ("1_000", "not_a_number"),
        ("NaN", "not_a_number"),
        ("99999999999999999999", "not_a_number"),
        ("9223372036854775807", 9223372036854775807),
    ],
)
def test_a_whole_number_is_never_rounded_and_never_guessed(
    con: duckdb.DuckDBPyConnection, cell: str, value: object
) -> None:
    assert value_of(con, {"type": "integer"}, cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7", "7"),
        ("7.25", "7.25"),
        (".5", "0.5"),
        ("7.", "7"),
        ("-0.125", "-0.125"),
        ("1,234.5", "1234.5"),
        ("0.1234565", "0.123457"),
        ("1e5", "not_a_number"),
        ("7,25", "not_a_number"),
        ("inf", "not_a_number"),
        ("£7", "not_a_number"),
        (".", "not_a_number"),
        ("1234567890123", "not_a_number"),
    ],
)
def test_a_decimal_keeps_six_places(con: duckdb.DuckDBPyConnection, cell: str, value: str) -> None:
    got = value_of(con, {"type": "decimal"}, cell)
    assert got == (value if value == "not_a_number" else Decimal(value))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("01/04/2018", date(2018, 4, 1)),
        ("1/4/2018", date(2018, 4, 1)),
        ("2018-04-01", date(2018, 4, 1)),
        ("2018-04-01 00:00:00", date(2018, 4, 1)),
        ("2018-04-01 10:11:11.999", date(2018, 4, 1)),
        ("29/02/2016", date(2016, 2, 29)),
        ("31/12/2199", date(2199, 12, 31)),
        ("01/01/1900", date(1900, 1, 1)),
        ("29/02/2018", "not_a_date"),
        ("31/02/2018", "not_a_date"),
        ("00/01/2018", "not_a_date"),
        ("13/13/2018", "not_a_date"),
        # A year of two digits could be any century, and DuckDB would take it for the first.
        ("01/04/18", "not_a_date"),
        ("01/04/0018", "not_a_date"),
        ("31/12/1899", "not_a_date"),
        ("01/01/2200", "not_a_date"),
        ("18-04-01", "not_a_date"),
        ("01.04.2018", "not_a_date"),
        ("2018/04/01", "not_a_date"),
        ("01/04/2018x", "not_a_date"),
        # A spreadsheet's number of a day.
        ("43191", date(2018, 4, 1)),
        ("43191.75", date(2018, 4, 1)),
        ("04319", "not_a_date"),
        ("99999", "not_a_date"),
        ("1 April 2018", "not_a_date"),
        ("epoch", "not_a_date"),
        ("infinity", "not_a_date"),
        ("-infinity", "not_a_date"),
        ("today", "not_a_date"),
    ],
)
def test_a_date_is_one_that_the_calendar_has_in_a_form_that_the_contract_names(
    con: duckdb.DuckDBPyConnection, cell: str, value: object
) -> None:
    assert value_of(con, {"type": "date", "formats": ["%d/%m/%Y", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"]}, cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2025-09-15 10:11:12", datetime(2025, 9, 15, 10, 11, 12)),
        ("9/15/25 10:11:12", datetime(2025, 9, 15, 10, 11, 12)),
        ("15/09/2025 10:11:12", datetime(2025, 9, 15, 10, 11, 12)),
        ("15/09/25 10:11:12", "not_a_date"),
        ("2025-09-15 25:00:00", "not_a_date"),
        ("2025-09-15 10:11", "not_a_date"),
    ],
)
def test_a_time_is_read_in_the_first_form_that_fits(con: duckdb.DuckDBPyConnection, cell: str, value: object) -> None:
    formats = ["%Y-%m-%d %H:%M:%S", "%m/%d/%y %H:%M:%S", "%d/%m/%Y %H:%M:%S"]
    assert value_of(con, {"type": "timestamp", "formats": formats}, cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("Did not attend", "absent"),
        ("did NOT attend", "absent"),
        ("Did  not\u00a0attend", "absent"),
        ("Did\nnot attend", "absent"),
        ("DNA", "absent"),
        ("dna", "absent"),
        ("It's; done", "done"),
        ("D N A", "unknown_code"),
        ("Absent", "unknown_code"),
        ("absent", "unknown_code"),
    ],
)
def test_a_code_is_one_of_the_list_whatever_its_case_and_inner_spaces(
    con: duckdb.DuckDBPyConnection, cell: str, value: str
) -> None:
    codes = {"Did not attend": "absent", "DNA": "absent", "It's; done": "done"}
    assert value_of(con, {"type": "code", "codes": codes}, cell) == value


@pytest.mark.parametrize(
    ("year", "cell", "rule"), [(2018, "E45", "unknown_code"), (2019, "E45", None), (2019, "E43", "unknown_code")]
)
def test_a_code_counts_in_the_years_that_have_it(
    con: duckdb.DuckDBPyConnection, year: int, cell: str, rule: str | None
) -> None:
    codes = {"values": ["E43", "E5"], "changes": [{"from_year": 2019, "add": ["E45"], "remove": ["E43"]}]}
    split = Split(con, contract([{"name": "a", "type": "code", "codes": codes}]), [[cell]], year=year)
    assert [f.rule for f in split.findings] == ([rule] if rule else [])
    if rule and year == 2018:
        assert split.findings[0].message == "“E45” is not one of the codes of collection year 2018 (E43, E5)"


@pytest.mark.parametrize(
    ("cell", "value", "status"),
    [
        ("12", "12", "ok"),
        ("4.16", "4.16", "ok"),
        ("8,025,075", "8025075", "ok"),
        ("c", None, "c"),
        ("C", None, "c"),
        ("x", None, "c"),
        (".", None, "z"),
        ("~", None, "k"),
    ],
)
def test_a_statistic_is_a_number_or_a_status(
    con: duckdb.DuckDBPyConnection, cell: str, value: str | None, status: str
) -> None:
    column = {"type": "statistic", "symbols": {"c": "c", "x": "c", ".": "z", "~": "k"}}
    got = value_of(con, column, cell)
    assert got == (None if value is None else Decimal(value))
    assert value_of(con, column, cell, "a_status") == status


@pytest.mark.parametrize("cell", ["cc", "n/a", "-", "1.2.3", "12c"])
def test_a_statistic_that_is_neither_is_no_figure(con: duckdb.DuckDBPyConnection, cell: str) -> None:
    assert value_of(con, {"type": "statistic", "symbols": {"c": "c"}}, cell) == "not_a_figure"


@pytest.mark.parametrize(
    ("cell", "value"),
    [("Yes", True), ("y", True), ("1", True), ("1.0", True), ("TRUE", True), ("No", False), ("0", False),
     ("false", False), ("maybe", "not_yes_or_no"), ("2", "not_yes_or_no")],
)  # fmt: skip
def test_yes_and_no_are_read_as_people_and_programs_write_them(
    con: duckdb.DuckDBPyConnection, cell: str, value: object
) -> None:
    assert value_of(con, {"type": "boolean"}, cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("A; B ;;C;", ["A", "B", "C"]),
        ("A", ["A"]),
        (";", []),
        ("A, B", ["A, B"]),
    ],
)
def test_a_list_is_parted_at_its_separator(con: duckdb.DuckDBPyConnection, cell: str, value: list[str]) -> None:
    assert value_of(con, {"type": "text_list"}, cell) == value


@pytest.mark.parametrize(
    "cell",
    ["O'Brien's", "'; drop table raw; --", "{value}", "{suggestion}", "%s $1 ?", "😀 Łódź", '"quoted"', "\\"],
)
def test_text_lands_as_it_is_and_a_message_shows_it_as_it_is(con: duckdb.DuckDBPyConnection, cell: str) -> None:
    assert value_of(con, {}, cell) == cell
    codes = {"It's {value}": "x"}
    split = Split(con, contract([{"name": "a", "type": "code", "codes": codes}]), [[cell]])
    assert [(f.value, f.rule) for f in split.findings] == [(cell, "unknown_code")]
    assert split.findings[0].message.startswith(f"“{cell}” is not one of the codes")


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!", "#VALUE!"])
def test_what_a_failed_formula_left_is_not_text(con: duckdb.DuckDBPyConnection, error: str) -> None:
    assert value_of(con, {}, error) == "formula_error"
    assert value_of(con, {"personal": "pseudonymise", "domain": "d"}, error) == "formula_error"
    assert value_of(con, {"type": "integer"}, error) == "not_a_number"


def test_a_pattern_and_bounds_are_kept(con: duckdb.DuckDBPyConnection) -> None:
    pattern = {"pattern": "[0-9]{6}", "pattern_says": "a year in six digits"}
    assert value_of(con, pattern, "201617") == "201617"
    assert value_of(con, pattern, "2016170") == "pattern"
    assert value_of(con, pattern, "x201617") == "pattern"
    bounds = {"type": "integer", "minimum": 0, "maximum": 100}
    assert [value_of(con, bounds, cell) for cell in ("-1", "0", "100", "101")] == ["minimum", 0, 100, "maximum"]


def test_a_statistic_with_a_status_is_within_any_bounds(con: duckdb.DuckDBPyConnection) -> None:
    column = {"type": "statistic", "symbols": {"c": "c"}, "minimum": 5}
    assert value_of(con, column, "c", "a_status") == "c"
    assert value_of(con, column, "4") == "minimum"


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_cell_is_null_where_it_may_be_and_found_where_it_may_not(
    con: duckdb.DuckDBPyConnection, empty: str | None
) -> None:
    columns = [{"name": "a", "required": True}, {"name": "b"}, {"name": "d", "default": "Yes", "type": "boolean"}]
    split = Split(con, contract(columns), [["x", empty, empty], [empty, "y", "no"], [empty, empty, empty]])
    assert split.good("a, b, d") == [("x", None, True)]
    assert split.rules() == [(3, "a", "required")]
    assert (split.findings[0].value, split.findings[0].message) == (None, "the cell is empty")
    # An empty row is nothing that anyone sent, whatever its columns ask for.
    assert split.outcome.dropped == {"blank_row": 1}


def test_every_wrong_cell_of_a_row_is_told_and_the_row_counts_once(con: duckdb.DuckDBPyConnection) -> None:
    columns = [
        {"name": "a", "type": "integer"},
        {"name": "b", "type": "date", "formats": ["%d/%m/%Y"]},
        {"name": "d", "required": True},
    ]
    split = Split(con, contract(columns), [["1", "01/01/2018", "x"], ["one", "yesterday", ""], ["2", "", "y"]])
    assert (split.outcome.read, split.outcome.landed, split.outcome.quarantined) == (3, 2, 1)
    assert split.rules() == [(3, "a", "not_a_number"), (3, "b", "not_a_date"), (3, "d", "required")]
    assert split.findings[0] == Finding(
        dataset="cells",
        file_name="cells.csv",
        vintage_id=VINTAGE,
        sheet=None,
        source_row=3,
        column_name="a",
        rule="not_a_number",
        value="one",
        message="“one” is not a whole number",
        remedy="Write the number alone, without words or units.",
        severity="error",
    )
    assert split.findings[0].sentence() == (
        "cells.csv, row 3, column “a”: “one” is not a whole number. Write the number alone, without words or units."
    )
    assert split.findings[1].message == "“yesterday” is not a date written as dd/mm/yyyy"


def test_a_personal_value_is_masked_and_a_long_one_cut(con: duckdb.DuckDBPyConnection) -> None:
    columns = [
        {"name": "a", "type": "date", "formats": ["%d/%m/%Y"], "personal": "drop"},
        {"name": "b", "type": "integer"},
    ]
    split = Split(con, contract(columns), [["born in May", "1"], ["01/05/2012", "x" * 100]])
    assert [f.value for f in split.findings] == ["***", "x" * 79 + "…"]
    assert split.findings[0].message == "“***” is not a date written as dd/mm/yyyy"
    assert "May" not in str(split.findings)


def test_an_organisation_that_does_not_resolve_is_quarantined(con: duckdb.DuckDBPyConnection) -> None:
    column = {"type": "organisation", "required": True}
    assert value_of(con, column, "org1") == "ORG1"
    assert value_of(con, column, "nowhere") == "unknown_organisation"


RULES = [
    {"id": "too_late", "column": "a", "fails_when": "a > 10", "message": "“{value}” is late", "remedy": "Hurry."},
    {
        "id": "rather_late",
        "column": "a",
        "fails_when": "a > 5",
        "message": "“{value}” is rather late",
        "remedy": "Hurry.",
        "severity": "warning",
    },
]
DROPS = [{"id": "is_test", "when": "b = 'test'", "reason": "A trial."}]


def test_rules_quarantine_or_warn_and_drops_are_counted_and_say_nothing(con: duckdb.DuckDBPyConnection) -> None:
    columns = [{"name": "a", "type": "integer"}, {"name": "b"}]
    split = Split(
        con,
        contract(columns, rules=RULES, drops=DROPS),
        [["1", ""], ["6", ""], ["11", ""], ["99", "test"], ["wrong", "test"], ["", "x"]],
    )
    assert split.rules() == [(3, "a", "rather_late"), (4, "a", "too_late"), (4, "a", "rather_late")]
    assert [f.severity for f in split.findings] == ["warning", "error", "warning"]
    assert [f.message for f in split.findings[:2]] == ["“6” is rather late", "“11” is late"]
    assert split.outcome == Outcome(6, 3, 1, {"is_test": 2}, split.findings)
    # What cannot be told is not held against a row.
    assert split.good("source_row") == [(2,), (3,), (7,)]


@pytest.mark.parametrize(
    ("wrong", "right", "open_ended", "are_exchanged"),
    [(18, 2, 40, True), (17, 3, 0, False), (19, 0, 40, False), (20, 0, 0, True)],
)
def test_where_nearly_all_rows_break_a_rule_about_two_columns_they_may_be_exchanged(
    con: duckdb.DuckDBPyConnection, wrong: int, right: int, open_ended: int, are_exchanged: bool
) -> None:
    ends = {"id": "ends_late", "column": "b", "fails_when": "b < a", "message": "too early", "remedy": "Correct it."}
    columns = [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer", "headers": ["End"]}]
    # A row without its end says nothing of the two.
    rows = [["5", "4"]] * wrong + [["4", "5"]] * right + [["5", ""]] * open_ended
    split = Split(con, contract(columns, rules=[ends]), rows)
    hint = " Nearly all rows that have both break this rule: see whether “End” and “a” are exchanged."
    assert {f.remedy for f in split.findings} == {"Correct it." + (hint if are_exchanged else "")}
    assert len(split.findings) == wrong


def test_a_date_that_is_none_is_told_how_one_is_written(con: duckdb.DuckDBPyConnection) -> None:
    columns = [{"name": "a", "type": "date", "formats": ["%d/%m/%Y", "%d/%m/%Y %H:%M", "%d %b %Y"]}]
    [found] = Split(con, contract(columns), [["08 Sep 2025 at noon"]]).findings
    assert found.message == "“08 Sep 2025 at noon” is not a date written as dd/mm/yyyy or dd Mon yyyy"
    assert found.remedy == "Write a day that there is, as dd/mm/yyyy or dd Mon yyyy, and no words beside it."


def test_a_misshapen_row_is_quarantined_with_its_number(con: duckdb.DuckDBPyConnection) -> None:
    columns = [{"name": "a"}, {"name": "b"}]
    split = Split(con, contract(columns), [["x", "y"]], misshapen=[(3, 1), (4, 5)])
    assert split.outcome == Outcome(3, 1, 2, {}, split.findings)
    assert [(f.source_row, f.rule, f.value, f.message) for f in split.findings] == [
        (3, "number_of_cells", "1", "the row has 1 cells where the header has 2"),
        (4, "number_of_cells", "5", "the row has 5 cells where the header has 2"),
    ]


def test_of_rows_with_one_key_the_first_lands_equal_ones_are_dropped_and_others_quarantined(
    con: duckdb.DuckDBPyConnection,
) -> None:
    columns = [{"name": "a"}, {"name": "b"}, {"name": "note", "personal": "drop"}, {"name": "n", "type": "integer"}]
    split = Split(
        con,
        contract(columns, natural_key=["a", "b"]),
        [
            ["k", "1", "", "5"],  # 2 lands
            ["k", "2", "", "5"],  # 3 lands: another key
            ["k", "1", "said otherwise in a column that is dropped", "5.0"],  # 4 equal
            ["k", "1", "", "6"],  # 5 differs
            ["k", "1", "", "five"],  # 6 is wrong in itself
            ["", "1", "", "5"],  # 7 lands: nothing is a key too
            ["", "1", "", "5"],  # 8 equal
            ["k", "1", "", ""],  # 9 differs: nothing is not five
        ],
    )
    assert split.good("source_row") == [(2,), (3,), (7,)]
    assert split.outcome == Outcome(8, 3, 3, {"duplicate_row": 2}, split.findings)
    assert sorted(split.rules()) == [
        (5, "a, b", "duplicate_key"),
        (6, "n", "not_a_number"),
        (9, "a, b", "duplicate_key"),
    ]
    (fifth, _) = (f for f in split.findings if f.rule == "duplicate_key")
    assert (fifth.value, fifth.message) == ("k, 1", "row 2 is about the same thing and says otherwise")


def test_a_repeated_key_that_is_personal_or_worked_out_names_its_columns_and_masks_them(
    con: duckdb.DuckDBPyConnection,
) -> None:
    columns = [{"name": "day"}, {"name": "title", "personal": "drop"}, {"name": "n", "type": "integer"}]
    derived = [{"name": "event_id", "type": "text", "description": "d", "sql": "day || '|' || lower(title)"}]
    split = Split(
        con,
        contract(columns, derived=derived, natural_key=["event_id"]),
        [["d1", "Meeting", "1"], ["d1", "MEETING", "2"], ["d2", "Meeting", "1"]],
    )
    assert split.rules() == [(3, "day, title", "duplicate_key")]
    assert split.findings[0].value == "***"


def test_what_lands_has_the_contracts_columns_and_types_in_the_files_order(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    columns = [
        {"name": "a", "type": "statistic", "symbols": {"c": "c"}},
        {"name": "gone", "personal": "drop"},
        {"name": "read_only", "keep": False},
        {"name": "who", "personal": "pseudonymise", "domain": "d"},
        {"name": "parts", "type": "text_list"},
    ]
    derived = [{"name": "twice", "type": "decimal", "description": "d", "sql": "a * 2"}]
    made = contract(columns, derived=derived)
    split = Split(con, made, [["1.5", "x", "y", "ann", "p;q"], ["c", "x", "y", "bob", ""]])
    path = tmp_path / "it's landed.parquet"
    split.splitter.land(path)
    described = con.execute(f"describe select * from {literal(str(path))}").fetchall()
    assert [(row[0], row[1]) for row in described] == list(made.landed_columns().items())
    assert con.execute(f"select * from {literal(str(path))}").fetchall() == [
        (2018, Decimal("1.5"), "ok", "ANN", ["p", "q"], Decimal(3), VINTAGE, 2),
        (2018, None, "c", "BOB", None, None, VINTAGE, 3),
    ]


def test_a_file_without_rows_lands_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    split = Split(con, contract([{"name": "a", "required": True}], natural_key=["a"]), [])
    assert split.outcome == Outcome(0, 0, 0, {}, [])
    split.splitter.land(tmp_path / "empty.parquet")
