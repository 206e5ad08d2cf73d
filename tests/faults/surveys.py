"""Faults in the exports of surveys."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.faults.model import (
    NEEDS_ALL_ROWS,
    NEEDS_OTHER_FILES,
    NEEDS_THE_DAY,
    fault,
    table,
)

FOLDER = "children and families survey"
GOOGLE = f"{FOLDER}/Children and families wave 2.csv"
FORMS = f"{FOLDER}/Children and families wave 3 (with late responses).csv"
DATASET = "children_families_survey"
FIRST_ITEM = 3
COURSES = "training feedback/Feedback to autumn 2025.csv"


@fault("families", DATASET, "sent_as_another")
def a_wave_loaded_twice(root: Path) -> None:
    """The export of wave 2 is sent once more, as wave 4."""
    shutil.copy2(root / "inbox" / GOOGLE, root / "inbox" / FOLDER / "Children and families wave 4.csv")


@fault(
    "families",
    DATASET,
    "responses_not_of_another_wave",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def an_old_wave_saved_as_a_new_one(root: Path) -> None:
    """Wave 2 is opened, loses its last response, and is saved as wave 4."""
    shutil.copy2(root / "inbox" / GOOGLE, root / "inbox" / FOLDER / "Children and families wave 4.csv")
    with table(root, f"{FOLDER}/Children and families wave 4.csv") as export:
        export.rows.pop()


@fault(
    "families",
    DATASET,
    "wave_follows_another",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
    # What lay in the inbox as wave 3 stays in force: nobody has taken it back.
    beside={f"{DATASET}.responses_not_of_another_wave"},
)
def a_wave_number_that_jumps(root: Path) -> None:
    """Wave 3 is named wave 13."""
    for path in sorted((root / "inbox" / FOLDER).glob("*wave 3*")):
        path.rename(path.with_name(path.name.replace("wave 3", "wave 13")))


@fault(
    "families",
    DATASET,
    "items_rank_as_in_other_waves",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def an_inverted_scale(root: Path) -> None:
    """In wave 2 all answers stand for their opposite, from strongly agree to strongly disagree."""
    agreement = ["Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree"]
    opposite = dict(zip(agreement, reversed(agreement), strict=True))
    with table(root, GOOGLE) as export:
        for row in export.body:
            row[FIRST_ITEM:] = [opposite.get(cell, cell) for cell in row[FIRST_ITEM:]]


@fault(
    "families",
    DATASET,
    "items_rank_as_in_other_waves",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def items_in_another_order(root: Path) -> None:
    """In wave 2 the answers stand three columns further on than their statements."""
    with table(root, GOOGLE) as export:
        for row in export.body:
            row[FIRST_ITEM:] = [*row[-3:], *row[FIRST_ITEM:-3]]


@fault("families", DATASET, "unknown_organisation", beside={f"{DATASET}.unknown_code", f"{DATASET}.unknown_answer"})
def a_response_shifted_by_a_cell(root: Path) -> None:
    """In one row of wave 2 every cell has moved to the right by one."""
    with table(root, GOOGLE) as export:
        export.rows[9][1:] = [export.rows[9][2], *export.rows[9][1:-1]]


@fault("families", DATASET, "unknown_answer")
def answers_in_other_words(root: Path) -> None:
    """Of wave 3 one answer reads Frequently, which the instrument does not know."""
    with table(root, FORMS) as export:
        export.rows[4][8] = "Frequently"


@fault("families", "", "unknown_questionnaire")
def a_survey_of_another_instrument(root: Path) -> None:
    """In the folder of the survey lies an export of questions about a canteen."""
    header = ["ID", "Start time", "Completion time", "Email", "Name", "How was the soup?", "How was the pudding?"]
    with table(root, FORMS) as export:
        export.rows[:] = [header, *([*row[:5], "Good", "Better"] for row in export.body[:20])]


@fault("families", DATASET, "enough_respondents", stage="landed", severity="warning", not_earlier=NEEDS_ALL_ROWS)
def a_wave_cut_after_eight_responses(root: Path) -> None:
    """Of wave 2 only the first eight responses are there."""
    with table(root, GOOGLE) as export:
        del export.rows[9:]


@fault("families", DATASET, "every_item_answered", stage="landed", severity="warning", not_earlier=NEEDS_ALL_ROWS)
def a_statement_without_answers(root: Path) -> None:
    """In wave 2 the column of one statement is empty."""
    with table(root, GOOGLE) as export:
        for row in export.body:
            row[FIRST_ITEM + 4] = ""


@fault("families", DATASET, "duplicate_key")
def a_response_twice_with_other_answers(root: Path) -> None:
    """In wave 3 a response stands twice under one number, once with another answer."""
    with table(root, FORMS) as export:
        again = list(export.rows[6])
        again[9] = "Never" if again[9] != "Never" else "Always"
        export.rows.append(again)


@fault(
    "families",
    DATASET,
    "submitted_date_not_in_future",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_THE_DAY,
)
def a_response_from_the_future(root: Path) -> None:
    """One response of wave 2 was completed in the year 2092."""
    with table(root, GOOGLE) as export:
        export.rows[5][0] = export.rows[5][0].replace("2025/", "2092/")


@fault("workforce", "", "not_a_workbook")
def a_workbook_cut_short(root: Path) -> None:
    """Only the first half of the workbook of wave 2 arrived."""
    path = root / "inbox" / "workforce survey" / "Workforce survey wave 2.xlsx"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@fault("organisational", "organisational_survey", "unknown_answer")
def percent_for_a_stage(root: Path) -> None:
    """Where an organisation stands on its journey is given as 75 % and not as 3."""
    with table(root, "organisational survey/Organisational survey wave 2.csv") as export:
        export.rows[3][-1] = "75%"


@fault(
    "training",
    "training_bookings",
    "courses_in_register",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def bookings_of_an_unknown_course(root: Path) -> None:
    """In one extract a course is called otherwise than in the register of courses."""
    with table(root, "training/bookings_2024-25_spring.csv") as export:
        export.change("Course name", lambda cell: cell.replace("Trauma-skilled practice", "Trauma skills, day one"))


@fault(
    "families",
    DATASET,
    "scores_are_spread",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_ALL_ROWS,
    beside={f"{DATASET}.distribution_as_before"},
)
def a_constant_column(root: Path) -> None:
    """Every answer of wave 2 is the one that the form had chosen beforehand."""
    with table(root, GOOGLE) as export:
        for row in export.body:
            row[FIRST_ITEM:] = ["Strongly agree"] * len(row[FIRST_ITEM:])
