"""The dbt test that holds landing, ledger and model to each other, on a few rows and with each fault seeded."""

from __future__ import annotations

from pathlib import Path

import duckdb
import jinja2
import pytest

GENERIC = Path(__file__).resolve().parents[2] / "dbt_project" / "tests" / "generic" / "reconciles_with_ledger.sql"


def broken(*changes: str, natural_key: list[str] | None = None, every_row: bool = True) -> list[tuple[object, ...]]:
    """What the test finds after some changes to rows that agree: two files in force that overlap, one that is not,
    and one whose rows have been deleted since."""
    source = GENERIC.read_text(encoding="utf-8").replace("{% test reconciles_with_ledger", "{% macro rendered")
    template = jinja2.Environment().from_string(source.replace("{% endtest %}", "{% endmacro %}"))
    template.globals.update(config=lambda **_: "", ref=lambda name: name)
    sql = template.module.rendered("model", "landing", "events", natural_key, every_row)  # type: ignore[attr-defined]
    with duckdb.connect() as con:
        con.execute(
            "create table landing as select * from (values ('a', 2, 'x'), ('a', 3, 'y'), ('b', 2, 'y'), ('b', 3, 'z'),"
            " ('old', 2, 'w')) as rows (vintage_id, source_row, event_id)"
        )
        con.execute(
            "create table stg_landing__source_files as select 'events' as dataset, * from (values"
            " ('a', 'a.csv', 2, true, null), ('b', 'b.csv', 2, true, null), ('old', 'old.csv', 1, false, null),"
            " ('gone', 'gone.csv', 5, true, timestamp '2026-01-01'))"
            " as files (vintage_id, file_name, rows_landed, is_current, retired_at)"
        )
        kept = "where (vintage_id, source_row) <> ('a', 3)" if natural_key else ""
        con.execute(f"create table model as select * from (from landing where vintage_id <> 'old') {kept}")
        for change in changes:
            con.execute(change)
        return sorted(con.execute(sql).fetchall(), key=str)


@pytest.mark.parametrize("natural_key", [None, ["event_id"]])
def test_rows_that_agree_pass_whether_files_replace_each_other_or_overlap(natural_key: list[str] | None) -> None:
    assert broken(natural_key=natural_key) == []


@pytest.mark.parametrize("natural_key", [None, ["event_id"]])
def test_a_row_that_the_model_loses_or_doubles_is_found(natural_key: list[str] | None) -> None:
    said, expected = "in the model, of those in force", 3 if natural_key else 4
    lost = broken("delete from model where vintage_id = 'a' and source_row = 2", natural_key=natural_key)
    assert lost == [(None, said, expected - 1, expected)]
    doubled = broken("insert into model from model where event_id = 'z'", natural_key=natural_key)
    assert doubled == [(None, said, expected + 1, expected)]


def test_a_row_of_a_file_that_is_not_in_force_is_found_even_where_the_number_is_right() -> None:
    exchanged = "update model set vintage_id = 'old' where vintage_id = 'a' and source_row = 2"
    assert broken(exchanged) == [("old", "in the model that did not land in a file in force", 1, 0)]


def test_a_landed_row_that_is_missing_is_found_in_every_model() -> None:
    missing = "delete from landing where vintage_id = 'a' and source_row = 2"
    assert ("a.csv", "landed, of those in the ledger", 1, 2) in broken(missing)
    assert broken(missing, every_row=False) == [("a.csv", "landed, of those in the ledger", 1, 2)]


def test_a_model_that_leaves_rows_out_on_purpose_is_held_to_landing_alone() -> None:
    assert broken("delete from model", every_row=False) == []
