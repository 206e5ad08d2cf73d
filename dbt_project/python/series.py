"""What each series says now: which rule is for it, the word that the rule gives, and why where it gives none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dbt_project.python.columns import Column, numbers
from dbt_project.python.trend import RecentTrend, last_five_points, trend_of_proportions, trend_of_values
from dbt_project.python.verdicts import CANNOT_BE_CALCULATED, judge_direction
from dbt_project.python.xmr import FEWEST_POINTS, XmrChart, xmr_chart

FIVE_POINT_TREND: Final = "five_point_trend"
CONTROL_CHART: Final = "control_chart"
CHANGE_INTERVAL: Final = "change_interval"

#: Kinds of period that a chart is for; of waves the change is judged, and everything else are years.
CHART_PERIODS: Final = ("month", "quarter", "term")
WAVE: Final = "wave"

NOT_SHOWN: Final = "latest_value_not_shown"
TOO_FEW_POINTS: Final = "fewer_than_five_points"
TOO_FEW_NEIGHBOURS: Final = "too_few_consecutive_points"
TOO_FEW_WAVES: Final = "fewer_than_two_waves"
NO_INTERVAL: Final = "no_interval"

#: What a share of all is, in the unit of proportions.
_PER_CENT: Final = 100.0

#: The strongest first, with its name above and below: a point that carries several signals is called by the first.
SIGNALS: Final = (
    ("is_beyond_limits", "above_upper_limit", "below_lower_limit"),
    ("is_near_limit", "near_upper_limit", "near_lower_limit"),
    ("is_in_run_on_one_side", "run_above_mean", "run_below_mean"),
    ("is_in_run_of_rises_or_falls", "run_of_rises", "run_of_falls"),
)

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]


def judge_series(values: Columns, baselines: Columns) -> dict[str, NDArray[Any]]:
    """Judges the latest value of every series, and charts those of months, quarters and terms.

    Years are tested for a recent trend; months, quarters and terms stand on a process behaviour chart; a wave is judged
    by the interval of its change. A value that is not shown breaks a series: years are not consecutive then, and a run
    on a chart ends.

    Args:
        values: one row per value, shown or not, those of a series together and in order of time: ``series`` (its
            number, rising), ``indicator_id``, ``area_code``, ``sector``, ``organisation_id``, ``period_type``,
            ``period``, ``period_start`` and ``period_end`` (dates), ``is_latest``, ``polarity``, ``measure_type``,
            ``numerator``, ``denominator``, ``value`` and ``ci_lower_95``, ``ci_upper_95`` in its unit (missing where
            none is shown), and of a latest wave ``change``, ``change_lower_95`` and ``change_upper_95``.
        baselines: one row per recorded baseline: ``indicator_id``, ``area_code``, ``sector`` and ``organisation_id``
            (None for all), ``first_period`` and ``last_period`` (None where all later points bear the limits),
            ``reason``, ``decided_by``, ``decided_date``. The baseline of the narrower scope counts where two begin
            together; one whose first period has not come yet does nothing.

    Returns:
        Columns as long as ``values``: ``trend`` (a word of :mod:`~dbt_project.python.verdicts`), ``trend_method`` and
        ``trend_reason`` (why it cannot be calculated, else None) of each latest value, None elsewhere; of points on
        charts ``signal`` (None without one), ``chart_start`` (first day of the chart's first period), ``mean``,
        ``lower_limit``, ``upper_limit``, ``limit_points``, ``is_provisional`` and the baseline's ``reason``,
        ``decided_by`` and ``decided_date``. Numbers are NaN where there are no limits.

    Raises:
        ValueError: a polarity is unknown, or a period ends before it starts.
    """
    period_type = np.array(values["period_type"], dtype=object)
    is_latest = np.array(values["is_latest"], dtype=bool)
    is_chart = np.isin(period_type, CHART_PERIODS)
    is_wave = period_type == WAVE
    direction = np.full(is_latest.shape, np.nan)
    reason = np.full(is_latest.shape, None, dtype=object)

    charted = _charts(values, is_chart, baselines)
    rows = is_chart & is_latest
    direction[rows], reason[rows] = charted.pop("direction")[rows], charted.pop("why")[rows]
    for judge, which in ((_changes, is_wave & is_latest), (_years, ~is_chart & ~is_wave)):
        found, rows, why = judge(values, which)
        direction[rows], reason[rows] = found, why
    is_hidden = is_latest & np.isnan(numbers(values["value"]))
    direction[is_hidden], reason[is_hidden] = np.nan, NOT_SHOWN

    trend = judge_direction(direction, np.array(values["polarity"], dtype=object))
    trend[~is_latest] = None
    reason[trend != CANNOT_BE_CALCULATED] = None
    method = np.select([is_chart, is_wave], [CONTROL_CHART, CHANGE_INTERVAL], FIVE_POINT_TREND).astype(object)
    method[~is_latest] = None
    return {"trend": trend, "trend_method": method, "trend_reason": reason, **charted}


Judged = tuple[Column, NDArray[np.int64], NDArray[np.object_]]


def _changes(values: Columns, which: NDArray[np.bool_]) -> Judged:
    """Directions of the latest waves by the intervals of their changes, where they stand, and why there is none."""
    rows = np.flatnonzero(which)
    change, lower, upper = (numbers(values[name])[rows] for name in ("change", "change_lower_95", "change_upper_95"))
    direction = np.where(lower > 0, 1.0, np.where(upper < 0, -1.0, 0.0))
    direction[np.isnan(lower) | np.isnan(upper)] = np.nan
    return direction, rows, np.where(np.isnan(change), TOO_FEW_WAVES, NO_INTERVAL).astype(object)


def _years(values: Columns, which: NDArray[np.bool_]) -> Judged:
    """Directions of the recent trends of annual series, the rows of their last points, and why there is none."""
    number = numbers(values["value"])
    rows = np.flatnonzero(which & ~np.isnan(number))
    series, start, end = (
        np.array(values[name], dtype=object)[rows] for name in ("series", "period_start", "period_end")
    )
    recent = last_five_points(series, start, end)
    # A series' last row that is shown; where it is not the latest value, the caller knows better.
    last = rows[np.searchsorted(series.astype(np.int64), recent.series.astype(np.int64), side="right") - 1]
    direction, reason = np.full(last.shape, np.nan), recent.reason.copy()
    is_tested = reason == ""
    reason[is_tested] = NO_INTERVAL
    points = rows[recent.rows[is_tested]]

    kind = np.array(values["measure_type"], dtype=object)[points[:, 0]]
    events, at_risk = numbers(values["numerator"])[points], numbers(values["denominator"])[points]
    low, high = numbers(values["ci_lower_95"])[points], numbers(values["ci_upper_95"])[points]
    # The interval of a gap's size is cut off at zero; its upper side still says how wide it is.
    low = np.where((kind == "gap")[:, None], 2 * number[points] - high, low)
    has_counts = ((at_risk > 0) & (events >= 0) & (events <= at_risk)).all(axis=1)
    by_counts = (kind == "proportion") & has_counts
    by_interval = ~by_counts & (high > low).all(axis=1)
    found = np.full(kind.shape, np.nan)
    tests: tuple[tuple[NDArray[np.bool_], RecentTrend], ...] = (
        (by_counts, trend_of_proportions(events[by_counts], at_risk[by_counts])),
        (by_interval, trend_of_values(number[points][by_interval], low[by_interval], high[by_interval])),
    )
    for tested, result in tests:
        found[tested] = result.direction
    direction[is_tested] = found
    return direction, last, reason


def _charts(values: Columns, is_chart: NDArray[np.bool_], baselines: Columns) -> dict[str, NDArray[Any]]:
    """Every point's place on its chart; ``direction`` is the way its signals lie, ``why`` why there are no limits."""
    rows = np.flatnonzero(is_chart)
    columns = {name: np.array(values[name], dtype=object)[rows] for name in _CHART_COLUMNS}
    series = columns["series"].astype(np.int64)
    starts, ends = (columns[name].astype("datetime64[D]") for name in ("period_start", "period_end"))
    number = numbers(values["value"])[rows]
    found: dict[str, NDArray[Any]] = {
        "signal": np.full(is_chart.shape, None, dtype=object),
        "chart_start": np.full(is_chart.shape, "NaT", dtype="datetime64[D]"),
        **{name: np.full(is_chart.shape, np.nan) for name in ("mean", "lower_limit", "upper_limit", "limit_points")},
        "is_provisional": np.full(is_chart.shape, None, dtype=object),
        **{name: np.full(is_chart.shape, None, dtype=object) for name in ("reason", "decided_by", "decided_date")},
        "direction": np.full(is_chart.shape, np.nan),
        "why": np.full(is_chart.shape, None, dtype=object),
    }
    if rows.size == 0:
        return found

    record = _records_in_force(columns, starts, baselines)
    is_first = np.r_[True, (series[1:] != series[:-1]) | (record[1:] != record[:-1])]
    chart = np.cumsum(is_first) - 1
    first = np.flatnonzero(is_first)
    # Neighbours in time are neighbours in the row; where a period has no value at all, a place is left empty.
    is_gap = np.r_[False, (starts[1:] - ends[:-1]).astype(np.int64) > 1] & ~is_first
    place = np.cumsum(1 + is_gap)
    place -= place[first][chart]
    table = np.full((first.size, int(place.max()) + 1), np.nan)
    table[chart, place] = number
    bears_limits = np.ones(table.shape, dtype=bool)
    bears_limits[chart, place] = ~(ends > _last_days(columns, ends, baselines)[record])
    # Nothing here is below nought, and no share is above all; of the mean of a score the range is not known.
    kind = columns["measure_type"][first]
    least = np.where(kind == "mean", -np.inf, 0.0)
    most = np.where(kind == "proportion", _PER_CENT, np.inf)
    drawn = xmr_chart(table, bears_limits, least, most)

    found["chart_start"][rows] = starts[first][chart]
    for name in ("mean", "lower_limit", "upper_limit"):
        found[name][rows] = getattr(drawn, name)[chart]
    has_limits = ~np.isnan(drawn.mean)
    found["limit_points"][rows] = np.where(has_limits, drawn.limit_points, np.nan)[chart]
    found["is_provisional"][rows[has_limits[chart]]] = drawn.is_provisional[chart][has_limits[chart]]
    for name in ("reason", "decided_by", "decided_date"):
        recorded = np.array([*baselines[name], None], dtype=object)
        found[name][rows] = recorded[record]
    found["signal"][rows] = _signals(drawn)[chart, place]
    found["direction"][rows] = drawn.direction[chart, place]
    is_few = drawn.limit_points < FEWEST_POINTS
    found["why"][rows] = np.where(is_few, TOO_FEW_POINTS, TOO_FEW_NEIGHBOURS).astype(object)[chart]
    return found


_CHART_COLUMNS: Final = (
    "series", "indicator_id", "area_code", "sector", "organisation_id", "period", "period_start", "period_end",
    "measure_type",
)  # fmt: skip
_SCOPE: Final = ("area_code", "sector", "organisation_id")


def _records_in_force(
    columns: Mapping[str, NDArray[np.object_]], starts: NDArray[np.datetime64], baselines: Columns
) -> NDArray[np.int64]:
    """Which recorded baseline each point stands under, by its place in the records; -1 under none."""
    record = np.full(starts.shape, -1, dtype=np.int64)
    since = np.full(starts.shape, np.datetime64(0, "Y"), dtype="datetime64[D]")
    scopes = [sum(baselines[name][row] is not None for name in _SCOPE) for row in range(len(baselines["indicator_id"]))]
    # The narrower scope last, so that it counts where two begin together.
    for row in sorted(range(len(scopes)), key=lambda row: scopes[row]):
        begins = starts[columns["period"] == baselines["first_period"][row]]
        if begins.size == 0:
            continue
        is_meant = (columns["indicator_id"] == baselines["indicator_id"][row]) & (starts >= begins[0])
        for name in _SCOPE:
            if baselines[name][row] is not None:
                is_meant &= columns[name] == baselines[name][row]
        is_meant &= since <= begins[0]
        record[is_meant], since[is_meant] = row, begins[0]
    return record


def _last_days(
    columns: Mapping[str, NDArray[np.object_]], ends: NDArray[np.datetime64], baselines: Columns
) -> NDArray[np.datetime64]:
    """The last day that bears the limits of each recorded baseline, and of none; not a time where there is no such."""
    last = np.full(len(baselines["indicator_id"]) + 1, "NaT", dtype="datetime64[D]")
    for row, period in enumerate(baselines["last_period"]):
        found = ends[columns["period"] == period]
        if found.size:
            last[row] = found[0]
    return last


def _signals(drawn: XmrChart) -> NDArray[np.object_]:
    """The name of each point's strongest signal; None without one."""
    names = np.full(drawn.direction.shape, None, dtype=object)
    for flag, above, below in reversed(SIGNALS):
        is_there = getattr(drawn, flag)
        names[is_there] = np.where(drawn.direction[is_there] > 0, above, below)
    return names
