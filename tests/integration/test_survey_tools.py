"""What each survey tool exports, in its exact layout and with its traps, and what of it lands."""

from __future__ import annotations

import codecs
import csv
import io
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from ingestion.home import Home, open_home
from ingestion.instruments import Instrument, load_instruments, read_instrument
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.pseudonyms import KEY_VARIABLE, load_key
from ingestion.texts import printable
from tests.commands import impact
from tests.integration.builders import every_text, findings, landed, make_home, put_register, write, write_workbook

#: What may tell who answered, as it stands in the columns of the tools' own.
MAIL, FIRST, LAST, ADDRESS, LATITUDE, LONGITUDE = (
    "pat.planted@home.example", "Patpatricia", "Plantedname", "203.0.113.77", "51.50735123", "-0.12775897"
)  # fmt: skip
SECRETS = (MAIL, FIRST, LAST, ADDRESS, LATITUDE, LONGITUDE)

#: Label → what lands of it, by hand.
ANSWERS: dict[str, tuple[str, int | None]] = {
    "Strongly disagree": ("strongly_disagree", 1),
    "Disagree": ("disagree", 2),
    "Neither agree nor disagree": ("neither", 3),
    "Agree": ("agree", 4),
    "Strongly agree": ("strongly_agree", 5),
    "Never": ("never", 1),
    "Rarely": ("rarely", 2),
    "Sometimes": ("sometimes", 3),
    "Often": ("often", 4),
    "Always": ("always", 5),
    "Prefer not to say": ("prefer_not_to_say", None),
    "No": ("no", 0),
    "Partly": ("partly", 1),
    "Yes": ("yes", 2),
    "Don't know": ("not_known", None),
    "Buildings and rooms": ("environment", None),
    "Letters, forms and words": ("language", None),
    "Referral, so that stories are told once": ("referral", None),
    **{str(stage): (f"stage_{stage}", stage) for stage in range(5)},
}
#: Wording in use, by item.
WORDED = {
    instrument_id: {item.item_id: item.wordings[0] for item in instrument.items}
    for instrument_id, instrument in load_instruments().items()
}
FAMILIES, FEEDBACK, ORGANISATIONAL = WORDED["children_families"], WORDED["training_feedback"], WORDED["organisational"]
ABOUT_SERVICE, ABOUT_KIND = "Which service is this about?", "Which best describes you?"
ANSWERING_FOR, GRID, CHANGED = (
    "Which organisation are you answering for?", "Where is your organisation on the journey of change?",
    "What have you changed as a result? Choose all that apply",
)  # fmt: skip
STAGES = ("org31", "org32", "org33", "org34", "org35")

Row = list[Any]


@dataclass(frozen=True)
class Given:
    """One response: what stands in the file, apart from the tool's own columns."""

    answers: Mapping[str, str | Sequence[str]]
    organisation: str = "Ashfield"
    kind: str = "A young person"
    id: str = ""
    day: date = field(default=date(2025, 9, 15))


#: Three responses to the children and families survey, with gaps and answers of both scales.
FIRST_GIVEN = Given(
    dict.fromkeys(FAMILIES, "Often") | {"cf01": "Always", "cf02": "Prefer not to say", "cf13": "Never"}, id="1001"
)
SECOND_GIVEN = Given(
    {"cf03": "Strongly agree", "cf14": "Disagree"}, "moorside family centre", "A parent or carer", "1002"
)
THIRD_GIVEN = Given({"cf09": "Rarely"}, "Ashfield Primary School", "Prefer not to say", "1003", date(2025, 9, 16))
KINDS = {"A young person": "child", "A parent or carer": "carer", "Prefer not to say": "not_said"}
IDS = {"Ashfield": "ORG1", "Ashfield Primary School": "ORG1", "moorside family centre": "ORG2", "Moorside": "ORG2"}


def answers_of(given: Given) -> dict[str, list[tuple[str, int | None]]]:
    """Item → what should land of it."""
    return {
        item: sorted(ANSWERS[label] for label in ([said] if isinstance(said, str) else said))
        for item, said in given.answers.items()
    }


def families_landed(home: Home) -> list[tuple[Any, ...]]:
    """Every landed cell of the children and families survey but for pseudonym and vintage."""
    columns = "source_row, wave, submitted_date, organisation_id, respondent_kind_code, item_id, answer, score"
    return landed(home, "children_families_survey", columns, "source_row, item_id, answer")


def families_expected(rows: Mapping[int, Given], wave: int = 2) -> list[tuple[Any, ...]]:
    """The same, by row of the file."""
    return [
        (row, wave, given.day, IDS[given.organisation], KINDS[given.kind], item, *answer)
        for row, given in sorted(rows.items())
        for item, answers in sorted(answers_of(given).items())
        for answer in answers
    ]


def pseudonyms_landed(home: Home, dataset: str) -> dict[int, str]:
    """Row of the file → the respondent's pseudonym, of which a response has one."""
    pairs = set(landed(home, dataset, "source_row, respondent_id"))
    assert len(pairs) == len({row for row, _ in pairs})
    return dict(pairs)


def csv_of(rows: Sequence[Sequence[object]], encoding: str = "utf-8", mark: bytes = b"") -> bytes:
    """A CSV file as survey tools write it: lines ended by a carriage return and a line feed."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return mark + text.getvalue().encode(encoding)


@pytest.fixture(autouse=True)
def _demonstration_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose register has landed, and in which nothing else happens."""
    made = make_home(tmp_path_factory.mktemp("settled") / "home")
    put_register(made)
    land_inbox(made)
    return made


@pytest.fixture
def home(settled: Home, tmp_path: Path) -> Home:
    """A home whose register has landed."""
    return open_home(shutil.copytree(settled.root, tmp_path / "home"))


def land(home: Home, name: str) -> FileReport:
    """Land the inbox; what became of one file, every row of which is accounted for and tells nobody."""
    report = next(report for report in land_inbox(home) if report.file_name == name)
    assert report.rows_read == report.rows_landed + report.rows_quarantined + report.rows_dropped
    for text in every_text(home.landing) | every_text(home.quarantine):
        assert not any(secret.casefold() in text.casefold() for secret in SECRETS), text
    for path in (*home.landing.rglob("*"), *home.quarantine.rglob("*")):
        content = path.read_bytes().lower() if path.is_file() else b""
        assert not any(secret.lower().encode() in content for secret in SECRETS), path
    return report


def is_clean(report: FileReport, dataset: str, rows: int) -> None:
    """Every row landed and nothing was found."""
    assert (report.status, report.dataset, report.message) == ("landed", dataset, None)
    assert (report.rows_read, report.rows_landed) == (rows, rows)
    assert [f.column_name for f in report.findings] == []


# --- Microsoft Forms ----------------------------------------------------------------------------------------------


def forms_row(given: Given, completed: object, questions: Sequence[str]) -> Row:
    """One response of an anonymous form; a choice of several ends with a semicolon."""
    said = [given.answers.get(item) for item in questions]
    cells = [said if said is None or isinstance(said, str) else "".join(f"{s};" for s in said) for said in said]
    started = completed if isinstance(completed, str) else datetime(2025, 9, 15, 10)
    return [given.id, started, completed, "anonymous", None, given.organisation, given.kind, *cells]


def families_forms(id_header: str = "ID") -> Row:
    """The header with what the form's editor leaves in questions: non-breaking spaces and line breaks."""
    questions = list(FAMILIES.values())
    questions[0] = questions[0].replace(" ", "\u00a0")
    questions[1] = questions[1].replace(" having", "\n having") + "\n"
    questions[2] = f"  {questions[2].upper()}.\u200b"
    about = [id_header, "Start time", "Completion time", "Email", "Name"]
    return [*about, f"{ABOUT_SERVICE}\u00a0", ABOUT_KIND.replace("?", " ?\r\n"), *questions]


def test_a_forms_csv_writes_the_month_first_and_begins_with_a_mark(home: Home) -> None:
    name = "children and families/wave 2.csv"
    rows = [
        families_forms("Id"),
        forms_row(FIRST_GIVEN, "9/15/25 10:12:30", list(FAMILIES)),
        forms_row(SECOND_GIVEN, "9/15/25 9:05:00", list(FAMILIES)),
        forms_row(THIRD_GIVEN, "9/16/25 23:59:59", list(FAMILIES)),
    ]
    write(home.inbox / name, csv_of(rows, mark=codecs.BOM_UTF8))
    is_clean(land(home, name), "children_families_survey", 3)
    assert families_landed(home) == families_expected({2: FIRST_GIVEN, 3: SECOND_GIVEN, 4: THIRD_GIVEN})
    key = load_key()
    assert pseudonyms_landed(home, "children_families_survey") == {
        row: key.pseudonym("children_families_survey_response", f"wave=2,tool=microsoft_forms|{number}")
        for row, number in ((2, "1001"), (3, "1002"), (4, "1003"))
    }


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("9/5/25 10:12:30", date(2025, 9, 5)),
        ("9/5/2025 10:12", date(2025, 9, 5)),
        ("9/15/25 1:12:30 PM", date(2025, 9, 15)),
        ("15/09/25 10:12", date(2025, 9, 15)),
        ("15/09/2025 10:12:30", date(2025, 9, 15)),
    ],
)
def test_a_forms_csv_may_write_its_times_in_several_ways(home: Home, written: str, day: date) -> None:
    name = "children and families/wave 2.csv"
    rows = [families_forms(), forms_row(FIRST_GIVEN, written, list(FAMILIES))]
    write(home.inbox / name, csv_of(rows, encoding="utf-16", mark=b""))
    is_clean(land(home, name), "children_families_survey", 1)
    assert {row[2] for row in families_landed(home)} == {day}


def test_a_forms_workbook_holds_true_times_and_a_column_for_changes(home: Home) -> None:
    header = families_forms()
    header.insert(5, "Last modified time")
    rows: list[Row] = []
    for given, completed in ((FIRST_GIVEN, datetime(2025, 9, 15, 10, 12, 30)), (THIRD_GIVEN, datetime(2025, 9, 16))):
        row = forms_row(given, completed, list(FAMILIES))
        row.insert(5, datetime(2025, 9, 20, 8))
        rows.append(row)
    name = "children and families/Families (wave 2).xlsx"
    write_workbook(home.inbox / name, {"Form1": [header, *rows]})
    is_clean(land(home, name), "children_families_survey", 2)
    assert families_landed(home) == families_expected({2: FIRST_GIVEN, 3: THIRD_GIVEN})


def test_a_form_that_asks_for_names_lands_none_and_a_quiz_has_its_marks_left_out(home: Home) -> None:
    header = [*families_forms()]
    row = forms_row(FIRST_GIVEN, "9/15/25 10:12:30", list(FAMILIES))
    row[3], row[4] = MAIL, f"{FIRST} {LAST}"
    header[5:5] = ["Total points", "Quiz feedback"]
    row[5:5] = ["0", ""]
    for question in FAMILIES.values():
        header += [f"Points - {question}", f"Feedback - {question}"]
        row += ["0", f"Thank you, {FIRST}"]
    name = "children and families/wave 2.csv"
    write(home.inbox / name, csv_of([header, row]))
    is_clean(land(home, name), "children_families_survey", 1)
    assert families_landed(home) == families_expected({2: FIRST_GIVEN})


def organisational_given(**changed: str | Sequence[str]) -> Given:
    """An organisation that says yes to everything and stands in the middle of the journey, but for what is named."""
    said: dict[str, str | Sequence[str]] = {**dict.fromkeys(ORGANISATIONAL, "Yes"), **dict.fromkeys(STAGES, "2")}
    return Given({**said, "org22": ["Buildings and rooms"], **changed}, id="1")


def organisational_landed(home: Home) -> list[tuple[Any, ...]]:
    columns = "source_row, wave, submitted_date, organisation_id, item_id, answer, score"
    return landed(home, "organisational_survey", columns, "source_row, item_id, answer")


def organisational_expected(rows: Mapping[int, Given], wave: int = 1) -> list[tuple[Any, ...]]:
    return [
        (row, wave, given.day, IDS[given.organisation], item, *answer)
        for row, given in sorted(rows.items())
        for item, answers in sorted(answers_of(given).items())
        for answer in answers
    ]


def organisational_forms(*responses: tuple[Given, str]) -> bytes:
    header = ["ID", "Start time", "Completion time", "Email", "Name", ANSWERING_FOR, *ORGANISATIONAL.values()]
    rows = [forms_row(given, completed, list(ORGANISATIONAL)) for given, completed in responses]
    return csv_of([header, *([*row[:6], *row[7:]] for row in rows)])


def test_several_choices_in_one_cell_land_as_rows_of_their_own(home: Home) -> None:
    chosen = ["Buildings and rooms", "Letters, forms and words", "Referral, so that stories are told once"]
    given = organisational_given(org22=chosen, org01="Partly", org02="Don't know", org03="No", org31="4", org32="0")
    name = "organisational survey/wave 1.csv"
    write(home.inbox / name, organisational_forms((given, "9/15/25 10:00:00")))
    is_clean(land(home, name), "organisational_survey", 1)
    assert organisational_landed(home) == organisational_expected({2: given})
    assert [row[5] for row in organisational_landed(home) if row[4] == "org22"] == [
        "environment", "language", "referral"
    ]  # fmt: skip


def test_a_choice_that_is_not_offered_is_quarantined_with_the_ones_that_are(home: Home) -> None:
    given = organisational_given()
    name = "organisational survey/wave 1.csv"
    content = organisational_forms((given, "9/15/25 10:00:00")).replace(b"Buildings and rooms;", b"Buildings;The car;")
    write(home.inbox / name, content)
    report = land(home, name)
    assert (report.rows_landed, report.rows_quarantined) == (0, 1)
    assert [(f.column_name, f.rule, f.value) for f in report.findings] == [
        (CHANGED, "unknown_answer", "Buildings;The car;")
    ]
    assert "Letters, forms and words" in report.findings[0].message


def test_a_label_pasted_with_other_marks_is_the_same_answer(home: Home) -> None:
    given = organisational_given(org02="Don't know", org31="0", org33="1")
    content = organisational_forms((given, "9/15/25 10:00:00")).decode()
    content = content.replace("Don't know", "don’t\u00a0know.").replace(",0,", ",0 – not  started,")
    name = "organisational survey/wave 1.csv"
    write(home.inbox / name, content)
    is_clean(land(home, name), "organisational_survey", 1)
    assert organisational_landed(home) == organisational_expected({2: given})


# --- one answer of an organisation --------------------------------------------------------------------------------


def test_of_an_organisations_responses_in_a_wave_the_latest_counts_whatever_their_order(home: Home) -> None:
    early, late = organisational_given(org01="No"), organisational_given(org01="Yes")
    other = Given({"org05": "Partly"}, "Moorside Family Centre", id="9")
    responses = [
        (Given(late.answers, "Ashfield Primary", id="3"), "9/15/25 17:30:01"),
        (Given(early.answers, "Ashfield", id="1"), "9/15/25 17:30:00"),
        (other, "9/14/25 9:00:00"),
        (Given({}, "Ashfield", id="4"), "9/20/25 9:00:00"),
        (Given({"org01": "Maybe"}, "Ashfield", id="5"), "9/21/25 9:00:00"),
    ]
    name = "organisational survey/wave 1.csv"
    write(home.inbox / name, organisational_forms(*responses))
    report = land(home, name)
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (5, 2, 1)
    # The response that answers nothing and the one that cannot be read take nobody's place.
    assert report.dropped_by_rule == {"no_answered_item": 1, "superseded_response": 1}
    assert {(row[0], row[3]) for row in organisational_landed(home)} == {(2, "ORG1"), (4, "ORG2")}
    assert [row[5] for row in organisational_landed(home) if row[0] == 2 and row[4] == "org01"] == ["yes"]


def test_a_response_that_stands_there_twice_is_one_and_one_that_says_otherwise_is_quarantined(home: Home) -> None:
    rows = [forms_row(FIRST_GIVEN, "9/15/25 10:00:00", list(FAMILIES)) for _ in range(3)]
    rows[2][-1] = "Never"
    name = "children and families/wave 2.csv"
    write(home.inbox / name, csv_of([families_forms(), *rows]))
    report = land(home, name)
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (3, 1, 1)
    assert report.dropped_by_rule == {"duplicate_row": 1}
    assert [(f.source_row, f.rule) for f in report.findings] == [(4, "duplicate_key")]
    assert families_landed(home) == families_expected({2: FIRST_GIVEN})


# --- Qualtrics ----------------------------------------------------------------------------------------------------

QUALTRICS = (
    "StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)", "Finished", "RecordedDate",
    "ResponseId", "RecipientLastName", "RecipientFirstName", "RecipientEmail", "ExternalReference", "LocationLatitude",
    "LocationLongitude", "DistributionChannel", "UserLanguage",
)  # fmt: skip
QUALTRICS_TEXTS = (
    "Start Date", "End Date", "Response Type", "IP Address", "Progress", "Duration (in seconds)", "Finished",
    "Recorded Date", "Response ID", "Recipient Last Name", "Recipient First Name", "Recipient Email",
    "External Data Reference", "Location Latitude", "Location Longitude", "Distribution Channel", "User Language",
)  # fmt: skip
QUALTRICS_IDS = (
    "startDate", "endDate", "status", "ipAddress", "progress", "duration", "finished", "recordedDate", "_recordId",
    "recipientLastName", "recipientFirstName", "recipientEmail", "externalDataReference", "locationLatitude",
    "locationLongitude", "distributionChannel", "userLanguage",
)  # fmt: skip
CHANGE_LABELS = ("Buildings and rooms", "Letters, forms and words", "Referral, so that stories are told once")


def qualtrics_about(given: Given, status: str = "IP Address", finished: str = "True") -> Row:
    recorded = f"{given.day} 10:12:31"
    return [
        f"{given.day} 10:00:00", f"{given.day} 10:12:30", status, ADDRESS, "100", "750", finished, recorded,
        f"R_{given.id}abcDEF", LAST, FIRST, MAIL, "", LATITUDE, LONGITUDE, "anonymous", "EN",
    ]  # fmt: skip


def qualtrics_questions() -> tuple[Row, Row]:
    """Names and texts of the organisational survey's columns: a grid, and a question with a column per option."""
    names: Row = ["Q1", *(f"Q2_{n}" for n in range(1, 22))]
    texts: Row = [
        f"{ANSWERING_FOR} - Selected Choice",
        # The heading of the grid runs over several lines, and so does a statement.
        *(
            f"Thinking of your organisation,\nhow far is this so? - {ORGANISATIONAL[f'org{n:02}']}"
            for n in range(1, 22)
        ),
    ]
    texts[3] = texts[3].replace(" definitions", "\n\ndefinitions")
    names += [f"Q3_{n}" for n in range(1, 4)] + ["Q3_9", "Q3_9_TEXT"]
    texts += [f"{CHANGED} - Selected Choice - {label}" for label in CHANGE_LABELS]
    texts += [f"{CHANGED} - Selected Choice - Something else", f"{CHANGED} - Something else - Text"]
    names += [f"Q4_{n}" for n in range(1, 6)]
    texts += [f"{GRID} - {ORGANISATIONAL[item]}" for item in STAGES]
    return names, texts


def qualtrics_answers(given: Given) -> Row:
    chosen = given.answers.get("org22", [])
    return [
        given.organisation,
        *(given.answers.get(f"org{n:02}", "") for n in range(1, 22)),
        *(label if label in chosen else "" for label in CHANGE_LABELS),
        "",
        "",
        *(given.answers.get(item, "") for item in STAGES),
    ]


def qualtrics_csv(rows: Sequence[Row]) -> bytes:
    """Three header rows: names, texts and import ids."""
    names, texts = qualtrics_questions()
    ids = [f'{{"ImportId":"{name}"}}' for name in QUALTRICS_IDS]
    ids[0] = '{"ImportId":"startDate","timeZone":"Europe/London"}'
    ids += [f'{{"ImportId":"QID{number}"}}' for number in range(len(names))]
    header = [[*QUALTRICS, *names], [*QUALTRICS_TEXTS, *texts], ids]
    return csv_of([*header, *rows], mark=codecs.BOM_UTF8)


def test_qualtrics_three_header_rows_with_a_grid_and_a_column_for_each_option(home: Home) -> None:
    first = organisational_given(org03="Partly", org22=list(CHANGE_LABELS[1:]), org35="4")
    second = Given({"org01": "No", "org32": "1"}, "moorside family centre", id="2", day=date(2025, 9, 16))
    name = "organisational survey/wave 1.csv"
    content = qualtrics_csv([qualtrics_about(given) + qualtrics_answers(given) for given in (first, second)])
    write(home.inbox / name, content)
    report = land(home, name)
    assert (report.status, report.rows_read, report.rows_landed) == ("landed", 2, 2)
    assert organisational_landed(home) == organisational_expected({4: first, 5: second})
    # What the form asks and the instrument does not know is said once each.
    assert [(f.source_row, f.column_name, f.rule, f.severity) for f in report.findings] == [
        (None, f"{CHANGED} - Something else", "unknown_column", "warning"),
        (None, f"{CHANGED} - Something else - Text", "unknown_column", "warning"),
    ]
    pseudonym = load_key().pseudonym("organisational_survey_response", "wave=1,tool=qualtrics|R_2abcDEF")
    assert pseudonyms_landed(home, "organisational_survey")[5] == pseudonym


@pytest.mark.parametrize(
    ("normal", "preview", "yes", "no"), [("IP Address", "Survey Preview", "True", "False"), ("0", "1", "1", "0")]
)
def test_previews_and_unfinished_responses_are_dropped_before_anything_is_said_of_their_cells(
    home: Home, normal: str, preview: str, yes: str, no: str
) -> None:
    good = organisational_given()
    nonsense = Given(dict.fromkeys(ORGANISATIONAL, "whatever") | {"org22": []}, "Nowhere at all", id="8")
    rows = [
        qualtrics_about(nonsense, preview, yes) + qualtrics_answers(nonsense),
        qualtrics_about(nonsense, normal, no) + qualtrics_answers(nonsense),
        qualtrics_about(good, normal, yes) + qualtrics_answers(good),
        # Unfinished, later and complete: it takes nobody's place.
        qualtrics_about(Given({}, id="7", day=date(2025, 9, 20)), normal, no) + qualtrics_answers(good),
    ]
    name = "organisational survey/wave 1.csv"
    write(home.inbox / name, qualtrics_csv(rows))
    report = land(home, name)
    assert (report.rows_read, report.rows_landed, report.rows_quarantined) == (4, 1, 0)
    assert report.dropped_by_rule == {"preview": 1, "unfinished": 2}
    assert [finding for finding in report.findings if finding.severity == "error"] == []
    assert organisational_landed(home) == organisational_expected({6: good})


def test_answers_exported_as_numbers_are_quarantined_and_not_guessed(home: Home) -> None:
    given = organisational_given(org01="3", org02="2")
    name = "organisational survey/wave 1.csv"
    write(home.inbox / name, qualtrics_csv([qualtrics_about(given, "0", "1") + qualtrics_answers(given)]))
    report = land(home, name)
    assert (report.rows_landed, report.rows_quarantined) == (0, 1)
    assert [(f.rule, f.value) for f in report.findings if f.severity == "error"] == [
        ("unknown_answer", "3"), ("unknown_answer", "2")
    ]  # fmt: skip


def test_qualtrics_older_exports_have_two_header_rows_numbered_columns_and_an_empty_last_one(home: Home) -> None:
    header = [f"V{n}" for n in range(1, 11)]
    texts = [
        "ResponseID", "ResponseSet", "Name", "ExternalDataReference", "EmailAddress", "IPAddress", "Status",
        "StartDate", "EndDate", "Finished",
    ]  # fmt: skip
    names, questions = qualtrics_questions()
    location = ["LocationLatitude", "LocationLongitude", "LocationAccuracy", ""]
    good = organisational_given(org22=[CHANGE_LABELS[0]])

    def row(status: str, finished: str, answers: Row) -> Row:
        about = ["R_5", "Default Response Set", f"{FIRST} {LAST}", "", MAIL, ADDRESS, status]
        return [*about, "2025-09-15 10:00:00", "2025-09-15 10:12:30", finished, *answers, LATITUDE, LONGITUDE, "-1", ""]

    answers = qualtrics_answers(good)
    rows = [row("1", "1", answers), row("0", "0", answers), row("0", "1", answers)]
    name = "organisational survey/wave 1.csv"
    write(
        home.inbox / name,
        csv_of([[*header, *names, *location], [*texts, *questions, *location], *rows], mark=codecs.BOM_UTF8),
    )
    report = land(home, name)
    assert (report.rows_read, report.rows_landed, report.dropped_by_rule) == (3, 1, {"preview": 1, "unfinished": 1})
    assert organisational_landed(home) == organisational_expected({5: good})
    assert [f.column_name for f in report.findings] == [
        f"{CHANGED} - Something else", f"{CHANGED} - Something else - Text"
    ]  # fmt: skip


# --- SurveyMonkey -------------------------------------------------------------------------------------------------

MONKEY = (
    "Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address", "First Name",
    "Last Name", "Custom Data 1",
)  # fmt: skip
FREQUENCIES = ("Never", "Rarely", "Sometimes", "Often", "Always", "Prefer not to say")


def monkey_about(given: Given, completed: str) -> Row:
    return [f"118{given.id}", "446111201", completed, completed, ADDRESS, MAIL, FIRST, LAST, f"{FIRST} {LAST}"]


def monkey_expanded(rows: Sequence[tuple[Given, str]]) -> bytes:
    """Two header rows; an empty cell in the first goes on with the question to its left.

    Service: one column and a box for another one. Kind: a column per option. cf01 to cf12: a grid. cf13: a column per
    option. cf14: one column.
    """
    kinds = ("A young person", "A parent or carer", "Prefer not to say")
    grid = [f"cf{n:02}" for n in range(1, 13)]
    first = [*MONKEY, ABOUT_SERVICE, "", ABOUT_KIND, "", ""]
    second = [""] * len(MONKEY) + ["Response", "Other (please specify)", *kinds]
    first += ["How has it been for you?", *[""] * 11, FAMILIES["cf13"], *[""] * 5, FAMILIES["cf14"]]
    second += [FAMILIES[item] for item in grid] + [*FREQUENCIES, "Response"]
    # A question that nothing keeps, and one that nothing knows.
    first += ["Is there anything else you would like to tell us?", "What is your favourite colour?"]
    second += ["Open-Ended Response", "Response"]
    lines = []
    for given, completed in rows:
        named = [given.organisation, ""] if given.organisation != "moorside family centre" else ["", given.organisation]
        said = {item: given.answers.get(item, "") for item in FAMILIES}
        lines.append(
            [
                *monkey_about(given, completed),
                *named,
                *(kind if kind == given.kind else "" for kind in kinds),
                *(said[item] for item in grid),
                *(label if label == said["cf13"] else "" for label in FREQUENCIES),
                said["cf14"],
                f"Ask {FIRST} {LAST}",
                "blue",
            ]
        )
    return csv_of([first, second, *lines])


def test_surveymonkey_expanded_goes_on_with_the_question_to_the_left(home: Home) -> None:
    name = "children and families/wave 2.csv"
    responses = [
        (FIRST_GIVEN, "09/15/2025 10:12:30 AM"), (SECOND_GIVEN, "09/15/2025 11:59:59 PM"),
        (THIRD_GIVEN, "09/16/2025 12:00:01 AM"),
    ]  # fmt: skip
    write(home.inbox / name, monkey_expanded(responses))
    report = land(home, name)
    assert (report.status, report.rows_read, report.rows_landed) == ("landed", 3, 3)
    assert families_landed(home) == families_expected({3: FIRST_GIVEN, 4: SECOND_GIVEN, 5: THIRD_GIVEN})
    assert [(f.column_name, f.rule, f.source_row) for f in report.findings] == [
        ("What is your favourite colour?", "unknown_column", None)
    ]
    assert "blue" not in every_text(home.landing) | every_text(home.quarantine)


def test_two_answers_where_a_question_takes_one_are_quarantined_as_such(home: Home) -> None:
    content = monkey_expanded([(FIRST_GIVEN, "09/15/2025 10:12:30 AM"), (THIRD_GIVEN, "09/16/2025 9:00:00 AM")])
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    at = rows[1].index("Rarely", len(MONKEY))
    assert rows[2][at - 1] == "Never"
    rows[2][at] = "Rarely"
    name = "children and families/wave 2.csv"
    write(home.inbox / name, csv_of(rows))
    report = land(home, name)
    assert (report.rows_landed, report.rows_quarantined) == (1, 1)
    errors = [f for f in report.findings if f.severity == "error"]
    assert [(f.source_row, f.column_name, f.rule, f.value) for f in errors] == [
        (3, f"{FAMILIES['cf13']} – Never", "several_answers", "Never; Rarely")
    ]
    assert errors[0].message == "“Never; Rarely” are several answers to a question that has one"


def test_surveymonkey_condensed_has_an_empty_second_row_and_joins_choices(home: Home) -> None:
    first = organisational_given(org22=list(CHANGE_LABELS), org04="No")
    columns = [item for item in ORGANISATIONAL if item not in STAGES]
    header = [*MONKEY, ANSWERING_FOR, *(ORGANISATIONAL[item] for item in columns)]
    header += [f"{GRID} - {ORGANISATIONAL[item]}" for item in STAGES]
    said = [first.answers[item] for item in (*columns, *STAGES)]
    cells = [", ".join(answer) if not isinstance(answer, str) else answer for answer in said]
    row = [*monkey_about(first, "2025-09-15 10:12:30"), first.organisation, *cells]
    name = "organisational survey/wave 1.csv"
    write(home.inbox / name, csv_of([header, [""] * len(header), row]))
    is_clean(land(home, name), "organisational_survey", 1)
    assert organisational_landed(home) == organisational_expected({3: first})


def test_surveymonkey_workbook_of_choices_over_columns(home: Home) -> None:
    given = organisational_given(org22=[CHANGE_LABELS[0], CHANGE_LABELS[2]])
    columns = [f"org{n:02}" for n in range(1, 22)]
    first: Row = [*MONKEY, ANSWERING_FOR, *(ORGANISATIONAL[item] for item in columns)]
    second: Row = [*[None] * len(MONKEY), "Open-Ended Response", *["Response"] * len(columns)]
    first += [CHANGED, None, None, GRID, *[None] * 4]
    second += [*CHANGE_LABELS, *(ORGANISATIONAL[item] for item in STAGES)]
    row = [*monkey_about(given, "09/15/2025 10:12:30 AM"), given.organisation]
    row += [given.answers[item] for item in columns]
    row += [CHANGE_LABELS[0], None, CHANGE_LABELS[2], *(int(str(given.answers[item])) for item in STAGES)]
    name = "organisational survey/wave 1.xlsx"
    write_workbook(home.inbox / name, {"Sheet": [first, second, row]})
    is_clean(land(home, name), "organisational_survey", 1)
    assert organisational_landed(home) == organisational_expected({3: given})


# --- Jisc Online Surveys ------------------------------------------------------------------------------------------


def jisc(given: Given, completed: str | None) -> bytes:
    """Questions are numbered, statements of a grid and parts of a question below their own."""
    numbered = [f"3.{n}. {text}" for n, text in enumerate(FAMILIES.values(), 1)]
    numbered[0] = f"3.1.a. {FAMILIES['cf01']}"
    numbered[1] = f"4.b.ii. {FAMILIES['cf02']}"
    numbered[2] = f"5.a) {FAMILIES['cf03']}"
    numbered[3] = f"Q6: {FAMILIES['cf04']}"
    header = ["Unique Response Number", f"1. {ABOUT_SERVICE}", f"2. {ABOUT_KIND}", *numbered]
    header += ["7. Is there anything else you would like to tell us?"]
    row = ["123456-123450-12345678", given.organisation, given.kind, *(given.answers.get(i, "") for i in FAMILIES)]
    row += [f"Ask {FIRST} {LAST}"]
    if completed is not None:
        header.insert(1, "Completed")
        row.insert(1, completed)
    return csv_of([header, row])


def test_jisc_numbers_its_questions(home: Home) -> None:
    name = "children and families/wave 2.csv"
    write(home.inbox / name, jisc(FIRST_GIVEN, "15/09/2025 10:12"))
    is_clean(land(home, name), "children_families_survey", 1)
    assert families_landed(home) == families_expected({2: FIRST_GIVEN})
    pseudonym = load_key().pseudonym(
        "children_families_survey_response", "wave=2,tool=jisc_online_surveys|123456-123450-12345678"
    )
    assert pseudonyms_landed(home, "children_families_survey") == {2: pseudonym}


def test_an_export_without_a_time_takes_the_month_of_its_name_and_else_is_refused(home: Home) -> None:
    name, nameless = "children and families/2025-09 wave 2.csv", "children and families/wave 3.csv"
    write(home.inbox / name, jisc(FIRST_GIVEN, None))
    write(home.inbox / nameless, jisc(SECOND_GIVEN, None))
    is_clean(land(home, name), "children_families_survey", 1)
    expected = families_expected({2: Given(FIRST_GIVEN.answers, day=date(2025, 9, 1))})
    assert families_landed(home) == expected
    refused = next(report for report in land_inbox(home) if report.file_name == nameless)
    assert (refused.status, [f.rule for f in refused.findings]) == ("refused", ["completed_at_not_known"])


def test_without_times_the_response_of_an_organisation_that_stands_last_is_its_latest(home: Home) -> None:
    columns = [item for item in ORGANISATIONAL if item not in STAGES]
    header = ["Unique Response Number", f"1. {ANSWERING_FOR}", *(f"2. {ORGANISATIONAL[item]}" for item in columns)]
    header += [f"24.{n}. {ORGANISATIONAL[item]}" for n, item in enumerate(STAGES, 1)]
    rows: list[Row] = []
    for number, pledge in enumerate(("Yes", "Partly"), 1):
        given = organisational_given(org01=pledge, org22=list(CHANGE_LABELS))
        said = [given.answers[item] for item in (*columns, *STAGES)]
        cells = [answer if isinstance(answer, str) else ", ".join(answer) for answer in said]
        rows.append([f"123456-123450-{number}", "Ashfield", *cells])
    name = "organisational survey/2025-03 wave 1.csv"
    write(home.inbox / name, csv_of([header, *rows]))
    report = land(home, name)
    assert (report.rows_read, report.rows_landed, report.dropped_by_rule) == (2, 1, {"superseded_response": 1})
    last = organisational_given(org01="Partly", org22=list(CHANGE_LABELS))
    assert organisational_landed(home) == organisational_expected({3: Given(last.answers, day=date(2025, 3, 1))})


# --- Google Forms -------------------------------------------------------------------------------------------------


def google_row(given: Given, stamp: str, address: str = MAIL) -> Row:
    return [stamp, address, given.organisation, given.kind, *(given.answers.get(item, "") for item in FAMILIES)]


def google_header() -> Row:
    """A grid of twelve statements, and two questions of their own."""
    grid = [f"How has it been for you? [{FAMILIES[f'cf{n:02}']}]" for n in range(1, 13)]
    return ["Timestamp", "Email Address", ABOUT_SERVICE, ABOUT_KIND, *grid, FAMILIES["cf13"], FAMILIES["cf14"]]


def test_google_grids_and_stamps_with_a_zone_and_no_id(home: Home) -> None:
    rows = [
        google_header(),
        google_row(FIRST_GIVEN, "2025/09/15 12:05:01 AM GMT+1"),
        google_row(SECOND_GIVEN, "2025/09/15 10:12:30 AM GMT+1"),
        # The same moment and the same answers: the same response.
        google_row(SECOND_GIVEN, "2025/09/15 10:12:30 AM GMT+1"),
        google_row(THIRD_GIVEN, "2025/09/16 11:59:59 PM GMT"),
        # Somebody else with the same answers, later.
        google_row(THIRD_GIVEN, "2025/09/16 11:59:59 PM GMT", "someone.else@home.example"),
    ]
    name = "children and families/wave 2.csv"
    write(home.inbox / name, csv_of(rows))
    report = land(home, name)
    assert (report.rows_read, report.rows_landed, report.dropped_by_rule) == (5, 4, {"duplicate_row": 1})
    assert [f.column_name for f in report.findings] == []
    expected = {2: FIRST_GIVEN, 3: SECOND_GIVEN, 5: THIRD_GIVEN, 6: THIRD_GIVEN}
    assert families_landed(home) == families_expected(expected)
    assert len(set(pseudonyms_landed(home, "children_families_survey").values())) == 4


@pytest.mark.parametrize("stamp", ["15/09/2025 10:12:30", "9/15/2025 10:12:30", "2025-09-15 10:12:30"])
def test_a_sheet_of_google_answers_may_write_its_stamps_as_the_sheet_does(home: Home, stamp: str) -> None:
    name = "children and families/wave 2.csv"
    write(home.inbox / name, csv_of([google_header(), google_row(FIRST_GIVEN, stamp)]))
    is_clean(land(home, name), "children_families_survey", 1)
    assert families_landed(home) == families_expected({2: FIRST_GIVEN})


@pytest.mark.parametrize("between", [", ", ";"])
def test_google_choices_are_told_apart_though_a_label_holds_a_comma(home: Home, between: str) -> None:
    given = organisational_given(org22=list(CHANGE_LABELS))
    grid = [f"{GRID} [{ORGANISATIONAL[item]}]" for item in STAGES]
    columns = [item for item in ORGANISATIONAL if item not in STAGES]
    header = ["Timestamp", ANSWERING_FOR, *(ORGANISATIONAL[item] for item in columns), *grid]
    said = [given.answers[item] for item in (*columns, *STAGES)]
    cells = [between.join(answer) if not isinstance(answer, str) else answer for answer in said]
    name = "organisational survey/wave 1.csv"
    write(home.inbox / name, csv_of([header, ["2025/09/15 10:12:30 AM GMT+1", given.organisation, *cells]]))
    is_clean(land(home, name), "organisational_survey", 1)
    assert organisational_landed(home) == organisational_expected({2: given})


# --- training feedback: exports that hold every response so far -----------------------------------------------------


def test_a_response_that_stands_in_an_earlier_and_a_fuller_export_keeps_its_pseudonym(home: Home) -> None:
    header = ["Timestamp", "Which course did you take?", "Which organisation do you work for?", *FEEDBACK.values()]
    first = ["2025/09/15 10:12:30 AM GMT+1", "Trauma basics", "Ashfield", "Agree", "Strongly agree"]
    second = ["2025/10/01 9:00:00 AM GMT+1", "Trauma basics", "", "Prefer not to say", ""]
    write(home.inbox / "feedback/october.csv", csv_of([header, first]), age=60)
    write(home.inbox / "feedback/november.csv", csv_of([header, first, second]))
    reports = {report.file_name: report for report in land_inbox(home)}
    is_clean(reports["feedback/october.csv"], "training_feedback", 1)
    is_clean(reports["feedback/november.csv"], "training_feedback", 2)
    columns = "submitted_date, course, organisation_id, item_id, answer, score"
    once = [
        (date(2025, 9, 15), "Trauma basics", "ORG1", "tf01", "agree", 4),
        (date(2025, 9, 15), "Trauma basics", "ORG1", "tf02", "strongly_agree", 5),
    ]
    late = [(date(2025, 10, 1), "Trauma basics", None, "tf01", "prefer_not_to_say", None)]
    assert landed(home, "training_feedback", columns, "source_row, item_id") == [*once, *once, *late]
    assert len(set(landed(home, "training_feedback", "respondent_id"))) == 2


# --- a tool of the home's own ---------------------------------------------------------------------------------------

OWN_TOOL = f"""\
tool_id: smart_survey
title: SmartSurvey
recognise: [[UserNo], [UserID]]
response_id: [UserID]
completed_at:
  headers: [Ended]
  formats: ["%d/%m/%Y %H:%M"]
personal: [Name, Email, IP Address, Unique ID]
ignored: [UserNo, Started, Tracking Link]
separator: "|"
leave_out:
  - id: partial
    headers: [Completed]
    values: ["No"]
    reason: The response was begun and not finished.
questions:
  Q1: {ABOUT_SERVICE}
  Q2: {ABOUT_KIND}
""" + "".join(f'  Q{number}: "{text}"\n' for number, text in enumerate(FAMILIES.values(), 3))


def own_export(*rows: tuple[Given, str]) -> bytes:
    header = ["UserNo", "UserID", "Name", "Email", "IP Address", "Unique ID", "Started", "Ended", "Tracking Link",
              "Completed", *(f"Q{number}" for number in range(1, 17)), "Q17"]  # fmt: skip
    lines = [
        [number, f"u{given.id}", f"{FIRST} {LAST}", MAIL, ADDRESS, "", "15/09/2025 10:00", "15/09/2025 10:12", "",
         complete, given.organisation, given.kind, *(given.answers.get(item, "") for item in FAMILIES), "blue"]
        for number, (given, complete) in enumerate(rows, 1)
    ]  # fmt: skip
    return csv_of([header, *lines])


def test_a_tool_that_is_not_known_is_read_through_a_map_in_the_home(home: Home) -> None:
    name = "children and families/wave 2.csv"
    write(home.inbox / name, own_export((FIRST_GIVEN, "Yes"), (SECOND_GIVEN, "No"), (SECOND_GIVEN, "Yes")))
    refused = land(home, name)
    assert (refused.status, [f.rule for f in refused.findings]) == ("refused", ["not_recognised"])

    write(home.root / "survey_tools" / "smart_survey.yml", OWN_TOOL)
    report = land(home, name)
    assert (report.status, report.rows_read, report.rows_landed) == ("landed", 3, 2)
    assert report.dropped_by_rule == {"partial": 1}
    assert families_landed(home) == families_expected({2: FIRST_GIVEN, 4: SECOND_GIVEN})
    assert [(f.column_name, f.rule) for f in report.findings] == [("Q17", "unknown_column")]


def test_a_tool_file_with_a_slip_stops_with_its_name_and_what_to_change(home: Home) -> None:
    write(home.root / "survey_tools" / "smart_survey.yml", OWN_TOOL.replace("personal:", "personnel:"))
    result = impact("check", "--home", home.root, home.inbox / "organisations" / "register.csv")
    assert result.returncode != 0
    assert "survey_tools/smart_survey.yml" in result.stdout + result.stderr
    assert "personnel" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


# --- the instrument -------------------------------------------------------------------------------------------------

TWO_GRIDS = """
instrument_id: training_feedback
title: Two grids
description: The same statement before and after, and one that speaks against what it measures.
scales:
  agreement:
    - {label: "Disagree", code: disagree, score: 1}
    - {label: "Neither", code: neither, score: 2}
    - {label: "Agree", code: agree, score: 3}
    - {label: "Prefer not to say", code: prefer_not_to_say}
items:
  - {item_id: tf01, grid: ["Before the course"], wordings: ["I felt confident"]}
  - {item_id: tf02, grid: ["After the course"], wordings: ["I felt confident"]}
  - {item_id: tf03, reverse: true, wordings: ["It was a waste of time"]}
"""


@pytest.fixture
def two_grids(monkeypatch: pytest.MonkeyPatch) -> Instrument:
    """An instrument that asks one statement twice, in the place of the one that ships."""
    instrument = read_instrument(TWO_GRIDS, "training_feedback.yml")
    instruments = load_instruments() | {"training_feedback": instrument}
    for name, module in list(sys.modules.items()):
        if name.startswith("ingestion.") and hasattr(module, "load_instruments"):
            monkeypatch.setattr(module, "load_instruments", lambda: instruments)
    return instrument


#: Headers of the three statements, as each tool tells the two grids apart: not at all, by a number, by the heading.
STATEMENTS = {
    "nothing": ["I felt confident", "I felt confident", "It was a waste of time"],
    "number": ["I felt confident", "I felt confident2", "It was a waste of time"],
    "brackets": [
        "After the course [I felt confident]", "Before the course [I felt confident]", "It was a waste of time",
    ],
    "dash": ["After the course - I felt confident", "Before the course - I felt confident", "It was a waste of time"],
}  # fmt: skip


@pytest.mark.usefixtures("two_grids")
@pytest.mark.parametrize("told_by", STATEMENTS)
def test_one_statement_in_two_grids_is_two_items_and_a_reversed_one_scores_the_other_way(
    home: Home, told_by: str
) -> None:
    header = ["ID", "Start time", "Completion time", "Email", "Name", "Course", *STATEMENTS[told_by]]
    rows = [
        ["1", "9/15/25 9:00:00", "9/15/25 9:05:00", "anonymous", "", "Basics", "Disagree", "Agree", "Agree"],
        ["2", "9/15/25 9:00:00", "9/15/25 9:06:00", "anonymous", "", "Basics", "", "Prefer not to say", "Disagree"],
    ]
    name = "feedback/answers.csv"
    write(home.inbox / name, csv_of([header, *rows]))
    is_clean(land(home, name), "training_feedback", 2)
    before, after = ("tf01", "tf02") if told_by in ("nothing", "number") else ("tf02", "tf01")
    found = landed(home, "training_feedback", "source_row, item_id, answer, score", "source_row, item_id")
    assert found == sorted(
        [
            (2, before, "disagree", 1), (2, after, "agree", 3), (2, "tf03", "agree", 1),
            (3, after, "prefer_not_to_say", None), (3, "tf03", "disagree", 3),
        ]
    )  # fmt: skip


def test_a_statement_that_stands_there_twice_is_refused_by_its_name(home: Home) -> None:
    header = [*families_forms(), FAMILIES["cf05"].upper()]
    name = "children and families/wave 2.csv"
    write(home.inbox / name, csv_of([header, [*forms_row(FIRST_GIVEN, "9/15/25 9:00", list(FAMILIES)), "Never"]]))
    report = land(home, name)
    assert (report.status, [f.rule for f in report.findings]) == ("refused", ["header_twice"])
    assert FAMILIES["cf05"] in report.findings[0].message


def test_a_new_question_is_told_once_and_a_new_answer_with_its_row(home: Home) -> None:
    header = [*families_forms(), "Did you like the biscuits?"]
    rows = [[*forms_row(given, "9/15/25 9:00:00", list(FAMILIES)), "Yes"] for given in (FIRST_GIVEN, SECOND_GIVEN)]
    rows[1][7 + 2] = "Now and then"
    name = "children and families/wave 2.csv"
    write(home.inbox / name, csv_of([header, *rows]))
    report = land(home, name)
    assert (report.rows_landed, report.rows_quarantined) == (1, 1)
    assert [(f.source_row, f.column_name, f.rule, f.value, f.severity) for f in report.findings] == [
        (None, "Did you like the biscuits?", "unknown_column", None, "warning"),
        (3, printable(header[9].strip()), "unknown_answer", "Now and then", "error"),
    ]
    exported = findings(home, "source_row, rule, value")
    assert exported == [(f.source_row, f.rule, f.value) for f in report.findings]


def test_a_response_without_an_answer_is_counted_and_not_kept_and_preferring_not_to_say_is_an_answer(
    home: Home,
) -> None:
    silent = Given({}, "Nowhere at all", id="7")
    reserved = Given({"cf01": "Prefer not to say"}, id="8")
    rows = [forms_row(given, "9/15/25 9:00:00", list(FAMILIES)) for given in (silent, reserved)]
    name = "children and families/wave 2.csv"
    write(home.inbox / name, csv_of([families_forms(), *rows]))
    report = land(home, name)
    assert (report.rows_read, report.rows_landed, report.dropped_by_rule) == (2, 1, {"no_answered_item": 1})
    # Nothing is said of the cells of a response that is not kept.
    assert [f.column_name for f in report.findings] == []
    assert families_landed(home) == families_expected({3: reserved})


def test_an_export_of_a_questionnaire_that_is_not_known_says_so(home: Home) -> None:
    name = "something else.csv"
    about = monkey_about(FIRST_GIVEN, "09/15/2025 10:12:30 AM")
    write(home.inbox / name, csv_of([[*MONKEY, "Tea or coffee?"], [""] * 9 + ["Response"], [*about, "Tea"]]))
    report = land(home, name)
    assert (report.status, [f.rule for f in report.findings]) == ("refused", ["unknown_questionnaire"])
    assert "SurveyMonkey" in report.findings[0].message


# --- dirt -----------------------------------------------------------------------------------------------------------

JUNK = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", ";", ",;,", "\x1f", "Agree;Agree", "Always", "Nowhere", "NaN", "#N/A", "9/15/25", "0", "1e9",
         "'", '"', "a" * 4000, ";" * 4000, "\u202e", "\ufeff", "=1+1", "%", "\\", "{value}", "wave 9"]
    ),
)  # fmt: skip
#: Export of each tool with the rows that its header takes.
CLEAN: dict[str, tuple[int, Callable[[], bytes]]] = {
    "forms": (1, lambda: csv_of([families_forms(), forms_row(FIRST_GIVEN, "9/15/25 9:00", list(FAMILIES))])),
    "qualtrics": (
        3,
        lambda: qualtrics_csv([qualtrics_about(g) + qualtrics_answers(g) for g in [organisational_given()]]),
    ),
    "surveymonkey": (2, lambda: monkey_expanded([(FIRST_GIVEN, "09/15/2025 10:12:30 AM")])),
    "jisc": (1, lambda: jisc(FIRST_GIVEN, "15/09/2025")),
    "google": (1, lambda: csv_of([google_header(), google_row(FIRST_GIVEN, "2025/09/15 10:12:30 AM GMT+1")])),
}


@pytest.mark.parametrize("tool", CLEAN)
@hypothesis.settings(
    max_examples=10, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(data=st.data())
def test_no_dirt_in_an_export_makes_a_row_vanish(home: Home, tool: str, data: st.DataObject) -> None:
    header_rows, clean = CLEAN[tool]
    rows = list(csv.reader(io.StringIO(clean().decode("utf-8-sig"), newline="")))
    rows += [list(rows[-1]) for _ in range(data.draw(st.integers(0, 3)))]
    below_header_only = data.draw(st.booleans())
    for _ in range(data.draw(st.integers(0, 6))):
        row = data.draw(st.integers(header_rows if below_header_only else 0, len(rows) - 1))
        rows[row][data.draw(st.integers(0, len(rows[row]) - 1))] = data.draw(JUNK)
    path = write(home.inbox / "2025-09 wave 1.csv", csv_of(rows))
    report = check_file(path, home)
    assert report.status in ("landed", "refused")
    assert report.rows_read == report.rows_landed + report.rows_quarantined + report.rows_dropped
    if report.status == "landed" and below_header_only:
        assert report.rows_read == len(rows) - header_rows
    errors = {f.source_row for f in report.findings if f.severity == "error" and f.source_row}
    assert len(errors) == report.rows_quarantined


# --- the screen for suppliers ---------------------------------------------------------------------------------------


def test_checking_says_the_same_as_landing_for_every_tool(home: Home) -> None:
    exports = {
        "families wave 2.csv": csv_of([families_forms(), forms_row(FIRST_GIVEN, "9/15/25 9:00", list(FAMILIES))]),
        "organisations wave 1.csv": qualtrics_csv(
            [qualtrics_about(g, s) + qualtrics_answers(g) for g in [organisational_given()] for s in ("0", "1")]
        ),
        "families wave 3.csv": monkey_expanded([(FIRST_GIVEN, "09/15/2025 10:12:30 AM")]),
        "families wave 4.csv": jisc(SECOND_GIVEN, "15/09/2025"),
        "families wave 5.csv": csv_of([google_header(), google_row(THIRD_GIVEN, "2025/09/16 9:00:00 AM GMT+1")]),
    }
    for name, content in exports.items():
        write(home.inbox / name, content)
    reports = {report.file_name: report for report in land_inbox(home)}
    for name in exports:
        checked = check_file(home.inbox / name, home)
        assert checked == reports[name]
        assert checked.status == "landed"


def test_the_screen_names_the_survey_the_rows_and_what_was_left_out(home: Home) -> None:
    given = organisational_given(org01="Perhaps")
    rows = [qualtrics_about(given, status) + qualtrics_answers(given) for status in ("IP Address", "Survey Preview")]
    path = write(home.inbox / "organisational wave 1.csv", qualtrics_csv(rows))
    screen = impact("check", "--home", home.root, path).stdout
    for words in ("Organisational survey", "preview", "row 4", "Perhaps", "ingestion/instruments/organisational.yml"):
        assert words in screen, screen
    assert not any(secret in screen for secret in SECRETS)
