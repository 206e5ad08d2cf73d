"""What a file's name and folders say of the year and the wave."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from ingestion.context import describe, from_path
from ingestion.contracts import Context

YEAR = Context(name="collection_year", kind="financial_year_end", description="Year.")
WAVE = Context(name="wave", kind="wave", description="Wave.")


@pytest.mark.parametrize(
    ("path", "year"),
    [
        ("episodes 2017-18.csv", 2018),
        ("episodes_2017_18.csv", 2018),
        ("episodes201718.csv", 2018),
        ("episodes 2017-2018.csv", 2018),
        ("episodes 1999-00.csv", None),
        ("SSDA903_2018_episodes.csv", 2018),
        ("2018.csv", 2018),
        # The file's own name counts before its folders, the nearest folder before those above it.
        ("2016-17/ssda903 2018/episodes 2019.csv", 2019),
        ("2016-17/ssda903 2018/episodes.csv", 2018),
        ("2016-17/ssda903/episodes.csv", 2017),
        ("ssda903/episodes.csv", None),
        # Neither a day nor two years that do not follow each other is a financial year.
        ("episodes_20180415.csv", None),
        ("episodes 2018-04-15.csv", None),
        ("episodes 2018_04_15.csv", None),
        ("2018-19/episodes 2018-04-15.csv", 2019),
        ("episodes 2017-19.csv", 2017),
        ("case 120187.csv", None),
    ],
)
def test_the_year_is_the_one_in_which_a_financial_year_ends(path: str, year: int | None) -> None:
    assert from_path(YEAR, PurePosixPath(path)) == year


@pytest.mark.parametrize(
    ("path", "wave"),
    [
        ("Workforce survey wave 3.xlsx", 3),
        ("wave3.xlsx", 3),
        ("WAVE-03 final.xlsx", 3),
        ("survey Wave_12 (corrected).xlsx", 12),
        ("wave 2/survey.xlsx", 2),
        ("wave 2/survey wave 3.xlsx", 3),
        ("wave 2023.xlsx", None),
        ("survey 3.xlsx", None),
        ("waves/survey.xlsx", None),
    ],
)
def test_the_wave_is_the_number_behind_the_word(path: str, wave: int | None) -> None:
    assert from_path(WAVE, PurePosixPath(path)) == wave


def test_a_person_is_told_what_to_write() -> None:
    assert describe(WAVE) == "“wave 3”"
    assert describe(YEAR) == "the year, such as “2024-25”"
