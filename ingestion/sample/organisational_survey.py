"""Two waves of the organisational survey: from Qualtrics with three header rows, then from Jisc Online Surveys.

Some organisations answer twice in a wave: their latest response counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ingestion.instruments import Instrument, load_instruments
from ingestion.sample.filing import Cell, Filing, Line, headers
from ingestion.sample.organisations import Organisation
from ingestion.sample.questionnaires import among, answer, count_answers, moments, scored_codes, words
from ingestion.sample.scale import Chance
from ingestion.sample.tally import AREA, Cut, Tally

DATASET = "organisational_survey"
FOLDER = "organisational survey"
CHOICES = "org22"

#: Between no and partly, and partly and yes; between the stages of the journey.
EXTENT_BOUNDS, STAGE_BOUNDS = (-0.35, 0.45), (-1.0, -0.2, 0.6, 1.5)
GAIN_PER_WAVE, SPREAD = 0.45, 0.6
DOES_NOT_KNOW, ANSWERS_TWICE, LEAVES_EARLY = 0.03, 0.1, 0.06
PREVIEWS = 3


@dataclass(frozen=True)
class Wave:
    """One wave: when the form opened and for how many days, and when its export arrived."""

    number: int
    opened: datetime
    days: int
    arrived: datetime
    takes_part: float


WAVES = (
    Wave(1, datetime(2024, 2, 5, 8), 30, datetime(2024, 3, 11, 9, 20), 0.7),
    Wave(2, datetime(2025, 2, 3, 8), 28, datetime(2025, 3, 10, 11, 45), 0.82),
)
#: What Qualtrics calls its own columns, and what it writes below.
QUALTRICS = {
    "StartDate": "Start Date", "EndDate": "End Date", "Status": "Response Type", "IPAddress": "IP Address",
    "Progress": "Progress", "Duration (in seconds)": "Duration (in seconds)", "Finished": "Finished",
    "RecordedDate": "Recorded Date", "ResponseId": "Response ID", "RecipientLastName": "Recipient Last Name",
    "RecipientFirstName": "Recipient First Name", "RecipientEmail": "Recipient Email",
    "ExternalReference": "External Data Reference", "LocationLatitude": "Location Latitude",
    "LocationLongitude": "Location Longitude", "DistributionChannel": "Distribution Channel",
    "UserLanguage": "User Language",
}  # fmt: skip
JISC_STEM = "604213-604196-1"


@dataclass(frozen=True)
class Response:
    """What one organisation said at one moment: a code per item, several where several may be chosen."""

    organisation: Organisation
    completed: datetime
    answers: dict[str, str | None]
    choices: tuple[str, ...]


def write_organisational_survey(
    filing: Filing, tally: Tally, chance: Chance, organisations: list[Organisation]
) -> None:
    """Write both waves and count one response per organisation of each: the latest that is good."""
    instrument = load_instruments()["organisational"]
    maturity = dict(zip(organisations, chance.normal(0, SPREAD, len(organisations)).tolist(), strict=True))
    ease = dict(
        zip((i.item_id for i in instrument.items), chance.normal(0, 0.5, len(instrument.items)).tolist(), strict=True)
    )
    for wave in WAVES:
        responses = _responses(chance, wave, maturity, ease, instrument)
        write = _write_qualtrics if wave.number == 1 else _write_jisc
        _count(tally, wave, write(filing, chance, wave, responses, instrument), instrument)


def _responses(
    chance: Chance, wave: Wave, maturity: dict[Organisation, float], ease: dict[str, float], instrument: Instrument
) -> list[Response]:
    """Responses in the order of their completion; who answers twice has come further by the second time."""
    once = among(chance, maturity, wave.opened, wave.takes_part)
    twice = [organisation for organisation in once if chance.random() < ANSWERS_TWICE]
    everyone = [*once, *twice]
    order = chance.permutation(len(everyone)).tolist()
    completed = moments(chance, wave.opened, wave.days, len(everyone))
    return [
        _response(
            chance, everyone[at], moment, maturity[everyone[at]] + GAIN_PER_WAVE * (wave.number - 1), ease, instrument
        )
        for at, moment in zip(order, completed, strict=True)
    ]


def _response(
    chance: Chance,
    organisation: Organisation,
    completed: datetime,
    level: float,
    ease: dict[str, float],
    instrument: Instrument,
) -> Response:
    answers: dict[str, str | None] = {}
    for item in instrument.items:
        if item.choose_many:
            continue
        bounds = STAGE_BOUNDS if item.scales == ["stage"] else EXTENT_BOUNDS
        answers[item.item_id] = answer(chance, level + ease[item.item_id], bounds, scored_codes(instrument, item))
        if item.scales != ["stage"] and chance.random() < DOES_NOT_KNOW:
            answers[item.item_id] = "not_known"
    offered = [change.code for change in instrument.scales["changes"] if change.code != "nothing"]
    chosen = tuple(code for code in offered if chance.random() < 0.35) or ("nothing",)
    return Response(organisation, completed, answers, chosen)


def _superseded(lines: list[Line[Response]]) -> None:
    """Mark the good responses that a later good one of the same organisation takes the place of."""
    latest: dict[Organisation, Line[Response]] = {}
    for line in sorted((line for line in lines if line.lands), key=lambda line: line.record.completed):
        if (earlier := latest.get(line.record.organisation)) is not None:
            earlier.dropped = True
        latest[line.record.organisation] = line


def _write_qualtrics(
    filing: Filing, chance: Chance, wave: Wave, responses: list[Response], instrument: Instrument
) -> list[Response]:
    """Three header rows; previews from before the form opened, and responses that nobody finished."""
    names, texts = _qualtrics_questions(instrument)
    about = [headers(DATASET, ["organisation_id"])[0], *texts]
    ids = [f'{{"ImportId":"{name[0].lower()}{name[1:]}"}}' for name in QUALTRICS]
    ids += [f'{{"ImportId":"QID{number}"}}' for number in range(1, len(names) + 2)]
    lines: list[Line[Response]] = []
    for number in range(PREVIEWS):
        tried = replace(responses[number], completed=wave.opened - timedelta(hours=2 + number))
        lines.append(_qualtrics_line(chance, tried, instrument, "Survey Preview", finished=True))
    for response in responses:
        if chance.random() < LEAVES_EARLY:
            begun = replace(response, answers=dict(list(response.answers.items())[:6]), choices=())
            lines.append(_qualtrics_line(chance, begun, instrument, "IP Address", finished=False))
        lines.append(_qualtrics_line(chance, response, instrument, "IP Address", finished=True))
    _superseded(lines)
    header_rows = [[*QUALTRICS, "Q1", *names], [*QUALTRICS.values(), *about], ids]
    return filing.export(
        f"{FOLDER}/Organisational survey wave {wave.number}.csv", DATASET, header_rows, lines, wave.arrived,
        encoding="utf-8-sig",
    )  # fmt: skip


def _qualtrics_questions(instrument: Instrument) -> tuple[list[str], list[str]]:
    """Names and older texts of the columns of answers: two grids, and a column for each thing that may be chosen."""
    names, texts = [], []
    for number, item in enumerate(instrument.items, 1):
        if item.choose_many:
            for place, option in enumerate(instrument.answers(item), 1):
                names.append(f"Q{number}_{place}")
                texts.append(f"{item.wordings[-1]} - {option.label}")
        else:
            grid = item.grid[-1] if item.grid else "Thinking of your organisation,\nhow far is this so?"
            names.append(f"Q{number}")
            texts.append(f"{grid} - {item.wordings[-1]}")
    return names, texts


def _qualtrics_line(
    chance: Chance, response: Response, instrument: Instrument, status: str, finished: bool
) -> Line[Response]:
    seconds = int(chance.integers(300, 2400))
    started = response.completed - timedelta(seconds=seconds)
    about: list[Cell] = [
        f"{started:%Y-%m-%d %H:%M:%S}", f"{response.completed:%Y-%m-%d %H:%M:%S}", status,
        f"192.0.2.{int(chance.integers(1, 255))}", "100" if finished else "24", str(seconds), str(finished),
        f"{response.completed:%Y-%m-%d %H:%M:%S}", f"R_{int(chance.integers(1 << 48)):012x}", "", "", "", "", "", "",
        "anonymous", "EN",
    ]  # fmt: skip
    said: list[Cell] = [response.organisation.mention(chance)]
    for item in instrument.items:
        labels = words(instrument, item, older=True)
        if item.choose_many:
            said += [label if code in response.choices else None for code, label in labels.items()]
        else:
            code = response.answers.get(item.item_id)
            said.append(None if code is None else labels[code])
    is_kept = finished and status != "Survey Preview"
    return Line([*about, *said], response, dropped=not is_kept)


def _write_jisc(
    filing: Filing, chance: Chance, wave: Wave, responses: list[Response], instrument: Instrument
) -> list[Response]:
    """One header row of numbered questions; one name and one answer that nobody can read."""
    header = [
        "Unique Response Number",
        "Completed",
        f"1. {headers(DATASET, ['organisation_id'], organisation_id=1)[0]}",
    ]
    grids = [item for item in instrument.items if item.grid]
    for number, item in enumerate(instrument.items, 2):
        # The statements of a grid share its number.
        place = grids.index(item) + 1 if item.grid else 0
        header.append(f"{number - place + 1}.{place}. {item.wordings[0]}" if place else f"{number}. {item.wordings[0]}")
    lines = [
        Line(_jisc_cells(chance, number, response, instrument), response)
        for number, response in enumerate(responses, 1)
    ]
    names = [line.record.organisation for line in lines]
    alone = [line for line in lines if names.count(line.record.organisation) == 1]
    misspelt = alone[len(alone) // 3]
    name = misspelt.record.organisation.name
    misspelt.spoil(2, f"{name[0]}{name[2]}{name[1]}{name[3:]} & Co", "unknown_organisation")
    alone[2 * len(alone) // 3].spoil(3 + 4, "Mostly", "unknown_answer")
    _superseded(lines)
    return filing.csv(f"{FOLDER}/Organisational survey wave {wave.number}.csv", DATASET, header, lines, wave.arrived)


def _jisc_cells(chance: Chance, number: int, response: Response, instrument: Instrument) -> list[Cell]:
    cells: list[Cell] = [
        f"{JISC_STEM}{number:07d}", f"{response.completed:%d/%m/%Y %H:%M:%S}", response.organisation.mention(chance)
    ]  # fmt: skip
    for item in instrument.items:
        labels = words(instrument, item)
        if item.choose_many:
            cells.append(", ".join(labels[code] for code in response.choices))
        else:
            code = response.answers[item.item_id]
            cells.append(None if code is None else labels[code])
    return cells


def _count(tally: Tally, wave: Wave, responses: list[Response], instrument: Instrument) -> None:
    """Yes, or stage 3 or 4, out of every organisation that answered, not knowing included: area and sector.

    Of a stage of the journey also each organisation, and how many have come as far as each of its four steps.
    """
    stages = {item.item_id for item in instrument.items if item.scales == ["stage"]}
    answers: list[tuple[str, tuple[Cut, ...], bool]] = []
    for response in responses:
        sector, organisation_id = response.organisation.sector, response.organisation.organisation_id
        for item_id, code in response.answers.items():
            if code is None or code == "prefer_not_to_say":
                continue
            places: tuple[Cut, ...] = (AREA, Cut(sector))
            if item_id not in stages:
                answers.append((item_id, places, code == "yes"))
                continue
            places = (*places, Cut(sector, organisation_id))
            stage = int(code.removeprefix("stage_"))
            answers.append((item_id, places, stage >= 3))
            for step in range(1, 5):
                reached = tuple(
                    place._replace(breakdown="stage_reached", breakdown_value=str(step)) for place in places
                )
                answers.append((item_id, reached, stage >= step))
    count_answers(tally, DATASET, ("wave", f"organisational wave {wave.number}"), answers)
