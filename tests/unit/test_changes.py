"""Intervals of changes against figures from the literature and worked out by hand, and directions from intervals."""

from __future__ import annotations

import numpy as np
import pytest

from dbt_project.python.changes import (
    change_interval,
    change_of_gap,
    change_of_mean,
    change_of_value,
    directions,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("now", "of", "before", "of_before", "lower", "upper"),
    [
        # Table II of Newcombe (1998), method 10.
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_differences_of_proportions_have_the_published_intervals(
    now: int, of: int, before: int, of_before: int, lower: float, upper: float
) -> None:
    found = change_interval(["proportion"], [now], [of], [before], [of_before], [1])
    assert [round(float(bound[0]), 4) for bound in found] == [lower, upper]
    percent = change_interval(["proportion"], [now], [of], [before], [of_before], [100])
    assert percent[0][0] == pytest.approx(100 * found[0][0])


def test_a_difference_of_counts_comes_from_the_exact_intervals_of_both() -> None:
    # Of 8 the exact interval is 3.4538 to 15.7632, of 4 it is 1.0899 to 10.2416: below 4 by the root of
    # 4.5462² + 6.2416², above it by the root of 7.7632² + 2.9101².
    lower, upper = change_interval(["count"], [8], [1], [4], [1], [1])
    assert lower[0] == pytest.approx(4 - 7.7217, abs=1e-4)
    assert upper[0] == pytest.approx(4 + 8.2907, abs=1e-4)


def test_a_change_that_rests_on_next_to_nothing_has_no_interval() -> None:
    for kind, counts in (("proportion", (6, 7, 2, 7)), ("count", (5, 1, 4, 1))):
        lower, upper = change_interval([kind], *([count] for count in counts), [1])
        assert np.isnan([lower[0], upper[0]]).all()


def test_kinds_may_be_mixed_and_missing_counts_stay_missing() -> None:
    lower, upper = change_interval(
        ["count", "proportion", "rate"], [8, NAN, 8], [1, 10, 50], [4, 3, 4], [1, 10, 50], [1, 100, 1000]
    )
    assert np.isnan(lower).tolist() == np.isnan(upper).tolist() == [False, True, False]
    # The same events among 50, per 1,000.
    assert lower[2] == pytest.approx(20 * lower[0])
    assert [bound.tolist() for bound in change_interval([], [], [], [], [], [])] == [[], []]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ((11, 10, 3, 10), "the numerator exceeds the denominator"),
        ((3, 10, -1, 10), "the numerator is negative"),
        ((3, 0, 3, 10), "the denominator is not above zero"),
    ],
)
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        change_interval(["rate", "proportion"], *([5, count] for count in counts), [1, 1])


def test_a_change_is_free_of_the_error_of_binary_fractions() -> None:
    assert change_of_value([4.16, None, 1.0], [3.77, 1.0, None], [2, 2, 2]) == [0.39, None, None]


@pytest.mark.parametrize(
    ("change", "lower", "upper", "polarity", "has_counts", "direction"),
    [
        (5.0, 0.1, 9.9, "higher_is_better", True, "improving"),
        (5.0, 0.1, 9.9, "lower_is_better", True, "worsening"),
        (-5.0, -9.9, -0.1, "lower_is_better", True, "improving"),
        (-5.0, -9.9, -0.1, "higher_is_better", True, "worsening"),
        (5.0, 0.0, 9.9, "higher_is_better", True, "no clear change"),
        (-5.0, -9.9, 0.0, "higher_is_better", True, "no clear change"),
        (5.0, 0.1, 9.9, "none", True, "not judged"),
        (5.0, NAN, NAN, "higher_is_better", False, "not judged"),
        (5.0, NAN, NAN, "higher_is_better", True, "too few data points"),
        (None, NAN, NAN, "higher_is_better", False, "too few data points"),
    ],
)
def test_a_direction_follows_from_the_interval_and_the_polarity(
    change: float | None, lower: float, upper: float, polarity: str, has_counts: bool, direction: str
) -> None:
    assert directions([change], [lower], [upper], [polarity], [has_counts]) == [direction]


def test_a_gap_changes_by_the_intervals_of_the_two_gaps() -> None:
    # From 7 (6 to 8) to 4 (2.5 to 6): -3, less the root of 1.5² + 1² and plus the root of 2² + 1².
    lower, upper = change_of_gap([7.0, 7.0], [6.0, np.nan], [8.0, np.nan], [4.0, 4.0], [2.5, 2.5], [6.0, 6.0])
    assert lower[0] == pytest.approx(-3 - 1.802776, abs=1e-6)
    assert upper[0] == pytest.approx(-3 + 2.236068, abs=1e-6)
    assert np.isnan([lower[1], upper[1]]).all()


def test_a_mean_changes_by_welchs_interval_from_the_two_intervals() -> None:
    # 5 ± 0.754052 and 10 ± 1.508105, of ten measurements each: 5 ± 1.607339, as the test of the difference works out.
    lower, upper = change_of_mean(
        [4.245948, 4.0], [5.754052, NAN], [10, 10], [8.491895, 8.0], [11.508105, 11.0], [10, 10]
    )
    assert lower[0] == pytest.approx(3.392661, abs=1e-5)
    assert upper[0] == pytest.approx(6.607339, abs=1e-5)
    assert np.isnan([lower[1], upper[1]]).all()
