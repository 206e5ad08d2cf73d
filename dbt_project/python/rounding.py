"""Rounding half up in decimal, as the publishers' printed figures are; the SQL macro of that name is its twin."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import ArrayLike

from dbt_project.python.columns import Column, as_columns


def round_half_up(values: ArrayLike, decimals: int) -> Column:
    """Rounds numbers at their decimal notation, halves away from zero: 0.125 → 0.13, 2.675 → 2.68, -2.5 → -3.

    A binary fraction lies beside the half that it stands for (2.675 is stored as 2.67499…), so the shortest decimal
    notation that gives the number back is what is rounded: the one that a person typed or a file printed.

    Args:
        values: numbers of any shape; missing values (NaN) stay missing, infinite ones infinite.
        decimals: how many places to keep, zero or more.

    Returns:
        The rounded numbers, of the same shape.

    Raises:
        ValueError: ``decimals`` is negative.

    Source: the rule of the Department for Education's statistics, found by reproducing its printed rates.
    """
    (numbers,) = as_columns(values=values)
    step = _step(decimals)
    rounded = [
        float(Decimal(repr(number)).quantize(step, ROUND_HALF_UP)) if np.isfinite(number) else number
        for number in numbers.ravel().tolist()
    ]
    return np.array(rounded, dtype=np.float64).reshape(numbers.shape)


def quotient_half_up(numerator: ArrayLike, denominator: ArrayLike, decimals: int) -> Column:
    """Divides whole numbers and rounds the exact quotient, halves away from zero: 1 / 80 to three places is 0.013.

    Args:
        numerator: whole numbers of any shape; missing values (NaN) stay missing.
        denominator: whole numbers above zero, the same shape.
        decimals: how many places to keep, zero or more.

    Returns:
        The rounded quotients, of the same shape.

    Raises:
        ValueError: the shapes differ, a number is not whole, a denominator is not above zero, or ``decimals`` is
            negative.

    Source: the rule of the Department for Education's statistics, found by reproducing its printed rates.
    """
    above, below = as_columns(numerator=numerator, denominator=denominator)
    _step(decimals)
    scale = 10**decimals
    rounded = np.full(above.shape, np.nan)
    for where in zip(*np.nonzero(~np.isnan(above) & ~np.isnan(below)), strict=True):
        if not above[where].is_integer() or not below[where].is_integer():
            raise ValueError(f"{above[where]} / {below[where]}: both must be whole numbers")
        # Python's whole numbers have no largest one, so nothing is lost before the one rounding.
        whole, part = int(above[where]), int(below[where])
        if part <= 0:
            raise ValueError(f"{whole} / {part}: the denominator must be above zero")
        units = (2 * abs(whole) * scale + part) // (2 * part)
        rounded[where] = (units if whole >= 0 else -units) / scale
    return rounded


def _step(decimals: int) -> Decimal:
    if decimals < 0:
        raise ValueError(f"decimals is {decimals}; it must be zero or more")
    return Decimal(1).scaleb(-decimals)
