from __future__ import annotations

from pathlib import Path

from ingestion.dictionary import TARGET, dictionary

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_page_of_datasets_is_what_the_contracts_say():
    assert (REPOSITORY / TARGET).read_text(encoding="utf-8") == dictionary(), "run `make docs`"


def test_the_page_names_every_column_its_header_and_what_becomes_of_it():
    page = dictionary()
    assert "| `birth_date` | `DOB` | date, not landed | Date of birth, used for the age and dropped. |" in page
    assert "From collection year 2019: adds E45, E46, E47, E48 and ends E43, E44." in page
    assert "| `dfe_metadata` | Description of a Department for Education data file |" in page
