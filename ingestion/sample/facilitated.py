"""Facilitators' reports of their sessions, as a form exports them: a head count per session and nobody's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from ingestion.sample.filing import Cell, Filing, Line, headers, labels
from ingestion.sample.organisations import Organisation
from ingestion.sample.scale import Chance, Scale, pick
from ingestion.sample.tally import Cut, Tally, levels, month, year_label
from ingestion.sample.training import COURSES, Course

DATASET = "training_facilitated_sessions"
FIRST_YEAR, LAST_YEAR = 2023, 2025
REPORTED_UNTIL = date(2025, 10, 31)
#: Sessions a year in a borough, and how many every year adds.
SESSIONS_PER_YEAR, MORE_PER_YEAR = 45, 15
SESSION_MONTHS = (0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 9, 9)
#: Courses that no bookings system knows.
IN_HOUSE = (
    Course("Trauma basics for whole teams", "informed", False, 5),
    Course("Safer language workshop", "skilled", False, 3),
)
#: Share of reports of a session that the bookings hold as well, and of sessions that two facilitators report.
BOOKED_TOO, REPORTED_TWICE = 0.15, 0.05
TIMES = ("09:30", "13:00", "16:00")
FACILITATORS = ("Fern Testwood", "Gale Mockley", "Heath Specimore")


@dataclass(frozen=True)
class Session:
    """A session as its facilitator reports it."""

    day: date
    time: str
    course: Course
    host: Organisation
    attendance: int

    @property
    def key(self) -> tuple[date, str, str, str]:
        """What two reports of the same session share."""
        return self.day, self.time, self.course.name, self.host.organisation_id


def write_facilitated(
    filing: Filing,
    tally: Tally,
    chance: Chance,
    scale: Scale,
    hosts: list[Organisation],
    attended: Collection[tuple[date, str]],
) -> None:
    """Write the form's export year by year, and count the sessions that the bookings do not hold as well.

    Args:
        filing: where to write.
        tally: where to count.
        chance: the part's own.
        scale: how many sessions.
        hosts: organisations that may host a session.
        attended: day and course of every session that somebody attended by the bookings.
    """
    in_force: dict[tuple[date, str, str, str], Session] = {}
    in_bookings = sorted(attended)
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        sessions = _of_one_year(chance, scale, year, hosts, [s for s in in_bookings if _is_in(s[0], year)])
        lines = [_line(chance, session, number) for number, session in enumerate(sessions, 1)]
        twice = [line for line in lines if chance.random() < REPORTED_TWICE]
        if year == FIRST_YEAR + 1:
            _spoil([line for line in lines if line not in twice])
        # The second facilitator's report of the same session and the same head count is left out as a repetition.
        lines += [_by_another(line, len(lines) + number) for number, line in enumerate(twice, 1)]
        name = f"facilitated_training/facilitated_sessions_{year_label(year).replace('/', '-')}.xlsx"
        landed = filing.xlsx(name, DATASET, _header(year), lines, _arrived(year))
        in_force.update((session.key, session) for session in landed)
        if year == LAST_YEAR - 1:
            again = [_line(chance, replace(s, attendance=s.attendance + 1), n) for n, s in enumerate(sessions[::9], 1)]
            later, name = _arrived(year) + timedelta(days=50), name.replace(".xlsx", " corrections.xlsx")
            landed = filing.xlsx(name, DATASET, _header(year), again, later)
            in_force.update((session.key, session) for session in landed)
    _count(tally, (s for s in in_force.values() if (s.day, s.course.name) not in attended))


def _arrived(year: int) -> datetime:
    return datetime(2025, 11, 6, 15, 5) if year == LAST_YEAR else datetime(year + 1, 7, 26, 15, 5)


def _is_in(day: date, year: int) -> bool:
    return date(year, 9, 1) <= day <= min(date(year + 1, 7, 24), REPORTED_UNTIL)


def _of_one_year(
    chance: Chance, scale: Scale, year: int, hosts: list[Organisation], booked: list[tuple[date, str]]
) -> list[Session]:
    courses = {course.name: course for course in COURSES}
    sessions: dict[tuple[date, str, str, str], Session] = {}
    for _ in range(scale.times * (SESSIONS_PER_YEAR + MORE_PER_YEAR * (year - FIRST_YEAR))):
        years, zero_based = divmod(8 + pick(chance, SESSION_MONTHS), 12)
        day = date(year + years, zero_based + 1, int(chance.integers(3, 24)))
        day -= timedelta(days=max(0, day.weekday() - 4))
        course = pick(chance, (*IN_HOUSE, *COURSES[:4]))
        if booked and chance.random() < BOOKED_TOO:
            day, name = pick(chance, booked)
            course = courses[name]
        if not _is_in(day, year):
            continue
        host = pick(chance, [host for host in hosts if host.joined <= day])
        session = Session(day, pick(chance, TIMES), course, host, 4 + int(chance.poisson(9)))
        sessions.setdefault(session.key, session)
    return sorted(sessions.values(), key=lambda s: s.key)


def _header(year: int) -> list[str]:
    """The form asked in other words at first."""
    columns = ["session_date", "session_time", "course_name", "course_level", "organisation_id", "attendance"]
    others = {"session_date": 1, "course_name": 3, "organisation_id": 3, "attendance": 4} if year == FIRST_YEAR else {}
    return headers(DATASET, [*columns, "facilitator", "email"], **others)


def _line(chance: Chance, session: Session, number: int) -> Line[Session]:
    # Facilitators type the name of a course as they please: with more spaces, or all in small letters.
    typed = session.course.name.lower() if number % 4 == 1 else session.course.name
    who = pick(chance, FACILITATORS)
    day: Cell = datetime(session.day.year, session.day.month, session.day.day)
    level = labels(DATASET, "course_level")[session.course.level]
    host = session.host.mention(chance)
    return Line([day, session.time, typed, level, host, session.attendance, who, _address(who)], session)


def _address(who: str) -> str:
    return f"{who.lower().replace(' ', '.')}@training.example"


def _by_another(line: Line[Session], number: int) -> Line[Session]:
    who = FACILITATORS[(FACILITATORS.index(str(line.cells[6])) + 1) % len(FACILITATORS)]
    return Line([*line.cells[:6], who, _address(who)], line.record, dropped=True)


def _spoil(lines: list[Line[Session]]) -> None:
    fourth = len(lines) // 4
    lines[fourth].spoil(5, "full house", "not_a_number")
    lines[2 * fourth].spoil(3, "Beginner", "unknown_code")
    lines[3 * fourth].spoil(0, "24/09/2125", "happened_by_now")


def _count(tally: Tally, sessions: Iterable[Session]) -> None:
    counted: Counter[tuple[str, Cut]] = Counter()
    for session in sessions:
        level = Cut(breakdown="course_level", breakdown_value=session.course.level)
        for cut in (*levels(session.host.sector, session.host.organisation_id), level):
            counted[month(session.day), cut] += session.attendance
    tally.add_counter("training_attendances", DATASET, "month", counted)
