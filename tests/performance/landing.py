"""How fast files land, each against a floor in the same run, and how much memory it takes.

``python tests/performance/landing.py [--rows N] [--gigabyte] [--runs N]``. Every measurement is a process of its own.

- A CSV file of bookings against DuckDB's own ``read_csv`` → Parquet of the same file: landing has to find out what the
  file is, hash it, check each cell, resolve the organisations, make pseudonyms, look for duplicates and write.
- The same for a published table, which has nothing personal.
- ``--gigabyte``: a file of bookings of a gigabyte, for the memory.
- A workbook of 100,000 rows against openpyxl reading the same cells.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import xlsxwriter

#: A register, so that organisations resolve.
ORGANISATIONS = 200
WORKBOOK_ROWS = 100_000
#: A number below n that hangs on i, the same on every machine.
LUCK = "create temp macro luck(i, n) as (hash(i) % n)::integer"


def write_bookings(path: Path, rows: int) -> None:
    """Bookings of people who are trained some eight times each; no two rows are about the same booking."""
    people = max(rows // 8, 1)
    with duckdb.connect() as con:
        con.execute(LUCK)
        con.execute(
            f"""copy (select
                'learner' || i % {people} || '@quillhampton.example' as "Learner e-mail",
                'Learner ' || i % {people} as "Learner name",
                ['Understanding trauma', 'Listening well', 'Leading change'][1 + luck(i, 3)] as "Course",
                ['Informed', 'Skilled', 'Enhanced', 'Specialist'][1 + luck(i, 4)] as "Level",
                if(luck(i + 1, 3) = 0, 'No', 'Yes') as "Core",
                strftime(date '2021-09-01' + (i // {people} * 150)::integer + luck(i + 2, 140), '%d/%m/%Y')
                    as "Session date",
                ['Attended', 'Completed', 'Did not attend', 'Cancelled'][1 + luck(i + 3, 4)] as "Status",
                'Organisation ' || luck(i + 4, {ORGANISATIONS}) as "Organisation",
                ['Practitioner', 'Senior leader', 'Volunteer'][1 + luck(i + 5, 3)] as "Role"
            from range({rows}) as numbers (i)) to '{path}' (header)"""
        )


def write_published(path: Path, rows: int) -> None:
    """A published table of exclusions by type of school, with symbols."""
    with duckdb.connect() as con:
        con.execute(LUCK)
        con.execute(
            f"""copy (select
                (200607 + (i // 5000) * 101)::varchar as time_period, 'Academic year' as time_identifier,
                'Local authority' as geographic_level, 'E92000001' as country_code, 'England' as country_name,
                'E12000002' as region_code, 'North West' as region_name, 300 + i % 500 as old_la_code,
                'E0' || 6000000 + i % 500 as new_la_code, 'Authority ' || i % 500 as la_name,
                'Type ' || (i // 500) % 10 as school_type, 20000 + luck(i, 9000) as headcount,
                if(luck(i + 1, 20) = 0, 'x', (luck(i + 1, 90))::varchar) as perm_excl,
                if(luck(i + 1, 20) = 0, 'x', (luck(i + 2, 40) / 100)::varchar) as perm_excl_rate,
                luck(i + 3, 2000) as fixed_excl, luck(i + 4, 900) / 100 as fixed_excl_rate,
                luck(i + 5, 1000) as one_plus_fixed, luck(i + 6, 500) / 100 as one_plus_fixed_rate
            from range({rows}) as numbers (i)) to '{path}' (header)"""
        )


def write_workbook(path: Path, rows: int) -> None:
    """Bookings in a workbook, with true dates as text."""
    with duckdb.connect() as con, xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        source = path.with_suffix(".csv")
        write_bookings(source, rows)
        cells = con.execute(f"select * from read_csv('{source}', all_varchar = true)")
        sheet = book.add_worksheet("Bookings")
        sheet.write_row(0, 0, [column[0] for column in cells.description or []])
        for number, row in enumerate(cells.fetchall(), 1):
            sheet.write_row(number, 0, row)
        source.unlink()


def land(path: Path) -> None:
    """Land a file in a home of its own."""
    from ingestion.home import open_home
    from ingestion.landing import land_inbox

    root = path.parent / "home"
    (root / "inbox").mkdir(parents=True)
    (root / "impact.yml").write_text("authority: E08000005\n", encoding="utf-8")
    lines = (f"O{i},Organisation {i},Housing,10,01/09/2021\n" for i in range(ORGANISATIONS))
    register = "Organisation ID,Organisation,Sector,Head count,As at\n" + "".join(lines)
    (root / "inbox" / "register.csv").write_text(register, encoding="utf-8")
    home = open_home(root)
    land_inbox(home)
    (root / "inbox" / path.name).hardlink_to(path)
    started = _now()
    reports = [report for report in land_inbox(home) if report.file_name == path.name]
    _tell(started, rows=reports[0].rows_landed)


def copy(path: Path) -> None:
    """DuckDB's own way from CSV to Parquet."""
    started = _now()
    with duckdb.connect() as con:
        ((rows,),) = con.execute(f"copy (from read_csv('{path}')) to '{path}.parquet'").fetchall()
    _tell(started, rows=rows)


def read(path: Path) -> None:
    """Our reader's way to every cell of a workbook."""
    from ingestion.readers import read_sheets

    started = _now()
    (sheet,) = read_sheets(path)
    rows = sum(batch.num_rows for batch in sheet.rows(1))
    _tell(started, rows=rows)


def read_with_openpyxl(path: Path) -> None:
    """openpyxl's fastest way to every cell of a workbook."""
    import openpyxl

    started = _now()
    book = openpyxl.load_workbook(path, read_only=True)
    rows = sum(1 for _ in book.worksheets[0].iter_rows(min_row=2, values_only=True))
    _tell(started, rows=rows)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _tell(started: tuple[float, float], rows: int) -> None:
    seconds, processor = (now - then for now, then in zip(_now(), started, strict=True))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "processor": processor, "rows": rows, "megabytes": most}))


WAYS = {way.__name__: way for way in (land, copy, read, read_with_openpyxl)}


def measured(way: str, path: Path, runs: int) -> dict[str, float]:
    """Medians of some runs, each a process with a folder of its own for what it writes."""
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            here = Path(folder) / path.name
            here.hardlink_to(path)
            done = subprocess.run(
                [sys.executable, __file__, "--way", way, str(here)], check=True, capture_output=True, text=True
            )
            found.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


def compare(title: str, path: Path, ours: str, floor: str, runs: int) -> None:
    """Print a line: both times, their ratio, that of the processor's seconds, and the memory that ours took."""
    mine, its = measured(ours, path, runs), measured(floor, path, runs)
    assert mine["rows"] == its["rows"], (mine, its)
    print(
        f"{title:<46} {mine['rows']:>10,.0f} {path.stat().st_size / 1e6:>8,.0f} {mine['seconds']:>8.2f}"
        f" {its['seconds']:>8.2f} {mine['seconds'] / its['seconds']:>7.2f}"
        f" {mine['processor'] / its['processor']:>9.2f} {mine['megabytes']:>8,.0f}",
        flush=True,
    )


def main() -> None:
    """Measure, and print a line for each kind of file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--gigabyte", action="store_true")
    parser.add_argument("--way", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        WAYS[options.way[0]](Path(options.way[1]))
        return
    print(f"{'':<46} {'rows':>10} {'MB':>8} {'ours (s)':>8} {'floor':>8} {'ratio':>7} {'processor':>9} {'MB held':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for title, write, name in (
            ("bookings.csv, DuckDB", write_bookings, "bookings.csv"),
            ("published exclusions.csv, DuckDB", write_published, "exclusions.csv"),
        ):
            write(folder / name, options.rows)
            compare(title, folder / name, "land", "copy", options.runs)
            (folder / name).unlink()
        if options.gigabyte:
            write_bookings(folder / "gigabyte.csv", 7_600_000)
            compare("bookings of a gigabyte, DuckDB", folder / "gigabyte.csv", "land", "copy", 1)
            (folder / "gigabyte.csv").unlink()
        write_workbook(folder / "bookings.xlsx", WORKBOOK_ROWS)
        compare("bookings.xlsx, openpyxl", folder / "bookings.xlsx", "read", "read_with_openpyxl", options.runs)


if __name__ == "__main__":
    main()
