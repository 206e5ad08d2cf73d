"""The attacker finds every leak that was planted, with the bounds worked out by hand, and none where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from tests.disclosure.attacker import KINDS, Report, attack
from tests.disclosure.linear import ContradictionError
from tests.disclosure.planted import FIGURES, HOME, KEY, cell, plant, truth_of
from tests.disclosure.publication import CellKey, read_publication
from tests.disclosure.tables import Protected, Rule

ATTENDANCES = "training_attendances"
MONTH = {"period": "2025-01", "period_type": "month"}


def by_cell(report: Report) -> dict[tuple[object, str], Protected]:
    return {(found.key, found.part): found for found in report.counts}


def bounds(report: Report, key: object, part: str = "numerator") -> tuple[float, float]:
    found = by_cell(report)[(key, part)]
    return found.lower, found.upper


def month(place: str = "total", group: str = "total") -> CellKey:
    return cell(ATTENDANCES, place, group, **MONTH)


def attacked(
    tmp_path: Path,
    cells: Mapping[CellKey, tuple[int | None, int | None]],
    hidden: dict[CellKey, tuple[int, int | None]],
    **other: object,
) -> Report:
    path = plant(tmp_path / "impact.duckdb", cells)
    return attack(path, truth_of(cells, hidden), **other)


def test_a_single_suppressed_organisation_is_its_sector_less_the_others(tmp_path: Path) -> None:
    one = month("health/A")
    cells = {month("health"): (20, None), one: (None, None), month("health/B"): (7, None), month("health/C"): (9, None)}
    report = attacked(tmp_path, cells, {one: (4, None)})
    assert bounds(report, one) == (4, 4)
    assert [(found.key, found.is_breach, found.is_exact) for found in report.counts] == [(one, True, True)]


def test_a_small_count_that_nobody_suppressed_is_a_leak(tmp_path: Path) -> None:
    cells = {month("health"): (4, None), month("justice"): (6, None)}
    report = attacked(tmp_path, cells, {})
    assert [(found.key, found.lower, found.upper) for found in report.breaches] == [(month("health"), 4, 4)]


def test_two_suppressed_cells_that_add_up_to_two_are_one_each(tmp_path: Path) -> None:
    one, two = month("health/A"), month("health/B")
    cells = {month("health"): (11, None), one: (None, None), two: (None, None), month("health/C"): (9, None)}
    report = attacked(tmp_path, cells, {one: (1, None), two: (1, None)})
    assert bounds(report, one) == bounds(report, two) == (1, 1)
    assert len(report.breaches) == 2


def test_two_suppressed_cells_that_add_up_to_six_may_be_anything_from_one_to_five(tmp_path: Path) -> None:
    one, two = month("health/A"), month("health/B")
    cells = {month("health"): (15, None), one: (None, None), two: (None, None), month("health/C"): (9, None)}
    report = attacked(tmp_path, cells, {one: (2, None), two: (4, None)})
    assert bounds(report, one) == bounds(report, two) == (1, 5)
    assert report.breaches == []


def test_two_suppressed_cells_that_add_up_to_five_leave_out_five_unless_noughts_are_suppressed(tmp_path: Path) -> None:
    one, two = month("health/A"), month("health/B")
    cells = {month("health"): (14, None), one: (None, None), two: (None, None), month("health/C"): (9, None)}
    path = plant(tmp_path / "impact.duckdb", cells)
    known = attack(path, truth_of(cells, {one: (2, None), two: (3, None)}))
    assert bounds(known, one) == (1, 4)
    assert len(known.breaches) == 2
    with_noughts = attack(path, truth_of(cells, {one: (5, None), two: (0, None)}))
    assert bounds(with_noughts, one) == (0, 5)
    assert with_noughts.breaches == []


def test_a_secondary_cell_that_is_known_exactly_is_no_leak_in_itself(tmp_path: Path) -> None:
    cells = {month(): (30, None), month("health"): (None, None), month("justice"): (18, None)}
    report = attacked(tmp_path, cells, {month("health"): (12, None)})
    assert bounds(report, month("health")) == (12, 12)
    assert report.breaches == []
    assert [found.is_exact for found in report.counts] == [True]


def test_a_suppressed_sector_is_the_area_less_the_others_and_gives_its_organisation_away(tmp_path: Path) -> None:
    sector, one, two = month("health"), month("health/A"), month("health/B")
    cells = {
        month(): (40, None), month("justice"): (25, None), sector: (None, None), one: (None, None), two: (12, None),
    }  # fmt: skip
    report = attacked(tmp_path, cells, {sector: (15, None), one: (3, None)})
    assert bounds(report, sector) == (15, 15)
    assert bounds(report, one) == (3, 3)
    assert [found.key for found in report.breaches] == [one]


def test_groups_that_add_up_to_the_area_give_one_of_them_away(tmp_path: Path) -> None:
    one = month(group="course_level=enhanced")
    cells = {month(): (23, None), one: (None, None), month(group="course_level=informed"): (21, None)}
    report = attacked(tmp_path, cells, {one: (2, None)})
    assert bounds(report, one) == (2, 2)
    assert attack(
        tmp_path / "impact.duckdb", truth_of(cells, {one: (2, None)}), kinds=("place", "term")
    ).breaches == []  # fmt: skip


def test_terms_that_add_up_to_their_year_give_one_of_them_away(tmp_path: Path) -> None:
    terms = [
        cell("suspension_rate", "education/A", period=f"2024/25 {term}") for term in ("autumn", "spring", "summer")
    ]
    cells = {
        cell("suspension_rate", "education/A"): (31, 400),
        terms[0]: (20, 410), terms[1]: (8, 400), terms[2]: (None, 390),
    }  # fmt: skip
    report = attacked(tmp_path, cells, {terms[2]: (3, 390)})
    assert bounds(report, terms[2]) == (3, 3)
    assert [found.key for found in report.breaches] == [terms[2]]


def test_what_is_left_over_of_a_total_is_known_to_the_worst_attacker(tmp_path: Path) -> None:
    # Two people of the area belong to no sector; the attacker is taken to know of them.
    one = month("health")
    cells = {month(): (32, None), month("justice"): (25, None), one: (None, None)}
    report = attacked(tmp_path, cells, {one: (5, None)})
    assert bounds(report, one) == (5, 5)


def test_a_complement_is_found_from_the_total_of_both_counts(tmp_path: Path) -> None:
    one = cell("training_take_up", "health/A")
    cells = {
        cell("training_take_up", "health"): (50, 80),
        one: (None, 30),
        cell("training_take_up", "health/B"): (23, 50),
    }
    report = attacked(tmp_path, cells, {one: (27, 30)})
    assert bounds(report, one, "complement") == (3, 3)
    assert [(found.part, found.truth) for found in report.breaches] == [("complement", 3)]


def test_a_hidden_base_is_found_and_two_hidden_bases_may_be_anything_that_leaves_the_other_one(tmp_path: Path) -> None:
    one, two = cell("cf01", "health/A", period_type="wave"), cell("cf01", "health/B", period_type="wave")
    cells = {
        cell("cf01", "health", period_type="wave"): (32, 45), one: (None, None), two: (None, None),
        cell("cf01", "health/C", period_type="wave"): (25, 35),
    }  # fmt: skip
    report = attacked(tmp_path, cells, {one: (2, 4), two: (5, 6)})
    assert bounds(report, one, "denominator") == bounds(report, two, "denominator") == (1, 9)
    assert report.breaches == []
    # Five answers between the two leave no room for five in either, nor for three of the two who agree in the second.
    fewer = cells | {cell("cf01", "health", period_type="wave"): (27, 40)}
    (tmp_path / "fewer").mkdir()
    report = attacked(tmp_path / "fewer", fewer, {one: (1, 2), two: (1, 3)})
    assert bounds(report, one, "denominator") == (1, 4)
    assert {(found.key, found.part) for found in report.breaches} == {
        (one, "denominator"), (two, "denominator"), (two, "numerator"),
    }  # fmt: skip


def test_the_base_of_another_indicator_gives_a_count_back(tmp_path: Path) -> None:
    # Pupils suspended are the base of pupils suspended again: all but three of a small school.
    suspended, again = cell("pupils_suspended", "education/A"), cell("repeat_suspension", "education/A")
    cells = {suspended: (None, 30), again: (8, 27)}
    report = attacked(tmp_path, cells, {suspended: (27, 30)})
    assert bounds(report, suspended, "complement") == (3, 3)
    assert [(found.key, found.part) for found in report.breaches] == [(suspended, "complement")]
    without = attack(tmp_path / "impact.duckdb", truth_of(cells, {suspended: (27, 30)}), kinds=("place",))
    assert bounds(without, suspended) == (1, 30)
    assert without.breaches == []


def test_a_sum_of_scores_bounds_how_many_of_them_are_high(tmp_path: Path) -> None:
    # 12 scores that make 70: five high ones (17 or more) would make 85, four would make 68.
    high = cell("sdq_high_concern", period_type="financial_year")
    cells = {cell("sdq_mean", period_type="financial_year"): (70, 12), high: (None, 12)}
    report = attacked(tmp_path, cells, {high: (2, 12)})
    assert bounds(report, high) == (1, 4)
    assert [found.key for found in report.breaches] == [high]


def test_a_rate_that_stayed_in_sight_gives_its_count_back(tmp_path: Path) -> None:
    # 0.75 % of 400 pupils are 3 suspensions: 2.98 to 3.02.
    one = cell("suspension_rate", "education/A")
    cells = {one: (None, 400, 0.75)}
    report = attack(plant(tmp_path / "impact.duckdb", cells), truth_of(cells, {one: (3, 400)}))
    assert bounds(report, one) == (3, 3)
    assert len(report.breaches) == 1


def test_another_table_that_shows_what_is_withheld_is_a_leak_and_so_is_a_change_that_gives_it_back(
    tmp_path: Path,
) -> None:
    one, before, other = month("health"), month("health")._replace(period="2024-12"), month("justice")
    cells = {one: (17, None, 17.0), before: (None, None), other: (None, None)}
    frame = (
        f"{KEY}, {FIGURES}, previous_period varchar, previous_value double, change double",
        [
            (*one, 17, None, 17.0, "ok", "2024-12", None, 13.0),
            (*other, 3, None, None, "c", None, None, None),
        ],
    )
    path = plant(tmp_path / "impact.duckdb", cells, {"inputs": frame})
    report = attack(path, truth_of(cells, {before: (4, None), other: (3, None)}))
    assert report.elsewhere == [(before, "inputs", "change", 4.0), (other, "inputs", "numerator", 3)]
    # 17 less 13: by the value the count is known, though no numerator is printed.
    assert bounds(report, before) == (4, 4)
    assert [found.key for found in report.breaches] == [before, other]


def test_an_interval_a_change_or_a_direction_beside_a_suppressed_figure_is_pointed_out(tmp_path: Path) -> None:
    one = month("health")
    columns = f"{KEY}, {FIGURES}, ci_lower_95 double, layer_order bigint, direction varchar"
    rows = [(*one, None, None, None, "c", 0.4, 3, "improving")]
    path = plant(tmp_path / "impact.duckdb", {one: (None, None)}, {"activities": (columns, rows)})
    assert [(table, column) for table, column, _ in read_publication(path).odd] == [
        ("activities", "ci_lower_95"),
        ("activities", "direction"),
    ]


def test_a_gap_or_a_difference_beside_a_shown_figure_gives_the_withheld_one_back(tmp_path: Path) -> None:
    girls, boys = (cell("suspension_rate", group=f"gender={group}") for group in ("female", "male"))
    cells = {girls: (None, 300), boys: (13, 300, 4.33)}
    columns = (
        f"{KEY}, value double, comparator_breakdown_value varchar, comparator_value double, absolute_gap double,"
        " relative_gap double"
    )
    path = plant(
        tmp_path / "impact.duckdb", cells, {"inequalities": (columns, [(*boys, 4.33, "female", None, 3.33, None)])}
    )
    report = attack(path, truth_of(cells, {girls: (3, 300)}))
    assert report.elsewhere == [(girls, "inequalities", "absolute_gap", pytest.approx(1.0))]
    assert bounds(report, girls) == (3, 3)
    assert len(report.leaks) == 2


def test_a_head_count_in_the_register_gives_a_hidden_base_back_once_it_is_that_old(tmp_path: Path) -> None:
    one, two = cell("training_take_up", "health/A"), cell("training_take_up", "health/B")
    cells = {cell("training_take_up", "health"): (20, 47), one: (None, None), two: (None, None)}
    hidden = {one: (8, 40), two: (3, 7)}
    register = "organisation_id varchar, headcount bigint, headcount_date date"
    without_guessing = [kind for kind in KINDS if kind != "headcount"]
    for number, (as_at, expected) in enumerate([("2025-06-30", (7, 7)), ("2025-09-30", (1, 46))]):
        path = plant(tmp_path / f"{number}.duckdb", cells, {"organisations": (register, [("A", 40, as_at)])})
        report = attack(path, truth_of(cells, hidden), kinds=without_guessing)
        assert bounds(report, two, "denominator") == expected
        # A newer one that is what the older one was is the older one, for whoever guesses so.
        assert bounds(attack(path, truth_of(cells, hidden)), two, "denominator") == (7, 7)


def test_a_head_count_that_stayed_the_same_gives_away_what_another_year_hides(tmp_path: Path) -> None:
    # The first year hides A and B, the second A and C. B's 40 did not change.
    years = ("2023/24", "2024/25")
    sector, one, two, three = (
        [cell("training_take_up", place, period=year) for year in years]
        for place in ("health", "health/A", "health/B", "health/C")
    )
    cells = {
        sector[0]: (60, 107), one[0]: (None, None), two[0]: (None, None), three[0]: (32, 60),
        sector[1]: (63, 110), one[1]: (None, None), two[1]: (20, 40), three[1]: (None, None),
    }  # fmt: skip
    hidden = {one[0]: (6, 7), two[0]: (22, 40), one[1]: (6, 7), three[1]: (37, 63)}
    path = plant(tmp_path / "impact.duckdb", cells)
    within_a_year = [kind for kind in KINDS if kind != "headcount"]
    assert attack(path, truth_of(cells, hidden), kinds=within_a_year).breaches == []
    guessed = attack(path, truth_of(cells, hidden))
    assert bounds(guessed, one[0], "denominator") == bounds(guessed, one[1], "denominator") == (7, 7)


def test_a_file_with_few_rows_bounds_what_was_counted_from_it(tmp_path: Path) -> None:
    one = cell("suspension_rate", "education/A", source="la_exclusions")
    tables = {
        "value_vintages": (f"{KEY}, vintage_id varchar", [(*one, "v1")]),
        "source_files": ("vintage_id varchar, rows_landed bigint", [("v1", 2)]),
    }
    cells = {one: (None, 400)}
    report = attack(plant(tmp_path / "impact.duckdb", cells, tables), truth_of(cells, {one: (2, 400)}))
    assert bounds(report, one) == (1, 2)


def test_two_sources_that_say_the_same_fill_each_others_gaps(tmp_path: Path) -> None:
    places = ["education/A", "education/B"]
    census = [cell("suspension_rate", place, source="census_exclusions") for place in places]
    extract = [cell("suspension_rate", place, source="la_exclusions") for place in places]
    cells = {census[0]: (None, 300), census[1]: (None, 500), extract[0]: (None, 300), extract[1]: (18, 500)}
    area = {cell("suspension_rate", source="census_exclusions"): (22, 800)}
    hidden = {census[0]: (4, 300), census[1]: (18, 500), extract[0]: (4, 300)}
    report = attacked(tmp_path, cells | area, hidden)
    assert bounds(report, census[0]) == (4, 4)
    alone = attack(tmp_path / "impact.duckdb", truth_of(cells | area, hidden), kinds=("place",))
    assert bounds(alone, census[0]) == (1, 21)
    assert alone.breaches == []


def test_two_publications_give_back_what_each_of_them_hides(tmp_path: Path) -> None:
    one, two, three = (month(f"health/{name}") for name in "ABC")
    sector = month("health")
    # The first hides A and B, the second, after a correction of C, hides A and C. Nothing of A and B changed.
    before = {sector: (24, None), one: (None, None), two: (None, None), three: (10, None)}
    now = {sector: (26, None), one: (None, None), two: (11, None), three: (None, None)}
    before_truth = truth_of(before, {one: (3, None), two: (11, None)})
    now_truth = truth_of(now, {one: (3, None), three: (12, None)})
    first, second = plant(tmp_path / "first.duckdb", before), plant(tmp_path / "second.duckdb", now)
    for path, truth in ((first, before_truth), (second, now_truth)):
        assert attack(path, truth).breaches == []
    joined = attack(second, now_truth, (first, before_truth))
    assert {(found.key, found.lower, found.upper) for found in joined.breaches} == {
        (("now", one), 3, 3),
        (("earlier", one), 3, 3),
    }


def test_counts_that_changed_between_two_publications_say_nothing_of_each_other(tmp_path: Path) -> None:
    one, two = month("health/A"), month("health/B")
    before = {month("health"): (23, None), one: (None, None), two: (None, None)}
    now = {month("health"): (31, None), one: (None, None), two: (None, None)}
    first, second = plant(tmp_path / "first.duckdb", before), plant(tmp_path / "second.duckdb", now)
    joined = attack(
        second, truth_of(now, {one: (4, None), two: (27, None)}),
        (first, truth_of(before, {one: (3, None), two: (20, None)})),
    )  # fmt: skip
    assert joined.breaches == []
    assert bounds(joined, ("now", one)) == (1, 30)


def test_without_the_truth_a_count_known_to_be_small_is_reported_and_a_margin_that_does_not_add_up_is_left(
    tmp_path: Path,
) -> None:
    one = month("health/A")
    cells = {month("health"): (20, None), one: (None, None), month("health/B"): (17, None)}
    report = attack(plant(tmp_path / "adds_up.duckdb", cells))
    assert [(found.key, found.lower, found.upper, found.is_breach) for found in report.counts] == [(one, 3, 3, True)]
    # The parts that are shown are more than the whole already: somebody is counted twice, and nothing follows.
    more = cells | {month("health/B"): (22, None)}
    assert attack(plant(tmp_path / "does_not.duckdb", more)).breaches == []


def test_knowledge_that_cannot_be_is_said_to(tmp_path: Path) -> None:
    one = month("health/A")
    cells = {month("health"): (17, None), one: (None, None), month("health/B"): (17, None)}
    path = plant(tmp_path / "impact.duckdb", cells)
    truth = truth_of(cells, {one: (0, None)})
    with pytest.raises(ContradictionError, match="training_attendances"):
        attack(path, truth, zeros_are_shown=True)
    assert bounds(attack(path, truth), one) == (0, 0)


def test_the_rules_are_read_from_their_words(tmp_path: Path) -> None:
    publication = read_publication(plant(tmp_path / "impact.duckdb", {month(): (20, None)}))
    assert publication.rules["training_attendances"] == Rule("count", 5, None)
    assert publication.rules["training_take_up"] == Rule("proportion", 5, 10)
    assert publication.rules["suspension_rate"] == Rule("rate", 5, 10)
    assert publication.rules["sdq_mean"] == Rule("mean", None, 10)
    assert publication.rules["cf01"] == Rule("proportion", None, 10)
    assert "events_held" not in publication.rules


def test_parquet_files_are_read_like_the_database(tmp_path: Path) -> None:
    one = month("health/A")
    cells = {month("health"): (20, None), one: (None, None), month("health/B"): (17, None)}
    path = plant(tmp_path / "impact.duckdb", cells)
    with duckdb.connect(path) as connection:
        for table in ("areas", "indicators", "indicator_values"):
            connection.execute(f"copy {table} to '{tmp_path / f'{table}.parquet'}'")
    path.unlink()
    assert bounds(attack(tmp_path, truth_of(cells, {one: (3, None)})), one) == (3, 3)
    assert read_publication(tmp_path).figures[one].status == "c"
    assert one.area_code == HOME
