"""Invented releases of the published exclusions in the newer two header generations.

The middle one calls fixed-period exclusions suspensions and the type of school a phase, and repeats the last year of
the older release before its own. The newest splits the pupils by characteristic and prints rates unrounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import numpy as np

from ingestion.sample.filing import Filing
from ingestion.sample.places import HOME, Authority
from ingestion.sample.published_exclusions import (
    DATASET,
    HIDDEN_COUNTS,
    TOTAL_TYPE,
    YEARS,
    Figures,
    YearFigures,
    count_exclusions,
    figures_of_year,
    sum_of,
)
from ingestion.sample.published_layout import (
    AREAS,
    DESCRIPTION_DATASET,
    DESCRIPTION_HEADER,
    HIDDEN,
    NOT_APPLICABLE,
    Area,
    Row,
    described,
    in_order,
    printed,
    rounded_to,
)
from ingestion.sample.scale import Chance
from ingestion.sample.tally import AREA, Cut, Tally, year_label

SPLIT_DATASET = "dfe_exclusions_by_characteristic"
FILE_NAME, SPLIT_FILE_NAME = "published/exc_geographic", "published/exc_characteristics"
ARRIVED = datetime(2025, 11, 20, 9, 30)

HEADER = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name",
    "old_la_code", "new_la_code", "la_name", "education_phase", "headcount", "perm_excl", "perm_excl_rate",
    "suspension", "susp_rate", "one_plus_susp", "one_plus_susp_rate",
)  # fmt: skip
#: The newest generation puts the names of places elsewhere and has the characteristic and its group.
SPLIT_HEADER = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_name", "region_code",
    "la_name", "new_la_code", "old_la_code", "education_phase", "characteristic_group", "characteristic", "headcount",
    "suspension", "susp_rate", "perm_excl", "perm_excl_rate", "one_plus_susp", "one_plus_susp_rate",
)  # fmt: skip
DESCRIPTION = (
    ("education_phase", "Filter", "Phase of education", "", ""),
    ("headcount", "Indicator", "Pupil headcount", "", "0"),
    ("perm_excl", "Indicator", "Permanent exclusions", "", "0"),
    ("perm_excl_rate", "Indicator", "Permanent exclusions (rate)", "%", "2"),
    ("suspension", "Indicator", "Suspensions", "", "0"),
    ("susp_rate", "Indicator", "Suspension (rate)", "%", "2"),
    ("one_plus_susp", "Indicator", "Pupils with one or more suspension", "", "0"),
    ("one_plus_susp_rate", "Indicator", "Pupils with one or more suspension (rate)", "%", "2"),
)
SPLIT_DESCRIPTION = (
    ("characteristic_group", "Filter", "Characteristic group", "", ""),
    ("characteristic", "Filter", "Pupil characteristic", "", ""),
    *DESCRIPTION,
)

#: Calendar years in which the academic years of the middle generation begin; the newest has the last of them.
REPEATED, NEW = YEARS[-1], YEARS[-1] + 1
#: Share of the pupils, and how often each of them is suspended beside the average.
SPLITS = {
    "Gender": {"Female": (0.49, 0.75), "Male": (0.51, 1.24)},
    "FSM": {"FSM - Eligible": (0.26, 2.4), "FSM - Not eligible": (0.73, 0.5), "FSM - Unclassified": (0.01, 0.8)},
    "Ethnicity Major": {
        "White": (0.66, 1.05),
        "Asian / Asian British": (0.2, 0.5),
        "Black / African / Caribbean / Black British": (0.05, 1.1),
        "Mixed / Multiple ethnic groups": (0.06, 1.5),
        "Any other ethnic group": (0.02, 0.8),
        "Unclassified": (0.01, 1.0),
    },
}


def write_suspensions(filing: Filing, tally: Tally, chance: Chance, repeated: YearFigures) -> None:
    """Write both releases with their descriptions and count the home's own figures; ``repeated`` was printed before."""
    newest = figures_of_year(chance, NEW)
    rows = [row for year, of in ((NEW, newest), (REPEATED, repeated)) for row in _by_phase(year, of)]
    filing.csv(f"{FILE_NAME}.csv", DATASET, HEADER, in_order(HEADER, rows), ARRIVED)
    filing.not_needed(
        f"{FILE_NAME}.meta.csv", DESCRIPTION_DATASET, DESCRIPTION_HEADER, list(described(DESCRIPTION)), ARRIVED
    )
    count_exclusions(tally, NEW, newest[HOME])

    split = {authority: _split(chance, of[TOTAL_TYPE]) for authority, of in newest.items()}
    split_rows = _by_characteristic(newest, split)
    filing.csv(f"{SPLIT_FILE_NAME}.csv", SPLIT_DATASET, SPLIT_HEADER, in_order(SPLIT_HEADER, split_rows), ARRIVED)
    filing.not_needed(
        f"{SPLIT_FILE_NAME}.meta.csv",
        DESCRIPTION_DATASET,
        DESCRIPTION_HEADER,
        list(described(SPLIT_DESCRIPTION)),
        ARRIVED,
    )
    _count_split(tally, newest[HOME][TOTAL_TYPE], split[HOME])


def _by_phase(year: int, of_year: YearFigures) -> Iterator[Row]:
    for area in AREAS:
        for kind in of_year[HOME]:
            figures = _of_area(area, {a: of[kind] for a, of in of_year.items()})
            yield _when(year) | area.cells | {"education_phase": kind} | _rounded(area, figures)


def _by_characteristic(
    of_year: YearFigures, split: Mapping[Authority, Mapping[tuple[str, str], Figures]]
) -> Iterator[Row]:
    for area in AREAS:
        for kind in (TOTAL_TYPE, "State-funded secondary"):
            whole = {a: of[kind] for a, of in of_year.items()}
            yield _split_row(area, kind, (TOTAL_TYPE, TOTAL_TYPE), whole)
        for characteristic in split[HOME]:
            yield _split_row(area, TOTAL_TYPE, characteristic, {a: of[characteristic] for a, of in split.items()})


def _split_row(area: Area, kind: str, characteristic: tuple[str, str], of: Mapping[Authority, Figures]) -> Row:
    group, pupils = characteristic
    about: Row = {"education_phase": kind, "characteristic_group": group, "characteristic": pupils}
    return _when(NEW) | area.cells | about | _unrounded(area, _of_area(area, of))


def _when(year: int) -> Row:
    return {"time_period": f"{year}{(year + 1) % 100:02d}", "time_identifier": "Academic year"}


def _of_area(area: Area, of: Mapping[Authority, Figures]) -> Figures:
    return sum_of([of[authority] for authority in area.members] * area.times)


def _rounded(area: Area, figures: Figures) -> Row:
    """Counts and rates to two places; of the country and the region the counts are rounded to 5."""
    step = 1 if area.authority else 5
    cells: Row = {"headcount": rounded_to(figures.pupils, step)}
    for (count_header, rate_header), count in zip(_HEADERS, figures.counts, strict=True):
        cells[count_header] = rounded_to(count, step)
        cells[rate_header] = printed(count, figures.pupils, 100, 2) if figures.pupils else NOT_APPLICABLE
        if area.authority and count in HIDDEN_COUNTS:
            cells[count_header] = cells[rate_header] = HIDDEN
    return cells


def _unrounded(area: Area, figures: Figures) -> Row:
    """Counts as they are, and rates with as many decimals as the publisher's program had."""
    cells: Row = {"headcount": figures.pupils}
    for (count_header, rate_header), count in zip(_HEADERS, figures.counts, strict=True):
        cells[count_header] = count
        cells[rate_header] = _long(count, figures.pupils) if figures.pupils else NOT_APPLICABLE
        if area.authority and count in HIDDEN_COUNTS:
            cells[count_header] = cells[rate_header] = HIDDEN
    return cells


#: Headers of each count and its rate, in the order of ``Figures.counts``.
_HEADERS = (
    ("perm_excl", "perm_excl_rate"),
    ("suspension", "susp_rate"),
    ("one_plus_susp", "one_plus_susp_rate"),
)


def _long(count: int, pupils: int) -> str:
    return f"{Decimal(count) * 100 / pupils:.13f}".rstrip("0").rstrip(".")


def _split(chance: Chance, total: Figures) -> dict[tuple[str, str], Figures]:
    """The figures of all schools shared out among the pupils of each characteristic."""
    parts: dict[tuple[str, str], Figures] = {}
    for group, members in SPLITS.items():
        pupils = _shared_out(total.pupils, [share for share, _ in members.values()])
        weights = np.array([share * often for share, often in members.values()])
        counts = [chance.multinomial(count, weights / weights.sum()).tolist() for count in total.counts]
        for name, roll, permanent, suspensions, suspended in zip(members, pupils, *counts, strict=True):
            # Who was suspended was so at least once.
            parts[group, name] = Figures(0, roll, permanent, suspensions, min(suspended, suspensions, roll))
    return parts


def _shared_out(total: int, shares: list[float]) -> list[int]:
    parts = [round(total * share) for share in shares]
    parts[0] += total - sum(parts)
    return parts


def _count_split(tally: Tally, whole: Figures, split: Mapping[tuple[str, str], Figures]) -> None:
    period = ("academic_year", year_label(NEW))
    cuts = {AREA: whole} | {
        Cut(breakdown=group.lower().replace(" ", "_"), breakdown_value=name): figures
        for (group, name), figures in split.items()
    }
    indicators = ("permanent_exclusion_rate", "suspension_rate", "pupils_suspended")
    for cut, figures in cuts.items():
        for indicator_id, count in zip(indicators, figures.counts, strict=True):
            if count not in HIDDEN_COUNTS:
                tally.add(indicator_id, SPLIT_DATASET, period, count, figures.pupils, cut)
