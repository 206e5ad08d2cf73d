"""Which rule judges which pair: the home's figure beside England's, its neighbours', a target or an earlier one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dbt_project.python.columns import Column, numbers
from dbt_project.python.comparison import (
    BEST,
    BETTER,
    NOT_JUDGED,
    SIMILAR,
    WORSE,
    WORST,
    compare_with_benchmark,
    median_of_neighbours,
    rank_among_neighbours,
)
from dbt_project.python.differences import (
    Contrast,
    difference_of_means,
    difference_of_proportions,
    difference_of_rates,
    difference_of_values,
    ratio_of_proportions,
    ratio_of_rates,
)
from dbt_project.python.intervals import byar_interval, wilson_interval
from dbt_project.python.rounding import round_half_up
from dbt_project.python.targets import progress_towards_target
from dbt_project.python.verdicts import CANNOT_BE_CALCULATED, good_direction, judge_direction

BENCHMARKS: Final = ("england", "region", "neighbours")
EARLIER: Final = ("baseline", "previous_period")
TARGET: Final = "target"
REFERENCE_GROUP: Final = "reference_group"

# More places than any value has: what is cut off is the rounding error of binary fractions.
_PLACES: Final = 6


def judge_pairs(pairs: Mapping[str, Sequence[Any]]) -> dict[str, NDArray[Any]]:
    """Judges every pair by the rule for its comparator.

    Args:
        pairs: the columns of the model indicator_comparators, each a sequence of one length.

    Returns:
        ``comparator_value`` (the median for neighbours), ``difference`` (value less comparator's) with
        ``difference_lower_95`` and ``difference_upper_95``, ``relative_gap`` (value over comparator's, of groups) with
        ``relative_gap_lower_95`` and ``relative_gap_upper_95``, ``verdict``, ``rank``, ``quartile``, ``ranked_areas``
        and ``progress``, each as long; NaN where a column does not apply or cannot be calculated. Differences have the
        unit of the value.

    Raises:
        ValueError: a comparator is unknown.
    """
    comparator = np.array(pairs["comparator"], dtype=object)
    unknown = set(comparator) - {*BENCHMARKS, *EARLIER, TARGET, REFERENCE_GROUP}
    if unknown:
        raise ValueError(f"comparator {', '.join(sorted(unknown))}: there is no rule for it")
    polarity = np.array(pairs["polarity"], dtype=object)
    value, other = numbers(pairs["value"]), numbers(pairs["comparator_value"])
    is_neighbours = comparator == "neighbours"
    neighbours = _table([row for row, wanted in zip(pairs["neighbour_values"], is_neighbours, strict=True) if wanted])
    other[is_neighbours] = median_of_neighbours(neighbours)

    judged = {name: np.full(value.shape, np.nan) for name in ("rank", "quartile", "ranked_areas", "progress")}
    ranked = rank_among_neighbours(value[is_neighbours], neighbours, polarity[is_neighbours])
    for name, column in zip(("rank", "quartile", "ranked_areas"), ranked, strict=True):
        judged[name][is_neighbours] = column

    low_95, high_95, low_998, high_998 = (
        numbers(pairs[bound]) for bound in ("ci_lower_95", "ci_upper_95", "ci_lower_998", "ci_upper_998")
    )
    verdict = np.full(value.shape, CANNOT_BE_CALCULATED, dtype=object)
    rows = np.isin(comparator, BENCHMARKS)
    low_95[rows], high_95[rows] = _beside_an_extreme(pairs, other, value, low_95, high_95, 0.95)[:, rows]
    low_998[rows], high_998[rows] = _beside_an_extreme(pairs, other, value, low_998, high_998, 0.998)[:, rows]
    lower, upper = low_95 - other, high_95 - other
    verdict[rows] = compare_with_benchmark(
        low_95[rows], high_95[rows], low_998[rows], high_998[rows], other[rows], polarity[rows]
    )
    # A rank has no interval: where most neighbours had nothing to count, one event would make an area the last.
    is_told_apart = np.isin(verdict, (BEST, BETTER, WORSE, WORST)) | (value == other)
    for name in ("rank", "quartile"):
        judged[name][is_neighbours & _is_extreme(pairs, other).any(axis=0) & ~is_told_apart] = np.nan
    rows = comparator == TARGET
    # Without a date the whole change is required.
    elapsed = np.nan_to_num(numbers(pairs["elapsed_share"])[rows], nan=1.0)
    judged["progress"][rows], verdict[rows] = progress_towards_target(
        numbers(pairs["baseline_value"])[rows], value[rows], other[rows], polarity[rows], elapsed
    )
    measure_type = np.array(pairs["measure_type"], dtype=object)
    is_gap, is_mean = measure_type == "gap", measure_type == "mean"
    rows = np.isin(comparator, EARLIER)
    change = _contrast(pairs, rows, difference_of_proportions, difference_of_rates)
    unit = numbers(pairs["multiplier"])
    lower[rows], upper[rows] = change.lower * unit[rows], change.upper * unit[rows]
    verdict[rows] = judge_direction(change.direction, polarity[rows])
    # Of a gap there are no counts, only the interval.
    other_low, other_high = numbers(pairs["comparator_ci_lower_95"]), numbers(pairs["comparator_ci_upper_95"])
    rows &= is_gap & (low_95 <= value) & (value <= high_95) & (other_low <= other) & (other <= other_high)
    change = difference_of_values(
        other[rows], other_low[rows], other_high[rows], value[rows], low_95[rows], high_95[rows]
    )
    lower[rows], upper[rows] = change.lower, change.upper
    verdict[rows] = judge_direction(change.direction, polarity[rows])
    rows = comparator == REFERENCE_GROUP
    gap = _contrast(pairs, rows, difference_of_proportions, difference_of_rates)
    lower[rows], upper[rows] = gap.lower * unit[rows], gap.upper * unit[rows]
    verdict[rows] = _judge_gap(gap.direction, polarity[rows])
    # A mean has no events, only measurements that scatter: its interval is of the value's own unit.
    for comparators, judge in ((EARLIER, judge_direction), ((REFERENCE_GROUP,), _judge_gap)):
        means = is_mean & np.isin(comparator, comparators)
        counts, other_counts = numbers(pairs["denominator"])[means], numbers(pairs["comparator_denominator"])[means]
        of_means = difference_of_means(
            other_low[means], other_high[means], other_counts, low_95[means], high_95[means], counts
        )
        lower[means], upper[means] = of_means.lower, of_means.upper
        verdict[means] = judge(of_means.direction, polarity[means])
    ratio = _contrast(pairs, rows, ratio_of_proportions, ratio_of_rates)
    relative = {name: np.full(value.shape, np.nan) for name in ("", "_lower_95", "_upper_95")}
    relative[""][rows], relative["_lower_95"][rows], relative["_upper_95"][rows] = ratio.value, ratio.lower, ratio.upper
    return {
        "comparator_value": round_half_up(other, _PLACES),
        "difference": round_half_up(value - other, _PLACES),
        "difference_lower_95": lower,
        "difference_upper_95": upper,
        **{f"relative_gap{name}": column for name, column in relative.items()},
        "verdict": verdict,
        **judged,
    }


def _is_extreme(pairs: Mapping[str, Sequence[Any]], other: Column) -> NDArray[np.bool_]:
    """Which rows stand beside a figure of nobody (first row), and which beside one of everybody (second row)."""
    kind = np.array(pairs["measure_type"], dtype=object)
    counted = np.isin(kind, ("proportion", "rate", "count"))
    return np.array([counted & (other == 0), (kind == "proportion") & (other == numbers(pairs["multiplier"]))])


def _beside_an_extreme(
    pairs: Mapping[str, Sequence[Any]], other: Column, value: Column, low: Column, high: Column, confidence: float
) -> NDArray[np.float64]:
    """Bounds of each value as far as they can be held against a benchmark; missing where the counts are not shown.

    A benchmark is taken as it stands, because it rests on many. One of nought, or of all, does not stand: that nothing
    happened among the neighbours does not say that nothing can, and a single event would be beyond doubt. There the
    bounds are those of the difference from a figure of none (or all) out of as many as the value itself is out of.
    """
    kind, unit = np.array(pairs["measure_type"], dtype=object), numbers(pairs["multiplier"])
    exposure = np.where(kind == "count", 1.0, numbers(pairs["denominator"]))
    exposure = np.where(exposure > 0, exposure, np.nan)
    is_none, is_all = _is_extreme(pairs, other)
    bounds = np.stack([low, high])
    for is_extreme, share, facing in ((is_none, 0.0, 0), (is_all, 1.0, 1)):
        for kinds, interval in ((("proportion",), wilson_interval), (("rate", "count"), byar_interval)):
            rows = is_extreme & np.isin(kind, kinds)
            reach = interval(share * exposure[rows], exposure[rows], confidence)[1 - facing] * unit[rows]
            distance = np.hypot(value[rows] - bounds[facing, rows], reach - other[rows])
            bounds[facing, rows] = value[rows] + (distance if facing else -distance)
    return bounds


def _judge_gap(direction: Column, polarity: NDArray[np.object_]) -> NDArray[np.object_]:
    good = good_direction(polarity, direction.shape)
    verdict = np.select(
        [direction * good > 0, direction * good < 0, direction == 0], [BETTER, WORSE, SIMILAR], CANNOT_BE_CALCULATED
    ).astype(object)
    verdict[(good == 0) & ~np.isnan(direction)] = NOT_JUDGED
    return verdict


def _contrast(
    pairs: Mapping[str, Sequence[Any]],
    rows: NDArray[np.bool_],
    of_proportions: Callable[..., Contrast],
    of_rates: Callable[..., Contrast],
) -> Contrast:
    """The contrast of the rows asked for, value against comparator, per one of the denominator."""
    column = {
        name: numbers(pairs[name])[rows]
        for name in (
            "numerator", "denominator", "ci_lower_95",
            "comparator_numerator", "comparator_denominator", "comparator_ci_lower_95",
        )
    }  # fmt: skip
    kind = np.array(pairs["measure_type"], dtype=object)[rows]
    # Counts that bear no interval are not what the figure was made of, and do not bear a contrast either.
    has_intervals = ~np.isnan(column["ci_lower_95"]) & ~np.isnan(column["comparator_ci_lower_95"])
    found = Contrast(*(np.full(kind.shape, np.nan) for _ in range(4)))
    for kinds, contrast in ((("proportion",), of_proportions), (("rate", "count"), of_rates)):
        chosen = np.isin(kind, kinds) & has_intervals
        # A count is per period, and a period is as long as the one before.
        own_per, other_per = (
            np.where(kind == "count", 1.0, column[name])[chosen] for name in ("denominator", "comparator_denominator")
        )
        part = contrast(column["comparator_numerator"][chosen], other_per, column["numerator"][chosen], own_per)
        found.value[chosen], found.direction[chosen] = part.value, part.direction
        found.lower[chosen], found.upper[chosen] = part.lower, part.upper
    return found


def _table(lists: Sequence[Sequence[float] | None]) -> Column:
    """Lists of different lengths as rows of one table, filled up with missing values."""
    table = np.full((len(lists), max((len(row or ()) for row in lists), default=0)), np.nan)
    for number, row in enumerate(lists):
        table[number, : len(row or ())] = row or ()
    return table
