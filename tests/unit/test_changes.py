"""Intervals of changes against figures from the literature and worked out by hand, and directions from intervals."""

from __future__ import annotations

import numpy as np
import pytest

from dbt_project.python.changes import change_interval, change_of_value, directions

NAN = float("nan")


@pytest.mark.parametrize(
    ("now", "of", "before", "of_before", "lower", "upper"),
    [
        # Table II of Newcombe (1998), method 10.
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
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


def test_a_difference_of_counts_comes_from_the_score_intervals_of_both() -> None:
    # Of 8 the score interval is 4.0537 to 15.7877, of 4 it is 1.5555 to 10.2859 (z = 1.95996): below 4 by the root of
    # 3.9463² + 6.2859², above it by the root of 7.7877² + 2.4445².
    lower, upper = change_interval(["count"], [8], [1], [4], [1], [1])
    assert lower[0] == pytest.approx(4 - 7.4220, abs=1e-4)
    assert upper[0] == pytest.approx(4 + 8.1623, abs=1e-4)


def test_kinds_may_be_mixed_and_missing_counts_stay_missing() -> None:
    lower, upper = change_interval(
        ["count", "proportion", "rate"], [8, NAN, 8], [1, 10, 50], [4, 3, 4], [1, 10, 50], [1, 100, 1000]
    )
    assert np.isnan(lower).tolist() == np.isnan(upper).tolist() == [False, True, False]
    # The same events among 50, per 1,000.
    assert lower[2] == pytest.approx(20 * lower[0])
    assert [bound.tolist() for bound in change_interval([], [], [], [], [], [])] == [[], []]


@pytest.mark.parametrize("counts", [(11, 10, 3, 10), (3, 10, -1, 10), (3, 0, 3, 10)])
def test_impossible_counts_are_refused_with_their_row(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"row 1: .* is not possible"):
        change_interval(["rate", "proportion"], *([5, count] for count in counts), [1, 1])


def test_a_change_is_free_of_the_error_of_binary_fractions() -> None:
    assert change_of_value([4.16, None, 1.0], [3.77, 1.0, None], [2, 2, 2]) == [0.39, None, None]


@pytest.mark.parametrize(
    ("change", "lower", "upper", "polarity", "direction"),
    [
        (5.0, 0.1, 9.9, "higher_is_better", "improving"),
        (5.0, 0.1, 9.9, "lower_is_better", "worsening"),
        (-5.0, -9.9, -0.1, "lower_is_better", "improving"),
        (-5.0, -9.9, -0.1, "higher_is_better", "worsening"),
        (5.0, 0.0, 9.9, "higher_is_better", "no clear change"),
        (-5.0, -9.9, 0.0, "higher_is_better", "no clear change"),
        (5.0, 0.1, 9.9, "none", "not judged"),
        (5.0, NAN, NAN, "higher_is_better", "not judged"),
        (None, NAN, NAN, "higher_is_better", "too few data points"),
    ],
)
def test_a_direction_follows_from_the_interval_and_the_polarity(
    change: float | None, lower: float, upper: float, polarity: str, direction: str
) -> None:
    assert directions([change], [lower], [upper], [polarity]) == [direction]
