"""A system of linear knowledge about counts, and the tightest bounds that follow from it.

Whoever reads a publication knows that counts are not negative, which of them are shown, and which add up to which. The
linear programmes are solved by HiGHS; each group of counts that hang together is a programme of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, inf
from typing import Any

import highspy
import numpy as np

#: Simplex solutions of counts are off by no more; bounds are rounded inwards to whole numbers with it.
TOLERANCE = 1e-6

#: More people than any count has.
FAR = 10_000_000

Terms = Mapping[Any, float]
Interval = tuple[float, float]


class ContradictionError(Exception):
    """No counts keep all that is taken for known; says which counts are concerned."""


@dataclass(frozen=True)
class Row:
    """``lower <= sum of coefficient × count <= upper``, and what kind of knowledge it is."""

    terms: tuple[tuple[int, float], ...]
    lower: float
    upper: float
    kind: str


@dataclass
class System:
    """Counts by name, each with bounds, and linear relations between them.

    Bounds that are not the first of a count carry a kind, as relations do, so that a part of the knowledge can be left
    out: ``bounds(targets, kinds=...)`` uses the relations of those kinds, and those without a kind.
    """

    names: dict[Any, int] = field(default_factory=dict)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    #: Counts that are nought and shown as such whatever else is hidden.
    noughts: set[int] = field(default_factory=set)

    def nought(self, name: Any) -> None:
        """Say that a count is nought, and shown as such whatever else is hidden."""
        self.count(name, 0, 0)
        self.noughts.add(self.names[name])

    def count(self, name: Any, lower: float = 0, upper: float = inf) -> None:
        """Add a count, or narrow one that is there."""
        if name not in self.names:
            self.names[name] = len(self.lower)
            self.lower.append(lower)
            self.upper.append(upper)
            return
        number = self.names[name]
        self.lower[number] = max(self.lower[number], lower)
        self.upper[number] = min(self.upper[number], upper)

    def relate(self, terms: Terms, lower: float, upper: float, kind: str = "") -> None:
        """Add ``lower <= sum of terms <= upper``; every count has to be there already."""
        numbered = tuple((self.names[name], float(factor)) for name, factor in terms.items() if factor)
        self.rows.append(Row(numbered, lower, upper, kind))

    def without_figures(self, given: Collection[Any] = ()) -> System:
        """The same relations with nothing shown but noughts: what else is known is not, and the rest is as it was.

        Args:
            given: names of counts that cannot be taken back.
        """
        kept = self.noughts | {self.names[name] for name in given}
        known = [
            low == high and number not in kept
            for number, (low, high) in enumerate(zip(self.lower, self.upper, strict=True))
        ]
        return System(
            self.names,
            [0 if is_known else low for low, is_known in zip(self.lower, known, strict=True)],
            # Simplex goes to a far end faster than it proves that there is none.
            [FAR if is_known else min(high, FAR) for high, is_known in zip(self.upper, known, strict=True)],
            self.rows,
        )

    def bounds(
        self,
        targets: Mapping[Any, Terms],
        kinds: Iterable[str] | None = None,
        enough: Mapping[Any, Interval] | None = None,
        is_forgiving: bool = False,
    ) -> dict[Any, Interval]:
        """Smallest and largest whole number that each target (a sum of counts) can be.

        Args:
            targets: what to bound, by a name for it.
            kinds: kinds of relations to use; all where nothing is given.
            enough: an interval per target that is as good as wider ones: once a target is known to reach both of its
                ends, its bounds are reported as those ends or wider and no longer sought. All are exact without it.
            is_forgiving: leave out relations that cannot be, and say nothing of counts whose relations cannot all be
                kept, instead of raising an error.

        Raises:
            ContradictionError: nothing keeps all relations.
        """
        chosen = None if kinds is None else {"", *kinds}
        rows = [row for row in self.rows if chosen is None or row.kind in chosen]
        lower, upper = np.array(self.lower, dtype=float), np.array(self.upper, dtype=float)
        rows = self._settle(rows, lower, upper, is_forgiving)
        numbered = {
            label: [(self.names[name], float(factor)) for name, factor in terms.items() if factor]
            for label, terms in targets.items()
        }
        found: dict[Any, Interval] = {}
        components = _components(rows, lower, upper, numbered.values())
        by_component: dict[int, list[Any]] = defaultdict(list)
        for label, terms in numbered.items():
            free = [number for number, _ in terms if lower[number] != upper[number]]
            if free:
                by_component[components[free[0]]].append(label)
            else:
                value = sum(factor * lower[number] for number, factor in terms)
                found[label] = (round(value), round(value))
        rows_of: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            rows_of[components[row.terms[0][0]]].append(row)
        for component, labels in by_component.items():
            programme = _Programme(rows_of[component], [numbered[label] for label in labels], lower, upper)
            wanted = None if enough is None else [enough[label] for label in labels]
            try:
                results = programme.solve(wanted)
            except ContradictionError:
                if not is_forgiving:
                    raise ContradictionError(self._story(programme.numbers)) from None
                results = programme.limits()
            found.update(zip(labels, results, strict=True))
        return found

    def _settle(self, rows: list[Row], lower: np.ndarray, upper: np.ndarray, is_forgiving: bool = False) -> list[Row]:
        """Take what is fixed out of the relations, and turn a relation of one count into bounds, until none is left."""
        while True:
            left: list[Row] = []
            settled = False
            for row in rows:
                constant = sum(factor * lower[n] for n, factor in row.terms if lower[n] == upper[n])
                terms = tuple((n, factor) for n, factor in row.terms if lower[n] != upper[n])
                low, high = row.lower - constant, row.upper - constant
                if len(terms) == 1:
                    ((number, factor),) = terms
                    ends = sorted((low / factor, high / factor))
                    least = ceil(ends[0] - TOLERANCE) if ends[0] > -inf else -inf
                    most = floor(ends[1] + TOLERANCE) if ends[1] < inf else inf
                    least, most = max(lower[number], least), min(upper[number], most)
                    can_be = least <= most
                    if can_be:
                        lower[number], upper[number] = least, most
                        settled = True
                else:
                    can_be = bool(terms) or (low <= TOLERANCE and high >= -TOLERANCE)
                if not can_be and not is_forgiving:
                    raise ContradictionError(self._story([n for n, _ in row.terms]))
                if len(terms) > 1:
                    left.append(Row(terms, low, high, row.kind))
            rows = left
            if not settled:
                return rows

    def _story(self, numbers: Sequence[int]) -> str:
        names = {number: name for name, number in self.names.items()}
        return "nothing keeps all that is taken for known of: " + "; ".join(str(names[n]) for n in list(numbers)[:12])


def _components(
    rows: Iterable[Row], lower: np.ndarray, upper: np.ndarray, together: Iterable[Sequence[tuple[int, float]]]
) -> list[int]:
    """For each count the number of the group that it hangs together with, by relations and by targets."""
    parent = list(range(len(lower)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for terms in (*(row.terms for row in rows), *together):
        free = [number for number, _ in terms if lower[number] != upper[number]]
        for number in free[1:]:
            parent[root(number)] = root(free[0])
    return [root(number) for number in range(len(lower))]


class _Programme:
    """One group of counts as a linear programme, solved again and again from where the last solution stands."""

    def __init__(
        self,
        rows: Sequence[Row],
        targets: Sequence[Sequence[tuple[int, float]]],
        lower: np.ndarray,
        upper: np.ndarray,
    ) -> None:
        used = {n for row in rows for n, _ in row.terms}
        used |= {n for terms in targets for n, _ in terms if lower[n] != upper[n]}
        self.numbers = sorted(used)
        column = {number: position for position, number in enumerate(self.numbers)}
        self._targets = np.zeros((len(targets), len(self.numbers)))
        self._constants = np.zeros(len(targets))
        for position, terms in enumerate(targets):
            for number, factor in terms:
                if number in column:
                    self._targets[position, column[number]] = factor
                else:
                    self._constants[position] += factor * lower[number]
        self._lower, self._upper = lower[self.numbers], upper[self.numbers]
        self._solver = highspy.Highs()
        self._solver.setOptionValue("output_flag", False)
        # Without presolve the next target starts from the last basis.
        self._solver.setOptionValue("presolve", "off")
        self._solver.setOptionValue("threads", 1)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.numbers), len(rows)
        model.col_cost_ = np.zeros(len(self.numbers))
        model.col_lower_, model.col_upper_ = self._lower, self._upper
        model.row_lower_ = np.array([row.lower for row in rows], dtype=float)
        model.row_upper_ = np.array([row.upper for row in rows], dtype=float)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.cumsum([0, *(len(row.terms) for row in rows)])
        model.a_matrix_.index_ = np.array([column[n] for row in rows for n, _ in row.terms], dtype=np.int32)
        model.a_matrix_.value_ = np.array([factor for row in rows for _, factor in row.terms], dtype=float)
        self._solver.passModel(model)
        self._columns = np.arange(len(self.numbers), dtype=np.int32)

    def solve(self, enough: Sequence[Interval] | None) -> list[Interval]:
        """Bounds of every target, in order. What one solution shows of the other targets need not be sought again."""
        # The most that bounds of single counts allow: a solution that reaches it proves itself.
        limits = self._limits()
        seen = [np.full(len(self._targets), inf), np.full(len(self._targets), -inf)]
        self._look(None, 1, seen)
        for position, terms in enumerate(self._targets):
            for end, sense in ((0, 1), (1, -1)):
                reached = sense * (seen[end][position] - limits[end][position]) <= TOLERANCE
                if enough is not None:
                    wished = enough[position][end] - self._constants[position]
                    reached = reached or sense * (seen[end][position] - wished) <= TOLERANCE
                if not reached:
                    self._look(terms, sense, seen)
        return self._rounded(*seen)

    def limits(self) -> list[Interval]:
        """What the bounds of single counts leave of every target."""
        return self._rounded(*self._limits())

    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(invalid="ignore"):
            ends = np.stack((self._targets * self._lower, self._targets * self._upper))
        ends = np.where(self._targets == 0, 0, ends)
        return ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)

    def _rounded(self, low: np.ndarray, high: np.ndarray) -> list[Interval]:
        return [
            (ceil(a - TOLERANCE) if a > -inf else -inf, floor(b + TOLERANCE) if b < inf else inf)
            for a, b in zip(low + self._constants, high + self._constants, strict=True)
        ]

    def _look(self, terms: np.ndarray | None, sense: int, seen: list[np.ndarray]) -> None:
        """Solve for one target (or for anything) and note how far every target gets in the solution."""
        costs = np.zeros(len(self.numbers)) if terms is None else terms * sense
        self._solver.changeColsCost(len(self.numbers), self._columns, costs)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kUnknown:
            # From the last basis the simplex may lose its way where a count has no upper end.
            self._solver.clearSolver()
            self._solver.run()
            status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            values = self._targets @ np.array(self._solver.getSolution().col_value)
            np.minimum(seen[0], values, out=seen[0])
            np.maximum(seen[1], values, out=seen[1])
        elif terms is not None and status in (
            highspy.HighsModelStatus.kUnbounded,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            # That something keeps the relations was seen before any target was.
            position = int(np.flatnonzero((self._targets == terms).all(axis=1))[0])
            same = (self._targets == self._targets[position]).all(axis=1)
            seen[0 if sense == 1 else 1][same] = -inf if sense == 1 else inf
        else:
            raise ContradictionError
