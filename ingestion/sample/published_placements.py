"""An invented release of the published new placements of looked-after children, with the publisher's symbols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

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
from ingestion.sample.scale import Chance, Scale
from ingestion.sample.ssda903 import PlacementFlow
from ingestion.sample.tally import Tally, year_label

DATASET = "dfe_new_placements"
FILE_NAME = "published/la_cla_during_year_new_placements.csv"
ARRIVED = datetime(2025, 11, 20, 9, 40)

HEADER = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name",
    "old_la_code", "la_name", "new_la_code", "characteristic", "breakdown", "children_count", "children_percent",
)  # fmt: skip

#: Calendar years in which the reporting years end.
YEARS = (2021, 2022, 2023, 2024, 2025)
LOCATION = "Location of new placements during the year"
REASON = "Reason for placement change during the year"
NOT_KNOWN = "Distance not known or not recorded"
INSIDE_NEAR = "Placed inside LA boundary less than 20 miles from home"
INSIDE_FAR = "Placed inside LA boundary more than 20 miles from home"
OUTSIDE_NEAR = "Placed outside LA boundary less than 20 miles from home"
OUTSIDE_FAR = "Placed outside LA boundary more than 20 miles from home"
#: The total of each characteristic, printed last.
TOTALS = {LOCATION: "Total new placements", REASON: "Total placements changing"}
#: Shares of the classes in an area that the programme does not touch.
LOCATION_SHARES = {NOT_KNOWN: 0.04, INSIDE_NEAR: 0.58, INSIDE_FAR: 0.005, OUTSIDE_NEAR: 0.255, OUTSIDE_FAR: 0.12}
REASON_SHARES = {
    "Allegation (s47)": 0.02,
    "Approval removed": 0.006,
    "Carer requests placement end other than due to child's behaviour": 0.1,
    "Carer requests placement ends due to child's behaviour": 0.14,
    "Change in the status of a placement only": 0.18,
    "Change to/implementation of care plan": 0.24,
    "Child requests placement to end": 0.06,
    "Custody arrangement": 0.003,
    "Other": 0.2,
    "Resignation or closure of provision": 0.02,
    "Responsible/area authority requests placement ends": 0.015,
    "Standards of care concern": 0.016,
}
SHARES = {LOCATION: LOCATION_SHARES, REASON: REASON_SHARES}
#: Share of new placements that follow another one.
CHANGING = 0.66
USUAL_TOTAL = 420
#: An authority that had not been formed in the first years: nothing applies to it then.
FORMED_LATE, FORMED = "E08999010", 2023
#: The country is this many times the region that the file lists.
REGIONS = 9
#: Counts up to this are hidden, and the smallest other one with them where there would be only one.
HIDDEN_UP_TO = 5
HIDDEN, NOT_APPLICABLE, ROUNDS_TO_NOUGHT = "c", "z", "k"
#: From this year on every location of the home's own placements is shown.
HOME_IS_WHOLE_FROM = 2024

#: Counts by characteristic and breakdown, totals left out.
Counts = dict[str, dict[str, int]]


def write_placements(
    filing: Filing, tally: Tally, chance: Chance, scale: Scale, flows: Sequence[PlacementFlow]
) -> None:
    """Write the release and count the home's own figures as published; ``flows`` are those of the home's returns."""
    own = {flow.collection_year: flow for flow in flows}
    lines: list[Line[None]] = []
    for year in reversed(YEARS):
        authorities = {a: _of_authority(chance, a, year, scale, own.get(year)) for a in AUTHORITIES}
        formed = [counts for counts in authorities.values() if counts is not None]
        country: list[Cell] = ["National", COUNTRY_CODE, COUNTRY_NAME, *[None] * 5]
        region: list[Cell] = ["Regional", COUNTRY_CODE, COUNTRY_NAME, REGION_CODE, REGION_NAME, *[None] * 3]
        lines += _lines(year, country, _rounded_rows(_added(formed * REGIONS)))
        lines += _lines(year, region, _rounded_rows(_added(formed)))
        for authority, counts in authorities.items():
            lines += _lines(year, _authority_cells(authority), _exact_rows(counts))
        _count(tally, year, authorities[HOME])
    filing.csv(FILE_NAME, DATASET, HEADER, lines, ARRIVED)


def _of_authority(
    chance: Chance, authority: Authority, year: int, scale: Scale, flow: PlacementFlow | None
) -> Counts | None:
    """Counts of one authority's year; None where it had not been formed."""
    if authority.area_code == FORMED_LATE and year < FORMED:
        return None
    if authority is HOME and flow is not None:
        locations = _own_locations(flow)
    else:
        usual = USUAL_TOTAL * scale.times * (1 + 0.07 * (AUTHORITIES.index(authority) % 5 - 2))
        locations = _shared_out(chance, int(chance.poisson(usual)), LOCATION_SHARES)
    changing = round(sum(locations.values()) * CHANGING)
    return {LOCATION: locations, REASON: _shared_out(chance, changing, REASON_SHARES)}


def _own_locations(flow: PlacementFlow) -> dict[str, int]:
    """What the home's return says, with the few placements that the publisher's own checks put elsewhere."""
    not_known = flow.not_known - 1
    if flow.collection_year >= HOME_IS_WHOLE_FROM:
        not_known = max(not_known, HIDDEN_UP_TO + 1)
    return {
        NOT_KNOWN: max(not_known, 0),
        INSIDE_NEAR: flow.inside_near + 2,
        INSIDE_FAR: flow.inside_far,
        OUTSIDE_NEAR: flow.outside_near + 1,
        OUTSIDE_FAR: flow.outside_far,
    }


def _shared_out(chance: Chance, total: int, shares: Mapping[str, float]) -> dict[str, int]:
    weights = np.array(list(shares.values()))
    numbers = chance.multinomial(total, weights / weights.sum()).tolist()
    return dict(zip(shares, numbers, strict=True))


def _added(counts: Sequence[Counts]) -> Counts:
    return {
        characteristic: {breakdown: sum(c[characteristic][breakdown] for c in counts) for breakdown in shares}
        for characteristic, shares in SHARES.items()
    }


def _authority_cells(authority: Authority) -> list[Cell]:
    return [
        "Local authority", COUNTRY_CODE, COUNTRY_NAME, REGION_CODE, REGION_NAME, authority.old_la_code,
        authority.name, authority.area_code,
    ]  # fmt: skip


def _lines(year: int, area: list[Cell], rows: Iterable[tuple[str, str, int | str, int | str]]) -> list[Line[None]]:
    return [Line([f"{year}", "Reporting year", *area, *row], None) for row in rows]


def _rounded_rows(counts: Counts) -> Iterator[tuple[str, str, int | str, int | str]]:
    """Characteristic, breakdown, count to the nearest ten, per cent of the exact count."""
    for characteristic, by_breakdown in counts.items():
        total = sum(by_breakdown.values())
        for breakdown, count in (*by_breakdown.items(), (TOTALS[characteristic], total)):
            yield characteristic, breakdown, (count + 5) // 10 * 10, _percent(count, total)


def _exact_rows(counts: Counts | None) -> Iterator[tuple[str, str, int | str, int | str]]:
    """Characteristic, breakdown, exact count, per cent; hidden cells and those that do not apply carry a symbol."""
    for characteristic, shares in SHARES.items():
        if counts is None:
            for breakdown in (*shares, TOTALS[characteristic]):
                yield characteristic, breakdown, NOT_APPLICABLE, NOT_APPLICABLE
            continue
        by_breakdown = counts[characteristic]
        total, hidden = sum(by_breakdown.values()), _hidden(by_breakdown)
        for breakdown, count in by_breakdown.items():
            if breakdown in hidden:
                yield characteristic, breakdown, HIDDEN, HIDDEN
            else:
                yield characteristic, breakdown, count, _percent(count, total)
        yield characteristic, TOTALS[characteristic], total, _percent(total, total)


def _hidden(by_breakdown: Mapping[str, int]) -> set[str]:
    """Breakdowns too small to show, never one alone: the total would give it back."""
    hidden = {breakdown for breakdown, count in by_breakdown.items() if 0 < count <= HIDDEN_UP_TO}
    if len(hidden) == 1:
        others = [breakdown for breakdown in by_breakdown if breakdown not in hidden]
        hidden.add(min(others, key=lambda breakdown: by_breakdown[breakdown]))
    return hidden


def _percent(count: int, total: int) -> int | str:
    """Whole per cent, halves up; more than nothing that rounds to nothing has a symbol."""
    if total == 0:
        return 0
    percent = int((Decimal(count) * 100 / total).quantize(Decimal(1), ROUND_HALF_UP))
    return ROUNDS_TO_NOUGHT if percent == 0 and count > 0 else percent


def _count(tally: Tally, year: int, counts: Counts | None) -> None:
    if counts is None:
        return
    locations = counts[LOCATION]
    outside = {OUTSIDE_NEAR, OUTSIDE_FAR}
    if not outside & _hidden(locations):
        numerator = sum(locations[breakdown] for breakdown in outside)
        period = ("financial_year", year_label(year - 1))
        tally.add("new_placements_out_of_area", DATASET, period, numerator, sum(locations.values()))
