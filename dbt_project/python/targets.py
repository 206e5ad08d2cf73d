"""Progress towards a target: how much of the change that is needed has come."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dbt_project.python.columns import Column, as_columns, refuse_rows
from dbt_project.python.verdicts import CANNOT_BE_CALCULATED, good_direction

MET: Final = "met"
ON_TRACK: Final = "on_track"
PART_WAY: Final = "part_way"
OFF_TRACK: Final = "off_track"
MOVING_AWAY: Final = "moving_away"

ON_TRACK_FROM: Final = 0.95
PART_WAY_FROM: Final = 0.6


def progress_towards_target(
    baseline: ArrayLike,
    current: ArrayLike,
    target: ArrayLike,
    polarity: ArrayLike,
    elapsed_share: ArrayLike | None = None,
) -> tuple[Column, NDArray[np.object_]]:
    """Achieved change over required change, along a straight line, and the band that it falls into.

    The line is straight on purpose. Compound growth, which some monitors use, has no rate that ends at zero, and zero
    is where exclusions and the like are to go.

    Args:
        baseline: the figure when the target was set; NaN where missing.
        current: the latest figure, in the same unit.
        target: the figure that is aimed at.
        polarity: ``higher_is_better``, ``lower_is_better`` or ``none``; one for all or one for each. It decides when a
            target is met; where it is none, nothing is judged.
        elapsed_share: how much of the time to the target has passed, above 0 and at most 1; the required change is that
            share of the whole. Not given for a target without a date: then the whole change is required.

    Returns:
        Progress (1 is all of what is required, negative is the wrong way) and its band: ``met`` where the current
        figure is at the target or better; ``on_track`` from 0.95, ``part_way`` from 0.6, ``off_track`` from 0,
        ``moving_away`` below 0; ``cannot_be_calculated`` where a number is missing, where the polarity is none, or
        where the baseline was at the target or better already and the current figure no longer is (progress is NaN
        wherever no change was required).

    Raises:
        ValueError: the shapes differ, a polarity is unknown, or an elapsed share is not above 0 and at most 1; the
            first such row is named.

    Source: the bands that Eurostat uses in monitoring the sustainable development goals, on a straight line.
    """
    start, now, aim = as_columns(baseline=baseline, current=current, target=target)
    elapsed = np.ones(start.shape) if elapsed_share is None else as_columns(baseline=start, elapsed=elapsed_share)[1]
    refuse_rows({"the elapsed share is not above 0 and at most 1": (elapsed <= 0) | (elapsed > 1)}, elapsed=elapsed)
    good = good_direction(polarity, start.shape)
    required = (aim - start) * good
    is_judged = (required > 0) & (good != 0)
    progress = np.where(is_judged, (now - start) * good / np.where(is_judged, required * elapsed, 1.0), np.nan)
    band = np.full(start.shape, CANNOT_BE_CALCULATED, dtype=object)
    band[progress < 0] = MOVING_AWAY
    band[progress >= 0] = OFF_TRACK
    band[progress >= PART_WAY_FROM] = PART_WAY
    band[progress >= ON_TRACK_FROM] = ON_TRACK
    band[((now - aim) * good >= 0) & (good != 0) & ~np.isnan(start)] = MET
    return progress, band
