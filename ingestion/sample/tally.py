"""The planted truth about indicators: counts only, worked out from the sample's own records and never by the pipeline.

The rules are those of the design: a numerator and a denominator per indicator, area, period and breakdown; where a
dimension is not split its member is ``total``. A figure that nothing was counted for has no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

TOTAL = "total"


class Count(NamedTuple):
    """One numerator and, where there is one, its denominator."""

    indicator_id: str
    source_dataset: str
    area_code: str
    sector: str
    organisation_id: str
    breakdown: str
    breakdown_value: str
    period_type: str
    period: str
    numerator: int
    denominator: int | None


class Cut(NamedTuple):
    """Whom a figure is about: everyone in the area, a sector, an organisation, or a breakdown of the area."""

    sector: str = TOTAL
    organisation_id: str = TOTAL
    breakdown: str = TOTAL
    breakdown_value: str = TOTAL


AREA = Cut()


@dataclass
class Tally:
    """Counts of one area, in the order they were made."""

    area_code: str
    counts: list[Count] = field(default_factory=list)

    def add(
        self,
        indicator_id: str,
        source_dataset: str,
        period: tuple[str, str],
        numerator: int,
        denominator: int | None,
        cut: Cut = AREA,
    ) -> None:
        """Note one figure; ``period`` is its type and its label."""
        self.counts.append(
            Count(
                indicator_id,
                source_dataset,
                self.area_code,
                cut.sector,
                cut.organisation_id,
                cut.breakdown,
                cut.breakdown_value,
                *period,
                numerator,
                denominator,
            )
        )

    def add_counter(
        self,
        indicator_id: str,
        source_dataset: str,
        period_type: str,
        counted: Mapping[tuple[str, Cut], int],
    ) -> None:
        """Note figures without denominators, by period and cut."""
        for (period, cut), numerator in counted.items():
            self.add(indicator_id, source_dataset, (period_type, period), numerator, None, cut)


def levels(sector: str, organisation_id: str) -> tuple[Cut, Cut, Cut]:
    """The three figures that something in an organisation counts towards."""
    return AREA, Cut(sector), Cut(sector, organisation_id)


def academic_year(day: date) -> str:
    """Label of the academic year (from 1 September) of a day: 2023/24."""
    return year_label(day.year if day.month >= 9 else day.year - 1)


def year_label(first: int) -> str:
    """Label of a year that begins in one calendar year and ends in the next."""
    return f"{first}/{(first + 1) % 100:02d}"


def quarter(day: date) -> str:
    """Label of the quarter of a day: 2023 Q3."""
    return f"{day.year} Q{(day.month + 2) // 3}"


def month(day: date) -> str:
    """Label of the month of a day: 2023-09."""
    return f"{day.year}-{day.month:02d}"
