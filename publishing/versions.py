"""Which version the tables, the registry and the contracts of a publication have, and what changed with it.

``versions.csv`` is the announcement: one row for each version of each published table and of the registry of
indicators, newest last. A contract carries its own version.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path

import pyarrow as pa

from ingestion.contracts import load_contracts

#: Name, kind and comment of each column of the table ``versions``.
COLUMNS = {
    "kind": (
        pa.string(),
        "table: one of this publication. registry: the indicators and frameworks. contract: a file's.",
    ),
    "name": (pa.string(), "Name of the table or dataset; indicators for the registry."),
    "version": (pa.int64(), "Number of the version; the highest one is what this publication follows."),
    "released_on": (pa.date32(), "When the version was released; null for contracts, of which the latest is listed."),
    "change": (pa.string(), "What changed with it, for whoever reads the table; null for contracts."),
}
COMMENT = "One row per version of each published table and of the registry, and the version of each dataset's contract."


@cache
def announced() -> list[dict[str, str]]:
    """The rows of ``versions.csv``."""
    with (Path(__file__).parent / "versions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def latest(kind: str) -> dict[str, int]:
    """Name → latest version, of the tables or of the registry."""
    return {row["name"]: int(row["version"]) for row in announced() if row["kind"] == kind}


def versions() -> pa.Table:
    """The table ``versions``."""
    rows: list[dict[str, object]] = [
        {**row, "version": int(row["version"]), "released_on": date.fromisoformat(row["released_on"])}
        for row in announced()
    ]
    rows += [
        {"kind": "contract", "name": contract.dataset, "version": contract.version}
        for contract in load_contracts().values()
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kind) for name, (kind, _) in COLUMNS.items()]))
