"""The rows of a file, a piece at a time: those about which there is nothing to say go straight to Parquet.

A file repeats itself: a million rows hold a few thousand dates, a handful of codes. So what a cell's text means, and
whether anything is wrong with it, is worked out once for each different text of a column (by the same SQL that the
split uses), kept for the pieces that follow, and carried to the rows by number. Rows that are clean in all their
columns and break no rule are written; the others, few in most files, are kept as ``raw`` for the split to look at
closely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

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

#: Rows of a piece: large enough that a column's SQL is worth its start, small enough to hold.
PIECE_ROWS = 500_000
#: Bytes of one column's texts that are kept for the rest of a file; what they mean takes as much again.
MOST_REMEMBERED = 64_000_000
#: They are kept while a piece holds this share of them again: to look a text up costs as much as to read a number.
#: A pseudonym costs ten times as much, so the texts behind pseudonyms are kept in any case.
_LEAST_MET = 0.25

#: Text stays a dictionary all the way: Parquet keeps it as one, and nothing is copied for every row.
_TEXTS = pa.dictionary(pa.int32(), pa.string())
#: Unless most rows hold one of their own: then their characters in one run are the smallest and soonest written.
_MOST_IN_DICTIONARY = 0.5
_ARROW_TYPES = {
    "VARCHAR": _TEXTS,
    "VARCHAR[]": pa.list_(pa.string()),
    "BIGINT": pa.int64(),
    "DECIMAL(18,6)": pa.decimal128(18, 6),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
}


_Of = TypeVar("_Of")


@dataclass(frozen=True)
class _Texts:
    """The different texts of one column of a piece, and which of them each row holds."""

    #: Texts that were kept of the pieces before, in their order, and behind them those that are new.
    all: pa.Array
    kept: int
    #: Where the texts that turn up in the piece stand among them; of each row, its text's place in that list.
    here: np.ndarray
    numbers: np.ndarray


@dataclass(frozen=True)
class _Piece:
    """Some rows of a file, all cells text, and the texts of the columns that are looked at."""

    rows: pa.Table
    texts: Mapping[str, _Texts]


class Stream:
    """Writes the clean rows of one file and keeps the others."""

    def __init__(self, con: duckdb.DuckDBPyConnection, splitter: Splitter, lookups: Lookups, path: Path) -> None:
        """Prepare the stream; ``path`` is where the clean rows are written."""
        self._con, self._splitter, self._lookups, self._path = con, splitter, lookups, path
        contract, self._source = splitter.contract, splitter.source
        self._landed = contract.landed_columns()
        self._key = splitter.key_numbers
        # All names that a rule, a drop or a derived column uses; a column that none of them names is never laid out.
        said = [*(d.sql for d in contract.derived), *(d.when for d in contract.drops)]
        said += [rule.fails_when for rule in contract.rules]
        self._used = {word for sql in said for word in re.findall(r"\w+", sql)}
        self._has_row_rules = bool(said)
        self._columns = [column for column in splitter.columns if self._is_looked_at(column)]
        at = {column.name: self._source.positions.get(column.name, ()) for column in self._columns}
        self._numbered = {f"c{positions[0]}" for positions in at.values() if positions}
        self._dear = {f"c{at[c.name][0]}" for c in self._columns if c.personal == "pseudonymise" and at[c.name]}
        #: What the texts of each column mean, all those of the piece before.
        self._meanings: dict[str, pa.Table] = {}

    def _is_looked_at(self, column: Column) -> bool:
        return column.lands or bool(self._used & set(column.sql_names)) or self._splitter.can_fail(column)

    def take(self, rows: Iterator[pa.RecordBatch]) -> tuple[int, np.ndarray]:
        """Sort all rows of a file, and leave table ``raw`` with those to look at.

        Args:
            rows: as ``Sheet.batches`` gives them.

        Returns:
            How many rows there were, and of each that was written the number of its natural key.
        """
        columns = ", ".join(f"c{i} varchar" for i in range(self._source.width))
        self._con.execute(f"create temp table raw ({ROW} bigint, {columns})")
        taken = 0
        keys = [np.zeros(0, np.uint64)]
        # Reading, numbering, sorting and writing go on side by side; each of them leaves Python for most of its time.
        with (
            ThreadPoolExecutor(1) as reading,
            ThreadPoolExecutor(1) as numbering,
            ExitStack() as files,
            ThreadPoolExecutor(1) as writing,
        ):
            writer: pq.ParquetWriter | None = None
            written: Future[None] | None = None
            for piece in _ahead(self._pieces(_ahead(_tables(rows), reading)), numbering):
                taken += piece.rows.num_rows
                landed, its_keys, clean = self._sort(piece)
                if writer is None:
                    writer = files.enter_context(self._writer(landed))
                table = pa.table([landed[field.name].cast(field.type) for field in writer.schema], schema=writer.schema)
                keys.append(its_keys if clean.all() else its_keys[clean])
                if written is not None:
                    written.result()
                written = writing.submit(writer.write_table, table if clean.all() else table.filter(pa.array(clean)))
                if clean.all():
                    continue
                others = piece.rows.filter(pa.array(~clean))
                cells = {column: pc.utf8_trim_whitespace(others[column]) for column in others.column_names[1:]}
                self._con.register("piece", pa.table({ROW: others[ROW], **cells}))
                self._con.execute("insert into raw select * from piece")
                self._con.unregister("piece")
            if written is not None:
                written.result()
            if writer is None:
                files.enter_context(self._writer({}))
        return taken, np.concatenate(keys)

    def _writer(self, landed: Mapping[str, pa.Array]) -> pq.ParquetWriter:
        """Opens the file of clean rows.

        Args:
            landed: the columns of the first piece, which tell how texts are best written.
        """
        types = {column: _ARROW_TYPES[kind] for column, kind in self._landed.items()}
        encodings = {ROW: "DELTA_BINARY_PACKED"}
        for column, array in landed.items():
            is_text = types[column] == _TEXTS
            if is_text and len(array.dictionary) > max(_MOST_IN_DICTIONARY * len(array), 1):
                types[column] = pa.string()
                encodings[column] = "DELTA_LENGTH_BYTE_ARRAY"
        return pq.ParquetWriter(
            self._path,
            pa.schema(list(types.items())),
            compression="zstd",
            store_schema=False,
            # Statistics of each column would take half the time of writing, and nothing reads them.
            write_statistics=False,
            use_dictionary=[column for column in types if column not in encodings],
            column_encoding=encodings,
        )

    def _pieces(self, tables: Iterator[pa.Table]) -> Iterator[_Piece]:
        """The pieces with the texts numbered of those columns that are looked at."""
        kept = dict.fromkeys(self._numbered, pa.array([], pa.string()))
        for table in tables:
            texts = {column: _numbered(kept[column], table[column]) for column in self._numbered}
            kept = {column: _worth_keeping(its, is_dear=column in self._dear) for column, its in texts.items()}
            yield _Piece(table, texts)

    def _sort(self, piece: _Piece) -> tuple[dict[str, pa.Array], np.ndarray, np.ndarray]:
        """The columns of a piece as they would land, the numbers of its rows' keys, and which of the rows may land."""
        rows = piece.rows.num_rows
        columns: dict[str, pa.Array] = {}
        used: dict[str, pa.Array] = {}
        keys = np.zeros(rows, np.uint64)
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
                if part in self._key:
                    keys ^= meaning[f"{part}_in_key"].to_numpy()[numbers]
        if self._has_row_rules:
            found = self._row_rules(used, rows)
            for derived in self._splitter.contract.derived:
                array = _whole(found[derived.name])
                columns[derived.name] = array.dictionary_encode() if array.type == pa.string() else array
                if derived.name in self._key:
                    keys ^= found[f"{derived.name}_in_key"].to_numpy()
            clean &= ~found["is_set_aside"].to_numpy()
        constant = self._source.context | {"vintage_id": self._source.vintage_id}
        for part in self._landed.keys() & constant.keys():
            columns[part] = _carried(pa.array([constant[part]]), np.zeros(rows, np.int32))
        columns[ROW] = _whole(piece.rows[ROW])
        return {part: columns[part] for part in self._landed}, keys, clean

    def _meaning(self, column: Column, piece: _Piece) -> tuple[np.ndarray, pa.Table]:
        """What each different text of a column in a piece means, and the number of each row's text among them."""
        positions = self._source.positions.get(column.name, ())
        known = self._meanings.get(column.name)
        if positions:
            texts = piece.texts[f"c{positions[0]}"]
        else:
            # A column that the file does not have holds the same everywhere.
            rows = piece.rows.num_rows
            texts = _Texts(pa.nulls(1), int(known is not None), np.zeros(1, np.int32), np.zeros(rows, np.int32))
        if known is None:
            known = self._meaning_of(column, texts.all)
        elif texts.kept < len(texts.all):
            new = self._meaning_of(column, texts.all[texts.kept :])
            known = pa.concat_tables([known.slice(0, texts.kept), new]).combine_chunks()
        self._meanings[column.name] = known
        return texts.numbers, known if len(texts.here) == len(known) else known.take(pa.array(texts.here))

    def _meaning_of(self, column: Column, texts: pa.Array) -> pa.Table:
        """What texts of a column mean, in their order."""
        positions = self._source.positions.get(column.name, ())
        entries = {"number": pa.array(np.arange(len(texts)))}
        if positions:
            # Two that differ in nothing but white space stay two entries, which does no harm.
            entries[f"c{positions[0]}"] = pc.utf8_trim_whitespace(texts)
        self._con.register("entries_of_column", pa.table(entries))
        text = column_text(column, positions)
        text = f"select number, {text} as {name(column.name + '_text')} from entries_of_column"
        if self._lookups.looks_up(column):
            found = self._con.sql(text).fetchall()
            self._lookups.add(column, [cell for _, cell in found if cell is not None])
        meaning = self._con.sql(self._splitter.meaning_sql(column, f"({text})")).to_arrow_table()
        self._con.unregister("entries_of_column")
        unused = {"number"} | ({f"{column.name}_text"} - self._used)
        parts = meaning.select([part for part in meaning.column_names if part not in unused]).combine_chunks()
        # A join keeps no order, nor does what fetches the key of a pseudonym.
        return parts.take(pa.array(np.argsort(meaning["number"].to_numpy(), kind="stable")))

    def _row_rules(self, used: dict[str, pa.Array], rows: int) -> pa.Table:
        """The derived columns that land, the numbers of those in the key, and the rows that a rule or drop is about."""
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
        in_key = "".join(
            f", {self._key[d.name]} as {name(d.name + '_in_key')}" for d in contract.derived if d.name in self._key
        )
        conditions = [*(drop.when for drop in contract.drops), *(rule.fails_when for rule in contract.rules)]
        any_of = " or ".join(f"coalesce(({condition}), false)" for condition in conditions) or "false"
        self._con.register("piece_used", numbered)
        found = self._con.sql(
            f"""with typed as (select {", ".join(["*", *context])} from piece_used),
            derived as (select {", ".join(["*", *derived])} from typed),
            landed as (select {", ".join(["number_in_piece", *landed, f"({any_of}) as is_set_aside"])} from derived)
            select *{in_key} from landed order by number_in_piece"""
        ).to_arrow_table()
        self._con.unregister("piece_used")
        return found


def _tables(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together into pieces."""
    batches: list[pa.RecordBatch] = []
    held = 0
    for batch in rows:
        batches.append(batch)
        held += batch.num_rows
        if held >= PIECE_ROWS:
            yield pa.Table.from_batches(batches)
            batches, held = [], 0
    if held:
        yield pa.Table.from_batches(batches)


def _ahead(pieces: Iterator[_Of], worker: ThreadPoolExecutor) -> Iterator[_Of]:
    """The pieces, each of them made while the one before it is worked on."""
    following = worker.submit(next, pieces, None)
    while (piece := following.result()) is not None:
        following = worker.submit(next, pieces, None)
        yield piece


def _numbered(kept: pa.Array, cells: pa.ChunkedArray) -> _Texts:
    """The different texts of a column, those first that were kept of the pieces before."""
    encoded = pa.chunked_array([kept, *cells.chunks]).dictionary_encode().chunks
    texts = encoded[0].dictionary
    places = np.concatenate([chunk.indices.to_numpy() for chunk in encoded])[len(kept) :]
    is_here = np.zeros(len(texts), dtype=bool)
    is_here[places] = True
    if is_here.all():
        return _Texts(texts, len(kept), np.arange(len(texts), dtype=np.int32), places)
    here = np.flatnonzero(is_here)
    numbers = np.cumsum(is_here, dtype=np.int32) - 1
    return _Texts(texts, len(kept), here, numbers[places])


def _worth_keeping(texts: _Texts, *, is_dear: bool) -> pa.Array:
    """The texts that the next piece is asked for: all so far, unless they are too many or hardly any turns up again."""
    if not is_dear and (texts.here < texts.kept).sum() < _LEAST_MET * texts.kept:
        return texts.all[:0]
    return texts.all if texts.all.nbytes <= MOST_REMEMBERED else texts.all[: texts.kept]


def _blank(piece: _Piece) -> np.ndarray:
    """The rows whose cells are all empty."""
    blank = np.ones(piece.rows.num_rows, dtype=bool)
    # Of the fewest texts it is soonest seen that none is empty.
    for texts in sorted(piece.texts.values(), key=lambda texts: len(texts.here)):
        if not blank.any():
            return blank
        blank &= _is_empty(texts.all.take(pa.array(texts.here)))[texts.numbers]
    for column in piece.rows.column_names[1:]:
        if not blank.any():
            break
        if column not in piece.texts:
            blank &= _is_empty(piece.rows[column])
    return blank


def _is_empty(cells: pa.Array | pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.equal(pc.utf8_trim_whitespace(cells), ""))


def _carried(values: pa.Array, numbers: np.ndarray) -> pa.Array:
    """The meaning of each row's text; a text as its number in a dictionary."""
    if not pa.types.is_string(values.type):
        return values.take(pa.array(numbers))
    is_missing = values.is_null().to_numpy(zero_copy_only=False)
    mask = is_missing[numbers] if is_missing.any() else None
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32(), mask=mask), values.fill_null(""))


def _whole(chunks: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(chunks.chunks) if chunks.num_chunks else pa.array([], chunks.type)
