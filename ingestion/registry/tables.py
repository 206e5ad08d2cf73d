"""A home's own frameworks, indicators and instruments: read, checked against what ships, and landed for the warehouse.

A home may add frameworks in ``frameworks/<framework_id>/*.csv`` and instruments in ``instruments/*.yml``. It cannot
change what ships: an id that stands there already is refused. What it has decided about figures, its own and those that
ship, is in ``decisions/*.csv``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from ingestion.home import SETTINGS_FILE, Home, entries, open_home
from ingestion.instruments import Instrument, InstrumentError, Item, load_instruments, load_own_instruments
from ingestion.reference.layout import SECTORS, ReferenceDataError, Row, check_keys, read_rows, to_arrow
from ingestion.reference.tables import SHIPPED
from ingestion.registry.layout import (
    CHART_PERIODS,
    DECISIONS,
    DECISIONS_ABOUT_INDICATORS,
    ID_PATTERN,
    ID_SAYS,
    LEAST_MINIMUM_BASE,
    SEEDS,
    landed_layouts,
    layouts,
    seed_rows,
)
from ingestion.writing import whole_file

FRAMEWORKS, INSTRUMENTS, OWN_DECISIONS = "frameworks", "instruments", "decisions"
FINGERPRINT_FILE = "registry_fingerprint.txt"
#: Raised when code, and not data, changes what lands here.
REGISTRY_VERSION = 2
#: The member that stands for "not split", and the unit of what is never above 100.
TOTAL, PERCENT = "total", "percent"
#: The two highest of these five are what an indicator counts.
SCORES = {1, 2, 3, 4, 5}


class RegistryError(ReferenceDataError):
    """A home's own frameworks or instruments cannot be used; the message names the place and says what to do."""


@dataclass(frozen=True)
class Registry:
    """What a home adds to the registry."""

    #: Rows by table, those of all its frameworks together, and of its decisions.
    tables: Mapping[str, Sequence[Row]]
    instruments: tuple[Instrument, ...]


def load_registry(home: Home | None) -> Registry:
    """What a home adds to the frameworks, indicators and instruments that ship; without a home, nothing.

    Raises:
        ReferenceDataError, InstrumentError: a file does not fit; says where, what is wrong and what to do.
    """
    if home is None:
        return Registry(dict.fromkeys(landed_layouts(), ()), ())
    return _load(home, _fingerprint(home))


def prepare_registry(home: Home) -> None:
    """Land what a home adds: ``landing/home/<table>.parquet``, without rows where it adds nothing.

    Writes nothing where what has landed is what would be written. The caller holds the home's lock.

    Raises:
        ReferenceDataError, InstrumentError: as ``load_registry``.
    """
    folder = home.landing / "home"
    paths = {name: folder / f"{name}.parquet" for name in landed_layouts()}
    fingerprint, fingerprint_file = _fingerprint(home), folder / FINGERPRINT_FILE
    landed = fingerprint_file.is_file() and fingerprint_file.read_text(encoding="ascii") == fingerprint
    if landed and all(path.is_file() for path in paths.values()):
        return
    registry = load_registry(home)
    # Taken away first and written last: whatever a killed run leaves behind is written again by the next.
    fingerprint_file.unlink(missing_ok=True)
    for name, path in paths.items():
        with whole_file(path) as temporary:
            pq.write_table(to_arrow(registry.tables[name], landed_layouts()[name]), temporary, compression="zstd")
    with whole_file(fingerprint_file) as temporary:
        temporary.write_text(fingerprint, encoding="ascii")


@dataclass(frozen=True)
class OwnCheck:
    """What is to be said of a file or folder of a home's own frameworks or instruments."""

    file_name: str
    status: Literal["fits", "refused"]
    #: The first thing that does not hold together in all that the home adds, and what to do; None where nothing is.
    message: str | None


def check_own(path: Path) -> OwnCheck | None:
    """Check what a home adds to the registry; None where the path is none of its own frameworks or instruments.

    Args:
        path: a file or folder below ``frameworks``, ``instruments`` or ``decisions`` of a home, or one of the three.
    """
    home = _home_of(path)
    if home is None:
        return None
    try:
        load_registry(home)
    except (ReferenceDataError, InstrumentError) as error:
        return OwnCheck(str(path), "refused", str(error))
    return OwnCheck(str(path), "fits", None)


def _home_of(path: Path) -> Home | None:
    absolute = path.resolve()
    for place in (absolute, *absolute.parents):
        if place.name in (FRAMEWORKS, INSTRUMENTS, OWN_DECISIONS) and (place.parent / SETTINGS_FILE).is_file():
            return open_home(place.parent)
    return None


# --- reading -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _load(home: Home, fingerprint: str) -> Registry:
    """Read once for each state of the files, which ``fingerprint`` stands for."""
    tables: dict[str, list[Row]] = {name: [] for name in landed_layouts()}
    folders = _folders(home)
    for folder in folders:
        for path in _files(folder):
            shown = f"{FRAMEWORKS}/{folder.name}/{path.name}"
            rows = read_rows(path, layouts()[path.stem], shown)
            _check_framework_id(rows, folder.name)
            tables[path.stem] += rows
    for path in _decisions(home):
        tables[path.stem] = read_rows(path, DECISIONS[path.stem], f"{OWN_DECISIONS}/{path.name}")
    instruments = load_own_instruments(home)
    if folders or instruments:
        _check(tables, instruments, [folder.name for folder in folders])
    _check_decisions(tables)
    return Registry(tables, instruments)


def _fingerprint(home: Home) -> str:
    """A digest that changes when anything changes that the home's own registry is made of or checked against."""
    digest = hashlib.sha256(str(REGISTRY_VERSION).encode())
    paths = [SEEDS / f"seed_{name}.csv" for name in layouts()]
    for folder in _folders(home):
        paths += [folder, *_files(folder)]
    for path in [*paths, *entries(home.instruments), *_decisions(home)]:
        content = path.read_bytes() if path.is_file() else b""
        for part in (f"{path.parent.name}/{path.name}".encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _folders(home: Home) -> list[Path]:
    folders = entries(home.frameworks)
    shipped = {row["framework_id"] for row in seed_rows("framework_nodes")}
    for folder in folders:
        shown = f"{FRAMEWORKS}/{folder.name}"
        if not folder.is_dir():
            raise RegistryError(
                f"{shown}: it lies in no framework. Make a folder with the id of the framework and put it there."
            )
        if not re.fullmatch(ID_PATTERN, folder.name):
            raise RegistryError(f"{shown}: the folder's name is the id of the framework. Make it of {ID_SAYS}.")
        if folder.name in shipped:
            raise RegistryError(
                f"{shown}: the framework {folder.name} ships with the warehouse, and a home cannot change it. "
                "Give your own framework another id."
            )
    return folders


def _files(folder: Path) -> list[Path]:
    files = entries(folder)
    for path in files:
        if path.suffix != ".csv" or path.stem not in layouts() or not path.is_file():
            raise RegistryError(
                f"{FRAMEWORKS}/{folder.name}/{path.name}: a framework has no such file. The files it may have are "
                f"{', '.join(f'{name}.csv' for name in layouts())}; rename it or move it elsewhere."
            )
    return files


def _decisions(home: Home) -> list[Path]:
    files = entries(home.decisions)
    for path in files:
        if path.suffix != ".csv" or path.stem not in DECISIONS or not path.is_file():
            raise RegistryError(
                f"{OWN_DECISIONS}/{path.name}: no such decisions are recorded. The files there may be are "
                f"{', '.join(f'{name}.csv' for name in DECISIONS)}; rename it or move it elsewhere."
            )
    return files


# --- checking ----------------------------------------------------------------------------------------------------


def _check(tables: Mapping[str, Sequence[Row]], instruments: Sequence[Instrument], folders: Sequence[str]) -> None:
    """Raise RegistryError for the first thing that does not hold together."""
    for name, layout in layouts().items():
        check_keys(tables[name], layout)
    with_nodes = {row.values["framework_id"] for row in tables["framework_nodes"]}
    for folder in folders:
        if folder not in with_nodes:
            raise RegistryError(
                f"{FRAMEWORKS}/{folder}: it has no statement. Write them into framework_nodes.csv, one row each."
            )
    _check_layers(tables)
    _check_indicators(tables)
    _check_nodes(tables)
    _check_instruments(tables["indicators"], instruments)


def _check_decisions(tables: Mapping[str, Sequence[Row]]) -> None:
    shipped = {row["indicator_id"]: row["unit"] for row in seed_rows("indicators")}
    own = {row.values["indicator_id"]: row for row in tables["indicators"]}
    units = shipped | {indicator_id: row.values["unit"] for indicator_id, row in own.items()}
    for name, layout in DECISIONS.items():
        check_keys(tables[name], layout)
        for row in tables[name] if name in DECISIONS_ABOUT_INDICATORS else ():
            if row.values["indicator_id"] not in own and row.values["indicator_id"] not in shipped:
                raise row.error(
                    "indicator_id",
                    f"“{row.values['indicator_id']}” is neither an indicator that ships nor one of the home's own. "
                    "Correct it, or take the row out.",
                )
            if row.values["decided_date"] > date.today():
                raise row.error(
                    "decided_date",
                    f"{row.values['decided_date']} is still to come, and what is recorded here has been decided. "
                    "Correct the day, or record the decision once it is taken.",
                )
    known = read_rows(SHIPPED / f"{SECTORS.name}.csv", SECTORS, f"{SECTORS.name}.csv")
    sectors = [TOTAL, *(row.values["sector_code"] for row in known)]
    for row in tables["control_baselines"]:
        if row.values["sector"] is not None and row.values["sector"] not in sectors:
            raise row.error(
                "sector",
                f"“{row.values['sector']}” is no sector. Write one of {', '.join(sectors)}, or leave it empty for all.",
            )
        first, last = row.values["first_period"], row.values["last_period"]
        if last is not None and (_kind_of_period(last) != _kind_of_period(first) or last < first):
            raise row.error(
                "last_period",
                f"“{last}” does not follow {first}. Name a period of the same kind that is not before it, or leave it "
                "empty.",
            )
    for row in tables["indicator_targets"]:
        _check_target(row, units[row.values["indicator_id"]])
        indicator = own.get(row.values["indicator_id"])
        if indicator is not None and indicator.values["target_value"] is not None:
            raise row.error(
                "indicator_id",
                f"“{row.values['indicator_id']}” has a target already in {indicator.file}, row {indicator.line}. Take "
                "one of the two out.",
            )


def _check_target(row: Row, unit: str) -> None:
    target = row.values["target_value"]
    if target < 0 or (unit == PERCENT and target > 100):
        raise row.error(
            "target_value",
            f"{target.normalize():f} is no figure of {row.values['indicator_id']}, which is in “{unit}” and never "
            f"below 0{' or above 100' if unit == PERCENT else ''}. Correct it.",
        )


def _kind_of_period(label: str) -> str:
    return next(pattern for pattern in CHART_PERIODS if re.fullmatch(pattern, label))


def _check_framework_id(rows: Iterable[Row], folder: str) -> None:
    for row in rows:
        if row.values.get("framework_id", folder) != folder:
            raise row.error(
                "framework_id",
                f"“{row.values['framework_id']}” is not the framework of this folder. Write {folder}, or move the row "
                "into the folder of its framework.",
            )


def _check_layers(tables: Mapping[str, Sequence[Row]]) -> None:
    layers = {(row.values["framework_id"], row.values["layer"]): row for row in tables["framework_layers"]}
    used = set()
    for node in tables["framework_nodes"]:
        key = node.values["framework_id"], node.values["layer"]
        if key not in layers:
            raise node.error(
                "layer", f"“{key[1]}” is not in framework_layers.csv of the same folder. Correct it, or add the layer."
            )
        order = layers[key].values["layer_order"]
        if node.values["layer_order"] != order:
            raise node.error(
                "layer_order",
                f"{node.values['layer_order']} is not the place of the layer {key[1]}, which is {order} in "
                f"{layers[key].file}, row {layers[key].line}. Make them agree.",
            )
        used.add(key)
    for key, layer in layers.items():
        if key not in used:
            raise layer.error(
                "layer", f"no statement is in “{key[1]}”. Add one to framework_nodes.csv, or take the layer out."
            )


def _check_indicators(tables: Mapping[str, Sequence[Row]]) -> None:
    shipped = {row["indicator_id"]: row["name"] for row in seed_rows("indicators")}
    own = {row.values["indicator_id"] for row in tables["indicators"]}
    sourced = {row.values["indicator_id"] for row in tables["indicator_sources"]}
    linked = {row.values["indicator_id"] for row in tables["indicator_nodes"]}
    for row in tables["indicators"]:
        indicator, base = row.values["indicator_id"], row.values["minimum_base"]
        if indicator in shipped:
            raise row.error("indicator_id", f"“{indicator}” ships with the warehouse. Give your own another id.")
        if row.values["name"] in shipped.values():
            raise row.error("name", f"“{row.values['name']}” is the name of an indicator that ships. Give it another.")
        if base < LEAST_MINIMUM_BASE:
            raise row.error(
                "minimum_base",
                f"{base} is below {LEAST_MINIMUM_BASE}, the fewest people that a figure may rest on. Write at least "
                f"{LEAST_MINIMUM_BASE}.",
            )
        if row.values["target_value"] is not None:
            _check_target(row, row.values["unit"])
        if indicator not in sourced:
            raise row.error(
                "indicator_id", f"“{indicator}” has no source. Add it to indicator_sources.csv, with its dataset."
            )
        if indicator not in linked:
            raise row.error(
                "indicator_id",
                f"“{indicator}” speaks to no statement. Add it to indicator_nodes.csv, or take it out.",
            )
    for row in tables["indicator_sources"]:
        if row.values["indicator_id"] not in own:
            raise row.error(
                "indicator_id",
                f"“{row.values['indicator_id']}” is none of the home's own indicators, and those that ship have their "
                "sources. Correct it, or add it to indicators.csv.",
            )
    for row in tables["indicator_nodes"]:
        if row.values["indicator_id"] not in own and row.values["indicator_id"] not in shipped:
            raise row.error(
                "indicator_id",
                f"“{row.values['indicator_id']}” is neither an indicator that ships nor in indicators.csv. Correct it, "
                "or add it.",
            )


def _check_nodes(tables: Mapping[str, Sequence[Row]]) -> None:
    own = {_node(row): row for row in tables["framework_nodes"]}
    known = own.keys() | {(row["framework_id"], row["node_id"]) for row in seed_rows("framework_nodes")}
    for table, column in (("indicator_nodes", "node_id"), ("framework_gaps", "node_id"),
                          ("framework_links", "from_node_id")):  # fmt: skip
        for row in tables[table]:
            if _node(row, column) not in own:
                raise row.error(
                    column,
                    f"“{row.values[column]}” is not in framework_nodes.csv of the same folder. Correct it, or add the "
                    "statement.",
                )
    for row in tables["framework_links"]:
        target = row.values["to_framework_id"], row.values["to_node_id"]
        if target not in known:
            raise row.error(
                "to_node_id",
                f"“{target[1]}” is not a statement of the framework {target[0]}. Correct one of the two.",
            )
        if target == _node(row, "from_node_id"):
            raise row.error("to_node_id", f"“{target[1]}” cannot contribute to itself. Correct it, or take it out.")
    linked = {_node(row): row for row in tables["indicator_nodes"]}
    gaps = {_node(row): row for row in tables["framework_gaps"]}
    for key, node in own.items():
        if key in linked and key in gaps:
            raise gaps[key].error(
                "node_id",
                f"“{key[1]}” is declared a gap and has an indicator too ({linked[key].file}, row {linked[key].line}). "
                "Take one of the two out.",
            )
        if key not in linked and key not in gaps:
            raise node.error(
                "node_id",
                f"“{key[1]}” has neither an indicator nor a declared gap. Add it to indicator_nodes.csv, or to "
                "framework_gaps.csv with the reason.",
            )


def _node(row: Row, column: str = "node_id") -> tuple[str, str]:
    return row.values["framework_id"], row.values[column]


def _check_instruments(indicators: Sequence[Row], instruments: Sequence[Instrument]) -> None:
    shipped = load_instruments()
    taken = {item.item_id: f"ingestion/instruments/{i.instrument_id}.yml" for i in shipped.values() for item in i.items}
    own = {row.values["indicator_id"] for row in indicators}
    for instrument in instruments:
        shown = f"{INSTRUMENTS}/{instrument.instrument_id}.yml"
        if instrument.instrument_id in shipped:
            raise RegistryError(
                f"{shown}, instrument_id: “{instrument.instrument_id}” ships with the warehouse. Give your own another "
                "id, and its file the same name."
            )
        for item in instrument.items:
            place = f"{shown}, item {item.item_id}"
            if item.item_id in taken:
                raise RegistryError(f"{place}: it stands already in {taken[item.item_id]}. Give it an id of its own.")
            taken[item.item_id] = shown
            _check_answers(instrument, item, place)
            if item.item_id not in own:
                raise RegistryError(
                    f"{place}: no indicator has its id. Add it to indicators.csv of a framework, or take the item out."
                )
    for row in indicators:
        if row.values["indicator_id"] not in taken:
            raise row.error(
                "indicator_id",
                f"“{row.values['indicator_id']}” is an item of no instrument, so nothing would ever measure it. Add "
                f"the item to a file in {INSTRUMENTS}/ of the home, or declare a gap instead.",
            )


def _check_answers(instrument: Instrument, item: Item, place: str) -> None:
    if item.choose_many:
        raise RegistryError(f"{place}: of several answers no share can be worked out. Take choose_many out.")
    for name in item.scales or [next(iter(instrument.scales))]:
        scores = {answer.score for answer in instrument.scales[name] if answer.score is not None}
        if scores != SCORES:
            raise RegistryError(
                f"{place}: the scale {name} has the scores {', '.join(map(str, sorted(scores))) or 'none'}. Give its "
                "answers the scores 1 to 5: the two highest are what its indicator counts."
            )
