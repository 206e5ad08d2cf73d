"""The log of events: one row per event, busy in autumn and spring, quiet in summer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingestion.sample.filing import Filing, Line, headers, labels
from ingestion.sample.organisations import Organisation
from ingestion.sample.scale import Chance, Scale, pick
from ingestion.sample.tally import AREA, Cut, Tally, month

DATASET = "events"
FIRST_MONTH, MONTHS = (2023, 9), 26
ARRIVED = datetime(2025, 11, 4, 8, 30)

#: Events against an average month; nothing is held in August.
SEASON = {1: 1.0, 2: 1.1, 3: 1.4, 4: 0.7, 5: 1.1, 6: 1.2, 7: 0.6, 8: 0.0, 9: 1.0, 10: 1.5, 11: 1.5, 12: 0.6}
#: Kind of event → what it is called, and how many come to it on average.
KINDS = {
    "conference": (("Annual conference", "Practice conference"), 90),
    "briefing": (("Leaders' briefing", "Briefing on the pledge"), 24),
    "workshop": (("Language that heals", "Safe environments", "Listening well"), 16),
    "network_meeting": (("Champions' network", "Sector sub-group"), 14),
    "webinar": (("Lunchtime webinar", "Understanding secondary trauma"), 38),
}
KIND_WEIGHTS = (0.05, 0.2, 0.3, 0.25, 0.2)
#: Share of events that are for every sector together.
FOR_ALL = 0.25


@dataclass(frozen=True)
class Event:
    """An event that was held."""

    day: date
    title: str
    kind: str
    sector: str
    host: Organisation
    attendance: int


def write_events(filing: Filing, tally: Tally, chance: Chance, scale: Scale, hosts: list[Organisation]) -> None:
    """Write the log with two rows whose attendance is no number of people, and count what is left."""
    events = _make(chance, scale, hosts)
    columns = ["event_date", "title", "event_type", "sector_code", "organisation_id", "attendance"]
    kinds, sectors = labels(DATASET, "event_type"), labels(DATASET, "sector_code")
    lines: list[Line[Event]] = [
        Line([f"{e.day:%d/%m/%Y}", e.title, kinds[e.kind], sectors[e.sector], e.host.mention(chance), e.attendance], e)
        for e in events
    ]
    lines[len(lines) // 3].spoil(5, "-12", "minimum")
    lines[len(lines) // 2].spoil(5, "about 40", "not_a_number")
    _count(tally, filing.csv("events/event_log.csv", DATASET, headers(DATASET, columns), lines, ARRIVED))


def _make(chance: Chance, scale: Scale, hosts: list[Organisation]) -> list[Event]:
    """Events by day; no two have the same day, title and host."""
    events: dict[tuple[date, str, str], Event] = {}
    for number in range(MONTHS):
        year, zero_based = divmod(FIRST_MONTH[0] * 12 + FIRST_MONTH[1] - 1 + number, 12)
        growth = 1 + 0.25 * number / MONTHS
        for _ in range(int(chance.poisson(scale.events_per_month * SEASON[zero_based + 1] * growth))):
            event = _one(chance, date(year, zero_based + 1, 1), hosts)
            events.setdefault((event.day, event.title.lower(), event.host.organisation_id), event)
    return sorted(events.values(), key=lambda e: (e.day, e.title, e.host.organisation_id))


def _one(chance: Chance, first_of_month: date, hosts: list[Organisation]) -> Event:
    day = first_of_month + timedelta(days=int(chance.integers(28)))
    if day.weekday() >= 5:
        day -= timedelta(days=min(2, day.day - 1))
    host = pick(chance, [host for host in hosts if host.joined <= day])
    kind = pick(chance, list(KINDS), KIND_WEIGHTS)
    titles, usual = KINDS[kind]
    sector = "all_sectors" if kind == "conference" or chance.random() < FOR_ALL else host.sector
    return Event(day, pick(chance, titles), kind, sector, host, int(chance.poisson(usual)))


def _count(tally: Tally, events: list[Event]) -> None:
    held: Counter[tuple[str, Cut]] = Counter()
    attended: Counter[tuple[str, Cut]] = Counter()
    for event in events:
        for cut in (AREA, Cut(event.sector)):
            held[month(event.day), cut] += 1
            attended[month(event.day), cut] += event.attendance
    tally.add_counter("events_held", DATASET, "month", held)
    tally.add_counter("event_attendances", DATASET, "month", attended)
