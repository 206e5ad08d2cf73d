"""Which rule judges which pair of figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dbt_project.python.judgement import judge_pairs

#: A proportion of 60 of 100 where higher is better, with made-up intervals.
OWN: dict[str, Any] = {
    "polarity": "higher_is_better",
    "measure_type": "proportion",
    "multiplier": 100,
    "numerator": 60,
    "denominator": 100,
    "value": 60.0,
    "ci_lower_95": 50.0,
    "ci_upper_95": 69.0,
    "ci_lower_998": 45.0,
    "ci_upper_998": 74.0,
    "comparator": "england",
    "comparator_value": None,
    "comparator_numerator": None,
    "comparator_denominator": None,
    "comparator_ci_lower_95": None,
    "comparator_ci_upper_95": None,
    "baseline_value": None,
    "elapsed_share": None,
    "neighbour_values": None,
}


def judged(*rows: dict[str, Any]) -> dict[str, Any]:
    return judge_pairs({name: [(OWN | row)[name] for row in rows] for name in OWN})


def test_benchmarks_are_judged_by_the_interval_of_the_value() -> None:
    found = judged(
        {"comparator": "england", "comparator_value": 44.0},
        {"comparator": "region", "comparator_value": 47.5},
        {"comparator": "england", "comparator_value": 70.0, "polarity": "lower_is_better"},
        {"comparator": "region", "comparator_value": None},
    )
    assert found["verdict"].tolist() == ["best", "better", "better", "cannot_be_calculated"]
    np.testing.assert_array_equal(found["difference"], [16, 12.5, -10, np.nan])
    np.testing.assert_array_equal(found["difference_lower_95"], [6, 2.5, -20, np.nan])
    np.testing.assert_array_equal(found["difference_upper_95"], [25, 21.5, -1, np.nan])
    assert np.isnan(found["rank"]).all()
    assert np.isnan(found["progress"]).all()


def test_neighbours_are_compared_by_their_median_and_ranked() -> None:
    found = judged(
        {"comparator": "neighbours", "neighbour_values": [70.0, 40.0, 55.0, 61.0]},
        {"comparator": "neighbours", "neighbour_values": [10.0]},
        {"comparator": "neighbours", "neighbour_values": None},
    )
    # Of 40, 55, 61 and 70 the middle is 58; 61 and 70 do better, so third of five, in the second quarter.
    np.testing.assert_array_equal(found["comparator_value"], [58, 10, np.nan])
    np.testing.assert_array_equal(found["rank"], [3, 1, np.nan])
    np.testing.assert_array_equal(found["quartile"], [2, np.nan, np.nan])
    np.testing.assert_array_equal(found["ranked_areas"], [5, 2, 1])
    assert found["verdict"].tolist() == ["similar", "best", "cannot_be_calculated"]


def test_one_event_beside_neighbours_without_any_is_not_beyond_doubt_and_does_not_make_an_area_the_last() -> None:
    # Of 1 and of 20 events among 1,000 the exact and Byar's bounds; none of 1,000 reaches up to 3.689 (6.908).
    few = {"measure_type": "rate", "multiplier": 1000, "polarity": "lower_is_better", "numerator": 1,
           "denominator": 1000, "value": 1.0, "ci_lower_95": 0.0253, "ci_upper_95": 5.572, "ci_lower_998": 0.001,
           "ci_upper_998": 9.234, "comparator": "neighbours", "neighbour_values": [0.0, 0.0, 0.0, 2.0]}  # fmt: skip
    many = few | {"numerator": 20, "value": 20.0, "ci_lower_95": 12.21, "ci_upper_95": 30.89, "ci_lower_998": 9.0,
                  "ci_upper_998": 38.0}  # fmt: skip
    found = judged(few, many, few | {"value": 0.0}, few | {"denominator": None}, few | {"polarity": "higher_is_better"})
    assert found["verdict"].tolist() == ["similar", "worst", "similar", "cannot_be_calculated", "similar"]
    assert found["difference_lower_95"][0] == pytest.approx(1 - np.hypot(1 - 0.0253, 3.689), abs=1e-3)
    assert found["difference_lower_95"][1] == pytest.approx(20 - np.hypot(20 - 12.21, 3.689), abs=1e-3)
    np.testing.assert_array_equal(found["rank"], [np.nan, 5, 1, np.nan, np.nan])
    np.testing.assert_array_equal(found["quartile"], [np.nan, 4, 1, np.nan, np.nan])
    np.testing.assert_array_equal(found["ranked_areas"], [5] * 5)


def test_all_but_one_beside_neighbours_with_all_is_not_beyond_doubt_either() -> None:
    # Wilson's interval of 99 of 100 is 94.55 to 99.82, and of 100 of 100 it begins at 96.30.
    found = judged(
        {"numerator": 99, "value": 99.0, "ci_lower_95": 94.55, "ci_upper_95": 99.82, "ci_lower_998": 91.0,
         "ci_upper_998": 99.9, "comparator_value": 100.0},
    )  # fmt: skip
    assert found["verdict"].tolist() == ["similar"]
    assert found["difference_upper_95"][0] == pytest.approx(-1 + np.hypot(0.82, 3.70), abs=0.01)


def test_an_earlier_proportion_is_judged_by_newcombes_interval_in_the_unit_of_the_value() -> None:
    earlier = {"comparator_value": 80.0, "comparator_numerator": 56, "comparator_denominator": 70}
    found = judged(
        OWN
        | earlier
        | {"numerator": 48, "denominator": 80, "comparator": "previous_period", "comparator_ci_lower_95": 69.2}
    )
    # Newcombe (1998): 56 of 70 less 48 of 80 lies between 5.24 and 33.39 points.
    assert found["difference_lower_95"][0] == pytest.approx(-33.39, abs=0.005)
    assert found["difference_upper_95"][0] == pytest.approx(-5.24, abs=0.005)
    assert found["difference"][0] == -20
    assert found["verdict"].tolist() == ["worsening"]


def test_an_earlier_rate_or_count_is_judged_by_the_intervals_of_the_two() -> None:
    rate = {"measure_type": "rate", "multiplier": 1000, "numerator": 60, "denominator": 1000, "value": 60.0,
            "comparator_numerator": 30, "comparator_denominator": 1000, "comparator_value": 30.0,
            "comparator_ci_lower_95": 20.2, "polarity": "lower_is_better", "comparator": "baseline"}  # fmt: skip
    count = rate | {"measure_type": "count", "multiplier": 1, "denominator": None, "comparator_denominator": None}
    found = judged(rate, count, rate | {"ci_lower_95": None}, count | {"polarity": "none"})
    # The bounds worked out in the test of the difference itself: 30 less 19.2 and plus 19.8.
    assert found["difference_lower_95"][[0, 1, 3]] == pytest.approx([10.8] * 3, abs=0.1)
    assert found["difference_upper_95"][[0, 1, 3]] == pytest.approx([49.8] * 3, abs=0.1)
    assert found["verdict"].tolist() == ["worsening", "worsening", "cannot_be_calculated", "increasing"]
    assert np.isnan(found["difference_lower_95"][2])


def test_an_earlier_gap_is_judged_by_the_intervals_of_the_two_gaps() -> None:
    gap = {"measure_type": "gap", "polarity": "lower_is_better", "comparator": "previous_period", "numerator": None,
           "denominator": None, "value": 4.0, "ci_lower_95": 2.5, "ci_upper_95": 6.0, "comparator_value": 7.0,
           "comparator_ci_lower_95": 6.0, "comparator_ci_upper_95": 8.0}  # fmt: skip
    found = judged(gap, gap | {"comparator_value": 9.0}, gap | {"comparator_ci_lower_95": None})
    # -3, less the root of 1.5² + 1² and plus the root of 2² + 1²; 9 is not in the interval beside it.
    assert found["difference_lower_95"][0] == pytest.approx(-4.802776, abs=1e-6)
    assert found["difference_upper_95"][0] == pytest.approx(-0.763932, abs=1e-6)
    assert found["verdict"].tolist() == ["improving", "cannot_be_calculated", "cannot_be_calculated"]


def test_a_mean_without_an_interval_is_not_judged_against_an_earlier_one() -> None:
    found = judged(
        {"measure_type": "mean", "ci_lower_95": None, "comparator": "previous_period", "comparator_value": 5}
    )
    assert found["verdict"].tolist() == ["cannot_be_calculated"]
    assert found["difference"].tolist() == [55]


def test_means_are_judged_by_welchs_interval_against_an_earlier_one_and_against_a_group() -> None:
    # The bounds of 5 and of 10, of ten measurements each, are those of the test of the difference itself.
    mean = {"measure_type": "mean", "multiplier": 1, "polarity": "lower_is_better", "numerator": 100, "denominator": 10,
            "value": 10.0, "ci_lower_95": 8.491895, "ci_upper_95": 11.508105, "comparator_numerator": 50,
            "comparator_denominator": 10, "comparator_value": 5.0, "comparator_ci_lower_95": 4.245948,
            "comparator_ci_upper_95": 5.754052, "comparator": "previous_period"}  # fmt: skip
    found = judged(
        mean,
        mean | {"comparator": "baseline", "polarity": "none"},
        mean | {"comparator": "reference_group"},
        mean | {"comparator_denominator": 9},
    )
    assert found["difference_lower_95"][:3] == pytest.approx([3.392661] * 3, abs=1e-5)
    assert found["difference_upper_95"][:3] == pytest.approx([6.607339] * 3, abs=1e-5)
    assert found["verdict"].tolist() == ["worsening", "increasing", "worse", "cannot_be_calculated"]
    assert np.isnan(found["relative_gap"]).all()


def test_a_group_is_judged_by_the_gap_and_has_a_ratio_beside_it() -> None:
    group = {"comparator": "reference_group", "numerator": 30, "value": 30.0, "comparator_value": 15.0,
             "comparator_numerator": 15, "comparator_denominator": 100, "comparator_ci_lower_95": 9.3}  # fmt: skip
    found = judged(
        group,
        group | {"polarity": "lower_is_better"},
        group | {"polarity": "none"},
        group | {"comparator_value": None, "comparator_numerator": None, "comparator_denominator": None},
        group | {"numerator": 16, "value": 16.0},
        {"comparator": "england", "comparator_value": 44.0},
    )
    assert found["verdict"].tolist() == ["better", "worse", "not_judged", "cannot_be_calculated", "similar", "best"]
    np.testing.assert_array_equal(found["difference"], [15, 15, 15, np.nan, 1, 16])
    # Twice as many, times or over exp(0.554362); see the test of the ratio itself.
    np.testing.assert_array_equal(found["relative_gap"][:4], [2, 2, 2, np.nan])
    assert found["relative_gap_lower_95"][0] == pytest.approx(2 / np.exp(0.554362), abs=1e-5)
    assert found["relative_gap_upper_95"][0] == pytest.approx(2 * np.exp(0.554362), abs=1e-5)
    assert np.isnan(found["relative_gap"][5])


def test_a_target_has_progress_from_the_baseline() -> None:
    found = judged(
        {"comparator": "target", "comparator_value": 80.0, "baseline_value": 30.0},
        {"comparator": "target", "comparator_value": 80.0},
    )
    assert found["progress"][0] == pytest.approx(0.6)
    assert np.isnan(found["progress"][1])
    assert found["verdict"].tolist() == ["part_way", "cannot_be_calculated"]


def test_of_a_target_with_a_date_as_much_is_due_as_time_has_passed() -> None:
    target = {"comparator": "target", "comparator_value": 80.0, "baseline_value": 30.0}
    found = judged(*(target | {"elapsed_share": share} for share in (0.5, 0.64, 1.0, None)))
    # Of 50 points 30 have come: of the 25 due by half time more than all, of 32 nearly all, of 50 three fifths.
    assert found["progress"] == pytest.approx([1.2, 0.9375, 0.6, 0.6])
    assert found["verdict"].tolist() == ["on_track", "part_way", "part_way", "part_way"]


def test_the_difference_of_two_printed_figures_has_no_binary_remainder() -> None:
    # 4.16 - 4.79 is -0.6299999999999999 in binary.
    found = judged({"value": 4.16, "comparator_value": 4.79, "comparator": "baseline"})
    assert found["difference"].tolist() == [-0.63]


def test_no_pairs_are_no_verdicts_and_an_unknown_comparator_is_refused() -> None:
    assert all(column.size == 0 for column in judged().values())
    with pytest.raises(ValueError, match="comparator wales: there is no rule for it"):
        judged({"comparator": "wales"})
