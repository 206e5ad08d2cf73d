"""Faults of models and marts, planted in the tables of a built warehouse as a wrong model would leave them."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.faults.model import NEEDS_THE_MART, NEEDS_THE_MODEL, fault

OWN = "(select indicator_id, source_dataset from indicators.indicator_values_unsuppressed where not is_published)"
VALUES = "marts.indicator_values"


def alter(root: Path, *statements: str) -> None:
    """Run SQL over the warehouse of a home."""
    with duckdb.connect(str(root / "warehouse.duckdb")) as con:
        for statement in statements:
            con.execute(statement)


def one(condition: str, of: str = VALUES) -> str:
    """A condition that is true of one row of a table."""
    return f"rowid = (select min(rowid) from {of} where {condition})"


# --- models --------------------------------------------------------------------------------------------------------


@fault(
    "",
    "stg_events__events",
    "stg_events__events_reconciles_with_ledger",
    stage="models",
    not_earlier="It happened after the gate had counted the rows.",
)
def rows_lost_behind_the_gate(root: Path) -> None:
    """Half of the landed rows of a file are gone when the models read it."""
    for path in sorted((root / "landing" / "events").glob("*.parquet")):
        with duckdb.connect() as con:
            con.execute(f"create table kept as select * from read_parquet('{path}') where source_row % 2 = 0")
            con.execute(f"copy kept to '{path}' (format parquet)")


@fault("", "indicator_counts", "counts_are_unique", stage="models", not_earlier=NEEDS_THE_MODEL)
def a_join_that_doubles_rows(root: Path) -> None:
    """A join has found two partners for each row of an indicator."""
    counts = "indicators.indicator_counts"
    alter(root, f"insert into {counts} select * from {counts} where source_dataset = 'events'")


@fault("", "indicator_counts", "counts_are_whole", stage="models", not_earlier=NEEDS_THE_MODEL)
def a_count_below_nought(root: Path) -> None:
    """A model takes more away than there is."""
    counts = "indicators.indicator_counts"
    alter(root, f"update {counts} set numerator = -1 - numerator where {one('numerator > 0', counts)}")


@fault(
    "",
    "indicator_values_unsuppressed",
    "own_counts_are_possible",
    stage="models",
    severity="warning",
    not_earlier=NEEDS_THE_MODEL,
)
def more_people_than_there_are(root: Path) -> None:
    """A model counts people by booking and not by person, so that more have been trained than work there."""
    table = "indicators.indicator_values_unsuppressed"
    alter(
        root,
        f"update {table} set numerator = denominator + 7, value = null, value_status = 'x'"
        f" where {one('not is_published and denominator > 0', table)}",
    )


@fault("", "framework_nodes", "every_node_has_values_or_says_why_not", stage="models", not_earlier=NEEDS_THE_MODEL)
def a_statement_that_a_model_drops(root: Path) -> None:
    """An inner join has dropped the statements that have no value."""
    alter(root, "delete from indicators.node_values where value is null")


@fault("", "indicator_values", "values_are_of_known_areas", stage="models", not_earlier=NEEDS_THE_MODEL)
def values_of_an_area_that_nobody_knows(root: Path) -> None:
    """The code of an area has lost its first letter."""
    alter(root, f"update {VALUES} set area_code = substr(area_code, 2) where {one('true')}")


@fault("", "indicator_values", "values_are_of_known_periods", stage="models", not_earlier=NEEDS_THE_MODEL)
def a_period_shifted_by_a_day(root: Path) -> None:
    """A period begins a day later than the calendar says."""
    alter(root, f"update {VALUES} set period_start = period_start + 1 where {one('true')}")


@fault("", "indicator_values", "rests_on_vintages", stage="marts", not_earlier=NEEDS_THE_MART)
def figures_without_their_files(root: Path) -> None:
    """Which files the figures of the events rest on has been lost."""
    alter(root, "delete from marts.value_vintages where source_dataset = 'events'")


# --- marts ---------------------------------------------------------------------------------------------------------


@fault("", "indicator_values", "value_follows_from_counts", stage="marts", not_earlier=NEEDS_THE_MART)
def a_share_of_other_counts(root: Path) -> None:
    """A share is half of what its numerator and denominator give."""
    shown = f"(indicator_id, source_dataset) in {OWN} and value between 20 and 80 and denominator > 20"
    alter(
        root,
        f"update {VALUES} set value = round(value / 2), ci_lower_95 = null, ci_upper_95 = null, ci_lower_998 = null,"
        f" ci_upper_998 = null where {one(shown)}",
    )


@fault("", "indicator_values", "no_small_count", stage="marts", not_earlier=NEEDS_THE_MART)
def a_small_count_that_is_shown(root: Path) -> None:
    """The denominator of a hidden figure, which is about three people, is shown."""
    people = "(select indicator_id from staging.stg_registry__indicators where disclosure_unit = 'person')"
    alter(
        root,
        f"update {VALUES} set denominator = 3 where "
        + one(f"value_status = 'c' and indicator_id in {people} and (indicator_id, source_dataset) in {OWN}"),
    )


@fault(
    "",
    "indicator_values",
    "suppressed_shows_nothing",
    stage="marts",
    not_earlier=NEEDS_THE_MART,
    beside={"indicator_values.parts_within_their_total"},
)
def a_hidden_figure_with_its_numerator(root: Path) -> None:
    """A hidden figure keeps the numerator that it was worked out from."""
    hidden = f"value_status = 'c' and (indicator_id, source_dataset) in {OWN}"
    alter(root, f"update {VALUES} set numerator = 40 where {one(hidden)}")


@fault(
    "",
    "value_vintages",
    "vintage_in_force",
    stage="marts",
    not_earlier="A vintage that has been superseded is in the ledger too; only the mart says that figures rest on it.",
)
def figures_of_a_file_that_was_replaced(root: Path) -> None:
    """Figures name a file that another has taken the place of."""
    alter(
        root,
        "update marts.value_vintages set vintage_id = (select vintage_id from staging.stg_landing__source_files"
        f" where not is_current limit 1) where {one('true', 'marts.value_vintages')}",
    )


@fault("", "comparisons", "figures_as_published", stage="marts", not_earlier=NEEDS_THE_MART)
def a_comparison_with_another_figure(root: Path) -> None:
    """A value stands in a comparison otherwise than among the values, and so does its difference."""
    alter(
        root,
        "update marts.comparisons set value = value + 1, difference = difference + 1,"
        " difference_lower_95 = difference_lower_95 + 1, difference_upper_95 = difference_upper_95 + 1"
        f" where {one('difference is not null', 'marts.comparisons')}",
    )


@fault("", "short_term_outcomes", "every_node_of_layer", stage="marts", not_earlier=NEEDS_THE_MART)
def a_mart_without_one_of_its_statements(root: Path) -> None:
    """The mart of short-term outcomes lacks a statement."""
    mart = "marts.short_term_outcomes"
    alter(root, f"delete from {mart} where node_id = (select min(node_id) from {mart})")


@fault("", "activities", "figures_as_in_indicator_values", stage="marts", not_earlier=NEEDS_THE_MART)
def a_figure_that_stands_in_one_mart_alone(root: Path) -> None:
    """A figure of the activities differs from that among the values."""
    mart = "marts.activities"
    alter(root, f"update {mart} set value = value + 5 where {one('value is not null', mart)}")


@fault("", "control_limits", "charts_are_of_what_is_shown", stage="marts", not_earlier=NEEDS_THE_MART)
def a_chart_around_another_mean(root: Path) -> None:
    """The mean of a chart and its limits are one too high."""
    mart = "marts.control_limits"
    alter(
        root,
        f"update {mart} set mean = mean + 0.001, lower_limit = lower_limit + 0.001, upper_limit = upper_limit + 0.001"
        f" where {one('mean > 0', mart)}",
    )


@fault("", "expected_submissions", "received_as_in_ledger", stage="marts", not_earlier=NEEDS_THE_MART)
def a_submission_that_never_came(root: Path) -> None:
    """A submission is told as received at a time at which no file came."""
    mart = "marts.expected_submissions"
    alter(
        root,
        f"update {mart} set received_at = received_at + interval 1 minute where {one('received_at is not null', mart)}",
    )


@fault("", "control_limits", "has_rows", stage="marts", severity="warning", not_earlier=NEEDS_THE_MART)
def a_mart_that_is_empty(root: Path) -> None:
    """The mart of charts has lost all of its rows."""
    alter(root, "delete from marts.control_limits")


@fault(
    "",
    "sectors",
    "columns_as_promised",
    stage="marts",
    not_earlier=NEEDS_THE_MART,
    beside={"sectors.key_complete", "sectors.key_unique"},
)
def a_column_under_another_name(root: Path) -> None:
    """A column that readers rely on has been renamed."""
    alter(root, "alter table marts.sectors rename column sector_code to sector")
