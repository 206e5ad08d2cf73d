"""An invented country, region, borough and ten invented neighbours, so that no figure is about a real place.

The codes have the form of real ones and are not in use; the names are made up; the postcodes begin with letters that
no postcode area has; the coordinates lie in the North Sea.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingestion.sample.filing import write_csv
from ingestion.sample.scale import Chance

COUNTRY_CODE, COUNTRY_NAME = "E92999999", "Meridonia"
REGION_CODE, REGION_NAME = "E12999999", "Vesper Vale"
VALID_FROM = "2009-04-01"
NEIGHBOUR_MODEL = "invented 2025"

#: Metres in a mile, as the statutory distance is worked out.
METRES_PER_MILE = 1609.3
#: Middle of the borough on the national grid, in metres: open sea.
CENTRE = (600_000, 540_000)
#: Letters that the inward half of a postcode uses.
UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


@dataclass(frozen=True)
class Authority:
    """An invented authority, how far its middle is from the borough's, and its outward postcodes."""

    area_code: str
    old_la_code: str
    name: str
    miles_east: float
    miles_north: float
    outward: tuple[str, ...]


HOME = Authority("E08999001", "989", "Quillhampton", 0, 0, ("QX1", "QX2", "QX3", "QX4", "QX5"))
#: In order of statistical closeness, which has nothing to do with distance.
NEIGHBOURS = (
    Authority("E08999002", "990", "Ossingdale", 11, 3, ("QX11", "QX12")),
    Authority("E08999003", "991", "Pellworthy Sound", 90, -40, ("QX13",)),
    Authority("E08999004", "992", "Brindlescar", -10, 5, ("QX14", "QX15")),
    Authority("E08999005", "993", "Ambrethorpe", 2, -12, ("QX16", "QX17")),
    Authority("E08999006", "994", "Yarrowmarch", 22, 9, ("QX18",)),
    Authority("E08999007", "995", "Tarnhollow", 55, 30, ("QX19",)),
    Authority("E08999008", "996", "Ludmere", -21, -11, ("QX20",)),
    Authority("E08999009", "997", "Vesperley", -75, 20, ("QX21",)),
    Authority("E08999010", "998", "Dunmallow", 35, -60, ("QX22",)),
    Authority("E08999011", "999", "Inishquern", -120, 95, ("QT1",)),
)
AUTHORITIES = (HOME, *NEIGHBOURS)
#: An outward half in the right form that the directory does not hold.
UNKNOWN_OUTWARD = "QX99"

#: Radius within which an authority's postcodes lie, in miles.
RADIUS_MILES = 5.0
POSTCODES_PER_OUTWARD = 60


@dataclass(frozen=True)
class Postcode:
    """A postcode of the invented directory; easting and northing in metres on the British grid."""

    postcode: str
    easting: int
    northing: int
    authority_code: str


def make_postcodes(chance: Chance) -> list[Postcode]:
    """The invented directory: the same number of postcodes for every outward half."""
    return [
        _postcode(chance, authority, outward, number)
        for authority in AUTHORITIES
        for outward in authority.outward
        for number in range(POSTCODES_PER_OUTWARD)
    ]


def _postcode(chance: Chance, authority: Authority, outward: str, number: int) -> Postcode:
    east, north = chance.uniform(-RADIUS_MILES, RADIUS_MILES, 2)
    return Postcode(
        postcode=f"{outward} {inward(number)}",
        easting=CENTRE[0] + round((authority.miles_east + east) * METRES_PER_MILE),
        northing=CENTRE[1] + round((authority.miles_north + north) * METRES_PER_MILE),
        authority_code=authority.area_code,
    )


def inward(number: int) -> str:
    """The inward half with this number, from 1AA on."""
    letters = len(UNIT_LETTERS)
    digit, rest = divmod(number, letters * letters)
    return f"{digit + 1}{UNIT_LETTERS[rest // letters]}{UNIT_LETTERS[rest % letters]}"


def write_overlay(folder: Path, postcodes: list[Postcode]) -> None:
    """Write the reference data that the home adds to what ships, one CSV file per table."""
    write_csv(folder / "countries.csv", ["country_code", "country_name"], [[COUNTRY_CODE, COUNTRY_NAME]])
    write_csv(
        folder / "regions.csv",
        ["region_code", "region_name", "country_code"],
        [[REGION_CODE, REGION_NAME, COUNTRY_CODE]],
    )
    write_csv(
        folder / "authorities.csv",
        [
            "area_code", "area_name", "area_type", "old_la_code", "region_code", "valid_from", "valid_to",
            "is_invented",
        ],
        [
            [a.area_code, a.name, "local_authority", a.old_la_code, REGION_CODE, VALID_FROM, None, "true"]
            for a in AUTHORITIES
        ],
    )  # fmt: skip
    write_csv(
        folder / "statistical_neighbours.csv",
        ["model_version", "area_code", "neighbour_area_code", "rank", "closeness"],
        [
            [NEIGHBOUR_MODEL, HOME.area_code, a.area_code, rank, "Very close" if rank <= 4 else "Close"]
            for rank, a in enumerate(NEIGHBOURS, 1)
        ],
    )
    write_csv(
        folder / "postcodes.csv",
        ["postcode_key", "easting", "northing", "district_code"],
        [[p.postcode, p.easting, p.northing, p.authority_code] for p in postcodes],
    )
