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
from typing import NamedTuple

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


class _Side(NamedTuple):
    """One end of a need: the column that has to move, and how far."""

    column: int
    distance: float

    @property
    def is_down(self) -> bool:
        return self.column % 2 == 1


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
        self._down, self._up = room[:, members]
        self.hidden = hidden[members].copy()
        self._can_hide = can_hide[members]
        at = {int(count): place for place, count in enumerate(members)}
        self._at = at
        self._companions = {at[first]: [at[second] for second in seconds] for first, seconds in companions.items()}
        self._solver = self._model([{at[count]: factor for count, factor in relation.items()} for relation in sums])
        for place in np.flatnonzero(self.hidden):
            self._hide(self._companions.get(int(place), ()))

    def _model(self, sums: Sequence[Mapping[int, float]]) -> highspy.Highs:
        columns = 2 * self._value.size
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = columns, len(sums)
        lower, upper = zip(*(self._room(place) for place in range(self._value.size)), strict=True)
        program.col_lower_ = np.zeros(columns)
        program.col_upper_ = np.stack([upper, lower], axis=1).ravel()
        program.col_cost_ = np.repeat([self._cost(place) for place in range(self._value.size)], 2)
        program.row_lower_ = program.row_upper_ = np.zeros(len(sums))
        can_move = self.hidden | self._can_hide
        entries = [
            (row, place, factor)
            for row, relation in enumerate(sums)
            for place, factor in relation.items()
            if can_move[place]
        ]
        if entries:
            rows, places, factors = (np.array(part) for part in zip(*entries, strict=True))
            matrix = coo_matrix(
                (np.concatenate([factors, -factors]), (np.tile(rows, 2), np.concatenate([2 * places, 2 * places + 1]))),
                shape=(len(sums), columns),
            ).tocsc()
            program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
            program.a_matrix_.value_ = matrix.data
        else:
            program.a_matrix_.start_ = np.zeros(columns + 1, dtype=np.int32)
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, setting in (("output_flag", False), ("threads", 1), ("presolve", "off"), ("solver", "simplex")):
            solver.setOptionValue(option, setting)
        solver.passModel(program)
        return solver

    def _room(self, place: int) -> tuple[float, float]:
        """How far a count may go down and up."""
        if self.hidden[place] or self._can_hide[place]:
            return float(self._down[place]), float(self._up[place])
        return 0.0, 0.0

    def _cost(self, place: int) -> float:
        return 0.0 if self.hidden[place] else float(self._weight[place])

    def meet(self, needs: Sequence[Need]) -> list[Need]:
        """Hide what the needs ask for; returns those that cannot be met."""
        need_of: dict[_Side, Need] = {}
        for need in needs:
            place = self._at[need.count]
            value = self._value[place]
            for side in (_Side(2 * place, need.high - value), _Side(2 * place + 1, value - need.low)):
                if side.distance > 0:
                    need_of[side] = need
        # Farthest first, and up before down: what the one has to hide meets most of the others as well.
        sides = sorted(need_of, key=lambda side: (side.is_down, -side.distance, side.column))
        ways = _Ways(self._down, self._up)
        before = self.hidden.copy()
        for side in sides:
            if not side.is_down:
                self._reach([side], ways)
        self._reach([side for side in sides if side.is_down], ways)
        can_move = {side.column // 2 for side in ways.to}
        unmet = {need.count: need for side, need in need_of.items() if side.column // 2 not in can_move}
        self._show_again(np.flatnonzero(self.hidden & ~before), ways)
        return list(unmet.values())

    def _reach(self, sides: Sequence[_Side], ways: _Ways) -> None:
        """Find a way to each of the sides, hiding what that takes; all at once where they can be had at once."""
        sides = [side for side in sides if not ways.lead_to(side)]
        if not sides:
            return
        move = self._cheapest(sides)
        if len(sides) > 1 and (move is None or self._shows(move)):
            half = len(sides) // 2
            self._reach(sides[:half], ways)
            self._reach(sides[half:], ways)
        elif move is not None:
            ways.add(sides, move)
            self._hide(np.flatnonzero(np.abs(move) > _MOVED))
        elif (nearer := self._farthest(sides[0])) is not None:
            self._reach([nearer], ways)

    def _shows(self, move: NDArray[np.float64]) -> bool:
        """Whether a move is one of counts that are in sight."""
        return bool((np.abs(move[~self.hidden]) > _MOVED).any())

    def _cheapest(self, sides: Sequence[_Side], most: float = math.inf) -> NDArray[np.float64] | None:
        """The cheapest move of all counts that takes some of them so far, and no farther than ``most``; None where
        there is none."""
        for side in sides:
            down, up = self._room(side.column // 2)
            self._solver.changeColBounds(side.column, side.distance, min(most, down if side.is_down else up))
            self._solver.changeColBounds(side.column ^ 1, 0.0, 0.0)
        self._solver.run()
        status = self._solver.getModelStatus()
        found = status == highspy.HighsModelStatus.kOptimal
        columns = np.array(self._solver.getSolution().col_value) if found else None
        for side in sides:
            place = side.column // 2
            down, up = self._room(place)
            self._solver.changeColBounds(2 * place, 0.0, up)
            self._solver.changeColBounds(2 * place + 1, 0.0, down)
        if not found and status != highspy.HighsModelStatus.kInfeasible:
            raise RuntimeError(f"HiGHS ended with {self._solver.modelStatusToString(status)}")
        return None if columns is None else columns[::2] - columns[1::2]

    def _farthest(self, side: _Side) -> _Side | None:
        """How far a count that cannot go as far as it should can go at all, in whole numbers; None for not at all."""
        columns = np.arange(2 * self._value.size, dtype=np.int32)
        costs = np.repeat([self._cost(place) for place in range(self._value.size)], 2)
        aim = np.zeros(columns.size)
        aim[side.column] = -1.0
        self._solver.changeColsCost(columns.size, columns, aim)
        move = self._cheapest([_Side(side.column, 0.0)], most=side.distance)
        self._solver.changeColsCost(columns.size, columns, costs)
        distance = 0.0 if move is None else math.floor(abs(move[side.column // 2]) + _MOVED)
        return _Side(side.column, distance) if distance > 0 else None

    def _hide(self, places: Iterable[int]) -> None:
        for place in places:
            if not self.hidden[place] and self._can_hide[place]:
                self.hidden[place] = True
                self._price(int(place))
                self._hide(self._companions.get(int(place), ()))

    def _price(self, place: int) -> None:
        for column in (2 * place, 2 * place + 1):
            self._solver.changeColCost(column, self._cost(place))

    def _show_again(self, places: NDArray[np.int_], ways: _Ways) -> None:
        """Take back what was hidden on the way and is not needed in the end, the dearest first."""
        asked_for_by: dict[int, list[int]] = {}
        for first, seconds in self._companions.items():
            for second in seconds:
                asked_for_by.setdefault(second, []).append(first)
        for place in sorted(places, key=lambda place: (-self._weight[place], -self._value[place], place)):
            if self.hidden[asked_for_by.get(int(place), [])].any():
                continue
            self.hidden[place] = False
            self._price(int(place))
            without, lost = ways.without(int(place))
            for side in lost:
                if not without.lead_to(side):
                    another = self._cheapest([side])
                    if another is None or self._shows(another):
                        break
                    without.add([side], another)
            else:
                ways = without
                continue
            self.hidden[place] = True
            self._price(int(place))


class _Ways:
    """How each side can be reached: for each the move of all counts that was found for it."""

    def __init__(self, down: NDArray[np.float64], up: NDArray[np.float64]) -> None:
        self._down, self._up = down, up
        self._moves = np.empty((8, down.size))
        self._used = 0
        #: Each side, and the row of the move that leads there.
        self.to: dict[_Side, int] = {}

    def add(self, sides: Iterable[_Side], move: NDArray[np.float64]) -> None:
        """Keep a move that leads to some sides."""
        if self._used == len(self._moves):
            self._moves = np.concatenate([self._moves, np.empty((self._used + 8, self._down.size))])
        self._moves[self._used] = move
        self.to |= dict.fromkeys(sides, self._used)
        self._used += 1

    def lead_to(self, side: _Side) -> bool:
        """Whether a side is reached, by the way that was found for it or for another; that is then kept for it.

        What may be moved one way may be moved a part of it, back, and farther, while every count stays possible.
        """
        if side in self.to:
            return True
        found = self._moves[: self._used]
        along = -found[:, side.column // 2] if side.is_down else found[:, side.column // 2]
        usable = np.flatnonzero(np.abs(along) > _MOVED)
        if not usable.size:
            return False
        moved = found[usable] * (side.distance / along[usable])[:, None]
        is_possible = (moved >= -self._down - _MOVED) & (moved <= self._up + _MOVED)
        ways = np.flatnonzero(is_possible.all(axis=1))
        if ways.size:
            self.to[side] = int(usable[ways[0]])
        return bool(ways.size)

    def without(self, place: int) -> tuple[_Ways, list[_Side]]:
        """The ways on which one count stays where it is, and the sides that the others led to."""
        others = _Ways(self._down, self._up)
        stays = np.abs(self._moves[: self._used, place]) <= _MOVED
        others._moves, others._used = self._moves[: self._used][stays], int(stays.sum())
        row = np.cumsum(stays) - 1
        others.to = {side: int(row[at]) for side, at in self.to.items() if stays[at]}
        return others, [side for side, at in self.to.items() if not stays[at]]
