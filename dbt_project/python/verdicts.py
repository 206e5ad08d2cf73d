"""The words in which a direction is judged: what goes up is good, bad or neither, by the indicator's polarity."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dbt_project.python.columns import Column

IMPROVING: Final = "improving"
WORSENING: Final = "worsening"
# For an indicator of which neither direction is better.
INCREASING: Final = "increasing"
DECREASING: Final = "decreasing"
NO_SIGNIFICANT_CHANGE: Final = "no_significant_change"
CANNOT_BE_CALCULATED: Final = "cannot_be_calculated"

_GOOD_DIRECTION: Final = {"higher_is_better": 1, "lower_is_better": -1, "none": 0}


def good_direction(polarity: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Which way is good: 1 up, -1 down, 0 neither.

    Args:
        polarity: ``higher_is_better``, ``lower_is_better`` or ``none``; one for all or one for each.
        shape: of the result.

    Returns:
        Whole numbers of that shape.

    Raises:
        ValueError: a polarity is none of the three.
    """
    words = np.broadcast_to(np.asarray(polarity, dtype=object), shape)
    unknown = {str(word) for word in words.ravel()} - set(_GOOD_DIRECTION)
    if unknown:
        raise ValueError(f"polarity {', '.join(sorted(unknown))}: it must be one of {', '.join(_GOOD_DIRECTION)}")
    return np.array([_GOOD_DIRECTION[str(word)] for word in words.ravel()], dtype=np.int8).reshape(shape)


def judge_direction(direction: ArrayLike, polarity: ArrayLike) -> NDArray[np.object_]:
    """Puts a direction into words.

    Args:
        direction: above zero for up, below for down, 0 for no significant change, NaN where it cannot be calculated.
        polarity: ``higher_is_better``, ``lower_is_better`` or ``none``; one for all or one for each.

    Returns:
        ``improving`` or ``worsening``; ``increasing`` or ``decreasing`` where the polarity is none;
        ``no_significant_change``; ``cannot_be_calculated``. Of the shape of ``direction``.

    Raises:
        ValueError: a polarity is none of the three.
    """
    moved: Column = np.atleast_1d(np.asarray(direction, dtype=np.float64))
    good = good_direction(polarity, moved.shape)
    verdict = np.full(moved.shape, CANNOT_BE_CALCULATED, dtype=object)
    verdict[moved == 0] = NO_SIGNIFICANT_CHANGE
    verdict[(moved > 0) & (good == 0)] = INCREASING
    verdict[(moved < 0) & (good == 0)] = DECREASING
    verdict[moved * good > 0] = IMPROVING
    verdict[moved * good < 0] = WORSENING
    return verdict
