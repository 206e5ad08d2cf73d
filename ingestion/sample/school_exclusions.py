"""Records of exclusions: the school census's termly extracts, the authority's own, and pupils on roll.

Three academic years come from the school census, on roll and off roll, and each spring census repeats the December
before it. One earlier year and the beginning of the newest come from the authority's own extracts, and one year from
before the denominators begin. A few schools are in no register of organisations.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from ingestion.sample.filing import Cell, Filing, Line, headers, labels
from ingestion.sample.organisations import Organisation
from ingestion.sample.places import HOME
from ingestion.sample.scale import Chance, Scale, pick
from ingestion.sample.tally import AREA, Cut, Tally, academic_year, year_label

CENSUS, CENSUS_OFF_ROLL, EXTRACT, ROLL = (
    "census_exclusions", "census_exclusions_off_roll", "la_exclusions", "pupils_on_roll",
)  # fmt: skip
#: Calendar years in which the academic years begin that each source tells of. The last extract has only just begun.
BEFORE_ROLLS, EXTRACT_YEAR, JUST_BEGUN = 2018, 2021, 2025
CENSUS_YEARS = (2022, 2023, 2024)
ROLL_YEARS = (EXTRACT_YEAR, *CENSUS_YEARS)
TERMS = ("autumn", "spring", "summer")
#: Fewer exclusions year by year once the programme has begun.
FALLS, PROGRAMME_FROM = 0.93, 2022
#: Month of an exclusion: fewest at the beginning and the end of the school year, most in November and March.
SEASON = {9: 7, 10: 11, 11: 15, 12: 8, 1: 10, 2: 9, 3: 14, 4: 4, 5: 9, 6: 9, 7: 4}
REPEATED_FROM = 12

OLD_REASONS = ("PP", "PA", "VP", "VA", "BU", "RA", "SM", "DA", "DM", "TH", "DB", "OT")
NEW_REASONS = ("PP", "PA", "VP", "VA", "OW", "BU", "RA", "LG", "DS", "SM", "DA", "DM", "TH", "DB", "MT", "PH")
NEW_REASONS_FROM = 2020
MORE_REASONS = (0.7, 0.24, 0.06)
CATEGORIES = {"SUSP": 0.88, "LNCH": 0.08, "PERM": 0.04}
SEN_PROVISIONS: dict[str | None, float] = {None: 0.5, "K": 0.26, "E": 0.14, "N": 0.1}
LEAVES, CHANGES_SCHOOL = 0.06, 0.03
GIVEN_NAMES = ("Aspen", "Briar", "Clover", "Dune", "Ember", "Fern", "Gale", "Heath")
FAMILY_NAMES = ("Testwood", "Mockley", "Sampleford", "Trialby", "Specimore", "Figmenton")


@dataclass(frozen=True)
class Kind:
    """A kind of school: how many are on roll, and exclusions for each of them in a year."""

    pupils: tuple[int, int]
    rate: float


KINDS = {
    "Primary School": Kind((180, 420), 0.02),
    "High School": Kind((700, 1300), 0.11),
    "Sixth Form College": Kind((350, 700), 0.03),
    "Special School": Kind((60, 130), 0.2),
}


@dataclass(frozen=True, eq=False)
class School:
    """One school; ``organisation`` is empty where the register does not have it."""

    code: str
    organisation: Organisation | None
    kind: Kind
    #: Pupils on roll by the year the academic year begins in, and the term.
    on_roll: dict[tuple[int, str], int]

    @property
    def cut(self) -> Cut | None:
        """The figure that is about the school alone."""
        return None if self.organisation is None else Cut(self.organisation.sector, self.organisation.organisation_id)

    def mention(self, chance: Chance) -> str:
        """What somebody calls it."""
        return self.code if self.organisation is None else self.organisation.mention(chance)


@dataclass(frozen=True)
class Pupil:
    """A pupil who is excluded at some time; ``left`` is the day the school's roll ended, if it did."""

    number: int
    table_id: str
    left: date | None

    @property
    def upn(self) -> str:
        """An invented pupil number, with the invented authority's three digits."""
        return f"B{HOME.old_la_code}{self.number:09d}"


@dataclass(frozen=True)
class Exclusion:
    """One exclusion; two reports of it are equal in ``key``."""

    pupil: Pupil
    school: School
    day: date
    category: str
    sessions: int
    reasons: tuple[str, ...]
    sen_provision: str | None
    record_id: str

    @property
    def key(self) -> tuple[Pupil, School, date, str]:
        """What two reports of the same exclusion share."""
        return self.pupil, self.school, self.day, self.category

    @property
    def year(self) -> int:
        """Calendar year in which its academic year begins."""
        return int(academic_year(self.day)[:4])

    @property
    def term(self) -> str:
        """Term of its first day."""
        return "autumn" if self.day.month >= 9 else "spring" if self.day.month <= 3 else "summer"

    @property
    def sessions_lost(self) -> int:
        """Half-days lost to it as a suspension: one for a lunchtime, none for a permanent exclusion."""
        return {"SUSP": self.sessions, "LNCH": 1, "PERM": 0}[self.category]


@dataclass(frozen=True)
class Census:
    """One census: which days it reports, and when its files arrived."""

    name: str
    first: date
    last: date
    arrived: datetime


@dataclass
class Landed:
    """What should have landed: exclusions by source, and pupils on roll."""

    exclusions: dict[str, dict[tuple[Pupil, School, date, str], Exclusion]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    rolls: dict[tuple[School, int, str], int] = field(default_factory=dict)

    def add(self, dataset: str, exclusions: Iterable[Exclusion]) -> None:
        """Of two reports of one exclusion the later counts."""
        self.exclusions[dataset].update((exclusion.key, exclusion) for exclusion in exclusions)


def write_school_exclusions(
    filing: Filing, tally: Tally, chance: Chance, scale: Scale, organisations: list[Organisation]
) -> None:
    """Write every extract and count what they say together."""
    schools = _schools(chance, scale, organisations)
    years = (BEFORE_ROLLS, EXTRACT_YEAR, *CENSUS_YEARS, JUST_BEGUN)
    exclusions = {year: _of_year(chance, schools, year) for year in years}
    landed = Landed()
    for year in CENSUS_YEARS:
        for census in _censuses(year):
            _write_census(filing, landed, census, exclusions[year])
    _write_extracts(filing, landed, chance, exclusions)
    for year in ROLL_YEARS:
        _write_rolls(filing, landed, chance, schools, year)
    for dataset, found in landed.exclusions.items():
        _count(tally, dataset, list(found.values()), landed.rolls)


# --- the schools and what happens in them --------------------------------------------------------------------------


def _schools(chance: Chance, scale: Scale, organisations: list[Organisation]) -> list[School]:
    """Every school of the register, and for each twelve of them two that are in no register."""
    schools = []
    for organisation in organisations:
        kind = next((kind for name, kind in KINDS.items() if organisation.name.endswith(name)), None)
        if kind is not None:
            schools.append(School(organisation.organisation_id, organisation, kind, _rolls(chance, kind)))
    for number in range(2 * scale.times):
        kind = KINDS["High School" if number % 2 == 0 else "Primary School"]
        schools.append(School(f"{HOME.old_la_code}{4900 + number}", None, kind, _rolls(chance, kind)))
    return schools


def _rolls(chance: Chance, kind: Kind) -> dict[tuple[int, str], int]:
    usual = int(chance.integers(*kind.pupils))
    return {(year, term): usual + int(chance.integers(-9, 10)) for year in ROLL_YEARS for term in TERMS}


def _of_year(chance: Chance, schools: list[School], year: int) -> list[Exclusion]:
    """Every exclusion of an academic year, in the order of their days."""
    level = FALLS ** max(0, year - PROGRAMME_FROM + 1)
    found: dict[tuple[Pupil, School, date, str], Exclusion] = {}
    known: list[Pupil] = []
    for school in schools:
        expected = school.kind.rate * level * next(iter(school.on_roll.values()))
        pupils = [_pupil(chance, year, len(known) + n) for n in range(1 + int(expected * 0.6))]
        # Now and then somebody who was excluded at another school comes to this one.
        if known and chance.random() < CHANGES_SCHOOL * len(pupils):
            pupils.append(pick(chance, known))
        known.extend(pupils)
        for _ in range(int(chance.poisson(expected))):
            exclusion = _exclusion(chance, pick(chance, pupils), school, year)
            found.setdefault(exclusion.key, exclusion)
    return sorted(found.values(), key=lambda e: (e.day, e.school.code, e.pupil.number, e.category))


def _pupil(chance: Chance, year: int, number: int) -> Pupil:
    left = date(year, 10, 1) + timedelta(days=int(chance.integers(250))) if chance.random() < LEAVES else None
    return Pupil(year * 100_000 + number, f"{_hex(chance, 8)}-{_hex(chance, 3)}", left)


def _hex(chance: Chance, digits: int) -> str:
    return f"{int(chance.integers(16**digits)):0{digits}x}"


def _exclusion(chance: Chance, pupil: Pupil, school: School, year: int) -> Exclusion:
    month = pick(chance, list(SEASON), list(SEASON.values()))
    day = date(year if month >= 9 else year + 1, month, 4 + int(chance.integers(16)))
    day -= timedelta(days=max(0, day.weekday() - 4))
    category = pick(chance, list(CATEGORIES), list(CATEGORIES.values()))
    reasons: tuple[str, ...] = OLD_REASONS
    how_many = 1
    if year >= NEW_REASONS_FROM:
        reasons, how_many = NEW_REASONS, 1 + pick(chance, range(3), MORE_REASONS)
    return Exclusion(
        pupil=pupil,
        school=school,
        day=day,
        category=category,
        sessions=1 + min(int(chance.exponential(4)), 29),
        reasons=tuple(reasons[int(n)] for n in chance.choice(len(reasons), how_many, replace=False)),
        sen_provision=pick(chance, list(SEN_PROVISIONS), list(SEN_PROVISIONS.values())),
        record_id=_hex(chance, 8),
    )


# --- the files -----------------------------------------------------------------------------------------------------


def _censuses(year: int) -> tuple[Census, Census, Census]:
    """The three censuses of an academic year; the one of the spring term runs on to Easter."""
    return (
        Census(f"{year}_autumn", date(year, 9, 1), date(year, 12, 31), datetime(year + 1, 1, 30, 11, 5)),
        # Late rows of the autumn term come again.
        Census(
            f"{year + 1}_spring", date(year, REPEATED_FROM, 1), date(year + 1, 4, 10), datetime(year + 1, 5, 29, 11)
        ),
        Census(f"{year + 1}_summer", date(year + 1, 4, 11), date(year + 1, 8, 31), datetime(year + 1, 10, 16, 11, 15)),
    )


#: Column, value and kind of rule of the rows to spoil in the file of pupils on roll.
CENSUS_FLAWS: dict[str, tuple[str, str, str]] = {
    "2022_autumn": ("category_code", "EXCL", "unknown_code"),
    "2023_spring": ("start_date", "2023-Feb-30 00:00:00", "not_a_date"),
    "2024_summer": ("sessions", "", "suspension_has_sessions"),
}
#: The code was still used in this file, four years after it had left the list: reported, and landed all the same.
OUTDATED_REASON = ("2024_autumn", "OT")
#: Files that arrived up to this year write a suspension by its older name.
FIXD_UNTIL = 2023
CENSUS_COLUMNS = (
    "pupil_id", "school_id", "exclusion_id", "order_number", "source_record_id", "start_date", "sessions", "reason_1",
    "reason_2", "reason_3", "category_code", "sen_provision_code",
)  # fmt: skip


def _write_census(filing: Filing, landed: Landed, census: Census, exclusions: list[Exclusion]) -> None:
    reported = [e for e in exclusions if census.first <= e.day <= census.last]
    for off_roll, dataset, name in ((False, CENSUS, "on"), (True, CENSUS_OFF_ROLL, "off")):
        rows = [e for e in reported if _has_left(e.pupil, census) is off_roll]
        lines = [Line(_census_cells(e, census, order), e) for order, e in enumerate(rows, 1)]
        if not off_roll:
            _spoil_census(lines, census)
        found = filing.csv(
            f"school census/{census.name}_termlyexclusions{name}roll.csv", dataset, headers(dataset, CENSUS_COLUMNS),
            lines, census.arrived.replace(minute=census.arrived.minute + off_roll),
        )  # fmt: skip
        landed.add(CENSUS, found)


def _has_left(pupil: Pupil, census: Census) -> bool:
    return pupil.left is not None and pupil.left < census.arrived.date()


def _census_cells(exclusion: Exclusion, census: Census, order: int) -> list[Cell]:
    is_permanent = exclusion.category == "PERM"
    category = exclusion.category
    if category == "SUSP" and census.arrived.year <= FIXD_UNTIL:
        category = "FIXD"
    # The record of a pupil is numbered anew in every file.
    source_record = f"{exclusion.pupil.number * 31 % 10**8:08d}{census.name[-1]}"
    return [
        exclusion.pupil.table_id,
        exclusion.school.code,
        exclusion.record_id,
        order,
        source_record,
        f"{exclusion.day:%Y-%b-%d} 00:00:00",
        None if is_permanent else f"{exclusion.sessions}.0",
        *_three(exclusion.reasons),
        category,
        exclusion.sen_provision,
    ]


def _three(reasons: Sequence[str]) -> list[str | None]:
    return [reasons[n] if n < len(reasons) else None for n in range(3)]


def _spoil_census(lines: list[Line[Exclusion]], census: Census) -> None:
    suspensions = [line for line in lines if line.record.category == "SUSP" and line.record.day.month != REPEATED_FROM]
    if census.name in CENSUS_FLAWS:
        column, value, rule_kind = CENSUS_FLAWS[census.name]
        suspensions[len(suspensions) // 2].spoil(CENSUS_COLUMNS.index(column), value, rule_kind)
    if census.name == OUTDATED_REASON[0]:
        suspensions[0].cells[CENSUS_COLUMNS.index("reason_1")] = OUTDATED_REASON[1]


EXTRACT_COLUMNS = (
    "pupil_id", "pupil_name", "birth_date", "school_id", "category_code", "start_date", "sessions", "reason_1",
    "reason_2", "reason_3", "sen_provision_code",
)  # fmt: skip


@dataclass(frozen=True)
class Extract:
    """One extract of the authority's own: whose rows it holds, the header it uses, and when it arrived."""

    name: str
    year: int
    first: date
    last: date
    others: int
    arrived: datetime


EXTRACTS = (
    Extract("exclusions_2018-19", BEFORE_ROLLS, date(2018, 9, 1), date(2019, 8, 31), 0, datetime(2022, 10, 10, 9, 40)),
    Extract(
        "exclusions_2021-22_to_may", EXTRACT_YEAR, date(2021, 9, 1), date(2022, 5, 13), 1, datetime(2022, 10, 11, 9)
    ),
    # Begins before the other ends, with some sessions corrected.
    Extract(
        "exclusions_2021-22_summer", EXTRACT_YEAR, date(2022, 4, 1), date(2022, 8, 31), 0, datetime(2022, 10, 12, 9)
    ),
    Extract("exclusions_2025-26_so_far", JUST_BEGUN, date(2025, 9, 1), date(2025, 10, 31), 1, datetime(2025, 11, 3, 9)),
)


def _write_extracts(filing: Filing, landed: Landed, chance: Chance, exclusions: dict[int, list[Exclusion]]) -> None:
    seen: set[tuple[Pupil, School, date, str]] = set()
    for extract in EXTRACTS:
        rows = [e for e in exclusions[extract.year] if extract.first <= e.day <= extract.last]
        # What an earlier extract had too was looked into meanwhile, and some of it was longer than first said.
        rows = [replace(e, sessions=e.sessions + 1) if e.key in seen and e.pupil.number % 3 == 0 else e for e in rows]
        seen.update(e.key for e in rows)
        lines = [Line(_extract_cells(chance, e, extract), e) for e in rows]
        if extract.year == EXTRACT_YEAR and extract.others:
            lines[len(lines) // 3].spoil(EXTRACT_COLUMNS.index("reason_1"), "ZZ", "unknown_code")
            lines[2 * len(lines) // 3].spoil(EXTRACT_COLUMNS.index("start_date"), "31/11/2021", "not_a_date")
            # A page was pasted in twice.
            lines += [Line(list(line.cells), line.record, dropped=True) for line in lines[:3]]
        aliases = dict.fromkeys(("pupil_id", "school_id", "category_code", "start_date", "sessions"), extract.others)
        found = filing.csv(
            f"la exclusions/{extract.name}.csv", EXTRACT, headers(EXTRACT, EXTRACT_COLUMNS, **aliases), lines,
            extract.arrived,
        )  # fmt: skip
        landed.add(EXTRACT, found)


def _extract_cells(chance: Chance, exclusion: Exclusion, extract: Extract) -> list[Cell]:
    number = exclusion.pupil.number
    words = {"PERM": "Permanent", "SUSP": "Suspension", "LNCH": "Lunchtime"}
    return [
        exclusion.pupil.upn,
        f"{GIVEN_NAMES[number % len(GIVEN_NAMES)]} {FAMILY_NAMES[number // 8 % len(FAMILY_NAMES)]}",
        f"{date(extract.year - 13, 1, 1) + timedelta(days=number % 1500):%d/%m/%Y}",
        exclusion.school.mention(chance),
        words[exclusion.category] if extract.others else labels(EXTRACT, "category_code")[exclusion.category],
        f"{exclusion.day:%d/%m/%Y}",
        None if exclusion.category == "PERM" else exclusion.sessions,
        *_three(exclusion.reasons),
        exclusion.sen_provision,
    ]


ROLL_COLUMNS = ("school_id", "census_date", "academic_year", "term", "pupils")
CENSUS_DAYS = {"autumn": (0, 10, 5), "spring": (1, 1, 18), "summer": (1, 5, 16)}
#: Of this census one school sent no number.
NOT_COUNTED = (2023, "summer")


def _write_rolls(filing: Filing, landed: Landed, chance: Chance, schools: list[School], year: int) -> None:
    """One file per academic year; from the second on they name a census by its day."""
    lines: list[Line[tuple[School, int, str, int]]] = []
    for term in TERMS:
        years, month, day = CENSUS_DAYS[term]
        by_day: list[Cell] = [f"{date(year + years, month, day):%d/%m/%Y}", None, None]
        by_term: list[Cell] = [None, year_label(year), term.capitalize()]
        for school in schools:
            pupils = school.on_roll[year, term]
            cells: list[Cell] = [
                school.mention(chance), *(by_term if year == ROLL_YEARS[0] else by_day), pupils,
            ]  # fmt: skip
            lines.append(Line(cells, (school, year, term, pupils)))
    if year == NOT_COUNTED[0]:
        largest = max(schools, key=lambda school: school.on_roll[NOT_COUNTED] * school.kind.rate)
        line = next(line for line in lines if line.record[:3] == (largest, *NOT_COUNTED))
        line.spoil(ROLL_COLUMNS.index("pupils"), "n/a", "not_a_number")
    found = filing.csv(
        f"pupils on roll/pupils_on_roll_{year}-{(year + 1) % 100:02d}.csv", ROLL, headers(ROLL, ROLL_COLUMNS), lines,
        datetime(year + 1, 10, 20, 16, 30),
    )  # fmt: skip
    landed.rolls.update({(school, of_year, term): pupils for school, of_year, term, pupils in found})


# --- the truth -----------------------------------------------------------------------------------------------------


def _count(tally: Tally, dataset: str, exclusions: list[Exclusion], rolls: dict[tuple[School, int, str], int]) -> None:
    """Figures of every term and academic year that the source knows from beginning to end."""
    by_term: dict[tuple[int, str], list[Exclusion]] = defaultdict(list)
    for exclusion in exclusions:
        by_term[exclusion.year, exclusion.term].append(exclusion)
    for year in sorted({year for year, _ in by_term}):
        known = [term for term in TERMS if _is_known(by_term[year, term], year, term)]
        whole = [e for term in TERMS for e in by_term[year, term]]
        heard_from = {e.school for e in whole if e.school.cut is not None}
        periods = [(("term", f"{year_label(year)} {term}"), term, by_term[year, term]) for term in known]
        if len(known) == len(TERMS):
            periods.append((("academic_year", year_label(year)), "spring", whole))
        for period, roll_term, of_period in periods:
            on_roll = {school: pupils for (school, y, term), pupils in rolls.items() if (y, term) == (year, roll_term)}
            _count_period(tally, dataset, period, of_period, on_roll, heard_from)


def _is_known(exclusions: list[Exclusion], year: int, term: str) -> bool:
    """Whether the exclusions of a term begin near its beginning and reach its last month."""
    begins_before, reaches = {
        "autumn": (date(year, 11, 1), date(year, 12, 1)),
        "spring": (date(year + 1, 3, 1), date(year + 1, 3, 1)),
        "summer": (date(year + 1, 6, 1), date(year + 1, 7, 1)),
    }[term]
    days = [e.day for e in exclusions]
    return bool(days) and min(days) < begins_before and max(days) >= reaches


def _count_period(
    tally: Tally,
    dataset: str,
    period: tuple[str, str],
    exclusions: list[Exclusion],
    on_roll: dict[School, int],
    heard_from: set[School],
) -> None:
    is_complete = {e.school for e in exclusions} <= on_roll.keys()
    _count_cut(tally, dataset, period, exclusions, sum(on_roll.values()) if is_complete else None, AREA)
    for school in sorted(heard_from, key=lambda s: s.code):
        assert school.cut is not None
        of_school = [e for e in exclusions if e.school is school]
        _count_cut(tally, dataset, period, of_school, on_roll.get(school), school.cut)


def _count_cut(
    tally: Tally, dataset: str, period: tuple[str, str], exclusions: list[Exclusion], on_roll: int | None, cut: Cut
) -> None:
    suspensions = [e for e in exclusions if e.category != "PERM"]

    def add(indicator: str, numerator: int, denominator: int | None) -> None:
        tally.add(indicator, dataset, period, numerator, denominator, cut)

    add("suspension_rate", len(suspensions), on_roll)
    add("permanent_exclusion_rate", len(exclusions) - len(suspensions), on_roll)
    if cut == AREA:
        add("sessions_lost_to_suspension", sum(e.sessions_lost for e in suspensions), on_roll)
    # The census has no number that follows a pupil.
    if dataset == EXTRACT and period[0] == "academic_year":
        times = Counter(e.pupil for e in suspensions)
        add("pupils_suspended", len(times), on_roll)
        if times:
            add("repeat_suspension", sum(n > 1 for n in times.values()), len(times))
