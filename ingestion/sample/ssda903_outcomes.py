"""What a return says of each child looked after for a year (OC2) and of each care leaver (OC3).

The OC2 of one year is sent again in the autumn, with what had been left out and with answers put right.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from ingestion.sample.filing import Cell, Filing, Line, headers
from ingestion.sample.looked_after import CareLeaver, Child, Circumstances, Episode, completed_years
from ingestion.sample.scale import Chance, pick
from ingestion.sample.ssda903_layout import Flaws, Return, flag, spoil, written
from ingestion.sample.tally import Tally

OC2, OC3 = "ssda903_oc2", "ssda903_oc3"
OC2_COLUMNS = (
    "child_id", "birth_date", "sdq_score", "sdq_reason_code", "is_convicted", "health_check", "immunisations",
    "teeth_check", "is_health_assessed", "has_substance_misuse_problem", "intervention_received",
    "intervention_offered",
)  # fmt: skip
OC3_COLUMNS = ("child_id", "birth_date", "in_touch_code", "activity", "accommodation")

SENT_AGAIN, SENT_AGAIN_ON = 2024, datetime(2024, 10, 3, 11, 15)
#: Share of the children without a health assessment who still have none when the file is sent again.
NOT_PUT_RIGHT = 0.8

#: The score of an average child by year of the return, and how far one step of its past moves it.
AVERAGE_SCORE, SCORE_STEP = {2023: 14.6, 2024: 14.1, 2025: 13.3}, 5.5
HIGH_CONCERN = range(17, 41)
SCORED_AGES, SCORED = range(4, 17), 0.81
NO_SCORE = {"SDQ2": 0.3, "SDQ3": 0.1, "SDQ4": 0.45, "SDQ5": 0.15}
ASSESSED = {2023: 0.87, 2024: 0.89, 2025: 0.92}
CONVICTED_FROM_AGE, CONVICTED = 10, 0.035
MISUSES_FROM_AGE, MISUSES = 11, 0.06
#: Cells left empty, children of the cohort left out, and children who do not belong to it.
NOT_SAID, LEFT_OUT, OUT_OF_PLACE = 0.015, 0.02, 0.04

IN_TOUCH = {"YES": 0.87, "NO": 0.05, "REFU": 0.02, "NREQ": 0.025, "RHOM": 0.03, "DIED": 0.005}
#: Weights of those in education, employment or training grow with the programme.
ACTIVITIES = {"F1": 6, "F2": 22, "F4": 4, "F5": 20, "P1": 1, "P2": 4, "P4": 1, "P5": 5}
NO_ACTIVITY, NO_ACTIVITY_WEIGHT = {"G4": 12, "G5": 20, "G6": 6}, {2023: 1.1, 2024: 1.0, 2025: 0.85}
ACCOMMODATION = {
    "U1": 38, "D1": 14, "B1": 11, "Z1": 8, "E1": 5, "T1": 4, "C1": 3, "K1": 3, "Y1": 3, "U2": 2, "S2": 2, "X2": 3,
    "W2": 1, "V2": 1, "R2": 2,
}  # fmt: skip

OC2_FLAWS: Flaws = {
    2023: (("sdq_score", "41", "maximum"),),
    2024: (("birth_date", "31/06/2012", "not_a_date"), ("is_convicted", "2", "not_yes_or_no")),
    2025: (("sdq_reason_code", "SDQ6", "unknown_code"),),
}
OC3_FLAWS: Flaws = {
    # F3 had been divided by the return of 2022.
    2023: (("activity", "F3", "unknown_code"),),
    2024: (("accommodation", "01", "unknown_code"),),
    2025: (("birth_date", "09/09/2012", "aged_17_to_21"),),
}


@dataclass(frozen=True)
class Outcome:
    """A row of OC2; None where nothing was said."""

    child: Child
    age: int
    score: int | None
    no_score_reason: str | None
    is_convicted: bool | None
    is_assessed: bool | None
    misuses: bool | None


@dataclass(frozen=True)
class Leaver:
    """A row of OC3."""

    young_person: CareLeaver
    in_touch: str
    activity: str
    accommodation: str


def write_outcomes_of(
    filing: Filing,
    tally: Tally,
    chance: Chance,
    of_year: Return,
    children: list[Child],
    circumstances: Circumstances,
    episodes: list[Episode],
) -> None:
    """Write the files of one year; ``episodes`` are those of the return that land, out of which is counted."""
    outcomes = _write_oc2(filing, chance, of_year, children, circumstances)
    _count_oc2(tally, of_year, outcomes, _looked_after_for_a_year(episodes, of_year))
    leavers = _write_oc3(filing, chance, of_year, _care_leavers(of_year, circumstances))
    _count_oc3(tally, of_year, leavers)


# --- OC2 --------------------------------------------------------------------------------------------------------------


def _looked_after_for_a_year(episodes: Iterable[Episode], of_year: Return) -> set[str]:
    """Children in care on the first and on the last day of the year: nobody in the sample comes back into care."""
    there = [
        {e.child for e in episodes if not e.is_short_break and e.started <= day and _is_open(e, day)}
        for day in (of_year.first_day, of_year.last_day)
    ]
    return there[0] & there[1]


def _is_open(episode: Episode, day: date) -> bool:
    return episode.ceased is None or episode.ceased > day


def _write_oc2(
    filing: Filing, chance: Chance, of_year: Return, children: list[Child], circumstances: Circumstances
) -> list[Outcome]:
    """Write the file, and in one year a second; returns what should be in force."""
    cohort = _looked_after_for_a_year([e for child in children for e in child.episodes], of_year)
    outcomes: list[Outcome] = []
    forgotten: list[Outcome] = []
    for child in children:
        luck = chance.random()
        if child.number not in cohort and (luck >= OUT_OF_PLACE or child.episodes[0].is_short_break):
            continue
        if completed_years(child.born, of_year.last_day) >= 18:
            continue
        outcome = _outcome(chance, of_year, child, circumstances.burdens[child.number])
        is_forgotten = child.number in cohort and luck < LEFT_OUT
        (forgotten if is_forgotten else outcomes).append(outcome)
    lines = [Line(_oc2_cells(chance, outcome), outcome) for outcome in outcomes]
    kept = [Line(list(line.cells), line.record) for line in lines]
    spoil(chance, lines, OC2_COLUMNS, of_year.year, OC2_FLAWS)
    columns = headers(OC2, OC2_COLUMNS)
    landed = filing.csv(f"{of_year.folder}/oc2.csv", OC2, columns, lines, of_year.arrived(25))
    if of_year.year != SENT_AGAIN:
        return landed
    mended = [_put_right(chance, line) for line in kept]
    mended += [Line(_oc2_cells(chance, outcome), outcome) for outcome in forgotten]
    return filing.csv(f"{of_year.folder}/oc2_sent_again.csv", OC2, columns, mended, SENT_AGAIN_ON)


def _outcome(chance: Chance, of_year: Return, child: Child, burden: float) -> Outcome:
    age = completed_years(child.born, of_year.last_day)
    is_scored = age in SCORED_AGES and chance.random() < SCORED
    score = round(AVERAGE_SCORE[of_year.year] + SCORE_STEP * burden + float(chance.normal(0, 3)))
    reason = pick(chance, list(NO_SCORE), list(NO_SCORE.values())) if age in SCORED_AGES else "SDQ1"
    return Outcome(
        child=child,
        age=age,
        score=min(max(score, 0), 40) if is_scored else None,
        no_score_reason=None if is_scored else reason,
        is_convicted=_said(chance, age >= CONVICTED_FROM_AGE and bool(chance.random() < CONVICTED * 1.8**burden)),
        is_assessed=_said(chance, bool(chance.random() < ASSESSED[of_year.year])),
        misuses=_said(chance, age >= MISUSES_FROM_AGE and bool(chance.random() < MISUSES * 1.8**burden)),
    )


def _said(chance: Chance, value: bool) -> bool | None:
    return None if chance.random() < NOT_SAID else value


def _oc2_cells(chance: Chance, outcome: Outcome) -> list[Cell]:
    checks: list[Cell] = [str(int(chance.random() < share)) for share in (0.9, 0.88, 0.8)]
    is_helped = bool(chance.random() < 0.6)
    return [
        outcome.child.number,
        written(outcome.child.born),
        None if outcome.score is None else str(outcome.score),
        outcome.no_score_reason,
        flag(outcome.is_convicted),
        # Development checks end with the fifth birthday.
        checks[0] if outcome.age < 5 else None,
        *checks[1:],
        flag(outcome.is_assessed),
        flag(outcome.misuses),
        flag(is_helped) if outcome.misuses else None,
        flag(not is_helped) if outcome.misuses else None,
    ]


def _put_right(chance: Chance, line: Line[Outcome]) -> Line[Outcome]:
    """The row as it was sent again: a health assessment that had been held back, an answer that was missing."""
    outcome = line.record
    if outcome.is_assessed or chance.random() < NOT_PUT_RIGHT:
        return line
    cells = list(line.cells)
    cells[OC2_COLUMNS.index("is_health_assessed")] = flag(True)
    return Line(cells, replace(outcome, is_assessed=True))


def _count_oc2(tally: Tally, of_year: Return, outcomes: list[Outcome], cohort: set[str]) -> None:
    told = [outcome for outcome in outcomes if outcome.child.number in cohort]
    scores = [o.score for o in told if o.score is not None and o.age in SCORED_AGES]
    tally.add("sdq_high_concern", OC2, of_year.period, sum(s in HIGH_CONCERN for s in scores), len(scores))
    tally.add("sdq_mean", OC2, of_year.period, sum(scores), len(scores))
    for indicator_id, count in (
        ("health_assessed", sum(o.is_assessed is True for o in told)),
        ("substance_misuse", sum(o.misuses is True for o in told)),
        ("convicted", sum(o.is_convicted is True for o in told)),
    ):
        tally.add(indicator_id, OC2, of_year.period, count, len(cohort))


# --- OC3 --------------------------------------------------------------------------------------------------------------


def _care_leavers(of_year: Return, circumstances: Circumstances) -> list[CareLeaver]:
    """Those who turned 17 to 21 in the year."""
    return [p for p in circumstances.care_leavers if 17 <= completed_years(p.born, of_year.last_day) <= 21]


def _write_oc3(filing: Filing, chance: Chance, of_year: Return, people: list[CareLeaver]) -> list[Leaver]:
    """Write the file; returns what should land of it."""
    lines = []
    for person in people:
        leaver = _leaver(chance, of_year, person)
        cells: list[Cell] = [
            person.number, written(person.born), leaver.in_touch, leaver.activity, leaver.accommodation,
        ]  # fmt: skip
        lines.append(Line(cells, leaver))
    spoil(chance, lines, OC3_COLUMNS, of_year.year, OC3_FLAWS)
    name, columns = f"{of_year.folder}/oc3.csv", headers(OC3, OC3_COLUMNS)
    return filing.csv(name, OC3, columns, lines, of_year.arrived(26))


def _leaver(chance: Chance, of_year: Return, person: CareLeaver) -> Leaver:
    in_touch = pick(chance, list(IN_TOUCH), list(IN_TOUCH.values()))
    resting = {code: weight * NO_ACTIVITY_WEIGHT[of_year.year] for code, weight in NO_ACTIVITY.items()}
    activities = ACTIVITIES | resting
    activity = pick(chance, list(activities), list(activities.values()))
    accommodation = pick(chance, list(ACCOMMODATION), list(ACCOMMODATION.values()))
    # Somebody else may know of those whom the authority has lost; of those who died or went home nothing is said.
    is_told = in_touch == "YES" or (in_touch in ("NO", "REFU", "NREQ") and chance.random() < 0.3)
    return Leaver(person, in_touch, activity if is_told else "0", accommodation if is_told else "0")


def _count_oc3(tally: Tally, of_year: Return, leavers: list[Leaver]) -> None:
    in_scope = [leaver for leaver in leavers if leaver.in_touch not in ("DIED", "RHOM")]
    active = sum(leaver.activity in ACTIVITIES for leaver in in_scope)
    housed = sum(leaver.accommodation.endswith("1") for leaver in in_scope)
    tally.add("care_leavers_in_eet", OC3, of_year.period, active, len(in_scope))
    tally.add("care_leavers_suitably_housed", OC3, of_year.period, housed, len(in_scope))
