"""An invented release of the published exclusions, in the oldest of the publisher's three header generations.

The figures themselves are made here for every generation; ``published_suspensions`` writes the newer two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

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
from ingestion.sample.scale import Chance
from ingestion.sample.tally import AREA, Cut, Tally, year_label

DATASET, DESCRIPTION_DATASET = "dfe_exclusions", "dfe_metadata"
FILE_NAME = "published/exclusions_by_geographic_level"
ARRIVED = datetime(2025, 7, 10, 9, 30)

HEADER = (
    "time_identifier", "time_period", "geographic_level", "country_code", "country_name", "region_code", "region_name",
    "old_la_code", "new_la_code", "la_name", "estab", "laestab", "academy_type", "academy_open_date", "school_type",
    "num_schools", "headcount", "perm_excl", "perm_excl_rate", "fixed_excl", "fixed_excl_rate", "one_plus_fixed",
    "one_plus_fixed_rate",
)  # fmt: skip
DESCRIPTION_HEADER = (
    "col_name", "col_type", "label", "indicator_grouping", "indicator_unit", "filter_hint", "filter_grouping_column",
)  # fmt: skip
DESCRIPTION = (
    ("school_type", "Filter", "School type", "", "", "Filter by school type", ""),
    ("num_schools", "Indicator", "Number of schools", "", "", "", ""),
    ("headcount", "Indicator", "Number of pupils", "", "", "", ""),
    ("perm_excl", "Indicator", "Number of permanent exclusions", "", "", "", ""),
    ("perm_excl_rate", "Indicator", "Permanent exclusion rate", "", "%", "", ""),
    ("fixed_excl", "Indicator", "Number of fixed period exclusions", "", "", "", ""),
    ("fixed_excl_rate", "Indicator", "Fixed period exclusion rate", "", "%", "", ""),
    ("one_plus_fixed", "Indicator", "Number of pupils with one or more fixed period exclusions", "", "", "", ""),
    ("one_plus_fixed_rate", "Indicator", "Percentage of pupils with one or more fixed period exclusions", "", "%", "",
     ""),
)  # fmt: skip

#: Calendar years in which the academic years of the release begin.
YEARS = tuple(range(2015, 2024))
TOTAL_TYPE = "Total"


@dataclass(frozen=True)
class SchoolType:
    """An authority's schools of one type at the start of the series; the three rates are per pupil on roll."""

    pupils: int
    pupils_per_school: int
    permanent: float
    suspensions: float
    suspended: float


SCHOOL_TYPES = {
    "State-funded primary": SchoolType(20500, 290, 0.0003, 0.012, 0.006),
    "State-funded secondary": SchoolType(12800, 1020, 0.0040, 0.105, 0.055),
    "Special": SchoolType(520, 110, 0.0015, 0.160, 0.070),
}
#: Rates rise by the year everywhere, and fall at home once the programme has begun; schools were shut in two years.
RISES, FALLS, PROGRAMME_FROM = 1.035, 0.88, 2021
SHUT = {2019: 0.7, 2020: 0.75}
#: From this year on no figure of the home's own is hidden.
HOME_IS_WHOLE_FROM = 2020
#: The neighbour that has no special school of its own.
WITHOUT_SPECIAL_SCHOOL = "E08999007"
#: The country is this many times the region that the file lists.
REGIONS = 9
#: In this generation of the release a count of one or two is hidden, and a rate of nobody is a full stop.
HIDDEN_COUNTS, HIDDEN, NO_RATE = (1, 2), "x", "."


@dataclass(frozen=True)
class Figures:
    """Counts of one area, year and school type."""

    schools: int
    pupils: int
    permanent: int
    suspensions: int
    suspended: int

    @property
    def counts(self) -> tuple[int, int, int]:
        """Permanent exclusions, suspensions and pupils suspended, in the order of the file."""
        return self.permanent, self.suspensions, self.suspended


#: Figures of every authority by type of school, all schools first.
YearFigures = Mapping[Authority, Mapping[str, Figures]]


def write_exclusions(filing: Filing, tally: Tally, chance: Chance) -> YearFigures:
    """Write the release, its description beside it, and count the home's own figures as published.

    Returns:
        The figures of the release's last year.
    """
    lines: list[Line[None]] = []
    by_year = {year: figures_of_year(chance, year) for year in reversed(YEARS)}
    for year, authorities in by_year.items():
        region = {kind: sum_of(of[kind] for of in authorities.values()) for kind in (TOTAL_TYPE, *SCHOOL_TYPES)}
        country = {kind: sum_of([figures] * REGIONS) for kind, figures in region.items()}
        areas: list[tuple[list[Cell], Mapping[str, Figures], bool]] = [
            (["National", COUNTRY_CODE, COUNTRY_NAME, *[None] * 5], country, True),
            (["Regional", COUNTRY_CODE, COUNTRY_NAME, REGION_CODE, REGION_NAME, *[None] * 3], region, True),
            *((_authority_cells(authority), of, False) for authority, of in authorities.items()),
        ]
        for area, of_type, is_rounded in areas:
            for kind, figures in of_type.items():
                when: list[Cell] = ["Academic year", f"{year}{(year + 1) % 100:02d}"]
                school: list[Cell] = [None, None, TOTAL_TYPE, TOTAL_TYPE, kind]
                lines.append(Line([*when, *area, *school, *_figure_cells(figures, is_rounded=is_rounded)], None))
        count_exclusions(tally, year, authorities[HOME])
    filing.csv(f"{FILE_NAME}.csv", DATASET, HEADER, lines, ARRIVED)
    filing.not_needed(f"{FILE_NAME}.meta.csv", DESCRIPTION_DATASET, DESCRIPTION_HEADER, DESCRIPTION, ARRIVED)
    return by_year[YEARS[-1]]


def figures_of_year(chance: Chance, year: int) -> YearFigures:
    """The figures of every authority in an academic year, named by the calendar year in which it begins."""
    return {authority: _of_year(chance, authority, year) for authority in AUTHORITIES}


def _of_year(chance: Chance, authority: Authority, year: int) -> dict[str, Figures]:
    """Figures of one authority: all schools first, then each type."""
    by_type = {kind: _of_type(chance, authority, year, kind) for kind in SCHOOL_TYPES}
    return {TOTAL_TYPE: sum_of(by_type.values()), **by_type}


def _of_type(chance: Chance, authority: Authority, year: int, kind: str) -> Figures:
    school_type, is_home = SCHOOL_TYPES[kind], authority is HOME
    if kind == "Special" and authority.area_code == WITHOUT_SPECIAL_SCHOOL:
        return Figures(0, 0, 0, 0, 0)
    # Neighbours are larger or smaller, and their schools suspend more or less, by fixed shares.
    place = AUTHORITIES.index(authority)
    pupils = round(school_type.pupils * (1 + 0.06 * (place % 5 - 2)) * 1.006 ** (year - YEARS[0]))
    level = (1 + 0.05 * (place % 7 - 3)) * RISES ** (year - YEARS[0]) * SHUT.get(year, 1.0)
    if is_home:
        level *= FALLS ** max(0, year - PROGRAMME_FROM)
    permanent = int(chance.poisson(pupils * school_type.permanent * level))
    if is_home and year >= HOME_IS_WHOLE_FROM and permanent in HIDDEN_COUNTS:
        permanent = max(HIDDEN_COUNTS) + 1
    suspensions = int(chance.poisson(pupils * school_type.suspensions * level))
    share_once = float(chance.normal(school_type.suspended / school_type.suspensions, 0.015))
    return Figures(
        schools=round(pupils / school_type.pupils_per_school),
        pupils=pupils,
        permanent=permanent,
        suspensions=suspensions,
        suspended=round(suspensions * share_once),
    )


def sum_of(figures: Iterable[Figures]) -> Figures:
    """Figures added up, each count by itself."""
    return Figures(*(sum(column) for column in zip(*(astuple(f) for f in figures), strict=True)))


def _authority_cells(authority: Authority) -> list[Cell]:
    return [
        "Local authority", COUNTRY_CODE, COUNTRY_NAME, REGION_CODE, REGION_NAME, authority.old_la_code,
        authority.area_code, authority.name,
    ]  # fmt: skip


def _figure_cells(figures: Figures, *, is_rounded: bool) -> list[Cell]:
    """Counts with their rates; of the country and the region the counts are rounded to 5 and the rates are exact."""
    cells: list[Cell] = [figures.schools, _to_five(figures.pupils) if is_rounded else figures.pupils]
    for count in figures.counts:
        if not is_rounded and count in HIDDEN_COUNTS:
            cells += [HIDDEN, HIDDEN]
        else:
            cells += [_to_five(count) if is_rounded else count, _rate(count, figures.pupils)]
    return cells


def _to_five(number: int) -> int:
    return (number + 2) // 5 * 5


def _rate(count: int, pupils: int) -> str:
    """Per 100 pupils, two places, halves up, without the noughts at the end, as the publisher prints it."""
    if pupils == 0:
        return NO_RATE
    rate = (Decimal(count) * 100 / pupils).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{rate.normalize():f}"


def count_exclusions(tally: Tally, year: int, of_type: Mapping[str, Figures]) -> None:
    """Note what is shown of an authority's figures of a year."""
    period = ("academic_year", year_label(year))
    for kind, figures in of_type.items():
        cut = AREA if kind == TOTAL_TYPE else Cut(breakdown="school_type", breakdown_value=kind)
        indicators = ("permanent_exclusion_rate", "suspension_rate", "pupils_suspended")
        for indicator_id, count in zip(indicators, figures.counts, strict=True):
            if count not in HIDDEN_COUNTS:
                tally.add(indicator_id, DATASET, period, count, figures.pupils, cut)
