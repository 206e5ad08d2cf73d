"""A contract is refused when it says something that nothing would do."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ingestion.contracts import Codes, Contract, ContractError, load_contracts, read_contract

#: What design/sources.md asks for; of the other files that are recognised nothing is kept.
LANDED = {
    # Surveys
    "workforce_survey", "organisational_survey", "children_families_survey", "training_feedback",
    # Instruments of a home's own
    "partnership_survey",
    # Training
    "training_bookings", "training_courses", "training_facilitated_sessions", "moodle_activity_progress",
    "moodle_course_completion",
    # Registers and logs
    "organisations", "events", "sector_group_attendance", "deep_listening_log", "reflective_sessions",
    # The return on looked-after children
    "ssda903_header", "ssda903_episodes", "ssda903_reviews", "ssda903_uasc", "ssda903_oc2", "ssda903_oc3",
    "ssda903_missing",
    # Exclusions from school
    "census_exclusions", "census_exclusions_off_roll", "la_exclusions", "pupils_on_roll",
    # Published statistics
    "dfe_exclusions", "dfe_exclusions_by_characteristic", "dfe_new_placements", "dfe_looked_after_rate",
    "dfe_children_in_need", "dfe_sen_needs", "fingertips", "scottish_exclusions", "scottish_looked_after",
}  # fmt: skip


def visits(**changes: Any) -> dict[str, Any]:
    """A small contract that holds together; name what should be otherwise."""
    return {
        "dataset": "visits",
        "version": 1,
        "title": "Visits",
        "description": "Visits to a centre.",
        "supplier": "The centre",
        "licence": "Not published",
        "cadence": "monthly",
        "owner": "data lead",
        "recognise": {"headers": ["Visitor", "Day"]},
        "submission": {"mode": "add"},
        "columns": [
            {
                "name": "visitor_id",
                "headers": ["Visitor"],
                "description": "Who.",
                "personal": "pseudonymise",
                "domain": "visitor",
            },
            {"name": "visit_date", "headers": ["Day"], "type": "date", "formats": ["%d/%m/%Y"], "description": "When."},
        ],
        "natural_key": ["visitor_id", "visit_date"],
    } | changes


def column(**changes: Any) -> dict[str, Any]:
    return {"name": "extra", "headers": ["Extra"], "description": "More."} | changes


def with_column(**changes: Any) -> dict[str, Any]:
    return visits(columns=[*visits()["columns"], column(**changes)])


def refusal(contract: dict[str, Any]) -> str:
    with pytest.raises(ContractError) as refused:
        read_contract(yaml.safe_dump(contract, sort_keys=False), "visits.yml")
    return str(refused.value)


def test_the_contracts_that_ship_are_valid_and_those_that_others_need_come_first() -> None:
    contracts = load_contracts()
    assert {name for name, contract in contracts.items() if contract.not_needed is None} == LANDED
    order = list(contracts)
    for name, contract in contracts.items():
        assert all(order.index(before) < order.index(name) for before in contract.after), name
    assert order.index("organisations") < order.index("workforce_survey")
    assert order.index("ssda903_episodes") < order.index("ssda903_header")


def test_a_small_contract_lands_its_columns_and_where_they_came_from() -> None:
    assert Contract.model_validate(visits()).landed_columns() == {
        "visitor_id": "VARCHAR",
        "visit_date": "DATE",
        "vintage_id": "VARCHAR",
        "source_row": "BIGINT",
    }


def test_a_file_of_an_earlier_version_has_what_landed_then_in_the_same_order() -> None:
    contract = Contract.model_validate(
        visits(
            version=4,
            context=[{"name": "wave", "kind": "wave", "description": "Wave.", "since": 2}],
            columns=[
                column(name="cost", headers=["Cost"], type="statistic", symbols={"c": "c"}, since=3),
                *visits()["columns"],
                column(since=2),
            ],
            repeats={
                "name": "visit",
                "description": "Visit.",
                "columns": [column(name="length", headers=["Length"], since=4)],
            },
            derived=[{"name": "is_long", "type": "boolean", "description": "Long.", "sql": "true", "since": 2}],
        )
    )
    began = {"wave": 2, "cost": 3, "cost_status": 3, "extra": 2, "length": 4, "is_long": 2}
    assert contract.since() == began
    everything = [
        "wave", "cost", "cost_status", "visitor_id", "visit_date", "extra", "visit", "length", "is_long",
        "vintage_id", "source_row",
    ]  # fmt: skip
    assert list(contract.landed_columns()) == everything
    for version in range(1, 6):
        assert list(contract.landed_columns(version)) == [c for c in everything if began.get(c, 1) <= version]


def test_no_contract_that_does_not_say_so_has_columns_that_began_later() -> None:
    assert Contract.model_validate(with_column()).since() == {}
    assert Contract.model_validate(with_column(since=1)).since() == {}


@pytest.mark.parametrize(
    ("contract", "key"),
    [
        (visits(colums=[]), "colums"),
        (with_column(requierd=True), "requierd"),
        (visits(recognise={"headers": ["Visitor"], "folder": ["visits"]}), "folder"),
        (visits(submission={"mode": "add", "keys": []}), "keys"),
        (
            visits(rules=[{"id": "r", "column": "visit_date", "fails_when": "false", "message": "m", "fix": "f"}]),
            "fix",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_file_and_the_key(contract: dict[str, Any], key: str) -> None:
    message = refusal(contract)
    assert message.startswith("ingestion/contracts/visits.yml: ")
    assert key in message
    assert "Extra inputs are not permitted" in message


@pytest.mark.parametrize(
    ("contract", "complaint"),
    [
        (with_column(name="visit_date"), "name used twice: visit_date, visit_date_text"),
        (with_column(name="visit_date_text"), "name used twice: visit_date_text"),
        (with_column(name="source_row"), "name used twice: source_row"),
        (with_column(headers=["day "]), "header used twice: day"),
        (
            with_column(name="count", type="statistic", symbols={"c": "c"})
            | {"derived": [{"name": "count_status", "type": "text", "description": "d", "sql": "1"}]},
            "name used twice: count_status",
        ),
        (
            with_column(name="home", type="postcode", personal="drop")
            | {"derived": [{"name": "home_grid", "type": "text", "description": "d", "sql": "1"}]},
            "name used twice: home_grid",
        ),
        (
            visits(
                rules=[
                    {"id": "r", "column": "visit_date", "fails_when": "false", "message": "m", "remedy": "f"},
                    {"id": "r", "column": "visit_date", "fails_when": "true", "message": "m", "remedy": "f"},
                ]
            ),
            "rule used twice: r",
        ),
        (visits(natural_key=["visit_date", "visit_date"]), "natural key used twice: visit_date"),
        (visits(natural_key=["day"]), "natural key day does not land"),
        (visits(natural_key=[]), "need a natural key"),
        (with_column(personal="drop") | {"natural_key": ["extra"]}, "natural key extra does not land"),
        (visits(submission={"mode": "replace"}), "need a key"),
        (visits(submission={"mode": "replace", "key": ["wave"]}), "submission key wave is not a context value"),
        (visits(submission=None), "say what a submission is"),
        (visits(recognise=None), "say how its files are recognised"),
        (visits(recognise={"headers": []}), "recognise.headers"),
        (visits(formats=[]), "formats"),
        (visits(reject_above_quarantined_percent=101), "reject_above_quarantined_percent"),
        (visits(version=0), "version"),
        (visits(cadence="weekly"), "cadence"),
        (
            visits(rules=[{"id": "r", "column": "day", "fails_when": "false", "message": "m", "remedy": "f"}]),
            "rule r is about day, which is not a column",
        ),
        (
            visits(context=[{"name": "year", "kind": "financial_year_end", "description": "d", "from_column": "day"}]),
            "year is from day, which is not a date",
        ),
        (
            visits(
                context=[{"name": "year", "kind": "financial_year_end", "description": "d", "from_companion": "other"}]
            ),
            "year needs other: name it under after",
        ),
        (with_column(type="date"), "column extra: a date needs its formats"),
        (with_column(type="code"), "column extra: a code needs its codes"),
        (with_column(type="statistic"), "column extra: a statistic needs its symbols"),
        (with_column(type="postcode"), "column extra: a postcode is always dropped"),
        (with_column(personal="pseudonymise"), "column extra: a pseudonym needs a domain"),
        (with_column(pattern="x"), "column extra: pattern and pattern_says come together"),
        (with_column(minimum=0), "column extra: only a number has a minimum or a maximum"),
        (with_column(name="Extra"), "columns.2.name"),
        (with_column(headers=[]), "say under which headers it stands"),
        (with_column(type="number"), "columns.2.type"),
        (with_column(type="code", codes={"A": "a", "a": "b"}), "codes that differ in nothing but case: a"),
        (with_column(since=0), "columns.2.since"),
        (with_column(since=2), "visits: extra lands since version 2, and this is version 1 of the contract"),
        (
            visits(context=[{"name": "wave", "kind": "wave", "description": "d", "since": 2}]),
            "visits: wave lands since version 2, and this is version 1 of the contract",
        ),
        (
            visits(derived=[{"name": "made", "type": "text", "description": "d", "sql": "1", "since": 2}]),
            "visits: made lands since version 2, and this is version 1 of the contract",
        ),
        (
            visits(repeats={"name": "visit", "description": "d", "columns": [column(since=3)]}, version=2),
            "visits: extra lands since version 3, and this is version 2 of the contract",
        ),
        (with_column(since=2, keep=False) | {"version": 2}, "column extra: only what lands has begun to"),
        (
            with_column(since=2) | {"version": 2, "natural_key": ["visitor_id", "visit_date", "extra"]},
            "natural key extra cannot land only since version 2: rows that landed before have nothing in it",
        ),
        (
            visits(
                version=2,
                submission={"mode": "replace", "key": ["wave"]},
                context=[{"name": "wave", "kind": "wave", "description": "d", "since": 2}],
            ),
            "submission key wave cannot land only since version 2: of a file that landed before nothing says",
        ),
    ],
)
def test_a_contract_that_does_not_hold_together_is_refused(contract: dict[str, Any], complaint: str) -> None:
    message = refusal(contract)
    assert message.startswith("ingestion/contracts/visits.yml: ")
    assert complaint in message


@pytest.mark.parametrize(
    "codes", [[True, False], [1, 2], {1: "a"}, {"values": ["a"], "changes": [{"from_year": 1, "add": [2]}]}]
)
def test_codes_that_yaml_reads_as_something_other_than_text_are_refused(codes: object) -> None:
    message = refusal(with_column(type="code", codes=codes))
    assert "Input should be a valid string" in message
    assert 'Put codes such as "No", "On" and "01" in quotation marks' in message


@pytest.mark.parametrize("text", ["dataset: [", "", "- a list", "just text"])
def test_text_that_is_no_contract_is_refused_by_file_name(text: str) -> None:
    with pytest.raises(ContractError, match=r"^ingestion/contracts/visits\.yml: "):
        read_contract(text, "visits.yml")


def test_a_dataset_that_is_not_needed_says_no_more_than_why() -> None:
    contract = {key: value for key, value in visits(not_needed="Nothing counts visits.").items() if key != "submission"}
    assert Contract.model_validate(contract | {"columns": [], "natural_key": []}).not_needed == "Nothing counts visits."


@pytest.mark.parametrize(
    ("year", "codes"),
    [
        (None, ["1", "2"]),
        (2018, ["1", "2"]),
        (2024, ["1", "2"]),
        (2025, ["M", "F", "U"]),
        (2030, ["M", "F", "U", "X"]),
    ],
)
def test_a_code_list_is_the_base_with_the_changes_up_to_the_year(year: int | None, codes: list[str]) -> None:
    sex = Codes.model_validate(
        {
            "values": {"1": "M", "2": "F"},
            # Out of order on purpose: the years decide, not the places in the file.
            "changes": [
                {"from_year": 2030, "add": ["X"]},
                {"from_year": 2025, "add": ["M", "F", "U"], "remove": ["1", "2"]},
            ],
        }
    )
    assert list(sex.in_year(year)) == codes
    assert sex.landed_values() == ["F", "M", "U", "X"]


@pytest.mark.parametrize(
    ("dataset", "column_name", "year", "within", "outside"),
    [
        ("ssda903_episodes", "ceased_reason_code", 2018, {"E43", "E44"}, {"E45", "E48"}),
        ("ssda903_episodes", "ceased_reason_code", 2019, {"E45", "E46", "E47", "E48"}, {"E43", "E44"}),
        ("ssda903_episodes", "placement_change_reason_code", 2018, {"CARPL"}, {"CUSTOD"}),
        ("ssda903_episodes", "placement_change_reason_code", 2019, {"CUSTOD"}, set()),
        ("ssda903_episodes", "placement_type_code", 2024, {"H5", "P2"}, {"K3"}),
        ("ssda903_episodes", "placement_type_code", 2025, {"K3"}, {"H5", "P2", "Z11"}),
        ("ssda903_episodes", "placement_type_code", 2026, {"Z11", "Z14"}, {"H5"}),
        ("ssda903_header", "sex", 2024, {"1", "2"}, {"M", "F", "U"}),
        ("ssda903_header", "sex", 2025, {"M", "F", "U"}, {"1", "2"}),
    ],
)
def test_the_codes_of_the_return_on_looked_after_children_change_by_year(
    dataset: str, column_name: str, year: int, within: set[str], outside: set[str]
) -> None:
    codes = next(c for c in load_contracts()[dataset].columns if c.name == column_name).codes
    assert codes is not None
    assert within <= codes.in_year(year).keys()
    assert not outside & codes.in_year(year).keys()


def test_nothing_personal_stands_among_the_landed_columns() -> None:
    for dataset, contract in load_contracts().items():
        dropped = {c.name for c in contract.columns if c.personal == "drop"}
        assert not dropped & contract.landed_columns().keys(), dataset
    assert "birth_date" not in load_contracts()["ssda903_header"].landed_columns()
    assert "home_postcode" not in load_contracts()["ssda903_episodes"].landed_columns()
