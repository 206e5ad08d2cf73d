"""What a return says of single events: missing episodes, reviews, unaccompanied arrivals, and adoptions.

Only missing episodes are counted; reviews and arrivals land without an indicator, and of adoptions nothing lands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.sample.filing import Cell, Filing, Line, headers
from ingestion.sample.looked_after import COMES_OF_AGE, Child, Circumstances, Episode, completed_years
from ingestion.sample.scale import Chance, pick
from ingestion.sample.ssda903_layout import Flaws, Return, spoil, written
from ingestion.sample.tally import Tally

DATASET = "ssda903_missing"
MISSING_COLUMNS = ("child_id", "birth_date", "missing_code", "started_date", "ended_date")
REVIEW_COLUMNS = ("child_id", "birth_date", "review_date", "review_code")
UASC_COLUMNS = ("child_id", "sex", "birth_date", "status_ended_date")
AD1_HEADER = ("CHILD", "DOB", "DATE_INT", "DATE_MATCH", "FOSTER_CARE", "NB_ADOPTR", "SEX_ADOPTR", "LS_ADOPTR")

#: Missing episodes that a child of the age may expect in a year of care, before what its past adds.
MISSING_FROM_AGE, MISSING_PER_YEAR = 9, 0.14
#: The programme shows: by year of the return, how many of those there still are.
STILL_MISSING = {2023: 1.0, 2024: 0.9, 2025: 0.78}
#: Missing, or away without authorisation.
KINDS = {"M": 0.78, "A": 0.22}
#: Days from coming into care to the first two reviews, and between the later ones.
FIRST_REVIEWS, BETWEEN_REVIEWS = (19, 88), 181
PARTICIPATION = {"PN1": 0.5, "PN2": 0.08, "PN3": 0.03, "PN4": 0.08, "PN5": 0.1, "PN6": 0.12, "PN7": 0.09}

MISSING_FLAWS: Flaws = {
    2023: (("missing_code", "X", "unknown_code"),),
    2024: (("ended_date", "31/06/2023", "not_a_date"),),
    2025: (("started_date", "2024-11-31", "not_a_date"),),
}
REVIEW_FLAWS: Flaws = {
    2024: (("review_code", "PN8", "unknown_code"),),
    # Typed a year ahead.
    2025: (("review_date", "14/01/2026", "reviewed_by_year_end"),),
}
#: 1 stood for a boy until 2024.
UASC_FLAWS: Flaws = {2025: (("sex", "1", "unknown_code"),)}


@dataclass(frozen=True)
class Absence:
    """One episode of being missing or away; ``ended`` is empty where it lasts beyond the year."""

    child: Child
    kind: str
    started: date
    ended: date | None


def write_events_of(
    filing: Filing,
    tally: Tally,
    chance: Chance,
    of_year: Return,
    children: list[Child],
    circumstances: Circumstances,
    episodes: list[Episode],
) -> None:
    """Write the files of one year; ``episodes`` are those of the return that land, out of which is counted."""
    absences = _write_missing(filing, chance, of_year, children, circumstances)
    _count(tally, of_year, absences, episodes)
    _write_reviews(filing, chance, of_year, children)
    _write_unaccompanied(filing, chance, of_year, [c for c in children if c.number in circumstances.unaccompanied])
    _write_adoptions(filing, of_year, children)


def _in_care(child: Child, of_year: Return) -> tuple[date, date]:
    """The first and the last day of the year on which the child was looked after."""
    ceased = child.episodes[-1].ceased or of_year.last_day
    return max(child.episodes[0].started, of_year.first_day), min(ceased, of_year.last_day)


# --- missing ----------------------------------------------------------------------------------------------------------


def _write_missing(
    filing: Filing, chance: Chance, of_year: Return, children: list[Child], circumstances: Circumstances
) -> list[Absence]:
    """Write the file; returns what should land of it."""
    absences = [a for c in children for a in _absences(chance, of_year, c, circumstances.burdens[c.number])]
    lines = [Line(_missing_cells(absence), absence) for absence in absences]
    spoil(chance, lines, MISSING_COLUMNS, of_year.year, MISSING_FLAWS)
    # Twice in a day: of the second row everything that is kept is there already.
    again = next(line for line in lines if line.lands and line.record.ended == line.record.started)
    lines.append(Line(list(again.cells), again.record, dropped=True))
    return filing.csv(
        f"{of_year.folder}/missing.csv", DATASET, headers(DATASET, MISSING_COLUMNS), lines, of_year.arrived(22)
    )


def _absences(chance: Chance, of_year: Return, child: Child, burden: float) -> list[Absence]:
    """Those of one year, never two of them from the same day."""
    first, last = _in_care(child, of_year)
    if completed_years(child.born, last) < MISSING_FROM_AGE or last <= first:
        return []
    expected = MISSING_PER_YEAR * STILL_MISSING[of_year.year] * 2.2**burden * (last - first).days / 365
    days = {int(chance.integers((last - first).days)) for _ in range(int(chance.poisson(expected)))}
    return [_absence(chance, of_year, child, first + timedelta(days=day)) for day in sorted(days)]


def _absence(chance: Chance, of_year: Return, child: Child, started: date) -> Absence:
    ended = started + timedelta(days=int(chance.exponential(1.3)))
    return Absence(child, pick(chance, list(KINDS), list(KINDS.values())), started, _within(ended, of_year))


def _within(ended: date, of_year: Return) -> date | None:
    """The day, or nothing where it lies beyond the year."""
    return ended if ended <= of_year.last_day else None


def _missing_cells(absence: Absence) -> list[Cell]:
    child = absence.child
    return [child.number, written(child.born), absence.kind, written(absence.started), written(absence.ended)]


def _count(tally: Tally, of_year: Return, absences: list[Absence], episodes: list[Episode]) -> None:
    looked_after = {episode.child for episode in episodes if not episode.is_short_break}
    missing = {absence.child.number for absence in absences if absence.kind == "M"}
    tally.add("missing_from_care", DATASET, of_year.period, len(missing & looked_after), len(looked_after))


# --- reviews, arrivals, adoptions -------------------------------------------------------------------------------------


def _write_reviews(filing: Filing, chance: Chance, of_year: Return, children: list[Child]) -> None:
    lines = [Line(_review_cells(chance, child, day), child) for child in children for day in _reviews(child, of_year)]
    spoil(chance, lines, REVIEW_COLUMNS, of_year.year, REVIEW_FLAWS)
    name, columns = f"{of_year.folder}/reviews.csv", headers("ssda903_reviews", REVIEW_COLUMNS)
    filing.csv(name, "ssda903_reviews", columns, lines, of_year.arrived(23))


def _reviews(child: Child, of_year: Return) -> list[date]:
    """Days of the year on which the child's care was reviewed; series of short breaks have reviews of another kind."""
    if child.episodes[0].is_short_break:
        return []
    first, last = _in_care(child, of_year)
    came = child.episodes[0].started
    early = [came + timedelta(days=days) for days in FIRST_REVIEWS]
    later = [
        early[-1] + timedelta(days=days)
        for days in range(BETWEEN_REVIEWS, (max(last, came) - came).days + 1, BETWEEN_REVIEWS)
    ]
    return [day for day in (*early, *later) if first <= day <= last]


def _review_cells(chance: Chance, child: Child, day: date) -> list[Cell]:
    drawn = pick(chance, list(PARTICIPATION), list(PARTICIPATION.values()))
    code = "PN0" if completed_years(child.born, day) < 4 else drawn
    return [child.number, written(child.born), written(day), code]


def _write_unaccompanied(filing: Filing, chance: Chance, of_year: Return, children: list[Child]) -> None:
    lines = [
        Line(
            [
                child.number,
                of_year.sex(is_girl=child.is_girl),
                written(child.born),
                # They cease to be children, and with that to be what the file counts.
                written(child.born + timedelta(days=COMES_OF_AGE)),
            ],
            child,
        )
        for child in children
    ]
    spoil(chance, lines, UASC_COLUMNS, of_year.year, UASC_FLAWS)
    name, columns = f"{of_year.folder}/uasc.csv", headers("ssda903_uasc", UASC_COLUMNS)
    filing.csv(name, "ssda903_uasc", columns, lines, of_year.arrived(24))


def _write_adoptions(filing: Filing, of_year: Return, children: list[Child]) -> None:
    rows: list[list[Cell]] = []
    for child in children:
        last = child.episodes[-1]
        if last.ceased_reason == "E11" and of_year.sees_the_end_of(last) and last.ceased is not None:
            decided = last.ceased - timedelta(days=330)
            matched = last.ceased - timedelta(days=150)
            rows.append([child.number, written(child.born), written(decided), written(matched), "0", "2", "MF", "L11"])
    filing.not_needed(f"{of_year.folder}/ad1.csv", "ssda903_ad1", AD1_HEADER, rows, of_year.arrived(27))
