"""The floor of a run: one DuckDB process that executes the warehouse's compiled SQL over what a run landed.

No files read, no checks, no Dagster, no dbt: what is left is the least that the same warehouse can cost. Run as
``python tests/performance/floor.py HOME`` after a run of that home; prints the tables it made.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb

from ingestion.home import open_home
from orchestration.manifest import PROJECT, manifest_path


def in_order(nodes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Nodes with each behind those it depends on."""
    ordered: dict[str, dict[str, Any]] = {}

    def place(unique_id: str) -> None:
        if unique_id in nodes and unique_id not in ordered:
            for parent in nodes[unique_id]["depends_on"].get("nodes", []):
                place(parent)
            ordered[unique_id] = nodes[unique_id]

    for unique_id in nodes:
        place(unique_id)
    return list(ordered.values())


def build(root: Path, folder: Path) -> int:
    """Build the warehouse of the home in ``root`` in ``folder``; returns how many relations were made."""
    home = open_home(root)
    manifest = json.loads(manifest_path().read_text(encoding="utf-8"))
    compiled = home.state / "dbt" / "target" / "compiled" / "impact_warehouse"
    nodes = {k: v for k, v in manifest["nodes"].items() if v["resource_type"] in ("seed", "model")}
    # The compiled SQL names the database, which is called as its file is.
    with duckdb.connect(str(folder / home.warehouse.name)) as con:
        for schema in sorted({node["schema"] for node in nodes.values()}):
            con.execute(f"create schema {schema}")
        for node in in_order(nodes):
            relation = f"{node['schema']}.{node['alias']}"
            if node["resource_type"] == "seed":
                types = dict(node["config"]["column_types"])
                con.execute(
                    f"create table {relation} as from read_csv(?, types = {types})",
                    [str(PROJECT / node["original_file_path"])],
                )
            elif node["language"] == "python":
                con.register("result_of_model", _python_model(PROJECT / node["original_file_path"], con, nodes))
                con.execute(f"create table {relation} as from result_of_model")
                con.unregister("result_of_model")
            else:
                sql = (compiled / node["original_file_path"]).read_text(encoding="utf-8")
                con.execute(f"create {node['config']['materialized']} {relation} as {sql}")
    return len(nodes)


def _python_model(path: Path, con: duckdb.DuckDBPyConnection, nodes: dict[str, dict[str, Any]]) -> Any:
    """What a Python model returns, given the little of dbt that models use."""
    schemas = {node["name"]: f"{node['schema']}.{node['alias']}" for node in nodes.values()}
    namespace: dict[str, Any] = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    dbt = SimpleNamespace(ref=lambda name: con.table(schemas[name]), config=lambda **_: None)
    return namespace["model"](dbt, con)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(f"{build(Path(sys.argv[1]), Path(scratch))} relations")
