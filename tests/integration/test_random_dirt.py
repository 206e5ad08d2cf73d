"""Random dirt in every format: no file crashes or hangs the landing, and no row vanishes or lands unnoticed."""

from __future__ import annotations

import codecs
import csv
import io
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ingestion import landing, stream
from ingestion.contracts import Column, Contract, load_contracts
from ingestion.home import Home, open_home
from ingestion.instruments import load_instruments
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.pseudonyms import KEY_VARIABLE
from ingestion.split import Splitter
from tests.integration.builders import REGISTER_ROWS, make_home, put_register, rows, write

#: Files of each format and each kind, and the rows that a file holds, most of them dirty. More are tried by setting
#: the variable.
EXAMPLES = int(os.environ.get("IMPACT_DIRTY_FILES", "1"))
ROWS = 30

Cells = list[str]


@dataclass(frozen=True)
class Format:
    """One dataset as one kind of file: what stands above its rows, and a good row of it."""

    dataset: str
    name: str
    header: list[Cells]
    good: Callable[[random.Random, int], Cells]
    #: Columns may stand in any order.
    may_be_shuffled: bool = True
    workbook: bool = False


# --- good rows, from the contract ---------------------------------------------------------------------------------

#: What stands in columns of which the contract alone does not say enough.
_TEXTS = {
    "geographic_level": ("Local authority",),
    "country_code": ("E92000001",),
    "country_name": ("England",),
    "region_code": ("E12000002",),
    "old_la_code": ("354",),
    "new_la_code": ("E08000005",),
    "time_period_sortable": ("20250000",),
    "time_identifier": ("Academic year",),
    "time_period": ("202425", "2025"),
    "year": ("2022/2023",),
    "area_code": ("S12000033",),
    "establishment_number": ("",),
    "other_place": ("",),
    "school_id": ("3542001",),
    "census_date": ("",),
    "census_term": ("Spring",),
    "home_postcode": ("OL16 1XL",),
    "placement_postcode": ("PR1 8XJ",),
    "birth_date": ("05/05/2005", "05/05/2012"),
    "ceased_date": ("31/03/2025",),
    "ended_date": ("31/03/2025",),
    "status_ended_date": ("31/03/2025",),
}


def _may_stand(column: Column, text: str) -> bool:
    if column.codes is not None and text not in column.codes.values:
        return False
    return column.pattern is None or re.fullmatch(column.pattern, text) is not None


def good_cell(column: Column, rng: random.Random, number: int) -> str:
    """A cell that the column's own options allow."""
    if column.personal == "pseudonymise":
        return f"person{number}@school.example"
    usual = _TEXTS.get(column.name, ())
    if fitting := [text for text in usual if _may_stand(column, text)]:
        return rng.choice(fitting)
    if column.codes is not None:
        return rng.choice(list(column.codes.in_year(2025)))
    if column.pattern is not None:
        samples = (f"ORG{number}", "2022/2023", "2025", "202425", "2024/25", "E92000001")
        return next(text for text in samples if _may_stand(column, text))
    match column.type:
        case "integer" | "decimal" | "statistic":
            return str(rng.randint(int(column.minimum or 0), int(column.maximum or 200)))
        case "date" | "timestamp":
            day = datetime(2024, 4, 1) + timedelta(days=rng.randint(0, 300), seconds=rng.randint(0, 80000))
            return day.strftime(rng.choice(column.formats))
        case "boolean":
            return rng.choice(["Yes", "No", "1", "0"])
        case "organisation":
            return rng.choice(["Ashfield", "Moorside Family Centre", "ORG1", f"Setting {number % 40}"])
    return f"{column.name} {number}"


def file_name(contract: Contract) -> str:
    """A path that says all that the contract wants from it."""
    folder = next(iter(contract.recognise.folders), "any") if contract.recognise else "any"
    stem = next((c.example.rsplit(".", 1)[0] for c in contract.context if c.example), f"{contract.dataset} wave 2")
    return f"{folder}/2024-25/{stem}.csv"


def of_contract(contract: Contract) -> Format:
    """The dataset under the first header of each of its columns."""
    columns = list(contract.columns)
    header = [column.headers[0] for column in columns]
    extra = [h for h in (contract.recognise.headers if contract.recognise else []) if h not in header]
    extra = [h for h in extra if not any(h in column.headers for column in columns)]
    lead = [""] if contract.recognise and contract.recognise.first_header_empty else []
    repeats = contract.repeats.columns if contract.repeats is not None else []
    groups = [name for number in range(2) for name in (f"Activity {number}", "")] if repeats else []

    def good(rng: random.Random, number: int) -> Cells:
        own = [good_cell(column, rng, number) for column in columns]
        own = [
            "" if c.may_be_absent and not c.required and rng.random() < 0.2 else cell
            for c, cell in zip(columns, own, strict=True)
        ]
        grouped = [good_cell(column, rng, number) for _ in range(len(groups) // 2) for column in repeats]
        return [*["Somebody"] * len(lead), *own, *["known"] * len(extra), *grouped]

    return Format(
        contract.dataset, file_name(contract), [[*lead, *header, *extra, *groups]], good, may_be_shuffled=not repeats
    )


# --- good rows, of each survey tool -------------------------------------------------------------------------------


def of_survey(contract: Contract, tool: str) -> Format:
    """A survey as a tool exports it."""
    assert contract.survey is not None
    assert contract.survey.instrument is not None
    instrument = load_instruments()[contract.survey.instrument]
    asked = [column for column in contract.columns if column.from_tool is None]
    questions = [*(column.headers[0] for column in asked), *(item.wordings[0] for item in instrument.items)]
    names = [f"Q{number}" for number in range(len(questions))]

    def answers(rng: random.Random, number: int) -> Cells:
        about = [good_cell(column, rng, number) for column in asked]
        said = [rng.choice([*instrument.label_codes(item), ""]) for item in instrument.items]
        return [*about, *said]

    who = ["203.0.113.7", "person@home.example", "Pat", "Person"]
    day, us_day = "2025-09-15 10:12:30", "09/15/2025 10:12:30"
    grids = [f"How far is this so? [{question}]" for question in questions[len(asked) :]]
    numbered = [f"{number}. {question}" for number, question in enumerate(questions, start=1)]
    qualtrics = ["StartDate", "Status", "IPAddress", "Finished", "RecordedDate", "ResponseId", "RecipientEmail"]
    monkey = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address", "First Name"]
    own: dict[str, tuple[list[Cells], Callable[[int], Cells]]] = {
        "microsoft_forms": (
            [["ID", "Start time", "Completion time", "Email", "Name", *questions]],
            lambda n: [str(n), "9/15/25 10:00:00", "9/15/25 10:12:30", who[1], who[2]],
        ),
        "qualtrics": (
            [
                [*qualtrics, *names],
                ["Start Date", "Response Type", "IP Address", "Finished", "Recorded Date", "Response ID", "E-mail",
                 *questions],
                [f'{{"ImportId":"{name}"}}' for name in (*qualtrics, *names)],
            ],
            lambda n: [day, "IP Address", who[0], "True", day, f"R_{n}", who[1]],
        ),
        "surveymonkey": (
            [[*monkey, *questions], [*[""] * len(monkey), *["Response"] * len(questions)]],
            lambda n: [str(10_000 + n), "77", us_day, us_day, who[0], who[1], who[2]],
        ),
        "jisc_online_surveys": (
            [["Unique Response Number", "Completed", *numbered]],
            lambda n: [f"{n}-{n}", day],
        ),
        "google_forms": (
            [["Timestamp", "Email Address", *questions[: len(asked)], *grids]],
            lambda n: [f"2025/09/15 {n % 12 + 1}:12:30 PM", f"{n}{who[1]}"],
        ),
    }  # fmt: skip
    header, own_cells = own[tool]
    return Format(
        contract.dataset,
        file_name(contract),
        header,
        lambda rng, number: [*own_cells(number), *answers(rng, number)],
        may_be_shuffled=tool != "surveymonkey",
    )


TOOLS = ("microsoft_forms", "qualtrics", "surveymonkey", "jisc_online_surveys", "google_forms")
FORMATS: dict[str, Format] = {
    **{dataset: of_contract(c) for dataset, c in load_contracts().items() if c.survey is None},
    **{
        f"{dataset}-{tool}": of_survey(c, tool)
        for dataset, c in load_contracts().items()
        if c.survey is not None and c.survey.instrument is not None
        for tool in TOOLS
    },
}
WORKBOOKS = [name for name in FORMATS if "xlsx" in load_contracts()[FORMATS[name].dataset].formats]

# --- dirt -----------------------------------------------------------------------------------------------------------

#: What ends up in cells: nothing, other types, marks of CSV, control characters, spaces that are none, long texts.
DIRT = (
    "", " ", "\u00a0", "  7 ", "-1", "12.5", "1,234", "1e5", "NaN", "epoch", "infinity", "1e400", "9" * 40, "0x1F",
    "31/02/2024", "2024-10-01", "45678", "45678.5", "99999", "01/13/2024", "1/1/24", "10:11", "NULL", "None", "#N/A",
    "#REF!", "true", "=1+1", "Q", "He said \"no\"", "'", "“quoted”", "a,b;c\td|e", "two\nlines", "two\r\nlines",
    "one\rline", "\u200b", "\ufeff", "\u2028", "\x01", "\x0b\x0c", "\x1c\x1d\x1e\x1f", "\x7f\x85", "e\u0301", "😀",
    "ﬁ", "ǆ", "İ", "ß", "{value}", "{suggestion}", "%s", "\\", "\\n", "$1", "x" * 40_000, "x@y.example",
    "<b>&amp;</b>", "Robert'); drop table raw; --", "\u202eabc", "Agree", "Yes;No", ";;;", "Prefer not to say",
    "+44 161 000 0000", "१२३", "１２３", "٣", "1 234", "1\u202f234", "-", "–", "(12)", "12%", "£5",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A file to send, and what is known of it by having written it."""

    format: Format
    content: bytes
    #: Below the header, as a spreadsheet counts them.
    rows: list[Cells]
    #: Number of the header's last row.
    header_row: int
    #: Rules by which the file may be refused.
    refusals: frozenset[str] = frozenset()
    name: str = ""


def dirty(rng: random.Random, format_: Format, count: int) -> tuple[list[Cells], list[Cells], set[str]]:
    """Header and rows with dirt in them, and the rules by which such a file may be refused."""
    header = [list(row) for row in format_.header]
    width = len(header[0])
    good = [format_.good(rng, number) for number in range(count)]
    refusals: set[str] = set()
    for row in good:
        if rng.random() < 0.6:
            for _ in range(rng.choice([1, 1, 2, 4, width])):
                row[rng.randrange(width)] = rng.choice(DIRT)
    if format_.may_be_shuffled and rng.random() < 0.4:
        order = rng.sample(range(width), width)
        header = [[row[at] for at in order] for row in header]
        good = [[row[at] for at in order] for row in good]
    if format_.may_be_shuffled and rng.random() < 0.3:
        # A column that nobody knows.
        header = [[*row, f"Colour {number}"] for number, row in enumerate(header)]
        good = [[*row, rng.choice(DIRT)] for row in good]
    if format_.may_be_shuffled and rng.random() < 0.1:
        at = rng.randrange(width)
        header, good = [[*r[:at], *r[at + 1 :]] for r in header], [[*r[:at], *r[at + 1 :]] for r in good]
        refusals |= {"header_missing", "not_recognised", "unknown_questionnaire", "completed_at_not_known"}
    if rng.random() < 0.4:
        # The header in capitals, with spaces of several kinds.
        header[0] = [rng.choice([cell.upper(), cell.lower(), cell]).replace(" ", "\u00a0", 1) for cell in header[0]]
    ragged = []
    for row in good:
        match rng.randrange(14):
            case 0:
                ragged += [row, list(row), list(row)]
            case 1:
                ragged.append(row[: rng.randrange(len(row))])
            case 2:
                ragged.append([*row, rng.choice(DIRT)])
            case 3:
                ragged += [row, []]
            case 4:
                ragged += [row, [""] * len(row)]
            case 5:
                ragged.append([row[-1], *row[:-1]])
            case _:
                ragged.append(row)
    return header, ragged, refusals


def dirty_text(rng: random.Random, format_: Format) -> Sent:
    """A text file in any encoding, with any delimiter."""
    header, rows, refusals = dirty(rng, format_, rng.choice([0, 1, ROWS, ROWS]))
    delimiter, line_end = rng.choice(",,,;\t|"), rng.choice(["\n", "\r\n", "\r\n"])
    if line_end == "\n" or rng.random() < 0.5:
        rows = [[cell.replace("\r\n", "\n") for cell in row] for row in rows]
    quoting: Any = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    titles: list[Cells] = []
    if rng.random() < 0.3:
        titles = rng.choice([[["A report"]], [["Report", "of", "today"], []], [[""] * 3, ["Exported on 01/10/2024"]]])
    trailing = rng.random() < 0.15
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    for row in (*titles, *header, *rows):
        # A row of one empty cell would be written as two quotation marks, an empty one as nothing.
        writer.writerow([*row, ""] if trailing and row else row)
    content = text.getvalue()
    if rng.random() < 0.3:
        content = content.removesuffix(line_end)
    encoding, mark = rng.choice(
        [("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE),
         ("utf-16-be", codecs.BOM_UTF16_BE), ("windows-1252", b"")]
    )  # fmt: skip
    encoded = mark + content.encode(encoding, errors="replace")
    decoded = encoded.removeprefix(mark).decode(encoding)
    # Counted by Python's own reader of CSV, in what the file holds and not in what was meant.
    every = list(csv.reader(io.StringIO(decoded, newline=""), delimiter=delimiter))
    above = len(titles) + len(header)
    return Sent(format_, encoded, every[above:], above, frozenset(refusals), format_.name)


def dirty_workbook(rng: random.Random, format_: Format, path: Path) -> Sent:
    """A workbook: titles in merged cells, hidden sheets, numbers as text, true dates, formulas that failed."""
    header, rows, refusals = dirty(rng, format_, rng.choice([0, 1, ROWS]))
    rows = [[cell[:32_000] for cell in row] for row in rows]
    titles = rng.choice([0, 0, 2])
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        dates = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        if rng.random() < 0.3:
            hidden = workbook.add_worksheet("Hidden")
            hidden.write_row(0, 0, header[0])
            hidden.write_row(1, 0, ["hidden"] * len(header[0]))
        sheet = workbook.add_worksheet("Data")
        sheet.activate()
        sheet.set_first_sheet()
        if rng.random() < 0.3:
            workbook.add_worksheet("Notes").write(0, 0, "Exported by somebody")
        if workbook.worksheets()[0].name == "Hidden":
            workbook.worksheets()[0].hide()
        if titles:
            sheet.merge_range(0, 0, 0, 2, "A title over three columns")
        last = 0
        for number, row in enumerate([*header, *rows], start=titles):
            for at, cell in enumerate(row):
                kind = rng.randrange(8) if number >= titles + len(header) else 7
                if kind == 0 and cell.isascii() and cell.isdigit() and len(cell) < 12:
                    sheet.write_number(number, at, int(cell))
                elif kind == 1:
                    sheet.write_datetime(number, at, datetime(2024, 10, 1, 10, 11, 12), dates)
                elif kind == 2:
                    sheet.write_number(number, at, rng.choice([45678, 45678.25, 1e300, -0.5]))
                elif kind == 3 and rng.random() < 0.3:
                    sheet.write_formula(number, at, "=1/0", None, rng.choice(["#DIV/0!", "#N/A", "#REF!"]))
                elif kind == 4 and rng.random() < 0.3:
                    sheet.write_boolean(number, at, boolean=True)
                elif cell:
                    sheet.write_string(number, at, cell)
                else:
                    continue
                last = number
    # Below the last cell that holds anything, a sheet has no rows.
    sent = rows[: last + 1 - titles - len(header)]
    name = str(Path(format_.name).with_suffix(".xlsx"))
    return Sent(format_, path.read_bytes(), sent, titles + len(header), frozenset(refusals), name)


# --- what must be true of any file --------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _demonstration_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    # Small pieces, so that a small file has several.
    monkeypatch.setattr(stream, "PIECE_ROWS", 7)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose register has landed, and in which nothing else happens."""
    made = make_home(tmp_path_factory.mktemp("settled") / "home")
    settings_ = [(f"S{n}", f"Setting {n}", "", "Health", "", "9", "01/09/2024") for n in range(40)]
    put_register(made, [*REGISTER_ROWS, *settings_])
    land_inbox(made)
    return made


@dataclass(frozen=True)
class Outcome:
    """What became of a file: the report, its rows as they would land, and names and types of their columns."""

    report: FileReport
    landed: list[tuple[Any, ...]]
    columns: list[tuple[str, str]]


def sort_file(home: Home, sent: Sent, place: Path, *, held: bool) -> Outcome:
    """Check a file and land its rows in ``place``: sorted while they are read, or held in memory as a whole."""
    sort = landing._sorted

    @contextmanager
    def sort_and_land(*arguments: Any) -> Iterator[tuple[Splitter, FileReport]]:
        with sort(*arguments) as (splitter, report):
            splitter.land(place)
            yield splitter, report

    place.unlink(missing_ok=True)
    path = write(home.inbox / sent.name, sent.content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing, "_sorted", sort_and_land)
        # A small file is held, whatever it is.
        patch.setattr(landing, "FLOWS_FROM_BYTES", 1 << 60 if held else 0)
        report = check_file(path, home)
    path.unlink()
    if report.status != "landed":
        return Outcome(report, [], [])
    kinds = rows("describe select * from read_parquet(?)", str(place))
    return Outcome(report, rows("select * from read_parquet(?)", str(place)), [kind[:2] for kind in kinds])


def is_sound(sent: Sent, outcome: Outcome) -> None:
    """Every row is accounted for, every refusal says what is wrong and what to do, and what lands is typed."""
    report = outcome.report
    for finding in report.findings:
        assert finding.rule
        assert finding.message.strip()
        assert finding.remedy.strip()
        assert (finding.file_name, finding.vintage_id) == (report.file_name, report.vintage_id)
    if report.status == "refused":
        assert [finding.rule for finding in report.findings if finding.rule not in sent.refusals] == [], report.message
        assert (report.rows_read, report.rows_landed) == (0, 0)
        return
    # Without the column that tells it from another, a file is taken for that one.
    assert report.dataset == sent.format.dataset or sent.refusals
    assert report.rows_read == len(sent.rows)
    assert report.rows_read == report.rows_landed + report.rows_quarantined + report.rows_dropped
    assert report.rows_dropped == sum(report.dropped_by_rule.values())
    if report.status == "not_needed":
        return
    contract = load_contracts()[report.dataset or ""]
    assert outcome.columns == list(contract.landed_columns().items())
    numbers = [row[-1] for row in outcome.landed]
    assert len(set(numbers)) == report.rows_landed
    assert contract.survey or contract.repeats or len(numbers) == report.rows_landed
    errors = [finding for finding in report.findings if finding.severity == "error"]
    quarantined = {finding.source_row for finding in errors}
    assert len(quarantined) == report.rows_quarantined
    assert quarantined.isdisjoint(numbers)
    below = range(sent.header_row + 1, sent.header_row + 1 + len(sent.rows))
    assert quarantined | set(numbers) <= set(below)
    # A row of the wrong length has no column that is to blame.
    assert all(finding.column_name for finding in errors if finding.rule != "number_of_cells")
    blank = {n for n, cells in zip(below, sent.rows, strict=True) if not any(map(str.strip, cells))}
    assert blank.isdisjoint(numbers)
    assert report.dropped_by_rule.get("blank_row", 0) <= len(blank)


# --- the properties -----------------------------------------------------------------------------------------------

#: The same files in every run; a file is made from a number, which has nothing that could be made simpler.
DETERMINISTIC = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SEEDS = st.integers(0, 1 << 32)


def is_flat(key: str) -> bool:
    """Whether a row of the file lands as one row, so that a large file is sorted while it is read."""
    contract = load_contracts()[FORMATS[key].dataset]
    return contract.survey is None and contract.repeats is None and contract.not_needed is None


@pytest.mark.parametrize("key", FORMATS)
@DETERMINISTIC
@given(seed=SEEDS)
def test_a_dirty_text_file_loses_no_row_whether_it_is_held_or_flows(
    settled: Home, tmp_path: Path, key: str, seed: int
) -> None:
    sent = dirty_text(random.Random(f"{key} {seed}"), FORMATS[key])
    held = sort_file(settled, sent, settled.landing / "landed.parquet", held=True)
    is_sound(sent, held)
    if is_flat(key):
        assert sort_file(settled, sent, settled.landing / "landed.parquet", held=False) == held


@pytest.mark.parametrize("key", WORKBOOKS)
@DETERMINISTIC
@given(seed=SEEDS)
def test_a_dirty_workbook_loses_no_row(settled: Home, tmp_path: Path, key: str, seed: int) -> None:
    sent = dirty_workbook(random.Random(f"{key} {seed}"), FORMATS[key], tmp_path / "dirty.xlsx")
    is_sound(sent, sort_file(settled, sent, settled.landing / "landed.parquet", held=True))


def test_an_inbox_of_dirty_files_lands_what_checking_each_of_them_says(settled: Home, tmp_path: Path) -> None:
    home = open_home(shutil.copytree(settled.root, tmp_path / "home"))
    every = [
        dirty_text(random.Random(f"inbox {f.dataset}"), f) for f in {f.dataset: f for f in FORMATS.values()}.values()
    ]
    # A file in which nothing stands, one that is no text, and rows of many lengths without a header.
    every += [replace(every[0], content=content, rows=[]) for content in (b"", b"\x00\x01" * 50, b"a,b\n,\n" * 40)]
    sent = {f"{number}/{file.name}": file for number, file in enumerate(every)}
    for name, file in sent.items():
        write(home.inbox / name, file.content)
    reports = {report.file_name: report for report in land_inbox(home)}
    assert reports.keys() - {"organisations/register.csv"} == sent.keys()
    for name, file in sent.items():
        report = reports[name]
        if report.status == "landed":
            assert (
                report.rows_read
                == len(file.rows)
                == (report.rows_landed + report.rows_quarantined + report.rows_dropped)
            )
    assert {reports[name].status for name in list(sent)[-3:]} == {"refused"}
    assert sum(report.status == "landed" for report in reports.values()) > len(load_contracts()) / 2
    totals = rows(
        "select sum(rows_read), sum(rows_landed + rows_quarantined + rows_dropped) from read_parquet(?)",
        str(home.landing / "source_files.parquet"),
    )
    assert [read for read, _ in totals] == [accounted for _, accounted in totals]
    # A second run reads again only what was refused.
    again = {report.file_name: report.status for report in land_inbox(home)}
    assert {name for name, status in again.items() if status == "refused"} == {
        name for name, report in reports.items() if report.status == "refused"
    }
    assert set(again.values()) == {"unchanged", "refused"}
