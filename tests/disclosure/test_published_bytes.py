"""Nothing that was withheld can be read from the files of a publication, and the search for it finds what is there."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from ingestion.home import Home, open_home
from publishing.publication import publish
from tests.disclosure.publication import CellKey
from tests.disclosure.published_bytes import Found, search, withheld
from tests.integration.test_publication import PASSED, build_warehouse, finding, source_file, write_ledger

COUNT, SHARE = 987_654_321, 0.9876543219876543
SECRET = "child-of-nowhere"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose warehouse holds numbers that must not leave it, in other schemas and, deleted, in a mart itself."""
    (tmp_path / "impact.yml").write_text("authority: E08000005\n")
    home = open_home(tmp_path)
    build_warehouse(home.warehouse)
    with duckdb.connect(home.warehouse) as connection:
        connection.execute(
            f"""
            create table indicators.indicator_values_unsuppressed as
                select {COUNT} + range % 3 as numerator, {SHARE} as value, '{SECRET}' as name from range(5000);
            create view marts_of_nobody as select {COUNT} as numerator;
            create or replace table marts.indicator_values as
                select 'wf' || range as indicator_id, {COUNT}::bigint as numerator, {SHARE}::double as value,
                    '{SECRET}' as name
                from range(5000);
            checkpoint;
            update marts.indicator_values set numerator = null, value = null, name = null where indicator_id > 'wf2';
            delete from marts.indicator_values where indicator_id <= 'wf2';
            """
        )
    write_ledger(home, [source_file()], [finding()])
    return home


def test_a_publication_holds_nothing_of_what_was_withheld_or_deleted(home: Home) -> None:
    content = home.warehouse.read_bytes()
    assert SECRET.encode() in content
    folder = publish(home, [PASSED]).path
    with duckdb.connect(folder / "impact.duckdb", read_only=True) as connection:
        rows = connection.execute("select count(*), count(numerator), count(value) from indicator_values").fetchone()
    assert rows is not None
    assert rows[0] > 1000
    assert rows[1:] == (0, 0)
    numbers = {COUNT, COUNT + 1, COUNT + 2, SHARE}
    assert search(folder, numbers, {SECRET, "indicators.", "marts_of_nobody", "unsuppressed"}) == []


def found_in(folder: Path, *places: str) -> set[str]:
    """Where the search finds one of the planted numbers or the word, or anything that should not be."""
    return {found.place for found in search(folder, {COUNT, SHARE}, {SECRET})} & set(places)


def database(folder: Path, *statements: str) -> Path:
    with duckdb.connect(folder / "impact.duckdb") as connection:
        connection.execute("create table shown as select range as n, range / 7 as v from range(3000)")
        for statement in statements:
            connection.execute(statement)
    return folder


def test_a_database_of_plain_tables_is_found_to_be_clean(tmp_path: Path) -> None:
    assert search(database(tmp_path), {COUNT, SHARE}, {SECRET}) == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (f"insert into shown values ({COUNT}, null)", {"shown.n"}),
        (f"insert into shown values (null, {SHARE})", {"shown.v"}),
        (f"create view v as select {COUNT} as n", {"catalogue"}),
        ("create schema indicators", {"catalogue"}),
        (f"create macro secret() as {COUNT}", {"catalogue"}),
        (f"create sequence ids start {COUNT}", {"catalogue", "bytes"}),
        (f"comment on table shown is '{COUNT}'", {"bytes"}),
        (f"comment on column shown.v is 'about {SECRET}s'", {"bytes"}),
        (f"create table named as select '{SECRET}' as name", {"bytes"}),
        (
            f"create table gone as select {COUNT} + range as n, hash(range) as h from range(200000); checkpoint;"
            " drop table gone; checkpoint",
            {"blocks"},
        ),
    ],
)
def test_what_is_planted_in_a_database_is_found(tmp_path: Path, statement: str, expected: set[str]) -> None:
    database(tmp_path, statement)
    assert found_in(tmp_path, "shown.n", "shown.v", "catalogue", "bytes", "blocks") >= expected


def test_doubles_that_lie_about_in_a_file_are_found_at_any_offset(tmp_path: Path) -> None:
    database(tmp_path)
    for offset in range(8):
        (tmp_path / "manifest.json").write_bytes(b"{" + b" " * offset + duckdb_double(SHARE) + b"}")
        assert search(tmp_path, {SHARE}, set()) == [Found("manifest.json", "bytes", repr(SHARE))]


def duckdb_double(value: float) -> bytes:
    return bytes(pa.array([value], pa.float64()).buffers()[1])[:8]


def test_rows_that_were_deleted_are_found_in_the_statistics_of_their_segment(tmp_path: Path) -> None:
    database(
        tmp_path, f"insert into shown values ({COUNT + 5}, 0)", "checkpoint", f"delete from shown where n > {COUNT}"
    )
    assert f"the statistics have {COUNT + 5}, which no row has" in {
        found.what for found in search(tmp_path, set(), set()) if found.place == "shown.n"
    }


def parquet(folder: Path, table: pa.Table) -> Path:
    (folder / "parquet").mkdir()
    path = folder / "parquet" / "shown.parquet"
    pyarrow.parquet.write_table(table, path)
    return path


def test_what_is_planted_in_a_parquet_file_is_found(tmp_path: Path) -> None:
    rows = pa.table({"n": [1, COUNT], "v": [SHARE, 2.0]}).replace_schema_metadata({"note": SECRET})
    path = parquet(tmp_path, rows)
    assert found_in(tmp_path, "n", "v", "metadata", "bytes") == {"n", "v", "metadata", "bytes"}
    # Bytes between the last column and the footer that no column accounts for.
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(content[:-footer] + b"left behind" + content[-footer:])
    assert "11 bytes before the footer belong to no column" in {found.what for found in search(tmp_path, set(), set())}


def test_a_file_that_does_not_belong_there_is_found(tmp_path: Path) -> None:
    database(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    assert [found.file for found in search(tmp_path, set(), set())] == ["notes.txt"]


def test_what_a_warehouse_withholds_are_intervals_of_suppressed_figures_and_names_of_inner_tables(
    tmp_path: Path,
) -> None:
    shared = ", ".join(f"'x' as {name}" for name in CellKey._fields[1:])
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        for schema in ("indicators", "marts"):
            connection.execute(f"create schema {schema}")
        rows = (
            "(values ('a', 1.5, 2.5, 1.25, 2.75, 'c'), ('b', 3.5, 4.5, 3.25, 4.75, 'ok'),"
            " ('d', 3.5, 9.5, 0, 9.75, 'c'))"
        )
        columns = "t(indicator_id, ci_lower_95, ci_upper_95, ci_lower_998, ci_upper_998, value_status)"
        connection.execute(
            f"""
            create table indicators.indicator_values_unsuppressed as select *, {shared} from {rows} {columns};
            create table indicators.indicator_values_suppressed as from indicators.indicator_values_unsuppressed;
            create table marts.indicator_values as
                from indicators.indicator_values_suppressed where value_status = 'ok';
            """
        )
    numbers, names = withheld(tmp_path / "warehouse.duckdb")
    # 3.5 is in sight elsewhere, and nought says nothing.
    assert {float(number) for number in numbers} == {1.5, 2.5, 1.25, 2.75, 9.5, 9.75}
    assert "indicators.indicator_values_suppressed" in names
    assert not any("marts" in name for name in names)
