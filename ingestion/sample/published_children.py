"""Invented releases on children looked after and children in need, by country, region and authority."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from ingestion.sample.filing import Filing
from ingestion.sample.places import AUTHORITIES, HOME, Authority
from ingestion.sample.published_layout import (
    AREAS,
    DESCRIPTION_DATASET,
    DESCRIPTION_HEADER,
    HIDDEN,
    Area,
    Row,
    described,
    in_order,
    printed,
    rounded_to,
)
from ingestion.sample.scale import Chance, Scale
from ingestion.sample.tally import Tally, year_label

LOOKED_AFTER, IN_NEED = "dfe_looked_after_rate", "dfe_children_in_need"
#: The publisher sends no description with the file on looked-after children.
LOOKED_AFTER_FILE = "published/cla_number_and_rate_per_10k_children.csv"
IN_NEED_FILE = "published/b3_cin_primary_need"
ARRIVED = datetime(2025, 11, 20, 9, 35)

LOOKED_AFTER_HEADER = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name",
    "old_la_code", "la_name", "new_la_code", "population_type", "population_estimate", "children_count",
    "rate_per_10000",
)  # fmt: skip
IN_NEED_HEADER = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name",
    "old_la_code", "new_la_code", "la_name", "primary_need", "At31_episodes", "At31_episodes_rate",
)  # fmt: skip
IN_NEED_DESCRIPTION = (
    ("primary_need", "Filter", "Primary need at assessment", "", ""),
    ("At31_episodes", "Indicator", "Children in need at 31 March", "", "0"),
    ("At31_episodes_rate", "Indicator", "Rate of children in need at 31 March per 10,000 children", "", "1"),
)

#: Calendar years in which the reporting years end.
YEARS = (2021, 2022, 2023, 2024, 2025)
AT_YEAR_END = "Children looked after on 31 March each year"
STARTING = "Children starting to be looked after each year"
CEASING = "Children ceasing to be looked after each year"
#: Children aged under 18 in an authority of the usual size, and those in need of 10,000.
CHILDREN, IN_NEED_PER_10000 = 52_000, 370
#: Children looked after of 10,000 where the programme is not at work.
LOOKED_AFTER_PER_10000 = 82
NEEDS = {
    "Abuse or neglect": 0.56,
    "Child's disability or illness": 0.09,
    "Parent's disability or illness": 0.03,
    "Family in acute stress": 0.09,
    "Family dysfunction": 0.14,
    "Socially unacceptable behaviour": 0.025,
    "Low income": 0.005,
    "Absent parenting": 0.04,
    "Cases other than children in need": 0.01,
    "Not stated": 0.01,
}
TOTAL, ABUSE = "Total", "Abuse or neglect"
#: At home fewer children are in need because of abuse or neglect from this year on, by so much a year.
FALLS, PROGRAMME_FROM = 0.95, 2022
#: Counts of authorities up to this are hidden, and those of larger areas rounded to ten.
HIDDEN_UP_TO, ROUNDED_TO = 5, 10


def write_children(filing: Filing, tally: Tally, chance: Chance, scale: Scale) -> None:
    """Write both releases and count the home's own figures as published.

    The children that the home has in care are those of its own returns, which the tally holds already.
    """
    population = {a: _population(a, scale) for a in AUTHORITIES}
    own = {
        count.period: count.denominator
        for count in tally.counts
        if count.indicator_id == "placed_out_of_area" and count.breakdown == "total"
    }
    looked_after: list[Row] = []
    in_need: list[Row] = []
    for year in reversed(YEARS):
        looked_after += _looked_after(tally, chance, year, population, own.get(year_label(year - 1)))
        in_need += _in_need(tally, chance, year, population)
    filing.csv(
        LOOKED_AFTER_FILE, LOOKED_AFTER, LOOKED_AFTER_HEADER, in_order(LOOKED_AFTER_HEADER, looked_after), ARRIVED
    )
    filing.csv(f"{IN_NEED_FILE}.csv", IN_NEED, IN_NEED_HEADER, in_order(IN_NEED_HEADER, in_need), ARRIVED)
    filing.not_needed(
        f"{IN_NEED_FILE}.meta.csv",
        DESCRIPTION_DATASET,
        DESCRIPTION_HEADER,
        list(described(IN_NEED_DESCRIPTION)),
        ARRIVED,
    )


def _population(authority: Authority, scale: Scale) -> int:
    return round(CHILDREN * scale.times * (1 + 0.08 * (AUTHORITIES.index(authority) % 5 - 2)))


def _looked_after(
    tally: Tally, chance: Chance, year: int, population: Mapping[Authority, int], own: int | None
) -> Iterator[Row]:
    """Rows of one year, and the home's figure; ``own`` is the number in the home's return of that year."""
    counts: dict[str, dict[Authority, int]] = {CEASING: {}, AT_YEAR_END: {}, STARTING: {}}
    for authority, children in population.items():
        usual = children * LOOKED_AFTER_PER_10000 / 10_000
        in_care = int(chance.poisson(usual))
        counts[AT_YEAR_END][authority] = own if authority is HOME and own is not None else in_care
        counts[STARTING][authority] = int(chance.poisson(usual * 0.38))
        counts[CEASING][authority] = int(chance.poisson(usual * 0.37))
    for area in AREAS:
        estimate = area.total(population)
        for kind, of in counts.items():
            count = area.total(of)
            yield (
                _reporting_year(year)
                | area.cells
                | {
                    "population_type": kind,
                    "population_estimate": estimate,
                    "children_count": _shown(area, count),
                    "rate_per_10000": _rate(area, count, estimate, 0),
                }
            )
    home = counts[AT_YEAR_END][HOME]
    if home > HIDDEN_UP_TO:
        tally.add("looked_after_rate", LOOKED_AFTER, _period(year), home, population[HOME])


def _in_need(tally: Tally, chance: Chance, year: int, population: Mapping[Authority, int]) -> Iterator[Row]:
    counts: dict[str, dict[Authority, int]] = {need: {} for need in NEEDS}
    for authority, children in population.items():
        for need, share in NEEDS.items():
            falls = FALLS ** max(0, year - PROGRAMME_FROM) if authority is HOME and need == ABUSE else 1.0
            counts[need][authority] = int(chance.poisson(children * IN_NEED_PER_10000 / 10_000 * share * falls))
    counts[TOTAL] = {a: sum(of[a] for of in counts.values()) for a in AUTHORITIES}
    for area in AREAS:
        estimate = area.total(population)
        for need, of in counts.items():
            count = area.total(of)
            yield (
                _reporting_year(year)
                | area.cells
                | {
                    "primary_need": need,
                    "At31_episodes": _shown(area, count),
                    "At31_episodes_rate": _rate(area, count, estimate, 1),
                }
            )
    home = counts[ABUSE][HOME]
    if home > HIDDEN_UP_TO:
        tally.add("children_in_need_abuse_or_neglect", IN_NEED, _period(year), home, None)


def _reporting_year(year: int) -> Row:
    return {"time_period": str(year), "time_identifier": "Reporting year"}


def _period(year: int) -> tuple[str, str]:
    return "financial_year", year_label(year - 1)


def _is_hidden(area: Area, count: int) -> bool:
    return area.authority is not None and 1 <= count <= HIDDEN_UP_TO


def _shown(area: Area, count: int) -> int | str:
    if _is_hidden(area, count):
        return HIDDEN
    return count if area.authority else rounded_to(count, ROUNDED_TO)


def _rate(area: Area, count: int, children: int, decimals: int) -> str:
    return HIDDEN if _is_hidden(area, count) else printed(count, children, 10_000, decimals)
