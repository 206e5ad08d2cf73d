from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.contracts import load_contracts
from ingestion.dictionary import TARGET, dictionary
from ingestion.registry import pages
from tests.integration.builders import contract_with

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_page_of_datasets_is_what_the_contracts_say():
    assert (REPOSITORY / TARGET).read_text(encoding="utf-8") == dictionary(), "run `make docs`"


def test_the_page_names_every_column_its_header_and_what_becomes_of_it():
    page = dictionary()
    assert "| `birth_date` | `DOB` | date, not landed | Date of birth, used for the age and dropped. |" in page
    assert "From collection year 2019: adds E45, E46, E47, E48 and ends E43, E44." in page
    assert "| `dfe_metadata` | Description of a Department for Education data file |" in page


def test_the_page_says_since_when_a_column_lands_that_was_not_there_from_the_first(monkeypatch: pytest.MonkeyPatch):
    assert "Lands since" not in dictionary()
    column = {"name": "venue", "headers": ["Venue"], "description": "Where it was.", "since": 2}
    context = {"name": "wave", "kind": "wave", "description": "Its wave", "since": 2}
    derived = {"name": "is_large", "type": "boolean", "description": "Many came.", "sql": "attendance > 99", "since": 2}
    contract = contract_with("events", 2, columns=[column], context=[context], derived=[derived])
    monkeypatch.setitem(load_contracts(), "events", contract)
    page = dictionary()
    since = "Lands since version 2 of the contract. |"
    assert f"| `venue` | `Venue` | text, may be empty | Where it was. {since}" in page
    assert f"| `wave` | – | whole number | Its wave From the file or folder name. {since}" in page
    assert f"| `is_large` | worked out | boolean | Many came. {since}" in page
    assert page.count("Lands since") == 3


def test_the_page_of_indicators_is_what_the_registry_says():
    assert (REPOSITORY / pages.TARGET).read_text(encoding="utf-8") == pages.indicators_page(), "run `make docs`"


def test_the_page_of_indicators_has_every_statement_with_its_indicators_or_its_gap():
    page = pages.indicators_page()
    lines = page.splitlines()
    (blamed,) = [line for line in lines if line.startswith("| F3.2 |")]
    assert "[`cf06`](#cf06)" in blamed
    assert sum(line.startswith("| T") and line.split("|")[1].strip()[1:2].isdigit() for line in lines) == 20
    assert lines.count("### cf06") == 1
