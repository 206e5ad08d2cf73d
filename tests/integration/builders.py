"""Small files in the formats that suppliers send, and what a home holds after a run."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xlsxwriter

from ingestion.contracts import Contract, load_contracts
from ingestion.home import Home, open_home
from ingestion.instruments import load_instruments
from ingestion.ledger import Ledger

#: The register that other files resolve against: two organisations, one with two aliases.
REGISTER_HEADER = ("Organisation ID", "Organisation", "Also known as", "Sector", "Role", "Head count", "As at")
REGISTER_ROWS = (
    ("ORG1", "Ashfield Primary School", "Ashfield; Ashfield Primary", "Schools and education", "", "40", "01/09/2024"),
    ("ORG2", "Moorside Family Centre", "", "Children's social care", "", "25", "01/09/2024"),
)
TRAINING_HEADER = ("Learner", "Course", "Level", "Session date", "Status", "Organisation", "Role")
EVENTS_HEADER = ("Date", "Title", "Type", "Sector", "Host organisation", "Attendance")
HEADER_HEADER = ("CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB")
EPISODES_HEADER = (
    "CHILD", "DECOM", "RNE", "LS", "CIN", "PLACE", "PLACE_PROVIDER", "DEC", "REC", "REASON_PLACE_CHANGE",
    "HOME_POST", "PL_POST", "URN",
)  # fmt: skip
FORMS_HEADER = ("ID", "Start time", "Completion time", "Email", "Name")
ORGANISATION_QUESTION, ROLE_QUESTION = "Which organisation do you work for?", "Which best describes your role?"

Cell = str | int | float | datetime | None


def make_home(root: Path, authority: str = "E08000005") -> Home:
    """A home with nothing in it but its settings and an empty inbox."""
    (root / "inbox").mkdir(parents=True)
    (root / "impact.yml").write_text(f"authority: {authority}\n", encoding="utf-8")
    return open_home(root)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """The text of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def write(path: Path, content: str | bytes, age: int = 0) -> Path:
    """Write a file with its folders; ``age`` seconds ago, where the order of arrival matters."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if age:
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    return path


def put_register(home: Home, rows: Iterable[Sequence[object]] = REGISTER_ROWS, name: str = "register.csv") -> Path:
    """Put a register of organisations into the inbox."""
    return write(home.inbox / "organisations" / name, csv_text(REGISTER_HEADER, rows))


def contract_with(dataset: str, version: int, **added: Sequence[Mapping[str, Any]]) -> Contract:
    """A later version of a contract that ships; ``added`` are further entries of its lists, such as ``columns``."""
    said = load_contracts()[dataset].model_dump(mode="json", exclude_defaults=True)
    more = {key: [*said.get(key, []), *entries] for key, entries in added.items()}
    return Contract.model_validate(said | more | {"version": version})


def booking(
    learner: str = "a.person@school.example",
    course: str = "Trauma basics",
    level: str = "Informed",
    date: str = "01/10/2024",
    status: str = "Attended",
    organisation: str = "Ashfield",
    role: str = "Practitioner",
) -> tuple[str, ...]:
    """One good row of a training file; name what should be otherwise."""
    return (learner, course, level, date, status, organisation, role)


def event(
    date: str = "01/10/2024",
    title: str = "Autumn briefing",
    kind: str = "Briefing",
    sector: str = "Health",
    host: str = "Ashfield",
    attendance: str = "30",
) -> tuple[str, ...]:
    """One good row of an event log; name what should be otherwise."""
    return (date, title, kind, sector, host, attendance)


def episode(**cells: str) -> tuple[str, ...]:
    """One good row of an episodes file of the year to 31 March 2025; name by header what should be otherwise."""
    good = {
        "CHILD": "700001", "DECOM": "01/06/2024", "RNE": "S", "LS": "C2", "CIN": "N1", "PLACE": "U1",
        "PLACE_PROVIDER": "PR1", "HOME_POST": "OL16 1XL", "PL_POST": "OL16 1XL",
    }  # fmt: skip
    return tuple((good | cells).get(header, "") for header in EPISODES_HEADER)


def child(**cells: str) -> tuple[str, ...]:
    """One good row of a header file of the year to 31 March 2025; name by header what should be otherwise."""
    good = {"CHILD": "700001", "SEX": "F", "DOB": "05/05/2012", "ETHNIC": "WBRI", "UPN": "H801200001001", "MOTHER": "0"}
    return tuple((good | cells).get(header, "") for header in HEADER_HEADER)


def wordings() -> dict[str, str]:
    """Item of the workforce survey → the wording in use."""
    return {item.item_id: item.wordings[0] for item in load_instruments()["workforce"].items}


def response(
    number: int,
    answers: Mapping[str, str | None] | None = None,
    organisation: str = "Ashfield",
    role: str = "Practitioner",
    completed: Cell = datetime(2025, 9, 15, 10, 12, 30),
) -> list[Cell]:
    """One response of the workforce survey: "Agree" everywhere, but for the answers named."""
    given = dict.fromkeys(wordings(), "Agree") | dict(answers or {})
    about: list[Cell] = [number, datetime(2025, 9, 15, 10, 0), completed, "anonymous", None, organisation, role]
    return about + [given[item] for item in wordings()]


def forms_header() -> list[str]:
    """The header row of a Microsoft Forms export of the workforce survey, with the marks that its editor leaves."""
    questions = [
        text.replace(" ", "\u00a0", 1) if number % 3 else f"{text}\n" for number, text in enumerate(wordings().values())
    ]
    return [*FORMS_HEADER, ORGANISATION_QUESTION, ROLE_QUESTION, *questions]


def write_forms(path: Path, responses: Iterable[Sequence[Cell]], age: int = 0) -> Path:
    """A Microsoft Forms export: one sheet, true dates, one column per statement."""
    return write_workbook(path, {"Sheet1": [forms_header(), *responses]}, age=age)


def write_workbook(
    path: Path,
    sheets: Mapping[str, Sequence[Sequence[Cell]]],
    hidden: Sequence[str] = (),
    age: int = 0,
) -> Path:
    """A workbook: strings as text, numbers as numbers, datetimes as true dates."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        workbook.set_properties({"created": datetime(2025, 1, 1)})
        dates = workbook.add_format({"num_format": "m/d/yy h:mm:ss"})
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for number, row in enumerate(rows):
                for position, cell in enumerate(row):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(number, position, cell, dates)
                    elif isinstance(cell, str) and cell.startswith("="):
                        sheet.write_formula(number, position, cell, None, "#N/A")
                    elif cell is not None:
                        sheet.write(number, position, cell)
    if age:
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    return path


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file below a folder: when it was changed, and a hash of what it holds."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(home: Home) -> dict[str, str]:
    """What landing and quarantine hold, byte for byte, but for the ledger's own database."""
    return {
        name: digest
        for folder in (home.landing, home.quarantine)
        for name, (_, digest) in snapshot(folder).items()
        if not name.startswith("ledger.sqlite")
    }


def rows(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """The rows of a query over files, in a database of its own."""
    with duckdb.connect(config={"threads": 1}) as con:
        return con.execute(sql, list(parameters)).fetchall()


def landed(home: Home, dataset: str, columns: str, order: str = "source_row") -> list[tuple[Any, ...]]:
    """Columns of the rows in force of a dataset."""
    return rows(
        f"""select {columns} from read_parquet(?, union_by_name = true) as landed
        join read_parquet(?) as files using (vintage_id)
        where files.is_current order by files.sequence, {order}""",
        str(home.landing / dataset / "*.parquet"),
        str(home.landing / "source_files.parquet"),
    )


def source_files(home: Home, columns: str) -> list[tuple[Any, ...]]:
    """Columns of the exported ledger, in the order of receipt."""
    return rows(f"select {columns} from read_parquet(?) order by sequence", str(home.landing / "source_files.parquet"))


def verdicts(ledger: Ledger) -> dict[str, str | None]:
    """What the gate has said of each vintage; None where it was not asked."""
    return {row["vintage_id"]: row["gate"] for row in ledger.source_files().to_pylist()}


def findings(home: Home, columns: str) -> list[tuple[Any, ...]]:
    """Columns of the exported findings, in their order."""
    return rows(f"select {columns} from read_parquet(?)", str(home.landing / "findings.parquet"))


def every_text(folder: Path) -> set[str]:
    """Every text in every Parquet file below a folder, lists taken apart."""
    texts: set[str] = set()
    for path in folder.rglob("*.parquet"):
        for column in pq.read_table(path).columns:
            flat = pc.list_flatten(column) if pa.types.is_list(column.type) else column
            if pa.types.is_string(flat.type):
                texts.update(text for text in flat.unique().to_pylist() if text)
    return texts
