"""The indicators of the organisational survey, the children and families survey and the feedback on training."""

from __future__ import annotations

import pytest

from ingestion.instruments import load_instruments
from tests.unit.test_registry import indicator, read_seed

#: The nodes that the design names for each indicator; the seeds may add to them and never take away.
DESIGNED_NODES = {
    "org01": "M.comms.system I1", "org02": "T1.1 M.comms.system", "org03": "M.comms.service", "org04": "T1.2",
    "org05": "T2.1", "org06": "T2.2 F8.2", "org07": "F8.1 S6 A1", "org08": "M.training.sector",
    "org09": "M.tools_and_resources.sector", "org10": "M.learning_and_impact.sector", "org11": "F8.3",
    "org12": "F8.3 M.learning_and_impact.system A3", "org13": "M.learning_and_impact.system S7 M6",
    "org14": "T2.5 A4 M5", "org15": "I3 A2", "org16": "I4", "org17": "T1.5", "org18": "A6", "org19": "A3 S5",
    "org20": "F4.1 S7", "org21": "A5 T1.4", "org31": "JO.1", "org32": "JO.2", "org33": "JO.3", "org34": "JO.4",
    "org35": "JO.5",
    "cf01": "T3.1 F1.1", "cf02": "F1.2", "cf03": "T3.2 F2.1", "cf04": "F2.2", "cf05": "F3.1", "cf06": "T3.3 F3.2",
    "cf07": "T3.4 F3.3 S4", "cf08": "T3.5 F3.4 M5", "cf09": "F4.1 T3.2 S4", "cf10": "F4.2", "cf11": "S5", "cf12": "M4",
    "cf13": "M3", "cf14": "T4.2 T4.3 L1",
    "training_feedback": "M.training.system", "family_survey_take_up": "M.learning_and_impact.sector",
}  # fmt: skip


@pytest.mark.parametrize(("indicator_id", "nodes"), DESIGNED_NODES.items())
def test_an_indicator_speaks_to_at_least_the_nodes_of_the_design(indicator_id: str, nodes: str) -> None:
    linked = {row["node_id"] for row in read_seed("indicator_nodes") if row["indicator_id"] == indicator_id}
    assert linked >= set(nodes.split())


@pytest.mark.parametrize(
    ("instrument_id", "dataset", "without"),
    [
        # What has changed as a result is a list to choose from, and no share of it is better than another.
        ("organisational", "organisational_survey", {"org22"}),
        ("children_families", "children_families_survey", set()),
    ],
)
def test_every_item_of_a_survey_is_an_indicator_and_its_definition_quotes_the_wording_in_use(
    instrument_id: str, dataset: str, without: set[str]
) -> None:
    items = {item.item_id: item.wordings[0] for item in load_instruments()[instrument_id].items}
    sources = read_seed("indicator_sources")
    measured = {row["indicator_id"] for row in sources if row["source_dataset"] == dataset} - {"family_survey_take_up"}
    assert measured == items.keys() - without
    for indicator_id in measured:
        assert f'"{items[indicator_id]}"' in indicator(indicator_id)["definition"]


def test_answers_of_people_need_ten_of_them_and_those_of_organisations_none() -> None:
    for indicator_id in DESIGNED_NODES:
        row = indicator(indicator_id)
        is_about_people = indicator_id.startswith("cf") or indicator_id == "training_feedback"
        expected = ("respondent", "", "10") if is_about_people else ("organisation", "", "")
        assert (row["disclosure_unit"], row["minimum_count"], row["minimum_base"]) == expected, indicator_id


def test_every_cell_of_the_measurement_framework_that_names_a_survey_has_its_results() -> None:
    linked = {(row["indicator_id"], row["node_id"]) for row in read_seed("indicator_nodes")}
    for level in ("service", "sector"):
        assert {(f"cf{n:02}", f"M.learning_and_impact.{level}") for n in range(1, 15)} <= linked
    assert {(f"org{n:02}", "M.tools_and_resources.system") for n in (8, 9, 10)} <= linked
