"""What people say after a course, as Google Forms exports it: in spring, and in autumn with every response so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ingestion.instruments import Instrument, load_instruments
from ingestion.sample.filing import Cell, Filing, Line, headers
from ingestion.sample.organisations import Organisation
from ingestion.sample.questionnaires import answer, count_answers, is_top_two, moments, scored_codes, words
from ingestion.sample.scale import Chance, Scale, pick
from ingestion.sample.tally import AREA, Cut, Tally, levels, quarter
from ingestion.sample.training import COURSES

DATASET = "training_feedback"
BOUNDS = (-2.3, -1.5, -0.7, 0.5)
EASE = {"tf01": 0.35, "tf02": 0.15}
#: What the statements' figures stand under.
STATEMENTS = {"tf01": "useful", "tf02": "recommend"}
GAIN_PER_YEAR, NO_EMPLOYER, SAYS_MORE = 0.4, 0.08, 0.15
OPENED, DAYS = datetime(2024, 9, 9, 8), 410
#: When the two exports were made.
FIRST_EXPORT, SECOND_EXPORT = datetime(2025, 5, 6, 12, 30), datetime(2025, 10, 27, 12, 30)


@dataclass(frozen=True)
class Response:
    """Who said what of which course; ``organisation`` is empty where the question was left out."""

    completed: datetime
    course: str
    organisation: Organisation | None
    answers: dict[str, str | None]


def write_training_feedback(
    filing: Filing, tally: Tally, chance: Chance, scale: Scale, organisations: list[Organisation]
) -> None:
    """Write both exports and count each response once; a name that the first has wrong is right in the second."""
    instrument = load_instruments()["training_feedback"]
    columns = headers(DATASET, ["course", "organisation_id"])
    header = ["Timestamp", *columns, *(item.wordings[0] for item in instrument.items), instrument.not_kept[0]]
    responses = _responses(chance, scale, organisations, instrument)
    lines = [_line(chance, response, instrument) for response in responses]
    early = [
        Line(list(line.cells), line.record, dropped=line.dropped)
        for line in lines
        if line.record.completed < FIRST_EXPORT
    ]
    flawed = next(line for line in early[len(early) // 2 :] if line.record.organisation and not line.dropped)
    flawed.spoil(2, "Nonesuch Learning Partnership", "unknown_organisation")
    folder = "training feedback"
    filing.csv(f"{folder}/Feedback to spring 2025.csv", DATASET, header, early, FIRST_EXPORT)
    landed = filing.csv(f"{folder}/Feedback to autumn 2025.csv", DATASET, header, lines, SECOND_EXPORT)
    _count(tally, landed, instrument)


def _responses(
    chance: Chance, scale: Scale, organisations: list[Organisation], instrument: Instrument
) -> list[Response]:
    responses = []
    known_on: dict[date, list[Organisation]] = {}
    for completed in moments(chance, OPENED, DAYS, scale.responses // 2):
        day = completed.date()
        if day not in known_on:
            known_on[day] = [o for o in organisations if o.counted_by(day) is not None]
        level = float(chance.normal(0, 0.6)) + GAIN_PER_YEAR * (completed - OPENED).days / 365
        answers = {
            item.item_id: answer(chance, level + EASE[item.item_id], BOUNDS, scored_codes(instrument, item))
            for item in instrument.items
        }
        employer = None if chance.random() < NO_EMPLOYER else pick(chance, known_on[day])
        responses.append(Response(completed, pick(chance, COURSES).name, employer, answers))
    return responses


def _line(chance: Chance, response: Response, instrument: Instrument) -> Line[Response]:
    employer = None if response.organisation is None else response.organisation.mention(chance)
    cells: list[Cell] = [f"{response.completed:%Y/%m/%d %I:%M:%S %p} GMT", response.course, employer]
    for item in instrument.items:
        code = response.answers[item.item_id]
        cells.append(None if code is None else words(instrument, item)[code])
    cells.append("Pause and ask what happened first." if chance.random() < SAYS_MORE else None)
    return Line(cells, response, dropped=all(code is None for code in response.answers.values()))


def _count(tally: Tally, responses: list[Response], instrument: Instrument) -> None:
    """By quarter: who agrees with both statements, out of those who answered both; and each statement for itself."""
    by_quarter: dict[str, list[tuple[str, tuple[Cut, ...], bool]]] = {}
    for response in responses:
        employer = response.organisation
        place = (AREA,) if employer is None else levels(employer.sector, employer.organisation_id)
        answers = by_quarter.setdefault(quarter(response.completed.date()), [])
        tops = []
        for item in instrument.items:
            code = response.answers[item.item_id]
            if code is None or (top := is_top_two(instrument.scores(item), code)) is None:
                continue
            tops.append(top)
            statement = Cut(breakdown="statement", breakdown_value=STATEMENTS[item.item_id])
            answers.append((DATASET, (statement,), top))
        if len(tops) == len(instrument.items):
            answers.append((DATASET, place, all(tops)))
    for period, answers in by_quarter.items():
        count_answers(tally, DATASET, ("quarter", period), answers)
