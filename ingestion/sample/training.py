"""Extracts of a training system: yearly at first, then every term, each with bookings that an earlier one had too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from ingestion.sample.filing import Cell, Filing, Line, headers, labels
from ingestion.sample.organisations import ROLES, Organisation
from ingestion.sample.scale import Chance, pick
from ingestion.sample.tally import AREA, Cut, Tally, academic_year, levels, month, year_label

DATASET = "training_bookings"
#: Bookings and Moodle together, as a person trained in both is one.
TRAINED = "training_records"
WINDOW_YEARS = 3


@dataclass(frozen=True)
class Course:
    """A course of the offer, and who mostly goes to it."""

    name: str
    level: str
    is_core: bool
    weight: float
    for_leaders: bool = False


COURSES = (
    Course("Trauma-informed practice: an introduction", "informed", True, 5),
    Course("Adversity and resilience", "informed", True, 3),
    Course("Trauma-skilled practice", "skilled", True, 4),
    Course("Relational practice in teams", "skilled", False, 2),
    Course("Trauma-enhanced practice", "enhanced", True, 2),
    Course("Leading trauma-informed change", "enhanced", True, 6, for_leaders=True),
    Course("Reflective supervision", "enhanced", False, 1.5),
    Course("Specialist formulation", "specialist", True, 1),
)
#: Share of the workforce that books in each academic year, by the year it begins in; the last has only just begun.
BOOKS = {2022: 0.13, 2023: 0.22, 2024: 0.27, 2025: 0.32}
#: Months with sessions, by their distance from September; none in August.
SESSION_MONTHS = (0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 9, 9)
SESSIONS_PER_COURSE = 9

FATES = ("completed", "attended", "did_not_attend", "cancelled")
FATE_WEIGHTS = (0.74, 0.08, 0.1, 0.08)
#: Certificates follow the session by up to this long: until then a booking says attended.
CERTIFICATE_DAYS = 28
MOVES, CHANGES_ROLE, LARGE = 0.02, 0.02, 40

GIVEN_NAMES = ("Aspen", "Briar", "Clover", "Dune", "Ember", "Fern", "Gale", "Heath", "Isle", "Juniper", "Lark", "Moss")
FAMILY_NAMES = ("Testwood", "Mockley", "Sampleford", "Trialby", "Specimore", "Figmenton", "Inventley", "Pretendle")


@dataclass(frozen=True)
class Extract:
    """One extract: the day its own sessions begin, and the day it was taken."""

    name: str
    first: date
    taken: date


EXTRACTS = (
    Extract("bookings_2022-23", date(2022, 9, 1), date(2023, 7, 24)),
    Extract("bookings_2023-24", date(2023, 9, 1), date(2024, 7, 22)),
    Extract("bookings_2024-25_autumn", date(2024, 9, 1), date(2025, 1, 8)),
    Extract("bookings_2024-25_spring", date(2025, 1, 1), date(2025, 5, 6)),
    Extract("bookings_2024-25_summer", date(2025, 5, 1), date(2025, 7, 21)),
    Extract("bookings_2025-26_autumn", date(2025, 9, 1), date(2025, 10, 31)),
)
#: How far an extract looks back before its own sessions, for late certificates, and how far ahead people book.
LOOKS_BACK, LOOKS_AHEAD = timedelta(days=60), timedelta(days=70)


@dataclass(frozen=True)
class Person:
    """Somebody who works in one of the organisations."""

    address: str
    name: str
    organisation: Organisation
    role: str


@dataclass(frozen=True)
class Booking:
    """One person on one session of one course, with what became of it in the end."""

    person: Person
    course: Course
    day: date
    #: The name the person gave their organisation.
    employer: str
    fate: str
    certified: date

    @property
    def key(self) -> tuple[str, str, date]:
        """What two reports of the same booking share."""
        return self.person.address, self.course.name, self.day


@dataclass(frozen=True)
class Report:
    """A booking as one extract reports it."""

    booking: Booking
    status: str


@dataclass(frozen=True)
class Completion:
    """Somebody who completed a course, where they worked then and as what; ``role`` is empty where nothing says it."""

    address: str
    organisation: Organisation
    role: str | None
    course: Course
    day: date


def write_training(filing: Filing, tally: Tally, chance: Chance, organisations: list[Organisation]) -> list[Report]:
    """Write every extract, and count the attendances.

    Returns:
        The bookings in force: of two reports of one booking, the later.
    """
    bookings = _bookings(chance, organisations)
    in_force: dict[tuple[str, str, date], Report] = {}
    for number, extract in enumerate(EXTRACTS):
        lines = [_line(report, number) for report in _reports(extract, bookings)]
        if number == 1:
            _spoil(lines)
        arrived = datetime(extract.taken.year, extract.taken.month, extract.taken.day, 17, number)
        landed = filing.csv(f"training/{extract.name}.csv", DATASET, _header(number), lines, arrived)
        in_force.update((report.booking.key, report) for report in landed)
    reports = list(in_force.values())
    _count_attendances(tally, reports)
    return reports


def attended_sessions(reports: Iterable[Report]) -> set[tuple[date, str]]:
    """Day and course of every session that somebody attended."""
    return {(r.booking.day, r.booking.course.name) for r in reports if r.status in ("attended", "completed")}


def workforce(organisations: list[Organisation]) -> list[Person]:
    """As many people of each role as the organisation never fell below, so that take-up stays a share."""
    people: list[Person] = []
    for organisation in organisations:
        for role, number in organisation.steady_headcount.items():
            first = len(people)
            people.extend(_person(first + n, organisation, role) for n in range(number))
    return people


def _person(number: int, organisation: Organisation, role: str) -> Person:
    name = f"{GIVEN_NAMES[number % len(GIVEN_NAMES)]} {FAMILY_NAMES[number // 5 % len(FAMILY_NAMES)]}"
    return Person(f"learner{number:05d}@training.example", name, organisation, role)


def _bookings(chance: Chance, organisations: list[Organisation]) -> list[Booking]:
    people = workforce(organisations)
    large = [o for o in organisations if o.steady_headcount["practitioner"] >= LARGE and o.joined.year < 2024]
    bookings: list[Booking] = []
    for year, share in BOOKS.items():
        sessions = {course.name: _sessions(chance, year) for course in COURSES}
        for at, person in enumerate(people):
            # The first register was taken in September 2022: an organisation's people book once it has joined.
            if academic_year(person.organisation.joined) > year_label(year) or chance.random() >= share:
                continue
            people[at] = person = _moved_on(chance, person, large)
            bookings.extend(_of_one_year(chance, person, sessions))
    return sorted([*bookings, *_turnover(organisations)], key=lambda b: (b.day, b.course.name, b.person.address))


def _sessions(chance: Chance, year: int) -> list[date]:
    """Session days of one course in the academic year that begins in ``year``, on working days."""
    days = []
    for _ in range(SESSIONS_PER_COURSE):
        years, zero_based = divmod(8 + pick(chance, SESSION_MONTHS), 12)
        day = date(year + years, zero_based + 1, int(chance.integers(3, 27)))
        days.append(day - timedelta(days=max(0, day.weekday() - 4)))
    return days


def _moved_on(chance: Chance, person: Person, large: list[Organisation]) -> Person:
    """Mostly the same person in the same place; now and then a new employer or a new role."""
    if large and chance.random() < MOVES:
        return replace(person, organisation=pick(chance, large))
    if person.role == "practitioner" and chance.random() < CHANGES_ROLE and person.organisation in large:
        return replace(person, role="manager")
    return person


def _of_one_year(chance: Chance, person: Person, sessions: dict[str, list[date]]) -> list[Booking]:
    """One booking, or two on different days."""
    weights = [c.weight if not c.for_leaders or person.role in ("leader", "manager") else 0 for c in COURSES]
    booked: dict[date, Booking] = {}
    for _ in range(1 + int(chance.random() < 0.25)):
        course = pick(chance, COURSES, weights)
        day = pick(chance, sessions[course.name])
        certified = day + timedelta(days=int(chance.integers(0, CERTIFICATE_DAYS)))
        employer = person.organisation.mention(chance)
        booked.setdefault(day, Booking(person, course, day, employer, pick(chance, FATES, FATE_WEIGHTS), certified))
    return list(booked.values())


def _turnover(organisations: list[Organisation]) -> list[Booking]:
    """A small organisation whose staff change: over the years more people are trained than work there at once."""
    small = min((o for o in organisations if o.joined.year == 2022), key=lambda o: o.headcounts[o.joined]["total"])
    bookings = []
    for number in range(small.headcounts[small.joined]["total"] + 3):
        person = Person(f"leaver{number:02d}@training.example", "Pat Pastley", small, "practitioner")
        day = date(2023, 10, 10) + timedelta(days=7 * number)
        bookings.append(Booking(person, COURSES[0], day, small.name, "completed", day))
    return bookings


def _reports(extract: Extract, bookings: list[Booking]) -> list[Report]:
    return [
        Report(booking, _status_on(extract.taken, booking))
        for booking in bookings
        if extract.first - LOOKS_BACK <= booking.day <= extract.taken + LOOKS_AHEAD
    ]


def _status_on(taken: date, booking: Booking) -> str:
    if booking.day > taken:
        return "cancelled" if booking.fate == "cancelled" else "booked"
    return "attended" if booking.fate == "completed" and booking.certified > taken else booking.fate


def _header(number: int) -> list[str]:
    """The system was changed after the second year: the same columns under other headers."""
    columns = ["person_id", "person_name", "course", "course_level", "is_core", "session_date", "status"]
    # The first system called an address simply “Learner”, which the contract knows last but one.
    others = {"person_id": -2} if number < 2 else {"course": 1, "course_level": 1, "is_core": 1, "status": 1}
    return headers(DATASET, [*columns, "organisation_id", "role_code", "is_for_leaders"], **others)


def _line(report: Report, number: int) -> Line[Report]:
    booking = report.booking
    day = f"{booking.day:%d/%m/%Y}" if number < 2 else f"{booking.day:%Y-%m-%d}"
    # Two names for the same thing, as two systems had them.
    status = "DNA" if report.status == "did_not_attend" and number >= 2 else labels(DATASET, "status")[report.status]
    cells: list[Cell] = [
        booking.person.address,
        booking.person.name,
        booking.course.name,
        labels(DATASET, "course_level")[booking.course.level],
        "Yes" if booking.course.is_core else "No",
        day,
        status,
        booking.employer,
        labels(DATASET, "role_code")[booking.person.role],
        "Yes" if booking.course.for_leaders else "No",
    ]
    return Line(cells, report)


def _spoil(lines: list[Line[Report]]) -> None:
    fourth = len(lines) // 4
    lines[fourth].spoil(3, "Advanced", "unknown_code")
    lines[2 * fourth].spoil(5, "31/04/2024", "not_a_date")
    lines[3 * fourth].spoil(7, "Nonesuch Academy Trust", "unknown_organisation")


def _count_attendances(tally: Tally, reports: Iterable[Report]) -> None:
    counted: Counter[tuple[str, Cut]] = Counter()
    for report in reports:
        if report.status in ("attended", "completed"):
            for cut in _cuts(report.booking):
                counted[month(report.booking.day), cut] += 1
    tally.add_counter("training_attendances", DATASET, "month", counted)


def _cuts(booking: Booking) -> tuple[Cut, ...]:
    """The figures that a booking counts towards."""
    organisation = booking.person.organisation
    level = Cut(breakdown="course_level", breakdown_value=booking.course.level)
    return (*levels(organisation.sector, organisation.organisation_id), level)


def count_trained(
    tally: Tally, reports: list[Report], elsewhere: list[Completion], organisations: list[Organisation]
) -> None:
    """One figure per academic year that the extracts cover into July: on its last day, over the three years to it.

    Args:
        tally: where to count.
        reports: the bookings in force.
        elsewhere: completions that the bookings do not hold, none of them after the last booking.
        organisations: everyone in the partnership.
    """
    days = [report.booking.day for report in reports]
    first, last = int(academic_year(min(days))[:4]), int(academic_year(max(days))[:4])
    completions = [*(_completion(r.booking) for r in reports if r.status == "completed"), *elsewhere]
    core = [completion for completion in completions if completion.course.is_core]
    leading = [completion for completion in completions if completion.course.for_leaders]
    for year in range(first, last + 1):
        if max(days) < date(year + 1, 6, 30):
            continue
        ends = date(year + 1, 8, 31)
        began = date(year + 1 - WINDOW_YEARS, 8, 31)
        headcounts = {o: count for o in organisations if (count := o.counted_by(ends))}
        period = ("academic_year", year_label(year))
        _count_one_year(tally, period, [c for c in core if began < c.day <= ends], headcounts)
        _count_completion(tally, period, [r for r in reports if academic_year(r.booking.day) == period[1]])
        _count_leaders(tally, period, [c for c in leading if began < c.day <= ends], headcounts)


def _completion(booking: Booking) -> Completion:
    person = booking.person
    return Completion(person.address, person.organisation, person.role, booking.course, booking.day)


def _count_completion(tally: Tally, period: tuple[str, str], reports: Iterable[Report]) -> None:
    """Bookings of one year that were completed, out of those that were not cancelled."""
    completed: Counter[Cut] = Counter()
    booked: Counter[Cut] = Counter()
    for report in reports:
        if report.status != "cancelled":
            for cut in _cuts(report.booking):
                booked[cut] += 1
                completed[cut] += report.status == "completed"
    for cut, denominator in booked.items():
        tally.add("training_completion", DATASET, period, completed[cut], denominator, cut)


def _latest(window: list[Completion]) -> Iterable[Completion]:
    """Of each person the last completion, which says where they stand."""
    return {completion.address: completion for completion in sorted(window, key=lambda c: c.day)}.values()


def _count_leaders(
    tally: Tally, period: tuple[str, str], window: list[Completion], headcounts: dict[Organisation, dict[str, int]]
) -> None:
    """Leaders who completed a course for leaders, each once where they led last: area and sector."""
    trained: Counter[Cut] = Counter()
    leaders: Counter[Cut] = Counter()
    for completion in _latest(window):
        if completion.role == "leader":
            trained.update((AREA, Cut(completion.organisation.sector)))
    for organisation, count in headcounts.items():
        for cut in (AREA, Cut(organisation.sector)):
            leaders[cut] += count["leader"]
    for cut, denominator in leaders.items():
        tally.add("leaders_trained", TRAINED, period, trained[cut], denominator, cut)


def _count_one_year(
    tally: Tally, period: tuple[str, str], window: list[Completion], headcounts: dict[Organisation, dict[str, int]]
) -> None:
    trained: Counter[Cut] = Counter()
    for completion in _latest(window):
        organisation = completion.organisation
        trained.update(levels(organisation.sector, organisation.organisation_id))
        if completion.role is not None:
            trained[Cut(breakdown="role", breakdown_value=completion.role)] += 1
    by_level = {(completion.course.level, completion.address) for completion in window}
    trained.update(Cut(breakdown="course_level", breakdown_value=level) for level, _ in by_level)

    staff: Counter[Cut] = Counter()
    for organisation, count in headcounts.items():
        for cut in levels(organisation.sector, organisation.organisation_id):
            staff[cut] += count["total"]
        staff.update({Cut(breakdown="role", breakdown_value=role): count[role] for role in ROLES})
    for level in sorted({course.level for course in COURSES}):
        staff[Cut(breakdown="course_level", breakdown_value=level)] = staff[AREA]
    for cut, denominator in staff.items():
        tally.add("training_take_up", TRAINED, period, trained[cut], denominator, cut)
