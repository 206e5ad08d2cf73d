"""Process behaviour charts: limits, the four signals, provisional limits, recorded baselines."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from dbt_project.python.xmr import xmr_chart


def _rochdale_rates(shared: Path) -> dict[str, float]:
    path = shared / "data" / "dfe_exclusions" / "exclusions_by_geographic_level.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {
            row["time_period"]: float(row["fixed_excl_rate"])
            for row in csv.DictReader(file)
            if row["new_la_code"] == "E08000005" and row["school_type"] == "Total"
        }


@pytest.mark.shared_data
def test_rochdales_printed_fixed_exclusion_rates_have_the_limits_and_signals_worked_out_by_hand(
    shared: Path,
) -> None:
    rates = _rochdale_rates(shared)
    years = sorted(rates)
    assert (years[0], years[-1], len(years)) == ("200607", "201617", 11)
    chart = xmr_chart([[rates[year] for year in years]])
    # 54.87 / 11, and the ten moving ranges add up to 5.14: 2.66 × 0.514 = 1.36724.
    assert chart.mean[0] == pytest.approx(4.988, abs=0.0005)
    assert chart.lower_limit[0] == pytest.approx(3.621, abs=0.0005)
    assert chart.upper_limit[0] == pytest.approx(6.355, abs=0.0005)
    assert [year for year, is_signal in zip(years, chart.is_signal[0], strict=True) if is_signal] == [
        "200607",
        "200708",
    ]
    assert chart.is_near_limit[0].tolist() == [True, True] + [False] * 9
    assert not chart.is_beyond_limits.any()
    assert not chart.is_in_run_on_one_side.any()
    assert not chart.is_in_run_of_rises_or_falls.any()
    assert chart.direction[0].tolist() == [1, 1] + [0] * 9
    assert chart.latest_direction[0] == 0
    assert chart.is_provisional[0]


def test_limits_lie_2_66_mean_moving_ranges_from_the_mean() -> None:
    chart = xmr_chart([[10, 14, 10, 14, 10]])
    assert chart.mean[0] == pytest.approx(11.6)
    assert chart.upper_limit[0] == pytest.approx(11.6 + 2.66 * 4)
    assert chart.lower_limit[0] == pytest.approx(11.6 - 2.66 * 4)
    assert chart.outer_third_upper[0] == pytest.approx(11.6 + 2.66 * 4 * 2 / 3)
    assert chart.outer_third_lower[0] == pytest.approx(11.6 - 2.66 * 4 * 2 / 3)


def test_limits_end_where_no_value_can_lie_and_no_signal_depends_on_it() -> None:
    # The mean is 2 and the ranges are 4: the limits would be -8.64 and 12.64, the outer thirds begin at -5.09 and 9.09.
    points = [[0.0, 4.0, 0.0, 4.0, 0.0, 4.0]]
    chart = xmr_chart(points, least=0.0, most=10.0)
    assert (chart.lower_limit[0], chart.upper_limit[0], chart.outer_third_lower[0]) == (0, 10, 0)
    assert chart.outer_third_upper[0] == pytest.approx(2 + 2 / 3 * 2.66 * 4)
    # What lies on the least that there can be is neither beyond the limit nor near it.
    assert not chart.is_signal.any()
    free = xmr_chart(points)
    assert free.lower_limit[0] == pytest.approx(-8.64)
    np.testing.assert_array_equal(chart.direction, free.direction)


def test_a_jump_of_3_267_mean_moving_ranges_or_more_is_left_out_of_the_limits_and_a_smaller_one_is_not() -> None:
    # Nineteen ranges of 1 and one of x: x is left out from 3.267 (19 + x) / 20, which is 3.7095.
    def spread(jump: float) -> float:
        steps = [0.0, 1.0] * 5
        values = [*steps, *(step + 1 + jump for step in [*steps, 0.0])]
        chart = xmr_chart([values])
        return float(chart.upper_limit[0] - chart.mean[0])

    assert spread(3.70) == pytest.approx(2.66 * (19 + 3.70) / 20)
    assert spread(3.72) == pytest.approx(2.66 * 1)


def test_a_point_beyond_a_limit_is_a_signal_and_one_on_it_is_not() -> None:
    baseline = [10.0, 14.0, 10.0, 14.0, 10.0]
    rests_on = [[True] * 5 + [False]]
    upper, lower = 11.6 + 2.66 * 4, 11.6 - 2.66 * 4
    for latest, direction in ((upper - 1e-6, 0), (upper + 1e-6, 1), (lower + 1e-6, 0), (lower - 1e-6, -1)):
        chart = xmr_chart([[*baseline, latest]], rests_on)
        assert chart.is_beyond_limits[0].tolist() == [False] * 5 + [direction != 0]
        assert chart.latest_direction[0] == direction


def test_seven_on_one_side_are_a_signal_and_six_are_not() -> None:
    baseline = [10.0, 14.0, 10.0, 14.0, 10.0, 14.0]
    for above, is_signal in ((6, False), (7, True)):
        later = [12.5, 13.0, 12.5, 13.0, 12.5, 13.0, 12.5][:above]
        values = [*baseline[:5], 10.0, *later]
        chart = xmr_chart([values], [[True] * 6 + [False] * above])
        assert chart.is_in_run_on_one_side[0].tolist() == [False] * 6 + [is_signal] * above
        assert chart.latest_direction[0] == (1 if is_signal else 0)


def test_a_point_on_the_mean_ends_a_run_on_one_side() -> None:
    baseline = [10.0, 14.0, 10.0, 14.0, 12.0, 12.0]
    chart = xmr_chart([[*baseline, 11, 11, 11, 12, 11, 11, 11, 11]], [[True] * 6 + [False] * 8])
    assert chart.mean[0] == 12
    assert not chart.is_in_run_on_one_side.any()


def test_seven_falling_points_are_a_signal_and_six_or_a_standstill_are_not() -> None:
    baseline = [0.0, 40.0] * 7
    rests_on = [True] * len(baseline)

    def drifts(*later: float) -> list[bool]:
        chart = xmr_chart([[*baseline, *later]], [[*rests_on, *(False for _ in later)]])
        return list(chart.is_in_run_of_rises_or_falls[0])

    # The baseline's last point, 40, is the first of seven that fall.
    assert drifts(26, 25, 24, 23, 22, 21) == [False] * 13 + [True] * 7
    assert not any(drifts(26, 25, 24, 23, 22))
    assert not any(drifts(26, 25, 24, 24, 23, 22, 21))
    assert drifts(26, 25, 24, 23, 22, 21, 20)[-8:] == [True] * 8


@pytest.mark.parametrize(
    ("latest", "near"),
    [
        # The outer thirds begin at 18.693 and 4.507.
        ([18.7, 12, 18.7], [True, False, True]),
        ([18.7, 18.7, 12], [True, True, False]),
        ([18.7, 18.6, 18.6], [False, False, False]),
        ([18.7, 12, 4.4], [False, False, False]),
        ([4.4, 12, 4.4], [True, False, True]),
        ([18.7, 12, 11, 18.7], [False, False, False, False]),
        # Beyond the limit counts as out there, and makes its fellow a signal.
        ([30.0, 12, 18.7], [True, False, True]),
    ],
)
def test_two_of_three_in_an_outer_third_on_the_same_side_are_a_signal(latest: list[float], near: list[bool]) -> None:
    baseline = [10.0, 14.0, 10.0, 14.0, 10.0]
    chart = xmr_chart([[*baseline, *latest]], [[True] * 5 + [False] * len(latest)])
    assert chart.is_near_limit[0].tolist() == [False] * 5 + near


def test_limits_on_twelve_points_are_provisional_and_on_thirteen_are_not() -> None:
    values = np.tile([10.0, 14.0], 7)[None, :13]
    twelve = values.copy()
    twelve[0, 12] = np.nan
    chart = xmr_chart(np.vstack([values, twelve]))
    assert chart.limit_points.tolist() == [13, 12]
    assert chart.is_provisional.tolist() == [False, True]


def test_fewer_than_five_points_have_no_limits_and_no_direction() -> None:
    chart = xmr_chart([[10, 14, 10, 14, np.nan], [10, 14, 10, 14, 10], [np.nan] * 5])
    assert np.isnan(chart.mean).tolist() == [True, False, True]
    assert np.isnan(chart.upper_limit).tolist() == [True, False, True]
    assert np.isnan(chart.latest_direction).tolist() == [True, False, True]
    assert not chart.is_signal.any()


def test_a_recorded_baseline_bears_the_limits_alone() -> None:
    values = [10, 14, 10, 14, 10, 30, 34, 30, 34]
    of_all = xmr_chart([values])
    of_five = xmr_chart([values], [[True] * 5 + [False] * 4])
    assert of_all.mean[0] == pytest.approx(186 / 9)
    assert of_five.mean[0] == pytest.approx(11.6)
    assert of_five.limit_points[0] == 5
    assert of_five.is_beyond_limits[0].tolist() == [False] * 5 + [True] * 4


def test_no_moving_range_spans_a_missing_point_and_later_ones_keep_their_places() -> None:
    # Five points bear the limits; the range from 10 over the gap to 14 is not counted, the others are 4 each.
    chart = xmr_chart([[10, 14, 10, np.nan, 14, 10, 14, 40]], [[True] * 7 + [False]])
    assert chart.mean[0] == pytest.approx(12)
    assert chart.limit_points[0] == 6
    assert chart.upper_limit[0] == pytest.approx(12 + 2.66 * 4)
    assert chart.is_beyond_limits[0].tolist() == [False] * 7 + [True]
    assert np.isnan(chart.direction[0]).tolist() == [False] * 3 + [True] + [False] * 4


def test_five_points_need_four_ranges_between_neighbours_for_limits() -> None:
    chart = xmr_chart([[10, 14, np.nan, 10, 14, 10, np.nan], [10, 14, 10, np.nan, 14, 10, 14]])
    assert chart.limit_points.tolist() == [5, 6]
    assert np.isnan(chart.mean).tolist() == [True, False]
    assert np.isnan(chart.latest_direction).tolist() == [True, False]


def test_a_missing_point_breaks_every_run() -> None:
    baseline, gap = [0.0, 40.0] * 7, np.nan

    def signals(*later: float) -> tuple[bool, bool, bool]:
        chart = xmr_chart([[*baseline, *later]], [[True] * 14 + [False] * len(later)])
        runs = (chart.is_in_run_on_one_side, chart.is_in_run_of_rises_or_falls, chart.is_near_limit)
        return tuple(bool(run[0].any()) for run in runs)  # type: ignore[return-value]

    # The mean is 20 and the limits lie 106.4 from it, so that the outer third begins at 90.9.
    assert signals(21, 22, 21, 22, 21, 22, 21) == (True, False, False)
    assert signals(21, 22, 21, gap, 22, 21, 22, 21) == (False, False, False)
    assert signals(16, 15, 14, 13, 12, 11) == (False, True, False)
    assert signals(16, 15, 14, gap, 13, 12, 11) == (False, False, False)
    assert signals(100, 15, 100) == (False, False, True)
    assert signals(100, gap, 100) == (False, False, False)


def test_equal_points_have_no_signal() -> None:
    # The mean of eleven tenths is not a tenth in binary, yet no point lies beside it.
    chart = xmr_chart([[0.1] * 11])
    assert not chart.is_signal.any()
    assert chart.latest_direction[0] == 0


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"values has shape \(2,\)"):
        xmr_chart([1, 2])
    with pytest.raises(ValueError, match=r"values has shape \(1, 2\) and is_baseline \(1, 3\)"):
        xmr_chart([[1, 2]], [[True, True, False]])
