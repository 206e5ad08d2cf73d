"""The marts of the frameworks over a small landing zone made by hand: every statement, its figures and its status.

Two waves of two surveys and two published years, so that there is something to compare; the rest is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from expectations.marts import FRAME_MARTS
from tests.integration.test_models import Build, Rows, Vintage, dbt_build, headcount, rochdale, write_landing

# One process builds the warehouse for all of these tests.
pytestmark = pytest.mark.xdist_group("dbt_models")

#: On REALISE in each wave, from 0 to 4. The third organisation does not answer again.
STAGES = {1: {"O1": 1, "O2": 0, "O3": 3}, 2: {"O1": 3, "O2": 2}}
DAYS = {1: "2024-05-01", 2: "2025-05-01"}


def workforce(wave: int, item: str, agree: int, others: int) -> Rows:
    return [
        {
            "wave": wave,
            "respondent_id": f"r{number}",
            "submitted_date": DAYS[wave],
            "organisation_id": "O1",
            "role_code": "leader",
            "item_id": item,
            "score": score,
        }
        for number, score in enumerate([4] * agree + [2] * others)
    ]


def organisational(wave: int) -> Rows:
    return [
        {
            "wave": wave,
            "respondent_id": f"of {organisation}",
            "submitted_date": DAYS[wave],
            "submitted_at": f"{DAYS[wave]} 09:00:00",
            "organisation_id": organisation,
            "item_id": "org31",
            "answer": f"stage_{stage}",
            "score": stage,
        }
        for organisation, stage in STAGES[wave].items()
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("frames")
    years = [
        rochdale("201516", 34500, (1300, 3.77), (52, 0.15)),
        rochdale("201617", 34974, (1455, 4.16), (62, 0.18)),
    ]
    register = [
        headcount("O1", "health", 90, "2024-01-01"),
        headcount("O2", "housing", 20, "2024-01-01"),
        headcount("O3", "education", 20, "2024-01-01"),
    ]
    write_landing(
        folder / "home",
        [
            Vintage("organisations", "register", 1, register),
            # 48 of 80, then 56 of 70: the example that Newcombe gives.
            Vintage("workforce_survey", "workforce-1", 2, workforce(1, "wf06", 48, 32)),
            # Eight answer another statement: too few to be shown.
            Vintage("workforce_survey", "workforce-2", 3, workforce(2, "wf06", 56, 14) + workforce(2, "wf22", 6, 2)),
            Vintage("organisational_survey", "organisational-1", 4, organisational(1)),
            Vintage("organisational_survey", "organisational-2", 5, organisational(2)),
            Vintage("dfe_exclusions", "exclusions", 6, years),
        ],
    )
    build = dbt_build(folder / "home", folder / "target", "--exclude-resource-type", "unit_test")
    assert build.exit_code == 0, build.output
    return build


def rounded(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(round(value, 2) if isinstance(value, float) else value for value in row) for row in rows]


def test_every_statement_stands_in_the_mart_of_its_layer_and_in_no_other(built: Build) -> None:
    union = " union all ".join(
        f"select distinct '{m}' as mart, framework_id, node_id from marts.{m}" for m in FRAME_MARTS
    )
    shown = built.query(f"select mart, framework_id, count(*) from ({union}) group by all order by all")
    assert shown == [
        ("activities", "nttp_logic_model", 6),
        ("change_journey", "tip_borough", 10),
        ("feature_outcomes", "tip_borough", 19),
        ("inputs", "nttp_logic_model", 4),
        ("long_term_outcomes", "nttp_logic_model", 3),
        ("measurement_framework", "tip_borough", 12),
        ("medium_term_outcomes", "nttp_logic_model", 6),
        ("national_outcomes", "nttp_logic_model", 4),
        ("short_term_outcomes", "nttp_logic_model", 7),
        ("theory_of_change", "tip_borough", 20),
    ]
    assert built.query(
        f"select count(*) from ({union}) full join marts.framework_nodes as nodes using (framework_id, node_id)"
        " where mart is null or nodes.layer is null"
    ) == [(0,)]


def test_a_change_has_its_interval_and_the_direction_that_follows_from_it(built: Build) -> None:
    found = built.query(
        "select indicator_id, previous_period, previous_value, value, change, change_lower_95, change_upper_95,"
        " direction from (from marts.inputs union all from marts.theory_of_change)"
        " where sector = 'total' and breakdown = 'total' and node_id in ('I3', 'T4.4') and value is not null"
        " order by indicator_id"
    )
    # 62 of 34,974 and 52 of 34,500 per 100 are 0.177 and 0.151, with Byar's intervals from 0.136 and to 0.198: the
    # lower bound is 0.027 - sqrt(0.041 ** 2 + 0.047 ** 2) = -0.036. Of suspensions fewer would be better.
    assert rounded(found) == [
        ("permanent_exclusion_rate", "2015/16", 0.15, 0.18, 0.03, -0.04, 0.09, "no clear change"),
        ("pupils_suspended", "2015/16", 2.21, 2.21, 0.0, -0.25, 0.19, "no clear change"),
        ("suspension_rate", "2015/16", 3.77, 4.16, 0.39, 0.09, 0.69, "worsening"),
        ("wf06", "workforce wave 1", 60.0, 80.0, 20.0, 5.24, 33.39, "improving"),
    ]


def test_what_is_suppressed_has_no_change_and_no_direction_is_claimed(built: Build) -> None:
    assert built.query(
        "select value, value_status, change, direction, measurement_status from marts.change_journey"
        " where node_id = 'JP.5' and sector = 'total' and breakdown = 'total'"
    ) == [(None, "c", None, "too few data points", "measured")]


def test_the_journey_says_where_organisation_sector_and_borough_stand_and_how_that_moved(built: Build) -> None:
    found = built.query(
        "select member_level, sector, organisation_name, value, previous_value, stage, previous_stage, stage_change,"
        " direction, period from marts.change_journey"
        " where node_id = 'JO.1' and breakdown = 'total' order by all"
    )
    first, second = "organisational wave 1", "organisational wave 2"
    assert found == [
        ("sector", "education", None, 100.0, None, 3, None, None, "too few data points", first),
        ("sector", "health", None, 100.0, 0.0, 3, 1, 2, "too few data points", second),
        ("sector", "housing", None, 0.0, 0.0, 2, 0, 2, "too few data points", second),
        ("service", "education", "Organisation O3", 100.0, None, 3, None, None, "too few data points", first),
        ("service", "health", "Organisation O1", 100.0, 0.0, 3, 1, 2, "not judged", second),
        ("service", "housing", "Organisation O2", 0.0, 0.0, 2, 0, 2, "not judged", second),
        # One of two has reached stage 3, which is half; in the first wave two of three stage 1 and one of them 3.
        ("system", "total", None, 50.0, 33.3, 3, 1, 2, "too few data points", second),
    ]


def test_the_journey_says_how_many_organisations_have_reached_each_stage(built: Build) -> None:
    assert built.query(
        "select breakdown_value, numerator, denominator, previous_value from marts.change_journey"
        " where node_id = 'JO.1' and breakdown = 'stage_reached' and sector = 'total' order by all"
    ) == [("1", 2, 2, 66.7), ("2", 2, 2, 33.3), ("3", 1, 2, 33.3), ("4", 0, 2, 0.0)]
    assert built.query("select distinct before_statement from marts.change_journey where node_id = 'JP.5'") == [
        ("Practitioners become disillusioned, burnt out, and retrench to standard practice",)
    ]


def test_a_cell_of_the_measurement_framework_names_its_objective_level_and_measures(built: Build) -> None:
    assert built.query(
        "select distinct cell_objective, cell_level, statement from marts.measurement_framework"
        " where cell_objective = 'comms' order by all"
    ) == [
        ("comms", "sector", "Number of organisations engaged with sector sub-groups"),
        ("comms", "service", "Definitions and key features shared within the service"),
        ("comms", "system", "Organisational survey results: pledge, comms; Number of TiP events"),
    ]
    # The results of one organisation, of its sector and of the borough stand in the cells of all three levels.
    assert built.query(
        "select member_level, sector, organisation_id, value from marts.measurement_framework"
        " where node_id = 'M.training.service' and indicator_id = 'wf06' and breakdown = 'total' order by all"
    ) == [("sector", "health", "total", 80.0), ("service", "health", "O1", 80.0), ("system", "total", "total", 80.0)]


def test_a_status_says_which_way_and_on_what_evidence(built: Build) -> None:
    assert built.query(
        "select node_id, status, indicator_count, measured_count, shown_count, improving_count, worsening_count,"
        " is_self_report_alone, most_periods, most_respondents from marts.node_status"
        " where node_id in ('JP.3', 'JP.5', 'T4.4', 'S5', 'L3') order by node_id"
    ) == [
        ("JP.3", "improving", 1, 1, 1, 1, 0, True, 2, 70),
        ("JP.5", "too few data points", 1, 1, 0, 0, 0, True, 0, None),
        ("L3", "not yet measured", 6, 0, 0, 0, 0, False, None, None),
        ("S5", "not yet measured", 2, 0, 0, 0, 0, True, None, None),
        ("T4.4", "worsening", 11, 3, 3, 0, 1, False, 2, None),
    ]
    assert built.query("select count(*) from marts.node_status") == [(91,)]
