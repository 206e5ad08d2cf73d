"""The attacker: how tightly can every suppressed count be bounded by somebody who has only the publication?

    python -m tests.disclosure.attacker PUBLICATION [EARLIER] [--truth WAREHOUSE] [--earlier-truth WAREHOUSE]

It reads what is published and the definitions of the indicators, writes down what any reader knows (which counts add up
to which, which people are among which others, what the same people are called in another table) and asks a solver for
the smallest and the largest number that every hidden count can be. It shares no code with the disclosure control.

The true counts, where they are given, serve three things and never the bounds of a count as such: to judge (a hidden
count of 1 to 5 has to look like anything from 1 to 5), to know what is left over where parts do not add up to their
total (somebody who belongs to no organisation), as the attacker is taken to know it, and to tell which counts did not
change between two publications. Without them what does not contradict what is shown is taken to add up.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

from tests.disclosure.linear import ContradictionError, Interval, System
from tests.disclosure.publication import CellKey, Figures, Publication, is_of_area, read_publication, read_truth
from tests.disclosure.tables import (
    PARTS,
    TOTAL,
    Counts,
    Protected,
    Rule,
    add_cell,
    avoidable,
    is_hidden,
    part_of,
    protected_ranges,
    terms_of,
)

#: What an attacker uses, from what anybody thinks of to what takes a reader of definitions.
KINDS = (
    "place", "group", "term", "indicator", "response", "rate", "register", "headcount", "file", "source", "vintages",
)  # fmt: skip

#: Kinds of knowledge that are figures themselves.
FROM_FIGURES = {"rate", "register", "file", "headcount"}

#: Breakdowns whose members do not add up: one person is in several, or each asks something else.
OVERLAPPING = {("training_take_up", "course_level"), ("training_feedback", "statement")}

#: Indicators with the same people under the line: of one source, or of any of the home's own.
SAME_BASE = (
    ("suspension_rate", "permanent_exclusion_rate", "pupils_suspended", "sessions_lost_to_suspension"),
    ("placed_out_of_area", "placed_out_of_area_far", "placement_location_not_known", "placement_stability"),
    ("health_assessed", "substance_misuse", "convicted"),
    ("sdq_high_concern", "sdq_mean"),
    ("care_leavers_in_eet", "care_leavers_suitably_housed"),
)

N, D = PARTS

#: Sums of counts of one place and period that are never below zero, by indicator and part.
NEVER_NEGATIVE = (
    # Whoever was suspended had one suspension, and whoever was suspended again at least one more.
    {("suspension_rate", N): 1, ("pupils_suspended", N): -1, ("repeat_suspension", N): -1},
    # A suspension takes at least one half-day.
    {("sessions_lost_to_suspension", N): 1, ("suspension_rate", N): -1},
    {("placed_out_of_area", N): 1, ("placed_out_of_area_far", N): -1},
    {("placed_out_of_area", D): 1, ("placed_out_of_area", N): -1, ("placement_location_not_known", N): -1},
    # Looked after for the twelve months to 31 March: looked after on that day; on that day: at some time in the year.
    {("placement_stability", D): 1, ("health_assessed", D): -1},
    {("missing_from_care", D): 1, ("placement_stability", D): -1},
    {("health_assessed", D): 1, ("sdq_high_concern", D): -1},
    # A score is from 0 to 40, and a high one is 17 or more.
    {("sdq_mean", N): 1, ("sdq_high_concern", N): -17},
    {("sdq_mean", N): -1, ("sdq_high_concern", N): 24, ("sdq_high_concern", D): 16},
)

#: Equal counts of one place and period.
EQUAL = (((("repeat_suspension", D), ("pupils_suspended", N))),)

#: Items of this survey are answered by those who responded.
RESPONSES, ITEMS = "workforce_survey_response", "workforce_survey"


#: Sources of which a file has a row for each person, answer or event, and the part of a cell that its rows make.
ROWS = {
    "children_families_survey": D,
    "workforce_survey": D,
    "training_feedback": D,
    "training_bookings": D,
    "la_exclusions": N,
    "census_exclusions": N,
    "ssda903_episodes": D,
    "ssda903_oc3": D,
}


@dataclass(frozen=True)
class Relation:
    """``lower <= sum of factor × count <= upper``; where it is an equality the truth says what is left over."""

    terms: tuple[tuple[CellKey, str, float], ...]
    lower: float
    upper: float
    kind: str


@dataclass
class Report:
    """What an attack found, and what it went by."""

    counts: list[Protected]
    publication: Publication
    dropped: list[str] = field(default_factory=list)
    seconds: float = 0

    @property
    def breaches(self) -> list[Protected]:
        return [found for found in self.counts if found.is_breach]

    @property
    def leaks(self) -> list[str]:
        """All that should not be: counts bounded too tightly, figures shown elsewhere, and what stands beside."""
        return [
            *(f"{_words(found.key)} {found.part}: {found.lower:g} to {found.upper:g}" for found in self.breaches),
            *(f"{_words(key)}: {figure:g} in {table}.{column}" for key, table, column, figure in self.elsewhere),
            *(f"{what} in {table}.{column}" for table, column, what in self.publication.odd),
        ]

    @property
    def elsewhere(self) -> list[tuple[CellKey, str, str, float]]:
        """Figures that are withheld in one table and shown in another."""
        return [(key, *shown) for key, seen in self.publication.figures.items() for shown in seen.elsewhere]


@dataclass
class State:
    """One publication, with its truth if there is one."""

    name: str
    publication: Publication
    truth: Mapping[CellKey, Counts] | None

    def has(self, key: CellKey, part: str) -> bool:
        """Whether the cell has the count, hidden or not."""
        if self.truth is not None and key in self.truth:
            return getattr(self.truth[key], part) is not None
        seen = self._seen(key)
        if getattr(seen, part) is not None:
            return True
        rule = self.publication.rules[key.indicator_id]
        return seen.status in ("c", "u") and (part == N or rule.measure != "count")

    def rule(self, key: CellKey) -> Rule:
        """What is promised about the cell. Where more were counted than could be, none is a part of the other."""
        rule = self.publication.rules[key.indicator_id]
        # Who took part in a survey is no secret, what they answered is.
        if key.indicator_id == RESPONSES:
            rule = replace(rule, secret=())
        elif key.source_dataset == ITEMS:
            rule = replace(rule, secret=(N, "complement"))
        counts = (self.truth or {}).get(key, Counts(None))
        if counts.numerator is not None and counts.denominator is not None and counts.numerator > counts.denominator:
            return replace(rule, measure="rate")
        return rule

    @cached_property
    def took_part(self) -> dict[tuple[tuple[str, ...], int], int]:
        """How many took part in a survey at most, by place and head count, which is no less: that is no secret."""
        most: dict[tuple[tuple[str, ...], int], int] = {}
        for key, counts in (self.truth or {}).items():
            if key.indicator_id == RESPONSES and counts.numerator is not None and counts.denominator is not None:
                place = key[2:7], counts.denominator
                most[place] = max(most.get(place, 0), counts.numerator)
        return most

    def shown(self, key: CellKey, part: str) -> int | None:
        value = getattr(self._seen(key), part)
        assert value is None or isinstance(value, int)
        return value

    def _seen(self, key: CellKey) -> Figures:
        return self.publication.figures.get(key) or self.publication.published[key]


def attack(
    publication: Path | Publication,
    truth: Mapping[CellKey, Counts] | None = None,
    earlier: tuple[Path | Publication, Mapping[CellKey, Counts] | None] | None = None,
    kinds: Iterable[str] = KINDS,
    zeros_are_shown: bool | None = None,
) -> Report:
    """Bound every hidden count of a publication.

    Args:
        publication: folder, DuckDB file or folder of Parquet files; or what was read of one.
        truth: the unsuppressed counts, to judge by (see this module's text).
        earlier: an earlier publication, with its truth.
        kinds: kinds of knowledge to use, of ``KINDS``.
        zeros_are_shown: whether a hidden count is known to be 1 or more; where nothing is said as the truth has it, and
            without a truth yes, because the rules say so.
    """
    started = time.perf_counter()
    states = [State("now", _read(publication), truth)]
    if earlier is not None:
        states.append(State("earlier", _read(earlier[0]), earlier[1]))
    if zeros_are_shown is None:
        zeros_are_shown = not any(_hides_a_zero(state) for state in states)
    system, dropped = System(), []
    for state in states:
        dropped += _add_state(system, state, zeros_are_shown)
    if len(states) == 2:
        _join(system, *states)
    hidden = [
        (state, key, part)
        for state in states
        for key, seen in state.publication.figures.items()
        for part in (*PARTS, "complement")
        if _is_hidden(state, key, seen, part) or _is_protected(state, key, part)
    ]
    targets = {(state.name, key, part): terms_of((state.name, key), part) for state, key, part in hidden}
    is_forgiving = any(state.truth is None for state in states)
    bounds = system.bounds(targets, kinds, is_forgiving=is_forgiving)
    counts = {
        (state.name, key, part): _judged(state, key, part, bounds[(state.name, key, part)], len(states) == 2)
        for state, key, part in hidden
    }
    found = avoidable(system, counts, set(kinds) - FROM_FIGURES, is_forgiving)
    return Report(list(found.values()), states[0].publication, dropped, time.perf_counter() - started)


def _read(publication: Path | Publication) -> Publication:
    return publication if isinstance(publication, Publication) else read_publication(publication)


def _is_hidden(state: State, key: CellKey, seen: Figures, part: str) -> bool:
    rule = state.rule(key)
    there = Counts(*(0 if state.has(key, name) else None for name in PARTS))
    return is_hidden(there, Counts(seen.numerator, seen.denominator), part, rule)


def _is_protected(state: State, key: CellKey, part: str) -> bool:
    """Whether the truth has a protected count there: in sight all the same it is known exactly."""
    return (
        state.truth is not None
        and key in state.truth
        and part in protected_ranges(state.truth[key], state.rule(key))
        and all(state.has(key, name) for name in (PARTS if part == "complement" else (part,)))
    )


def _judged(state: State, key: CellKey, part: str, bounds: Interval, is_named: bool) -> Protected:
    """A hidden count beside its bounds. Without a truth the range is that of small counts, if it can be one of them."""
    rule = state.rule(key)
    name = (state.name, key) if is_named else key
    if state.truth is not None and key in state.truth:
        counts = state.truth[key]
        low, high = protected_ranges(counts, rule).get(part, (None, None))
        if low is not None and part == D and key.indicator_id == "training_take_up":
            low = max(low, state.took_part.get((key[2:7], part_of(counts, D)), 0))
        return Protected(name, part, part_of(counts, part), *bounds, low, high)
    high = rule.minimum_base - 1 if part == D and rule.minimum_base is not None else rule.minimum_count
    is_small = high is not None and bounds[1] <= high
    return Protected(name, part, -1, *bounds, 1 if is_small else None, high if is_small else None)


def _hides_a_zero(state: State) -> bool:
    return state.truth is not None and any(
        key in state.truth
        and state.truth[key].numerator == 0
        and seen.numerator is None
        and seen.denominator == state.truth[key].denominator
        for key, seen in state.publication.figures.items()
    )


def _add_state(system: System, state: State, zeros_are_shown: bool) -> list[str]:
    """Everything that is known of one publication by itself; returns the relations that the truth does not keep."""
    publication = state.publication
    for key, seen in (*publication.figures.items(), *publication.published.items()):
        there = tuple(part for part in PARTS if state.has(key, part))
        rule = state.rule(key)
        is_own = key in publication.figures
        add_cell(
            system,
            (state.name, key),
            Counts(state.shown(key, N), state.shown(key, D)),
            there,
            # What a publisher printed is taken as printed, rounded or not.
            rule if is_own else Rule("count"),
            zeros_are_shown and seen.status == "c" and rule.minimum_count is not None,
        )
    dropped = []
    for relation in _relations(state):
        if not all(state.has(key, part) for key, part, _ in relation.terms):
            continue
        lower, upper = relation.lower, relation.upper
        if state.truth is not None:
            left_over = sum(factor * _true(state, key, part) for key, part, factor in relation.terms)
            if lower == upper:
                lower = upper = left_over
            elif not lower <= left_over <= upper:
                dropped.append(
                    f"{relation.kind}: " + ", ".join(f"{f:+g} {p} of {' '.join(k)}" for k, p, f in relation.terms)
                )
                continue
        terms = {((state.name, key), part): factor for key, part, factor in relation.terms}
        system.relate(terms, lower, upper, relation.kind)
    return dropped


def _true(state: State, key: CellKey, part: str) -> float:
    assert state.truth is not None
    if key in state.truth:
        return part_of(state.truth[key], part)
    shown = state.shown(key, part)
    assert shown is not None
    return shown


def _relations(state: State) -> Iterator[Relation]:
    publication = state.publication
    yield from margins(publication)
    yield from _indicators(publication)
    yield from _rates(publication)
    yield from _register(publication)
    yield from _files(publication)
    yield from _sources(state)
    yield from _unchanged_headcounts(state)


def margins(publication: Publication) -> Iterator[Relation]:
    """What adds up to what, within each indicator."""
    yield from _places(publication)
    yield from _groups(publication)
    yield from _terms(publication)


def _adds_up(total: CellKey, parts: Iterable[CellKey], kind: str, of: Iterable[str] = PARTS) -> Iterator[Relation]:
    parts = list(parts)
    for part in of:
        yield Relation(((total, part, 1.0), *((key, part, -1.0) for key in parts)), 0, 0, kind)


def _places(publication: Publication) -> Iterator[Relation]:
    """Organisations make their sector, and sectors (or, without them, organisations) the area."""
    members: dict[CellKey, list[CellKey]] = defaultdict(list)
    for key in publication.figures:
        if key.organisation_id != TOTAL:
            sector = key._replace(organisation_id=TOTAL)
            area = sector._replace(sector=TOTAL)
            members[sector if sector in publication.figures else area].append(key)
        elif key.sector != TOTAL:
            members[key._replace(sector=TOTAL)].append(key)
    for total, parts in members.items():
        if total in publication.figures:
            yield from _adds_up(total, parts, "place")


def _groups(publication: Publication) -> Iterator[Relation]:
    """The members of a breakdown make the whole, unless they overlap."""
    members: dict[tuple[CellKey, str], list[CellKey]] = defaultdict(list)
    for key in publication.figures:
        if key.breakdown != TOTAL:
            members[(key._replace(breakdown=TOTAL, breakdown_value=TOTAL), key.breakdown)].append(key)
    for (total, breakdown), parts in members.items():
        if total not in publication.figures:
            continue
        if (total.indicator_id, breakdown) not in OVERLAPPING:
            yield from _adds_up(total, parts, "group")
        elif breakdown == "course_level":
            # Everybody who took a course took it at some level, and each level is out of the same people.
            yield Relation((*((key, N, 1.0) for key in parts), (total, N, -1.0)), 0, inf, "group")
            for key in parts:
                yield Relation(((total, N, 1.0), (key, N, -1.0)), 0, inf, "group")
                yield Relation(((total, D, 1.0), (key, D, -1.0)), 0, 0, "group")
        else:
            # Whoever agrees to both statements agrees to each.
            for key, part in ((key, part) for key in parts for part in PARTS):
                yield Relation(((key, part, 1.0), (total, part, -1.0)), 0, inf, "group")


def _terms(publication: Publication) -> Iterator[Relation]:
    """Events of three terms make the academic year's; the year's pupils are those of its January census."""
    by_year: dict[CellKey, list[CellKey]] = defaultdict(list)
    for key in publication.figures:
        if key.period_type == "term":
            year = key._replace(period_type="academic_year", period=key.period.split(" ")[0])
            by_year[year].append(key)
    for year, terms in by_year.items():
        if year in publication.figures and len(terms) == 3:
            yield from _adds_up(year, terms, "term", (N,))
            yield from _adds_up(year, (key for key in terms if key.period.endswith("spring")), "term", (D,))


def _indicators(publication: Publication) -> Iterator[Relation]:
    """What the definitions say about the same people under several indicators."""
    figures = publication.figures
    # Sources of one kind of people may differ; places and periods may not.
    by_place: dict[tuple[str, ...], dict[str, list[CellKey]]] = defaultdict(lambda: defaultdict(list))
    for key in figures:
        by_place[key[2:]][key.indicator_id].append(key)
    for members in by_place.values():
        for indicators in SAME_BASE:
            same = [key for indicator in indicators for key in members.get(indicator, ())]
            for key in same[1:]:
                yield Relation(((same[0], D, 1.0), (key, D, -1.0)), 0, 0, "indicator")
        for (first, first_part), (second, second_part) in EQUAL:
            for one, other in _pairs(members, first, second):
                yield Relation(((one, first_part, 1.0), (other, second_part, -1.0)), 0, 0, "indicator")
        for terms in NEVER_NEGATIVE:
            (first, _), *others = terms
            for one in members.get(first, ()):
                cells = {first: one}
                for indicator, _ in others:
                    every = members.get(indicator, [])
                    same_source = [key for key in every if key.source_dataset == one.source_dataset]
                    # The files of one return of looked-after children are about the same children.
                    same_return = [key for key in every if key.source_dataset.startswith("ssda903")]
                    if same_source or same_return:
                        cells[indicator] = (same_source or same_return)[0]
                if all(indicator in cells for indicator, _ in terms):
                    found = tuple((cells[indicator], part, float(f)) for (indicator, part), f in terms.items())
                    yield Relation(found, 0, inf, "indicator")
        for responses in members.get(RESPONSES, ()):
            for items in members.values():
                for key in items:
                    if key.source_dataset == ITEMS and key.indicator_id != RESPONSES:
                        yield Relation(((responses, N, 1.0), (key, D, -1.0)), 0, inf, "response")
    yield from _leaders(publication)
    yield from _bookings(publication)


def _pairs(members: Mapping[str, list[CellKey]], first: str, second: str) -> Iterator[tuple[CellKey, CellKey]]:
    for one in members.get(first, ()):
        for other in members.get(second, ()):
            if one.source_dataset == other.source_dataset:
                yield one, other


def _leaders(publication: Publication) -> Iterator[Relation]:
    """Leaders in the register are the base of two indicators."""
    for key in publication.figures:
        if key.indicator_id == "leaders_trained" and is_of_area(key):
            role = key._replace(indicator_id="training_take_up", breakdown="role", breakdown_value="leader")
            if role in publication.figures:
                yield Relation(((key, D, 1.0), (role, D, -1.0)), 0, 0, "indicator")


def _bookings(publication: Publication) -> Iterator[Relation]:
    """Of a year's bookings that were not cancelled some were attended, and of those some completed."""
    months: dict[tuple[str, ...], list[tuple[CellKey, date]]] = defaultdict(list)
    for key in publication.figures:
        if key.indicator_id == "training_attendances":
            months[key[1:7]].append((key, publication.periods[("month", key.period)][0]))
    for key in publication.figures:
        if key.indicator_id == "training_completion":
            first, last = publication.periods[(key.period_type, key.period)]
            attended = [month for month, start in months[key[1:7]] if first <= start <= last]
            terms = tuple((month, N, 1.0) for month in attended)
            yield Relation((*terms, (key, N, -1.0)), 0, inf, "indicator")
            yield Relation(((key, D, 1.0), *((month, N, -1.0) for month, _, _ in terms)), 0, inf, "indicator")


def _rates(publication: Publication) -> Iterator[Relation]:
    """A value that is shown is a quotient of its counts, but for its last digit."""
    for key, seen in publication.figures.items():
        if seen.value is not None and (seen.numerator is None or seen.denominator is None):
            half = 0.5 * 10.0 ** -publication.decimals.get(key.indicator_id, 0)
            multiplier = publication.multipliers[key.indicator_id]
            if publication.rules[key.indicator_id].measure == "count":
                yield Relation(((key, N, 1.0),), seen.value, seen.value, "rate")
                continue
            yield Relation(((key, N, multiplier), (key, D, -(seen.value - half))), 0, inf, "rate")
            yield Relation(((key, N, multiplier), (key, D, -(seen.value + half))), -inf, 0, "rate")


def _register(publication: Publication) -> Iterator[Relation]:
    """The newest head count of an organisation is the base of its share of people trained, and of people answering."""
    for key in publication.figures:
        if key.indicator_id in ("training_take_up", RESPONSES) and key.organisation_id in publication.headcounts:
            headcount, headcount_date = publication.headcounts[key.organisation_id]
            if publication.periods[(key.period_type, key.period)][1] >= headcount_date:
                yield Relation(((key, D, 1.0),), headcount, headcount, "register")


def _files(publication: Publication) -> Iterator[Relation]:
    """No more was counted than there are rows in the files that a cell rests on."""
    for key, rows in publication.rows.items():
        part = ROWS.get(key.source_dataset)
        if part is None or key.indicator_id in (RESPONSES, "sessions_lost_to_suspension"):
            continue
        if publication.rules[key.indicator_id].measure == "count":
            part = N
        yield Relation(((key, part, 1.0),), 0, rows, "file")


def _sources(state: State) -> Iterator[Relation]:
    """Two sources of one figure are taken to say the same, where they do."""
    publication = state.publication
    if state.truth is None:
        return
    every = (*publication.figures, *publication.published)
    first: dict[CellKey, CellKey] = {}
    for key in sorted(every, key=lambda key: key in publication.figures):
        one = first.setdefault(key._replace(source_dataset=""), key)
        for part in PARTS:
            both = one is not key and state.has(one, part) and state.has(key, part)
            if both and _true(state, one, part) == _true(state, key, part):
                yield Relation(((one, part, 1.0), (key, part, -1.0)), 0, 0, "source")


def _unchanged_headcounts(state: State) -> Iterator[Relation]:
    """A place's head count is taken for that of its other periods, and for the newest in the register, where it is.

    It is often last year's: whoever guesses so is right wherever it is.
    """
    if state.truth is None:
        return
    first: dict[tuple[tuple[str, ...], float], CellKey] = {}
    for key in state.publication.figures:
        if key.indicator_id not in ("training_take_up", RESPONSES) or not state.has(key, D):
            continue
        headcount = _true(state, key, D)
        one = first.setdefault((key[2:7], headcount), key)
        if one is not key:
            yield Relation(((one, D, 1.0), (key, D, -1.0)), 0, 0, "headcount")
        if state.publication.headcounts.get(key.organisation_id, (None,))[0] == headcount:
            yield Relation(((key, D, 1.0),), headcount, headcount, "headcount")


def _join(system: System, now: State, before: State) -> None:
    """A count that did not change is the same count. Without the truths a reader can but guess which they are."""
    for key in now.publication.figures:
        if key not in before.publication.figures or now.truth is None or before.truth is None:
            continue
        for part in PARTS:
            if now.has(key, part) and before.has(key, part) and _true(now, key, part) == _true(before, key, part):
                system.relate({(("now", key), part): 1, (("earlier", key), part): -1}, 0, 0, "vintages")


def by_kind(
    publication: Path,
    truth: Mapping[CellKey, Counts] | None,
    earlier: tuple[Path, Mapping[CellKey, Counts] | None] | None,
) -> list[tuple[str, Report]]:
    """The attack with more and more kinds of knowledge, so that each leak shows with the first that it needs."""
    used: list[str] = []
    reports = []
    for kind in KINDS:
        if kind == "vintages" and earlier is None:
            continue
        used.append(kind)
        reports.append((kind, attack(publication, truth, earlier, used)))
    return reports


def main() -> None:
    """Print every count that can be bounded inside its range, and how many of what kind there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("publication", type=Path)
    parser.add_argument("earlier", type=Path, nargs="?")
    parser.add_argument("--truth", type=Path, help="the warehouse that the publication was made from")
    parser.add_argument("--earlier-truth", type=Path)
    parser.add_argument("--by-kind", action="store_true", help="count the leaks by the knowledge that they need")
    parser.add_argument("--all", action="store_true", help="print the bounds of all hidden counts, not only of leaks")
    options = parser.parse_args()
    truth = read_truth(options.truth) if options.truth else None
    earlier = None
    if options.earlier:
        earlier = (options.earlier, read_truth(options.earlier_truth) if options.earlier_truth else None)
    try:
        report = attack(options.publication, truth, earlier)
    except ContradictionError as error:
        raise SystemExit(f"The publication contradicts what its reader is told: {error}") from None
    _print(report, options.all)
    if options.by_kind:
        seen: set[tuple[object, str]] = set()
        for kind, found in by_kind(options.publication, truth, earlier):
            new = {(count.key, count.part) for count in found.breaches} - seen
            seen |= new
            parts = Counter(f"{_cell(key).indicator_id} {part}" for key, part in new)
            print(f"\nwith {kind}: {len(new)} more ({found.seconds:.1f} s)")
            for name, number in sorted(parts.items()):
                print(f"    {number:5d}  {name}")


def _cell(key: Any) -> CellKey:
    cell = key if isinstance(key, CellKey) else key[1]
    assert isinstance(cell, CellKey)
    return cell


def _words(key: Any) -> str:
    return " ".join(key if isinstance(key, CellKey) else (key[0], *key[1]))


def _print(report: Report, everything: bool) -> None:
    for leak in report.leaks:
        print(f"LEAK {leak}")
    for found in report.counts if everything else ():
        truth = "" if found.truth < 0 else f" (truth {found.truth})"
        print(f"{_words(found.key)} {found.part}: {found.lower:g} to {found.upper:g}{truth}")
    for relation in report.dropped:
        print(f"NOT SO {relation}")
    cells = report.publication.figures
    hidden = sum(seen.status == "c" for seen in cells.values())
    exact = sum(found.is_exact for found in report.counts)
    print(
        f"\n{len(report.breaches)} of {len(report.counts)} hidden counts leak; {exact} are known exactly. {hidden} of"
        f" {len(cells)} cells are suppressed ({hidden / max(len(cells), 1):.1%}). {len(report.elsewhere)} figures shown"
        f" elsewhere, {len(report.publication.odd)} beside suppressed ones. {report.seconds:.1f} s."
    )


if __name__ == "__main__":
    main()
