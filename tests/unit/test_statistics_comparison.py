"""Comparison with a benchmark, and rank and quartile among neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from dbt_project.python.comparison import compare_with_benchmark, median_of_neighbours, rank_among_neighbours
from dbt_project.python.verdicts import judge_direction

# An area at 50 with its 95 per cent interval from 40 to 60 and its 99.8 per cent one from 30 to 70.
LOWER_95, UPPER_95, LOWER_998, UPPER_998 = 40.0, 60.0, 30.0, 70.0


@pytest.mark.parametrize(
    ("benchmark", "if_higher_is_better", "if_lower_is_better"),
    [
        (29.9, "best", "worst"),
        (30.0, "better", "worse"),
        (39.9, "better", "worse"),
        (40.0, "similar", "similar"),
        (50.0, "similar", "similar"),
        (60.0, "similar", "similar"),
        (60.1, "worse", "better"),
        (70.0, "worse", "better"),
        (70.1, "worst", "best"),
        (np.nan, "cannot_be_calculated", "cannot_be_calculated"),
    ],
)
def test_a_benchmark_is_judged_at_both_levels_and_by_polarity(
    benchmark: float, if_higher_is_better: str, if_lower_is_better: str
) -> None:
    polarity = ["higher_is_better", "lower_is_better", "none"]
    column = np.ones(3)
    verdict = compare_with_benchmark(
        column * LOWER_95, column * UPPER_95, column * LOWER_998, column * UPPER_998, column * benchmark, polarity
    )
    without = "cannot_be_calculated" if np.isnan(benchmark) else "not_judged"
    assert verdict.tolist() == [if_higher_is_better, if_lower_is_better, without]


def test_an_area_without_an_interval_is_not_compared() -> None:
    verdict = compare_with_benchmark([np.nan], [60], [30], [70], [50], "higher_is_better")
    assert verdict.tolist() == ["cannot_be_calculated"]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((61, 60, 30, 70), "row 0: the lower bound is above the upper bound"),
        ((40, 60, 41, 70), "row 0: the 99.8 per cent interval does not contain the 95 per cent one"),
        ((40, 60, 30, 59), "row 0: the 99.8 per cent interval does not contain the 95 per cent one"),
    ],
)
def test_intervals_that_cannot_be_are_refused(bounds: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_with_benchmark(*([bound] for bound in bounds), [50], "higher_is_better")


def test_an_unknown_polarity_is_refused() -> None:
    with pytest.raises(ValueError, match="polarity upwards: it must be one of higher_is_better"):
        judge_direction([1.0], "upwards")


def test_a_direction_is_good_bad_or_neither_by_polarity() -> None:
    directions = [1, -1, 0, np.nan]
    assert judge_direction(directions, "higher_is_better").tolist() == [
        "improving",
        "worsening",
        "no_significant_change",
        "cannot_be_calculated",
    ]
    assert judge_direction(directions, "lower_is_better").tolist() == [
        "worsening",
        "improving",
        "no_significant_change",
        "cannot_be_calculated",
    ]
    assert judge_direction(directions, "none").tolist() == [
        "increasing",
        "decreasing",
        "no_significant_change",
        "cannot_be_calculated",
    ]


TEN = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]


@pytest.mark.parametrize(
    ("value", "polarity", "rank", "quartile"),
    [
        # Eleven areas: three, three, three and two to a quarter.
        (0.5, "lower_is_better", 1, 1),
        (2.5, "lower_is_better", 3, 1),
        (3.5, "lower_is_better", 4, 2),
        (5.5, "lower_is_better", 6, 2),
        (6.5, "lower_is_better", 7, 3),
        (8.5, "lower_is_better", 9, 3),
        (9.5, "lower_is_better", 10, 4),
        (10.5, "lower_is_better", 11, 4),
        (0.5, "higher_is_better", 11, 4),
        (10.5, "higher_is_better", 1, 1),
        # Level with the third: both are third.
        (3.0, "lower_is_better", 3, 1),
        (3.0, "higher_is_better", 8, 3),
    ],
)
def test_a_rank_counts_those_that_do_better_and_ties_share_the_better_rank(
    value: float, polarity: str, rank: int, quartile: int
) -> None:
    found_rank, found_quartile, areas = rank_among_neighbours([value], [TEN], polarity)
    assert (found_rank[0], found_quartile[0], areas[0]) == (rank, quartile, 11)


def test_neighbours_without_a_figure_leave_the_ranking() -> None:
    neighbours = np.full((4, 10), np.nan)
    neighbours[0, :3] = [1, 2, 9]
    neighbours[1, :2] = [1, 2]
    neighbours[2, :0] = []
    neighbours[3] = TEN
    rank, quartile, areas = rank_among_neighbours([5, 5, 5, np.nan], neighbours, "lower_is_better")
    assert areas.tolist() == [4, 3, 1, 10]
    # Third of four is the third quarter; three areas have no quarters; alone, or without a figure, there is no rank.
    np.testing.assert_array_equal(rank, [3, 3, np.nan, np.nan])
    np.testing.assert_array_equal(quartile, [3, np.nan, np.nan, np.nan])


def test_where_no_direction_is_better_nobody_is_ranked() -> None:
    rank, quartile, areas = rank_among_neighbours([5], [TEN], "none")
    assert np.isnan([rank[0], quartile[0]]).all()
    assert areas[0] == 11


def test_the_median_is_of_the_neighbours_that_have_a_figure() -> None:
    neighbours = np.array([[1, 9, 4, np.nan], [1, 9, 4, 6], [np.nan] * 4])
    np.testing.assert_array_equal(median_of_neighbours(neighbours), [4, 5, np.nan])


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"value has shape \(1,\) and neighbours \(2, 2\)"):
        rank_among_neighbours([5], [[1, 2], [3, 4]], "none")
    with pytest.raises(ValueError, match=r"neighbours has shape \(2,\)"):
        median_of_neighbours([1, 2])
