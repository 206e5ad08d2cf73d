"""File formats: a path in, one or more tables of text out, nothing interpreted.

A reader knows encodings, delimiters, sheets and header rows. It does not know what a column means: every cell is text
as the file has it, with the row number that a person sees when the file is open in a spreadsheet.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import fastexcel
import numpy as np
import pyarrow as pa
import pyarrow.csv

#: Rows from the top in which a header is looked for; survey tools and hand-made sheets put titles above it.
HEADER_SEARCH_ROWS = 20
#: Bytes from the top that are enough to hold those rows.
_HEAD_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 20
_DELIMITERS = ",;\t|"
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

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
    _cells: pa.Table | None = None

    def rows(self, header_row: int) -> pa.RecordBatchReader:
        """The rows below the header, all text: columns ``c0``, ``c1``, … by position, and ``source_row``.

        Args:
            header_row: the header's row number, counted from 1.

        Raises:
            UnreadableFile: the file breaks off inside a quoted cell or is not text all through.
        """
        if self._cells is not None:
            return _sheet_rows(self._cells, header_row)
        return self._text_rows(header_row)

    def _text_rows(self, header_row: int) -> pa.RecordBatchReader:
        names = [f"c{i}" for i in range(len(self.top[header_row - 1]))]
        if len(names) == 1:
            # Arrow reads a line of one column that is empty as no line at all.
            raise UnreadableFile(
                "one_column",
                "the file has only one column",
                "Save it again as CSV with commas between the columns, or send the original spreadsheet.",
            )
        schema = pa.schema([(ROW, pa.int64()), *((name, pa.string()) for name in names)])
        return pa.RecordBatchReader.from_batches(schema, self._numbered_batches(names, schema, header_row))

    def _numbered_batches(self, names: list[str], schema: pa.Schema, header_row: int) -> Iterator[pa.RecordBatch]:
        self.misshapen.clear()
        skipped: set[int] = set()

        def set_aside(row: pyarrow.csv.InvalidRow) -> str:
            if row.number > header_row:
                skipped.add(row.number)
                self.misshapen.append((row.number, row.actual_columns))
            return "skip"

        unbalanced = _has_odd_quotes(self.path)
        next_row, last = header_row + 1, None
        # Arrow counts only rows of the header's width, and an empty line as one.
        title_rows = sum(len(row) in (0, len(names)) for row in self.top[: header_row - 1])
        try:
            with closing(
                pyarrow.csv.open_csv(
                    self.path,
                    read_options=pyarrow.csv.ReadOptions(
                        use_threads=False,
                        column_names=names,
                        skip_rows_after_names=title_rows + 1,
                        encoding=self.encoding,
                        block_size=_CHUNK_BYTES * 4,
                    ),
                    parse_options=pyarrow.csv.ParseOptions(
                        delimiter=self.delimiter,
                        newlines_in_values=True,
                        ignore_empty_lines=False,
                        invalid_row_handler=set_aside,
                    ),
                    convert_options=pyarrow.csv.ConvertOptions(
                        column_types={name: pa.string() for name in names}, strings_can_be_null=False
                    ),
                )
            ) as reader:
                for batch in reader:
                    numbers = _row_numbers(next_row, batch.num_rows, skipped)
                    if batch.num_rows:
                        next_row, last = int(numbers[-1]) + 1, batch
                    yield pa.record_batch([pa.array(numbers), *batch.columns], schema=schema)
        except pa.ArrowInvalid as error:
            raise UnreadableFile(
                "not_readable",
                f"the file cannot be read as a table ({_first_line(error)})",
                "Open it in the program it came from, check its last rows, and save it again as CSV.",
            ) from error
        if unbalanced and last is not None and any("\n" in (c[-1].as_py() or "") for c in last.columns):
            raise UnreadableFile(
                "quote_never_closes",
                "a quotation mark opens a cell and never closes, so the rest of the file hides in one cell",
                "Find the row where the table breaks off, mend its quotation marks and send the file again.",
            )


def _row_numbers(first: int, count: int, skipped: set[int]) -> np.ndarray:
    """The next ``count`` row numbers from ``first`` on, without those that were set aside."""
    if not skipped:
        return np.arange(first, first + count, dtype=np.int64)
    numbers = np.arange(first, first + count + len(skipped), dtype=np.int64)
    return numbers[~np.isin(numbers, list(skipped))][:count]


def _sheet_rows(cells: pa.Table, header_row: int) -> pa.RecordBatchReader:
    below = cells.slice(header_row)
    numbers = pa.array(np.arange(header_row + 1, header_row + 1 + below.num_rows, dtype=np.int64))
    return below.add_column(0, ROW, numbers).to_reader()


def read_sheets(path: Path) -> list[Sheet]:
    """The tables of a file: one for text, one per visible sheet that holds anything for a workbook.

    Raises:
        UnreadableFile: the file is empty, of no known format, or broken; says which.
    """
    if path.stat().st_size == 0:
        raise UnreadableFile("empty_file", "the file is empty (0 bytes)", "Export it again and send the new file.")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK\x03\x04"):
        return _workbook(path)
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise UnreadableFile(
            "old_or_locked_workbook",
            "the file is a workbook with a password, or one of the old .xls format",
            "Take the password off, save it as .xlsx and send it again.",
        )
    return [_text(path)]


def _workbook(path: Path) -> list[Sheet]:
    try:
        workbook = fastexcel.read_excel(path)
        sheets = []
        for name in workbook.sheet_names:
            sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            if sheet.visible != "visible" or sheet.width == 0:
                continue
            table = pa.table(sheet.to_arrow())
            table = table.rename_columns([f"c{i}" for i in range(table.num_columns)])
            top = [[str(cell or "") for cell in row.values()] for row in table.slice(0, HEADER_SEARCH_ROWS).to_pylist()]
            sheets.append(Sheet(path=path, name=name, top=top, _cells=table))
    except fastexcel.FastExcelError as error:
        raise UnreadableFile(
            "not_a_workbook",
            f"the file cannot be opened as a workbook ({_first_line(error)})",
            "Open it in the spreadsheet program, save it again as .xlsx and send the new file.",
        ) from error
    if not any(sheet.top for sheet in sheets):
        raise UnreadableFile("empty_file", "no visible sheet holds anything", "Export it again and send the new file.")
    return [sheet for sheet in sheets if sheet.top]


def _text(path: Path) -> Sheet:
    encoding = _encoding(path)
    with path.open("rb") as file:
        head = codecs.getincrementaldecoder(encoding)().decode(file.read(_HEAD_BYTES))
    delimiter = _delimiter(head)
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    top = []
    try:
        for row in reader:
            top.append([cell.removeprefix("\ufeff") for cell in row])
            if len(top) == HEADER_SEARCH_ROWS:
                break
    except csv.Error as error:
        raise UnreadableFile(
            "not_readable",
            f"the file cannot be read as a table ({error})",
            "Save it again as CSV from the program it came from.",
        ) from error
    arrow_encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    return Sheet(path=path, name=None, top=top, encoding=arrow_encoding, delimiter=delimiter)


def _encoding(path: Path) -> str:
    """UTF-8 or UTF-16 by their marks, else UTF-8 if the whole file is, else Windows-1252."""
    with path.open("rb") as file:
        start = file.read(4)
        for mark, encoding in _MARKS.items():
            if start.startswith(mark):
                return encoding
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        is_utf8 = True
        while chunk := file.read(_CHUNK_BYTES):
            if b"\x00" in chunk:
                raise UnreadableFile(
                    "not_text",
                    "the file is not text and not a workbook",
                    "Send the CSV or .xlsx export, not a file of another program.",
                )
            if is_utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
    return "utf-8" if is_utf8 else "windows-1252"


def _delimiter(head: str) -> str:
    """The delimiter under which the first rows have the most cells."""

    def cells(delimiter: str) -> int:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
        try:
            return max((len(row) for row, _ in zip(rows, range(HEADER_SEARCH_ROWS), strict=False)), default=0)
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=cells)


def _has_odd_quotes(path: Path) -> bool:
    quotes = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            quotes += chunk.count(b'"')
    return quotes % 2 == 1


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
