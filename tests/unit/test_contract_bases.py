"""What a contract takes over from the base that it extends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ingestion import contracts
from ingestion.contracts import Contract, ContractError, load_contracts, read_contract

BASES = Path(contracts.__file__).parent / "contracts" / "bases"
BASE = """
supplier: A publisher
licence: Open
cadence: yearly
owner: data lead
recognise: {headers: [year, area], absent_headers: [school]}
submission: {mode: add}
column_defaults:
  statistic: {symbols: {x: x}, required: true, minimum: 0}
  text: {required: true}
columns:
  - {name: year, headers: [year], description: Year., pattern: "[0-9]{4}", pattern_says: a year}
  - {name: area, headers: [area], description: Area.}
derived:
  - {name: area_code, type: text, description: Area in capitals., sql: upper(area)}
drops:
  - {id: no_area, when: area = 'none', reason: It is about nowhere.}
rules:
  - {id: area_is_long, column: area, fails_when: length(area) < 3, message: too short, remedy: Write more.}
natural_key: [year, area]
"""
OWN = """
extends: base
dataset: figures
version: 1
title: Figures
description: Some figures.
"""


@pytest.fixture(autouse=True)
def _base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "contracts" / "bases"
    folder.mkdir(parents=True)
    (folder / "base.yml").write_text(BASE, encoding="utf-8")
    monkeypatch.setattr(contracts, "files", lambda package: tmp_path)


def read(own: str = "") -> Contract:
    return read_contract(OWN + own, "figures.yml")


def column(contract: Contract, name: str) -> contracts.Column:
    return next(column for column in contract.columns if column.name == name)


def test_a_contract_has_all_that_its_base_says() -> None:
    contract = read()
    assert (contract.supplier, contract.cadence, contract.dataset) == ("A publisher", "yearly", "figures")
    assert [column.name for column in contract.columns] == ["year", "area"]
    assert [rule.id for rule in contract.rules] == ["area_is_long"]
    assert [drop.id for drop in contract.drops] == ["no_area"]
    assert contract.natural_key == ["year", "area"]
    assert list(contract.landed_columns()) == ["year", "area", "area_code", "vintage_id", "source_row"]


def test_its_own_entries_come_behind_those_of_the_base() -> None:
    contract = read("columns: [{name: kind, headers: [kind], description: Kind.}]\nnatural_key: [kind]\n")
    assert [column.name for column in contract.columns] == ["year", "area", "kind"]
    assert contract.natural_key == ["year", "area", "kind"]


def test_an_entry_with_the_same_name_or_id_stands_in_the_place_of_the_inherited_one_and_replaces_it_whole() -> None:
    contract = read(
        """
columns:
  - {name: kind, headers: [kind], description: Kind.}
  - {name: year, headers: [jahr], description: Another year.}
rules:
  - {id: area_is_long, column: area, fails_when: length(area) < 9, message: short, remedy: Write., severity: warning}
"""
    )
    assert [column.name for column in contract.columns] == ["year", "area", "kind"]
    year = column(contract, "year")
    assert (year.headers, year.pattern, year.description) == (["jahr"], None, "Another year.")
    (rule,) = contract.rules
    assert (rule.fails_when, rule.severity) == ("length(area) < 9", "warning")


def test_a_group_of_options_is_merged_and_a_single_value_replaced() -> None:
    contract = read("recognise: {headers: [year, area, kind]}\ncadence: termly\n")
    assert contract.recognise is not None
    assert contract.recognise.headers == ["year", "area", "kind"]
    assert contract.recognise.absent_headers == ["school"]
    assert contract.cadence == "termly"


def test_what_the_base_says_of_a_type_fills_in_what_a_column_does_not_say() -> None:
    contract = read(
        """
columns:
  - {name: count, headers: [count], description: Count., type: statistic}
  - {name: change, headers: [change], description: Change., type: statistic, symbols: {c: c}, minimum: -9}
  - {name: note, headers: [note], description: Note., required: false}
  - {name: day, headers: [day], description: Day., type: date, formats: ["%d/%m/%Y"]}
"""
    )
    count, change = column(contract, "count"), column(contract, "change")
    assert (count.symbols, count.required, count.minimum) == ({"x": "x"}, True, 0)
    assert (change.symbols, change.required, change.minimum) == ({"c": "c"}, True, -9)
    # A column that names no type is a text, those of the base included.
    assert [column(contract, name).required for name in ("year", "note", "day")] == [True, False, False]


def test_a_name_that_the_contract_itself_uses_twice_is_refused_and_not_merged() -> None:
    twice = "columns: [{name: %s, headers: [a], description: A.}, {name: %s, headers: [b], description: B.}]\n"
    with pytest.raises(ContractError, match="name used twice: kind"):
        read(twice % ("kind", "kind"))
    with pytest.raises(ContractError, match="name used twice: year"):
        read(twice % ("year", "year"))


def test_a_base_that_does_not_exist_is_named() -> None:
    with pytest.raises(ContractError, match=r"figures\.yml: extends bass, and there is no .*bases/bass\.yml"):
        read_contract(OWN.replace("extends: base", "extends: bass"), "figures.yml")


@pytest.mark.parametrize("key", ["column_defaults: {text: {required: true}}", "colour: red"])
def test_a_key_that_no_contract_has_is_refused_beside_a_base_too(key: str) -> None:
    with pytest.raises(ContractError, match=f"figures.yml(.|\n)*{key.split(':')[0]}(.|\n)*not permitted"):
        read(f"{key}\n")


def test_a_misspelt_key_of_the_base_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "contracts" / "bases" / "base.yml"
    base.write_text(BASE.replace("licence: Open", "license: Open"), encoding="utf-8")
    with pytest.raises(ContractError, match=r"figures\.yml(.|\n)*license"):
        read()


def test_a_list_that_holds_something_else_than_columns_is_an_error_of_the_contract() -> None:
    with pytest.raises(ContractError, match=r"figures\.yml"):
        read("columns: [year]\n")


def test_a_contract_without_a_base_is_read_as_it_stands() -> None:
    text = OWN.replace("extends: base\n", "") + yaml.safe_dump(
        {
            "supplier": "Another",
            "licence": "Open",
            "cadence": "yearly",
            "owner": "data lead",
            "recognise": {"headers": ["year"]},
            "not_needed": "Nothing is built on it.",
        }
    )
    assert read_contract(text, "figures.yml").columns == []


def test_every_base_that_ships_is_extended_and_every_extension_stands_on_one() -> None:
    texts = [path.read_text(encoding="utf-8") for path in BASES.parent.glob("*.yml")]
    extended = {match for text in texts for match in re.findall(r"^extends: (\w+)$", text, re.MULTILINE)}
    assert "dfe_statistics" in extended
    assert extended == {path.stem for path in BASES.glob("*.yml")}


def test_every_file_in_the_departments_layout_shares_its_columns_and_its_rule_about_areas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    load_contracts.cache_clear()
    department = [
        contract
        for contract in load_contracts().values()
        if contract.dataset.startswith("dfe_") and contract.not_needed is None
    ]
    assert len(department) >= 6
    for contract in department:
        names = [column.name for column in contract.columns]
        assert names[:3] == ["time_period", "time_identifier", "geographic_level"], contract.dataset
        assert {"country_code", "region_code", "new_la_code", "old_la_code", "la_name"} <= set(names)
        assert "area_is_named" in {rule.id for rule in contract.rules}
        assert contract.natural_key[:2] == ["time_period", "area_code"]
        for figure in (column for column in contract.columns if column.type == "statistic"):
            assert {"z", "x", "c", "k", "low", "u", ":", "~", "."} == set(figure.symbols), figure.name
            assert figure.unit is not None, figure.name
