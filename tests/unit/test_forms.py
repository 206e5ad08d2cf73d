"""Survey tools as data: which tool made a file, what stands over its columns, and which question each answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingestion.contracts import Column, load_contracts
from ingestion.forms import Tool, ToolError, load_tools, match_questions, read_headings
from ingestion.forms.matching import refuse_what_is_twice
from ingestion.home import Home, Settings
from ingestion.instruments import Instrument, load_instruments
from ingestion.readers import Sheet, UnreadableFile, normalise_header
from ingestion.split import choices_in, item_columns

TOOLS = load_tools()
ORGANISATIONAL = load_instruments()["organisational"]


def headings(tool_id: str, *top: Sequence[str]) -> tuple[list[tuple[str, tuple[tuple[str, str], ...]]], int]:
    """Text and readings over each column, and the last row of the header."""
    sheet = Sheet(path=Path("answers.csv"), name=None, top=[list(row) for row in top])
    found, last = read_headings(TOOLS[tool_id], sheet, 1)
    return [(heading.text, heading.readings) for heading in found], last


# --- which tool ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "tools"),
    [
        ("ID,Start time,Completion time,Email,Name", {"microsoft_forms"}),
        ("Id,Start time,Completion time,Email,Name,Last modified time", {"microsoft_forms"}),
        ("StartDate,EndDate,Status,Finished,RecordedDate,ResponseId", {"qualtrics"}),
        ("\ufeffV1,V2,V3,V4,V5,V6,V7,V8,V9,V10,Q1,", {"qualtrics"}),
        ("Respondent ID,Collector ID,Start Date,End Date", {"surveymonkey"}),
        ("Unique Response Number,1. Which service is this about?", {"jisc_online_surveys"}),
        ("Timestamp,Which service is this about?", {"google_forms"}),
        ("ID,Name,Email", set()),
        ("Respondent ID,Start Date", set()),
    ],
)
def test_a_tool_is_told_by_the_columns_that_each_of_its_exports_has(header: str, tools: set[str]) -> None:
    row = [normalise_header(cell) for cell in header.split(",")]
    assert {tool_id for tool_id, tool in TOOLS.items() if tool.made(row)} == tools


def test_what_may_tell_who_answered_is_read_from_no_tool() -> None:
    for tool in TOOLS.values():
        read = tool.reads(load_contracts()["workforce_survey"])
        headers = {normalise_header(header) for column in read.columns for header in column.headers}
        assert not headers & {normalise_header(header) for header in tool.personal}, tool.tool_id


def test_a_tool_leaves_its_previews_out_before_the_rules_of_the_survey() -> None:
    read = TOOLS["qualtrics"].reads(load_contracts()["workforce_survey"])
    assert [drop.id for drop in read.drops] == ["preview", "unfinished", "no_answered_item"]


# --- what stands over a column --------------------------------------------------------------------------------------


def test_a_heading_may_be_a_statement_or_a_grid_and_a_statement() -> None:
    (text, readings), (_, quiz) = headings("microsoft_forms", ["Us - I feel safe", "Points - I feel safe"])[0]
    assert text == "Us - I feel safe"
    assert readings == (("", "us i feel safe"), ("us", "i feel safe"))
    # The marks of a quiz answer nothing.
    assert quiz == ()


def test_google_writes_a_grid_as_question_and_row() -> None:
    ((_, readings),), last = headings("google_forms", ["How was it? [I felt\xa0safe]"])
    assert readings == (("", "how was it i felt safe"), ("how was it", "i felt safe"))
    assert last == 1


@pytest.mark.parametrize("number", ["7. ", "7.1. ", "7.1.a. ", "9.d.viii.a. ", "7.a) ", "Q7: ", "q 7. ", "12a. "])
def test_a_number_in_front_of_a_question_is_no_part_of_it(number: str) -> None:
    ((text, readings),), _ = headings("jisc_online_surveys", [f"{number}I feel safe"])
    assert text == f"{number}I feel safe"
    assert ("", "i feel safe") in readings


@pytest.mark.parametrize("text", ["24 hours are enough", "I. feel safe", "A. I feel safe"])
def test_what_is_no_number_of_a_question_stays(text: str) -> None:
    ((_, readings),), _ = headings("jisc_online_surveys", [text])
    assert [statement for _, statement in readings] == [text.lower().replace(".", "")]


def test_qualtrics_has_three_header_rows_where_there_are_import_ids_and_else_two() -> None:
    names, texts = ["ResponseId", "Q1_1"], ["Response ID", "How far?\nThink. - I feel safe"]
    three, last = headings("qualtrics", names, texts, ['{"ImportId":"_recordId"}', '{"ImportId":"QID1_1"}'])
    assert last == 3
    assert three[1] == (texts[1], (("", "how far think i feel safe"), ("how far think", "i feel safe")))
    two, last = headings("qualtrics", names, texts, ["R_1", "Agree"])
    assert (two, last) == (three, 2)


def test_qualtrics_choice_beside_a_box_for_text_is_the_question_and_the_box_is_not() -> None:
    texts = ["Which one? - Selected Choice", "Which ones? - Selected Choice - The red", "Which one? - Other - Text"]
    found, _ = headings("qualtrics", ["Q1", "Q2_1", "Q1_9_TEXT"], texts)
    assert found[0] == ("Which one?", (("", "which one"),))
    assert found[1][1] == (("", "which ones the red"), ("which ones", "the red"))
    assert found[2] == ("Which one? - Other - Text", ())


def test_surveymonkey_goes_on_with_the_question_to_the_left() -> None:
    found, last = headings(
        "surveymonkey",
        ["Respondent ID", "Collector ID", "How was it?", "", "", "Any more?"],
        ["", "", "I felt safe", "I felt heard", "Other (please specify)", "Open-Ended Response"],
        ["1140", "12", "Agree", "", "", ""],
    )
    assert last == 2
    assert found[2:] == [
        ("How was it? – I felt safe", (("how was it", "i felt safe"),)),
        ("How was it? – I felt heard", (("how was it", "i felt heard"),)),
        ("How was it? – Other (please specify)", (("how was it", "other please specify"),)),
        ("Any more?", (("", "any more"),)),
    ]


@pytest.mark.parametrize(("second", "last"), [(["", "", ""], 2), (["1140", "12", "Agree"], 1)])
def test_surveymonkey_condensed_has_an_empty_second_row_or_none(second: list[str], last: int) -> None:
    found, ends = headings("surveymonkey", ["Respondent ID", "Collector ID", "I felt safe"], second)
    assert ends == last
    assert found[2] == ("I felt safe", (("", "i felt safe"),))


# --- which question a column answers --------------------------------------------------------------------------------


def test_options_over_columns_are_all_of_one_item_and_unknown_ones_of_none() -> None:
    question = "What have you changed as a result? Choose all that apply"
    tops = (
        ["Respondent ID", "Collector ID", question, "", "", "Name of your organisation"],
        ["", "", "Buildings and rooms", "Letters, forms and words", "The car", "Response"],
    )
    sheet = Sheet(path=Path("answers.csv"), name=None, top=[list(row) for row in tops])
    found, _ = read_headings(TOOLS["surveymonkey"], sheet, 1)
    columns = load_contracts()["organisational_survey"].columns
    answered = match_questions(ORGANISATIONAL, columns, found)
    assert answered.items == {"org22": [2, 3]}
    assert answered.questions == {"organisation_id": [5]}


def test_a_stage_is_not_taken_for_a_word_of_another_question() -> None:
    sheet = Sheet(path=Path("answers.csv"), name=None, top=[["Unique Response Number", "24.5. OUTCOME", "Outcomes"]])
    found, _ = read_headings(TOOLS["jisc_online_surveys"], sheet, 1)
    assert match_questions(ORGANISATIONAL, [], found).items == {"org35": [1]}


def test_three_columns_of_a_statement_that_two_grids_share_are_refused() -> None:
    item = {"wordings": ["I felt confident"]}
    instrument = Instrument.model_validate(
        {
            "instrument_id": "grids",
            "title": "Grids",
            "description": "Grids.",
            "scales": {"yes": [{"label": "Yes", "code": "yes", "score": 1}]},
            "items": [
                {"item_id": "a", "grid": ["Before"], **item},
                {"item_id": "b", "grid": ["After"], **item},
            ],
        }
    )
    sheet = Sheet(path=Path("answers.csv"), name=None, top=[["Timestamp", *["I felt confident"] * 3]])
    found, _ = read_headings(TOOLS["google_forms"], sheet, 1)
    with pytest.raises(UnreadableFile) as refused:
        refuse_what_is_twice(match_questions(instrument, [], found))
    assert refused.value.rule == "header_twice"


# --- several choices in one cell ------------------------------------------------------------------------------------


def changes(separator: str) -> Column:
    return next(column for column in item_columns(ORGANISATIONAL, separator) if column.name == "org22")


@pytest.mark.parametrize(
    ("separator", "text", "chosen"),
    [
        (";", "Buildings and rooms;Letters, forms and words;", ["environment", "language"]),
        (",;", "Letters, forms and words, Buildings and rooms", ["language", "environment"]),
        (",;", "Letters, forms and words;Referral, so that stories are told once", ["language", "referral"]),
        (",", "letters forms and words", ["language"]),
        (";", "Nothing yet;Nothing yet;", ["nothing"]),
        (";", "Buildings and rooms;The car;", None),
        (",", "Letters, forms", None),
    ],
)
def test_choices_are_told_apart_though_a_label_holds_the_sign_between_them(
    separator: str, text: str, chosen: list[str] | None
) -> None:
    assert choices_in(text, changes(separator)) == chosen


def test_a_cell_of_nothing_but_separators_names_no_choice_and_takes_no_time() -> None:
    assert choices_in(";" * 200_000, changes(";")) is None
    assert choices_in("x;" * 200_000, changes(";")) is None


# --- tools of a home's own ------------------------------------------------------------------------------------------

OWN = """\
tool_id: own
title: Our own
recognise: [[Number], [Done]]
response_id: [Number]
completed_at: {headers: [Done], formats: ["%d/%m/%Y"]}
questions: {Q1: "I feel safe"}
"""


def own_tool(root: Path, text: str) -> Tool:
    folder = root / "survey_tools"
    folder.mkdir()
    (folder / "own.yml").write_text(text, encoding="utf-8")
    return load_tools(Home(root=root, settings=Settings(authority="E08000005")))["own"]


def test_a_tool_of_a_home_names_the_question_behind_a_number(tmp_path: Path) -> None:
    tool = own_tool(tmp_path, OWN)
    sheet = Sheet(path=Path("answers.csv"), name=None, top=[["Number", "Done", "q1 ", "Q2"]])
    found, last = read_headings(tool, sheet, 1)
    assert last == 1
    assert [(heading.text, heading.readings) for heading in found[2:]] == [
        ("q1 ", (("", "i feel safe"),)),
        ("Q2", (("", "q2"),)),
    ]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("title:", "tittle:", "tittle"),
        ("questions:", "personal: [Number]\nquestions:", "own: a column has two meanings: number"),
        ("[[Number], [Done]]", "[", "survey_tools/own.yml"),
    ],
)
def test_a_tool_with_a_slip_is_refused_by_its_file(tmp_path: Path, before: str, after: str, says: str) -> None:
    with pytest.raises(ToolError, match=r"^survey_tools/own\.yml: ") as refused:
        own_tool(tmp_path, OWN.replace(before, after))
    assert says in str(refused.value)


def test_a_home_may_read_a_known_tool_its_own_way(tmp_path: Path) -> None:
    folder = tmp_path / "survey_tools"
    folder.mkdir()
    (folder / "google.yml").write_text(OWN.replace("tool_id: own", "tool_id: google_forms"), encoding="utf-8")
    tools = load_tools(Home(root=tmp_path, settings=Settings(authority="E08000005")))
    assert tools["google_forms"].title == "Our own"
    assert set(tools) == set(TOOLS)


def test_the_tool_that_the_page_on_extending_shows_reads_as_it_stands(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n# survey_tools/smartsurvey\.yml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    tool = own_tool(tmp_path, example[1].replace("tool_id: smartsurvey", "tool_id: own"))
    top = [["UserNo", "UserID", "Ended", "Completed", *(f"Q{number}" for number in range(1, 5))]]
    found, _ = read_headings(tool, Sheet(path=Path("answers.csv"), name=None, top=top), 1)
    contract = tool.reads(load_contracts()["workforce_survey"])
    answered = match_questions(load_instruments()["workforce"], contract.columns, found)
    assert answered.questions == {"organisation_id": [4], "role_code": [5]}
    assert answered.items == {"wf01": [6]}
    assert [drop.id for drop in contract.drops] == ["partial", "no_answered_item"]
