"""Two logs that organisations keep: sessions with the deep listening tool, and reflective practice and supervision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from ingestion.sample.filing import Cell, Filing, Line, headers, labels
from ingestion.sample.organisations import Organisation
from ingestion.sample.scale import Chance, pick
from ingestion.sample.take_up import count_organisations
from ingestion.sample.tally import Cut, Tally, academic_year, levels, quarter, year_label

DEEP_LISTENING, REFLECTIVE = "deep_listening_log", "reflective_sessions"
FIRST_YEAR, LAST_YEAR = 2022, 2025
#: The last day of the newest log.
LOGGED_UNTIL = date(2025, 10, 31)
#: Months with sessions, by their distance from September; none in August.
SESSION_MONTHS = (0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 9, 9, 10)

#: Share of organisations that use the tool in the first year, and how much every year adds.
USES, MORE_PER_YEAR = 0.15, 0.13
THEMES = (
    "being believed; waiting", "moving home; school", "trust", "having a say; waiting", "feeling safe at school",
    "family time",
)  # fmt: skip
LISTENERS = ("A. Testwood", "B. Mockley", "C. Sampleford")
NOTHING_HELD = 0.06

#: Share of organisations that record reflective sessions in the first year, and how much every year adds.
RECORDS, MORE_RECORD_PER_YEAR = 0.35, 0.1
KIND_WEIGHTS = {
    "reflective_practice": 4.0,
    "group_supervision": 3.0,
    "individual_supervision": 2.0,
    "coaching": 1.0,
    "debrief": 1.0,
}
TEAMS = ("Early help", "Duty team", "Pastoral team", "Outreach", "Night staff")


@dataclass(frozen=True)
class Entry:
    """One row of a log: sessions of one kind, of one organisation on one day, logged or held by one person or team."""

    day: date
    organisation: Organisation
    #: Who logged it, or which team met.
    who: str
    sessions: int
    kind: str = ""

    @property
    def key(self) -> tuple[date, str, str, str]:
        """What two reports of the same entry share."""
        return self.day, self.organisation.organisation_id, self.kind, self.who


def write_deep_listening(filing: Filing, tally: Tally, chance: Chance, organisations: list[Organisation]) -> None:
    """Write the log year by year, the last whole year twice, and count what is in force."""
    leaning = {o: float(chance.random()) for o in organisations}
    in_force: dict[tuple[date, str, str, str], Entry] = {}
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        share = USES + MORE_PER_YEAR * (year - FIRST_YEAR)
        users = [o for o, lean in leaning.items() if lean < share and o.joined < date(year, 11, 1)]
        entries = _entries(chance, year, users, mean=5)
        lines = [_listening_line(chance, entry, year) for entry in entries]
        if year == FIRST_YEAR + 1:
            _spoil(lines, sessions_at=2, organisation_at=1)
        name = f"deep_listening/deep_listening_log_{year_label(year).replace('/', '-')}"
        landed = filing.csv(f"{name}.csv", DEEP_LISTENING, _listening_header(year), lines, _arrived(year))
        in_force.update((entry.key, entry) for entry in landed)
        if year == LAST_YEAR - 1:
            again = [_listening_line(chance, entry, year) for entry in _put_right(chance, entries, users, year)]
            later = _arrived(year) + timedelta(days=60)
            landed = filing.csv(f"{name} (complete).csv", DEEP_LISTENING, _listening_header(year), again, later)
            in_force.update((entry.key, entry) for entry in landed)
    _count_sessions(tally, "deep_listening_sessions", DEEP_LISTENING, in_force.values())
    for year in range(FIRST_YEAR, LAST_YEAR):
        label = year_label(year)
        users_then = {e.organisation for e in in_force.values() if e.sessions and academic_year(e.day) == label}
        count_organisations(
            tally, "deep_listening_take_up", DEEP_LISTENING, ("academic_year", label), date(year + 1, 8, 31),
            users_then, organisations,
        )  # fmt: skip


def write_reflective(filing: Filing, tally: Tally, chance: Chance, organisations: list[Organisation]) -> None:
    """Write the log of reflective practice and supervision year by year and count it."""
    leaning = {o: float(chance.random()) for o in organisations}
    in_force: dict[tuple[date, str, str, str], Entry] = {}
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        share = RECORDS + MORE_RECORD_PER_YEAR * (year - FIRST_YEAR)
        recording = [o for o, lean in leaning.items() if lean < share and o.joined < date(year, 11, 1)]
        entries = _entries(chance, year, recording, mean=8, kinds=True)
        lines = [_reflective_line(chance, entry, year) for entry in entries]
        if year == LAST_YEAR - 1:
            _spoil(lines, sessions_at=3, organisation_at=1)
        name = f"reflective_practice/reflective_log_{year_label(year).replace('/', '-')}"
        write = filing.csv if year < LAST_YEAR else filing.xlsx
        suffix = "csv" if year < LAST_YEAR else "xlsx"
        landed = write(f"{name}.{suffix}", REFLECTIVE, _reflective_header(year), lines, _arrived(year))
        in_force.update((entry.key, entry) for entry in landed)
    _count_sessions(tally, "reflective_sessions", REFLECTIVE, in_force.values())


def _arrived(year: int) -> datetime:
    return datetime(2025, 11, 6, 11, 20) if year == LAST_YEAR else datetime(year + 1, 7, 25, 11, 20)


def _entries(
    chance: Chance, year: int, organisations: Sequence[Organisation], mean: float, kinds: bool = False
) -> list[Entry]:
    """The year's entries by day; no two have the same key, and the last of a whole year lies in its July."""
    entries: dict[tuple[date, str, str, str], Entry] = {}
    for at, organisation in enumerate(organisations):
        for number in range(1 + int(chance.poisson(mean))):
            distance = SESSION_MONTHS[-1] if at == number == 0 else pick(chance, SESSION_MONTHS)
            entry = _entry(chance, year, distance, organisation, kinds)
            if entry.day <= LOGGED_UNTIL and organisation.joined <= entry.day:
                entries.setdefault(entry.key, entry)
    return sorted(entries.values(), key=lambda e: e.key)


def _entry(chance: Chance, year: int, distance: int, organisation: Organisation, kinds: bool) -> Entry:
    years, zero_based = divmod(8 + distance, 12)
    day = date(year + years, zero_based + 1, int(chance.integers(3, 24)))
    day -= timedelta(days=max(0, day.weekday() - 4))
    if kinds:
        kind = pick(chance, list(KIND_WEIGHTS), list(KIND_WEIGHTS.values()))
        return Entry(day, organisation, pick(chance, TEAMS), 1 + int(chance.random() < 0.25), kind)
    held = 0 if chance.random() < NOTHING_HELD else 1 + int(chance.poisson(0.8))
    return Entry(day, organisation, pick(chance, LISTENERS), held)


def _listening_header(year: int) -> list[str]:
    columns = ["session_date", "organisation_id", "sessions", "themes", "logged_by"]
    others = {"session_date": 1, "organisation_id": 2, "sessions": 1} if year == FIRST_YEAR else {}
    return headers(DEEP_LISTENING, columns, **others)


def _listening_line(chance: Chance, entry: Entry, year: int) -> Line[Entry]:
    written = f"{entry.day:%Y-%m-%d}" if year == FIRST_YEAR else f"{entry.day:%d/%m/%Y}"
    themes = pick(chance, THEMES) if entry.sessions else None
    return Line([written, entry.organisation.mention(chance), entry.sessions, themes, entry.who], entry)


def _reflective_header(year: int) -> list[str]:
    columns = ["session_date", "organisation_id", "session_kind", "sessions", "group_name", "facilitator"]
    others = {"session_kind": 1, "sessions": 1, "group_name": 1} if year % 2 else {}
    return headers(REFLECTIVE, columns, **others)


def _reflective_line(chance: Chance, entry: Entry, year: int) -> Line[Entry]:
    day: Cell = f"{entry.day:%d %b %Y}" if year == FIRST_YEAR else f"{entry.day:%d/%m/%Y}"
    if year == LAST_YEAR:
        day = datetime(entry.day.year, entry.day.month, entry.day.day)
    # Most leave the number empty where it is one.
    number = None if entry.sessions == 1 and chance.random() < 0.7 else entry.sessions
    kind = labels(REFLECTIVE, "session_kind")[entry.kind]
    return Line([day, entry.organisation.mention(chance), kind, number, entry.who, "Dr Figmenton"], entry)


def _spoil(lines: list[Line[Entry]], sessions_at: int, organisation_at: int) -> None:
    fourth = len(lines) // 4
    lines[fourth].spoil(sessions_at, "a few", "not_a_number")
    lines[2 * fourth].spoil(sessions_at, "-1", "minimum")
    lines[3 * fourth].spoil(organisation_at, "Nonesuch Listening Post", "unknown_organisation")


def _put_right(chance: Chance, entries: list[Entry], users: Sequence[Organisation], year: int) -> list[Entry]:
    """The same log again: some numbers put right, and late entries behind the others."""
    mended = [replace(e, sessions=e.sessions + 1) if chance.random() < 0.08 else e for e in entries]
    known = {entry.key for entry in entries}
    return mended + [late for late in _entries(chance, year, users[::4], mean=1) if late.key not in known]


def _count_sessions(tally: Tally, indicator_id: str, dataset: str, entries: Iterable[Entry]) -> None:
    held: Counter[tuple[str, Cut]] = Counter()
    for entry in entries:
        cuts = list(levels(entry.organisation.sector, entry.organisation.organisation_id))
        if entry.kind:
            cuts.append(Cut(breakdown="session_kind", breakdown_value=entry.kind))
        for cut in cuts:
            held[quarter(entry.day), cut] += entry.sessions
    tally.add_counter(indicator_id, dataset, "quarter", held)
