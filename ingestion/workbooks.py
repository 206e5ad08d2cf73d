"""Workbooks are read in a process of their own, which may use so much memory and processor time and no more.

A workbook is a zip folder of XML, and a few hundred bytes of it can ask a reader for gigabytes: a cell in the last row
and column, a text that a million cells share, a folder that unpacks to a hundred thousand times its size. Whatever
such a file does to its reader, it does it to that process: it ends, the file is refused, and the next workbook gets
a new one. The process has no key in its environment, opens nothing but the path it is given, and sends back text.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import resource
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from ingestion.limits import GIGABYTE, LARGEST_TABLES, LARGEST_UNPACKED, MOST_PARTS, WORKBOOK_MEMORY, WORKBOOK_SECONDS

#: What the process inherits of the environment: nothing that is secret.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
_SUFFIXES = (".xlsx", ".xlsm")
#: What a workbook's reader calls a formula's error → what the cell shows.
_CELL_ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
_CELL_ERROR = re.compile(r"Error\((\w+)\)")
#: What Python says of a zip folder that is none; of a way to pack that it does not know, a kind of RuntimeError.
_BROKEN_FOLDER = (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, struct.error)
#: A part that only such a document has → what it is; most programs pack what they save as a zip folder.
_OTHER_DOCUMENTS = {
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
}
EXPORT_THE_TABLE = "Export the table as CSV or XLSX from the program that holds it, and send that."
_COPY_THE_TABLE = "Copy the table alone into a new workbook, or save it as CSV, and send that."
_TOO_COSTLY = (
    "workbook_too_costly",
    f"reading it takes more than {WORKBOOK_MEMORY / GIGABYTE:g} GB of memory or {WORKBOOK_SECONDS} seconds of "
    "computing, or ends the program that reads it",
    _COPY_THE_TABLE,
)


class RefusedWorkbook(Exception):
    """The workbook cannot be read: rule, message and remedy."""

    def __init__(self, rule: str, message: str, remedy: str) -> None:
        """Keep the three."""
        super().__init__(message)
        self.rule, self.remedy = rule, remedy


def read_workbook(path: Path) -> list[tuple[str, pa.Table]]:
    """Name and cells of each visible sheet that holds anything: columns ``c0``, ``c1``, … of text, null where empty.

    What a formula showed when the workbook was saved is its cell's text; no formula, macro or link is followed.

    Raises:
        RefusedWorkbook: it is none, or reading it costs more than any honest one.
        FileNotFoundError: it is not there.
    """
    return _READER.read(path)


class _Reader:
    """The process that reads, started when it is first needed and again when a workbook has ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def read(self, path: Path) -> list[tuple[str, pa.Table]]:
        path.stat()
        with self._lock:
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps(str(path.absolute())).encode() + b"\n")
                process.stdin.flush()
                answer = json.loads(process.stdout.readline())
                if "refused" not in answer:
                    return [(name, pa.ipc.open_stream(process.stdout).read_all()) for name in answer["sheets"]]
            except (OSError, ValueError, pa.ArrowException) as error:
                raise self._ended() from error
        raise RefusedWorkbook(*answer["refused"])

    def close(self) -> None:
        """End the process; it ends by itself when this one does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # A library that gives up may quote the cell that it gave up on.
                stderr=subprocess.DEVNULL,
                env=environment | {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"},
                cwd=Path(__file__).parents[1],
            )
        return self._process

    def _ended(self) -> RefusedWorkbook:
        """Why the process ended over a workbook."""
        self.close()
        return RefusedWorkbook(*_TOO_COSTLY)


_READER = _Reader()
atexit.register(_READER.close)


# --- in the process that reads ----------------------------------------------------------------------------------------


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer one path after the other, until nobody asks any more.

    Args:
        questions: a path in JSON, one a line.
        answers: for each a line of JSON with the names of the sheets, then each of them as a stream of Arrow; or with
            rule, message and remedy of why there are none.
    """
    resource.setrlimit(resource.RLIMIT_AS, (WORKBOOK_MEMORY, WORKBOOK_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for question in questions:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + WORKBOOK_SECONDS, most))
        tables: list[tuple[str, pa.Table]] = []
        try:
            tables = list(_tables(Path(json.loads(question))))
            answer: dict[str, Any] = {"sheets": [name for name, _ in tables]}
        except RefusedWorkbook as error:
            answer = {"refused": [error.rule, str(error), error.remedy]}
        answers.write(json.dumps(answer).encode() + b"\n")
        for _, table in tables:
            with pa.ipc.new_stream(answers, table.schema) as stream:
                stream.write_table(table)
        answers.flush()


def _tables(path: Path) -> Iterator[tuple[str, pa.Table]]:
    import fastexcel

    _refuse_what_unpacks_to_too_much(path)
    taken = 0
    try:
        # By its content and not by its name, which may say otherwise or be no text.
        is_plain = path.suffix.lower() in _SUFFIXES and str(path).isprintable()
        workbook = fastexcel.read_excel(path if is_plain else path.read_bytes())
        for name in workbook.sheet_names:
            sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            if sheet.visible != "visible" or sheet.width == 0:
                continue
            table = _with_errors_shown(*sheet.to_arrow_with_errors())
            taken += table.nbytes
            if taken > LARGEST_TABLES:
                raise RefusedWorkbook(
                    "workbook_too_large",
                    f"its cells hold more than {LARGEST_TABLES / GIGABYTE:g} GB of text",
                    _COPY_THE_TABLE,
                )
            yield name, table
    except (RefusedWorkbook, GeneratorExit, KeyboardInterrupt):
        raise
    except MemoryError as error:
        raise RefusedWorkbook(*_TOO_COSTLY) from error
    except fastexcel.FastExcelError as error:
        raise _no_workbook(path, error) from error
    except BaseException as error:
        # A library written in Rust panics outside of Python's own exceptions.
        raise _no_workbook(path, None) from error


def _refuse_what_unpacks_to_too_much(path: Path) -> None:
    """By what the zip folder says of itself; one that lies about it meets the limits of the process.

    Raises:
        RefusedWorkbook: it has too many parts, or they unpack to too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except _BROKEN_FOLDER:
        # Its reader says better what is wrong with it.
        return
    unpacked = sum(member.file_size for member in members)
    if unpacked > LARGEST_UNPACKED or len(members) > MOST_PARTS:
        raise RefusedWorkbook(
            "workbook_too_large",
            f"it has {len(members):,} parts and unpacks to {unpacked / GIGABYTE:,.1f} GB, where no more than "
            f"{MOST_PARTS:,} parts and {LARGEST_UNPACKED / GIGABYTE:g} GB are read",
            _COPY_THE_TABLE,
        )


def _no_workbook(path: Path, error: Exception | None) -> RefusedWorkbook:
    """Why what begins like a workbook is none, in words of the person who sent it."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except _BROKEN_FOLDER:
        return RefusedWorkbook(
            "not_a_workbook",
            "the file breaks off: it is the beginning of a workbook",
            "It was cut short on its way: send it again, or save it again as .xlsx and send that.",
        )
    if (kind := next((kind for part, kind in _OTHER_DOCUMENTS.items() if part in members), None)) is not None:
        return RefusedWorkbook(
            "not_a_workbook", f"it is {kind}; only CSV files and workbooks are read", EXPORT_THE_TABLE
        )
    if "[Content_Types].xml" not in members:
        return RefusedWorkbook(
            "zip_folder",
            f"it is a zip folder with {len(members):,} file{'' if len(members) == 1 else 's'} in it and no workbook",
            "Unzip it and send the files in it.",
        )
    said = str(error).strip().splitlines()[0][:120] if str(error or "").strip() else "its reader gave up"
    return RefusedWorkbook(
        "not_a_workbook",
        f"the file cannot be opened as a workbook ({said})",
        "Open it in the spreadsheet program, save it again as .xlsx and send the new file.",
    )


def _with_errors_shown(cells: pa.RecordBatch, errors: Any) -> pa.Table:
    """The cells as columns ``c0``, ``c1``, …; a formula's error is the text that the cell shows, and not empty."""
    columns = {f"c{i}": column for i, column in enumerate(cells.columns)}
    found: dict[int, dict[int, str]] = {}
    for error in errors.errors if errors is not None else ():
        row, column = error.offset_position
        kind = _CELL_ERROR.search(error.detail)
        found.setdefault(column, {})[row] = _CELL_ERRORS.get(kind[1], "#ERROR!") if kind else "#ERROR!"
    for column, shown in found.items():
        texts = columns[f"c{column}"].to_pylist()
        for row, text in shown.items():
            texts[row] = text
        columns[f"c{column}"] = pa.array(texts, pa.string())
    return pa.table(columns)


if __name__ == "__main__":
    # Whatever a library prints goes nowhere, and never between the answers.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, out)
