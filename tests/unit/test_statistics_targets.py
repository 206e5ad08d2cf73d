"""Progress towards a target."""

from __future__ import annotations

import numpy as np
import pytest

from dbt_project.python.targets import progress_towards_target


@pytest.mark.parametrize(
    ("current", "progress", "band"),
    [
        # From 200 to 100, lower is better: each one less is a hundredth of the way.
        (100, 1.0, "met"),
        (90, 1.1, "met"),
        (105, 0.95, "on_track"),
        (106, 0.94, "part_way"),
        (140, 0.6, "part_way"),
        (141, 0.59, "off_track"),
        (200, 0.0, "off_track"),
        (201, -0.01, "moving_away"),
    ],
)
def test_progress_is_achieved_over_required_change_and_falls_into_bands(
    current: float, progress: float, band: str
) -> None:
    found, bands = progress_towards_target([200], [current], [100], "lower_is_better")
    assert found[0] == pytest.approx(progress, abs=1e-12)
    assert bands.tolist() == [band]


def test_where_higher_is_better_the_same_way_is_measured_upwards() -> None:
    found, bands = progress_towards_target([40, 40], [55, 35], [60, 60], "higher_is_better")
    assert found == pytest.approx([0.75, -0.25])
    assert bands.tolist() == ["part_way", "moving_away"]


def test_with_a_date_only_the_share_of_the_change_that_is_due_by_now_is_required() -> None:
    # Two of five years have passed: 40 of 100 were due, and 40 and 38 have come.
    found, bands = progress_towards_target([200] * 2, [160, 162], [100] * 2, "lower_is_better", [0.4] * 2)
    assert found == pytest.approx([1.0, 0.95])
    assert bands.tolist() == ["on_track", "on_track"]


def test_a_target_of_zero_is_approached_along_a_straight_line() -> None:
    # A constant rate of fall never comes to zero; half of the way is half.
    found, bands = progress_towards_target([48, 48], [24, 0], [0, 0], "lower_is_better")
    assert found == pytest.approx([0.5, 1.0])
    assert bands.tolist() == ["off_track", "met"]


def test_a_target_that_was_met_from_the_start_is_met_or_no_progress_can_be_told() -> None:
    found, bands = progress_towards_target([80, 80, 70], [75, 65, 70], [70, 70, 70], "higher_is_better")
    assert np.isnan(found).all()
    assert bands.tolist() == ["met", "cannot_be_calculated", "met"]


def test_nothing_is_judged_without_a_polarity_or_with_a_missing_figure() -> None:
    found, bands = progress_towards_target(
        [200, np.nan, 200, 200],
        [100, 100, np.nan, 100],
        [100, 100, 100, np.nan],
        ["none", "lower_is_better", "lower_is_better", "lower_is_better"],
    )
    assert np.isnan(found).all()
    assert set(bands) == {"cannot_be_calculated"}


@pytest.mark.parametrize("elapsed", [0.0, 1.01])
def test_a_share_of_time_outside_nought_and_one_is_refused(elapsed: float) -> None:
    with pytest.raises(ValueError, match="row 0: the elapsed share is not above 0 and at most 1"):
        progress_towards_target([200], [100], [100], "lower_is_better", [elapsed])
