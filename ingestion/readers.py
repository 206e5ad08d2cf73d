"""File formats: a path in, one or more tables of text out, nothing interpreted.

A reader knows encodings, delimiters, sheets and header rows. It does not know what a column means: every cell is text
as the file has it, without the white space around it, and every row has the number that a person sees when the file is
open in a spreadsheet.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ingestion.limits import MOST_FINDINGS
from ingestion.workbooks import EXPORT_THE_TABLE, RefusedWorkbook, read_workbook

#: Rows from the top in which a header is looked for; survey tools and hand-made sheets put titles above it.
HEADER_SEARCH_ROWS = 20
#: Bytes from the top that are enough to hold those rows.
_HEAD_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 20
#: Bytes that are parsed at once; a row may not be longer.
_BLOCK_BYTES = 4 << 20
#: Bytes from the top that tell whether text without a mark is UTF-16.
_WIDE_SEARCH_BYTES = 1 << 12
_DELIMITERS = ",;\t|"
#: Old programs end a file with it.
_END_MARK = "\x1a"
#: Byte-order mark → encoding of what follows it.
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
#: A line that no file holds, read behind the last one to see whether a quotation mark swallows it.
_BEHIND_THE_END = "\ue000behind the end\ue000"
#: Rows that are put together from lists before they go on.
_MENDED_AT_ONCE = 10_000
#: First bytes of what is often sent in the place of a table, and what it is.
_NO_TABLES = {
    b"%PDF-": "a PDF document",
    b"\x89PNG\r\n": "an image (PNG)",
    b"\xff\xd8\xff": "an image (JPEG)",
    b"GIF87a": "an image (GIF)",
    b"GIF89a": "an image (GIF)",
    b"II*\x00": "an image (TIFF)",
    b"MM\x00*": "an image (TIFF)",
    b"{\\rtf1": "a document of a word processor (RTF)",
    b"\x1f\x8b\x08": "a packed file (gzip)",
    b"7z\xbc\xaf\x27\x1c": "a packed folder (7z)",
    b"Rar!\x1a\x07": "a packed folder (RAR)",
}
#: What old Office files call the part with their content; names in them are written like that.
_OLD_DOCUMENT, _OLD_WORKBOOK = "WordDocument".encode("utf-16-le"), "Workbook".encode("utf-16-le")
_QUOTE_NEVER_CLOSES = (
    "quote_never_closes",
    "a quotation mark opens a cell and never closes, so the rest of the file hides in one cell",
    "Find the row where the table breaks off, mend its quotation marks and send the file again.",
)
#: Name of the column that carries the row number.
ROW = "source_row"


class UnreadableFile(Exception):
    """The file cannot be read as a table; the message says why, ``remedy`` what its sender should do."""

    def __init__(self, rule: str, message: str, remedy: str) -> None:
        """Keep the rule's name, what was found and what to do."""
        super().__init__(message)
        self.rule = rule
        self.remedy = remedy


@dataclass
class Sheet:
    """The top of one table, and the way to its rows.

    ``top`` holds the first rows as they stand (row 1 first); which of them is the header is for the recogniser to say.
    """

    path: Path
    name: str | None
    top: list[list[str]]
    encoding: str = ""
    delimiter: str = ""
    #: Rows whose number of cells does not fit the header, with how many they have; filled while rows are read.
    misshapen: list[tuple[int, int]] = field(default_factory=list)
    #: Rule, message and remedy of why reading the rows broke off: what is raised here does not pass through a library
    #: that pulls the rows. Words and not the exception, which would keep every frame that it came through alive.
    broke_off: tuple[str, str, str] | None = None
    #: Bytes up to the end of each row of ``top``, in a file of text.
    _ends: list[int] = field(default_factory=list)
    _cells: pa.Table | None = None

    def rows(self, header_row: int) -> pa.RecordBatchReader:
        """The rows below the header, all text: columns ``c0``, ``c1``, … by position, and ``source_row``.

        White space around a cell, non-breaking spaces included, is taken off. An empty cell is empty text or null.

        Args:
            header_row: the header's row number, counted from 1.

        Raises:
            UnreadableFile: the file has one column only, or, while rows are pulled, cannot be read on or ends inside
                a quoted cell. The latter are kept in ``broke_off`` as well.
        """
        reader = self._reader(header_row)
        return pa.RecordBatchReader.from_batches(reader.schema, map(_trimmed, reader))

    def batches(self, header_row: int) -> Iterator[pa.RecordBatch]:
        """As ``rows``, for a caller who pulls them one by one and takes off the white space himself.

        Raises:
            UnreadableFile: as ``rows``, in its own words wherever it happens.
        """
        try:
            yield from self._reader(header_row)
        except (pa.ArrowException, RuntimeError):
            if self.broke_off is None:
                raise
        if self.broke_off is not None:
            raise UnreadableFile(*self.broke_off)

    def _reader(self, header_row: int) -> pa.RecordBatchReader:
        return self._text_rows(header_row) if self._cells is None else _sheet_rows(self._cells, header_row)

    def _text_rows(self, header_row: int) -> pa.RecordBatchReader:
        names = [f"c{i}" for i in range(len(self.top[header_row - 1]))]
        if len(names) == 1:
            # Arrow reads a line of one column that is empty as no line at all.
            raise UnreadableFile(
                "one_column",
                "the file has only one column",
                "Save it again as CSV with commas between the columns, or send the original spreadsheet.",
            )
        self.misshapen.clear()
        self.broke_off = None
        schema = pa.schema([(ROW, pa.int64()), *((name, pa.string()) for name in names)])
        return pa.RecordBatchReader.from_batches(schema, self._numbered_batches(names, schema, header_row))

    def _numbered_batches(self, names: list[str], schema: pa.Schema, header_row: int) -> Iterator[pa.RecordBatch]:
        width = len(names)
        names = [*names, *(f"c{i}" for i in range(width, self._width(header_row)))]
        start = self._ends[header_row - 1]
        if start >= self.path.stat().st_size:
            return
        skipped: set[int] = set()
        # Rows without the columns at the end that have no header.
        mended: list[tuple[int, list[str]]] = []
        # The row furthest down so far, and whether it runs over several lines.
        last = (header_row, False)

        def set_aside(row: pyarrow.csv.InvalidRow) -> str:
            nonlocal last
            number = header_row + row.number
            skipped.add(number)
            if (row.text or "").strip() == _END_MARK:
                return "skip"
            if _holds_rows(row.text, self.delimiter, width):
                self.broke_off = (
                    "quote_closes_late",
                    f"a quotation mark in row {number} is closed only {len(_lines(row.text)) - 1:,} lines further "
                    "down, so that the rows between hide in one cell",
                    f"Find row {number}, mend its quotation marks and send the file again.",
                )
                return "error"
            if (cells := self._fitted(row, header_row)) is not None:
                mended.append((number, cells))
            elif len(self.misshapen) == MOST_FINDINGS:
                self.broke_off = (
                    "too_many_wrong",
                    f"more than {MOST_FINDINGS:,} rows have another number of cells than the header",
                    "See whether the header belongs to the table and commas inside cells stand in quotation marks.",
                )
                return "error"
            else:
                self.misshapen.append((number, row.actual_columns))
            last = max(last, (number, _has_lines(row.text)))
            return "skip"

        def put_together() -> pa.RecordBatch:
            columns = (pa.array(cells, pa.string()) for cells in zip(*(row for _, row in mended), strict=True))
            numbers = pa.array([number for number, _ in mended], pa.int64())
            mended.clear()
            return pa.record_batch([numbers, *columns], schema=schema)

        next_row = header_row + 1
        try:
            with pa.OSFile(os.fsencode(self.path)) as file:
                file.seek(start)
                with closing(
                    pyarrow.csv.open_csv(
                        file,
                        read_options=pyarrow.csv.ReadOptions(
                            use_threads=False,
                            column_names=names,
                            encoding=self.encoding,
                            block_size=_BLOCK_BYTES,
                        ),
                        parse_options=pyarrow.csv.ParseOptions(
                            delimiter=self.delimiter,
                            newlines_in_values=True,
                            ignore_empty_lines=False,
                            invalid_row_handler=set_aside,
                        ),
                        convert_options=pyarrow.csv.ConvertOptions(
                            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                        ),
                    )
                ) as reader:
                    for batch in reader:
                        numbers = _row_numbers(next_row, batch.num_rows, skipped)
                        if batch.num_rows:
                            next_row = int(numbers[-1]) + 1
                            last = max(last, (next_row - 1, any(_has_lines(c[-1].as_py()) for c in batch.columns)))
                        numbered = [pa.array(numbers), *batch.columns]
                        # Those further up are not asked for again; a file may have millions.
                        skipped -= {number for number in skipped if number < next_row}
                        yield self._without_padding(pa.record_batch(numbered, names=[ROW, *names]), width)
                        if len(mended) >= _MENDED_AT_ONCE:
                            yield put_together()
            if mended:
                yield put_together()
        except (ValueError, OSError) as error:
            if not isinstance(error, OSError) and self._ends_inside_quotes():
                self.broke_off = _QUOTE_NEVER_CLOSES
            self.broke_off = self.broke_off or _not_readable(error)
            raise UnreadableFile(*self.broke_off) from error
        # A cell that opens with a quotation mark and never closes swallows every row to the end of the file.
        if last[1] and self._ends_inside_quotes():
            self.broke_off = _QUOTE_NEVER_CLOSES
            raise UnreadableFile(*self.broke_off)

    def _width(self, header_row: int) -> int:
        """How many cells a row has: as many as the header, unless every row ends in the same empty ones more."""
        width = len(self.top[header_row - 1])
        rows = [row for row in self.top[header_row:] if any(cell.strip() for cell in row)]
        widths = {len(row) for row in rows}
        is_padded = len(widths) == 1 and max(widths) > width and not any("".join(row[width:]).strip() for row in rows)
        return max(widths) if is_padded else width

    def _without_padding(self, batch: pa.RecordBatch, width: int) -> pa.RecordBatch:
        """A batch, numbered, without the cells behind the header; rows in which one of them is filled are set aside."""
        padding = batch.columns[1 + width :]
        if not padding:
            return batch
        is_filled = np.zeros(batch.num_rows, dtype=bool)
        for cells in padding:
            is_filled |= pc.not_equal(pc.utf8_trim_whitespace(cells), "").to_numpy(zero_copy_only=False)
        self.misshapen += [
            (number, len(batch.columns) - 1) for number in batch[ROW].filter(pa.array(is_filled)).to_pylist()
        ]
        return batch.select(range(1 + width)).filter(pa.array(~is_filled))

    def _fitted(self, row: pyarrow.csv.InvalidRow, header_row: int) -> list[str] | None:
        """The cells of a row that lacks nothing but columns without a header; None of any other."""
        header = self.top[header_row - 1]
        if row.text is None or any(cell.strip() for cell in header[row.actual_columns :]):
            return None
        try:
            (cells,) = csv.reader([row.text], delimiter=self.delimiter)
        except (csv.Error, ValueError):
            return None
        if len(cells) != row.actual_columns or len(cells) > len(header):
            # Even an empty cell too many: a comma inside a cell may have moved the others on by one.
            return None
        return [*cells, *[""] * len(header)][: len(header)]

    def _ends_inside_quotes(self) -> bool:
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            rows = csv.reader(chain(_bounded_lines(file), [_BEHIND_THE_END]), delimiter=self.delimiter)
            try:
                last = deque(rows, maxlen=1)
            except csv.Error:
                # A cell or line longer than anyone fills: a quotation mark swallowed it, if the file has one at all.
                return _holds(self.path, b'"')
        return last[0] != [_BEHIND_THE_END]


def _bounded_lines(file: TextIO) -> Iterator[str]:
    """The lines of a text, none of which may be longer than what is held of a file at once.

    Raises:
        csv.Error: one is.
    """
    while line := file.readline(_BLOCK_BYTES):
        if len(line) == _BLOCK_BYTES:
            raise csv.Error("a line is too long")
        yield line


def _row_numbers(first: int, count: int, skipped: set[int]) -> np.ndarray:
    """The next ``count`` row numbers from ``first`` on, without those that were set aside."""
    if not skipped:
        return np.arange(first, first + count, dtype=np.int64)
    numbers = np.arange(first, first + count + len(skipped), dtype=np.int64)
    return numbers[~np.isin(numbers, list(skipped))][:count]


def _sheet_rows(cells: pa.Table, header_row: int) -> pa.RecordBatchReader:
    below = cells.slice(header_row)
    numbers = pa.array(np.arange(header_row + 1, header_row + 1 + below.num_rows, dtype=np.int64))
    columns = {name: below[name].cast(pa.string()).fill_null("") for name in below.column_names}
    return pa.table({ROW: numbers, **columns}).to_reader()


def _trimmed(batch: pa.RecordBatch) -> pa.RecordBatch:
    cells = (pc.utf8_trim_whitespace(column) for column in batch.columns[1:])
    return pa.record_batch([batch.columns[0], *cells], schema=batch.schema)


def read_sheets(path: Path) -> list[Sheet]:
    """The tables of a file: one per visible sheet that holds anything for a workbook, one per delimiter for text.

    Which delimiter is the right one only the headers tell: a list in one cell may hold more semicolons than the row
    has commas. The likeliest comes first.

    Raises:
        UnreadableFile: the file is empty, of no known format, or broken; says which.
    """
    if path.stat().st_size == 0:
        raise UnreadableFile("empty_file", "the file is empty (0 bytes)", "Export it again and send the new file.")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK\x03\x04"):
        return _workbook(path)
    is_old = start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    if is_old and _holds(path, _OLD_DOCUMENT) and not _holds(path, _OLD_WORKBOOK):
        raise _no_table("a Word document (.doc)")
    if is_old:
        raise UnreadableFile(
            "old_or_locked_workbook",
            "the file is a workbook with a password, or one of the old .xls format",
            "Take the password off, save it as .xlsx and send it again.",
        )
    if (kind := next((kind for mark, kind in _NO_TABLES.items() if start.startswith(mark)), None)) is not None:
        raise _no_table(kind)
    return _texts(path)


def _no_table(kind: str) -> UnreadableFile:
    return UnreadableFile("not_text", f"it is {kind}; only CSV files and workbooks are read", EXPORT_THE_TABLE)


def _workbook(path: Path) -> list[Sheet]:
    sheets = []
    try:
        for name, table in read_workbook(path):
            top = [[str(cell or "") for cell in row.values()] for row in table.slice(0, HEADER_SEARCH_ROWS).to_pylist()]
            sheets.append(Sheet(path=path, name=name, top=top, _cells=table))
    except RefusedWorkbook as error:
        raise UnreadableFile(error.rule, str(error), error.remedy) from error
    if not any(sheet.top for sheet in sheets):
        raise UnreadableFile("empty_file", "no visible sheet holds anything", "Export it again and send the new file.")
    return [sheet for sheet in sheets if sheet.top]


def _texts(path: Path) -> list[Sheet]:
    mark, encoding = _encoding(path)
    with path.open("rb") as file:
        file.seek(len(mark))
        head = codecs.getincrementaldecoder(encoding)().decode(file.read(_HEAD_BYTES))
        is_cut = bool(file.read(1))
    sheets = []
    for delimiter in _DELIMITERS:
        top, ends = _top(head, delimiter, encoding)
        if is_cut and ends and ends[-1] == len(head.encode(encoding)):
            # A row that the head breaks off in; it may be a header of which only half is there.
            del top[-1], ends[-1]
        ends = [len(mark) + end for end in ends]
        sheets.append(Sheet(path=path, name=None, top=top, encoding=encoding, delimiter=delimiter, _ends=ends))
    if not any(sheet.top for sheet in sheets):
        raise UnreadableFile(
            "row_too_long",
            f"its first row is longer than {_HEAD_BYTES:,} bytes, or has no end",
            "Send the CSV or .xlsx export with a row for each record and no more columns than it had.",
        )
    return sorted(sheets, key=_cells_in_even_rows, reverse=True)


def _top(head: str, delimiter: str, encoding: str) -> tuple[list[list[str]], list[int]]:
    """The first rows, and how many bytes there are up to the end of each."""
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in io.StringIO(head, newline=""):
            end += len(line.encode(encoding))
            yield line

    top: list[list[str]] = []
    ends: list[int] = []
    # A cell too long for Python's reader ends the search for a header; Arrow says what is wrong with it, if anything.
    with suppress(csv.Error):
        for row in islice(csv.reader(lines(), delimiter=delimiter), HEADER_SEARCH_ROWS):
            top.append(row)
            ends.append(end)
    return top, ends


def _cells_in_even_rows(sheet: Sheet) -> int:
    widths = Counter(len(row) for row in sheet.top)
    return max(((width - 1) * count for width, count in widths.items()), default=0)


def _encoding(path: Path) -> tuple[bytes, str]:
    """The byte-order mark, and the encoding behind it; without one UTF-8 if the whole file is, else Windows-1252.

    Raises:
        UnreadableFile: the file is not text, or not text in any of these.
    """
    with path.open("rb") as file:
        start = file.read(_WIDE_SEARCH_BYTES)
    mark = next((mark for mark in _MARKS if start.startswith(mark)), b"")
    possible = [_MARKS[mark]] if mark else _wide_encodings(start) or ["utf-8", "windows-1252"]
    if not possible[0].startswith("utf-16") and _holds(path, b"\x00"):
        raise UnreadableFile(
            "not_text",
            "the file is not text and not a workbook",
            "Send the CSV or .xlsx export, not a file of another program.",
        )
    for encoding in possible:
        if _is_encoded(path, len(mark), encoding):
            return mark, encoding
    raise UnreadableFile(
        "unknown_encoding",
        f"the file says that it is {_MARKS[mark].upper()} text, and is not all through"
        if mark
        else "the file is text in an encoding that is neither UTF-8, UTF-16 nor Windows-1252",
        "Save it again as “CSV UTF-8” from the program it came from; a file that broke off on its way, send again.",
    )


def _wide_encodings(start: bytes) -> list[str]:
    """The UTF-16 that text without a mark is: most first bytes of a pair are zero and no second one, or the reverse."""
    pairs = len(start) // 2
    before, behind = start[0 : 2 * pairs : 2].count(0), start[1 : 2 * pairs : 2].count(0)
    if not pairs or max(before, behind) < 0.6 * pairs or min(before, behind) > 0:
        return []
    return ["utf-16-be" if before else "utf-16-le"]


def _holds(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        # Of several bytes, only those that lie within one chunk: what is asked for never straddles two.
        return any(mark in chunk for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""))


def _is_encoded(path: Path, start: int, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    is_wide = encoding.startswith("utf-16")
    with path.open("rb") as file:
        file.seek(start)
        try:
            while chunk := file.read(_CHUNK_BYTES):
                # Most text is ASCII, which needs no decoding, unless the chunk before broke off within a character.
                if is_wide or not chunk.isascii() or decoder.getstate()[0]:
                    decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _not_readable(error: Exception) -> tuple[str, str, str]:
    if "straddl" in str(error):
        return (
            "row_too_long",
            f"a row is longer than {_BLOCK_BYTES / 1_000_000:.0f} million bytes",
            "See whether a line's end or a quotation mark is missing, and send the file again.",
        )
    return (
        "not_readable",
        f"the file cannot be read as a table ({_first_line(error)})",
        "Open it in the program it came from, check its last rows, and save it again as CSV.",
    )


def _holds_rows(text: str | None, delimiter: str, width: int) -> bool:
    """Whether a row runs over lines that are rows themselves."""
    return text is not None and any(line.count(delimiter) >= width - 1 for line in _lines(text)[1:-1])


def _lines(text: str) -> list[str]:
    """The lines of a text as a table has them; Python takes a form feed and others for the end of one as well."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def _has_lines(text: str | None) -> bool:
    return text is not None and ("\n" in text or "\r" in text)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__


def normalise_header(header: str) -> str:
    """A header as it is compared: case, spaces of any kind and a byte-order mark make no difference."""
    return " ".join(header.replace("\ufeff", "").split()).casefold()


def header_positions(headers: Sequence[str]) -> dict[str, list[int]]:
    """Normalised header → its positions, from the left; empty headers are left out."""
    positions: dict[str, list[int]] = {}
    for position, header in enumerate(headers):
        if normalised := normalise_header(header):
            positions.setdefault(normalised, []).append(position)
    return positions
