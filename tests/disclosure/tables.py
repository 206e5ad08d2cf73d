"""Small tables of counts with their truth, what of them is shown, and whether that gives somebody away.

A table is plain data, so that any way of suppressing can be judged: hand ``breaches`` the truth, what is shown and how
the cells add up. ``random_table`` makes tables to try it on. Nothing here knows how the warehouse suppresses.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import inf
from typing import Any

from tests.disclosure.linear import Interval, System, Terms

#: Any name that can be looked up; those of random tables are (sector, organisation, group, period).
Key = Any


@dataclass(frozen=True)
class Counts:
    """The counts of one cell; None where there is none, or where it is not shown."""

    numerator: int | None
    denominator: int | None = None


@dataclass(frozen=True)
class Rule:
    """What is promised about an indicator's cells.

    Args:
        measure: proportion (the numerator is a part of the denominator), rate, mean or count (no denominator).
        minimum_count: counts from 1 to this are hidden, and so are as few outside a proportion's numerator; None where
            a count of respondents is shown from the minimum base on.
        minimum_base: a figure on fewer is hidden, with its denominator; None where there is none.
        secret: the parts that nobody may work out where they are small, or on a small base; the others are hidden and
            no more.
    """

    measure: str
    minimum_count: int | None = 5
    minimum_base: int | None = 10
    secret: tuple[str, ...] = ("numerator", "complement", "denominator")


@dataclass(frozen=True)
class Family:
    """A cell and the cells that it is made of. ``parts_of`` names the counts that add up: by default both."""

    total: Key
    parts: tuple[Key, ...]
    parts_of: tuple[str, ...] = ("numerator", "denominator")
    kind: str = "margin"


@dataclass(frozen=True)
class Table:
    """True counts, how they add up, and what is promised about them."""

    truth: Mapping[Key, Counts]
    families: Sequence[Family]
    rule: Rule


@dataclass(frozen=True)
class Protected:
    """A count that is protected or hidden, and what can be known of it.

    ``part`` is ``numerator``, ``complement`` (denominator less numerator) or ``denominator``. ``low`` and ``high`` are
    the ends of the range that nobody may narrow; None for a count that may be worked out. Nothing can be done against
    what would be known with every figure hidden (of a total of two places that are suppressed, and so not nought, that
    it is 2 or more), and the range ends there.
    """

    key: Key
    part: str
    truth: int
    lower: float
    upper: float
    low: float | None
    high: float | None

    @property
    def is_breach(self) -> bool:
        return self.low is not None and self.high is not None and (self.lower > self.low or self.upper < self.high)

    @property
    def is_exact(self) -> bool:
        return self.lower == self.upper


PARTS = ("numerator", "denominator")
#: How many respondents are few: the rule for them has no smallest count.
FEW = 5


def after_primary(truth: Mapping[Key, Counts], rule: Rule) -> dict[Key, Counts]:
    """What the two first rules leave: small counts and small bases hidden, and nothing against working them out."""
    return {key: _after_primary(counts, rule) for key, counts in truth.items()}


def is_primary(counts: Counts, rule: Rule) -> bool:
    """Whether the cell has a count that is protected itself."""
    return _after_primary(counts, rule) != counts


def _after_primary(counts: Counts, rule: Rule) -> Counts:
    ranges = protected_ranges(counts, rule)
    if "denominator" in ranges:
        return Counts(None, None)
    return replace(counts, numerator=None) if ranges else counts


def protected_ranges(counts: Counts, rule: Rule) -> dict[str, tuple[int, int]]:
    """The parts of a cell that are protected, each with the range that nobody may narrow."""
    numerator, denominator = counts.numerator, counts.denominator
    ranges = {}
    if rule.minimum_count is not None:
        small = (1, rule.minimum_count)
        if numerator is not None and small[0] <= numerator <= small[1]:
            ranges["numerator"] = small
        has_complement = rule.measure == "proportion" and numerator is not None and denominator is not None
        if has_complement and small[0] <= part_of(counts, "complement") <= small[1]:
            ranges["complement"] = small
        if rule.minimum_base is None and denominator is not None and small[0] <= denominator <= small[1]:
            ranges["denominator"] = small
    if rule.minimum_base is not None and denominator is not None and 1 <= denominator < rule.minimum_base:
        few = FEW if rule.minimum_count is None else rule.minimum_count
        # The base of a figure that is hidden for its small base is a secret only where it is a small count itself.
        ranges["denominator"] = (1, few) if denominator <= few else (denominator, denominator)
        # Of persons, that nobody is counted is shown.
        is_shown_nought = numerator == 0 and rule.minimum_count is not None
        if rule.measure == "proportion" and numerator is not None and numerator <= denominator and not is_shown_nought:
            low, high = ranges.get("numerator", (numerator, numerator))
            ranges["numerator"] = (min(low, 0), max(high, denominator))
    return {part: ends if part in rule.secret else (part_of(counts, part),) * 2 for part, ends in ranges.items()}


def terms_of(name: Key, part: str) -> Terms:
    """A part of a cell as a sum of the counts that a system knows."""
    if part == "complement":
        return {(name, "denominator"): 1, (name, "numerator"): -1}
    return {(name, part): 1}


def add_cell(
    system: System, name: Key, shown: Counts, there: tuple[str, ...], rule: Rule, zeros_are_shown: bool
) -> None:
    """What is known of one cell by itself.

    Args:
        system: what is known, to add to.
        name: the cell's name in it.
        shown: its counts as far as they are shown.
        there: which of the counts the cell has at all.
        rule: what is promised about it.
        zeros_are_shown: whether a hidden count is known to be 1 or more, unless its base is hidden too: a nought on a
            small base is hidden with it.
    """
    is_base_hidden = "denominator" in there and shown.denominator is None
    for part in there:
        value = getattr(shown, part)
        if value == 0 and part == "numerator" and rule.minimum_count is not None:
            system.nought((name, part))
        elif value is not None:
            system.count((name, part), value, value)
        elif part == "denominator":
            # Where nobody is counted there is no figure to hide.
            system.count((name, part), 1)
        else:
            system.count((name, part), 1 if zeros_are_shown and not is_base_hidden else 0)
    if rule.measure == "proportion" and set(there) == set(PARTS):
        system.relate({(name, "denominator"): 1, (name, "numerator"): -1}, 0, inf)


def breaches(
    table: Table,
    shown: Mapping[Key, Counts],
    earlier: tuple[Table, Mapping[Key, Counts]] | None = None,
    zeros_are_shown: bool | None = None,
) -> list[Protected]:
    """The protected counts that can be bounded inside the range that protects them; none where the table is safe.

    The attacker knows all that is shown, how cells add up and what is left over where they do not, that a proportion's
    numerator is a part of its denominator, and, of an earlier state of the table, which counts are still the same.

    Args:
        table: the truth.
        shown: the same cells, with None for each count that is hidden.
        earlier: an earlier state of the table, and what was shown of it.
        zeros_are_shown: whether the attacker may take a hidden count for 1 or more; where nothing is said, as is true.
    """
    return [found for found in attack(table, shown, earlier, zeros_are_shown, exact=False) if found.is_breach]


def attack(
    table: Table,
    shown: Mapping[Key, Counts],
    earlier: tuple[Table, Mapping[Key, Counts]] | None = None,
    zeros_are_shown: bool | None = None,
    exact: bool = True,
) -> list[Protected]:
    """The bounds of every hidden count; with ``exact`` unset of the protected ones alone, and no wider than needed."""
    system = System()
    states = [("now", table, shown)]
    if earlier is not None:
        states.append(("earlier", *earlier))
    if zeros_are_shown is None:
        zeros_are_shown = not any(_hides_a_zero(state.truth, seen) for _, state, seen in states)
    for state, its_table, its_shown in states:
        _add_state(system, state, its_table, its_shown, zeros_are_shown)
    if earlier is not None:
        _join(system, table.truth, earlier[0].truth)
    found = []
    ranges: dict[Any, Interval] = {}
    for state, its_table, its_shown in states:
        for key, counts in its_table.truth.items():
            ends = protected_ranges(counts, its_table.rule)
            ranges |= {(state, key, part): ends[part] for part in ends}
            found += [
                (state, key, part, part_of(counts, part))
                for part in (*PARTS, "complement")
                # What is protected and in sight all the same is known exactly.
                if part in ends or (exact and is_hidden(counts, its_shown[key], part, its_table.rule))
            ]
    targets = {(state, key, part): terms_of((state, key), part) for state, key, part, _ in found}
    bounds = system.bounds(targets, enough=None if exact else ranges)
    known = {
        (state, key, part): Protected(
            key if earlier is None else (state, key),
            part,
            truth,
            *bounds[(state, key, part)],
            *ranges.get((state, key, part), (None, None)),
        )
        for state, key, part, truth in found
    }
    return list(avoidable(system, known).values())


def avoidable(
    system: System, counts: Mapping[Any, Protected], kinds: Iterable[str] | None = None, is_forgiving: bool = False
) -> dict[Any, Protected]:
    """The counts with the ranges of those that leak narrowed to what could be kept secret at all.

    Args:
        system: what is known, with a count for each numerator and denominator.
        counts: found by it, by name: first the parts of the cell's name, last the part of the cell.
        kinds: kinds of relations that do not come from a figure; all where nothing is given.
        is_forgiving: see ``System.bounds``.
    """
    leaking = {label: found for label, found in counts.items() if found.is_breach}
    targets = {label: terms_of(label[:-1], label[-1]) for label in leaking}
    # An end that was not narrowed need not be sought.
    enough = {
        label: (_end(found.low, found.lower, inf, 1), _end(found.high, found.upper, -inf, -1))
        for label, found in leaking.items()
    }
    # What an earlier publication showed cannot be taken back.
    given = [name for name in system.names if name[0][0] == "earlier"]
    ends = system.without_figures(given).bounds(targets, kinds, enough, is_forgiving)
    return {**counts} | {
        label: replace(
            found,
            low=found.low if enough[label][0] == inf else max(enough[label][0], ends[label][0]),
            high=found.high if enough[label][1] == -inf else min(enough[label][1], ends[label][1]),
        )
        for label, found in leaking.items()
    }


def _end(end: float | None, found: float, otherwise: float, sense: int) -> float:
    """An end of a range where what was found lies inside it, and else what any bound is good enough for."""
    assert end is not None
    return end if sense * (found - end) > 0 else otherwise


def attainable(table: Table, zeros_are_shown: bool) -> dict[tuple[Key, str], Interval]:
    """The range of each protected count that would be left if all were hidden but noughts and bases that are shown.

    More cannot be asked of any way of suppressing.
    """
    shown = {
        key: counts
        if zeros_are_shown and counts.numerator == 0
        else Counts(None, None if "denominator" in protected_ranges(counts, table.rule) else counts.denominator)
        for key, counts in table.truth.items()
    }
    ends = {}
    for found in attack(table, shown, zeros_are_shown=zeros_are_shown):
        if found.low is not None and found.high is not None:
            ends[(found.key, found.part)] = (max(found.low, found.lower), min(found.high, found.upper))
    return ends


def part_of(counts: Counts, part: str) -> int:
    """The true count of a part that is there."""
    if part == "complement":
        assert counts.numerator is not None
        assert counts.denominator is not None
        return counts.denominator - counts.numerator
    value = getattr(counts, part)
    assert isinstance(value, int)
    return value


def is_hidden(truth: Counts, shown: Counts, part: str, rule: Rule) -> bool:
    """Whether a cell has the part and does not show it."""
    if part == "complement":
        has = rule.measure == "proportion" and truth.numerator is not None and truth.denominator is not None
        return has and (shown.numerator is None or shown.denominator is None)
    return getattr(truth, part) is not None and getattr(shown, part) is None


def _hides_a_zero(truth: Mapping[Key, Counts], shown: Mapping[Key, Counts]) -> bool:
    return any(
        counts.numerator == 0 and shown[key].numerator is None and shown[key].denominator == counts.denominator
        for key, counts in truth.items()
    )


def _add_state(system: System, state: str, table: Table, shown: Mapping[Key, Counts], zeros_are_shown: bool) -> None:
    for key, counts in table.truth.items():
        there = tuple(part for part in PARTS if getattr(counts, part) is not None)
        # Of respondents a nought is hidden like any other count.
        is_no_nought = zeros_are_shown and table.rule.minimum_count is not None
        add_cell(system, (state, key), shown[key], there, table.rule, is_no_nought)
    for family in table.families:
        for part in family.parts_of:
            cells = (family.total, *family.parts)
            if any(getattr(table.truth[key], part) is None for key in cells):
                continue
            remainder = part_of(table.truth[family.total], part)
            remainder -= sum(part_of(table.truth[key], part) for key in family.parts)
            terms = {((state, family.total), part): 1.0} | {((state, key), part): -1.0 for key in family.parts}
            system.relate(terms, remainder, remainder, family.kind)


def _join(system: System, now: Mapping[Key, Counts], before: Mapping[Key, Counts]) -> None:
    """A count that did not change is the same count."""
    for key, part in product(now, PARTS):
        if (
            key in before
            and getattr(now[key], part) is not None
            and getattr(now[key], part) == getattr(before[key], part)
        ):
            system.relate({(("now", key), part): 1, (("earlier", key), part): -1}, 0, 0, "vintages")


#: Member of a dimension that is not split.
TOTAL = "total"
TERMS = ("autumn", "spring", "summer")


def random_table(rng: random.Random, measure: str | None = None) -> Table:
    """A small table with the structure of published ones; keys are (sector, organisation, group, period).

    Organisations add up to their sector and sectors to the area (or organisations to the area directly). Some tables
    have terms that add up to a year, groups that add up to the area, or people who belong to no organisation. Counts
    are mostly small, because there is nothing to protect in large ones.
    """
    measure = measure or rng.choice(["count", "rate", "proportion"])
    rule = Rule(measure, minimum_base=None if measure == "count" else 10)
    if measure == "proportion" and rng.random() < 0.2:
        rule = Rule(measure, minimum_count=None)
    places = [(f"s{s}", f"s{s}o{o}") for s in range(rng.randint(1, 4)) for o in range(rng.randint(1, 5))]
    has_sectors = rng.random() < 0.7
    terms = TERMS if measure != "proportion" and rng.random() < 0.4 else (TOTAL,)
    truth: dict[Key, Counts] = {}
    for sector, organisation in places:
        denominator = rng.choice([rng.randint(1, 15), rng.randint(10, 60), rng.randint(60, 900)])
        for term in terms:
            numerator = rng.choice([0, rng.randint(1, 5), rng.randint(1, 12), rng.randint(6, 60)])
            if measure == "proportion":
                # A complement is as often small as a count is.
                numerator = min(numerator, denominator)
                numerator = denominator - numerator if rng.random() < 0.2 else numerator
            base = None if measure == "count" else denominator
            truth[(sector, organisation, TOTAL, term)] = Counts(numerator, base)
    families: list[Family] = []
    for term in terms:
        by_sector: dict[str, list[Key]] = {}
        for sector, organisation in places:
            by_sector.setdefault(sector, []).append((sector, organisation, TOTAL, term))
        area = (TOTAL, TOTAL, TOTAL, term)
        parts = [key for keys in by_sector.values() for key in keys]
        truth[area] = _added([truth[key] for key in parts])
        smallest = min(part for part in (truth[area].numerator, truth[area].denominator) if part is not None)
        if smallest > 15 and rng.random() < 0.3:
            # Of some people nobody knows where they belong. Of a small total that would leave nothing to hide.
            strays = rng.randint(1, 4)
            truth[area] = _added([truth[area], Counts(strays, strays)])
        if has_sectors:
            for sector, keys in by_sector.items():
                total = (sector, TOTAL, TOTAL, term)
                truth[total] = _added([truth[key] for key in keys])
                families.append(Family(total, tuple(keys)))
            parts = [(sector, TOTAL, TOTAL, term) for sector in by_sector]
        families.append(Family(area, tuple(parts)))
    groups = rng.randint(2, 4) if rng.random() < 0.5 else 0
    for term in terms if groups else ():
        area = (TOTAL, TOTAL, TOTAL, term)
        split = _split(rng, truth[area], groups, measure)
        keys = [(TOTAL, TOTAL, f"g{number}", term) for number in range(groups)]
        truth.update(zip(keys, split, strict=True))
        families.append(Family(area, tuple(keys)))
    if len(terms) > 1:
        families += [
            Family(_in(family.total, TOTAL), tuple(_in(key, TOTAL) for key in family.parts))
            for family in families
            if family.total[3] == terms[0]
        ]
        for sector, organisation, group in sorted({key[:3] for key in truth}):
            keys = [(sector, organisation, group, term) for term in terms]
            year = (sector, organisation, group, TOTAL)
            added = sum(part_of(truth[key], "numerator") for key in keys)
            truth[year] = Counts(added, truth[keys[1]].denominator)
            families.append(Family(year, tuple(keys), ("numerator",)))
    return Table(truth, families, rule)


def _in(key: Key, period: str) -> Key:
    return (*key[:3], period)


def corrected(rng: random.Random, table: Table) -> Table:
    """The table after a few late corrections: some organisations' counts, with every total and group above them."""
    truth = dict(table.truth)
    totals = {family.total for family in table.families}
    leaves = [key for key in truth if key not in totals and key[2] == TOTAL]
    for _ in range(rng.randint(1, 3)):
        group = f"g{rng.randrange(2)}"
        changed = _above(rng.choice(leaves), table.families)
        changed |= {
            part
            for family in table.families
            if family.total in changed
            for part in family.parts
            if part[2] == group and family.total[2] == TOTAL
        }
        difference = rng.choice([-3, -2, -1, 1, 2, 3])
        after = {key: replace(truth[key], numerator=part_of(truth[key], "numerator") + difference) for key in changed}
        if all(_can_be(counts, table.rule) for counts in after.values()):
            truth |= after
    return replace(table, truth=truth)


def _above(key: Key, families: Sequence[Family]) -> set[Key]:
    """The cell and everything that it is a part of."""
    reached, waiting = set(), [key]
    while waiting:
        cell = waiting.pop()
        if cell not in reached:
            reached.add(cell)
            waiting += [family.total for family in families if cell in family.parts]
    return reached


def _can_be(counts: Counts, rule: Rule) -> bool:
    numerator, denominator = counts.numerator, counts.denominator
    assert numerator is not None
    return numerator >= 0 and (rule.measure != "proportion" or denominator is None or numerator <= denominator)


def _added(cells: Sequence[Counts]) -> Counts:
    has_base = cells[0].denominator is not None
    return Counts(
        sum(part_of(counts, "numerator") for counts in cells),
        sum(part_of(counts, "denominator") for counts in cells) if has_base else None,
    )


def _split(rng: random.Random, counts: Counts, groups: int, measure: str) -> list[Counts]:
    """The counts dealt out to groups, mostly to the first."""
    weights = [0.7, *(0.3 / (groups - 1) for _ in range(groups - 1))]
    numerators, rests = [0] * groups, [0] * groups
    whole, base = part_of(counts, "numerator"), counts.denominator
    for _ in range(whole):
        numerators[rng.choices(range(groups), weights)[0]] += 1
    if base is None:
        return [Counts(numerator) for numerator in numerators]
    left = base - whole if measure == "proportion" else base
    for _ in range(left):
        rests[rng.choices(range(groups), weights)[0]] += 1
    added = numerators if measure == "proportion" else [0] * groups
    return [Counts(n, r + a) for n, r, a in zip(numerators, rests, added, strict=True)]
