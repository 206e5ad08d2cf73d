"""The tables of a home's own frameworks and indicators as data, with the columns of the seeds that they add to."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path

import pyarrow as pa

from ingestion.reference.layout import AREA_CODE_PATTERN, DATE, INTEGER, Field, Kind, Layout

#: What ships: one CSV file for each table, ``seed_<table>.csv``.
SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"

#: The dataset that all answers to instruments of a home's own land as.
OWN_SURVEY = "partnership_survey"
#: Below this no figure on people's answers may be shown, whatever a home would like.
LEAST_MINIMUM_BASE = 10

#: Marts of which each shows the layers of one kind, whatever a framework calls them.
FRAME_MARTS = (
    "inputs", "activities", "short_term_outcomes", "medium_term_outcomes", "long_term_outcomes", "national_outcomes",
    "theory_of_change", "feature_outcomes", "change_journey", "measurement_framework",
)  # fmt: skip

ID_PATTERN, ID_SAYS = "[a-z][a-z0-9_]*", "lower-case letters, digits and underscores, such as heard_by_adults"


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text).quantize(Decimal("0.000001"))
    except InvalidOperation as error:
        raise ValueError from error


DECIMAL = Kind(pa.decimal128(18, 6), _decimal, "a number, such as 62.5")


def _id(name: str) -> Field:
    return Field(name, pattern=ID_PATTERN, pattern_says=ID_SAYS)


def _node(name: str) -> Field:
    return Field(name, pattern=r"[A-Za-z][A-Za-z0-9._]*", pattern_says="a letter and what numbers it, such as S1")


_DECLARED = (
    Layout(
        "framework_nodes",
        (
            _id("framework_id"),
            _node("node_id"),
            _id("layer"),
            Field("layer_order", INTEGER),
            Field("node_order", INTEGER),
            Field("statement"),
            Field("feature", required=False),
            Field("population", required=False),
            Field("before_statement", required=False),
            Field("after_statement", required=False),
        ),
        keys=(("framework_id", "node_id"), ("framework_id", "layer_order", "node_order")),
    ),
    Layout(
        "framework_layers",
        (
            _id("framework_id"),
            _id("layer"),
            Field("layer_order", INTEGER),
            Field("layer_name"),
            Field("mart", allowed=FRAME_MARTS),
        ),
        keys=(("framework_id", "layer"), ("framework_id", "layer_order")),
    ),
    Layout(
        "framework_links",
        (
            _id("framework_id"),
            _node("from_node_id"),
            _id("to_framework_id"),
            _node("to_node_id"),
            Field("basis", allowed=("stated", "assumed")),
            Field("reason"),
        ),
        keys=(("framework_id", "from_node_id", "to_framework_id", "to_node_id"),),
    ),
    Layout(
        "framework_gaps",
        (_id("framework_id"), _node("node_id"), Field("reason")),
        keys=(("framework_id", "node_id"),),
    ),
    # An indicator of a home's own is the share of people who give one of the two highest answers, so its unit and its
    # disclosure control are given.
    Layout(
        "indicators",
        (
            _id("indicator_id"),
            Field("name"),
            Field("definition"),
            Field("numerator_definition"),
            Field("denominator_definition"),
            Field("unit", allowed=("percent",)),
            Field("decimals", INTEGER, allowed=("0", "1", "2")),
            Field("polarity", allowed=("higher_is_better", "lower_is_better", "none")),
            Field("level", allowed=("service", "sector", "system")),
            Field("objective", allowed=("comms", "training", "tools_and_resources", "learning_and_impact", "outcomes")),
            Field("cadence", allowed=("yearly", "by_wave", "monthly", "termly")),
            Field("owner"),
            Field("evidence", required=False, default="self_report", allowed=("self_report",)),
            Field("baseline_period", required=False),
            Field("target_value", DECIMAL, required=False),
            Field("disclosure_unit", allowed=("respondent",)),
            Field("disclosure_rule"),
            Field("minimum_count", INTEGER, required=False),
            Field("minimum_base", INTEGER),
            Field("measure_type", allowed=("proportion",)),
            Field("multiplier", INTEGER, allowed=("100",)),
            Field("maximum_unknown_percent", INTEGER, required=False),
            Field("window_months", INTEGER, required=False),
        ),
        keys=(("indicator_id",), ("name",)),
    ),
    Layout(
        "indicator_sources",
        (_id("indicator_id"), Field("source_dataset", allowed=(OWN_SURVEY,)),
         Field("source_rank", INTEGER, allowed=("1",))),
        keys=(("indicator_id", "source_dataset"),),
    ),
    Layout(
        "indicator_nodes",
        (_id("indicator_id"), _id("framework_id"), _node("node_id")),
        keys=(("indicator_id", "framework_id", "node_id"),),
    ),
)  # fmt: skip


#: Labels of the periods of charts. Labels of one kind sort in the order of time.
CHART_PERIODS = (r"\d{4}-(0[1-9]|1[0-2])", r"\d{4} Q[1-4]", r"\d{4}/\d{2} (autumn|spring|summer)")
#: How the publication labels any period.
PERIODS = (*CHART_PERIODS, r"\d{4}/\d{2}", r"\d{4}", r".+ wave \d+")


def _chart_period(name: str, *, required: bool) -> Field:
    return Field(
        name,
        required=required,
        pattern="|".join(CHART_PERIODS),
        pattern_says="a month, quarter or term, such as 2025-09, 2025 Q3 or 2024/25 autumn",
    )


#: What a partnership decides about figures, its own and those that ship: nothing of it ships, and none of it is ever
#: decided by the warehouse.
DECISIONS = {
    layout.name: layout
    for layout in (
        Layout(
            "control_baselines",
            (
                _id("indicator_id"),
                Field("area_code", required=False, pattern=AREA_CODE_PATTERN,
                      pattern_says="a letter and eight digits, such as E08000005"),
                Field("sector", required=False),
                Field("organisation_id", required=False),
                _chart_period("first_period", required=True),
                _chart_period("last_period", required=False),
                Field("reason"),
                Field("decided_by"),
                Field("decided_date", DATE),
            ),
            keys=(("indicator_id", "area_code", "sector", "organisation_id", "first_period"),),
        ),
        Layout(
            "indicator_targets",
            (
                _id("indicator_id"),
                Field("target_value", DECIMAL),
                Field("target_date", DATE, required=False),
                Field("baseline_period", required=False, pattern="|".join(PERIODS),
                      pattern_says="a period as the publication writes it, such as 2024/25, 2024/25 autumn, 2025 Q3, "
                      "2025-09, 2025 or workforce wave 3"),
                Field("decided_by"),
                Field("decided_date", DATE),
            ),
            keys=(("indicator_id",),),
        ),
        # Written by `impact accept`: what a publication changed of the one before, and who answers for it.
        Layout(
            "accepted_changes",
            (
                Field("change_id", pattern="[0-9a-f]{12}", pattern_says="the id that `impact accept` shows"),
                Field("rule"),
                # Of an indicator that may be gone: that can be the very change.
                _id("indicator_id"),
                Field("source_dataset"),
                Field("figures", INTEGER),
                Field("summary"),
                Field("reason"),
                Field("decided_by"),
                Field("decided_date", DATE),
            ),
            keys=(("change_id",),),
        ),
    )
}  # fmt: skip

#: Decisions that are of no use about an indicator that nobody knows.
DECISIONS_ABOUT_INDICATORS = ("control_baselines", "indicator_targets")


def landed_layouts() -> dict[str, Layout]:
    """Every table that lands for the warehouse, by name: what a home adds to what ships, and what it has decided."""
    return {**layouts(), **DECISIONS}


@cache
def layouts() -> dict[str, Layout]:
    """Every table that a home may add to, by name, with the columns of its seed in their order.

    What a home adds lands in the same columns as what ships, so that the warehouse can put one below the other.
    """
    return {layout.name: _as_shipped(layout) for layout in _DECLARED}


def _as_shipped(layout: Layout) -> Layout:
    declared = {field.name: field for field in layout.fields}
    header = seed_header(layout.name)
    return Layout(layout.name, tuple(declared.get(name, Field(name, required=False)) for name in header), layout.keys)


def seed_header(table: str) -> list[str]:
    """The columns of a table as it ships, in order."""
    with (SEEDS / f"seed_{table}.csv").open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def seed_rows(table: str) -> Iterable[dict[str, str]]:
    """The rows of a table as it ships."""
    with (SEEDS / f"seed_{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
