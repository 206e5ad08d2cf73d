"""Bring the shipped CSV files up to date from a new release of the Department for Education's lists.

``python -m ingestion.reference.derive FOLDER`` reads from FOLDER what is there of

- ``las.csv`` and ``regions.csv``: authorities with both code systems and their dates, and regions;
- ``region_la_hierarchy.csv``: the same authorities under their regions, read only to see that the two lists agree;
- ``sn_model_<version>_wide.csv``: a model of statistical neighbours, one row per authority, ten pairs of columns;

and rewrites ``regions.csv``, ``authorities.csv`` and ``statistical_neighbours.csv`` in our own layout. Nothing at
run time imports this module.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

ENGLAND = "E92000001"
LONDON = "E12000007"
NEIGHBOURS = 10
#: An authority that ended on this day had a nine-character code for three months, and the figures of the years
#: before are published without it.
FIRST_REORGANISATION = date(2009, 3, 31)

Record = dict[str, str]


class DeriveError(Exception):
    """The lists do not fit each other or this module; the message says where."""


def _read(path: Path) -> list[Record]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{key: (value or "").strip() for key, value in row.items()} for row in csv.DictReader(file)]


def _iso(text: str) -> str:
    return datetime.strptime(text, "%d/%m/%Y").date().isoformat() if text else ""


def _is_one_area(code: str) -> bool:
    return re.fullmatch("[A-Z][0-9]{8}", code) is not None


def derive_regions(regions: Iterable[Mapping[str, str]]) -> list[Record]:
    """Regions of England; Inner and Outer London (E13…) have London as their parent."""
    return [
        {
            "region_code": region["region_code"],
            "region_name": region["region_name"],
            "country_code": ENGLAND,
            "parent_region_code": LONDON if region["region_code"].startswith("E13") else "",
        }
        for region in sorted(regions, key=lambda region: region["region_code"])
        if _is_one_area(region["region_code"])
    ]


def derive_authorities(las: Iterable[Mapping[str, str]], hierarchy: Iterable[Mapping[str, str]]) -> list[Record]:
    """One row per code that an authority has had, those of authorities that have ended included.

    Left out are rows about two authorities at once (``E06000063 / E06000064``: a form of publication, not an area)
    and rows that are not an area of England (``z``). A county that ended on 31 March 2009 is published without its
    nine-character code: it gets a second row, under ``DFE`` and its old code.

    Raises:
        DeriveError: the hierarchy puts an authority into another region, or has other authorities.
    """
    authorities: list[Record] = []
    for la in las:
        if not _is_one_area(la["new_la_code"]):
            continue
        # "x" says that the code is not available: the authority's successor has it.
        old_la_code = "" if la["old_la_code"] == "x" else la["old_la_code"]
        authority = {
            "area_code": la["new_la_code"],
            "area_name": la["la_name"],
            "area_type": "local_authority",
            "old_la_code": old_la_code,
            "region_code": la["parent_geography_code"],
            "valid_from": _iso(la["date_of_operation"]),
            "valid_to": _iso(la["date_of_termination"]),
        }
        authorities.append(authority)
        if authority["valid_to"] == FIRST_REORGANISATION.isoformat() and old_la_code:
            authorities.append(authority | {"area_code": f"DFE{old_la_code}", "valid_from": ""})
    regions = {row["new_la_code"]: row["region_code"] for row in hierarchy if _is_one_area(row["new_la_code"])}
    ours = {row["area_code"]: row["region_code"] for row in authorities if _is_one_area(row["area_code"])}
    if regions != ours:
        codes = sorted(code for code in regions.keys() | ours.keys() if regions.get(code) != ours.get(code))
        raise DeriveError(f"las.csv and region_la_hierarchy.csv do not agree about {', '.join(codes)}")
    return sorted(authorities, key=lambda authority: authority["area_code"])


def derive_neighbours(
    model: Iterable[Mapping[str, str]], version: str, authorities: Iterable[Mapping[str, str]]
) -> list[Record]:
    """One row per authority and rank, with the codes that authorities have now.

    Raises:
        DeriveError: the model names an authority that is not live.
    """
    live = {row["old_la_code"]: row["area_code"] for row in authorities if not row["valid_to"]}

    def translated(old_la_code: str) -> str:
        if old_la_code not in live:
            raise DeriveError(f"sn_model_{version}_wide.csv: {old_la_code} is not the code of a live authority")
        return live[old_la_code]

    neighbours = [
        {
            "model_version": version,
            "area_code": translated(row["old_la_code"]),
            "neighbour_area_code": translated(row[f"SN_{rank}"]),
            "rank": str(rank),
            "closeness": row[f"SN_{rank}P"],
        }
        for row in model
        for rank in range(1, NEIGHBOURS + 1)
    ]
    return sorted(neighbours, key=lambda neighbour: (neighbour["area_code"], int(neighbour["rank"])))


def derive(source: Path, shipped: Path) -> dict[str, list[Record]]:
    """Our tables from the department's lists in ``source``; models that ``source`` does not hold stay as shipped.

    Args:
        source: folder with the department's files.
        shipped: folder with the CSV files as they ship now.

    Returns:
        rows of ``regions``, ``authorities`` and ``statistical_neighbours``.
    """
    authorities = derive_authorities(_read(source / "las.csv"), _read(source / "region_la_hierarchy.csv"))
    models = {
        path.name.removeprefix("sn_model_").removesuffix("_wide.csv"): _read(path)
        for path in sorted(source.glob("sn_model_*_wide.csv"))
    }
    kept = [row for row in _read(shipped / "statistical_neighbours.csv") if row["model_version"] not in models]
    derived = [row for version, model in models.items() for row in derive_neighbours(model, version, authorities)]
    return {
        "regions": derive_regions(_read(source / "regions.csv")),
        "authorities": authorities,
        "statistical_neighbours": sorted(kept + derived, key=lambda row: row["model_version"]),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the folder named on the command line and rewrite the CSV files beside this module."""
    parser = argparse.ArgumentParser(prog="python -m ingestion.reference.derive", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the Department for Education's lists")
    shipped = Path(__file__).parent
    for name, rows in derive(parser.parse_args(arguments).folder, shipped).items():
        with (shipped / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{name}.csv: {len(rows)} rows")


if __name__ == "__main__":
    main()
