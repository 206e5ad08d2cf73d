"""Invented releases on pupils: special educational needs by primary type, and absence, which no indicator counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from ingestion.sample.filing import Filing
from ingestion.sample.places import AUTHORITIES, HOME, Authority
from ingestion.sample.published_layout import (
    AREAS,
    DESCRIPTION_DATASET,
    DESCRIPTION_HEADER,
    HIDDEN,
    Row,
    described,
    in_order,
    printed,
)
from ingestion.sample.scale import Chance
from ingestion.sample.tally import Tally, year_label

DATASET, OTHER_DATASET = "dfe_sen_needs", "dfe_other"
FILE_NAME, OTHER_FILE_NAME = "published/sen_primary_need", "published/absence_3term_nat_reg_la.csv"
ARRIVED, OTHER_ARRIVED = datetime(2025, 7, 10, 9, 40), datetime(2025, 7, 10, 9, 45)

HEADER = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_name", "region_code",
    "old_la_code", "la_name", "new_la_code", "phase_type_grouping", "sen_status", "sen_primary_need",
    "number_of_pupils",
)  # fmt: skip
OTHER_HEADER = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name",
    "old_la_code", "new_la_code", "la_name", "education_phase", "enrolments", "sess_overall_percent",
)  # fmt: skip
DESCRIPTION = (
    ("phase_type_grouping", "Filter", "Phase-type grouping", "", ""),
    ("sen_status", "Filter", "SEN status", "", ""),
    ("sen_primary_need", "Filter", "Primary type of need", "", ""),
    ("number_of_pupils", "Indicator", "Number of pupils", "", "0"),
)

#: Calendar years in which the academic years begin; counted in the January after.
YEARS = (2022, 2023, 2024)
TOTAL = "Total"
SEMH = "Social, emotional and mental health"
NEEDS = {
    "Autistic spectrum disorder": 0.17,
    "Moderate learning difficulty": 0.15,
    "Other difficulty or disability": 0.05,
    "Physical disability": 0.03,
    SEMH: 0.21,
    "Specific learning difficulty": 0.12,
    "Speech, language and communications needs": 0.26,
    "Visual impairment": 0.01,
}
STATUSES = {"Education, health and care plan": 0.25, "SEN support": 0.75}
PHASES = {"State-funded primary": 0.55, "State-funded secondary": 0.45}
#: Pupils with special educational needs in an authority of the usual size, rising by the year.
PUPILS, RISES = 6_400, 1.04
#: The share of the need that the programme is about, rising everywhere and less so at home.
SEMH_RISES, SEMH_RISES_AT_HOME = 1.06, 1.01
HIDDEN_UP_TO = 2


def write_needs(filing: Filing, tally: Tally, chance: Chance) -> None:
    """Write both releases and count the home's own figures as published."""
    rows = [row for year in reversed(YEARS) for row in _of_year(tally, chance, year)]
    filing.csv(f"{FILE_NAME}.csv", DATASET, HEADER, in_order(HEADER, rows), ARRIVED)
    filing.not_needed(
        f"{FILE_NAME}.meta.csv", DESCRIPTION_DATASET, DESCRIPTION_HEADER, list(described(DESCRIPTION)), ARRIVED
    )
    absence = [line.cells for line in in_order(OTHER_HEADER, _absence(chance))]
    filing.not_needed(OTHER_FILE_NAME, OTHER_DATASET, OTHER_HEADER, absence, OTHER_ARRIVED)


def _of_year(tally: Tally, chance: Chance, year: int) -> Iterator[Row]:
    counts = {authority: _of_authority(chance, authority, year) for authority in AUTHORITIES}
    for area in AREAS:
        for about in counts[HOME]:
            count = area.total({authority: of[about] for authority, of in counts.items()})
            is_hidden = area.authority is not None and 1 <= count <= HIDDEN_UP_TO
            phase, status, need = about
            yield (
                _academic_year(year)
                | area.cells
                | {
                    "phase_type_grouping": phase,
                    "sen_status": status,
                    "sen_primary_need": need,
                    "number_of_pupils": HIDDEN if is_hidden else count,
                }
            )
    numerator, denominator = (counts[HOME][TOTAL, TOTAL, need] for need in (SEMH, TOTAL))
    tally.add("pupils_with_semh_needs", DATASET, ("academic_year", year_label(year)), numerator, denominator)


def _of_authority(chance: Chance, authority: Authority, year: int) -> dict[tuple[str, str, str], int]:
    """Pupils by phase, status and need, with the totals of each of the three and of all together."""
    rises = SEMH_RISES_AT_HOME if authority is HOME else SEMH_RISES
    shares = np.array([share * (rises ** (year - YEARS[0]) if n == SEMH else 1) for n, share in NEEDS.items()])
    usual = PUPILS * RISES ** (year - YEARS[0]) * (1 + 0.08 * (AUTHORITIES.index(authority) % 5 - 2))
    counts: dict[tuple[str, str, str], int] = {}
    for phase, of_phase in PHASES.items():
        for status, of_status in STATUSES.items():
            pupils = int(chance.poisson(usual * of_phase * of_status))
            parts = chance.multinomial(pupils, shares / shares.sum()).tolist()
            for need, part in zip(NEEDS, parts, strict=True):
                for key in {(p, s, n) for p in (phase, TOTAL) for s in (status, TOTAL) for n in (need, TOTAL)}:
                    counts[key] = counts.get(key, 0) + part
    return dict(sorted(counts.items()))


def _absence(chance: Chance) -> Iterator[Row]:
    for area in AREAS:
        for phase in (TOTAL, *PHASES):
            enrolments = int(chance.integers(5_000, 30_000)) * len(area.members) * area.times
            missed = int(enrolments * chance.normal(0.07, 0.005))
            yield (
                _academic_year(YEARS[-2])
                | area.cells
                | {
                    "education_phase": phase,
                    "enrolments": enrolments,
                    "sess_overall_percent": printed(missed, enrolments, 100, 2),
                }
            )


def _academic_year(year: int) -> Row:
    return {"time_period": f"{year}{(year + 1) % 100:02d}", "time_identifier": "Academic year"}
