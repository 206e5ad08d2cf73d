"""Three autumn waves of the workforce survey, as Microsoft Forms exports them; the third is sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ingestion.instruments import Instrument, load_instruments
from ingestion.sample.filing import Cell, Filing, Line, headers, labels
from ingestion.sample.organisations import ROLES, Organisation
from ingestion.sample.scale import Chance, Scale, pick
from ingestion.sample.take_up import count_survey
from ingestion.sample.tally import Cut, Tally, levels

DATASET = "workforce_survey"
FOLDER = "workforce survey"
SHEET_COLUMNS = ("ID", "Start time", "Completion time", "Email", "Name")
BEFORE_ITEMS = len(SHEET_COLUMNS) + 2
COMPLETION, ORGANISATION = SHEET_COLUMNS.index("Completion time"), len(SHEET_COLUMNS)
#: Scores from here up count as agreement.
AGREES_FROM = 4

#: What the answers hang on, on one latent scale: the bounds between the five answers, from the lowest.
BOUNDS = np.array([-1.7, -0.8, 0.0, 1.15])
#: Where the items lie at the first wave, and how much a year of the programme moves them.
LOWEST_ITEM, HIGHEST_ITEM = -0.45, 0.55
GAIN_PER_WAVE = 0.24
ROLE_LEVELS = {"leader": 0.35, "manager": 0.12, "practitioner": 0.0, "support": -0.15, "volunteer": 0.1}
UNANSWERED, NOT_SAID_ANSWER, NOT_SAID_ROLE, NOTHING_ANSWERED = 0.025, 0.012, 0.03, 0.012
TAKES_PART = 0.88


@dataclass(frozen=True)
class Wave:
    """One wave: when the form opened and for how many days, and when its export arrived."""

    number: int
    opened: datetime
    days: int
    arrived: datetime


WAVES = (
    Wave(1, datetime(2023, 10, 2, 7), 40, datetime(2023, 11, 20, 10, 5)),
    Wave(2, datetime(2024, 9, 30, 7), 40, datetime(2024, 11, 18, 10, 5)),
    Wave(3, datetime(2025, 9, 15, 7), 30, datetime(2025, 10, 20, 10, 5)),
)
CORRECTION_ARRIVED = datetime(2025, 11, 3, 16, 40)


@dataclass(frozen=True)
class Response:
    """Who answered, from where, and what: a code of the instrument's scale per item, empty where unanswered."""

    organisation: Organisation
    role: str
    answers: tuple[str | None, ...]


@dataclass(frozen=True)
class Climate:
    """What stays the same from wave to wave: how much people agree with each item, and in each organisation."""

    items: np.ndarray
    organisations: dict[Organisation, float]


def write_survey(filing: Filing, tally: Tally, chance: Chance, scale: Scale, organisations: list[Organisation]) -> None:
    """Write the four exports and count what should be in force: the third wave as it was corrected."""
    instrument = load_instruments()["workforce"]
    climate = Climate(
        items=chance.permutation(np.linspace(LOWEST_ITEM, HIGHEST_ITEM, len(instrument.items))),
        organisations=dict(zip(organisations, chance.normal(0, 0.25, len(organisations)).tolist(), strict=True)),
    )
    for wave in WAVES:
        responses = _responses(chance, wave, scale.responses, climate, instrument)
        lines = _lines(chance, wave, responses, instrument)
        if wave.number == 2:
            _spoil(lines)
        name = f"{FOLDER}/Workforce survey wave {wave.number}"
        landed = filing.xlsx(f"{name}.xlsx", DATASET, _header(instrument, wave), lines, wave.arrived)
        if wave is WAVES[-1]:
            corrected = _corrected(chance, wave, lines, climate, instrument)
            landed = filing.xlsx(
                f"{name} (corrected).xlsx", DATASET, _header(instrument, wave), corrected, CORRECTION_ARRIVED
            )
        _count(tally, wave, landed, instrument)
        closed = (wave.opened + timedelta(days=wave.days)).date()
        respondents = [response.organisation for response in landed]
        count_survey(tally, f"workforce wave {wave.number}", closed, respondents, organisations)


def _responses(chance: Chance, wave: Wave, how_many: int, climate: Climate, instrument: Instrument) -> list[Response]:
    invited = [o for o in climate.organisations if o.joined <= wave.opened.date() and chance.random() < TAKES_PART]
    counts = [o.counted_by(wave.opened.date()) or {} for o in invited]
    sizes = np.array([count["total"] for count in counts]) * chance.uniform(0.5, 1.5, len(invited))
    people = chance.choice(len(invited), size=how_many, p=sizes / sizes.sum())
    roles = [pick(chance, ROLES, [counts[at][role] for role in ROLES]) for at in people]
    person_levels = (
        np.array([climate.organisations[invited[at]] for at in people])
        + np.array([ROLE_LEVELS[role] for role in roles])
        + chance.normal(0, 0.65, how_many)
        + GAIN_PER_WAVE * (wave.number - 1)
    )
    answers = _answers(chance, person_levels, climate.items, instrument)
    is_said = chance.random(how_many) >= NOT_SAID_ROLE
    return [
        Response(invited[at], role if said else "not_said", given)
        for at, role, said, given in zip(people, roles, is_said, answers, strict=True)
    ]


def _answers(
    chance: Chance, person_levels: np.ndarray, item_levels: np.ndarray, instrument: Instrument
) -> list[tuple[str | None, ...]]:
    """One tuple per person, one answer code per item."""
    shape = (len(person_levels), len(item_levels))
    latent = person_levels[:, None] + item_levels[None, :] + chance.normal(0, 0.8, shape)
    steps = np.searchsorted(BOUNDS, latent)
    answers = instrument.answers(instrument.items[0])
    scored = sorted((answer for answer in answers if answer.score is not None), key=lambda answer: answer.score or 0)
    codes: list[str | None] = [answer.code for answer in scored]
    unscored = [answer.code for answer in answers if answer.score is None]
    luck = chance.random(shape)
    steps[luck < UNANSWERED + NOT_SAID_ANSWER] = len(codes)
    steps[luck < UNANSWERED] = len(codes) + 1
    steps[chance.random(shape[0]) < NOTHING_ANSWERED] = len(codes) + 1
    choices = [*codes, unscored[0], None]
    return [tuple(choices[step] for step in row) for row in steps.tolist()]


def _header(instrument: Instrument, wave: Wave) -> list[str]:
    """The header row: the first wave asked in the oldest wordings, and the form editor left its marks in some."""
    organisation, role = headers(DATASET, ["organisation_id", "role_code"], organisation_id=wave.number % 2)
    wordings = [item.wordings[-1 if wave.number == 1 else 0] for item in instrument.items]
    return [*SHEET_COLUMNS, organisation, role, *(_as_pasted(text, number) for number, text in enumerate(wordings))]


def _as_pasted(text: str, number: int) -> str:
    """The wording with what pasting into the form editor does to some: fixed spaces, a line break."""
    if number % 5 == 1:
        return text.replace(" ", "\u00a0", 2)
    if number % 5 == 3:
        first, last = text.rsplit(" ", 1)
        return f"{first}\n{last}"
    return f"{text}\u00a0" if number % 5 == 4 else text


def _lines(chance: Chance, wave: Wave, responses: list[Response], instrument: Instrument) -> list[Line[Response]]:
    minutes = np.sort(chance.integers(0, wave.days * 24 * 60, len(responses))).tolist()
    seconds = chance.integers(180, 1500, len(responses)).tolist()
    times = (
        (wave.opened + timedelta(minutes=minute), wave.opened + timedelta(minutes=minute, seconds=second))
        for minute, second in zip(minutes, seconds, strict=True)
    )
    return [
        _line(chance, number, started, completed, response, _words(instrument, wave))
        for number, ((started, completed), response) in enumerate(zip(times, responses, strict=True), 1)
    ]


def _line(
    chance: Chance, number: int, started: datetime, completed: datetime, response: Response, words: dict[str, str]
) -> Line[Response]:
    about: list[Cell] = [number, started, completed, "anonymous", None]
    who = [response.organisation.mention(chance), labels(DATASET, "role_code")[response.role]]
    answers = [None if code is None else words[code] for code in response.answers]
    return Line([*about, *who, *answers], response, dropped=all(code is None for code in response.answers))


def _words(instrument: Instrument, wave: Wave) -> dict[str, str]:
    """Answer code → the label on the form; the first wave's form had older ones."""
    return {
        answer.code: answer.also[0] if answer.also and wave.number == 1 else answer.label
        for answer in instrument.answers(instrument.items[0])
    }


def _spoil(lines: list[Line[Response]]) -> None:
    """One answer, one date and one organisation that cannot be read, each in a row of its own."""
    whole = [line for line in lines if not line.dropped]
    fourth = len(whole) // 4
    whole[fourth].spoil(BEFORE_ITEMS + 10, "Somewhat", "unknown_answer")
    whole[2 * fourth].spoil(COMPLETION, "31/02/2024 10:00:00", "not_a_date")
    misspelt = whole[3 * fourth]
    name = misspelt.record.organisation.name
    misspelt.spoil(ORGANISATION, f"{name[0]}{name[2]}{name[1]}{name[3:]} & Co", "unknown_organisation")


def _corrected(
    chance: Chance, wave: Wave, lines: list[Line[Response]], climate: Climate, instrument: Instrument
) -> list[Line[Response]]:
    """The same wave again: one answer in 25 people put right, and late responses behind the others."""
    words = _words(instrument, wave)
    mended = [
        _mended(chance, line, instrument, words) if not line.dropped and chance.random() < 0.04 else line
        for line in lines
    ]
    late = _responses(chance, wave, len(lines) // 20, climate, instrument)
    opened = wave.opened + timedelta(days=wave.days)
    for number, response in enumerate(late, len(lines) + 1):
        started = opened + timedelta(minutes=7 * (number - len(lines)))
        mended.append(_line(chance, number, started, started + timedelta(minutes=6), response, words))
    return mended


def _mended(chance: Chance, line: Line[Response], instrument: Instrument, words: dict[str, str]) -> Line[Response]:
    item = int(chance.integers(len(instrument.items)))
    answers = instrument.answers(instrument.items[item])
    code = answers[int(chance.integers(len(answers)))].code
    given = (*line.record.answers[:item], code, *line.record.answers[item + 1 :])
    cells = [*line.cells[: BEFORE_ITEMS + item], words[code], *line.cells[BEFORE_ITEMS + item + 1 :]]
    return Line(cells, Response(line.record.organisation, line.record.role, given))


def _count(tally: Tally, wave: Wave, responses: Iterable[Response], instrument: Instrument) -> None:
    """Agreement over scored answers, per item: everyone, sector, organisation, and role."""
    agreed: Counter[tuple[str, Cut]] = Counter()
    scored: Counter[tuple[str, Cut]] = Counter()
    scores = [(item.item_id, instrument.scores(item)) for item in instrument.items]
    for response in responses:
        place = levels(response.organisation.sector, response.organisation.organisation_id)
        cuts = (*place, Cut(breakdown="role", breakdown_value=response.role))
        for code, (item_id, score_of) in zip(response.answers, scores, strict=True):
            score = None if code is None else score_of[code]
            if score is None:
                continue
            for cut in cuts:
                scored[item_id, cut] += 1
                agreed[item_id, cut] += score >= AGREES_FROM
    for (item_id, cut), denominator in scored.items():
        numerator = agreed[item_id, cut]
        tally.add(item_id, DATASET, ("wave", f"workforce wave {wave.number}"), numerator, denominator, cut)
