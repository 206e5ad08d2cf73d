"""The registry of indicators against itself, the frameworks, the contracts and the instruments."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from ingestion.contracts import load_contracts
from ingestion.instruments import load_instruments

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"

#: The nodes that the design names for each indicator; the seeds may add to them and never take away.
DESIGNED_NODES = {
    "wf01": "F5.1 T2.4 S2", "wf02": "F6.2 S2", "wf03": "F5.1 T2.4 S3", "wf04": "F5.1 T2.4 S3", "wf05": "T2.4 M2",
    "wf06": "JP.3 I3", "wf07": "T1.4 JP.1", "wf08": "T1.5 F5.2", "wf09": "F6.1 S1", "wf10": "F6.2", "wf11": "M1 I2",
    "wf12": "S1 M1", "wf13": "S1 I3", "wf14": "F7.1", "wf15": "F7.2", "wf16": "JP.2", "wf17": "JP.2 T1.3",
    "wf18": "JP.4 M2", "wf19": "T2.3 F8.1 S6", "wf20": "F8.2 T2.2", "wf21": "JP.1 M.comms.service", "wf22": "JP.5",
    "wf23": "F1.1 F1.2",
    "suspension_rate": "T4.4 L2", "permanent_exclusion_rate": "T4.4 L2", "pupils_suspended": "T4.4",
    "placed_out_of_area_far": "T4.4", "placed_out_of_area": "T4.4", "new_placements_out_of_area": "T4.4",
    "placement_location_not_known": "T4.4",
    "training_take_up": "M.training.system T1.4 A5 S3", "training_attendances": "M.training.system",
    "events_held": "M.comms.system T1.1", "event_attendances": "M.comms.system T1.1",
}  # fmt: skip


def read_seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"seed_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def indicator(indicator_id: str) -> dict[str, str]:
    return next(row for row in read_seed("indicators") if row["indicator_id"] == indicator_id)


def value(indicator_id: str, numerator: int, denominator: int) -> Decimal:
    """What the registry makes of two counts: multiplied and rounded half up to the declared decimals."""
    row = indicator(indicator_id)
    step = Decimal(1).scaleb(-int(row["decimals"]))
    return (Decimal(numerator) / Decimal(denominator) * int(row["multiplier"])).quantize(step, ROUND_HALF_UP)


def test_registry_holds_the_designed_indicators_and_no_other() -> None:
    assert sorted(row["indicator_id"] for row in read_seed("indicators")) == sorted(DESIGNED_NODES)


def test_indicators_speak_to_at_least_the_nodes_of_the_design() -> None:
    linked = [(row["indicator_id"], row["node_id"]) for row in read_seed("indicator_nodes")]
    designed = [(indicator_id, node) for indicator_id, nodes in DESIGNED_NODES.items() for node in nodes.split()]
    assert len(designed) == 63
    assert [pair for pair in designed if pair not in linked] == []


def test_results_of_the_workforce_survey_fill_the_training_cells_that_name_them() -> None:
    linked = {(row["indicator_id"], row["node_id"]) for row in read_seed("indicator_nodes")}
    for level in ("service", "sector", "system"):
        items = {indicator_id for indicator_id, node in linked if node == f"M.training.{level}"}
        assert {f"wf{i:02}" for i in range(1, 24)} <= items


def test_indicator_nodes_name_only_nodes_and_indicators_that_exist_and_each_pair_once() -> None:
    nodes = {(row["framework_id"], row["node_id"]) for row in read_seed("framework_nodes")}
    indicators = {row["indicator_id"] for row in read_seed("indicators")}
    links = read_seed("indicator_nodes")
    assert [row for row in links if (row["framework_id"], row["node_id"]) not in nodes] == []
    assert [row for row in links if row["indicator_id"] not in indicators] == []
    assert len({tuple(row.values()) for row in links}) == len(links)


def test_every_indicator_speaks_to_a_node() -> None:
    linked = {row["indicator_id"] for row in read_seed("indicator_nodes")}
    assert {row["indicator_id"] for row in read_seed("indicators")} == linked


def test_items_of_the_workforce_survey_and_its_indicators_are_the_same() -> None:
    surveyed = {
        row["indicator_id"] for row in read_seed("indicator_sources") if row["source_dataset"] == "workforce_survey"
    }
    items = {item.item_id for item in load_instruments()["workforce"].items}
    assert items == surveyed
    assert len(items) == 23


def test_definitions_of_survey_indicators_quote_the_wording_in_use() -> None:
    for item in load_instruments()["workforce"].items:
        assert f'"{item.wordings[0]}"' in indicator(item.item_id)["definition"]


def test_sources_of_every_indicator_are_ranked_from_one_without_a_hole() -> None:
    ranks: dict[str, list[int]] = {row["indicator_id"]: [] for row in read_seed("indicators")}
    for row in read_seed("indicator_sources"):
        ranks[row["indicator_id"]].append(int(row["source_rank"]))
    assert {
        name: found for name, found in ranks.items() if not found or sorted(found) != list(range(1, len(found) + 1))
    } == {}


def test_sources_are_datasets_that_a_contract_lands() -> None:
    contracts = load_contracts()
    sources = {row["source_dataset"] for row in read_seed("indicator_sources")}
    assert len(sources) == 6
    assert [name for name in sources if name not in contracts or contracts[name].not_needed] == []


def test_published_new_placements_come_before_the_authority_s_own() -> None:
    sources = [row for row in read_seed("indicator_sources") if row["indicator_id"] == "new_placements_out_of_area"]
    assert {row["source_dataset"]: row["source_rank"] for row in sources} == {
        "dfe_new_placements": "1",
        "ssda903_episodes": "2",
    }


@pytest.mark.parametrize(
    ("indicator_id", "numerator", "denominator", "printed"),
    [
        ("permanent_exclusion_rate", 62, 34_974, "0.18"),
        ("suspension_rate", 1_455, 34_974, "4.16"),
        ("pupils_suspended", 773, 34_974, "2.21"),
        ("new_placements_out_of_area", 174, 556, "31.3"),
        ("wf01", 1, 8, "12.5"),
        ("training_take_up", 1, 16, "6.3"),
    ],
)
def test_multiplier_and_decimals_give_the_figure_as_printed(
    indicator_id: str, numerator: int, denominator: int, printed: str
) -> None:
    assert str(value(indicator_id, numerator, denominator)) == printed


def test_counts_have_no_denominator_and_everything_else_has_one() -> None:
    for row in read_seed("indicators"):
        is_count = row["measure_type"] == "count"
        assert (row["denominator_definition"] == "") is is_count, row["indicator_id"]
        assert (row["multiplier"], row["decimals"] == "0") == (("1", True) if is_count else ("100", False))


def test_disclosure_limits_follow_the_disclosure_unit() -> None:
    limits = {"person": ("5", "10"), "respondent": ("", "10"), "event": ("", ""), "published": ("", "")}
    for row in read_seed("indicators"):
        count, base = limits[row["disclosure_unit"]]
        # A bare count rests on nothing that could be too few.
        base = "" if row["measure_type"] == "count" else base
        assert (row["minimum_count"], row["minimum_base"]) == (count, base), row["indicator_id"]


def test_less_is_better_for_exclusions_and_placements_and_more_for_the_rest() -> None:
    lower = {row["indicator_id"] for row in read_seed("indicators") if row["polarity"] == "lower_is_better"}
    higher = {row["indicator_id"] for row in read_seed("indicators") if row["polarity"] == "higher_is_better"}
    assert lower == {
        "suspension_rate", "permanent_exclusion_rate", "pupils_suspended", "placed_out_of_area_far",
        "placed_out_of_area", "new_placements_out_of_area", "placement_location_not_known",
    }  # fmt: skip
    assert len(lower | higher) == 34


def test_unknown_answers_make_only_placement_shares_unreliable_and_only_take_up_looks_back() -> None:
    rows = read_seed("indicators")
    assert {row["indicator_id"]: row["maximum_unknown_percent"] for row in rows if row["maximum_unknown_percent"]} == {
        "placed_out_of_area_far": "50",
        "placed_out_of_area": "50",
        "new_placements_out_of_area": "50",
    }
    assert {row["indicator_id"]: row["window_months"] for row in rows if row["window_months"]} == {
        "training_take_up": "36"
    }


def test_owners_of_indicators_are_owners_of_the_datasets_they_rest_on() -> None:
    owners = {name: contract.owner for name, contract in load_contracts().items()}
    for row in read_seed("indicator_sources"):
        if row["source_rank"] == "1" and row["source_dataset"] != "dfe_new_placements":
            assert indicator(row["indicator_id"])["owner"] == owners[row["source_dataset"]], row["indicator_id"]
