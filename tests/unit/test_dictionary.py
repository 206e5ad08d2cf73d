from __future__ import annotations

from pathlib import Path

from ingestion.dictionary import TARGET, dictionary
from ingestion.registry import pages

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_page_of_datasets_is_what_the_contracts_say():
    assert (REPOSITORY / TARGET).read_text(encoding="utf-8") == dictionary(), "run `make docs`"


def test_the_page_names_every_column_its_header_and_what_becomes_of_it():
    page = dictionary()
    assert "| `birth_date` | `DOB` | date, not landed | Date of birth, used for the age and dropped. |" in page
    assert "From collection year 2019: adds E45, E46, E47, E48 and ends E43, E44." in page
    assert "| `dfe_metadata` | Description of a Department for Education data file |" in page


def test_the_page_of_indicators_is_what_the_registry_says():
    assert (REPOSITORY / pages.TARGET).read_text(encoding="utf-8") == pages.indicators_page(), "run `make docs`"


def test_the_page_of_indicators_has_every_statement_with_its_indicators_or_its_gap():
    page = pages.indicators_page()
    lines = page.splitlines()
    (blamed,) = [line for line in lines if line.startswith("| F3.2 |")]
    assert "[`cf06`](#cf06)" in blamed
    assert sum(line.startswith("| T") and line.split("|")[1].strip()[1:2].isdigit() for line in lines) == 20
    assert lines.count("### cf06") == 1
