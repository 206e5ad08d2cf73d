"""What every statistics function does with its columns first: same shape, numbers, and impossible rows refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

Column = NDArray[np.float64]


class ArrowColumns(Mapping[str, Sequence[Any] | NDArray[Any]]):
    """The columns of an Arrow table, each made into what Python can work with when it is first asked for.

    Floating point becomes an array with NaN where a number is missing, everything else a list with None. Most columns
    of a table tell rows apart, and nobody asks for them.
    """

    def __init__(self, table: pa.Table) -> None:
        """Nothing is made yet."""
        self._table = table
        self._made: dict[str, Sequence[Any] | NDArray[Any]] = {}

    def __getitem__(self, name: str) -> Sequence[Any] | NDArray[Any]:
        """The column of that name."""
        if name not in self._made:
            column = self._table[name]
            self._made[name] = column.to_numpy() if pa.types.is_floating(column.type) else column.to_pylist()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._table.column_names)

    def __len__(self) -> int:
        """How many columns there are."""
        return len(self._table.column_names)


def as_columns(**columns: ArrayLike) -> list[Column]:
    """Turns the arguments into arrays of numbers of one shape; a single number becomes a column of one.

    Args:
        columns: name → numbers; None and NaN are missing.

    Returns:
        The arrays, in the order given; at least one-dimensional.

    Raises:
        ValueError: their shapes differ; every argument is named with its shape.
    """
    arrays = {name: np.atleast_1d(np.asarray(values, dtype=np.float64)) for name, values in columns.items()}
    if len({array.shape for array in arrays.values()}) > 1:
        shapes = ", ".join(f"{name} has shape {array.shape}" for name, array in arrays.items())
        raise ValueError(f"{shapes}; they must be of one shape")
    return list(arrays.values())


def numbers(values: Sequence[Any] | NDArray[Any]) -> Column:
    """Turns a column as a table hands it over into numbers.

    Args:
        values: numbers of any kind, None where missing, or an array of them.

    Returns:
        An array as long; NaN where missing.
    """
    if isinstance(values, np.ndarray):
        return values.astype(np.float64)
    return np.array([np.nan if number is None else float(number) for number in values], dtype=np.float64)


def refuse_rows(problems: dict[str, NDArray[np.bool_]], **shown: Column) -> None:
    """Raises for the first row that has one of the problems.

    A comparison with a missing value is false, so a missing row passes here and stays missing.

    Args:
        problems: what is wrong → which rows have it.
        shown: columns whose values the message shows.

    Raises:
        ValueError: a row has a problem; names the row, the problem and the values.
    """
    for problem, rows in problems.items():
        if rows.any():
            where = np.unravel_index(int(np.flatnonzero(rows)[0]), rows.shape)
            row = ", ".join(str(int(position)) for position in where)
            values = ", ".join(f"{name} {column[where]:g}" for name, column in shown.items())
            raise ValueError(f"row {row}: {problem} ({values})")


def refuse_confidence(confidence: float) -> None:
    """Raises for a confidence that is no probability.

    Args:
        confidence: two-sided, between 0 and 1.

    Raises:
        ValueError: it is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")
