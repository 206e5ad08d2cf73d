"""Sizes of differences and their intervals, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dbt_project.python.gaps import absolute_gap


def test_a_gap_is_the_size_of_the_difference_whichever_group_is_ahead() -> None:
    value, lower, upper = absolute_gap([4.0, -4.0], [2.5, -6.0], [6.0, -2.5])
    assert value.tolist() == [4.0, 4.0]
    assert lower.tolist() == [2.5, 2.5]
    assert upper.tolist() == [6.0, 6.0]


def test_where_the_interval_holds_no_difference_the_gap_may_be_nought_and_as_wide_as_its_farther_end() -> None:
    value, lower, upper = absolute_gap([0.5, -0.5, 0.0], [-1.5, -3.0, -1.0], [2.5, 2.0, 1.0])
    assert value.tolist() == [0.5, 0.5, 0.0]
    assert lower.tolist() == [0.0, 0.0, 0.0]
    assert upper.tolist() == [2.5, 3.0, 1.0]


def test_a_gap_that_is_not_shown_has_no_interval_and_one_without_an_interval_has_a_value() -> None:
    value, lower, upper = absolute_gap([None, 2.0], [1.0, np.nan], [2.0, np.nan])
    assert np.isnan(value[0])
    assert value[1] == 2.0
    assert np.isnan(lower).all()
    assert np.isnan(upper).all()


def test_of_no_pairs_at_all_there_are_no_gaps() -> None:
    assert [column.tolist() for column in absolute_gap([], [], [])] == [[], [], []]


def test_bounds_that_are_not_those_of_the_differences_are_refused() -> None:
    with pytest.raises(ValueError, match="must be of one shape"):
        absolute_gap([1.0], [0.0, 0.5], [2.0, 2.5])
