"""Faults in the return on looked-after children, in schools' exclusions and rolls, and in the register."""

from __future__ import annotations

import shutil
from pathlib import Path

from ingestion.sample.places import NEIGHBOURS
from tests.faults.model import (
    NEEDS_OTHER_FILES,
    NEEDS_OTHER_ROWS,
    fault,
    table,
)

YEAR, BEFORE = "ssda903/2024-25", "ssda903/2023-24"
EPISODES, HEADER = "ssda903_episodes", "ssda903_header"
ROLLS = "pupils on roll/pupils_on_roll_2023-24.csv"
REGISTER = "organisations/register_2024-09.csv"
EXTRACT = "la exclusions/exclusions_2021-22_to_may.csv"
CENSUS = "school census/2024_spring_termlyexclusionsonroll.csv"


def year_later(day: str, years: int = 1) -> str:
    """The same day of another year, as the return writes it; empty stays empty."""
    return f"{day[:6]}{int(day[6:]) + years}".replace("29/02", "28/02") if day else day


# --- the return ------------------------------------------------------------------------------------------------------


@fault("returns", HEADER, "sent_as_another")
def last_years_file_under_a_new_name(root: Path) -> None:
    """In the folder of the year lies last year's header."""
    shutil.copy2(root / "inbox" / BEFORE / "header.csv", root / "inbox" / YEAR / "header.csv")


@fault("returns", HEADER, "children_have_episodes", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_FILES)
def a_stale_header_that_was_opened(root: Path) -> None:
    """The year's header is last year's, saved again without its last row."""
    shutil.copy2(root / "inbox" / BEFORE / "header.csv", root / "inbox" / YEAR / "header.csv")
    with table(root, f"{YEAR}/header.csv") as header:
        header.rows.pop()
        header.change("SEX", lambda code: {"1": "M", "2": "F"}.get(code, code))


@fault("returns", EPISODES, "year_contradicts")
def a_wrong_year_in_the_name(root: Path) -> None:
    """The episodes of the year lie in the folder of the year before it."""
    (root / "inbox" / YEAR / "episodes.csv").rename(root / "inbox" / YEAR / "episodes_2022-23.csv")


@fault("returns", EPISODES, "started_by_year_end", beside={f"{EPISODES}.ceased_by_year_end"})
def shifted_dates(root: Path) -> None:
    """All dates of forty episodes are a year too late."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        for header in ("DECOM", "DEC"):
            episodes.change(header, lambda day: year_later(day, 2), slice(0, 40))


@fault("returns", EPISODES, "ceased_after_start")
def beginning_and_end_exchanged(root: Path) -> None:
    """The headers of the days on which an episode began and ceased have changed places."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        start, end = episodes.at("DECOM"), episodes.at("DEC")
        for row in episodes.body:
            if row[end]:
                row[start], row[end] = row[end], row[start]


@fault("returns", EPISODES, "episodes_do_not_overlap", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_ROWS)
def overlapping_episodes(root: Path) -> None:
    """Of a child with two episodes the first ceases a month after the second began."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        child, start, end = (episodes.at(header) for header in ("CHILD", "DECOM", "DEC"))
        for first, second in zip(episodes.body, episodes.body[1:], strict=False):
            if first[child] == second[child] and first[end] == second[start] and first[end][3:5] < "02":
                first[end] = f"28/02{first[end][5:]}"


@fault("returns", EPISODES, "one_open_episode", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_ROWS)
def two_episodes_open(root: Path) -> None:
    """Of children with an open episode the one before it is open as well."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        child, end = episodes.at("CHILD"), episodes.at("DEC")
        for first, second in zip(episodes.body, episodes.body[1:], strict=False):
            if first[child] == second[child] and not second[end]:
                first[end] = first[end + 1] = first[end + 2] = ""


@fault("returns", EPISODES, "children_in_header", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_FILES)
def children_who_are_not_in_the_header(root: Path) -> None:
    """Every fourth child is missing from the header."""
    with table(root, f"{YEAR}/header.csv") as header:
        header.rows[1:] = [row for number, row in enumerate(header.body) if number % 4]


@fault(
    "returns", "ssda903_oc2", "children_in_header", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_FILES
)
def outcomes_of_other_children(root: Path) -> None:
    """The outcomes are of children with numbers of another system."""
    with table(root, f"{YEAR}/oc2.csv") as outcomes:
        outcomes.change("CHILD", lambda number: f"9{number}")


@fault("returns", EPISODES, "homes_in_own_authority", stage="landed", not_earlier=NEEDS_OTHER_ROWS)
def the_return_of_another_authority(root: Path) -> None:
    """Homes and placements lie where those of a neighbour's children do."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        for header in ("HOME_POST", "PL_POST"):
            episodes.change(header, lambda code: f"{NEIGHBOURS[0].outward[0]}{code[-4:]}" if code else code)


@fault(
    "returns",
    EPISODES,
    "more_homes_than_placements_inside",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
)
def home_and_placement_exchanged(root: Path) -> None:
    """The headers of the two postcodes have changed places."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        episodes.swap_headers("HOME_POST", "PL_POST")


@fault("returns", EPISODES, "postcodes_not_known", severity="warning")
def postcodes_made_anonymous(root: Path) -> None:
    """Of every postcode of a home only the first half was exported."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        episodes.change("HOME_POST", lambda code: f"{code[:-3]}9{code[-2:]}" if code else code)


@fault("returns", EPISODES, "episodes_belong_to_year", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_ROWS)
def mixed_years(root: Path) -> None:
    """Among the episodes of the year stand twenty that had ceased three years before."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        start, end = episodes.at("DECOM"), episodes.at("DEC")
        ended = [list(row) for row in episodes.body if row[end]][:20]
        for row in ended:
            row[start], row[end] = year_later(row[start], -12), year_later(row[start], -12)
        episodes.rows += ended


@fault("returns", HEADER, "not_over_25")
def an_age_of_150(root: Path) -> None:
    """A child was born in the nineteen-hundreds' first years, as the century slipped."""
    with table(root, f"{YEAR}/header.csv") as header:
        header.change("DOB", lambda day: f"{day[:6]}19{day[8:]}", slice(3, 4))


@fault("returns", HEADER, "month_first")
def births_with_the_month_first(root: Path) -> None:
    """A spreadsheet wrote the dates of birth with the month first; those with days that are no months stand alone."""
    with table(root, f"{YEAR}/header.csv") as header:
        header.change("DOB", lambda day: f"{day[3:5]}/{day[:2]}/{day[6:]}")


@fault("returns", EPISODES, "header_missing")
def a_column_left_out(root: Path) -> None:
    """The extract of the episodes comes without the reason for ceasing."""
    with table(root, f"{YEAR}/episodes.csv") as episodes:
        reason = episodes.at("REC")
        for row in episodes.rows:
            del row[reason]


@fault("returns", HEADER, "unknown_code")
def codes_of_another_generation(root: Path) -> None:
    """The sex is given by the numbers of returns to 2024."""
    with table(root, f"{YEAR}/header.csv") as header:
        header.change("SEX", lambda code: {"M": "1", "F": "2"}.get(code, code))


@fault("returns", "ssda903_oc2", "maximum")
def a_score_beyond_its_scale(root: Path) -> None:
    """A questionnaire with at most 40 points has 64."""
    with table(root, f"{YEAR}/oc2.csv") as outcomes:
        score = outcomes.at("SDQ_SCORE")
        next(row for row in outcomes.body if row[score])[score] = "64"


@fault("returns", "ssda903_oc3", "not_told_though_in_touch", severity="warning")
def all_nought(root: Path) -> None:
    """Activity and accommodation of every care leaver are 0."""
    with table(root, f"{YEAR}/oc3.csv") as outcomes:
        for header in ("ACTIV", "ACCOM"):
            outcomes.change(header, lambda code: "0")


@fault("returns", "ssda903_missing", "ended_after_start", beside={"ssda903_missing.ended_in_year"})
def back_before_they_were_gone(root: Path) -> None:
    """A child was back a year before it was missing."""
    with table(root, f"{YEAR}/missing.csv") as missing:
        missing.change("MIS_END", lambda day: year_later("01/04/2024", -1), slice(2, 3))


@fault("returns", "ssda903_reviews", "reviewed_by_year_end")
def a_review_of_the_next_year(root: Path) -> None:
    """Ten reviews are dated in the year after the return's."""
    with table(root, f"{YEAR}/reviews.csv") as reviews:
        reviews.change("REVIEW", lambda day: "15/05/2025", slice(0, 10))


# --- schools -------------------------------------------------------------------------------------------------------


@fault(
    "schools",
    "pupils_on_roll",
    "roll_as_at_other_censuses",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def ten_times_too_many_pupils(root: Path) -> None:
    """A school of some two hundred pupils has ten times as many at one census."""
    with table(root, ROLLS) as rolls:
        pupils = rolls.at("Pupils on roll")
        row = next(row for row in rolls.body if 100 <= int(row[pupils]) < 1000)
        row[pupils] += "0"


@fault(
    "schools",
    "pupils_on_roll",
    "roll_as_at_other_censuses",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def two_schools_swapped(root: Path) -> None:
    """In one file the smallest and the largest school have changed places."""
    with table(root, ROLLS) as rolls:
        pupils = rolls.at("Pupils on roll")
        names = sorted(rolls.body, key=lambda row: int(row[pupils]))
        small, large = names[0][0], names[-1][0]
        rolls.change("School", lambda name: {small: large, large: small}.get(name, name))


@fault("schools", "pupils_on_roll", "schools_known", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_FILES)
def a_renamed_school(root: Path) -> None:
    """At one census a school stands under a new name, which nobody has told the register."""
    with table(root, ROLLS) as rolls:
        old = rolls.body[1][0]
        rolls.change("School", lambda name: "Lantern Academy" if name == old else name)


@fault(
    "schools",
    "pupils_on_roll",
    "no_period_missing",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
    beside={"pupils_on_roll.volume_as_replaced"},
)
def a_missing_term(root: Path) -> None:
    """The rows of the spring census are not there."""
    with table(root, ROLLS) as rolls:
        rolls.keep(lambda row: row["Census date"][3:5] not in ("01", "02", "03"))


@fault("schools", "pupils_on_roll", "not_a_number")
def thousands_separators(root: Path) -> None:
    """Rolls of a thousand and more are written as 1.057, as in another language."""
    with table(root, ROLLS) as rolls:
        rolls.change("Pupils on roll", lambda cell: "1.057", slice(2, 4))


@fault("schools", "pupils_on_roll", "date_and_term_agree")
def a_census_in_the_wrong_term(root: Path) -> None:
    """A census of October is entered as that of spring."""
    with table(root, ROLLS) as rolls:
        rolls.change("Term", lambda cell: "Spring", slice(0, 3))


@fault("schools", "la_exclusions", "maximum")
def sessions_in_minutes(root: Path) -> None:
    """How long an exclusion lasted is given in minutes and not in half-days."""
    with table(root, EXTRACT) as extract:
        extract.change("Number of sessions", lambda cell: str(int(cell) * 195) if cell else cell)


@fault("schools", "la_exclusions", "suspension_has_sessions")
def suspensions_without_length(root: Path) -> None:
    """The number of sessions is missing in every row."""
    with table(root, EXTRACT) as extract:
        extract.change("Number of sessions", lambda cell: "")


@fault("schools", "la_exclusions", "schools_known", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_FILES)
def exclusions_of_a_school_of_another_authority(root: Path) -> None:
    """Exclusions of a school that neither the register nor any census knows stand among the others."""
    with table(root, EXTRACT) as extract:
        extract.change("School name", lambda name: "Faraway High School", slice(0, 30))


@fault("schools", "census_exclusions", "began_by_now")
def an_exclusion_of_the_future(root: Path) -> None:
    """An exclusion began in the year 2124."""
    with table(root, CENSUS) as census:
        census.change("startdate", lambda day: f"2124{day[4:]}", slice(1, 2))


@fault("schools", "census_exclusions", "reason_1_is_of_its_year", severity="warning")
def a_code_that_has_ended(root: Path) -> None:
    """The reason is Other, which is on no list since 2020."""
    with table(root, CENSUS) as census:
        census.change("reason1", lambda code: "OT", slice(0, 25))


# --- the register ----------------------------------------------------------------------------------------------------


@fault(
    "register",
    "organisations",
    "one_sector_per_organisation",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
)
def an_organisation_in_two_sectors(root: Path) -> None:
    """One row of an organisation names another sector than the others."""
    with table(root, REGISTER) as register:
        sector = register.at("Sector")
        register.rows[3][sector] = "Housing" if register.rows[3][sector] != "Housing" else "Health"


@fault(
    "register",
    "organisations",
    "one_id_per_name",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
    beside={"organisations.names_stay_with_their_organisation"},
)
def two_organisations_of_one_name(root: Path) -> None:
    """A new organisation is entered under the name of one that is there."""
    with table(root, REGISTER) as register:
        again = list(register.rows[1])
        again[0] = "ORG9001"
        register.rows.append(again)


@fault(
    "register",
    "organisations",
    "headcount_as_counted_before",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def ten_times_too_many_people(root: Path) -> None:
    """The head counts of one organisation have a nought too many."""
    with table(root, REGISTER) as register:
        first, count = register.rows[1][0], 5
        for row in register.body:
            if row[0] == first:
                row[count] += "0"


@fault(
    "register",
    "organisations",
    "roles_do_not_exceed_total",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
)
def totals_that_do_not_add_up(root: Path) -> None:
    """The people of all roles of an organisation are more than its people."""
    with table(root, REGISTER) as register:
        register.rows[2][5] = register.rows[1][5]


@fault(
    "register",
    "organisations",
    "nobody_counted_after_leaving",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def a_leaver_who_is_counted_again(root: Path) -> None:
    """An organisation that left in 2023 is in the registers of the years after."""
    with table(root, "organisations/register_2023-09.csv") as register:
        left, day = register.at("Left on"), register.at("As at")
        register.rows[1][left] = register.rows[1][day]


@fault(
    "register",
    "organisations",
    "names_stay_with_their_organisation",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def two_organisations_swapped(root: Path) -> None:
    """In the newest register two organisations have each other's names."""
    with table(root, "organisations/register_2025-09.csv") as register:
        first = register.body[0][1]
        other = next(row[1] for row in register.body if row[1] != first)
        register.change("Organisation", lambda name: {first: other, other: first}.get(name, name))


@fault("register", "organisations", "pattern")
def ids_with_spaces(root: Path) -> None:
    """The id of an organisation holds spaces."""
    with table(root, REGISTER) as register:
        register.change("Organisation ID", lambda cell: cell.replace("ORG", "ORG "), slice(0, 6))


@fault("register", "organisations", "not_a_number")
def a_head_count_in_words(root: Path) -> None:
    """A head count reads about 40."""
    with table(root, REGISTER) as register:
        register.rows[4][5] = "about 40"
