"""The registry of indicators against itself, the frameworks, the contracts and the instruments."""

from __future__ import annotations

import csv
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from expectations.marts import published_sources
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
    "events_held": "M.comms.system T1.1", "event_attendances": "M.comms.system T1.1",
    "organisations_in_sector_groups": "M.comms.sector T1.2",
    "training_take_up": "M.training.system T1.4 A5 S3", "training_attendances": "M.training.system",
    "training_completion": "M.training.system", "leaders_trained": "T2.3 A1", "training_feedback": "M.training.system",
    "reflective_sessions": "T1.5 A2",
    "workforce_survey_take_up": "M.training.sector", "workforce_survey_response": "M.training.sector",
    "deep_listening_take_up": "M.tools_and_resources.sector",
    "deep_listening_sessions": "M.tools_and_resources.service",
    "family_survey_take_up": "M.learning_and_impact.sector",
    "suspension_rate": "T4.4 L2", "permanent_exclusion_rate": "T4.4 L2", "pupils_suspended": "T4.4",
    "repeat_suspension": "T4.4 T4.2", "sessions_lost_to_suspension": "T4.4",
    "placed_out_of_area_far": "T4.4", "placed_out_of_area": "T4.4", "new_placements_out_of_area": "T4.4",
    "placement_location_not_known": "T4.4", "placement_stability": "T4.4 T4.2", "missing_from_care": "T4.2",
    "sdq_high_concern": "T4.5 L1", "sdq_mean": "T4.5 L1",
    "health_assessed": "L1 L2", "substance_misuse": "L1 L2", "convicted": "L1 L2",
    "care_leavers_in_eet": "L2", "care_leavers_suitably_housed": "L2",
    "looked_after_rate": "T4.3 N3", "self_harm_admissions": "T4.5 L1 N4", "pupils_with_semh_needs": "T4.5",
    "first_entrants_to_youth_justice": "L2 N2", "domestic_abuse_incidents": "T4.1 N2",
    "children_in_need_abuse_or_neglect": "T4.1 N3",
    "suspension_gap_sex": "L3 N1", "suspension_gap_fsm": "L3 N1", "suspension_gap_asian": "L3 N1",
    "suspension_gap_black": "L3 N1", "suspension_gap_mixed": "L3 N1", "suspension_gap_other_ethnic_group": "L3 N1",
    # Per 1,000 and by other years, so never another source of England's: the same statements as England's.
    "exclusion_rate_scotland": "T4.4 L2", "looked_after_rate_scotland": "T4.3 N3",
}  # fmt: skip

#: Dataset of each survey whose items are indicators → its instrument.
SURVEYS = {
    "workforce_survey": "workforce",
    "organisational_survey": "organisational",
    "children_families_survey": "children_families",
}
#: What has changed as a result is a list to choose from, and no share of it is better than another.
NO_INDICATOR = {"org22"}
#: Counted from the responses of a survey, and not from the answers to one of its items.
OF_RESPONSES = {"workforce_survey_take_up", "workforce_survey_response", "family_survey_take_up"}

#: Sources that are several datasets counted as one, because nobody may count in two of them.
JOINED_SOURCES = {"training_records": ("training_bookings", "moodle_activity_progress", "moodle_course_completion")}

#: What the instruments of a home's own land as: their indicators are the home's.
OF_HOMES = {"partnership_survey"}

#: Datasets that no figure rests on by itself: what makes those of others countable, or tells more about them.
SERVING = {
    "organisations", "training_courses", "ssda903_header", "ssda903_reviews", "ssda903_uasc", "pupils_on_roll",
    "census_exclusions_off_roll",
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


@pytest.mark.parametrize("seed", sorted(path.stem.removeprefix("seed_") for path in SEEDS.glob("*.csv")))
def test_every_row_of_a_seed_has_as_many_cells_as_its_header(seed: str) -> None:
    # A comma in a cell without quotation marks pushes every later cell into the next column.
    with (SEEDS / f"seed_{seed}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert [row for row in rows if len(row) != len(header)] == []
    # That every statement has an indicator is no fault.
    assert rows or seed == "framework_gaps"


def test_registry_holds_the_designed_indicators_and_no_other() -> None:
    assert sorted(row["indicator_id"] for row in read_seed("indicators")) == sorted(DESIGNED_NODES)


def test_indicators_speak_to_at_least_the_nodes_of_the_design() -> None:
    linked = [(row["indicator_id"], row["node_id"]) for row in read_seed("indicator_nodes")]
    designed = [(indicator_id, node) for indicator_id, nodes in DESIGNED_NODES.items() for node in nodes.split()]
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


def test_an_indicator_of_the_measurement_framework_fills_the_cell_of_its_own_objective_and_level() -> None:
    cells: dict[str, set[str]] = {}
    for row in read_seed("indicator_nodes"):
        if row["node_id"].startswith("M."):
            cells.setdefault(row["indicator_id"], set()).add(row["node_id"])
    assert {
        indicator_id: of
        for indicator_id, of in cells.items()
        if f"M.{indicator(indicator_id)['objective']}.{indicator(indicator_id)['level']}" not in of
    } == {}


def test_evidence_says_whose_word_an_indicator_rests_on() -> None:
    evidence = {row["indicator_id"]: row["evidence"] for row in read_seed("indicators")}
    # What somebody answers is self-report; how many answered is a record, and so is how many were trained.
    assert [i for i, of in evidence.items() if i[:2] in ("wf", "cf") or (i.startswith("org") and i[3].isdigit())] == [
        i for i, of in evidence.items() if of == "self_report" and i != "training_feedback"
    ]
    assert evidence["training_feedback"] == "self_report"
    assert evidence["workforce_survey_response"] == evidence["training_take_up"] == "administrative"
    published = tuple(
        row["indicator_id"]
        for row in read_seed("indicator_sources")
        if row["source_rank"] == "1" and row["source_dataset"].startswith(("dfe_", "fingertips", "scottish_"))
    )
    assert sorted(published) == sorted(i for i, of in evidence.items() if of == "published")


def test_every_indicator_speaks_to_a_node() -> None:
    linked = {row["indicator_id"] for row in read_seed("indicator_nodes")}
    assert {row["indicator_id"] for row in read_seed("indicators")} == linked


@pytest.mark.parametrize(("dataset", "instrument_id"), SURVEYS.items())
def test_every_item_of_a_survey_is_an_indicator_and_its_definition_quotes_the_wording_in_use(
    dataset: str, instrument_id: str
) -> None:
    items = {item.item_id: item.wordings[0] for item in load_instruments()[instrument_id].items}
    measured = {row["indicator_id"] for row in read_seed("indicator_sources") if row["source_dataset"] == dataset}
    assert measured - OF_RESPONSES == items.keys() - NO_INDICATOR
    for indicator_id in measured - OF_RESPONSES:
        assert f'"{items[indicator_id]}"' in indicator(indicator_id)["definition"]


def test_sources_of_every_indicator_are_ranked_from_one_without_a_hole() -> None:
    ranks: dict[str, list[int]] = {row["indicator_id"]: [] for row in read_seed("indicators")}
    for row in read_seed("indicator_sources"):
        ranks[row["indicator_id"]].append(int(row["source_rank"]))
    assert {
        name: found for name, found in ranks.items() if not found or sorted(found) != list(range(1, len(found) + 1))
    } == {}


def datasets_of(source: str) -> tuple[str, ...]:
    """The datasets that a source is counted from: itself, but for one that joins several."""
    return JOINED_SOURCES.get(source, (source,))


def test_sources_are_datasets_that_a_contract_lands() -> None:
    contracts = load_contracts()
    sources = {row["source_dataset"] for row in read_seed("indicator_sources")}
    datasets = {dataset for source in sources for dataset in datasets_of(source)}
    assert [name for name in datasets if name not in contracts or contracts[name].not_needed] == []
    # The name of a joined source must not be that of a dataset: it would say that the values rest on that alone.
    assert [name for name in JOINED_SOURCES if name in contracts or name not in sources] == []


def test_every_dataset_that_lands_is_a_source_or_serves_one() -> None:
    landed = {name for name, contract in load_contracts().items() if contract.not_needed is None}
    sources = {row["source_dataset"] for row in read_seed("indicator_sources")}
    assert landed - {dataset for source in sources for dataset in datasets_of(source)} == SERVING | OF_HOMES


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
        # 1,455 half-days of 34,974 pupils: a rate per 100, as of the suspensions themselves.
        ("sessions_lost_to_suspension", 1_455, 34_974, "4.16"),
        # Printed by the publisher without decimals: 70.5 rounds up.
        ("looked_after_rate", 141, 20_000, "71"),
        ("children_in_need_abuse_or_neglect", 1_234, 100_000, "123.4"),
        ("self_harm_admissions", 427, 100_000, "427.0"),
        ("domestic_abuse_incidents", 1, 30, "33.3"),
        # Scores of 17 and 16: the mean is a score, and nothing is multiplied.
        ("sdq_mean", 33, 2, "16.5"),
        ("exclusion_rate_scotland", 17, 1_000, "17.0"),
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
        # Children looked after per 10,000 are published as whole numbers.
        assert (row["decimals"] == "0") is (is_count or row["indicator_id"] == "looked_after_rate")


def test_the_multiplier_is_the_number_that_the_unit_names() -> None:
    for row in read_seed("indicators"):
        if row["measure_type"] in ("count", "mean"):
            expected = "1"
        elif row["measure_type"] == "proportion":
            assert row["unit"] == "percent", row["indicator_id"]
            expected = "100"
        else:
            # A gap between two rates has their unit.
            assert row["measure_type"] in ("rate", "gap"), row["indicator_id"]
            assert row["unit"].startswith("per "), row["indicator_id"]
            expected = row["unit"].split()[1].replace(",", "")
        assert row["multiplier"] == expected, row["indicator_id"]


def test_disclosure_limits_follow_the_disclosure_unit() -> None:
    limits = {
        "person": ("5", "10"),
        "respondent": ("", "10"),
        "organisation": ("", ""),
        "event": ("", ""),
        "published": ("", ""),
    }
    for row in read_seed("indicators"):
        count, base = limits[row["disclosure_unit"]]
        # A bare count rests on nothing that could be too few.
        base = "" if row["measure_type"] == "count" else base
        assert (row["minimum_count"], row["minimum_base"]) == (count, base), row["indicator_id"]


def test_only_figures_that_somebody_else_publishes_go_without_control_and_say_so() -> None:
    published = set(published_sources())
    for row in read_seed("indicators"):
        sources = {
            s["source_dataset"] for s in read_seed("indicator_sources") if s["indicator_id"] == row["indicator_id"]
        }
        assert (row["disclosure_unit"] == "published") is (sources <= published), row["indicator_id"]


def test_less_is_better_for_what_harms_or_shows_harm_and_more_for_the_rest() -> None:
    lower = {row["indicator_id"] for row in read_seed("indicators") if row["polarity"] == "lower_is_better"}
    higher = {row["indicator_id"] for row in read_seed("indicators") if row["polarity"] == "higher_is_better"}
    assert lower == {
        "suspension_rate", "permanent_exclusion_rate", "pupils_suspended", "repeat_suspension",
        "sessions_lost_to_suspension", "exclusion_rate_scotland",
        "placed_out_of_area_far", "placed_out_of_area", "new_placements_out_of_area", "placement_location_not_known",
        "placement_stability", "missing_from_care", "sdq_high_concern", "sdq_mean", "substance_misuse", "convicted",
        "looked_after_rate", "looked_after_rate_scotland", "children_in_need_abuse_or_neglect",
        "pupils_with_semh_needs", "self_harm_admissions", "first_entrants_to_youth_justice",
        "domestic_abuse_incidents",
        "suspension_gap_sex", "suspension_gap_fsm", "suspension_gap_asian", "suspension_gap_black",
        "suspension_gap_mixed", "suspension_gap_other_ethnic_group",
    }  # fmt: skip
    assert lower | higher == DESIGNED_NODES.keys()


def test_a_gap_is_of_a_group_beside_its_reference_group_and_rests_on_a_source_of_the_indicator_it_compares() -> None:
    gaps = {row["indicator_id"]: row for row in read_seed("indicator_gaps")}
    assert gaps.keys() == {row["indicator_id"] for row in read_seed("indicators") if row["measure_type"] == "gap"}
    references = {row["breakdown"]: row["reference_value"] for row in read_seed("reference_groups")}
    sources: dict[str, set[str]] = {}
    for row in read_seed("indicator_sources"):
        sources.setdefault(row["indicator_id"], set()).add(row["source_dataset"])
    for name, row in gaps.items():
        gap, of = indicator(name), indicator(row["of_indicator_id"])
        assert row["breakdown_value"] != references[row["breakdown"]], name
        assert sources[name] <= sources[row["of_indicator_id"]], name
        # A gap between figures that are worked out from records would need its thresholds.
        assert gap["disclosure_unit"] == "published", name
        assert [gap[of_both] for of_both in ("unit", "multiplier", "decimals", "cadence")] == [
            of[of_both] for of_both in ("unit", "multiplier", "decimals", "cadence")
        ], name
        assert gap["polarity"] == "lower_is_better", name


def test_unknown_answers_make_shares_unreliable_where_they_stay_in_the_denominator() -> None:
    # Of placements and of the flags of OC2 and OC3, a blank may mean either; nothing else keeps blanks in its base.
    placed = {"placed_out_of_area_far", "placed_out_of_area", "new_placements_out_of_area"}
    flags = {"health_assessed", "substance_misuse", "convicted", "care_leavers_in_eet", "care_leavers_suitably_housed"}
    limits = {row["indicator_id"]: row["maximum_unknown_percent"] for row in read_seed("indicators")}
    assert {name: limit for name, limit in limits.items() if limit} == dict.fromkeys(placed | flags, "50")


def test_only_training_completed_in_the_last_three_years_looks_back() -> None:
    assert {row["indicator_id"]: row["window_months"] for row in read_seed("indicators") if row["window_months"]} == {
        "training_take_up": "36",
        "leaders_trained": "36",
    }


#: Datasets of which nobody waits for the next file, and why.
NOT_EXPECTED = {
    "training_courses": "comes when it changes",
    "census_exclusions_off_roll": "comes with the file on roll, and may be empty",
    "ssda903_reviews": "comes with the return's other files, and no figure rests on it",
    "ssda903_uasc": "comes with the return's other files, and may be empty",
    "scottish_exclusions": "is published every second year",
    "partnership_survey": "comes from homes with a survey of their own, as often as they ask",
}
#: Cadence of a dataset → the periods that its submissions may be about. A month may well be without a course.
PERIODS_OF_CADENCE = {
    "monthly": {"quarter"},
    "termly": {"term"},
    "yearly": {"academic_year", "financial_year", "calendar_year", "scottish_looked_after_year"},
    "by_wave": {"wave"},
    "when_it_changes": {"academic_year"},
}


def test_every_dataset_that_lands_is_expected_regularly_or_there_is_a_reason_why_not() -> None:
    landing = {name for name, contract in load_contracts().items() if contract.not_needed is None}
    expected = {row["dataset"] for row in read_seed("expected_submissions")}
    assert expected | NOT_EXPECTED.keys() == landing
    assert expected & NOT_EXPECTED.keys() == set()


def test_periods_of_what_is_expected_fit_the_cadence_of_the_dataset() -> None:
    contracts = load_contracts()
    for row in read_seed("expected_submissions"):
        assert row["period_type"] in PERIODS_OF_CADENCE[contracts[row["dataset"]].cadence], row["dataset"]
        assert row["reason"].endswith("."), row["dataset"]


def test_what_is_expected_is_read_for_the_days_that_it_is_about() -> None:
    model = SEEDS.parent / "models" / "staging" / "stg_landing__reported_dates.sql"
    read = re.findall(r"'dataset': '(\w+)'", model.read_text(encoding="utf-8"))
    assert sorted(read) == sorted(row["dataset"] for row in read_seed("expected_submissions"))


def test_owners_of_indicators_are_owners_of_the_datasets_they_rest_on() -> None:
    owners = {name: contract.owner for name, contract in load_contracts().items()}
    for row in read_seed("indicator_sources"):
        # The department publishes new placements; who answers for the figure is who makes the placements.
        if row["source_rank"] == "1" and row["source_dataset"] != "dfe_new_placements":
            responsible = {owners[dataset] for dataset in datasets_of(row["source_dataset"])}
            assert responsible == {indicator(row["indicator_id"])["owner"]}, row["indicator_id"]
