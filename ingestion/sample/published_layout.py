"""What the invented files of the Department for Education's statistics have in common: areas, rounding, symbols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ingestion.sample.filing import Cell, Line
from ingestion.sample.places import AUTHORITIES, COUNTRY_CODE, COUNTRY_NAME, REGION_CODE, REGION_NAME, Authority

DESCRIPTION_DATASET = "dfe_metadata"
#: The newer form of a description says to how many decimals a figure is shown.
DESCRIPTION_HEADER = (
    "col_name", "col_type", "label", "indicator_grouping", "indicator_unit", "indicator_dp", "filter_hint",
    "filter_grouping_column",
)  # fmt: skip
#: The country is this many times the region that the files list.
REGIONS = 9
HIDDEN, NOT_APPLICABLE = "c", "z"

#: One row of a file by header; a header that is not there is an empty cell.
Row = dict[str, Cell]


@dataclass(frozen=True)
class Area:
    """An area of a file: its cells, the authorities in it, and how often they count."""

    cells: Row
    members: tuple[Authority, ...]
    times: int = 1

    @property
    def authority(self) -> Authority | None:
        """The authority that the area is; None for the region and the country."""
        return self.members[0] if len(self.members) == 1 else None

    def total(self, counts: Mapping[Authority, int]) -> int:
        """A count of the area from those of the authorities."""
        return self.times * sum(counts[authority] for authority in self.members)


_COUNTRY: Row = {"country_code": COUNTRY_CODE, "country_name": COUNTRY_NAME}
_REGION: Row = _COUNTRY | {"region_code": REGION_CODE, "region_name": REGION_NAME}
#: The country, the region and its authorities, in the order of the publisher's files.
AREAS = (
    Area(_COUNTRY | {"geographic_level": "National"}, AUTHORITIES, REGIONS),
    Area(_REGION | {"geographic_level": "Regional"}, AUTHORITIES),
    *(
        Area(
            _REGION
            | {
                "geographic_level": "Local authority",
                "old_la_code": a.old_la_code,
                "new_la_code": a.area_code,
                "la_name": a.name,
            },
            (a,),
        )
        for a in AUTHORITIES
    ),
)


def in_order(header: Sequence[str], rows: Iterable[Row]) -> list[Line[None]]:
    """The rows as lines of a file with this header."""
    return [Line([row.get(column) for column in header], None) for row in rows]


def described(rows: Iterable[tuple[str, str, str, str, str]]) -> Iterator[Sequence[Cell]]:
    """Rows of a description from name, kind, label, unit and decimals."""
    for name, kind, label, unit, decimals in rows:
        yield name, kind, label, "", unit, decimals, "", ""


def rounded_to(number: int, step: int) -> int:
    """The nearest multiple of a step, halves up."""
    return (2 * number + step) // (2 * step) * step


def printed(numerator: int, denominator: int, times: int, decimals: int) -> str:
    """A rate as the publishers print it: halves up, with all of its decimals."""
    rate = Decimal(numerator) * times / denominator
    return f"{rate.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"
