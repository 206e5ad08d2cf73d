"""What a reader makes of the files that programs and people save."""

from __future__ import annotations

import codecs
import csv
import io
import random
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from ingestion import readers
from ingestion.readers import ROW, Sheet, UnreadableFile, header_positions, normalise_header, read_sheets
from tests.integration.builders import write_workbook

Row = tuple[int, *tuple[str | None, ...]]


def sheet_of(folder: Path, content: str | bytes, delimiter: str | None = None) -> Sheet:
    """The likeliest table of a text file, or the one with a delimiter."""
    path = folder / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return next(sheet for sheet in read_sheets(path) if delimiter in (None, sheet.delimiter))


def read(sheet: Sheet, header_row: int = 1) -> list[Row]:
    return [tuple(row.values()) for row in sheet.rows(header_row).read_all().to_pylist()]


def refused(folder: Path, content: bytes, header_row: int = 1) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as refusal:
        read(sheet_of(folder, content), header_row)
    return refusal.value


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("Name,Place,Note\nZoë,Łódź,“a” €5\n".encode(), id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + "Name,Place,Note\nZoë,Łódź,“a” €5\n".encode(), id="utf-8 with a mark"),
        pytest.param(
            codecs.BOM_UTF16_LE + "Name\tPlace\tNote\r\nZoë\tŁódź\t“a” €5\r\n".encode("utf-16-le"), id="utf-16-le"
        ),
        pytest.param("Name\tPlace\tNote\r\nZoë\tŁódź\t“a” €5\r\n".encode("utf-16-le"), id="utf-16-le without a mark"),
        pytest.param("Name\tPlace\tNote\r\nZoë\tŁódź\t“a” €5\r\n".encode("utf-16-be"), id="utf-16-be without a mark"),
        pytest.param(
            codecs.BOM_UTF16_BE + "Name\tPlace\tNote\r\nZoë\tŁódź\t“a” €5\r\n".encode("utf-16-be"), id="utf-16-be"
        ),
    ],
)
def test_unicode_is_read_in_every_encoding_that_carries_it(tmp_path: Path, content: bytes) -> None:
    sheet = sheet_of(tmp_path, content)
    assert sheet.top[0] == ["Name", "Place", "Note"]
    assert read(sheet) == [(2, "Zoë", "Łódź", "“a” €5")]


@pytest.mark.parametrize("tail", ["\n", ""])
def test_windows_1252_is_read_where_the_file_is_not_utf_8(tmp_path: Path, tail: str) -> None:
    # Without the line's end the last byte is the only one that UTF-8 cannot be.
    content = f"Name;Price;Place\nZoe;€5 – “so”;café{tail}".encode("windows-1252")
    assert read(sheet_of(tmp_path, content)) == [(2, "Zoe", "€5 – “so”", "café")]


def test_a_character_that_ends_where_the_next_part_of_the_file_begins_is_told_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_CHUNK_BYTES", 8)
    # Each character begins in the last byte of one part; of the second file, it is followed by a part of plain text.
    assert sheet_of(tmp_path, "A,B\n123é56,789\n".encode()).encoding == "utf-8"
    assert sheet_of(tmp_path, b"A,B\n123\xc3next,one\xa9123,456\n").encoding == "windows-1252"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_makes_a_table(tmp_path: Path, delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in (["A", "B", "C"], ["1", "2", "3"], ["4", "5", "6"])]
    sheet = sheet_of(tmp_path, "\n".join(lines))
    assert sheet.delimiter == delimiter
    assert read(sheet) == [(2, "1", "2", "3"), (3, "4", "5", "6")]


def test_a_list_with_more_semicolons_than_the_row_has_commas_leaves_the_comma_table_to_be_found(tmp_path: Path) -> None:
    text = "ID,Name,Also known as\n1,One,a; b; c; d; e; f\n2,Two,g; h; i; j; k; l\n"
    sheet = sheet_of(tmp_path, text, delimiter=",")
    assert read(sheet) == [(2, "1", "One", "a; b; c; d; e; f"), (3, "2", "Two", "g; h; i; j; k; l")]


def test_a_row_has_the_number_it_has_in_a_spreadsheet(tmp_path: Path) -> None:
    text = (
        '"A\nfirst","B",C\n'  # 1: a header over two lines is one row
        "1,2,3\n"  # 2
        "\n"  # 3: empty
        '4,"five\r\nlines\n\n\n",6\n'  # 4
        "7,8\n"  # 5: too few
        "9,10,11,12\n"  # 6: too many
        '13,"say ""so""",15\n'  # 7
        ",,\n"  # 8
        "16,17,18"  # 9, without a line's end
    )
    sheet = sheet_of(tmp_path, text)
    assert read(sheet) == [
        (2, "1", "2", "3"),
        (3, "", "", ""),
        (4, "4", "five\r\nlines", "6"),
        (7, "13", 'say "so"', "15"),
        (8, "", "", ""),
        (9, "16", "17", "18"),
    ]
    assert sheet.misshapen == [(5, 2), (6, 4)]
    assert read(sheet)[0] == (2, "1", "2", "3")
    assert sheet.misshapen == [(5, 2), (6, 4)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_parts_rows(tmp_path: Path, end: str) -> None:
    sheet = sheet_of(tmp_path, end.join(["A,B", "1,2", "", "3,4", ""]))
    assert read(sheet) == [(2, "1", "2"), (3, "", ""), (4, "3", "4")]


@pytest.mark.parametrize(
    "titles",
    [
        ["Training report"],
        ["Training report, autumn", ""],
        ["Training report,,", "", "a,b,c", "d"],
        ['"Report', 'over ""two"" lines"', "x,y,z,w"],
        ["é" * 50, ",", ",,"],
    ],
    ids=len,
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_title_rows_above_the_header_are_counted_and_not_read(tmp_path: Path, titles: list[str], encoding: str) -> None:
    text = "\n".join([*titles, "A,B,C", "1,2,3", "4,5", "6,7,8", ""])
    sheet = sheet_of(tmp_path, text.encode(encoding), delimiter=",")
    header_row = sheet.top.index(["A", "B", "C"]) + 1
    assert read(sheet, header_row) == [(header_row + 1, "1", "2", "3"), (header_row + 3, "6", "7", "8")]
    assert sheet.misshapen == [(header_row + 2, 2)]


def test_white_space_around_a_cell_is_taken_off_and_within_it_stays(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, "A,B,C\n 1\t,\u00a0two  words\u00a0,\u3000\n")
    assert read(sheet) == [(2, "1", "two  words", "")]


@pytest.mark.parametrize("content", ["A,B,C", "A,B,C\n", "A,B,C\r\n"])
def test_a_header_alone_has_no_rows(tmp_path: Path, content: str) -> None:
    assert read(sheet_of(tmp_path, content)) == []


def test_rows_are_numbered_right_across_the_blocks_of_a_long_file(tmp_path: Path) -> None:
    filler = "x" * 300
    cells = [[str(n), filler, "short"] if n % 1000 else [str(n), "a\nb"] for n in range(2, 40_000)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["A", "B", "C"], *cells])
    sheet = sheet_of(tmp_path, text.getvalue())
    numbers = sheet.rows(1).read_all()
    assert numbers[ROW].to_pylist() == [n for n in range(2, 40_000) if n % 1000]
    assert numbers["c0"].to_pylist() == [str(n) for n in range(2, 40_000) if n % 1000]
    assert sheet.misshapen == [(n, 2) for n in range(1000, 40_000, 1000)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param('A,B,C\n1,2,3\n4,"5,6\n7,8,9\n', id="before the last column"),
        pytest.param('A,B,C\n1,2,3\n4,5,"6\n7,8,9\n', id="in the last column"),
        pytest.param('A,B,C\n1,2,3\n4,5,"6\n7,8,9', id="without a line's end"),
        pytest.param('A,B,C\n1,2,"3\n' + "4,5,6\n" * 400_000, id="over more than one block"),
        pytest.param('A,B,C\n1,5" pipe,3\n4,"5,6\n7,8,9\n', id="beside a stray one"),
        pytest.param("A,B,C\n" + "1,2,3\n" * 1_000_000 + '4,"5,6\n7,8,9\n', id="behind more than one block"),
    ],
)
def test_a_quotation_mark_that_never_closes_is_told_apart_from_a_long_cell(tmp_path: Path, content: str) -> None:
    refusal = refused(tmp_path, content.encode())
    assert refusal.rule == "quote_never_closes"
    assert "mend its quotation marks" in refusal.remedy


def test_a_stray_quotation_mark_inside_a_cell_does_no_harm(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, 'A,B,C\n1,5" pipe,3\n4,5,"6\n6"\n')
    assert read(sheet) == [(2, "1", '5" pipe', "3"), (3, "4", "5", "6\n6")]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty_file"),
        (b"\x00\x01\x02\x03" * 100, "not_text"),
        ("A,B\n1,2\n".encode("utf-16-le") + b"\x00\x00", "not_text"),
        (b"A,B\n" + b"1,2\n" * 500_000 + b"\x00", "not_text"),
        (b"A,B\n1,\x81\n", "unknown_encoding"),
        (codecs.BOM_UTF8 + b"A,B\n1,caf\xe9\n", "unknown_encoding"),
        (codecs.BOM_UTF16_LE + "A\tB\n".encode("utf-16-le") + b"\x41", "unknown_encoding"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_or_locked_workbook"),
        (b"PK\x03\x04", "not_a_workbook"),
        (b"one column\n1\n", "one_column"),
        (b"A,B\n1," + b"x" * (1 << 23) + b"\n", "row_too_long"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_reason(tmp_path: Path, content: bytes, rule: str) -> None:
    refusal = refused(tmp_path, content)
    assert refusal.rule == rule
    assert refusal.remedy


def packed(*parts: str) -> bytes:
    folder = io.BytesIO()
    with zipfile.ZipFile(folder, "w") as archive:
        for part in parts:
            archive.writestr(part, "<x/>")
    return folder.getvalue()


@pytest.mark.parametrize(
    ("content", "rule", "kind"),
    [
        # Without a zero byte, so that it might be taken for text.
        (b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", "not_text", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not_text", "an image (PNG)"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "not_text", "an image (JPEG)"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "WordDocument".encode("utf-16-le") + bytes(600),
            "not_text",
            "a Word document (.doc)",
        ),
        (packed("[Content_Types].xml", "word/document.xml"), "not_a_workbook", "a Word document"),
        (packed("[Content_Types].xml", "ppt/presentation.xml"), "not_a_workbook", "a PowerPoint presentation"),
    ],
)
def test_a_document_of_another_kind_is_called_by_its_name(tmp_path: Path, content: bytes, rule: str, kind: str) -> None:
    refusal = refused(tmp_path, content)
    assert (refusal.rule, str(refusal)) == (rule, f"it is {kind}; only CSV files and workbooks are read")
    assert refusal.remedy.startswith("Export the table as CSV or XLSX")


def test_why_reading_broke_off_is_kept_for_whoever_pulls_the_rows(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, b"A,B\n1," + b"x" * (1 << 23) + b"\n")
    with pytest.raises(UnreadableFile):
        read(sheet)
    assert sheet.broke_off is not None
    assert sheet.broke_off[0] == "row_too_long"


# --- workbooks ---------------------------------------------------------------------------------------------------


def workbook(folder: Path, sheets: dict[str, list[list[object]]], hidden: tuple[str, ...] = ()) -> list[Sheet]:
    return read_sheets(write_workbook(folder / "file.xlsx", sheets, hidden=hidden))  # type: ignore[arg-type]


def test_a_workbook_gives_numbers_dates_and_truth_values_as_a_person_would_write_them(tmp_path: Path) -> None:
    (sheet,) = workbook(
        tmp_path,
        {
            "Data": [
                ["Number", "Date", "Yes", "Text"],
                [7, datetime(2025, 9, 15, 10, 11, 12), True, "007"],
                [12.5, datetime(2025, 9, 15), False, " two\nlines "],
                [0.1 + 0.2, "31/02/2025", None, None],
                [12345678901234, None, None, None],
                [-3, None, None, "last"],
            ]
        },
    )
    assert sheet.name == "Data"
    assert read(sheet) == [
        (2, "7", "2025-09-15 10:11:12", "true", "007"),
        (3, "12.5", "2025-09-15 00:00:00", "false", "two\nlines"),
        (4, "0.3", "31/02/2025", "", ""),
        (5, "12345678901234", "", "", ""),
        (6, "-3", "", "", "last"),
    ]


def test_a_formula_that_failed_is_text_and_not_an_empty_cell(tmp_path: Path) -> None:
    (sheet,) = workbook(tmp_path, {"Data": [["A", "B"], ["x", "=NA()"], ["=NA()", "y"]]})
    assert read(sheet) == [(2, "x", "#N/A"), (3, "#N/A", "y")]


def test_empty_rows_in_a_workbook_keep_the_numbers_of_those_below(tmp_path: Path) -> None:
    (sheet,) = workbook(tmp_path, {"Data": [[], [], [None, "A", "B"], [], [None, "1", "2"]]})
    assert sheet.top == [["", ""], ["", ""], ["A", "B"], ["", ""], ["1", "2"]]
    assert read(sheet, 3) == [(4, "", ""), (5, "1", "2")]


def test_hidden_and_empty_sheets_are_passed_over(tmp_path: Path) -> None:
    sheets = workbook(
        tmp_path, {"Data": [["A"], ["1"]], "Lists": [["B"], ["2"]], "Empty": [], "More": [["C"]]}, hidden=("Lists",)
    )
    assert [sheet.name for sheet in sheets] == ["Data", "More"]


def test_a_workbook_whose_visible_sheets_are_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no visible sheet holds anything"):
        workbook(tmp_path, {"Empty": [], "Lists": [["B"]]}, hidden=("Lists",))


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.xlsx", "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(UnreadableFile, match="it is a zip folder with 1 file in it and no workbook"):
        read_sheets(tmp_path / "photos.xlsx")


def test_a_workbook_is_read_whatever_its_name_says(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "file.xlsx", {"Data": [["A", "B"], ["1", "2"]]}).rename(tmp_path / "file.xls")
    (sheet,) = read_sheets(path)
    assert read(sheet) == [(2, "1", "2")]


def test_the_end_mark_of_an_old_program_is_no_row(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, b"A,B\n1,2\n\x1a")
    assert read(sheet) == [(2, "1", "2")]
    assert sheet.misshapen == []


def test_a_form_feed_and_the_like_end_no_row(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, 'A,B,C\n\x85,2,"\x0c4",5\n\u2028,7,8\n'.encode())
    assert read(sheet) == [(3, "", "7", "8")]
    assert sheet.misshapen == [(2, 4)]


def test_a_quotation_mark_that_takes_in_rows_refuses_the_file_by_its_row(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, b'A,B,C\n1,2,3\n4,"5,6\n7,8,9\n10,11,12\n13,14",15,16\n')
    with pytest.raises(UnreadableFile) as refused:
        list(sheet.batches(1))
    assert refused.value.rule == "quote_closes_late"
    assert str(refused.value) == (
        "a quotation mark in row 3 is closed only 3 lines further down, so that the rows between hide in one cell"
    )


def test_a_workbook_that_broke_on_its_way_is_refused_and_never_raises_anything_else(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "file.xlsx", {"Data": [["A", "B"], *[[n, f"text {n}"] for n in range(50)]]})
    whole = path.read_bytes()
    luck = random.Random(20250915)
    outcomes = []
    for number in range(60):
        broken = bytearray(whole[: luck.randrange(5, len(whole))] if number % 2 else whole)
        for _ in range(luck.choice([1, 5, 50])):
            broken[luck.randrange(4, len(broken))] = luck.randrange(256)
        path.write_bytes(bytes(broken))
        try:
            outcomes.append("read" if [read(sheet) for sheet in read_sheets(path)] else "nothing")
        except UnreadableFile as refusal:
            outcomes.append(refusal.rule)
    assert set(outcomes) <= {"read", "not_a_workbook", "empty_file"}
    assert outcomes.count("not_a_workbook") >= 30


# --- headers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["Session date", "session  DATE ", "\ufeffSession date", "Session\u00a0date", "Session\ndate"]
)
def test_headers_are_compared_without_case_and_spaces(header: str) -> None:
    assert normalise_header(header) == "session date"


def test_a_header_that_stands_twice_has_two_positions_and_an_empty_one_none() -> None:
    assert header_positions(["ID", "", " id", "Name", "  "]) == {"id": [0, 2], "name": [3]}


def test_empty_cells_that_every_row_has_behind_the_header_are_no_cells(tmp_path: Path) -> None:
    path = tmp_path / "padded.csv"
    path.write_text("A,B\n1,2,,\n3,,,\n,,,\n5,6,,x\n7,8\n", encoding="utf-8")
    sheet = read_sheets(path)[0]
    # The rows that are looked at for it end before the one that has something there.
    sheet.top = sheet.top[:4]
    assert read(sheet) == [(2, "1", "2"), (3, "3", ""), (4, "", ""), (6, "7", "8")]
    assert sheet.misshapen == [(5, 4)]


def test_columns_without_a_header_may_be_missing_from_a_row(tmp_path: Path) -> None:
    path = tmp_path / "ends.csv"
    path.write_text("A,B,,\n1,2,,\n3,4\n5\n6,7,,,\n", encoding="utf-8")
    sheet = read_sheets(path)[0]
    assert sorted(read(sheet)) == [(2, "1", "2", "", ""), (3, "3", "4", "", "")]
    assert sorted(sheet.misshapen) == [(4, 1), (5, 5)]
