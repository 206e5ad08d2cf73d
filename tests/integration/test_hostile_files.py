"""Files that mean harm: each is refused or made harmless, in bounded time and memory, and the others land."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ingestion import landing, readers, split
from ingestion.home import Home, open_home
from ingestion.landing import check_file, land_inbox
from ingestion.pseudonyms import KEY_VARIABLE
from ingestion.workbooks import read_workbook
from tests.integration.builders import (
    EVENTS_HEADER,
    TRAINING_HEADER,
    booking,
    csv_text,
    event,
    landed,
    make_home,
    put_register,
    rows,
    write,
    write_workbook,
)

#: Names that would mean something to a shell, to SQL, to DuckDB's patterns of files, to a screen or to a web address.
NAMES = (
    "--help.csv", "*.csv", "?[a-z]{x,y}.csv", "a'; drop table raw; --.csv", 'quo"ted.csv', "$(touch owned) `id`.csv",
    "up\\..\\..\\up.csv", "%2e%2e%2fup.csv", "https:/example.org/x.csv", "s3:/bucket/x.csv", "new\nline.csv",
    "colour\x1b[31m.csv", "right\u202ecsv.xlsx.csv", "zero\u200bwidth.csv", "=cmd|' C calc'!A0.csv", "😀 Łódź.csv",
    "n" * 251 + ".csv", "folder.csv/inside.csv",
)  # fmt: skip
#: Bytes that are no UTF-8, and still a name to the file system.
UNDECODABLE = b"caf\xe9.csv"
#: Lands the home named first and prints what became of each file, and what it took.
LANDS = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
from ingestion.home import open_home
from ingestion.landing import land_inbox
from ingestion.workbooks import _READER
reports = land_inbox(open_home(Path(sys.argv[1])))
_READER.close()
# What getrusage says of this process itself begins with what the process that started it had used.
[own] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({
    "files": {
        r.file_name: [r.status, [f.rule for f in r.findings], [f.sentence() for f in r.findings]] for r in reports
    },
    "megabytes": [int(own) / 1024, children / 1024],
}))
"""
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def workbook_of(path: Path, sheet: Iterable[str], strings: Iterable[str] = ("<sst/>",), **more: bytes) -> None:
    """A workbook with one sheet whose XML is given, and any further parts."""
    write_workbook(path, {"Sheet1": [["x"]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = "".join(sheet).encode()
    parts["xl/sharedStrings.xml"] = "".join(strings).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in (parts | more).items():
            archive.writestr(name, content)


def sheet_of(*sheet_rows: str, before: str = "") -> list[str]:
    return [f'<?xml version="1.0"?>{before}<worksheet {NAMESPACE}><sheetData>', *sheet_rows, "</sheetData></worksheet>"]


def inline(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def put_workbooks(folder: Path) -> dict[str, str]:
    """Workbooks that ask a reader for more than there is; the rule that refuses each."""
    head = '<row r="1">' + "".join(inline(f"{c}1", h) for c, h in zip("ABCDEF", EVENTS_HEADER, strict=True)) + "</row>"
    workbook_of(folder / "far apart.xlsx", sheet_of(head, f'<row r="1048576">{inline("XFD1048576", "x")}</row>'))
    shared = (f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 20_000))
    text = "x" * (1 << 20)
    workbook_of(folder / "shared.xlsx", sheet_of(head, *shared), [f"<sst {NAMESPACE}><si><t>{text}</t></si></sst>"])
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
    entities = f'<!DOCTYPE w [<!ENTITY l0 "ha">{laughs}]>'
    workbook_of(folder / "laughs.xlsx", sheet_of(head, f'<row r="2">{inline("A2", "&l19;")}</row>', before=entities))
    with zipfile.ZipFile(folder / "nested.xlsx", "w") as archive:
        archive.write(folder / "shared.xlsx", "inner.zip")
    workbook_of(folder / "declares.xlsx", sheet_of(head))
    content = bytearray((folder / "declares.xlsx").read_bytes())
    # The size that the first part says that it has, in the folder's list.
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 4_000_000_000)
    (folder / "declares.xlsx").write_bytes(content)
    (folder / "locked.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096))
    (folder / "program.csv").write_bytes(b"MZ\x90\x00" + bytes(range(256)) * 16)
    return {
        "far apart.xlsx": "workbook_too_costly",
        "shared.xlsx": "workbook_too_costly",
        "laughs.xlsx": "not_a_workbook",
        "nested.xlsx": "zip_folder",
        "declares.xlsx": "workbook_too_large",
        "locked.xlsx": "old_or_locked_workbook",
        "program.csv": "not_text",
    }


def put_texts(folder: Path) -> dict[str, str]:
    """Texts without an end, and the like; the rule that refuses each."""
    header = ",".join(EVENTS_HEADER)
    long = "x" * (12 << 20)
    write(folder / "a million columns.csv", ",".join(f"column {n}" for n in range(1_000_000)) + "\n1,2\n")
    write(folder / "wide.csv", header + "," * 3000 + "\n")
    write(folder / "one line.csv", long)
    write(folder / "long cell.csv", f"{header}\n01/10/2024,{long},Briefing,Health,Ashfield,3\n")
    write(folder / "open quote.csv", f'{header}\n01/10/2024,"{long}')
    write(folder / "null.csv", f"{header}\n01/10/2024,a\0b,Briefing,Health,Ashfield,3\n")
    with (folder / "large.csv").open("wb") as file:
        file.write(header.encode())
        file.truncate(600_000_000)
    return {
        "a million columns.csv": "row_too_long",
        "wide.csv": "too_many_columns",
        "one line.csv": "row_too_long",
        "long cell.csv": "row_too_long",
        "open quote.csv": "quote_never_closes",
        "null.csv": "not_text",
        "large.csv": "file_too_large",
    }


def put_what_is_no_file(folder: Path, outside: Path) -> dict[str, str]:
    """What lies there without being a file of the inbox; the rule that refuses each."""
    write(outside, csv_text(EVENTS_HEADER, [event(title="Not sent by anybody")]))
    (folder / "leads out.csv").symlink_to(outside)
    (folder / "leads to a device.csv").symlink_to("/dev/zero")
    (folder / "leads to a folder.csv").symlink_to("/")
    os.mkfifo(folder / "pipe.csv")
    return {
        "leads out.csv": "link_leads_out",
        "leads to a device.csv": "not_a_file",
        "leads to a folder.csv": "not_a_file",
        "pipe.csv": "not_a_file",
    }


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, Any], dict[str, str]]:
    """A home into which all of it was sent, what became of each file and what that took, and what refuses which."""
    home = make_home(tmp_path_factory.mktemp("homes") / "home")
    (home.root / "impact.yml").write_text("authority: E08000005\nlargest_file_gb: 0.5\n", encoding="utf-8")
    put_register(home)
    for number, name in enumerate(NAMES):
        write(home.inbox / name, csv_text(EVENTS_HEADER, [event(date=f"{number + 1:02}/10/2024")]))
    write(
        Path(os.fsdecode(os.fsencode(home.inbox) + b"/" + UNDECODABLE)),
        csv_text(EVENTS_HEADER, [event(date="30/10/2024")]),
    )
    workbook = home.inbox / "formulas.xlsm"
    active = {
        "xl/vbaProject.bin": b"Attribute VB_Name = \"AutoOpen\"",
        "xl/externalLinks/externalLink1.xml": b'<externalLink><ddeLink ddeService="cmd"/></externalLink>',
        "xl/embeddings/oleObject1.bin": b"MZ\x90\x00",
    }  # fmt: skip
    formula = '<c r="C2" t="str"><f>cmd|"/C touch owned"!A0</f><v>Informed</v></c>'
    cells = [inline(f"{c}2", v) if c != "C" else formula for c, v in zip("ABCDEFG", booking(), strict=True)]
    row = f'<row r="2">{"".join(cells)}</row>'
    head = f'<row r="1">{"".join(inline(f"{c}1", h) for c, h in zip("ABCDEFG", TRAINING_HEADER, strict=True))}</row>'
    workbook_of(workbook, sheet_of(head, row), **active)
    said = ["Ash\u200bfield", "\u202eAshfield", "'); drop table raw; --", "Ashfield\x1b[2J"]
    values = [event(date=f"{n + 1:02}/11/2024", host=host) for n, host in enumerate(said)]
    write(home.inbox / "values.csv", csv_text([*EVENTS_HEADER, "x'); drop table raw; --"], [[*v, "1"] for v in values]))
    courses = ["Trauma\x07basics", "x" * 40_000, "Trauma\u200b basics", "Trauma\r\nbasics"]
    write(home.inbox / "courses.csv", csv_text(TRAINING_HEADER, [booking(course=course) for course in courses]))
    refused = {
        **put_workbooks(home.inbox),
        **put_texts(home.inbox),
        **put_what_is_no_file(home.inbox, home.root.parent / "outside.csv"),
    }
    environment = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
    ran = subprocess.run(
        [sys.executable, "-c", LANDS, home.root], capture_output=True, text=True, env=environment, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return open_home(home.root), json.loads(ran.stdout.splitlines()[-1]), refused


def test_every_such_file_is_refused_by_its_rule_and_says_what_to_do(
    after: tuple[Home, dict[str, Any], dict[str, str]],
) -> None:
    _, did, refused = after
    assert {name: (did["files"][name][0], did["files"][name][1]) for name in refused} == {
        name: ("refused", [rule]) for name, rule in refused.items()
    }
    assert all(name in did["files"][name][2][0] for name in refused)


def test_none_of_them_took_more_memory_than_a_small_machine_has(
    after: tuple[Home, dict[str, Any], dict[str, str]],
) -> None:
    own, of_workbooks = after[1]["megabytes"]
    assert own < 800
    assert of_workbooks < 2100


def test_a_file_lands_whatever_it_is_called_and_its_name_is_shown_without_harm(
    after: tuple[Home, dict[str, Any], dict[str, str]],
) -> None:
    home, did, _ = after
    harmless = [name for name in NAMES if name.isprintable()]
    shown = {
        "new\\nline.csv",
        "colour\\x1b[31m.csv",
        "right\\u202ecsv.xlsx.csv",
        "zero\\u200bwidth.csv",
        "caf\\xe9.csv",
    }
    for name in {*harmless, *shown}:
        assert did["files"][name][0] == "landed", name
    every = rows(
        "select file_name, coalesce(message, '') from read_parquet(?)", str(home.landing / "source_files.parquet")
    )
    signs = {sign for texts in every for text in texts for sign in text}
    assert {sign for sign in signs if unicodedata.category(sign) in ("Cc", "Cf", "Cs")} == set()
    assert len(landed(home, "events", "source_row")) >= len(NAMES)


def test_nothing_in_a_workbook_is_followed_and_nothing_runs(after: tuple[Home, dict[str, Any], dict[str, str]]) -> None:
    home, did, _ = after
    assert did["files"]["formulas.xlsm"][0] == "landed"
    assert "informed" in [level for (level,) in landed(home, "training_bookings", "course_level")]
    assert list(home.root.rglob("*owned*")) == [home.inbox / "$(touch owned) `id`.csv"]


def test_what_is_not_seen_goes_and_what_programs_obey_is_set_aside(
    after: tuple[Home, dict[str, Any], dict[str, str]],
) -> None:
    home, did, _ = after
    said = did["files"]["values.csv"]
    # Without the marks, the first two are in the register.
    assert [rule for rule in said[1] if rule != "unknown_column"] == ["unknown_organisation"] * 2
    assert not any("\x1b" in sentence for sentence in said[2])
    assert did["files"]["courses.csv"][1] == ["control_character", "cell_too_long"]
    courses = {course for (course,) in landed(home, "training_bookings", "course")}
    assert "Trauma basics" in courses
    assert all(str(course).isprintable() for course in courses)


# --- limits that a small file can meet ------------------------------------------------------------------------------


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    home = make_home(tmp_path / "home")
    put_register(home)
    land_inbox(home)
    return home


@pytest.mark.parametrize("flows", [True, False])
def test_a_file_of_which_nearly_everything_is_wrong_is_refused_as_a_whole(
    registered: Home, monkeypatch: pytest.MonkeyPatch, flows: bool
) -> None:
    monkeypatch.setattr(split, "MOST_FINDINGS", 5)
    monkeypatch.setattr(readers, "MOST_FINDINGS", 5)
    monkeypatch.setattr(landing, "FLOWS_FROM_BYTES", 0 if flows else 1 << 60)
    wrong = csv_text(EVENTS_HEADER, [event(kind="Party")] * 6)
    ragged = csv_text(EVENTS_HEADER, [event()[:4]] * 6)
    for content in (wrong, ragged):
        report = check_file(write(registered.inbox / "events.csv", content), registered)
        assert (report.status, [f.rule for f in report.findings]) == ("refused", ["too_many_wrong"])
    few = check_file(write(registered.inbox / "events.csv", csv_text(EVENTS_HEADER, [event()[:4]] * 5)), registered)
    assert (few.status, few.rows_quarantined) == ("landed", 5)


def test_rows_that_lack_nothing_but_padding_are_put_together_in_parts(
    registered: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(readers, "_MENDED_AT_ONCE", 3)
    text = csv_text([*EVENTS_HEADER, ""], [event(date=f"{1 + n % 28:02}/{1 + n // 28:02}/2024") for n in range(200)])
    report = check_file(write(registered.inbox / "events.csv", text), registered)
    assert (report.rows_read, report.rows_landed, report.findings) == (200, 200, [])


def test_a_file_that_grows_while_it_is_read_waits_for_the_next_run(
    registered: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(registered.inbox / "events.csv", csv_text(EVENTS_HEADER, [event()]))
    land = split.Splitter.land

    def meanwhile(splitter: split.Splitter, place: Path) -> None:
        land(splitter, place)
        with path.open("a", encoding="utf-8") as file:
            file.write(csv_text(event(date="02/10/2024"), []))

    with monkeypatch.context() as patch:
        patch.setattr(split.Splitter, "land", meanwhile)
        assert [report for report in land_inbox(registered) if report.file_name == "events.csv"] == []
    assert landed(registered, "events", "source_row") == []
    (report,) = [report for report in land_inbox(registered) if report.file_name == "events.csv"]
    assert (report.status, report.rows_landed) == ("landed", 2)


def test_what_nobody_foresaw_refuses_one_file_and_quotes_nothing_of_it(
    registered: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(registered.inbox / "a.csv", csv_text(EVENTS_HEADER, [event(title="Zeldamira Quirkington")]))
    write(registered.inbox / "b.csv", csv_text(TRAINING_HEADER, [booking()]))
    keep = split.Splitter.split

    def stumbles(splitter: split.Splitter, *arguments: Any) -> Any:
        if splitter.contract.dataset == "events":
            raise ValueError("could not convert 'Zeldamira Quirkington'")
        return keep(splitter, *arguments)

    monkeypatch.setattr(split.Splitter, "split", stumbles)
    reports = {report.file_name: report for report in land_inbox(registered)}
    assert [finding.rule for finding in reports["a.csv"].findings] == ["not_foreseen"]
    assert "ValueError at" in reports["a.csv"].findings[0].message
    assert reports["b.csv"].status == "landed"
    assert "Quirkington" not in caplog.text + str(reports["a.csv"])


def test_a_full_disk_is_not_held_against_a_file(registered: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write(registered.inbox / "a.csv", csv_text(EVENTS_HEADER, [event()]))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(split.Splitter, "land", full)
    with pytest.raises(OSError, match="No space left"):
        land_inbox(registered)


def test_after_a_workbook_that_ended_its_reader_the_next_one_is_read(tmp_path: Path) -> None:
    put_workbooks(tmp_path)
    with pytest.raises(Exception, match="more than 2 GB of memory"):
        read_workbook(tmp_path / "far apart.xlsx")
    write_workbook(tmp_path / "good.xlsx", {"Data": [["A", "B"], ["1", "2"]]})
    ((name, table),) = read_workbook(tmp_path / "good.xlsx")
    assert (name, table.to_pydict()) == ("Data", {"c0": ["A", "1"], "c1": ["B", "2"]})
