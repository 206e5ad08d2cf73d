"""The indicators of the organisational survey, the children and families survey and the feedback on training."""

from __future__ import annotations

import re

from tests.unit.test_registry import DESIGNED_NODES, indicator, read_seed


def test_answers_of_people_need_ten_of_them_and_those_of_organisations_none() -> None:
    items = [name for name in DESIGNED_NODES if re.fullmatch(r"(cf|org)\d\d", name)]
    assert len(items) == 14 + 21 + 5
    for indicator_id in [*items, "training_feedback", "family_survey_take_up"]:
        row = indicator(indicator_id)
        is_about_people = indicator_id.startswith("cf") or indicator_id == "training_feedback"
        expected = ("respondent", "", "10") if is_about_people else ("organisation", "", "")
        assert (row["disclosure_unit"], row["minimum_count"], row["minimum_base"]) == expected, indicator_id


def test_every_cell_of_the_measurement_framework_that_names_a_survey_has_its_results() -> None:
    linked = {(row["indicator_id"], row["node_id"]) for row in read_seed("indicator_nodes")}
    for level in ("service", "sector"):
        assert {(f"cf{n:02}", f"M.learning_and_impact.{level}") for n in range(1, 15)} <= linked
    assert {(f"org{n:02}", "M.tools_and_resources.system") for n in (8, 9, 10)} <= linked
