"""Which more counts have to be hidden: tables small enough to be worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from dbt_project.python.protection import Need, protect


def protected(values, hidden=(), cannot=(), weights=None, sums=(), needs=(), goes_with=(), bounds=None):
    counts = range(len(values))
    return protect(
        values,
        [count in hidden for count in counts],
        [count not in hidden and count not in cannot for count in counts],
        weights or [1.0] * len(values),
        sums,
        needs,
        goes_with,
        bounds,
    )


def hidden_of(protection):
    return {count for count, is_hidden in enumerate(protection.is_hidden) if is_hidden}


# A total of 60: 3 + 20 + 30 + 7.
TOTAL = {0: 1.0, 1: -1.0, 2: -1.0, 3: -1.0, 4: -1.0}
VALUES = [60, 3, 20, 30, 7]


def test_one_hidden_count_of_a_total_takes_another_with_it():
    found = protected(VALUES, {1}, cannot={0}, sums=[TOTAL], needs=[Need(1, 1, 5)])
    assert len(hidden_of(found)) == 2
    assert 1 in hidden_of(found)
    assert found.unmet == ()


def test_what_costs_least_is_hidden():
    found = protected(VALUES, {1}, cannot={0}, weights=[9, 1, 5, 2, 5], sums=[TOTAL], needs=[Need(1, 1, 5)])
    assert hidden_of(found) == {1, 3}


def test_two_hidden_counts_that_are_small_together_need_a_third():
    # 1 + 1 = 2: either is at most 2, so that neither could be 3, 4 or 5.
    found = protected([42, 1, 1, 40], {1, 2}, cannot={0}, sums=[{0: 1, 1: -1, 2: -1, 3: -1}],
                      needs=[Need(1, 1, 5), Need(2, 1, 5)])  # fmt: skip
    assert hidden_of(found) == {1, 2, 3}


def test_two_hidden_counts_with_room_between_them_need_no_third():
    # 3 + 4 = 7: the one can be 5 while the other is 2, and 1 while the other is 6.
    found = protected([47, 3, 4, 40], {1, 2}, cannot={0}, sums=[{0: 1, 1: -1, 2: -1, 3: -1}],
                      needs=[Need(1, 1, 5), Need(2, 1, 5)])  # fmt: skip
    assert hidden_of(found) == {1, 2}


def test_a_hidden_total_protects_its_parts():
    found = protected(VALUES, {0, 1}, sums=[TOTAL], needs=[Need(1, 1, 5)])
    assert hidden_of(found) == {0, 1}


def test_the_total_goes_where_nothing_else_can():
    found = protected([8, 3, 5], {1}, cannot={2}, weights=[99, 1, 1], sums=[{0: 1, 1: -1, 2: -1}],
                      needs=[Need(1, 1, 5)])  # fmt: skip
    assert hidden_of(found) == {0, 1}


def test_both_margins_of_a_table_are_watched():
    # Two rows by two columns with their totals: 3 and 20, 30 and 40. Hiding along the row alone would leave the column.
    cells, rows, columns, whole = [3, 20, 30, 40], [23, 70], [33, 60], [93]
    values = [*cells, *rows, *columns, *whole]
    sums = [
        {4: 1, 0: -1, 1: -1}, {5: 1, 2: -1, 3: -1}, {6: 1, 0: -1, 2: -1}, {7: 1, 1: -1, 3: -1},
        {8: 1, 4: -1, 5: -1}, {8: 1, 6: -1, 7: -1},
    ]  # fmt: skip
    found = protected(values, {0}, cannot={4, 5, 6, 7, 8}, sums=sums, needs=[Need(0, 1, 5)])
    assert hidden_of(found) == {0, 1, 2, 3}


def test_a_count_known_for_good_leaves_the_need_unmet_and_hides_nothing():
    need = Need(1, 1, 5)
    found = protected([8, 3, 5], {1}, cannot={0, 2}, sums=[{0: 1, 1: -1, 2: -1}], needs=[need])
    assert found.unmet == (need,)
    assert hidden_of(found) == {1}


def test_a_companion_is_hidden_too():
    found = protected([8, 3, 5, 2], {1}, cannot={0}, sums=[{0: 1, 1: -1, 2: -1}], needs=[Need(1, 1, 5)],
                      goes_with=[(2, 3)])  # fmt: skip
    assert hidden_of(found) == {1, 2, 3}


def test_what_a_count_is_known_to_be_at_least_and_at_most_is_counted_in():
    # 3 and 12 hidden of 15: the first is any number up to 15, unless the second is known to be from 11 to 13.
    values, sums, needs = [15, 3, 12], [{0: 1, 1: -1, 2: -1}], [Need(1, 1, 5)]
    assert hidden_of(protected(values, {1, 2}, sums=sums, needs=needs)) == {1, 2}
    assert hidden_of(protected(values, {1, 2}, sums=sums, needs=needs, bounds={2: (10, 14)})) == {1, 2}
    assert hidden_of(protected(values, {1, 2}, sums=sums, needs=needs, bounds={2: (11, 14)})) == {0, 1, 2}
    assert hidden_of(protected(values, {1, 2}, sums=sums, needs=needs, bounds={2: (10, 13)})) == {0, 1, 2}


def test_counts_that_have_nothing_to_do_with_it_stay_in_sight():
    found = protected([*VALUES, 8, 4, 4], {1}, cannot={0}, sums=[TOTAL, {5: 1, 6: -1, 7: -1}], needs=[Need(1, 1, 5)])
    assert hidden_of(found) <= {1, 2, 3, 4}


def test_without_needs_nothing_is_hidden():
    assert hidden_of(protected(VALUES, sums=[TOTAL])) == set()
    assert hidden_of(protected([])) == set()


@pytest.mark.parametrize(
    ("values", "weights", "need"),
    [([-1, 3], [1, 1], Need(1, 1, 5)), ([1, 3], [0, 1], Need(1, 1, 5)), ([1, 7], [1, 1], Need(1, 1, 5)),
     ([1, 3], [1, 1], Need(0, 1, 5))],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(values, weights, need):
    with pytest.raises(ValueError, match="must"):
        protected(values, {1}, weights=weights, sums=[{0: 1, 1: -1}], needs=[need])


@st.composite
def hierarchies(draw):
    """Groups of counts with their totals and the total of those; the small ones are hidden to begin with."""
    groups = draw(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=5), min_size=1, max_size=4))
    values, sums, totals = [sum(map(sum, groups))], [], []
    for group in groups:
        totals.append(len(values))
        values.append(sum(group))
        sums.append({totals[-1]: 1.0, **{len(values) + place: -1.0 for place in range(len(group))}})
        values += group
    sums.append({0: 1.0, **dict.fromkeys(totals, -1.0)})
    return values, sums


@settings(max_examples=150, deadline=None)
@given(hierarchies())
def test_no_small_count_of_any_hierarchy_can_be_bounded_and_nothing_is_hidden_in_vain(hierarchy):
    values, sums = hierarchy
    small = {count for count, value in enumerate(values) if 1 <= value <= 5}
    found = protected(values, small, sums=sums, needs=[Need(count, 1, 5) for count in small])
    hidden = hidden_of(found)
    assert found.unmet == ()
    assert all(is_open(count, values, sums, hidden) for count in small)
    for count in hidden - small:
        fewer = hidden - {count}
        assert not all(is_open(other, values, sums, fewer) for other in small)


def is_open(count, values, sums, hidden):
    """Whether a count can be 1 and can be 5, by another solver and from the table alone."""
    left = [[relation.get(other, 0.0) for other in range(len(values))] for relation in sums]
    bounds = [(0, None) if other in hidden else (value, value) for other, value in enumerate(values)]
    extremes = []
    for sign in (1, -1):
        objective = [sign if other == count else 0.0 for other in range(len(values))]
        solved = linprog(objective, A_eq=left, b_eq=[0.0] * len(sums), bounds=bounds, method="highs")
        extremes.append(sign * solved.fun if solved.status == 0 else sign * -math.inf)
    return extremes[0] <= 1 + 1e-6 and extremes[1] >= 5 - 1e-6
