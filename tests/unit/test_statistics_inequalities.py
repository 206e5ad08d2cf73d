"""The slope index of inequality."""

from __future__ import annotations

import numpy as np
import pytest

from dbt_project.python.inequalities import slope_index_of_inequality


def test_fifths_on_a_straight_line_have_its_rise_from_end_to_end() -> None:
    # Fifths stand at 0.1 to 0.9; from one to the next the figure falls by 2, so by 10 from 0 to 1.
    value = np.array([[30.0, 28.0, 26.0, 24.0, 22.0]])
    index = slope_index_of_inequality(value, value - 1.96, value + 1.96, np.full((1, 5), 500))
    assert index.value[0] == pytest.approx(-10)
    # Standard error 1 (1.96 / 1.959964) over √Σ(x - 0.5)² = √0.4: half width 1.96 / 0.632456 = 3.0990.
    assert index.upper[0] - index.value[0] == pytest.approx(3.0990, abs=0.0001)
    assert index.value[0] - index.lower[0] == pytest.approx(3.0990, abs=0.0001)


def test_groups_stand_at_the_middle_of_their_share_of_the_population() -> None:
    # Shares 0.2, 0.6, 0.2 stand at 0.1, 0.5, 0.9; a line through 1, 5, 9 rises by 10.
    value = np.array([[1.0, 5.0, 9.0]])
    index = slope_index_of_inequality(value, value - 1, value + 1, [[100, 300, 100]])
    assert index.value[0] == pytest.approx(10)


def test_a_group_with_a_wide_interval_weighs_little() -> None:
    value = np.array([[1.0, 5.0, 9.0, 0.0]])
    half_width = np.array([[1.0, 1.0, 1.0, 1e6]])
    index = slope_index_of_inequality(value, value - half_width, value + half_width, [[1, 1, 1, 1]])
    # The three that count stand at 1/8, 3/8, 5/8: 4 for every quarter.
    assert index.value[0] == pytest.approx(16, abs=1e-6)


def test_three_groups_are_enough_and_two_are_not() -> None:
    value = np.array([[1.0, np.nan, 5.0, 9.0], [1.0, np.nan, np.nan, 9.0]])
    people = [[100, 100, 100, 100]] * 2
    index = slope_index_of_inequality(value, value - 1, value + 1, people)
    assert not np.isnan([index.value[0], index.lower[0], index.upper[0]]).any()
    assert np.isnan([index.value[1], index.lower[1], index.upper[1]]).all()


def test_a_missing_population_leaves_no_place_to_stand() -> None:
    value = np.array([[1.0, 5.0, 9.0]])
    assert np.isnan(slope_index_of_inequality(value, value - 1, value + 1, [[1, np.nan, 1]]).value[0])


def test_groups_that_cannot_be_are_refused() -> None:
    value = np.array([[1.0, 5.0, 9.0]])
    with pytest.raises(ValueError, match="row 0, 1: the population is not above zero"):
        slope_index_of_inequality(value, value - 1, value + 1, [[1, 0, 1]])
    with pytest.raises(ValueError, match="row 0, 0: the upper bound is not above the lower bound"):
        slope_index_of_inequality(value, value, value, [[1, 1, 1]])
    with pytest.raises(ValueError, match=r"value has shape \(3,\)"):
        slope_index_of_inequality(value[0], value[0] - 1, value[0] + 1, [1, 1, 1])
