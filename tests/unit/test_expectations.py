"""What the suites promise, without running Great Expectations."""

from __future__ import annotations

import ast
from pathlib import Path

import duckdb
import pytest

from expectations.batches import batch_checks, file_checks
from expectations.checks import Check, Outcome, groups_having, literal, literals, name, rows_where
from expectations.file_rules import file_concerns
from expectations.marts import KEY, MARTS, MAY_BE_EMPTY, mart_checks, published_sources
from expectations.results import OWNERS, CheckResult
from expectations.suites import dropped_columns, landed_checks
from ingestion.contracts import load_contracts

REPOSITORY = Path(__file__).resolve().parents[2]
LANDING = [dataset for dataset, contract in load_contracts().items() if contract.not_needed is None]


def landing_checks(dataset: str) -> list[Check]:
    return [*file_checks(dataset), *landed_checks(dataset), *batch_checks(dataset)]


def every_check() -> list[Check]:
    landed = [check for dataset in LANDING for check in landing_checks(dataset)]
    return landed + [check for mart in MARTS for check in mart_checks(mart)]


def found(check: Check, *rows: str) -> list[tuple[object, ...]]:
    """What a check finds among rows written as SQL values, all of file v1 and numbered from 2."""
    with duckdb.connect() as con:
        con.execute("create table registered_organisations as select 'ORG1' as organisation_id")
        source = " union all by name ".join(f"select 'v1' as file_vintage_id, {row}" for row in rows)
        con.execute(f"create table checked as select row_number() over () + 1 as source_row, * from ({source})")
        return con.execute(check.sql).fetchall()


def check_of(dataset: str, rule: str) -> Check:
    [check] = [check for check in landing_checks(dataset) if check.rule == rule]
    return check


@pytest.mark.parametrize("dataset", LANDING)
def test_the_rules_of_a_dataset_have_names_of_their_own(dataset: str) -> None:
    rules = [check.rule for check in landing_checks(dataset)]
    assert len(rules) == len(set(rules))


@pytest.mark.parametrize("mart", MARTS)
def test_the_rules_of_a_mart_have_names_of_their_own(mart: str) -> None:
    rules = [check.rule for check in mart_checks(mart)]
    assert len(rules) == len(set(rules))


def test_every_check_speaks_in_sentences() -> None:
    checks = every_check()
    assert len(checks) > 200
    for check in checks:
        for sentence in (check.description, check.remedy):
            assert sentence[0].isupper(), check.rule
            assert sentence.endswith("."), check.rule


@pytest.mark.parametrize("dataset", LANDING)
def test_every_column_that_must_be_filled_or_closed_has_a_check(dataset: str) -> None:
    rules = {check.rule for check in landed_checks(dataset)}
    for column in load_contracts()[dataset].columns:
        demanded = column.required or column.codes or column.pattern or column.personal == "pseudonymise"
        if column.lands and demanded:
            assert f"{column.name}_valid" in rules


@pytest.mark.parametrize("dataset", LANDING)
def test_every_dataset_proves_its_files_lineage_and_key(dataset: str) -> None:
    assert {check.rule for check in file_checks(dataset)} == {
        "has_rows",
        "columns_as_contracted",
        "dropped_columns_absent",
        "rows_as_in_ledger",
        "rows_add_up",
        "quarantined_share",
        "volume_as_replaced",
    }
    assert {"lineage_complete", "natural_key_unique"} <= {check.rule for check in landed_checks(dataset)}


def test_what_a_contract_drops_is_known_by_every_name_it_could_land_under() -> None:
    dropped = dropped_columns(load_contracts()["ssda903_episodes"])
    parts = ["authority_code", "easting", "northing", "grid"]
    assert dropped == [
        "home_postcode",
        "placement_postcode",
        "establishment_number",
        *(f"home_postcode_{part}" for part in parts),
        *(f"placement_postcode_{part}" for part in parts),
        "child_id_text",
        "home_postcode_text",
        "placement_postcode_text",
        "establishment_number_text",
    ]


def test_rules_of_the_contract_are_proved_where_their_columns_land_and_only_there() -> None:
    rules = {check.rule for check in landed_checks("ssda903_header")}
    assert "rule_not_over_25" in rules
    assert "rule_born_before_year_end" not in rules
    episodes = {check.rule for check in landed_checks("ssda903_episodes")}
    assert {"rule_ceased_after_start", "rule_started_by_year_end"} <= episodes
    assert "rule_end_without_reason" not in episodes


@pytest.mark.parametrize(
    ("year", "reason", "is_right"),
    [(2018, "E43", True), (2018, "E45", False), (2019, "E43", False), (2019, "E45", True), (2030, "E48", True)],
)
def test_a_list_of_codes_is_that_of_the_collection_year(year: int, reason: str, is_right: bool) -> None:
    check = check_of("ssda903_episodes", "ceased_reason_code_valid")
    broken = found(check, f"{year} as collection_year, '{reason}' as ceased_reason_code")
    assert (broken == []) is is_right


def test_a_code_that_need_not_be_there_may_be_missing_and_one_that_must_may_not() -> None:
    assert found(check_of("training_bookings", "role_code_valid"), "null::varchar as role_code") == []
    assert found(check_of("training_bookings", "status_valid"), "null::varchar as status") == [
        ("v1", "row 2: status is missing")
    ]


def test_a_detail_says_what_is_wrong_with_the_row() -> None:
    check = check_of("organisations", "headcount_valid")
    rows = [f"{headcount} as headcount" for headcount in ("10", "null::bigint", "-1")]
    assert sorted(found(check, *rows)) == [
        ("v1", "row 3: headcount is missing"),
        ("v1", "row 4: headcount is below 0"),
    ]
    assert check.description == "Every headcount is there, is 0 or more and is 1000000 or less."


def test_an_age_is_proved_from_the_landed_column() -> None:
    check = check_of("ssda903_header", "rule_not_over_25")
    assert found(check, "25 as age_at_year_end", "26 as age_at_year_end") == [("v1", "row 3")]


def test_a_rate_that_halves_exactly_is_rounded_up() -> None:
    check = check_of("dfe_exclusions", "printed_rates_follow_from_counts")

    def row(rate: float) -> str:
        figures = {
            "headcount": 800,
            "suspensions": 1,
            "suspension_rate": rate,
            "permanent_exclusions": 0,
            "permanent_exclusion_rate": 0,
            "pupils_suspended": 0,
            "pupils_suspended_percent": 0,
        }
        columns = ", ".join(f"{value}::decimal(18,6) as {column}" for column, value in figures.items())
        return f"'Local authority' as geographic_level, {columns}"

    # 1 of 800 is 0.125 per cent, which half-even would print as 0.12.
    assert found(check, row(0.13)) == []
    assert found(check, row(0.12)) == [("v1", "row 2")]


def test_sql_values_and_names_are_quoted() -> None:
    assert literal("it's") == "'it''s'"
    assert literals({"b", "a'"}) == "('a''', 'b')"
    assert name('odd"name') == '"odd""name"'


def check(sql: str) -> Check:
    return Check("rule_name", "What is true.", "Do this.", sql, owner="analyst", reason="It matters.")


def test_a_row_check_names_the_file_and_the_row() -> None:
    assert found(check(rows_where("n > 1")), "1 as n", "2 as n") == [("v1", "row 3")]


def test_a_group_check_names_the_first_and_the_last_row() -> None:
    assert found(check(groups_having("count(*) > 1", "n")), "7 as n", "8 as n", "7 as n") == [("v1", "rows 2 and 4")]


CHECK = check("select 1")


def test_a_failure_says_how_many_which_and_what_to_do() -> None:
    result = Outcome(CHECK, passed=False, rows_checked=1200, rows_failed=3).result("landed", "events", ["a", "b"], "v1")
    assert result == CheckResult(
        stage="landed",
        dataset="events",
        rule="rule_name",
        description="What is true.",
        severity="error",
        passed=False,
        rows_checked=1200,
        rows_failed=3,
        vintage_id="v1",
        message="3 found among 1,200 rows: a; b; and 1 more. Do this.",
        owner="analyst",
        reason="It matters.",
        remedy="Do this.",
    )


def test_a_pass_has_no_message() -> None:
    assert Outcome(CHECK, passed=True, rows_checked=5, rows_failed=0).result("marts", "areas").message is None


def test_only_a_failed_error_blocks() -> None:
    def result(passed: bool, severity: str) -> CheckResult:
        return CheckResult(
            "marts", "areas", "rule", "Words.", severity, passed, 1, 0, owner="analyst", reason="R.", remedy="D."
        )

    assert [result(p, s).blocks for p in (True, False) for s in ("error", "warning")] == [False, False, True, False]


def test_a_mart_without_rows_blocks_but_for_one_that_may_be_empty() -> None:
    severities = {mart: [c.severity for c in mart_checks(mart) if c.rule == "has_rows"] for mart in MARTS}
    assert severities == {mart: ["warning" if mart in MAY_BE_EMPTY else "error"] for mart in MARTS}


def test_checks_on_marts_are_errors_but_for_what_a_publisher_printed() -> None:
    warnings = {
        check.rule
        for mart in set(MARTS) - set(MAY_BE_EMPTY)
        for check in mart_checks(mart)
        if check.severity == "warning"
    }
    assert warnings == {"published_figures_agree", "decisions_take_effect"}


def test_only_what_a_publisher_publishes_passes_through_disclosure_control() -> None:
    # The department's data files, Fingertips and the Scottish statistics: nothing that the authority holds itself.
    publishers = ("dfe_", "fingertips", "scottish_")
    assert {source for source in published_sources() if source in LANDING} == {
        dataset for dataset in LANDING if dataset.startswith(publishers)
    }
    # A source that joins several datasets has no contract, and is never one of them.
    assert "training_records" not in published_sources()


def test_the_key_of_a_value_is_the_public_one() -> None:
    assert KEY == (
        "indicator_id",
        "source_dataset",
        "area_code",
        "sector",
        "organisation_id",
        "breakdown",
        "breakdown_value",
        "period_type",
        "period",
    )


def imports_of(path: Path) -> set[str]:
    """Modules that a file imports when it is loaded, not inside its functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loaded: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            loaded |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            loaded.add(node.module)
    return loaded


def test_the_proof_shares_no_code_with_the_ingestion_that_it_proves() -> None:
    modules = sorted((REPOSITORY / "expectations").glob("*.py"))
    assert len(modules) > 5
    from_ingestion = {m for path in modules for m in imports_of(path) if m.startswith("ingestion")}
    # What a home has accepted, how a file is written and what a process may reach is nothing that is proved here.
    assert from_ingestion == {
        "ingestion.contracts", "ingestion.home", "ingestion.instruments", "ingestion.registry.tables",
        "ingestion.database", "ingestion.pseudonyms", "ingestion.writing",
    }  # fmt: skip


def test_only_the_modules_that_run_great_expectations_import_it() -> None:
    importing = {
        path.name
        for path in (REPOSITORY / "expectations").glob("*.py")
        if any(module.split(".")[0] == "great_expectations" for module in imports_of(path))
    }
    assert importing == {"data_docs.py", "duckdb_datasource.py", "validation.py"}


def test_every_check_has_an_owner_a_reason_and_a_remedy() -> None:
    checks = every_check()
    assert len(checks) > 400
    unclear = [c.rule for c in checks if c.owner not in OWNERS or not c.reason.endswith(".") or not c.remedy.strip()]
    assert unclear == []
    assert {check.owner for check in checks} == set(OWNERS)


def test_every_rule_about_files_has_an_owner_a_reason_and_a_remedy() -> None:
    concerns = {concern.pop("rule_name"): concern for concern in map(dict, file_concerns())}
    assert {"any_row", "any_file"} <= concerns.keys()
    assert {concern["owner"] for concern in concerns.values()} <= set(OWNERS)
    assert [rule for rule, concern in concerns.items() if not all(word.strip() for word in concern.values())] == []


def test_the_rules_about_files_are_rules_that_ingestion_has() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "ingestion").rglob("*.py"))
    named = {concern["rule_name"] for concern in file_concerns()} - {"any_row", "any_file"}
    assert {rule for rule in named if f'"{rule}"' not in code} == set()
