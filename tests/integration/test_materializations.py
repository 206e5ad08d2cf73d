"""The project's own ways of making tables and views, in a dbt project of a few models."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.manifest import PROJECT

DBT = str(Path(sys.executable).with_name("dbt"))
CONTRACT = """
    config: {contract: {enforced: true}, persist_docs: {relation: true, columns: true}}
    description: It's a table.
    columns:
      - {name: place, data_type: varchar, description: "Where; it's a $name."}
      - {name: number, data_type: bigint, constraints: [{type: not_null}], description: How many.}
"""
PYTHON = "def model(dbt, session):\n    dbt.config(materialized='table')\n    return {}\n"
ROWS = "session.sql('select range as number from range({})')"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "macros").mkdir()
    for name in ("table.sql", "view.sql"):
        shutil.copyfile(PROJECT / "macros" / name, tmp_path / "macros" / name)
    (tmp_path / "dbt_project.yml").write_text(
        "{name: small, profile: small, flags: {send_anonymous_usage_stats: false}, models: {+materialized: table}}"
    )
    (tmp_path / "profiles.yml").write_text(
        f"small: {{target: one, outputs: {{one: {{type: duckdb, path: '{tmp_path}/small.duckdb', threads: 1}}}}}}"
    )
    return tmp_path


def run(project: Path, contracted: str, models: dict[str, str]) -> str:
    """Run dbt over these models; the names in ``contracted`` have the contract. Returns what it said."""
    shutil.rmtree(project / "models", ignore_errors=True)
    (project / "models").mkdir()
    for name, text in models.items():
        (project / "models" / name).write_text(text)
    described = "".join(f"  - name: {name}{CONTRACT}" for name in contracted.split())
    (project / "models" / "models.yml").write_text(f"models:\n{described}")
    return subprocess.run([DBT, "run"], cwd=project, capture_output=True, text=True, check=False).stdout


def found(project: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(project / "small.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def test_a_table_is_replaced_whole_with_its_comments_or_stays_as_it_was(project: Path) -> None:
    one_row = "select 'Bury' as place, cast(1 as bigint) as number"
    first = dict.fromkeys(("grows.sql", "breaks.sql", "differs.sql"), one_row)
    said = run(
        project,
        "grows breaks differs",
        first
        | {"listed.sql": "{{ config(materialized='view') }} select 1 as number"}
        | {"python.py": PYTHON.format(ROWS.format(2)), "lost.py": PYTHON.format(ROWS.format(2))},
    )
    assert "ERROR=0" in said, said
    names = ["breaks", "differs", "grows", "listed", "lost", "python"]
    relations = "select table_name from information_schema.tables order by all"
    assert [name for (name,) in found(project, relations)] == names
    columns = "select column_name, data_type, is_nullable, comment from duckdb_columns() where table_name = 'grows'"
    described = [("place", "VARCHAR", True, "Where; it's a $name."), ("number", "BIGINT", False, "How many.")]
    assert found(project, columns) == described
    comments = "select comment from duckdb_tables() where table_name = 'grows'"
    assert found(project, comments) == [("It's a table.",)]

    rows = "select 'Oldham' as place, range as number from range(3)"
    said = run(
        project,
        "grows breaks differs",
        {
            # Columns in another order than the contract's are put into the contract's.
            "grows.sql": f"select number, place from ({rows})",
            # Half of the rows are there when it is found out.
            "breaks.sql": "select 'Oldham' as place, if(range < 200000, range, null) as number from range(200001)",
            "differs.sql": "select 'Oldham' as place, cast(1 as integer) as number",
            "listed.sql": "select 5 as number",
            "python.py": PYTHON.format(ROWS.format(3)),
            "lost.py": PYTHON.format("session.sql('select nothing')"),
        },
    )
    assert "ERROR=3" in said, said
    assert "This model has an enforced contract that failed" in said
    assert [name for (name,) in found(project, relations)] == names
    assert found(project, "from grows order by all") == [("Oldham", 0), ("Oldham", 1), ("Oldham", 2)]
    assert found(project, columns) == described
    assert found(project, comments) == [("It's a table.",)]
    for name in ("breaks", "differs"):
        assert found(project, f"from {name}") == [("Bury", 1)]
    assert found(project, "from listed") == [(5,)]
    assert found(project, "select count(*) from python") == [(3,)]
    assert found(project, "select count(*) from lost") == [(2,)]
