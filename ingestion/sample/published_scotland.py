"""Invented Scottish statistics: exclusions every second year, children looked after by the Scottish year.

They are about a country and councils of their own, invented too, so the home has no figure in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ingestion.sample.filing import Cell, Filing, Line
from ingestion.sample.published_layout import printed
from ingestion.sample.scale import Chance

EXCLUSIONS, LOOKED_AFTER = "scottish_exclusions", "scottish_looked_after"
EXCLUSIONS_FILE = "published/scotland/school_exclusions.csv"
LOOKED_AFTER_FILE = "published/scotland/looked_after_children.csv"
ARRIVED = datetime(2025, 4, 1, 9, 30)

EXCLUSIONS_HEADER = ("FeatureCode", "FeatureName", "DateCode", "Measurement", "Units", "Value", "School Sector")
LOOKED_AFTER_HEADER = (
    "FeatureCode",
    "DateCode",
    "Measurement",
    "Units",
    "Value",
    "FeatureName",
    "Type of Accommodation",
)

COUNTRY = ("S92999999", "Caldera Isles")
COUNCILS = {"S12999001": "Strathquill", "S12999002": "Ardmerrow", "S12999003": "Glenyarrow"}
TOTAL = "Total"
#: Pupils of a council by sector, and cases of exclusion of 1,000 of them.
SECTORS = {"Primary": (9_500, 8.0), "Secondary": (7_200, 37.0), "Special": (140, 55.0)}
#: Years in which the school years begin; nothing is published for those between.
EXCLUSION_YEARS = (2016, 2018, 2020, 2022)
#: Years in which the years from August to July begin.
LOOKED_AFTER_YEARS = (2019, 2020, 2021, 2022, 2023)
ACCOMMODATION = {"At home with parents": 0.22, "With friends and relatives": 0.34, "With foster carers": 0.34,
                 "In residential accommodation": 0.1}  # fmt: skip
CHILDREN, LOOKED_AFTER_PER_1000 = 19_000, 12.5
#: The mark for a count of one to five.
HIDDEN, HIDDEN_UP_TO = "*", 5


def write_scottish_statistics(filing: Filing, chance: Chance) -> None:
    """Write both files."""
    exclusions = [line for year in EXCLUSION_YEARS for line in _exclusions(chance, year)]
    filing.csv(EXCLUSIONS_FILE, EXCLUSIONS, EXCLUSIONS_HEADER, exclusions, ARRIVED)
    looked_after = [line for year in LOOKED_AFTER_YEARS for line in _looked_after(chance, year)]
    filing.csv(LOOKED_AFTER_FILE, LOOKED_AFTER, LOOKED_AFTER_HEADER, looked_after, ARRIVED)


def _exclusions(chance: Chance, year: int) -> Iterator[Line[None]]:
    counted = {
        (code, sector): int(chance.poisson(pupils * rate / 1000))
        for code in COUNCILS
        for sector, (pupils, rate) in SECTORS.items()
    }
    for code, name in (COUNTRY, *COUNCILS.items()):
        councils = list(COUNCILS) if (code, name) == COUNTRY else [code]
        for sector in (TOTAL, *SECTORS):
            sectors = list(SECTORS) if sector == TOTAL else [sector]
            cases = sum(counted[council, s] for council in councils for s in sectors)
            pupils = len(councils) * sum(SECTORS[s][0] for s in sectors)
            yield from _figures(
                EXCLUSIONS_HEADER,
                {"FeatureCode": code, "FeatureName": name, "School Sector": sector},
                f"{year}/{year + 1}",
                [
                    ("Count", "Exclusions", str(cases) if not _is_hidden(cases) else HIDDEN),
                    ("Count", "Pupils", str(pupils)),
                    (
                        "Ratio",
                        "Exclusions per 1000 pupils",
                        printed(cases, pupils, 1000, 1) if not _is_hidden(cases) else HIDDEN,
                    ),
                ],
            )


def _looked_after(chance: Chance, year: int) -> Iterator[Line[None]]:
    counted = {
        (code, place): int(chance.poisson(CHILDREN * LOOKED_AFTER_PER_1000 / 1000 * share))
        for code in COUNCILS
        for place, share in ACCOMMODATION.items()
    }
    for code, name in (COUNTRY, *COUNCILS.items()):
        councils = list(COUNCILS) if (code, name) == COUNTRY else [code]
        for place in (TOTAL, *ACCOMMODATION):
            places = list(ACCOMMODATION) if place == TOTAL else [place]
            children = sum(counted[council, p] for council in councils for p in places)
            of = CHILDREN * len(councils)
            yield from _figures(
                LOOKED_AFTER_HEADER,
                {"FeatureCode": code, "FeatureName": name, "Type of Accommodation": place},
                f"{year}/{year + 1}",
                [
                    ("Count", "Children", str(children)),
                    ("Ratio", "Children per 1000 children", printed(children, of, 1000, 1)),
                ],
            )


def _figures(
    header: tuple[str, ...], about: dict[str, str], date_code: str, figures: list[tuple[str, str, str]]
) -> Iterator[Line[None]]:
    for measurement, units, value in figures:
        row: dict[str, Cell] = {
            **about, "DateCode": date_code, "Measurement": measurement, "Units": units, "Value": value,
        }  # fmt: skip
        yield Line([row[column] for column in header], None)


def _is_hidden(count: int) -> bool:
    return 1 <= count <= HIDDEN_UP_TO
