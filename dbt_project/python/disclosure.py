"""Disclosure control: which numerators and denominators of the counted values must not be shown, and why.

Small counts are hidden for what they are; others so that no small count can be worked out from what stays in sight,
whether from the totals of this publication, from another indicator or source that counts the same people, or from the
publication before. What "small" means is said by the registry, indicator by indicator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dbt_project.python.protection import Need, Protection, protect

TOTAL = "total"
#: What a cell is divided by where its parts are sectors or organisations.
_UNITS = "units"
#: What has nobody to protect.
_UNPROTECTED_UNITS = ("organisation", "event")
#: How many people are few where the registry has no smallest count: of respondents.
_FEW = 5
#: What hiding a count costs, by what it is about: many totals are read more than one organisation's figure.
_ORGANISATION, _SECTOR, _GROUP, _AREA, _NOUGHT = 1.0, 4.0, 2.0, 12.0, 10_000.0

SMALL_COUNT = "small count"
SMALL_COMPLEMENT = "small complement"
SMALL_BASE = "small base"
WITHHELD_BEFORE = "withheld before"
SECONDARY = "secondary"


class Cell(NamedTuple):
    """A counted value, as the registry and the counts have it.

    ``is_numerator_shown`` and ``is_denominator_shown`` of a cell of today say whether they could be shown (a numerator
    without a value is not); of a cell of an earlier publication, whether they were.
    """

    indicator_id: str
    source_dataset: str
    area_code: str
    sector: str
    organisation_id: str
    breakdown: str
    breakdown_value: str
    period_type: str
    period: str
    period_start: date
    period_end: date
    numerator: int | None
    denominator: int | None
    is_numerator_shown: bool
    is_denominator_shown: bool
    is_published: bool
    measure_type: str
    disclosure_unit: str
    minimum_count: int | None
    minimum_base: int | None


#: How many of a cell's fields are its key, and where in it organisation, sector and breakdown stand.
_KEY = Cell._fields.index("period_start")
_SECTOR_AT, _ORGANISATION_AT, _BREAKDOWN_AT = (
    Cell._fields.index(name) for name in ("sector", "organisation_id", "breakdown")
)


class Suppression(NamedTuple):
    """What is hidden of a cell and why; ``reason`` is None where nothing is."""

    hides_numerator: bool
    hides_denominator: bool
    reason: str | None


class Relation(NamedTuple):
    """What the registry says of the counts of two indicators in the same place and, but for head counts, time.

    ``equals``: they are the same people. ``part_of``: the first are some of the second, nobody is in two of its parts,
    and whoever is in none of them is a count of persons too. ``within``: all that are within the second are together no
    more than it. ``answered_by``: the first is the base of a question in a survey that the second took part in; who
    took part is no secret, what they answered is. ``head_count``: both are head counts of one register, where a number
    stands until the next one: two of a place that are equal are one count, whatever their periods are.
    """

    indicator_id: str
    part: str
    relation: str
    other_indicator_id: str
    other_part: str


@dataclass(frozen=True)
class Outcome:
    """``suppressions``: one per cell, in order. ``given_away``: the cells whose small count is known for good."""

    suppressions: list[Suppression]
    given_away: set[Cell]


def disclosure_control(
    cells: Sequence[Cell],
    earlier: Sequence[Cell] = (),
    relations: Sequence[Relation] = (),
) -> Outcome:
    """Decide what of each cell is hidden.

    Args:
        cells: the counted values of today; those a publisher printed are in sight whatever happens.
        earlier: the cells of the publication before this one. What it showed is known; what it hid stays hidden
            while its count stands.
        relations: which counts of two indicators hang together.

    Returns:
        What is hidden, and what cannot be protected any more.
    """
    # What a publisher printed of a place and time of which nothing is protected gives nothing away.
    places = {cell[2:_KEY] for cell in (*cells, *earlier) if _is_protected(cell)}
    counts = _Counts(relations)
    primary = [_primary(cell) for cell in cells]
    beside = [place for place, cell in enumerate(cells) if cell[2:_KEY] in places]
    counts.take_up([cells[at] for at in beside], [primary[at] for at in beside], is_earlier=False)
    counts.take_up(earlier, [_primary(cell) for cell in earlier], is_earlier=True)
    protection = counts.protect()
    given_away = {need.count for need in protection.unmet} | counts.known_needs
    outcome: list[Suppression] = []
    lost: set[Cell] = set()
    for cell, hidden in zip(cells, primary, strict=True):
        if not _is_protected(cell):
            outcome.append(Suppression(False, False, None))
            continue
        numerator, denominator, complement = counts.numbers(cell)
        hides_denominator = hidden.hides_denominator or _any(protection.is_hidden, denominator)
        hides_numerator = hides_denominator or hidden.hides_numerator or _any(protection.is_hidden, numerator)
        reason = hidden.reason
        if reason is None and (
            (hides_numerator and cell.is_numerator_shown) or (hides_denominator and cell.is_denominator_shown)
        ):
            was_hidden = counts.was_hidden & {numerator, denominator} - {None}
            reason = WITHHELD_BEFORE if was_hidden else SECONDARY
        outcome.append(Suppression(hides_numerator, hides_denominator, reason))
        if hidden.reason is not None and given_away & {numerator, denominator, complement}:
            lost.add(cell)
    return Outcome(outcome, lost)


def _any(flags: NDArray[np.bool_], number: int | None) -> bool:
    return number is not None and bool(flags[number])


def _is_protected(cell: Cell) -> bool:
    return not cell.is_published and cell.disclosure_unit not in _UNPROTECTED_UNITS


def _primary(cell: Cell) -> Suppression:
    """What is hidden of a cell for what it is: a small count, a small complement of a proportion, a small base."""
    if not _is_protected(cell):
        return Suppression(False, False, None)
    numerator, denominator = cell.numerator, cell.denominator
    if _is_small_base(cell):
        return Suppression(True, True, SMALL_BASE)
    if numerator is not None:
        if 1 <= numerator < _smallest_count(cell):
            return Suppression(True, False, SMALL_COUNT)
        # Who is not in the numerator of a proportion is a count of persons too.
        complement = denominator - numerator if cell.measure_type == "proportion" and denominator is not None else 0
        if 1 <= complement < _smallest_count(cell):
            return Suppression(True, False, SMALL_COMPLEMENT)
    return Suppression(False, False, None)


def _smallest_count(cell: Cell) -> int:
    """The smallest count of persons that may be shown; what respondents answered is shown from the minimum base on."""
    return 1 if cell.disclosure_unit == "respondent" or cell.minimum_count is None else cell.minimum_count + 1


def _smallest_base(cell: Cell) -> int:
    """The smallest denominator that may be shown."""
    return max(cell.minimum_base or 0, _smallest_count(cell))


def _is_small_base(cell: Cell) -> bool:
    return cell.denominator is not None and 1 <= cell.denominator < _smallest_base(cell)


class _Counts:
    """All counts of all cells, each of them once however many cells, sources and publications have it.

    Two cells about the same people, place and time that have the same count are taken for one count: whoever reads
    the one knows the other.
    """

    def __init__(self, relations: Sequence[Relation]) -> None:
        same = (relation for relation in relations if relation.relation == "equals")
        self._same = {(r.indicator_id, r.part): (r.other_indicator_id, r.other_part) for r in same}
        #: Indicator and part that is a head count of a register → the one that all of that register go by.
        self._head_counts: dict[tuple[str, str], tuple[str, str]] = {}
        for r in relations:
            if r.relation == "head_count":
                register = (r.other_indicator_id, r.other_part)
                self._head_counts |= {(r.indicator_id, r.part): register, register: register}
        #: Indicator and part of a whole, and how its parts are in it → indicators and parts.
        self._parts: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        for r in relations:
            if r.relation in ("part_of", "within"):
                whole = (r.other_indicator_id, r.other_part, r.relation)
                self._parts.setdefault(whole, []).append((r.indicator_id, r.part))
        self._number: dict[tuple[object, ...], int] = {}
        #: Of each cell, by its identity, the numbers of its numerator, denominator and complement.
        self._numbers: dict[int, tuple[int | None, int | None, int | None]] = {}
        self._values: list[float] = []
        self._weights: list[float] = []
        self._hidden: set[int] = set()
        self._known: set[int] = set()
        self._shown: set[int] = set()
        #: Indicator of a question → indicator and part that count who took part in the survey.
        self._answered_by = {
            r.indicator_id: (r.other_indicator_id, r.other_part) for r in relations if r.relation == "answered_by"
        }
        self._takes_part = {indicator_id for indicator_id, _ in self._answered_by.values()}
        self._needs: dict[int, Need] = {}
        self._bounds: dict[int, tuple[float, float]] = {}
        self._sums: set[tuple[tuple[int, float], ...]] = set()
        self._goes_with: set[tuple[int, int]] = set()
        self.was_hidden: set[int | None] = set()
        self.known_needs: set[int | None] = set()

    def _count(self, key: tuple[object, ...], value: int, weight: float) -> int:
        number = self._number.setdefault((*key, value), len(self._values))
        if number == len(self._values):
            self._values.append(value)
            self._weights.append(0.0)
        self._weights[number] += weight
        return number

    def _key(self, cell: Cell, part: str) -> tuple[object, ...]:
        # Without the source: two that have the same count for the same place and time counted the same people.
        named = (cell.indicator_id, part)
        if named in self._head_counts:
            # Without the period: a head count stands in the register until the next one.
            return (*self._head_counts[named], *cell[2 : _KEY - 2])
        return (*self._same.get(named, named), *cell[2:_KEY])

    def numbers(self, cell: Cell) -> tuple[int | None, int | None, int | None]:
        """The numbers of a cell's numerator, denominator and complement; None for one that it has not."""
        return self._numbers[id(cell)]

    def take_up(self, cells: Sequence[Cell], primary: Sequence[Suppression], *, is_earlier: bool) -> None:
        """Take up the cells of one publication: what is in sight, what has to be protected, and what hangs together."""
        took_part = {
            _key_of(cell): cell for cell in cells if cell.indicator_id in self._takes_part and _is_protected(cell)
        }
        for cell, hidden in zip(cells, primary, strict=True):
            most = inf
            if cell.indicator_id in self._answered_by:
                indicator_id, part = self._answered_by[cell.indicator_id]
                whole = took_part.get((indicator_id, *cell[1:_KEY]))
                count = None if whole is None else whole.numerator if part == "numerator" else whole.denominator
                most = inf if count is None or count < (cell.denominator or 0) else count
            self._add(cell, hidden, most, is_earlier=is_earlier)
        self._relate(cells)

    def _add(self, cell: Cell, primary: Suppression, most: float, *, is_earlier: bool) -> None:
        """Take up a cell: its counts, what is in sight of them, and what has to be protected."""
        is_protected = _is_protected(cell)
        numbers: dict[str, int] = {}
        for part, value, is_shown, is_hidden in (
            ("numerator", cell.numerator, cell.is_numerator_shown, primary.hides_numerator),
            ("denominator", cell.denominator, cell.is_denominator_shown, primary.hides_denominator),
        ):
            if value is None or value < 0:
                continue
            number = numbers[part] = self._count(self._key(cell, part), value, _weight(cell))
            if is_earlier or not is_protected:
                if is_shown:
                    self._known.add(number)
                else:
                    self._hidden.add(number)
                    if is_earlier:
                        self.was_hidden.add(number)
            elif is_hidden or not is_shown:
                self._hidden.add(number)
            else:
                self._shown.add(number)
                # That no person is counted is shown, unless the base is hidden or nothing else can protect a count.
                if value == 0 and cell.disclosure_unit != "respondent":
                    self._weights[number] += _NOUGHT
            lowest, highest = self._bounds.get(number, (0.0, inf))
            if part == "denominator":
                highest = min(highest, most)
            # Everybody knows that what is hidden is no nought: that would be shown, or there would be no figure.
            is_no_nought = not primary.hides_denominator and cell.disclosure_unit != "respondent"
            if value > 0 and (part == "denominator" or is_no_nought):
                lowest = max(lowest, 1.0)
            if part == "denominator" and cell.indicator_id in self._takes_part:
                # No fewer work there than took part, which is no secret.
                lowest = max(lowest, float(min(cell.numerator or 0, value)))
            self._bounds[number] = (lowest, highest)
        numerator, denominator, complement = numbers.get("numerator"), numbers.get("denominator"), None
        if is_protected and numerator is not None and denominator is not None:
            self._goes_with.add((denominator, numerator))
            if cell.measure_type == "proportion":
                complement = self._derive("complement", [numerator], denominator)
        self._numbers[id(cell)] = (numerator, denominator, complement)
        if primary.reason is not None and cell.indicator_id not in self._takes_part:
            self._need_secret(cell, primary)

    def _need_secret(self, cell: Cell, primary: Suppression) -> None:
        """What is hidden of a cell for what it is must not be known."""
        numerator, denominator, complement = self.numbers(cell)
        for count in (numerator, complement):
            if count is not None:
                self._need_small(count, cell)
        if primary.reason == SMALL_BASE and denominator is not None:
            few = _smallest_count(cell) - 1 or _FEW
            if self._values[denominator] <= few and cell.indicator_id not in self._answered_by:
                self._need(denominator, 1, few)
            # What was answered on a base that is hidden: nobody, everybody, or anything between.
            is_known_nought = cell.numerator == 0 and cell.disclosure_unit != "respondent"
            if complement is not None and numerator is not None and not is_known_nought:
                self._need(numerator, 0, self._values[denominator])

    def _need_small(self, number: int, cell: Cell) -> None:
        """A count of persons in the protected range must be able to be any number of it."""
        smallest = _smallest_count(cell)
        if 1 <= self._values[number] < smallest:
            self._need(number, 1, smallest - 1)

    def _need(self, number: int, low: float, high: float) -> None:
        need = self._needs.get(number, Need(number, low, high))
        self._needs[number] = Need(number, min(need.low, low), max(need.high, high))

    def _derive(self, kind: str, parts: Sequence[int], whole: int) -> int | None:
        """What is left of a count without its parts; None where they are more than it."""
        value = self._values[whole] - sum(self._values[part] for part in parts)
        if value < 0:
            return None
        rest = self._count((kind, whole, *parts), int(value), 1.0)
        self._hidden.add(rest)
        self._sum(whole, [*parts, rest])
        return rest

    def _sum(self, whole: int, parts: Sequence[int]) -> None:
        """Everybody knows how much more a count is than some others together."""
        factors: dict[int, float] = {whole: 1.0}
        for part in parts:
            factors[part] = factors.get(part, 0.0) - 1.0
        if any(factors.values()):
            self._sums.add(tuple(sorted(item for item in factors.items() if item[1])))

    def _relate(self, cells: Sequence[Cell]) -> None:
        """Take up what everybody knows of the sums of the cells of one publication."""
        by_key = {_key_of(cell): cell for cell in cells if _is_protected(cell)}
        for (*whole_key, divided_by), parts in _families(by_key).items():
            whole = by_key[tuple(whole_key)]
            for part in ("numerator", "denominator"):
                self._add_up(whole, parts, part, may_overlap=divided_by != _UNITS)
        for year, within in _years(by_key.values()):
            self._add_up(year, within, "numerator")
        anywhere: dict[tuple[object, ...], Cell] = {}
        for key, cell in by_key.items():
            anywhere.setdefault((cell.indicator_id, *cell[2:_KEY]), cell)
            anywhere[key] = cell
        for cell in by_key.values():
            for (indicator_id, part, relation), others in self._parts.items():
                if indicator_id == cell.indicator_id:
                    self._set_apart(cell, part, relation, others, anywhere)

    def _set_apart(
        self,
        cell: Cell,
        part: str,
        relation: str,
        parts: Sequence[tuple[str, str]],
        cells: Mapping[tuple[object, ...], Cell],
    ) -> None:
        """What is in a whole and in none of its parts: of a ``part_of`` a count of persons as well."""
        numbers = []
        for indicator_id, its_part in parts:
            other = cells.get((indicator_id, *cell[1:_KEY])) or cells.get((indicator_id, *cell[2:_KEY]))
            numbers.append(None if other is None else self._at(other, its_part))
        whole, found = self._at(cell, part), [number for number in numbers if number is not None]
        is_known = bool(found) if relation == "within" else len(found) == len(numbers)
        if whole is None or not is_known:
            return
        rest = self._derive(relation, found, whole)
        if rest is not None and relation == "part_of":
            self._need_small(rest, cell)

    def _at(self, cell: Cell, part: str) -> int | None:
        return self.numbers(cell)[0 if part == "numerator" else 1]

    def _add_up(self, whole: Cell, parts: Sequence[Cell], part: str, *, may_overlap: bool = False) -> None:
        """Parts add up to their whole, but for a remainder that everybody may know: those who belong to none."""
        total = self._at(whole, part)
        numbers = [number for number in (self._at(cell, part) for cell in parts) if number is not None]
        if total is None or not numbers:
            return
        if may_overlap and sum(self._values[number] for number in numbers) > self._values[total]:
            # Groups that people are in several of at once do not add up, but none of them is more than the whole, or,
            # where only who is in all of them is in the whole, less.
            for number in numbers:
                self._derive("within", [number], total)
                self._derive("within", [total], number)
            return
        self._sum(total, numbers)

    def protect(self) -> Protection:
        """Hide what has to be."""
        hidden = [number in self._hidden and number not in self._known for number in range(len(self._values))]
        self.known_needs = {number for number in self._needs if not hidden[number]}
        bounds = {number: self._bounds.get(number, (0.0, inf)) for number in self._needs}
        needs = [
            replace(need, low=max(need.low, bounds[number][0]), high=min(need.high, bounds[number][1]))
            for number, need in sorted(self._needs.items())
            if hidden[number]
        ]
        return protect(
            self._values,
            hidden,
            [number in self._shown and number not in self._known for number in range(len(self._values))],
            self._weights,
            [dict(relation) for relation in sorted(self._sums)],
            needs,
            sorted(self._goes_with),
            self._bounds,
        )


def _weight(cell: Cell) -> float:
    if cell.organisation_id != TOTAL:
        return _ORGANISATION
    if cell.breakdown != TOTAL:
        return _GROUP
    return _AREA if cell.sector == TOTAL else _SECTOR


def _key_of(cell: Cell) -> tuple[object, ...]:
    """A cell's key."""
    return cell[:_KEY]


def _families(by_key: Mapping[tuple[object, ...], Cell]) -> dict[tuple[object, ...], list[Cell]]:
    """The key of each cell that others of its indicator, source, area and period are parts of, and those others.

    Organisations are parts of their sector, or where that has no figure of the area; sectors of the area; groups of the
    whole. The last element of the key says what it is divided by.
    """
    families: dict[tuple[object, ...], list[Cell]] = {}
    for key, cell in by_key.items():
        wider = []
        if cell.organisation_id != TOTAL:
            sector = (*key[:_ORGANISATION_AT], TOTAL, *key[_ORGANISATION_AT + 1 :])
            wider = [sector, (*sector[:_SECTOR_AT], TOTAL, *sector[_SECTOR_AT + 1 :])]
        elif cell.sector != TOTAL:
            wider = [(*key[:_SECTOR_AT], TOTAL, *key[_SECTOR_AT + 1 :])]
        unit = next((whole for whole in wider if whole in by_key), None)
        if unit is not None:
            families.setdefault((*unit, _UNITS), []).append(cell)
        if cell.breakdown != TOTAL:
            group = (*key[:_BREAKDOWN_AT], TOTAL, TOTAL, *key[_BREAKDOWN_AT + 2 :])
            if group in by_key:
                families.setdefault((*group, cell.breakdown), []).append(cell)
    return families


def _years(cells: Iterable[Cell]) -> Iterator[tuple[Cell, list[Cell]]]:
    """Each cell whose numerator is the sum of those of the shorter periods within its own, with those."""
    series: dict[tuple[object, ...], dict[str, list[Cell]]] = {}
    for cell in cells:
        if cell.numerator is not None:
            series.setdefault(cell[: _KEY - 2], {}).setdefault(cell.period_type, []).append(cell)
    for by_type in series.values():
        for longer, shorter in ((a, b) for a in by_type for b in by_type if a != b):
            for parent in by_type[longer]:
                within = [
                    cell
                    for cell in by_type[shorter]
                    if parent.period_start <= cell.period_start and cell.period_end <= parent.period_end
                ]
                if len(within) > 1 and sum(cell.numerator or 0 for cell in within) == parent.numerator:
                    yield parent, within
