"""Which more counts have to be hidden, so that no hidden small count can be worked out from what stays in sight.

The counts of a publication hang together: organisations add up to their sector, terms to their year, a proportion's
count and its complement to its base. Whoever knows some of them knows bounds of the others: the least and the most
that a hidden count can be while everything in sight stays as it is. A count is protected when those bounds leave room
for its whole protected range (Willenborg and de Waal, Elements of Statistical Disclosure Control, 2001, chapter 4).

For each side of each range this module asks a linear program for the cheapest way to get there by moving counts: those
that are hidden already move for nothing, those in sight at their weight, and what has to move in sight is hidden. That
is the heuristic of Kelly, Golden and Assad (Networks 22, 1992) without its restriction to one table; HiGHS solves it.
Last, each count hidden in this way is shown again where everything stays protected without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

#: A count moved by less than this has not moved; HiGHS works to 1e-7, and counts are whole.
_MOVED = 1e-6


@dataclass(frozen=True)
class Need:
    """A count that must not be bounded more tightly than from ``low`` to ``high``, both of them possible for it."""

    count: int
    low: float
    high: float


@dataclass(frozen=True)
class Protection:
    """What ``protect`` found.

    ``is_hidden``: per count, whether it is hidden in the end. ``unmet``: the needs of counts that are known exactly,
    because what gives them away is known for good.
    """

    is_hidden: NDArray[np.bool_]
    unmet: tuple[Need, ...]


def protect(
    values: Sequence[float],
    is_hidden: Sequence[bool],
    can_hide: Sequence[bool],
    weights: Sequence[float],
    sums: Sequence[Mapping[int, float]],
    needs: Sequence[Need],
    goes_with: Iterable[tuple[int, int]] = (),
    bounds: Mapping[int, tuple[float, float]] | None = None,
) -> Protection:
    """Hide more counts until all needs are met, or as far as they can be met if everything that can be is hidden.

    Args:
        values: the true counts, none below 0; numbered from 0 in the order given.
        is_hidden: which of them are out of sight to begin with; they stay so.
        can_hide: which of the others may be hidden. One that is neither is known for good.
        weights: what hiding each costs; above 0.
        sums: relations between counts that everybody knows: count → coefficient, of which the sum does not change
            whatever the hidden counts are (``{year: 1, autumn: -1, spring: -1, summer: -1}``).
        needs: what must hold in the end.
        goes_with: pairs of counts of which the second is hidden wherever the first is.
        bounds: the least and the most that everybody knows some counts to be, hidden or not; otherwise 0 and no end.

    Returns:
        Which counts are hidden, and what could not be met.

    Raises:
        ValueError: a count is not within its bounds, a weight is not above 0, or a need does not hold its own count.
    """
    value, weight = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    hidden, may_hide = np.array(is_hidden, dtype=bool), np.asarray(can_hide, dtype=bool)
    lowest, highest = np.zeros(value.size), np.full(value.size, highspy.kHighsInf)
    for count, (least, most) in (bounds or {}).items():
        lowest[count], highest[count] = least, most
    if (value < lowest).any() or (value > highest).any() or (weight <= 0).any():
        raise ValueError("counts must be within their bounds, none below 0, and weights must be above 0")
    for need in needs:
        if not need.low <= value[need.count] <= need.high or not hidden[need.count]:
            raise ValueError(f"{need} must be of a hidden count and hold it; it is {value[need.count]:g}")
    companions: dict[int, list[int]] = {}
    for first, second in goes_with:
        companions.setdefault(first, []).append(second)
    part_of = _parts(value.size, sums, companions)
    sums_of: dict[int, list[Mapping[int, float]]] = {}
    for relation in sums:
        sums_of.setdefault(int(part_of[next(iter(relation))]), []).append(relation)
    needs_of: dict[int, list[Need]] = {}
    for need in needs:
        needs_of.setdefault(int(part_of[need.count]), []).append(need)
    order = np.argsort(part_of, kind="stable")
    starts = np.searchsorted(part_of[order], np.arange(part_of.max(initial=-1) + 2))
    room = np.stack([value - lowest, highest - value])
    unmet: list[Need] = []
    for part, needs_here in needs_of.items():
        members = order[starts[part] : starts[part + 1]]
        here = {int(count): companions[int(count)] for count in members if int(count) in companions}
        search = _Search(members, value, room, hidden, may_hide, weight, sums_of.get(part, []), here)
        unmet += search.meet(needs_here)
        hidden[members] = search.hidden
    return Protection(hidden, tuple(unmet))


def _parts(
    counts: int, sums: Sequence[Mapping[int, float]], companions: Mapping[int, Sequence[int]]
) -> NDArray[np.int_]:
    """The number of the part that each count belongs to: counts of different parts have nothing to do with another."""
    pairs = [(next(iter(relation)), count) for relation in sums for count in relation]
    pairs += [(first, second) for first, seconds in companions.items() for second in seconds]
    if not pairs:
        return np.arange(counts)
    first, second = np.array(pairs).T
    graph = coo_matrix((np.ones(first.size), (first, second)), shape=(counts, counts))
    return np.asarray(connected_components(graph, directed=False)[1])


class _Search:
    """The counts of one part. Count ``i`` has two columns: how far it goes up (2i), and how far down (2i + 1)."""

    def __init__(
        self,
        members: NDArray[np.int_],
        value: NDArray[np.float64],
        room: NDArray[np.float64],
        hidden: NDArray[np.bool_],
        can_hide: NDArray[np.bool_],
        weight: NDArray[np.float64],
        sums: Sequence[Mapping[int, float]],
        companions: Mapping[int, Sequence[int]],
    ) -> None:
        self._value, self._weight = value[members], weight[members]
        self.hidden = hidden[members].copy()
        self._can_hide = can_hide[members]
        can_move = self.hidden | self._can_hide
        self._down, self._up = np.where(can_move, room[:, members], 0.0)
        self._at = at = {int(count): place for place, count in enumerate(members)}
        self._companions = {at[first]: [at[second] for second in seconds] for first, seconds in companions.items()}
        self._rooms = np.stack([self._up, self._down], axis=1).ravel()
        self._columns = np.arange(self._rooms.size, dtype=np.int32)
        self._costs = np.repeat(np.where(self.hidden, 0.0, self._weight), 2)
        self._solver = self._model([{at[count]: factor for count, factor in relation.items()} for relation in sums])
        for place in np.flatnonzero(self.hidden):
            self._hide(self._companions.get(int(place), ()))

    def _model(self, sums: Sequence[Mapping[int, float]]) -> highspy.Highs:
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self._columns.size, len(sums)
        program.col_lower_ = np.zeros(self._columns.size)
        program.col_upper_, program.col_cost_ = self._rooms, self._costs
        program.row_lower_ = program.row_upper_ = np.zeros(len(sums))
        matrix = program.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kRowwise
        columns: list[int] = []
        factors: list[float] = []
        starts = [0]
        for relation in sums:
            for place, factor in relation.items():
                if self._rooms[2 * place] or self._rooms[2 * place + 1]:
                    columns += (2 * place, 2 * place + 1)
                    factors += (factor, -factor)
            starts.append(len(columns))
        matrix.start_, matrix.index_, matrix.value_ = starts, columns, factors
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, setting in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("solver", "simplex")):
            solver.setOptionValue(option, setting)
        solver.passModel(program)
        return solver

    def meet(self, needs: Sequence[Need]) -> list[Need]:
        """Hide what the needs ask for; returns those that cannot be met."""
        places = np.array([self._at[need.count] for need in needs])
        ends = [
            (place, sign, distance)
            for need, place in zip(needs, places, strict=True)
            for sign, distance in ((1, need.high - self._value[place]), (-1, self._value[place] - need.low))
            if distance > 0
        ]
        if not ends:
            return []
        sides = _Sides(ends, self._down, self._up)
        before = self.hidden.copy()
        for side in range(sides.place.size):
            if sides.way[side] < 0:
                self._reach(side, sides)
        cannot = set(sides.place) - set(sides.place[sides.way >= 0])
        self._show_again(np.flatnonzero(self.hidden & ~before), sides)
        return [need for need, place in zip(needs, places, strict=True) if place in cannot]

    def _reach(self, side: int, sides: _Sides) -> None:
        """Find a way to an end, hiding what that takes, or as near to it as a count can come."""
        move = self._cheapest(side, sides)
        if move is not None:
            sides.add(move)
            self._hide(np.flatnonzero(np.abs(move) > _MOVED))
        elif nearer := self._farthest(side, sides):
            sides.come_nearer(side, nearer)
            if sides.way[side] < 0:
                self._reach(side, sides)

    def _shows(self, move: NDArray[np.float64]) -> bool:
        """Whether a move is one of counts that are in sight."""
        return bool((np.abs(move[~self.hidden]) > _MOVED).any())

    def _cheapest(self, side: int, sides: _Sides) -> NDArray[np.float64] | None:
        """The cheapest move of all counts that takes one of them to one of its ends; None where there is none."""
        column = sides.column(side)
        self._solver.changeColBounds(column, sides.distance[side], self._rooms[column])
        self._solver.changeColBounds(column ^ 1, 0.0, 0.0)
        move = self._solved()
        for each in (column, column ^ 1):
            self._solver.changeColBounds(each, 0.0, self._rooms[each])
        return move

    def _solved(self) -> NDArray[np.float64] | None:
        """The move that the program asks for; None where there is none."""
        self._solver.run()
        status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"HiGHS ended with {self._solver.modelStatusToString(status)}")
        columns = np.array(self._solver.getSolution().col_value)
        move: NDArray[np.float64] = columns[::2] - columns[1::2]
        return move

    def _farthest(self, side: int, sides: _Sides) -> float:
        """How far a count that cannot go as far as it should can go at all, in whole numbers."""
        column = sides.column(side)
        aim = np.zeros(self._columns.size)
        aim[column] = -1.0
        self._solver.changeColsCost(aim.size, self._columns, aim)
        self._solver.changeColBounds(column, 0.0, sides.distance[side])
        self._solver.changeColBounds(column ^ 1, 0.0, 0.0)
        move = self._solved()
        for each in (column, column ^ 1):
            self._solver.changeColBounds(each, 0.0, self._rooms[each])
        self._solver.changeColsCost(aim.size, self._columns, self._costs)
        return 0.0 if move is None else float(math.floor(abs(move[sides.place[side]]) + _MOVED))

    def _hide(self, places: Iterable[int]) -> None:
        for place in places:
            if not self.hidden[place] and self._can_hide[place]:
                self.hidden[place] = True
                self._price(int(place), 0.0)
                self._hide(self._companions.get(int(place), ()))

    def _price(self, place: int, cost: float) -> None:
        for column in (2 * place, 2 * place + 1):
            self._costs[column] = cost
            self._solver.changeColCost(column, cost)

    def _show_again(self, places: NDArray[np.int_], sides: _Sides) -> None:
        """Take back what was hidden on the way and is not needed in the end, the dearest first."""
        asked_for_by: dict[int, list[int]] = {}
        for first, seconds in self._companions.items():
            for second in seconds:
                asked_for_by.setdefault(second, []).append(first)
        for place in sorted(places, key=lambda place: (-self._weight[place], -self._value[place], place)):
            if self.hidden[asked_for_by.get(int(place), [])].any():
                continue
            self.hidden[place] = False
            self._price(int(place), float(self._weight[place]))
            before = sides.way.copy(), sides.is_open.copy()
            for side in sides.without(int(place)):
                if sides.way[side] >= 0:
                    continue
                another = self._cheapest(side, sides)
                if another is None or self._shows(another):
                    self.hidden[place] = True
                    self._price(int(place), 0.0)
                    sides.restore(*before)
                    break
                sides.add(another)


class _Sides:
    """The two ends of each need, in the order in which they are looked for, and the way that leads to each.

    A way is a move of all counts. What may be moved one way may be moved a part of it, back, and farther, while every
    count stays possible: so a way that was found for one end often leads to others too.
    """

    def __init__(
        self, ends: Sequence[tuple[int, int, float]], down: NDArray[np.float64], up: NDArray[np.float64]
    ) -> None:
        # Farthest first, and up before down: what the one has to hide meets most of the others as well.
        in_order = sorted(ends, key=lambda end: (-end[1], -end[2], end[0]))
        self.place, self.sign, self.distance = (np.array(column) for column in zip(*in_order, strict=True))
        #: The way to each end by its row; -1 where none is found.
        self.way = np.full(self.place.size, -1)
        self._down, self._up = down + _MOVED, up + _MOVED
        self._moves = np.empty((0, down.size))
        #: How many times as far each way can be gone, forth and back; to which ends it leads; and whether it is open.
        self._farthest = np.empty((0, 2))
        self._leads = np.empty((0, self.place.size), dtype=bool)
        self.is_open = np.empty(0, dtype=bool)
        self._used = 0

    def column(self, side: int) -> int:
        """The column of the move to an end."""
        return 2 * int(self.place[side]) + int(self.sign[side] < 0)

    def add(self, move: NDArray[np.float64]) -> None:
        """Keep a way, for all the ends without one that it leads to."""
        row, self._used = self._used, self._used + 1
        if row == self.is_open.size:
            for name in ("_moves", "_farthest", "_leads", "is_open"):
                rows = getattr(self, name)
                setattr(self, name, np.concatenate([rows, np.zeros((row + 16, *rows.shape[1:]), dtype=rows.dtype)]))
        moved = np.flatnonzero(move)
        size, is_up = np.abs(move[moved]), move[moved] > 0
        down, up = self._down[moved], self._up[moved]
        farthest = ((np.where(is_up, up, down) / size).min(), (np.where(is_up, down, up) / size).min())
        self._moves[row], self._farthest[row], self.is_open[row] = move, farthest, True
        leads = self._leads[row] = _leads(move[self.place] * self.sign, self.distance, *farthest)
        self.way[leads & (self.way < 0)] = row

    def come_nearer(self, side: int, distance: float) -> None:
        """Take an end for nearer than it was, and the way to it, if one of those that are there leads so far."""
        self.distance[side] = distance
        used = slice(self._used)
        along = self._moves[used, self.place[side]] * self.sign[side]
        self._leads[used, side] = _leads(along, distance, *self._farthest[used].T)
        self._take([side])

    def _take(self, sides: Sequence[int] | NDArray[np.int_]) -> None:
        """Take for each of some ends the first open way that leads there."""
        leads = self._leads[:, sides] & self.is_open[:, None]
        self.way[sides] = np.where(leads.any(axis=0), leads.argmax(axis=0), -1)

    def without(self, place: int) -> list[int]:
        """Close the ways on which a count moves; returns the ends to which no other leads."""
        self.is_open &= np.abs(self._moves[:, place]) <= _MOVED
        lost = np.flatnonzero((self.way >= 0) & ~self.is_open[self.way])
        self._take(lost)
        return [int(side) for side in lost if self.way[side] < 0]

    def restore(self, way: NDArray[np.int_], is_open: NDArray[np.bool_]) -> None:
        """Open the ways again that were open; what was found since stays."""
        self.way = way
        self.is_open[: is_open.size] |= is_open


def _leads(
    along: NDArray[np.float64],
    distance: NDArray[np.float64] | float,
    forth: NDArray[np.float64] | float,
    back: NDArray[np.float64] | float,
) -> NDArray[np.bool_]:
    """Whether a way along which a count goes so far leads to a distance, gone at most so many times forth or back."""
    size = np.abs(along)
    is_moved = size > _MOVED
    leads: NDArray[np.bool_] = is_moved & (distance / np.where(is_moved, size, 1.0) <= np.where(along > 0, forth, back))
    return leads
