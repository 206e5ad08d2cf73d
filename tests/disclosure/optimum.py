"""The fewest cells that have to be suppressed: a yardstick for any way of suppressing, exact and for small tables only.

The model is that of Fischetti and Salazar (2001): for each protected count and each end of its range there has to be a
table, alike in all that is shown, in which the count is at that end. One yes or no per cell says whether it is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy

from tests.disclosure.tables import Counts, Key, Rule, Table, attainable, part_of


@dataclass(frozen=True)
class Pattern:
    """The cells to hide, and whether fewer have been proved impossible in the time allowed."""

    hidden: frozenset[Key]
    is_proved: bool


def fewest(table: Table, part: str = "numerator", zeros_are_shown: bool = True, seconds: float = 20) -> Pattern | None:
    """The smallest set of cells to hide so that no protected count of one part can be bounded inside its range.

    Args:
        table: the truth; of a proportion the denominators are taken to be shown, as they are where none is small.
        part: the counts to hide, ``numerator`` (with the complements) or ``denominator``.
        zeros_are_shown: noughts stay in sight, so that a hidden count is 1 or more.
        seconds: give up the proof after so long.

    Returns:
        The pattern; None where nothing that may be hidden protects enough.
    """
    ranges = attainable(table, zeros_are_shown)
    wanted = [
        (key, target, is_upper)
        for (key, name), (low, high) in ranges.items()
        if name == part or (part == "numerator" and name == "complement")
        for target, is_upper in _ends(table.truth[key], name, int(low), int(high))
    ]
    cells = [key for key, counts in table.truth.items() if getattr(counts, part) is not None]
    number = {key: position for position, key in enumerate(cells)}
    true = [part_of(table.truth[key], part) for key in cells]
    # Nothing in a table of equal totals has to be larger than this for a count to be at the end of its range.
    most = sum(true) + 100
    limits = [_limits(table.truth[key], part, table.rule, zeros_are_shown, most) for key in cells]
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    model.setOptionValue("time_limit", seconds)
    model.setOptionValue("mip_rel_gap", 0.0)
    hides = []
    for key, value in zip(cells, true, strict=True):
        may_be_hidden = value > 0 or not zeros_are_shown
        must_be = any(key == wish[0] for wish in wanted)
        hides.append(model.addVariable(float(must_be), float(may_be_hidden or must_be), 1.0))
        model.changeColIntegrality(hides[-1].index, highspy.HighsVarType.kInteger)
    for key, target, is_upper in wanted:
        copy = [model.addVariable(float(low), float(high)) for low, high in limits]
        for hide, count, value, (low, high) in zip(hides, copy, true, limits, strict=True):
            model.addConstr(count + (value - low) * hide >= value)
            model.addConstr(count - (high - value) * hide <= value)
        for family in table.families:
            members = (family.total, *family.parts)
            if part in family.parts_of and all(member in number for member in members):
                left_over = true[number[family.total]] - sum(true[number[member]] for member in family.parts)
                parts = sum(copy[number[member]] for member in family.parts)
                model.addConstr(copy[number[family.total]] - parts == left_over)
        if is_upper:
            model.addConstr(copy[number[key]] >= target)
        else:
            model.addConstr(copy[number[key]] <= target)
    model.run()
    status = model.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    solution = model.getSolution().col_value
    if status != highspy.HighsModelStatus.kOptimal and not solution:
        raise TimeoutError(f"no pattern found within {seconds} seconds")
    hidden = frozenset(key for key, hide in zip(cells, hides, strict=True) if solution[hide.index] > 0.5)
    return Pattern(hidden, status == highspy.HighsModelStatus.kOptimal)


def show_all_but(table: Table, hidden: frozenset[Key], part: str = "numerator") -> dict[Key, Counts]:
    """The table with one part of some cells hidden; a hidden denominator hides the numerator."""
    shown = dict(table.truth)
    for key in hidden:
        counts = table.truth[key]
        shown[key] = Counts(None, None if part == "denominator" else counts.denominator)
    return shown


def _ends(counts: Counts, name: str, low: int, high: int) -> list[tuple[int, bool]]:
    """The two ends that the count itself has to reach: at most, at least."""
    if name != "complement":
        return [(low, False), (high, True)]
    base = part_of(counts, "denominator")
    return [(base - high, False), (base - low, True)]


def _limits(counts: Counts, part: str, rule: Rule, zeros_are_shown: bool, most: int) -> tuple[int, int]:
    least = 1 if part == "denominator" or (zeros_are_shown and part_of(counts, part) > 0) else 0
    if part == "numerator" and rule.measure == "proportion":
        return min(least, part_of(counts, part)), part_of(counts, "denominator")
    return least, most
