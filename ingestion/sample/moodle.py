"""What Moodle says of its courses, in its three exports, and the register of courses that says what they stand for.

Many of the learners are in the bookings as well, some under an organisation that Moodle does not know, and some are
known to Moodle alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from ingestion.sample.filing import Cell, Filing, Line, headers, labels
from ingestion.sample.organisations import Organisation
from ingestion.sample.scale import Chance, pick
from ingestion.sample.training import COURSES, Booking, Completion, Course, Person, Report, workforce

PROGRESS, COMPLETION, REGISTER = "moodle_activity_progress", "moodle_course_completion", "training_courses"
INTRODUCTION, RESILIENCE, SKILLED, LEADING = COURSES[0], COURSES[1], COURSES[2], COURSES[5]

#: Activity that stands for the introduction; the short names of Moodle's courses are among the aliases beside it.
E_LEARNING = "Introduction (e-learning)"
ALIASES = {
    INTRODUCTION.name: f"tip101; {E_LEARNING}; Trauma 101",
    SKILLED.name: "tsk201",
    LEADING.name: "Lead301; Leaders' programme",
}
#: The first day on which anybody completed anything, and the days of the exports.
OPENED = date(2024, 1, 8)
EXPORTED, EXPORTED_AGAIN = date(2025, 7, 14), date(2025, 11, 3)
#: Share of the workforce enrolled in each course, of those who have completed it, and of those without an institution.
ENROLLED = {"tip101": 0.2, "induction": 0.12, "tsk201": 0.1, "lead301": 0.5, "fire-safety": 0.05}
COMPLETED, FAILED, SET_BY_HAND, NO_INSTITUTION = 0.6, 0.1, 0.08, 0.12
SET_BY = "Juniper Mockley"
#: The states as Moodle words them.
NOT_COMPLETED, COMPLETED_IT = "Not completed", "Completed"
PASSED, FELL_SHORT = "Completed (achieved pass grade)", "Completed (did not achieve pass grade)"


@dataclass(frozen=True)
class Learner:
    """Somebody enrolled in Moodle; ``institution`` is empty where nobody filled it in."""

    person: Person
    institution: Organisation | None


@dataclass(frozen=True)
class Activity:
    """A column of the report on activities; ``course`` is what the register takes it for."""

    name: str
    expected: str = ""
    course: Course | None = None
    #: It ends with a mark that may fall short.
    is_graded: bool = False


@dataclass(frozen=True)
class Progress:
    """What the report says of one learner: by activity its state as it stands in the file, and its day."""

    learner: Learner
    states: dict[str, tuple[str, date | None]]


@dataclass(frozen=True)
class Enrolment:
    """What the report on a whole course says of one learner; without a day it is not completed."""

    learner: Learner
    completed: date | None


TIP_ACTIVITIES = (
    Activity("Welcome"),
    Activity(E_LEARNING, "2025-06-30 00:00:00", INTRODUCTION),
    Activity("Final quiz", is_graded=True),
)
#: The register does not know this course of Moodle's, and knows one of its activities by the name of the course.
INDUCTION_ACTIVITIES = (Activity("House rules"), Activity(RESILIENCE.name, course=RESILIENCE), Activity("Final quiz"))


def write_moodle(
    filing: Filing, chance: Chance, reports: Iterable[Report], organisations: list[Organisation]
) -> list[Completion]:
    """Write the register of courses and every export.

    Args:
        filing: where to write.
        chance: the part's own.
        reports: the bookings in force, which tell roles and some organisations.
        organisations: everyone in the partnership.

    Returns:
        The completions that count: of a course of the register, by somebody whose organisation is known.
    """
    _write_courses(filing)
    booked: dict[str, list[Booking]] = defaultdict(list)
    for report in reports:
        booked[report.booking.person.address].append(report.booking)
    people = [p for p in workforce(organisations) if p.organisation.joined.year < OPENED.year]
    learners = [Learner(p, None if chance.random() < NO_INSTITUTION else p.organisation) for p in people]
    done: list[tuple[Learner, Course, date]] = []
    for landed, activities in (
        (_write_tip(filing, chance, learners, booked), TIP_ACTIVITIES),
        (_write_induction(filing, chance, learners, booked), INDUCTION_ACTIVITIES),
    ):
        done += [
            (progress.learner, activity.course, day)
            for progress in landed
            for activity in activities
            for state, day in [progress.states[activity.name]]
            if activity.course is not None and state.startswith("Completed") and day is not None
        ]
    for name, course, leaders in (("tsk201", SKILLED, False), ("lead301", LEADING, True), ("fire-safety", None, False)):
        able = [x for x in learners if not leaders or x.person.role in ("leader", "manager")]
        enrolments = _write_whole_course(filing, chance, name, able, booked)
        if course is not None:
            done += [(e.learner, course, e.completed) for e in enrolments if e.completed is not None]
    found = (_placed(*one, booked[one[0].person.address]) for one in done)
    return [completion for completion in found if completion is not None]


def _placed(learner: Learner, course: Course, day: date, bookings: Iterable[Booking]) -> Completion | None:
    """Role, and organisation where Moodle does not know it, by the last booking up to that day, else the next one."""
    theirs = [b for b in bookings if learner.institution in (None, b.person.organisation)]
    before = [b for b in theirs if b.day <= day]
    nearest = max(before, key=lambda b: b.day) if before else min(theirs, key=lambda b: b.day, default=None)
    employer = learner.institution or (nearest.person.organisation if nearest else None)
    if employer is None:
        return None
    return Completion(learner.person.address, employer, nearest.person.role if nearest else None, course, day)


# --- the register of courses --------------------------------------------------------------------------------------


def _write_courses(filing: Filing) -> None:
    """The register of 2023 knows no Moodle yet, and has one level wrong; that of 2024 takes its place."""
    level = labels(REGISTER, "course_level")
    columns = ["course", "aliases", "course_level", "is_core", "is_for_leaders"]

    def line(course: Course, aliases: str, level_code: str) -> Line[Course]:
        cells: list[Cell] = [course.name, aliases, level[level_code]]
        cells += ["Yes" if flag else "No" for flag in (course.is_core, course.for_leaders)]
        return Line(cells, course)

    first = [line(c, "", "informed" if c == SKILLED else c.level) for c in COURSES]
    later = [line(c, ALIASES.get(c.name, ""), c.level) for c in COURSES]
    unclear = line(Course("Mental health first aid", "informed", False, 0), "", "informed")
    unclear.spoil(2, "Awareness", "unknown_code")
    filing.csv("courses/register_of_courses_2023.csv", REGISTER, headers(REGISTER, columns), first, _at(2023, 9, 4))
    header = headers(REGISTER, columns, course=1, aliases=1)
    filing.csv("courses/register_of_courses_2024.csv", REGISTER, header, [*later, unclear], _at(2024, 9, 3))


def _at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 16, 45)


# --- the report on activities -------------------------------------------------------------------------------------


def _write_tip(
    filing: Filing, chance: Chance, learners: list[Learner], booked: dict[str, list[Booking]]
) -> list[Progress]:
    """The CSV, and in autumn again, under the name that a browser gives it, with what has been completed since."""
    enrolled = [x for x in learners if chance.random() < ENROLLED["tip101"]]
    final = [_progress(chance, x, TIP_ACTIVITIES, booked[x.person.address]) for x in enrolled]
    first = [_progress_line(chance, _as_of(EXPORTED, progress), TIP_ACTIVITIES) for progress in final]
    _spoil(first)
    header = _progress_header(TIP_ACTIVITIES)
    filing.csv("moodle/progress.tip101.csv", PROGRESS, header, first, _moment(EXPORTED))
    later = [_progress_line(chance, progress, TIP_ACTIVITIES) for progress in final]
    return filing.csv("moodle/progress.tip101 (1).csv", PROGRESS, header, later, _moment(EXPORTED_AGAIN))


def _write_induction(
    filing: Filing, chance: Chance, learners: list[Learner], booked: dict[str, list[Booking]]
) -> list[Progress]:
    """What Moodle calls an Excel CSV: UTF-16 with a mark, and tabs."""
    enrolled = [x for x in learners if chance.random() < ENROLLED["induction"]]
    lines = [
        _progress_line(
            chance, _progress(chance, x, INDUCTION_ACTIVITIES, booked[x.person.address]), INDUCTION_ACTIVITIES
        )
        for x in enrolled
    ]
    # Somebody whom the report lists twice, the same both times, counts once.
    again = lines[len(lines) // 3]
    lines.append(Line(list(again.cells), again.record, dropped=True))
    lines[len(lines) // 2].spoil(2, "Nonesuch Housing Cooperative", "unknown_organisation")
    first, *others = _progress_header(INDUCTION_ACTIVITIES)
    return filing.export(
        "moodle/progress.induction.csv", PROGRESS, [["\ufeff" + first, *others]], lines, _moment(EXPORTED_AGAIN),
        encoding="utf-16-le", delimiter="\t",
    )  # fmt: skip


def _progress_header(activities: Iterable[Activity]) -> list[str]:
    pairs = [cell for activity in activities for cell in (activity.name, activity.expected)]
    return ["", *headers(PROGRESS, ["person_id", "organisation_id"]), *pairs]


def _progress(chance: Chance, learner: Learner, activities: Iterable[Activity], bookings: list[Booking]) -> Progress:
    states: dict[str, tuple[str, date | None]] = {}
    for activity in activities:
        day = _day_off(chance, bookings)
        fate = chance.random()
        if fate < COMPLETED:
            state = PASSED if activity.is_graded else COMPLETED_IT
            by_hand = f" (set by {SET_BY})" if chance.random() < SET_BY_HAND else ""
            states[activity.name] = state + by_hand, day
        elif activity.is_graded and fate < COMPLETED + FAILED:
            states[activity.name] = FELL_SHORT, day
        else:
            states[activity.name] = NOT_COMPLETED, None
    return Progress(learner, states)


def _day_off(chance: Chance, bookings: Iterable[Booking]) -> date:
    """A day on which the learner had not booked anything."""
    day = OPENED + timedelta(days=int(chance.integers(0, (EXPORTED_AGAIN - OPENED).days - 20)))
    booked = {booking.day for booking in bookings}
    while day in booked:
        day += timedelta(days=1)
    return day


def _as_of(day: date, progress: Progress) -> Progress:
    states = {
        name: (state, on) if on is None or on <= day else (NOT_COMPLETED, None)
        for name, (state, on) in progress.states.items()
    }
    return Progress(progress.learner, states)


def _progress_line(chance: Chance, progress: Progress, activities: Iterable[Activity]) -> Line[Progress]:
    cells: list[Cell] = list(_identity(chance, progress.learner))
    for activity in activities:
        state, day = progress.states[activity.name]
        cells += [state, None if day is None else f"{datetime.combine(day, time(10, 11, 12)):%Y-%m-%d %H:%M:%S}"]
    return Line(cells, progress)


def _identity(chance: Chance, learner: Learner) -> tuple[str, str, str | None]:
    employer = learner.institution
    return learner.person.name, learner.person.address, None if employer is None else employer.mention(chance)


def _spoil(lines: list[Line[Progress]]) -> None:
    fourth = len(lines) // 4
    lines[fourth].spoil(1, "", "required")
    lines[2 * fourth].spoil(3, f"Signed off by {SET_BY}", "unknown_code")
    lines[3 * fourth].spoil(6, "31/06/2025 10:00", "not_a_date")


# --- the report on whole courses ----------------------------------------------------------------------------------


def _write_whole_course(
    filing: Filing, chance: Chance, name: str, learners: list[Learner], booked: dict[str, list[Booking]]
) -> list[Enrolment]:
    enrolled = [x for x in learners if chance.random() < ENROLLED[name]]
    lines = [_enrolment_line(chance, x, number, booked) for number, x in enumerate(enrolled, 2)]
    if name == "tsk201":
        third = len(lines) // 3
        lines[third].spoil(6, "3/13/25, 09:15", "not_a_date")
        lines[2 * third].spoil(3, "Nonesuch Playgroup", "unknown_organisation")
    known = headers(COMPLETION, ["person_id", "organisation_id", "completed_date"])
    header = ["ID", "Name", *known[:2], "Workbook", "Workbook - Completion date", known[2]]
    return filing.csv(f"moodle/completion-{name}.csv", COMPLETION, header, lines, _moment(EXPORTED_AGAIN))


def _enrolment_line(chance: Chance, learner: Learner, number: int, booked: dict[str, list[Booking]]) -> Line[Enrolment]:
    day = _day_off(chance, booked[learner.person.address]) if chance.random() < COMPLETED else None
    who, address, employer = _identity(chance, learner)
    written = None if day is None else f"{day.day}/{day:%m/%y}, {pick(chance, ('09:15', '14:40'))}"
    workbook = NOT_COMPLETED if day is None else COMPLETED_IT
    return Line([number, who, address, employer, workbook, written, written], Enrolment(learner, day))


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 11, 20)
