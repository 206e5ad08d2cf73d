"""The disclosure control of the warehouse, put to work on the attacker's small tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from dbt_project.python.disclosure import Cell, Outcome, disclosure_control
from tests.disclosure.tables import TERMS, TOTAL, Counts, Key, Table

YEAR = (date(2024, 9, 1), date(2025, 8, 31))
DAYS = {
    "autumn": (date(2024, 9, 1), date(2024, 12, 31)),
    "spring": (date(2025, 1, 1), date(2025, 3, 31)),
    "summer": (date(2025, 4, 1), date(2025, 8, 31)),
}
assert set(DAYS) == set(TERMS)


def suppress(table: Table, earlier: tuple[Table, Mapping[Key, Counts]] | None = None) -> dict[Key, Counts]:
    """What the warehouse would show of a table, given what it showed of an earlier state."""
    keys = list(table.truth)
    outcome = decide(table, earlier)
    return {
        key: Counts(
            None if found.hides_numerator else table.truth[key].numerator,
            None if found.hides_denominator else table.truth[key].denominator,
        )
        for key, found in zip(keys, outcome.suppressions, strict=True)
    }


def decide(table: Table, earlier: tuple[Table, Mapping[Key, Counts]] | None = None) -> Outcome:
    """What the warehouse decides on a table."""
    before = [] if earlier is None else [_cell(earlier[0], key, earlier[1][key]) for key in earlier[0].truth]
    return disclosure_control([_cell(table, key, counts) for key, counts in table.truth.items()], before)


def _cell(table: Table, key: Key, shown: Counts) -> Cell:
    sector, organisation, group, period = key
    counts, rule = table.truth[key], table.rule
    start, end = DAYS.get(period, YEAR)
    return Cell(
        indicator_id="i",
        source_dataset="s",
        area_code="a",
        sector=sector,
        organisation_id=organisation,
        breakdown=TOTAL if group == TOTAL else "group",
        breakdown_value=group,
        period_type="academic_year" if period == TOTAL else "term",
        period=period,
        period_start=start,
        period_end=end,
        numerator=counts.numerator,
        denominator=counts.denominator,
        is_numerator_shown=shown.numerator is not None,
        is_denominator_shown=shown.denominator is not None,
        is_published=False,
        measure_type=rule.measure,
        disclosure_unit="respondent" if rule.minimum_count is None else "person",
        minimum_count=rule.minimum_count,
        minimum_base=rule.minimum_base,
    )
