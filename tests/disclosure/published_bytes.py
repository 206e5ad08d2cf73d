"""What can be read from the files of a publication beside the rows of its tables.

    python -m tests.disclosure.published_bytes HOME

looks for everything that the home's warehouse knows and its publication withholds. Numbers are sought among all values
of all tables, in the statistics of Parquet files and DuckDB segments, and as bytes: written out, as whole numbers of
eight bytes and as doubles. Bytes that no table accounts for (free blocks, gaps between columns, further files) are
findings in themselves, and so is every schema, view, macro or other thing in the database that is not a plain table.
"""

from __future__ import annotations

import argparse
import re
import struct
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet

#: Types whose segments have the smallest and largest value in their statistics.
NUMBERS = ("BIGINT", "INTEGER", "DOUBLE", "DATE", "TIMESTAMP")

#: Where the first block of a DuckDB file begins: behind three headers of 4096 bytes.
HEADERS = 3 * 4096

#: Things in a database that are not tables, and what lists them.
OTHER_THINGS = {
    "schema": "select schema_name from duckdb_schemas() where not internal and schema_name <> 'main'",
    "view": "select view_name || ': ' || sql from duckdb_views() where not internal",
    "macro": "select function_name from duckdb_functions() where not internal",
    "sequence": "select sequence_name from duckdb_sequences()",
    "type": "select type_name from duckdb_types() where not internal",
    "index": "select index_name from duckdb_indexes()",
    "constraint": "select constraint_text from duckdb_constraints() where constraint_type <> 'NOT NULL'",
}


@dataclass(frozen=True)
class Found:
    """Something that should not be: the file, where in it, and what."""

    file: str
    place: str
    what: str


def search(folder: Path, numbers: Collection[float], words: Collection[str]) -> list[Found]:
    """Look for numbers and words, and for anything that no table accounts for, in all files of a publication.

    Args:
        folder: the publication's own folder.
        numbers: numbers that nothing published may show; ones that stand for something else, too, are of no use.
        words: texts that nothing published may hold, such as names of tables.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = [
        Found(str(path.relative_to(folder)), "folder", "a file that is no part of a publication")
        for path in files
        if path.name not in ("impact.duckdb", "manifest.json") and path.parent.name != "parquet"
    ]
    for path in files:
        name = str(path.relative_to(folder))
        found += [Found(name, *hit) for hit in _in_bytes(path.read_bytes(), numbers, words)]
        if path.suffix == ".duckdb":
            found += [Found(name, *hit) for hit in _in_database(path, numbers)]
        if path.suffix == ".parquet":
            found += [Found(name, *hit) for hit in _in_parquet(path, numbers)]
    return found


def _in_bytes(content: bytes, numbers: Collection[float], words: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        if word.encode() in content:
            yield "bytes", word
    whole = {int(number) for number in numbers if float(number).is_integer()}
    eights = {struct.unpack("<Q", struct.pack("<d", number))[0]: number for number in numbers}
    # Eight bytes that are a small whole number are everywhere.
    eights |= {number: number for number in whole if number >= 2**16}
    sought = np.array(sorted(eights), dtype=np.uint64)
    for offset in range(8):
        read = np.frombuffer(content, "<u8", max(len(content) - offset, 0) // 8, offset)
        for pattern in np.unique(read[np.isin(read, sought)]).tolist():
            yield "bytes", repr(eights[pattern])
    texts = {repr(number).encode() for number in numbers} | {str(number).encode() for number in whole}
    for text in texts & set(re.findall(rb"\d+(?:\.\d+)?(?:e[-+]?\d+)?", content)):
        if len(text) >= 5:
            yield "bytes", text.decode()
    for number in whole:
        if number >= 2**28 and _varint(number) in content:
            yield "bytes", str(number)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first: how DuckDB's catalogue and Parquet's footer write numbers."""
    parts = []
    while number > 127:
        parts.append(number % 128 + 128)
        number //= 128
    return bytes([*parts, number])


def _in_database(path: Path, numbers: Collection[float]) -> Iterator[tuple[str, str]]:
    with duckdb.connect(path, read_only=True) as connection:
        for kind, sql in OTHER_THINGS.items():
            for (name,) in connection.execute(sql).fetchall():
                yield "catalogue", f"{kind} {name}"
        sizes = connection.execute(
            "select block_size, total_blocks, used_blocks from pragma_database_size()"
        ).fetchone()
        assert sizes is not None
        block_size, total, used = sizes
        if total != used:
            yield "blocks", f"{total - used} of {total} blocks are free, and hold what was there before"
        if path.stat().st_size != HEADERS + total * block_size:
            yield "blocks", f"{path.stat().st_size} bytes are not {total} blocks"
        if path.with_suffix(".duckdb.wal").exists():
            yield "folder", "a write-ahead log"
        tables = [name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()]
        for table in tables:
            yield from _in_table(connection, table, numbers)
            yield from _in_segments(connection, table)


def _in_table(
    connection: duckdb.DuckDBPyConnection, table: str, numbers: Collection[float]
) -> Iterator[tuple[str, str]]:
    wanted = set(numbers)
    result = connection.execute(f'from "{table}"')
    names = [column[0] for column in result.description]
    for row in result.fetchall():
        for column, value in zip(names, row, strict=True):
            if isinstance(value, int | float) and value in wanted:
                yield f"{table}.{column}", repr(value)


def _in_segments(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[tuple[str, str]]:
    """Statistics of a segment are those of rows that are there."""
    segments = connection.execute(
        "select column_name, segment_type, stats.min, stats.max from pragma_storage_info(?)"
        f" where segment_type in ({', '.join('?' * len(NUMBERS))})",
        [table, *NUMBERS],
    ).fetchall()
    for column, kind, *ends in segments:
        for end in ends:
            there = connection.execute(
                f'select count(*) from "{table}" where "{column}" = try_cast(? as {kind})', [str(end)]
            ).fetchone()
            # Of a segment without a value the ends are those of its type, the lower above the upper.
            if there == (0,) and not _is_crossed(connection, kind, ends):
                yield f"{table}.{column}", f"the statistics have {end}, which no row has"


def _is_crossed(connection: duckdb.DuckDBPyConnection, kind: str, ends: list[object]) -> bool:
    sql = f"select coalesce(cast(? as {kind}) > cast(? as {kind}), true)"
    return connection.execute(sql, [None if end is None else str(end) for end in ends]).fetchone() == (True,)


def _in_parquet(path: Path, numbers: Collection[float]) -> Iterator[tuple[str, str]]:
    file = pyarrow.parquet.ParquetFile(path)
    metadata = file.metadata
    for name, value in (metadata.metadata or {}).items():
        yield "metadata", f"{name.decode()}: {value.decode(errors='replace')}"
    for group in range(metadata.num_row_groups):
        rows = file.read_row_group(group)
        for position in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(position)
            values = set(rows.column(position).to_pylist())
            for number in set(numbers) & {value for value in values if isinstance(value, int | float)}:
                yield chunk.path_in_schema, repr(number)
            # Statistics of texts are cut short.
            if chunk.statistics is not None and chunk.statistics.has_min_max and chunk.physical_type != "BYTE_ARRAY":
                for end in (chunk.statistics.min, chunk.statistics.max):
                    if end not in values:
                        yield chunk.path_in_schema, f"the statistics have {end!r}, which no row has"
    # Behind the magic number columns and their Bloom filters follow each other up to the footer.
    position = 4
    for first, length in _spans(path):
        if first != position:
            yield "bytes", f"{first - position} bytes before {first} belong to no column"
        position = first + length
    footer = path.stat().st_size - 8 - metadata.serialized_size
    if position != footer:
        yield "bytes", f"{footer - position} bytes before the footer belong to no column"


def _spans(path: Path) -> list[tuple[int, int]]:
    return duckdb.execute(
        """
        select least(coalesce(nullif(dictionary_page_offset, 0), data_page_offset), data_page_offset) as first,
            total_compressed_size
        from parquet_metadata($path)
        union all
        select bloom_filter_offset, bloom_filter_length from parquet_metadata($path)
        where bloom_filter_offset is not null
        order by first
        """,
        {"path": str(path)},
    ).fetchall()


def withheld(warehouse: Path) -> tuple[set[float], set[str]]:
    """Numbers and names that a warehouse has and its publication may not.

    The numbers are the intervals of suppressed figures in all their digits, which nothing else has by chance. The names
    are those of all tables outside the marts, with their schemas: checks of the data may be named after a table.
    """
    with duckdb.connect(warehouse, read_only=True) as connection:
        numbers = {
            number
            for (number,) in connection.execute(
                """
                with hidden as (
                    unpivot (
                        select unsuppressed.ci_lower_95, unsuppressed.ci_upper_95, unsuppressed.ci_lower_998,
                            unsuppressed.ci_upper_998
                        from indicators.indicator_values_unsuppressed as unsuppressed
                        inner join indicators.indicator_values_suppressed as suppressed
                            using (indicator_id, source_dataset, area_code, sector, organisation_id, breakdown,
                                breakdown_value, period_type, period)
                        where suppressed.value_status = 'c'
                    ) on columns(*) into name kind value number
                )
                select number from hidden where number not in (0, 100)
                except
                select number from (
                    unpivot (select ci_lower_95, ci_upper_95, ci_lower_998, ci_upper_998 from marts.indicator_values)
                    on columns(*) into name kind value number
                )
                """
            ).fetchall()
        }
        names = {
            name
            for row in connection.execute(
                "select schema_name || '.' || table_name, format('\"{}\".\"{}\"', schema_name, table_name)"
                " from (select schema_name, table_name from duckdb_tables() union all"
                " select schema_name, view_name from duckdb_views() where not internal) where schema_name <> 'marts'"
            ).fetchall()
            for name in row
        }
    return numbers, names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    home = parser.parse_args().home
    numbers, words = withheld(home / "warehouse.duckdb")
    found = search((home / "published").resolve(), numbers, words)
    for each in found:
        print(f"{each.file}: {each.place}: {each.what}")
    print(f"{len(found)} findings; {len(numbers)} numbers and {len(words)} names were looked for.")


if __name__ == "__main__":
    main()
