"""An invented export of Fingertips, with the rows that its exports always bring along and that no figure may count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ingestion.sample.filing import Cell, Filing, Line
from ingestion.sample.places import (
    AUTHORITIES,
    COUNTRY_CODE,
    COUNTRY_NAME,
    HOME,
    REGION_CODE,
    REGION_NAME,
    Authority,
)
from ingestion.sample.published_layout import REGIONS
from ingestion.sample.scale import Chance, Scale
from ingestion.sample.tally import Tally, year_label

DATASET = "fingertips"
FILE_NAME = "published/fingertips/indicators-CountiesUAs.data.csv"
ARRIVED = datetime(2025, 10, 2, 14, 20)

HEADER = (
    "Indicator ID", "Indicator Name", "Parent Code", "Parent Name", "Area Code", "Area Name", "Area Type", "Sex", "Age",
    "Category Type", "Category", "Time period", "Value", "Lower CI 95.0 limit", "Upper CI 95.0 limit",
    "Lower CI 99.8 limit", "Upper CI 99.8 limit", "Count", "Denominator", "Value note", "Recent Trend",
    "Compared to England value or percentiles", "Compared to Regions (statistical) value or percentiles",
    "Time period Sortable", "New data", "Compared to goal", "Time period range",
)  # fmt: skip
PERSONS = "Persons"
SUPPRESSED = "Value suppressed for disclosure control due to small count"
REMARK = "There is a data quality issue with this value"
#: The neighbour whose smallest figures are not published.
WITHHELD_FROM = "E08999011"
DECILES = "County & UA deprivation deciles in England (IMD2019)"


@dataclass(frozen=True)
class Series:
    """An indicator of the export; ``per`` is what its values are a rate of."""

    indicator_id: str
    fingertips_id: int
    name: str
    age: str
    per: int
    people: int
    #: Counts of that many people where the programme is not at work, and what becomes of it at home by the year.
    usual: float
    at_home: float
    #: Years in which the periods begin, and whether a period runs across two.
    years: tuple[int, ...]
    across_two: bool
    #: Standardised for age: the value is not the count over the people.
    standardised: float = 1.0

    def label(self, year: int) -> str:
        """The period as Fingertips prints it."""
        return year_label(year) if self.across_two else str(year)


SERIES = (
    Series(
        "self_harm_admissions", 90813, "Hospital admissions as a result of self-harm (10 to 24 years)", "10-24 yrs",
        100_000, 42_000, 430, 0.93, tuple(range(2018, 2025)), across_two=True, standardised=1.013,
    ),
    Series(
        "first_entrants_to_youth_justice", 10401, "First time entrants to the youth justice system", "10-17 yrs",
        100_000, 24_000, 175, 0.92, tuple(range(2018, 2025)), across_two=False,
    ),
    Series(
        "domestic_abuse_incidents", 92863, "Domestic abuse related incidents and crimes", "16+ yrs",
        1_000, 181_000, 34, 0.98, tuple(range(2018, 2024)), across_two=True,
    ),
)  # fmt: skip
#: The programme begins in this year.
PROGRAMME_FROM = 2021


def write_fingertips(filing: Filing, tally: Tally, chance: Chance, scale: Scale) -> None:
    """Write the export and count the home's own figures as published."""
    lines = [line for series in SERIES for year in series.years for line in _of(tally, chance, scale, series, year)]
    filing.csv(FILE_NAME, DATASET, HEADER, lines, ARRIVED)


def _of(tally: Tally, chance: Chance, scale: Scale, series: Series, year: int) -> Iterator[Line[None]]:
    people = {a: round(series.people * scale.times * (1 + 0.07 * (i % 5 - 2))) for i, a in enumerate(AUTHORITIES)}
    counts = {a: int(chance.poisson(people[a] * _level(series, a, year) / series.per)) for a in AUTHORITIES}
    all_people, all_counts = sum(people.values()), sum(counts.values())
    country = _Place("", "", COUNTRY_CODE, COUNTRY_NAME, "England")
    region = _Place("", "", REGION_CODE, REGION_NAME, "Regions (statistical)")
    yield _line(series, year, country, all_counts * REGIONS, all_people * REGIONS)
    # The tenths of the country that are most and least deprived stand among the country's own rows.
    for decile in ("Most deprived decile (IMD2019)", "Least deprived decile (IMD2019)"):
        split = {"Category Type": DECILES, "Category": decile}
        yield _line(series, year, country, all_counts // 2, all_people, cells=split)
    for sex in ("Male", "Female"):
        yield _line(series, year, country, all_counts * REGIONS // 2, all_people * REGIONS // 2, cells={"Sex": sex})
    yield from _twice(series, year, region, country, all_counts, all_people)
    for authority in AUTHORITIES:
        place = _Place("", "", authority.area_code, authority.name, "Counties & UAs (from Apr 2023)")
        hidden = authority.area_code == WITHHELD_FROM and year == series.years[0]
        yield from _twice(series, year, place, region, counts[authority], people[authority], hidden=hidden)
    period = "financial_year" if series.across_two else "calendar_year"
    tally.add(series.indicator_id, DATASET, (period, series.label(year)), counts[HOME], people[HOME])
    if year == series.years[-1]:
        # Three years together: a period of another length, whose label also begins with a year.
        pooled = {"Time period": f"{year - 2} - {year % 100:02d}", "Time period range": "3y"}
        pooled["Time period Sortable"] = f"{year - 2}0000"
        yield _line(series, year, country, all_counts * 3, all_people * 3, cells=pooled)


def _level(series: Series, authority: Authority, year: int) -> float:
    place = 1 + 0.05 * (AUTHORITIES.index(authority) % 7 - 3)
    return series.usual * place * (series.at_home ** max(0, year - PROGRAMME_FROM) if authority is HOME else 1.0)


@dataclass(frozen=True)
class _Place:
    parent_code: str
    parent_name: str
    code: str
    name: str
    kind: str

    def below(self, parent: _Place) -> _Place:
        return _Place(parent.code, parent.name, self.code, self.name, self.kind)


def _twice(
    series: Series, year: int, place: _Place, parent: _Place, count: int, people: int, *, hidden: bool = False
) -> Iterator[Line[None]]:
    """An area by itself and below its parent: the same figures, of which the second row is left out."""
    yield _line(series, year, place, count, people, hidden=hidden)
    again = _line(series, year, place.below(parent), count, people, hidden=hidden)
    again.dropped = True
    yield again


def _line(
    series: Series,
    year: int,
    place: _Place,
    count: int,
    people: int,
    *,
    hidden: bool = False,
    cells: dict[str, str] | None = None,
) -> Line[None]:
    row: dict[str, Cell] = {
        "Indicator ID": series.fingertips_id,
        "Indicator Name": series.name,
        "Parent Code": place.parent_code,
        "Parent Name": place.parent_name,
        "Area Code": place.code,
        "Area Name": place.name,
        "Area Type": place.kind,
        "Sex": PERSONS,
        "Age": series.age,
        "Time period": series.label(year),
        "Time period Sortable": f"{year}0000",
        "Time period range": "1y",
        "Recent Trend": "Cannot be calculated",
    }
    if hidden:
        row["Value note"] = SUPPRESSED
    else:
        value = count * series.per * series.standardised / people
        # A remark stands beside a figure that is there all the same.
        row |= {"Value": f"{value:.5f}", "Count": count, "Denominator": people}
        row["Value note"] = REMARK if year == series.years[1] else None
    row |= cells or {}
    return Line([row.get(header) for header in HEADER], None)
