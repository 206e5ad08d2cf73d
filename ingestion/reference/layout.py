"""The tables of reference data as data: columns, keys, references; and the reading of a CSV file by them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.home import HomeError

#: Upper case, no spaces. Wide enough for every postcode of the national directory, terminated ones included
#: (``NPT`` was Newport's area once, ``GIR0AA`` the Girobank's).
POSTCODE_PATTERN = "([A-Z]{1,2}[0-9][A-Z0-9]?|NPT|GIR)[0-9][A-Z]{2}"

AREA_CODE_PATTERN = "[A-Z][0-9]{8}|DFE[0-9]{3}"


class ReferenceDataError(HomeError):
    """Reference data cannot be used; the message names file, row and column where it can, and says what to do."""


@dataclass(frozen=True)
class Kind:
    """How text in a CSV cell becomes a value."""

    arrow: pa.DataType
    parse: Callable[[str], Any]
    says: str


def _date(text: str) -> date:
    if len(text) != len("2023-04-01"):
        raise ValueError
    return date.fromisoformat(text)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


TEXT = Kind(pa.string(), str, "text")
INTEGER = Kind(pa.int64(), int, "a whole number, such as 3")
DATE = Kind(pa.date32(), _date, "a date like 2023-04-01")
BOOLEAN = Kind(pa.bool_(), _boolean, "true or false")


@dataclass(frozen=True)
class Field:
    """One column of a table."""

    name: str
    kind: Kind = TEXT
    #: Never empty, and the column must be in the file.
    required: bool = True
    #: What stands where the column is absent or a cell is empty.
    default: Any = None
    pattern: str | None = None
    pattern_says: str = ""
    allowed: tuple[str, ...] = ()
    #: Applied to the text before it is checked.
    tidy: Callable[[str], str] = str.strip
    #: Tables of which one must hold the value, each with the column it is looked up in.
    refers_to: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Layout:
    """One table: its columns in order, and every set of columns whose values may stand in it only once."""

    name: str
    fields: tuple[Field, ...]
    keys: tuple[tuple[str, ...], ...]

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the landed table."""
        return pa.schema([(field.name, field.kind.arrow) for field in self.fields])


@dataclass(frozen=True)
class Row:
    """Values of one row, and where it stands."""

    values: Mapping[str, Any]
    file: str
    line: int

    def error(self, column: str, problem: str) -> ReferenceDataError:
        """An error about one cell of this row."""
        return ReferenceDataError(f"{self.file}, row {self.line}, column {column}: {problem}")


def postcode_key(text: str) -> str:
    """The form in which postcodes are compared: upper case, without white space of any kind."""
    return "".join(text.split()).upper()


def _code(name: str, *, required: bool = True, refers_to: tuple[tuple[str, str], ...] = ()) -> Field:
    return Field(
        name,
        required=required,
        pattern=AREA_CODE_PATTERN,
        pattern_says="a letter and eight digits, such as E08000005",
        refers_to=refers_to,
    )


COUNTRIES = Layout("countries", (_code("country_code"), Field("country_name")), keys=(("country_code",),))

REGIONS = Layout(
    "regions",
    (
        _code("region_code"),
        Field("region_name"),
        _code("country_code", refers_to=(("countries", "country_code"),)),
        # Inner and Outer London are published beside the London that they make up.
        _code("parent_region_code", required=False, refers_to=(("regions", "region_code"),)),
    ),
    keys=(("region_code",),),
)

AUTHORITIES = Layout(
    "authorities",
    (
        _code("area_code"),
        Field("area_name"),
        Field("area_type", required=False, default="local_authority", allowed=("local_authority",)),
        Field("old_la_code", required=False, pattern="[0-9A-Z]{3}", pattern_says="three digits, such as 354"),
        _code("region_code", refers_to=(("regions", "region_code"),)),
        Field("valid_from", DATE, required=False),
        Field("valid_to", DATE, required=False),
        Field("is_invented", BOOLEAN, required=False),
    ),
    keys=(("area_code",),),
)

STATISTICAL_NEIGHBOURS = Layout(
    "statistical_neighbours",
    (
        Field("model_version"),
        _code("area_code", refers_to=(("authorities", "area_code"),)),
        _code("neighbour_area_code", refers_to=(("authorities", "area_code"),)),
        Field("rank", INTEGER),
        Field("closeness", required=False),
    ),
    keys=(("model_version", "area_code", "rank"), ("model_version", "area_code", "neighbour_area_code")),
)

#: Every authority is a district of its own, so that a code of either tier is found. Authorities of Wales are here
#: and not among ``authorities``.
DISTRICT_AUTHORITIES = Layout(
    "district_authorities",
    (
        _code("district_code"),
        Field("district_name"),
        _code("authority_code"),
        Field("authority_name"),
    ),
    keys=(("district_code",),),
)

SECTORS = Layout(
    "sectors",
    (Field("sector_code"), Field("sector_name"), Field("sector_order", INTEGER)),
    keys=(("sector_code",), ("sector_order",)),
)

PERIOD_TYPES = Layout(
    "period_types",
    (
        Field("period_type"),
        Field("name"),
        # Null where the type has no fixed start or length: a wave is when the survey was run, terms differ in length.
        Field("start_month", INTEGER, required=False),
        Field("months", INTEGER, required=False),
    ),
    keys=(("period_type",),),
)

POSTCODES = Layout(
    "postcodes",
    (
        Field(
            "postcode_key",
            pattern=POSTCODE_PATTERN,
            pattern_says="a postcode, such as OL16 1XL",
            tidy=postcode_key,
        ),
        Field("easting", INTEGER, required=False),
        Field("northing", INTEGER, required=False),
        _code(
            "district_code",
            refers_to=(("authorities", "area_code"), ("district_authorities", "district_code")),
        ),
        Field("grid", required=False, default="GB", allowed=("GB", "IE")),
    ),
    keys=(("postcode_key",),),
)


def read_rows(path: Path, layout: Layout, shown: str) -> list[Row]:
    """Rows of a CSV file (UTF-8, header first), each cell as its column's type.

    Args:
        path: the file.
        layout: the table it holds. Columns may stand in any order; those that may be empty may be absent.
        shown: what errors call the file.

    Raises:
        ReferenceDataError: the first thing that does not fit, with row (the header is row 1), column and remedy.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = _header(next(reader, []), layout, shown)
            return [
                _row(cells, header, layout, shown, reader.line_num)
                for cells in reader
                if any(cell.strip() for cell in cells)
            ]
    except UnicodeDecodeError as error:
        raise ReferenceDataError(f"{shown} is not UTF-8 text: save it as “CSV UTF-8”.") from error
    except csv.Error as error:
        raise ReferenceDataError(f"{shown} is not a CSV file ({error}): save it as “CSV UTF-8”.") from error


def _header(cells: Sequence[str], layout: Layout, shown: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    known = [field.name for field in layout.fields]
    for name in header:
        if name not in known:
            raise ReferenceDataError(
                f"{shown}, row 1, column {name or '(empty)'}: {layout.name} has no such column. "
                f"Its columns are {', '.join(known)}; rename it or take it out."
            )
        if header.count(name) > 1:
            raise ReferenceDataError(f"{shown}, row 1, column {name}: it stands there twice. Take one out.")
    for field in layout.fields:
        if field.required and field.name not in header:
            raise ReferenceDataError(
                f"{shown}, row 1, column {field.name}: it is missing. Add it; {layout.name} cannot be read without it."
            )
    return header


def _row(cells: Sequence[str], header: Sequence[str], layout: Layout, shown: str, line: int) -> Row:
    if len(cells) != len(header):
        raise ReferenceDataError(
            f"{shown}, row {line}: it has {len(cells)} cells and the header has {len(header)}. "
            "Put a value with a comma in it between double quotes."
        )
    texts = dict(zip(header, cells, strict=True))
    place = Row({}, shown, line)
    return Row({field.name: _value(texts.get(field.name, ""), field, place) for field in layout.fields}, shown, line)


def _value(text: str, field: Field, place: Row) -> Any:
    text = field.tidy(text)
    if not text:
        if field.required:
            raise place.error(field.name, "it is empty. Fill it.")
        return field.default
    if field.pattern is not None and not re.fullmatch(field.pattern, text):
        raise place.error(field.name, f"“{text}” is not {field.pattern_says}. Correct it.")
    if field.allowed and text not in field.allowed:
        raise place.error(field.name, f"“{text}” is not one of {', '.join(field.allowed)}. Correct it.")
    try:
        return field.kind.parse(text)
    except (ValueError, KeyError) as error:
        raise place.error(field.name, f"“{text}” is not {field.kind.says}. Correct it.") from error


def check_keys(rows: Iterable[Row], layout: Layout) -> None:
    """Raise ReferenceDataError where two rows have the same key; it names the second and says where the first is."""
    rows = list(rows)
    for key in layout.keys:
        seen: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            values = tuple(row.values[name] for name in key)
            first = seen.setdefault(values, row)
            if first is not row:
                shown = ", ".join(str(value) for value in values if value is not None)
                raise row.error(
                    " and ".join(key),
                    f"{shown} stands already in {first.file}, row {first.line}. Take one of the two out, or "
                    "give it a code of its own.",
                )


def check_references(rows: Iterable[Row], layout: Layout, tables: Mapping[str, Sequence[Row]]) -> None:
    """Raise ReferenceDataError where a row names a code that no other table holds."""
    rows = list(rows)
    for field in layout.fields:
        if not field.refers_to:
            continue
        known = {row.values[column] for table, column in field.refers_to for row in tables[table]}
        for row in rows:
            value = row.values[field.name]
            if value is not None and value not in known:
                table = field.refers_to[0][0]
                raise row.error(
                    field.name,
                    f"{value} is not in {table}. Correct it, or add it to reference/{table}.csv of the home.",
                )


def to_arrow(rows: Iterable[Row], layout: Layout) -> pa.Table:
    """Rows as an Arrow table with the layout's columns and types."""
    return pa.Table.from_pylist([dict(row.values) for row in rows], schema=layout.schema)
