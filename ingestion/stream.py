"""The rows of a file, a piece at a time: those about which there is nothing to say go straight to Parquet.

A file repeats itself: a million rows hold a few thousand dates, a handful of codes. So what a cell's text means, and
whether anything is wrong with it, is worked out once for each different text of a column (by the same SQL that the
split uses), and carried to the rows by number. Rows that are clean in all their columns and break no rule are written;
the others, few in most files, are kept as ``raw`` for the split to look at closely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.contracts import Column
from ingestion.lookups import Lookups
from ingestion.readers import ROW
from ingestion.split import Splitter, column_text
from ingestion.sql import literal, name

#: Rows of a piece: large enough that each different text turns up in few pieces, small enough to hold.
PIECE_ROWS = 500_000

#: Text stays a dictionary all the way: Parquet keeps it as one, and nothing is copied for every row.
_TEXTS = pa.dictionary(pa.int32(), pa.string())
_ARROW_TYPES = {
    "VARCHAR": _TEXTS,
    "VARCHAR[]": pa.list_(pa.string()),
    "BIGINT": pa.int64(),
    "DECIMAL(18,6)": pa.decimal128(18, 6),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
}


class Stream:
    """Writes the clean rows of one file and keeps the others."""

    def __init__(self, con: duckdb.DuckDBPyConnection, splitter: Splitter, lookups: Lookups, path: Path) -> None:
        """Prepare the stream; ``path`` is where the clean rows are written."""
        self._con, self._splitter, self._lookups, self._path = con, splitter, lookups, path
        contract, self._source = splitter.contract, splitter.source
        self._landed = contract.landed_columns()
        self._schema = pa.schema([(column, _ARROW_TYPES[kind]) for column, kind in self._landed.items()])
        # All names that a rule, a drop or a derived column uses; a column that none of them names is never laid out.
        said = [*(d.sql for d in contract.derived), *(d.when for d in contract.drops)]
        said += [rule.fails_when for rule in contract.rules]
        self._used = {word for sql in said for word in re.findall(r"\w+", sql)}
        self._has_row_rules = bool(said)
        self._columns = [column for column in splitter.columns if self._is_looked_at(column)]
        at = (self._source.positions.get(column.name, ()) for column in self._columns)
        self._numbered = {f"c{positions[0]}" for positions in at if positions}

    def _is_looked_at(self, column: Column) -> bool:
        return column.lands or bool(self._used & set(column.sql_names)) or self._splitter.can_fail(column)

    def take(self, rows: Iterator[pa.RecordBatch]) -> int:
        """Sort all rows of a file; returns how many there were, and leaves table ``raw`` with those to look at.

        Args:
            rows: as ``Sheet.rows`` gives them.
        """
        columns = ", ".join(f"c{i} varchar" for i in range(self._source.width))
        self._con.execute(f"create temp table raw ({ROW} bigint, {columns})")
        taken = 0
        # Reading, sorting and writing go on side by side; each of them leaves Python for most of its time.
        with (
            ThreadPoolExecutor(1) as reading,
            # Statistics of each column would take half the time of writing, and nothing reads them.
            pq.ParquetWriter(
                self._path, self._schema, compression="zstd", store_schema=False, write_statistics=False
            ) as writer,
            ThreadPoolExecutor(1) as writing,
        ):
            written: Future[None] | None = None
            for piece in _ahead(self._pieces(rows), reading):
                taken += piece.num_rows
                landed, clean = self._sort(piece)
                if written is not None:
                    written.result()
                written = writing.submit(writer.write_table, landed if clean.all() else landed.filter(pa.array(clean)))
                if clean.all():
                    continue
                others = piece.filter(pa.array(~clean))
                cells = {column: _trimmed(others[column]) for column in others.column_names if column != ROW}
                self._con.register("piece", pa.table({ROW: others[ROW], **cells}))
                self._con.execute("insert into raw select * from piece")
                self._con.unregister("piece")
            if written is not None:
                written.result()
        return taken

    def _pieces(self, rows: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
        """Batches put together into pieces, in which the columns that are looked at have their texts numbered."""
        batches: list[pa.RecordBatch] = []
        held = 0
        for batch in rows:
            batches.append(batch)
            held += batch.num_rows
            if held >= PIECE_ROWS:
                yield self._piece(batches)
                batches, held = [], 0
        if held:
            yield self._piece(batches)

    def _piece(self, batches: list[pa.RecordBatch]) -> pa.Table:
        piece = pa.Table.from_batches(batches)
        return pa.table(
            {
                column: _whole(piece[column]).dictionary_encode() if column in self._numbered else piece[column]
                for column in piece.column_names
            }
        )

    def _sort(self, piece: pa.Table) -> tuple[pa.Table, np.ndarray]:
        """The piece as it would land, and which of its rows may."""
        columns: dict[str, pa.Array] = {}
        used: dict[str, pa.Array] = {}
        clean = ~_blank(piece)
        for column in self._columns:
            numbers, meaning = self._meaning(column, piece)
            is_suspect = meaning["is_suspect"].to_numpy()
            if is_suspect.any():
                clean &= ~is_suspect[numbers]
            for part in meaning.column_names:
                if part in self._landed:
                    columns[part] = _carried(_whole(meaning[part]), numbers)
                if part in self._used:
                    used[part] = columns[part] if part in columns else _carried(_whole(meaning[part]), numbers)
        if self._has_row_rules:
            derived, is_set_aside = self._row_rules(used, piece.num_rows)
            columns |= derived
            clean &= ~is_set_aside
        columns[ROW] = piece[ROW]
        constant = self._source.context | {"vintage_id": self._source.vintage_id}
        arrays = []
        for field in self._schema:
            if field.name in constant:
                columns[field.name] = _carried(pa.array([constant[field.name]]), np.zeros(piece.num_rows, np.int32))
            array = columns[field.name]
            arrays.append(array.dictionary_encode() if array.type == pa.string() else array.cast(field.type))
        return pa.table(arrays, schema=self._schema), clean

    def _meaning(self, column: Column, piece: pa.Table) -> tuple[np.ndarray, pa.Table]:
        """What each different text of a column means, and the number of each row's text among them."""
        positions = self._source.positions.get(column.name, ())
        if positions:
            cells = piece[f"c{positions[0]}"].chunk(0)
            numbers = cells.indices.to_numpy(zero_copy_only=False)
            # Each text once. Two that differ in nothing but white space stay two entries, which does no harm.
            texts = pc.utf8_trim_whitespace(cells.dictionary)
            entries = pa.table({"number": pa.array(np.arange(len(texts))), f"c{positions[0]}": texts})
        else:
            numbers = np.zeros(piece.num_rows, dtype=np.int64)
            entries = pa.table({"number": pa.array([0])})
        self._con.register("entries_of_column", entries)
        text = column_text(column, positions)
        text = f"select number, {text} as {name(column.name + '_text')} from entries_of_column"
        if self._lookups.looks_up(column):
            found = self._con.sql(text).fetchall()
            self._lookups.add(column, [cell for _, cell in found if cell is not None])
        meaning = self._con.sql(self._splitter.meaning_sql(column, f"({text})")).to_arrow_table()
        self._con.unregister("entries_of_column")
        if column.personal == "pseudonymise" and piece.num_rows >= PIECE_ROWS:
            self._lookups.remember(column, meaning)
        return numbers, meaning

    def _row_rules(self, used: dict[str, pa.Array], rows: int) -> tuple[dict[str, pa.Array], np.ndarray]:
        """The derived columns that land, and the rows that a rule or a drop is about."""
        contract = self._splitter.contract
        numbered = pa.table({"number_in_piece": pa.array(np.arange(rows)), **used})
        context = [
            f"{literal(value) if isinstance(value, str) else f'{value}::bigint'} as {name(key)}"
            for key, value in self._source.context.items()
            if key in self._used
        ]
        derived = [f"({d.sql}) as {name(d.name)}" for d in contract.derived]
        landed = [
            f"({self._source.pseudonyms.get(d.name, name(d.name))})::{self._landed[d.name]} as {name(d.name)}"
            for d in contract.derived
        ]
        conditions = [*(drop.when for drop in contract.drops), *(rule.fails_when for rule in contract.rules)]
        any_of = " or ".join(f"coalesce(({condition}), false)" for condition in conditions) or "false"
        self._con.register("piece_used", numbered)
        found = self._con.sql(
            f"""with typed as (select {", ".join(["*", *context])} from piece_used),
            derived as (select {", ".join(["*", *derived])} from typed)
            select {", ".join([*landed, f"({any_of}) as is_set_aside"])} from derived order by number_in_piece"""
        ).to_arrow_table()
        self._con.unregister("piece_used")
        arrays = {d.name: _whole(found[d.name]) for d in contract.derived}
        return arrays, found["is_set_aside"].to_numpy()


def _ahead(pieces: Iterator[pa.Table], reading: ThreadPoolExecutor) -> Iterator[pa.Table]:
    """The pieces, each of them read while the one before it is sorted."""
    following = reading.submit(next, pieces, None)
    while (piece := following.result()) is not None:
        following = reading.submit(next, pieces, None)
        yield piece


def _blank(piece: pa.Table) -> np.ndarray:
    """The rows whose cells are all empty."""
    blank = np.ones(piece.num_rows, dtype=bool)
    for column in piece.column_names:
        if column == ROW:
            continue
        if not blank.any():
            break
        is_empty = pc.equal(_trimmed(piece[column]), "")
        blank &= pc.fill_null(is_empty, True).to_numpy()
    return blank


def _trimmed(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_trim_whitespace(cells.cast(pa.string()))


def _carried(values: pa.Array, numbers: np.ndarray) -> pa.Array:
    """The meaning of each row's text; a text as its number in a dictionary."""
    if not pa.types.is_string(values.type):
        return values.take(pa.array(numbers))
    is_missing = values.is_null().to_numpy(zero_copy_only=False)
    mask = is_missing[numbers] if is_missing.any() else None
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32(), mask=mask), values.fill_null(""))


def _whole(chunks: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(chunks.chunks) if chunks.num_chunks else pa.array([], chunks.type)
