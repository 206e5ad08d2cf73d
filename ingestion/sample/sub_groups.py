"""Attendance lists of the sector sub-groups, one file per academic year; one year is sent twice, put right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingestion.sample.filing import Filing, Line, headers, labels
from ingestion.sample.organisations import Organisation
from ingestion.sample.scale import Chance, pick
from ingestion.sample.take_up import count_organisations
from ingestion.sample.tally import Tally, academic_year, year_label

DATASET = "sector_group_attendance"
#: The years of the lists, by the calendar year each begins in; the last has only just begun.
FIRST_YEAR, LAST_YEAR = 2022, 2025
#: Months of a sub-group's meetings, by their distance from September.
MEETING_MONTHS = (1, 3, 5, 7, 9)
#: Share of organisations that mean to come when the sub-groups begin, and how much every year adds.
KEEN, KEENER_PER_YEAR = 0.3, 0.14
#: Of the keen, how many come to a meeting, and send apologies where they do not; how many bring a second person.
COMES, APOLOGISES, BRINGS_ANOTHER = 0.7, 0.5, 0.2
CORRECTED_YEAR = 2024
GIVEN_NAMES = ("Robin", "Sky", "Rowan", "Linden", "Sage", "Wren")
FAMILY_NAMES = ("Mockley", "Trialby", "Specimore", "Inventley")


@dataclass(frozen=True)
class Seat:
    """A person who was expected at a meeting, and whether they came."""

    day: date
    group: str
    organisation: Organisation
    person: str
    came: bool

    @property
    def key(self) -> tuple[date, str, str, str]:
        """What two reports of the same seat share."""
        return self.day, self.group, self.organisation.organisation_id, self.person


def write_sub_groups(filing: Filing, tally: Tally, chance: Chance, organisations: list[Organisation]) -> None:
    """Write a list per academic year and count the organisations that came: of two reports of a seat, the later."""
    leaning = {o: float(chance.random()) for o in organisations}
    in_force: dict[tuple[date, str, str, str], Seat] = {}
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        seats = _of_one_year(chance, year, leaning)
        lines = [_line(chance, seat, year) for seat in seats]
        if year == FIRST_YEAR + 1:
            _spoil(lines)
        name, arrived = f"sub_groups/attendance_{year_label(year).replace('/', '-')}", _arrived(year)
        landed = filing.csv(f"{name}.csv", DATASET, _header(year), lines, arrived)
        in_force.update((seat.key, seat) for seat in landed)
        if year == CORRECTED_YEAR:
            again = [_line(chance, seat, year) for seat in _put_right(chance, seats)]
            landed = filing.csv(f"{name} (corrected).csv", DATASET, _header(year), again, arrived + timedelta(days=45))
            in_force.update((seat.key, seat) for seat in landed)
    _count(tally, in_force.values(), organisations)


def _arrived(year: int) -> datetime:
    return datetime(2025, 11, 5, 9, 15) if year == LAST_YEAR else datetime(year + 1, 7, 18, 9, 15)


def _of_one_year(chance: Chance, year: int, leaning: dict[Organisation, float]) -> list[Seat]:
    """Seats by day and group; those of a meeting after the last list was sent are left out."""
    seats: list[Seat] = []
    keen = KEEN + KEENER_PER_YEAR * (year - FIRST_YEAR)
    for sector, group in _groups().items():
        members = [o for o, lean in leaning.items() if o.sector == sector and lean < keen]
        for distance in MEETING_MONTHS:
            years, zero_based = divmod(8 + distance, 12)
            day = date(year + years, zero_based + 1, int(chance.integers(3, 24)))
            day -= timedelta(days=max(0, day.weekday() - 4))
            if day < _arrived(year).date():
                seats.extend(s for o in members if o.joined <= day for s in _of_one_meeting(chance, day, group, o))
    return sorted(seats, key=lambda s: s.key)


def _groups() -> dict[str, str]:
    """Sector → its sub-group."""
    sectors = labels("organisations", "sector_code")
    return {code: f"{label} sub-group" for code, label in sectors.items()}


def _of_one_meeting(chance: Chance, day: date, group: str, organisation: Organisation) -> Iterable[Seat]:
    came = bool(chance.random() < COMES)
    if not came and chance.random() >= APOLOGISES:
        return []
    people = 2 if came and chance.random() < BRINGS_ANOTHER else 1
    names = [f"{given} {pick(chance, FAMILY_NAMES)}" for given in chance.permutation(GIVEN_NAMES)[:people].tolist()]
    return [Seat(day, group, organisation, name, came) for name in names]


def _header(year: int) -> list[str]:
    """The first list of all was kept under other headers."""
    columns = ["meeting_date", "sub_group", "organisation_id", "attended", "representative", "email"]
    others = {"meeting_date": 1, "sub_group": 1, "attended": 1} if year == FIRST_YEAR else {}
    return headers(DATASET, columns, **others)


def _line(chance: Chance, seat: Seat, year: int) -> Line[Seat]:
    written = f"{seat.day:%d/%m/%y}" if year == FIRST_YEAR else f"{seat.day:%d/%m/%Y}"
    # Who kept the first list wrote nothing behind those who came.
    came = None if year == FIRST_YEAR else "Yes"
    address = f"{seat.person.lower().replace(' ', '.')}@partner.example"
    named = seat.organisation.mention(chance)
    return Line([written, seat.group, named, came if seat.came else "Apologies", seat.person, address], seat)


def _spoil(lines: list[Line[Seat]]) -> None:
    third = len(lines) // 3
    lines[third].spoil(0, "31/11/2023", "not_a_date")
    lines[2 * third].spoil(2, "The Nonesuch Forum", "unknown_organisation")


def _put_right(chance: Chance, seats: list[Seat]) -> list[Seat]:
    """The same list again: of a few who were noted as having come it turned out that they had not."""
    return [
        Seat(s.day, s.group, s.organisation, s.person, came=False) if s.came and chance.random() < 0.1 else s
        for s in seats
    ]


def _count(tally: Tally, seats: Iterable[Seat], organisations: list[Organisation]) -> None:
    """Every academic year whose list is whole."""
    came: dict[str, set[Organisation]] = {}
    for seat in seats:
        came.setdefault(academic_year(seat.day), set())
        if seat.came:
            came[academic_year(seat.day)].add(seat.organisation)
    for year in range(FIRST_YEAR, LAST_YEAR):
        label = year_label(year)
        count_organisations(
            tally, "organisations_in_sector_groups", DATASET, ("academic_year", label), date(year + 1, 8, 31),
            came[label], organisations,
        )  # fmt: skip
