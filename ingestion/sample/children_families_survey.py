"""Three waves of the children and families survey, each from another tool; the third is sent again with late answers.

SurveyMonkey with two header rows, then Google Forms without an id, then Microsoft Forms as CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from ingestion.instruments import Instrument, load_instruments
from ingestion.sample.filing import Cell, Filing, Line, headers, labels
from ingestion.sample.organisations import Organisation
from ingestion.sample.questionnaires import among, answer, count_answers, is_top_two, moments, scored_codes, words
from ingestion.sample.scale import Chance, Scale, pick
from ingestion.sample.take_up import count_organisations
from ingestion.sample.tally import Cut, Tally, levels

DATASET = "children_families_survey"
FOLDER = "children and families survey"
BOUNDS = (-1.9, -1.0, -0.1, 1.0)
GAIN_PER_WAVE, SPREAD_OF_SERVICES, SPREAD_OF_PEOPLE = 0.2, 0.25, 0.6
KINDS, KIND_WEIGHTS = ("child", "carer", "other", "not_said", None), (0.44, 0.45, 0.03, 0.03, 0.05)
#: Children find it a little harder than those who care for them.
KIND_LEVELS = {"child": -0.1, "carer": 0.08}
NOTHING_ANSWERED, SENT_TWICE = 0.015, 0.02
FREQUENCY, AGREEMENT = 0, 1
#: Statements that SurveyMonkey's form asks in one grid; the last but one has a column for each answer.
IN_GRID = 12


@dataclass(frozen=True)
class Wave:
    """One wave: when the form opened and for how many days, when its export arrived, and which scale it offered."""

    number: int
    opened: datetime
    days: int
    arrived: datetime
    scale: int
    uses_it: float

    @property
    def name(self) -> str:
        """Path of its export, without the ending."""
        return f"{FOLDER}/Children and families wave {self.number}"


WAVES = (
    Wave(1, datetime(2024, 5, 13, 8), 35, datetime(2024, 6, 24, 14, 10), FREQUENCY, 0.45),
    Wave(2, datetime(2025, 5, 12, 8), 35, datetime(2025, 6, 23, 14, 10), AGREEMENT, 0.55),
    Wave(3, datetime(2025, 10, 1, 8), 21, datetime(2025, 10, 24, 14, 10), FREQUENCY, 0.62),
)
CORRECTION_ARRIVED = datetime(2025, 11, 3, 12, 5)
MONKEY = (
    "Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address", "First Name", "Last Name",
    "Custom Data 1",
)  # fmt: skip
FORMS = ("ID", "Start time", "Completion time", "Email", "Name")


@dataclass(frozen=True)
class Response:
    """Who answered about which service, when, and what: a code per item, empty where unanswered."""

    organisation: Organisation
    kind: str | None
    completed: datetime
    answers: tuple[str | None, ...]

    @property
    def is_empty(self) -> bool:
        """Whether it answers none of the statements."""
        return all(code is None for code in self.answers)


def write_families_survey(
    filing: Filing, tally: Tally, chance: Chance, scale: Scale, organisations: list[Organisation]
) -> None:
    """Write the four exports and count what should be in force: the third wave as it was sent again."""
    instrument = load_instruments()["children_families"]
    services = dict(zip(organisations, chance.normal(0, SPREAD_OF_SERVICES, len(organisations)).tolist(), strict=True))
    items = chance.permutation(np.linspace(-0.4, 0.6, len(instrument.items))).tolist()
    for wave in WAVES:
        using = among(chance, organisations, wave.opened, wave.uses_it)
        responses = _responses(chance, wave, scale.responses // 2, {o: services[o] for o in using}, items, instrument)
        if wave.number == 1:
            landed = _write_surveymonkey(filing, chance, wave, responses, instrument)
        elif wave.number == 2:
            landed = _write_google(filing, chance, wave, responses, instrument)
        else:
            landed = _write_forms_twice(filing, chance, wave, responses, instrument)
        _count(tally, wave, landed, organisations, instrument)


def _responses(
    chance: Chance,
    wave: Wave,
    how_many: int,
    services: dict[Organisation, float],
    items: Sequence[float],
    instrument: Instrument,
) -> list[Response]:
    named = list(services)
    weights = [float(chance.uniform(0.2, 1.8)) for _ in named]
    codes = [scored_codes(instrument, item, wave.scale) for item in instrument.items]
    responses = []
    for completed in moments(chance, wave.opened, wave.days, how_many):
        service = pick(chance, named, weights)
        kind = pick(chance, KINDS, KIND_WEIGHTS)
        level = services[service] + KIND_LEVELS.get(kind or "", 0.0) + GAIN_PER_WAVE * wave.number
        level += float(chance.normal(0, SPREAD_OF_PEOPLE))
        answers: tuple[str | None, ...] = tuple(
            answer(chance, level + ease, BOUNDS, scored) for scored, ease in zip(codes, items, strict=True)
        )
        if chance.random() < NOTHING_ANSWERED:
            answers = (None,) * len(answers)
        responses.append(Response(service, kind, completed, answers))
    return responses


def _worded(wave: Wave, instrument: Instrument) -> list[dict[str, str]]:
    """Code → label for each item, as the wave's form words them; the first form had older labels."""
    return [words(instrument, item, wave.scale, older=wave.number == 1) for item in instrument.items]


def _said(response: Response, worded: Sequence[dict[str, str]]) -> list[Cell]:
    return [None if code is None else by_code[code] for code, by_code in zip(response.answers, worded, strict=True)]


def _kind(response: Response) -> str | None:
    return None if response.kind is None else labels(DATASET, "respondent_kind_code")[response.kind]


def _line(cells: Sequence[Cell], response: Response) -> Line[Response]:
    return Line(list(cells), response, dropped=response.is_empty)


def _misspell(line: Line[Response], position: int) -> None:
    name = line.record.organisation.name
    line.spoil(position, f"{name[0]}{name[2]}{name[1]}{name[3:]} & Co", "unknown_organisation")


def _write_surveymonkey(
    filing: Filing, chance: Chance, wave: Wave, responses: list[Response], instrument: Instrument
) -> list[Response]:
    """Two header rows, the empty cells of the first going on with the question to their left."""
    service, kind = headers(DATASET, ["organisation_id", "respondent_kind_code"])
    in_grid, in_columns, alone = instrument.items[:IN_GRID], instrument.items[IN_GRID], instrument.items[IN_GRID + 1]
    worded = _worded(wave, instrument)
    offered = list(worded[IN_GRID].values())
    first = [*MONKEY, service, kind, "How has it been for you?", *[""] * (IN_GRID - 1)]
    first += [in_columns.wordings[0], *[""] * (len(offered) - 1), alone.wordings[0], instrument.not_kept[0]]
    second = [""] * len(MONKEY) + ["Response", "Response", *(item.wordings[0] for item in in_grid), *offered]
    second += ["Response", "Open-Ended Response"]
    lines = []
    for number, response in enumerate(responses):
        said = _said(response, worded)
        started = response.completed - timedelta(seconds=int(chance.integers(90, 900)))
        about: list[Cell] = [
            f"1140{number:08d}", "439012345", f"{started:%m/%d/%Y %I:%M:%S %p}",
            f"{response.completed:%m/%d/%Y %I:%M:%S %p}", f"198.51.100.{int(chance.integers(1, 255))}", "", "", "", "",
            response.organisation.mention(chance), _kind(response),
        ]  # fmt: skip
        over_columns = [label if label == said[IN_GRID] else None for label in offered]
        comment = "Everyone was kind." if chance.random() < 0.1 else None
        lines.append(_line([*about, *said[:IN_GRID], *over_columns, said[IN_GRID + 1], comment], response))
    whole = [line for line in lines if not line.dropped]
    whole[len(whole) // 3].spoil(MONKEY.index("End Date"), "05/32/2024 10:00:00 AM", "not_a_date")
    _misspell(whole[2 * len(whole) // 3], len(MONKEY))
    return filing.export(f"{wave.name}.csv", DATASET, [first, second], lines, wave.arrived)


def _write_google(
    filing: Filing, chance: Chance, wave: Wave, responses: list[Response], instrument: Instrument
) -> list[Response]:
    """A grid in brackets and no id: somebody who sends the form twice at once is one response."""
    header = ["Timestamp", *headers(DATASET, ["organisation_id", "respondent_kind_code"], organisation_id=1)]
    header += [f"How far do you agree? [{item.wordings[0]}]" for item in instrument.items]
    worded = _worded(wave, instrument)
    lines = []
    for response in responses:
        about: list[Cell] = [f"{response.completed:%Y/%m/%d %I:%M:%S %p} GMT+1", response.organisation.mention(chance)]
        lines.append(_line([*about, _kind(response), *_said(response, worded)], response))
        if chance.random() < SENT_TWICE:
            again = _line(lines[-1].cells, response)
            again.dropped = True
            lines.append(again)
    names = [line.cells[0] for line in lines]
    whole = [line for line in lines if not line.dropped and names.count(line.cells[0]) == 1]
    whole[len(whole) // 4].spoil(3 + 7, "Kind of", "unknown_answer")
    _misspell(whole[len(whole) // 2], 1)
    return filing.csv(f"{wave.name}.csv", DATASET, header, lines, wave.arrived)


def _write_forms_twice(
    filing: Filing, chance: Chance, wave: Wave, responses: list[Response], instrument: Instrument
) -> list[Response]:
    """The export with one answer that the instrument does not know; and again, mended, with late responses behind."""
    header = [*FORMS, *headers(DATASET, ["organisation_id", "respondent_kind_code"], organisation_id=2)]
    header += [item.wordings[0] for item in instrument.items]
    worded = _worded(wave, instrument)
    first = [_forms_line(chance, number, r, worded) for number, r in enumerate(responses, 1)]
    again = [Line(list(line.cells), line.record, dropped=line.dropped) for line in first]
    whole = [line for line in first if not line.dropped]
    whole[len(whole) // 2].spoil(len(FORMS) + 2 + 4, "Now and then", "unknown_answer")
    filing.export(f"{wave.name}.csv", DATASET, [header], first, wave.arrived, encoding="utf-8-sig")
    closed = wave.opened + timedelta(days=wave.days)
    for number, response in enumerate(responses[:: max(1, len(responses) // 15)]):
        late = replace(response, completed=closed + timedelta(hours=number, minutes=7), answers=response.answers[::-1])
        again.append(_forms_line(chance, len(first) + number + 1, late, worded))
    name = f"{wave.name} (with late responses).csv"
    return filing.export(name, DATASET, [header], again, CORRECTION_ARRIVED, encoding="utf-8-sig")


def _forms_line(chance: Chance, number: int, response: Response, worded: Sequence[dict[str, str]]) -> Line[Response]:
    started = response.completed - timedelta(seconds=int(chance.integers(90, 900)))
    about: list[Cell] = [
        number, _forms_time(started), _forms_time(response.completed), "anonymous", None,
        response.organisation.mention(chance), _kind(response),
    ]  # fmt: skip
    return _line([*about, *_said(response, worded)], response)


def _forms_time(moment: datetime) -> str:
    """As the form writes it into CSV: the month first, and no noughts in front."""
    return f"{moment.month}/{moment.day}/{moment:%y} {moment.hour}:{moment:%M:%S}"


def _count(
    tally: Tally, wave: Wave, responses: list[Response], organisations: list[Organisation], instrument: Instrument
) -> None:
    """The two highest answers out of the scored ones, per item: everyone, sector, organisation, and kind."""
    scores = [(item.item_id, instrument.scores(item)) for item in instrument.items]
    answers = []
    for response in responses:
        place = levels(response.organisation.sector, response.organisation.organisation_id)
        kind = Cut(breakdown="respondent_kind", breakdown_value=response.kind or "not_said")
        for code, (item_id, score_of) in zip(response.answers, scores, strict=True):
            if code is not None and (top := is_top_two(score_of, code)) is not None:
                answers.append((item_id, (*place, kind), top))
    period = ("wave", f"children and families wave {wave.number}")
    count_answers(tally, DATASET, period, answers)
    named = {response.organisation for response in responses}
    last_day = max(response.completed for response in responses).date()
    count_organisations(tally, "family_survey_take_up", DATASET, period, last_day, named, organisations)
