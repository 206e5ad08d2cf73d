"""Faults in published statistics."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.faults.model import NEEDS_ALL_ROWS, NEEDS_OTHER_FILES, NEEDS_OTHER_ROWS, fault, table

OLD = "published/exclusions_by_geographic_level.csv"
NEW = "published/exc_geographic.csv"
RATES = "published/cla_number_and_rate_per_10k_children.csv"
IN_NEED = "published/b3_cin_primary_need.csv"
NEEDS = "published/sen_primary_need.csv"
FINGERTIPS = "published/fingertips/indicators-CountiesUAs.data.csv"
SCOTLAND = "published/scotland/school_exclusions.csv"
EXCLUSIONS = "dfe_exclusions"


@fault(
    "exclusions",
    EXCLUSIONS,
    "printed_rates_follow_from_counts",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
    beside={f"{EXCLUSIONS}.distribution_as_before"},
)
def percent_for_a_fraction(root: Path) -> None:
    """Rates are given as fractions: 0.0641 where 6.41 was printed."""
    with table(root, NEW) as release:
        release.change("susp_rate", lambda cell: f"{float(cell) / 100:.4f}" if cell[:1].isdigit() else cell)


@fault("exclusions", EXCLUSIONS, "suspended_at_least_once")
def more_pupils_suspended_than_suspensions(root: Path) -> None:
    """The columns of suspensions and of pupils suspended have changed places."""
    with table(root, NEW) as release:
        release.swap_headers("suspension", "one_plus_susp")


@fault("exclusions", EXCLUSIONS, "no_more_pupils_than_on_roll", beside={f"{EXCLUSIONS}.denominator_is_above_zero"})
def more_pupils_excluded_than_on_roll(root: Path) -> None:
    """The columns of pupils and of permanent exclusions have changed places."""
    with table(root, NEW) as release:
        release.swap_headers("headcount", "perm_excl")


@fault("exclusions", EXCLUSIONS, "required")
def exclusions_without_pupils_on_roll(root: Path) -> None:
    """The number of pupils is missing in twenty rows."""
    with table(root, NEW) as release:
        release.change("headcount", lambda cell: "", slice(10, 30))


@fault(
    "exclusions",
    EXCLUSIONS,
    "hidden_is_not_nought",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_FILES,
)
def hidden_figures_as_nought(root: Path) -> None:
    """A copy of the release has 0 wherever the publisher hides a count."""
    copy = "published/exclusions_by_geographic_level_cleaned.csv"
    shutil.copy2(root / "inbox" / OLD, root / "inbox" / copy)
    with table(root, copy) as release:
        for row in release.body:
            row[17:] = ["0" if cell == "x" else cell for cell in row[17:]]


@fault("exclusions", EXCLUSIONS, "areas_add_up", stage="landed", severity="warning", not_earlier=NEEDS_OTHER_ROWS)
def a_country_that_is_less_than_its_regions(root: Path) -> None:
    """The counts of the whole country are a tenth of what was published."""
    with table(root, OLD) as release:
        level = release.at("geographic_level")
        for row in release.body:
            if row[level] == "National":
                row[16] = row[16][:-1]


@fault("exclusions", EXCLUSIONS, "areas_add_up", stage="landed", severity="warning", not_earlier=NEEDS_ALL_ROWS)
def a_file_that_lost_its_last_rows(root: Path) -> None:
    """The file was cut after a row, so that three authorities of its last year are missing."""
    with table(root, NEW) as release:
        del release.rows[-12:]


@fault(
    "exclusions",
    EXCLUSIONS,
    "has_national_total",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_ALL_ROWS,
    beside={f"{EXCLUSIONS}.own_areas_are_covered"},
)
def a_file_that_lost_its_first_rows(root: Path) -> None:
    """The rows of the whole country, which come first, are missing."""
    with table(root, NEW) as release:
        release.keep(lambda row: row["geographic_level"] != "National")


@fault("exclusions", EXCLUSIONS, "pattern")
def years_in_another_form(root: Path) -> None:
    """The academic year is written as 2024/25."""
    with table(root, NEW) as release:
        release.change("time_period", lambda cell: f"{cell[:4]}/{cell[4:]}")


@fault("exclusions", EXCLUSIONS, "not_a_figure")
def a_symbol_that_nobody_knows(root: Path) -> None:
    """Hidden figures are marked supp."""
    with table(root, NEW) as release:
        release.change("perm_excl", lambda cell: "supp" if cell == "c" else cell)
        release.change("perm_excl", lambda cell: "supp", slice(8, 9))


@fault("exclusions", EXCLUSIONS, "headcount_are_whole")
def a_count_with_decimals(root: Path) -> None:
    """A number of pupils is 20500.5."""
    with table(root, NEW) as release:
        release.change("headcount", lambda cell: f"{cell}.5", slice(9, 10))


@fault("exclusions", EXCLUSIONS, "duplicate_key")
def a_late_row_with_corrected_values(root: Path) -> None:
    """The row of an area stands a second time at the end, with other figures."""
    with table(root, NEW) as release:
        again = list(release.rows[6])
        at = release.at("suspension")
        again[at] = str(int(again[at]) + 5)
        release.rows.append(again)


@fault("exclusions", EXCLUSIONS, "area_is_named")
def areas_without_code(root: Path) -> None:
    """The codes of authorities are lost; their names stand there."""
    with table(root, NEW) as release:
        release.change("new_la_code", lambda cell: "")
        release.change("old_la_code", lambda cell: "")


@fault("exclusions", EXCLUSIONS, "another_unit", severity="warning")
def a_figure_that_changed_its_unit(root: Path) -> None:
    """The description beside the release says that a rate is in pounds."""
    with table(root, "published/exc_geographic.meta.csv") as description:
        unit, name = description.at("indicator_unit"), description.at("col_name")
        for row in description.body:
            if row[name] == "susp_rate":
                row[unit] = "£"


@fault(
    "exclusions",
    "dfe_exclusions_by_characteristic",
    "areas_add_up",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
)
def a_region_that_is_not_its_authorities(root: Path) -> None:
    """The pupils of a region are half of those of its authorities."""
    with table(root, "published/exc_characteristics.csv") as release:
        level, pupils = release.at("geographic_level"), release.at("headcount")
        for row in release.body:
            if row[level] == "Regional":
                row[pupils] = str(int(row[pupils]) // 2)


@fault("children", "dfe_looked_after_rate", "rate_follows_from_count", severity="warning")
def a_rate_of_another_unit(root: Path) -> None:
    """Rates are per 1,000 children and not per 10,000."""
    with table(root, RATES) as release:
        release.change("rate_per_10000", lambda cell: f"{float(cell) / 10:.0f}" if cell[:1].isdigit() else cell)


@fault(
    "children",
    "dfe_children_in_need",
    "printed_rates_share_a_population",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
)
def rates_that_slipped_by_a_row(root: Path) -> None:
    """The rates stand one row lower than the counts that they are of."""
    with table(root, IN_NEED) as release:
        rate = release.at("At31_episodes_rate")
        rates = [row[rate] for row in release.body]
        for row, above in zip(release.body, [rates[-1], *rates], strict=False):
            row[rate] = above


@fault(
    "needs",
    "dfe_sen_needs",
    "parts_do_not_exceed_total",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
    beside={"dfe_sen_needs.areas_add_up"},
)
def needs_that_exceed_their_total(root: Path) -> None:
    """The pupils of one need are doubled in an authority, and their total is not."""
    with table(root, NEEDS) as release:
        level, need, pupils = (release.at(h) for h in ("geographic_level", "sen_primary_need", "number_of_pupils"))
        for row in release.body:
            if row[level] == "Local authority" and row[need] != "Total" and row[pupils].isdigit():
                row[pupils] = str(int(row[pupils]) * 2)


@fault(
    "returns",
    "dfe_new_placements",
    "classes_do_not_exceed_total",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
    beside={"dfe_new_placements.areas_add_up"},
)
def classes_that_exceed_their_total(root: Path) -> None:
    """The total of new placements of every authority is half of what was published."""
    with table(root, "published/la_cla_during_year_new_placements.csv") as release:
        level, breakdown, count = (release.at(h) for h in ("geographic_level", "breakdown", "children_count"))
        for row in release.body:
            if row[level] == "Local authority" and row[breakdown].startswith("Total") and row[count].isdigit():
                row[count] = str(int(row[count]) // 2)


@fault("children", "fingertips", "value_within_interval")
def a_value_outside_its_interval(root: Path) -> None:
    """The intervals beside sixty values are those of values half as high."""
    with table(root, FINGERTIPS) as profile:
        value, lower, upper = (profile.at(h) for h in ("Value", "Lower CI 95.0 limit", "Upper CI 95.0 limit"))
        for row in profile.body[:60]:
            if row[value]:
                row[lower], row[upper] = f"{float(row[value]) * 0.4:.5f}", f"{float(row[value]) * 0.6:.5f}"


@fault("children", "fingertips", "one_figure_per_period")
def periods_that_slipped_by_a_row(root: Path) -> None:
    """The periods of some rows are those of a year later."""
    with table(root, FINGERTIPS) as profile:
        profile.change("Time period", lambda cell: "2029/30", slice(3, 9))


@fault("children", "scottish_exclusions", "unknown_code")
def a_rate_per_hundred(root: Path) -> None:
    """Scotland's rates are per 100 pupils and say so."""
    with table(root, SCOTLAND) as figures:
        figures.change("Units", lambda cell: cell.replace("per 1000", "per 100"))


@fault(
    "children",
    "scottish_exclusions",
    "printed_rates_follow_from_counts",
    stage="landed",
    severity="warning",
    not_earlier=NEEDS_OTHER_ROWS,
)
def a_rate_that_its_counts_deny(root: Path) -> None:
    """Scotland's rates are per 100 pupils and say that they are per 1,000."""
    with table(root, SCOTLAND) as figures:
        measure, value = figures.at("Measurement"), figures.at("Value")
        for row in figures.body:
            if row[measure] == "Ratio" and row[value][:1].isdigit():
                row[value] = f"{float(row[value]) / 10:.1f}"


@fault("children", "scottish_looked_after", "years_follow_each_other")
def years_that_do_not_follow(root: Path) -> None:
    """A year is written as 2019/2021."""
    with table(root, "published/scotland/looked_after_children.csv") as figures:
        figures.change("DateCode", lambda cell: f"{cell[:5]}{int(cell[5:]) + 1}", slice(0, 12))
