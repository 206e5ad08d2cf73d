"""What small tables give away: by hand, by trying every table that looks the same, and beside the exact optimum."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pytest

from tests.disclosure.optimum import fewest, show_all_but
from tests.disclosure.tables import (
    Counts,
    Family,
    Key,
    Rule,
    Table,
    after_primary,
    attack,
    breaches,
    corrected,
    is_primary,
    part_of,
    random_table,
)

COUNT = Rule("count", minimum_base=None)


def counts(**numerators: int) -> dict[Key, Counts]:
    return {key: Counts(numerator) for key, numerator in numerators.items()}


def hiding(truth: Mapping[Key, Counts], *keys: Key) -> dict[Key, Counts]:
    return {key: Counts(None, seen.denominator) if key in keys else seen for key, seen in truth.items()}


def table(rule: Rule = COUNT, **numerators: int) -> Table:
    """Four cells a to d in a square with totals: rows ab and cd, columns ac and bd, and the whole."""
    families = [
        Family("ab", ("a", "b")), Family("cd", ("c", "d")), Family("ac", ("a", "c")), Family("bd", ("b", "d")),
        Family("all", ("ab", "cd")), Family("all", ("ac", "bd")),
    ]  # fmt: skip
    a, b, c, d = (numerators[key] for key in "abcd")
    return Table(counts(a=a, b=b, c=c, d=d, ab=a + b, cd=c + d, ac=a + c, bd=b + d, all=a + b + c + d), families, rule)


def test_one_hidden_cell_of_a_square_is_its_row_less_the_other_cell() -> None:
    square = table(a=3, b=20, c=30, d=40)
    found = breaches(square, hiding(square.truth, "a"))
    assert [(cell.key, cell.part, cell.truth, cell.lower, cell.upper) for cell in found] == [
        ("a", "numerator", 3, 3, 3)
    ]


def test_hiding_a_second_cell_of_the_row_alone_leaves_the_column() -> None:
    square = table(a=3, b=20, c=30, d=40)
    assert [cell.key for cell in breaches(square, hiding(square.truth, "a", "b"))] == ["a"]


def test_a_hidden_square_may_slide_as_far_as_its_smallest_cell_lets_it() -> None:
    # The two rows are 23 and 70, the two columns 33 and 60: a can be anything that leaves b at least 1, and so on.
    square = table(a=3, b=20, c=30, d=40)
    shown = hiding(square.truth, "a", "b", "c", "d")
    assert breaches(square, shown) == []
    bounds = {cell.key: (cell.lower, cell.upper) for cell in attack(square, shown)}
    assert bounds == {"a": (1, 22), "b": (1, 22), "c": (11, 32), "d": (38, 59)} or bounds == {
        "a": (1, 22), "b": (1, 22), "c": (11, 32), "d": (38, 59),
    }  # fmt: skip


def test_a_second_vintage_that_hides_other_cells_gives_the_first_away() -> None:
    before = table(a=3, b=20, c=30, d=40)
    now = table(a=3, b=20, c=30, d=41)
    assert breaches(before, hiding(before.truth, "a", "b", "c", "d")) == []
    found = breaches(now, hiding(now.truth, "a", "ab", "ac"), (before, hiding(before.truth, "a", "b", "c", "d")))
    # With b and c in sight now, the first table's rows give a.
    assert {(cell.key, cell.lower, cell.upper) for cell in found} == {(("now", "a"), 3, 3), (("earlier", "a"), 3, 3)}


def test_a_base_of_few_respondents_and_what_they_answered_must_not_be_known() -> None:
    truth = {"x": Counts(2, 4), "y": Counts(9, 30), "all": Counts(11, 34)}
    answers = Table(truth, [Family("all", ("x", "y"))], Rule("proportion", minimum_count=None))
    assert [cell.part for cell in breaches(answers, after_primary(truth, answers.rule))] == ["numerator", "denominator"]
    hidden = {"x": Counts(None), "y": Counts(None), "all": Counts(11, 34)}
    assert breaches(answers, hidden) == []


def test_what_nothing_can_be_done_against_is_no_leak() -> None:
    # Two places that are suppressed are not nought: their total is 2 or more, whatever is hidden.
    truth = {"x": Counts(1), "y": Counts(1), "all": Counts(2)}
    small = Table(truth, [Family("all", ("x", "y"))], COUNT)
    shown = after_primary(truth, COUNT)
    assert {cell.key: (cell.lower, cell.low, cell.high) for cell in attack(small, shown)} == {
        "x": (1, 1, 5), "y": (1, 1, 5), "all": (2, 2, 5),
    }  # fmt: skip
    assert breaches(small, shown) == []
    # But that it is no more than 3 comes of a figure.
    larger = Table(truth | {"z": Counts(3), "more": Counts(3)}, [*small.families, Family("more", ("all", "v"))], COUNT)
    larger = replace(larger, truth=larger.truth | {"v": Counts(1), "more": Counts(3)})
    assert {cell.key for cell in breaches(larger, after_primary(larger.truth, COUNT) | {"more": Counts(3)})} == {
        "x", "y", "all", "v", "more",
    }  # fmt: skip


def test_a_small_count_in_sight_is_a_leak() -> None:
    truth = {"x": Counts(3, 30), "y": Counts(9, 30)}
    found = breaches(Table(truth, [], Rule("proportion")), truth)
    assert [(cell.key, cell.part, cell.lower, cell.upper) for cell in found] == [("x", "numerator", 3, 3)]


@pytest.mark.parametrize(
    ("seen", "parts"),
    [
        (Counts(5, 30), {"numerator"}),
        (Counts(6, 30), set()),
        (Counts(0, 30), set()),
        (Counts(25, 30), {"complement"}),
        (Counts(24, 30), set()),
        (Counts(30, 30), set()),
        (Counts(0, 9), {"denominator"}),
        (Counts(6, 9), {"denominator", "numerator", "complement"}),
        (Counts(5, 10), {"numerator", "complement"}),
    ],
)
def test_what_is_protected_by_itself(seen: Counts, parts: set[str]) -> None:
    rule = Rule("proportion")
    lonely = Table({"x": seen}, [], rule)
    assert is_primary(seen, rule) == bool(parts)
    assert {cell.part for cell in attack(lonely, after_primary(lonely.truth, rule)) if cell.low is not None} == parts
    assert breaches(lonely, after_primary(lonely.truth, rule)) == []


def test_bounds_are_those_of_all_tables_that_look_the_same() -> None:
    """Every way of filling in the hidden cells is tried, for tables small enough."""
    rng = random.Random(20260103)
    tried = 0
    while tried < 25:
        made = random_table(rng, "count")
        shown = after_primary(made.truth, made.rule)
        hidden = [key for key in made.truth if shown[key].numerator is None]
        largest = max((part_of(made.truth[key], "numerator") for key in hidden), default=0)
        bounds = attack(made, shown)
        if not 2 <= len(hidden) <= 4 or largest > 5 or any(cell.upper > 12 for cell in bounds):
            continue
        tried += 1
        left = [
            dict(zip(hidden, values, strict=True))
            for values in product(range(1, 13), repeat=len(hidden))
            if _adds_up(made, dict(zip(hidden, values, strict=True)))
        ]
        for cell in bounds:
            values = [filled[cell.key] for filled in left]
            assert (cell.lower, cell.upper) == (min(values), max(values)), (made, cell)


def _adds_up(made: Table, filled: Mapping[Key, int]) -> bool:
    return all(
        sum(sign * (filled.get(key, part_of(made.truth[key], "numerator")) - part_of(made.truth[key], "numerator"))
            for sign, keys in ((1, (family.total,)), (-1, family.parts)) for key in keys) == 0
        for family in made.families
    )  # fmt: skip


def test_random_tables_add_up_and_stay_so_when_corrected() -> None:
    rng = random.Random(20260104)
    changed = leaking = 0
    for _ in range(300):
        made = random_table(rng)
        after = corrected(rng, made)
        for family, part in ((one, part) for one in made.families for part in one.parts_of):
            if getattr(made.truth[family.total], part) is None:
                continue
            left_over = [
                part_of(state.truth[family.total], part) - sum(part_of(state.truth[key], part) for key in family.parts)
                for state in (made, after)
            ]
            assert left_over[0] == left_over[1] >= 0
        for state in (made, after):
            assert all(seen.numerator is not None and seen.numerator >= 0 for seen in state.truth.values())
            if made.rule.measure == "proportion":
                assert all(part_of(seen, "complement") >= 0 for seen in state.truth.values())
        changed += after.truth != made.truth
        leaking += bool(breaches(made, after_primary(made.truth, made.rule)))
    # Most tables leak when nothing is done against it: there is something to find.
    assert changed > 200
    assert leaking > 180


def test_the_fewest_cells_that_protect_a_table_leave_no_leak_and_none_of_them_can_be_spared() -> None:
    rng = random.Random(20260105)
    tried = 0
    while tried < 40:
        made = random_table(rng)
        bases = [seen.denominator for seen in made.truth.values() if seen.denominator is not None]
        if len(made.truth) > 30 or made.rule.minimum_count is None or min(bases, default=10) < 10:
            continue
        tried += 1
        pattern = fewest(made)
        assert pattern is not None
        assert pattern.is_proved
        assert breaches(made, show_all_but(made, pattern.hidden), zeros_are_shown=True) == []
        primary = {key for key, seen in made.truth.items() if is_primary(seen, made.rule)}
        assert primary <= pattern.hidden
        for key in pattern.hidden - primary:
            assert breaches(made, show_all_but(made, pattern.hidden - {key}), zeros_are_shown=True), key


def test_a_square_with_one_small_cell_needs_three_more_and_a_row_one() -> None:
    square = table(a=3, b=20, c=30, d=40)
    pattern = fewest(square)
    assert pattern is not None
    assert len(pattern.hidden) == 4
    row = Table(counts(a=3, b=20, c=30, all=53), [Family("all", ("a", "b", "c"))], COUNT)
    pattern = fewest(row)
    assert pattern is not None
    assert len(pattern.hidden) == 2
