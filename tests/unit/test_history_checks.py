"""A batch beside those before it: each seeded fault is found, and its clean neighbour is not.

The queries are run on DuckDB as they stand; that Great Expectations runs them is shown in the tests of the gate.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

import duckdb
import pytest
from pydantic import ValidationError

from expectations.batches import batch_checks, file_checks
from expectations.checks import asking
from expectations.history import history_checks
from expectations.thresholds import Thresholds, load_thresholds
from ingestion.contracts import load_contracts

LANDING = [dataset for dataset, contract in load_contracts().items() if contract.not_needed is None]


def found(dataset: str, rule: str, *selects: str, beside: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What a rule finds among landed rows: ``(vintage, detail)``; a column that no select names is null."""
    [check] = [check for check in (*file_checks(dataset), *batch_checks(dataset)) if check.rule == rule]
    columns = load_contracts()[dataset].landed_columns() | {"file_vintage_id": "VARCHAR"}
    with duckdb.connect() as con:
        for statement in beside:
            con.execute(statement)
        con.execute(f"create table checked ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
        for select in selects:
            con.execute(f"insert into checked by name {select}")
        con.execute("update checked set source_row = rowid + 2 where source_row is null")
        return sorted(con.execute(check.sql).fetchall())


def children(year: int, count: int, **columns: str) -> str:
    """A header of so many children."""
    named = {"sex": "if(n % 2 = 0, 'F', 'M')", "is_mother": "false", "age_at_year_end": "n % 17"} | columns
    said = ", ".join(f"{value} as {column}" for column, value in named.items())
    return (
        f"select 'h{year}' as file_vintage_id, {year} as collection_year, 'c' || n as child_id, {said}"
        f" from range({count}) as r (n)"
    )


def test_a_return_with_half_as_many_children_is_far_fewer_and_one_with_some_fewer_is_not() -> None:
    volume = "ssda903_header", "volume_as_before"
    assert found(*volume, children(2024, 400), children(2025, 350)) == []
    assert found(*volume, children(2024, 400), children(2025, 180)) == [
        ("h2025", "collection year 2025: far fewer people than in collection year 2024"),
        ("h2025", "collection year 2025: far fewer rows than in collection year 2024"),
    ]


def test_a_return_that_holds_everybody_twice_is_far_more() -> None:
    twice = [
        vintage for vintage, _ in found("ssda903_header", "volume_as_before", children(2024, 200), children(2025, 420))
    ]
    assert twice == ["h2025", "h2025"]


def test_few_children_may_double_by_chance() -> None:
    assert found("ssda903_header", "volume_as_before", children(2024, 6), children(2025, 20)) == []


def test_what_was_so_three_years_ago_is_no_news() -> None:
    years = [children(2020, 400), children(2021, 100), *(children(year, 100) for year in range(2022, 2026))]
    assert found("ssda903_header", "volume_as_before", *years) == []


def exclusions(*terms: tuple[str, int]) -> list[str]:
    """So many exclusions from each day on, one a day of three."""
    return [
        f"select 'e' as file_vintage_id, 'p' || n as pupil_id, 'S' || n % 5 as school_id,"
        f" date '{start}' + (n % 30)::integer as start_date, 2 as sessions, 'SUSP' as category_code"
        f" from range({count}) as r (n)"
        for start, count in terms
    ]


def test_a_term_is_compared_with_that_of_the_year_before_and_not_with_another_season() -> None:
    terms = [
        ("2023-05-01", 90), ("2023-09-15", 300), ("2024-01-15", 200), ("2024-05-01", 100),
        ("2024-09-15", 310), ("2025-01-15", 190), ("2025-05-01", 110), ("2025-09-15", 20),
    ]  # fmt: skip
    assert found("la_exclusions", "volume_as_before", *exclusions(*terms)) == []
    terms[5] = ("2025-01-15", 60)
    assert found("la_exclusions", "volume_as_before", *exclusions(*terms)) == [
        ("e", "2024/25 spring: far fewer people than in 2023/24 spring"),
        ("e", "2024/25 spring: far fewer rows than in 2023/24 spring"),
    ]


def test_a_term_without_rows_between_others_is_missing() -> None:
    terms = [("2024-01-15", 200), ("2024-05-01", 100), ("2024-09-15", 310), ("2025-01-15", 190), ("2025-05-01", 110)]
    assert found("la_exclusions", "no_period_missing", *exclusions(*terms)) == []
    del terms[3]
    assert found("la_exclusions", "no_period_missing", *exclusions(*terms)) == [("e", "2024/25 spring has no rows")]


def test_a_missing_wave_is_named() -> None:
    waves = [answers(wave) for wave in (1, 2, 4)]
    assert found("workforce_survey", "no_period_missing", *waves) == [("w4", "wave 3 has no rows")]


def test_more_of_what_a_programme_is_for_is_no_fault_and_much_less_is() -> None:
    def events(*quarters: tuple[str, int]) -> list[str]:
        return [
            f"select 'v' as file_vintage_id, date '{start}' + (n % 60)::integer as event_date,"
            f" 'e{start}' || n as event_id, 'workshop' as event_type, 20 as attendance from range({count}) as r (n)"
            for start, count in quarters
        ]

    quarters = [("2023-04-01", 40), ("2023-07-01", 40), ("2024-07-01", 160), ("2025-01-01", 9)]
    assert found("events", "volume_as_before", *events(*quarters)) == []
    quarters[2] = ("2024-07-01", 3)
    assert found("events", "volume_as_before", *events(*quarters)) == [("v", "2024 Q3: far fewer rows than in 2023 Q3")]


def test_a_code_that_takes_over_is_found_and_the_result_holds_no_figure() -> None:
    codes = "ssda903_header", "distribution_as_before"
    assert found(*codes, children(2024, 400), children(2025, 400)) == []
    details = found(*codes, children(2024, 400), children(2025, 400, sex="if(n % 10 = 0, 'F', 'M')"))
    assert details == [
        ("h2025", "collection year 2025: sex is far less often F than in collection year 2024"),
        ("h2025", "collection year 2025: sex is far more often M than in collection year 2024"),
    ]
    assert all(re.findall(r"\d+", detail) == ["2025", "2024"] for _, detail in details)


def test_a_column_that_is_suddenly_empty_is_found() -> None:
    empty = children(2025, 400, is_mother="null::boolean")
    details = [detail for _, detail in found("ssda903_header", "distribution_as_before", children(2024, 400), empty)]
    assert "collection year 2025: is_mother is far more often nothing than in collection year 2024" in details


def test_ages_that_all_moved_are_found() -> None:
    older = children(2025, 400, age_at_year_end="n % 17 + 9")
    details = [detail for _, detail in found("ssda903_header", "distribution_as_before", children(2024, 400), older)]
    assert details == ["collection year 2025: age_at_year_end is far higher than in collection year 2024"]


def answers(
    wave: int, *, people: int = 120, start: str | None = None, score: str = "2 + n % 4", organisations: int = 6
) -> str:
    """Answers to two statements; most agree."""
    day = f"date '{start or f'202{wave}-05-01'}' + (n % 20)::integer"
    return (
        f"select 'w{wave}' as file_vintage_id, {wave} as wave, 'r{wave}-' || n as respondent_id,"
        f" {day} as submitted_date, 'ORG' || n % {organisations} as organisation_id, 'practitioner' as role_code,"
        f" item as item_id, 'agree' as answer, {score} as score"
        f" from range({people}) as r (n), (values ('wf01'), ('wf02')) as i (item)"
    )


def test_a_scale_that_was_turned_round_is_found_by_statement() -> None:
    moved = "workforce_survey", "distribution_as_before"
    agreeing = "if(n % 5 = 0, 3, 4 + n % 2)"
    turned = f"6 - {agreeing}"
    assert found(*moved, answers(1, score=agreeing), answers(2, score=agreeing)) == []
    assert found(*moved, answers(1, score=agreeing), answers(2, score=turned)) == [
        ("w2", "wave 2: the answer to wf01 is far lower than in wave 1"),
        ("w2", "wave 2: the answer to wf02 is far lower than in wave 1"),
    ]


def test_published_rates_that_became_fractions_are_found() -> None:
    def release(year: int, rate: str) -> str:
        return (
            f"select 'dfe' as file_vintage_id, '{year}{(year + 1) % 100}' as time_period, 'E0900000' || n as area_code,"
            f" 'Local authority' as geographic_level, 'Total' as school_type, {rate} as suspension_rate"
            " from range(1, 13) as r (n)"
        )

    rates = "dfe_exclusions", "distribution_as_before"
    assert found(*rates, release(2021, "4 + n / 3"), release(2022, "5 + n / 3")) == []
    assert found(*rates, release(2021, "4 + n / 3"), release(2022, "(4 + n / 3) / 100")) == [
        ("dfe", "the period that begins in 2022: suspension_rate is far lower than in the period that begins in 2021")
    ]


def test_scores_that_are_nearly_all_at_one_end_are_found() -> None:
    assert found("workforce_survey", "scores_are_spread", answers(1)) == []
    assert found("workforce_survey", "scores_are_spread", answers(1, score="5")) == [("w1", "nearly every score is 5")]


def test_a_wave_that_was_loaded_again_under_another_number_is_found_by_its_days() -> None:
    follow = "workforce_survey", "waves_follow_each_other"
    assert found(*follow, answers(1), answers(2)) == []
    assert found(*follow, answers(1), answers(2, start="2021-05-01")) == [
        ("w2", "wave 2 was answered no later than the wave before")
    ]


def test_organisations_may_come_and_go_but_not_nearly_all_at_once() -> None:
    covered = "workforce_survey", "organisations_as_before"
    assert found(*covered, answers(1), answers(2, organisations=3)) == []
    renamed = answers(2).replace("'ORG'", "'NEW'")
    assert found(*covered, answers(1), renamed) == [("w2", "wave 2: nothing of 6 of 6 organisations before")]


def test_a_return_in_which_nothing_happened_in_its_year_is_of_another() -> None:
    def reviews(year: int, day: str) -> str:
        return (
            f"select 'v{year}' as file_vintage_id, {year} as collection_year, 'c' || n as child_id,"
            f" date '{day}' + (n % 90)::integer as review_date from range(60) as r (n)"
        )

    assert found("ssda903_reviews", "year_has_its_own_rows", reviews(2025, "2024-06-01")) == []
    assert found("ssda903_reviews", "year_has_its_own_rows", reviews(2025, "2023-06-01")) == [
        ("v2025", "collection year 2025")
    ]


@pytest.mark.parametrize(
    ("day", "detail"),
    [
        ("date '2025-03-01' + (n % 40)::integer", None),
        ("if(n % 4 = 0, date '2025-03-01' + (n % 30)::integer, date '2025-03-05')", "row upon row on 2025-03-05"),
        ("if(n % 10 = 0, date '2025-01-01', date '2025-03-01' + (n % 40)::integer)", "row upon row on a 1 January"),
    ],
)
def test_days_that_were_filled_in_by_a_system_are_found(day: str, detail: str | None) -> None:
    rows = f"select 'v' as file_vintage_id, {day} as event_date, 'e' || n as event_id from range(200) as r (n)"
    assert found("events", "dates_are_spread", rows) == ([] if detail is None else [("v", detail)])


HOME_AREAS = (
    "create table home_areas as select * from (values ('E08000005', 'authority'), ('E12000002', 'region'),"
    " ('E92000001', 'country')) as areas (area_code, level)"
)


def test_a_release_without_the_own_authority_or_its_region_is_found() -> None:
    def release(year: int, *areas: str) -> str:
        listed = ", ".join(f"('{area}')" for area in areas)
        return (
            f"select 'dfe' as file_vintage_id, '{year}{(year + 1) % 100}' as time_period, area as area_code"
            f" from (values {listed}) as a (area)"
        )

    covered = "dfe_exclusions", "own_areas_are_covered"
    whole = release(2022, "E08000005", "E12000002", "E92000001")
    assert found(*covered, whole, release(2023, "E08000005", "E12000002", "E92000001"), beside=[HOME_AREAS]) == []
    period = "the period that begins in 2023"
    assert found(*covered, whole, release(2023, "E08000003", "E92000001"), beside=[HOME_AREAS]) == [
        ("dfe", f"{period} has no rows of authority E08000005"),
        ("dfe", f"{period} has no rows of region E12000002"),
    ]
    # A source that has no regions is not asked for one, and one without the own authority always is.
    assert found(*covered, release(2023, "E08000003"), beside=[HOME_AREAS]) == [
        ("dfe", f"{period} has no rows of authority E08000005")
    ]


def test_schools_that_the_register_knows_by_any_name_are_known() -> None:
    names = "create table registered_names as select unnest(['mill road school', 'school 7']) as known_as"
    rows = "select 'v' as file_vintage_id, '{}' as school_id, 'p' || n as pupil_id from range(20) as r (n)"
    assert found("la_exclusions", "schools_in_register", rows.format("Mill  Road School "), beside=[names]) == []
    assert found("la_exclusions", "schools_in_register", rows.format("Mill Street School"), beside=[names]) == [
        ("v", "1 that the register does not know")
    ]


def test_a_file_that_lost_rows_of_the_one_it_replaces_is_found() -> None:
    [check] = [check for check in file_checks("events") if check.rule == "volume_as_replaced"]

    def replaced(rows: int | None, landed: int) -> list[tuple[object, ...]]:
        with duckdb.connect() as con:
            con.execute(
                "create table checked as select 'new' as vintage_id, 'log.csv' as replaced_file_name,"
                f" {rows if rows is not None else 'null::bigint'} as replaced_rows, {landed} as rows_landed"
            )
            return con.execute(check.sql).fetchall()

    assert replaced(None, 5) == replaced(100, 80) == replaced(19, 1) == []
    assert replaced(100, 79) == [("new", "less than log.csv, whose place it takes")]
    assert replaced(5, 0) == [("new", "no rows at all, and fewer than log.csv, whose place it takes")]
    assert replaced(0, 0) == []


def test_chance_alone_raises_nothing_in_a_hundred_returns() -> None:
    """Counts that scatter as counts do, and shares that scatter as shares do, of eighty children a year."""
    source = random.Random(7)
    rows = []
    for year in range(1920, 2020):
        count = round(source.gauss(80, 80**0.5))
        seed = source.randrange(10**6)
        rows.append(children(year, count, sex=f"if(hash(n, {seed}) % 2 = 0, 'F', 'M')"))
    for first in range(0, 100, 4):
        assert found("ssda903_header", "volume_as_before", *rows[first : first + 4]) == []
        assert found("ssda903_header", "distribution_as_before", *rows[first : first + 4]) == []


# --- columns that began to land later --------------------------------------------------------------------------------


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Makes a column of a dataset one that began to land with version 2 of its contract."""

    def begin(dataset: str, column: str) -> None:
        contract = load_contracts()[dataset]
        columns = [c.model_copy(update={"since": 2}) if c.name == column else c for c in contract.columns]
        upgraded = contract.model_copy(update={"version": 2, "columns": columns})
        monkeypatch.setitem(load_contracts(), dataset, upgraded)
        batch_checks.cache_clear()
        history_checks.cache_clear()

    yield begin
    batch_checks.cache_clear()
    history_checks.cache_clear()


def versions(**of: int) -> list[str]:
    rows = ", ".join(f"('{vintage}', {version})" for vintage, version in of.items())
    return [f"create table files as from (values {rows}) as files (vintage_id, contract_version)"]


def test_organisations_that_were_not_asked_for_have_neither_come_nor_gone(
    later: Callable[[str, str], None],
) -> None:
    def naming(wave: int, organisation: str) -> str:
        return f"select * replace ({organisation} as organisation_id) from ({answers(wave, organisations=60)})"

    asked = [answers(wave, organisations=60) for wave in (1, 2, 3)]
    nobody, lost, unasked = naming(1, "null::varchar"), naming(3, "'elsewhere'"), naming(3, "null::varchar")
    rules = "volume_as_before", "organisations_as_before"
    for rule in rules:
        assert found("workforce_survey", rule, *asked) == []
    assert found("workforce_survey", rules[1], *asked[:2], lost) != []
    more = [("w2", "wave 2: far more organisations than in wave 1")]
    assert found("workforce_survey", rules[0], nobody, *asked[1:]) == more
    later("workforce_survey", "organisation_id")
    for rule in rules:
        assert found("workforce_survey", rule, nobody, *asked[1:], beside=versions(w1=1, w2=2, w3=2)) == []
    # The later wave may be the one that landed before; of those asked one is compared with the other.
    for rule in rules:
        assert found("workforce_survey", rule, *asked[:2], unasked, beside=versions(w1=2, w2=2, w3=1)) == []
    assert found("workforce_survey", rules[1], nobody, asked[1], lost, beside=versions(w1=1, w2=2, w3=2)) != []


def test_a_share_is_compared_among_those_who_were_asked(later: Callable[[str, str], None]) -> None:
    years = [children(2024, 400, is_mother="null::boolean"), children(2025, 400), children(2026, 400)]
    distribution = "ssda903_header", "distribution_as_before"
    assert {vintage for vintage, _ in found(*distribution, *years)} == {"h2025"}
    later("ssda903_header", "is_mother")
    said = versions(h2024=1, h2025=2, h2026=2)
    assert found(*distribution, *years, beside=said) == []
    changed = children(2026, 400, is_mother="true", sex="'F'")
    assert found(*distribution, *years[:2], changed, beside=said) == [
        ("h2026", "collection year 2026: is_mother is far less often false than in collection year 2025"),
        ("h2026", "collection year 2026: is_mother is far more often true than in collection year 2025"),
        ("h2026", "collection year 2026: sex is far less often M than in collection year 2025"),
        ("h2026", "collection year 2026: sex is far more often F than in collection year 2025"),
    ]


def test_a_check_that_names_a_column_looks_at_the_files_that_have_it(later: Callable[[str, str], None]) -> None:
    later("ssda903_episodes", "ceased_date")
    asked = {check.rule for check in batch_checks("ssda903_episodes") if check.since == 2}
    assert asked == {"one_open_episode", "episodes_belong_to_year", "episodes_do_not_overlap"}
    later("la_exclusions", "school_id")
    asked = {check.rule for check in batch_checks("la_exclusions") if check.since == 2}
    assert asked == {"schools_known", "schools_in_register"}


# --- the table of thresholds -----------------------------------------------------------------------------------------


def test_every_dataset_with_rows_is_watched_or_has_no_periods() -> None:
    assert set(LANDING) - set(load_thresholds().datasets) == {
        "moodle_activity_progress",
        "moodle_course_completion",
        "scottish_exclusions",
        "scottish_looked_after",
        "training_courses",
    }


def test_what_is_watched_are_columns_that_land() -> None:
    wrong = []
    for dataset, watched in load_thresholds().datasets.items():
        columns = {watched.period.column, watched.series, watched.year_dates, watched.wave_dates, watched.schools}
        wrong += [(dataset, c) for c in columns - {None} if c not in load_contracts()[dataset].landed_columns()]
        wrong += [(dataset, c) for c in watched.unsteady if c not in load_contracts()[dataset].landed_columns()]
    assert wrong == []


def test_a_number_without_a_reason_or_of_an_unknown_rule_is_refused() -> None:
    table = load_thresholds().model_dump(mode="json")
    events = table["datasets"]["events"]
    table["datasets"]["events"] = events | {"numbers": {"no_period_missing": {"fewest": 3, "cycles": 3}}}
    with pytest.raises(ValidationError, match="need a numbers_reason"):
        Thresholds.model_validate(table)
    table["datasets"]["events"] |= {"numbers_reason": "Few events.", "numbers": {"no_such_rule": {"fewest": 3}}}
    with pytest.raises(ValidationError, match="no_such_rule has no such numbers"):
        Thresholds.model_validate(table)


def test_a_check_asks_for_the_columns_that_it_names_and_not_for_functions_or_values() -> None:
    [check] = [check for check in batch_checks("events") if check.rule == "dates_are_spread"]
    assert "month(" in check.sql
    assert asking(check, {"month": 2, "row upon row on": 3}).since == 1
    assert asking(check, {"month": 2, "event_date": 3}).since == 3
