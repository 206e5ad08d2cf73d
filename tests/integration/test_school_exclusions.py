"""Exclusions from administrative extracts: what lands of each format, and what the records count to."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ingestion.findings import MASK
from ingestion.home import Home, open_home
from ingestion.landing import FileReport, land_inbox
from ingestion.pseudonyms import KEY_VARIABLE, load_key
from ingestion.sample.filing import Filing
from ingestion.sample.organisations import make_organisations, write_register
from ingestion.sample.places import HOME, make_postcodes, write_overlay
from ingestion.sample.scale import SCALES, Size, stream
from ingestion.sample.school_exclusions import write_school_exclusions
from ingestion.sample.tally import Count, Tally
from orchestration.retention import lay_out
from tests.integration.builders import (
    csv_text,
    every_text,
    findings,
    landed,
    make_home,
    put_register,
    rows,
    write,
    write_workbook,
)

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
DBT = str(Path(sys.executable).with_name("dbt"))

ON_ROLL_HEADER = (
    "pupilonrolltableid", "NativeId", "termlyexclusionsonrolltableid", "termlyexclusionsonrollorderseqcolumn",
    "sourceid", "startdate", "sessions", "reason1", "reason2", "reason3", "category", "senprovision",
)  # fmt: skip
OFF_ROLL_HEADER = tuple(
    header.replace("pupilonroll", "pupilnolongeronroll").replace("exclusionsonroll", "exclusionsoffroll")
    for header in ON_ROLL_HEADER
)
EXTRACT_HEADER = (
    "UPN", "Pupil name", "DOB", "Establishment name", "Exclusion category", "Exclusion start date",
    "Exclusion actual number of sessions", "Reason 1", "Reason 2", "Reason 3", "SEN",
)  # fmt: skip
LANDED = "school_id, start_date, sessions, reason_1, reason_2, reason_3, category_code"
SHARED = "school_census_synthetic"
ON_ROLL, OFF_ROLL = (f"2025_spring_termlyexclusions{kind}roll.csv" for kind in ("on", "off"))


@pytest.fixture(autouse=True)
def _demonstration_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def run(home: Home) -> dict[str, FileReport]:
    """Land the inbox; the reports by file name. Every row of every file is accounted for."""
    reports = land_inbox(home)
    for report in reports:
        assert report.rows_read == report.rows_landed + report.rows_quarantined + report.rows_dropped
    return {report.file_name: report for report in reports}


def reported(
    pupil: str = "0002e817-8ca",
    record: str = "e8a25ee1",
    day: str = "2024-Dec-02 00:00:00",
    category: str = "SUSP",
    sessions: str = "10.0",
    reasons: Sequence[str] = ("PP", "", ""),
    school: str = "SCH7",
    sen: str = "",
) -> tuple[object, ...]:
    """One good row of a census file; name what should be otherwise."""
    return (pupil, school, record, 1, "f50bf7cf", day, sessions, *reasons, category, sen)


def recorded(
    upn: str = "H354200001001",
    school: str = "Ashfield",
    category: str = "Suspension",
    day: str = "02/12/2021",
    sessions: str = "4",
    reasons: Sequence[str] = ("PP", "", ""),
    sen: str = "",
) -> tuple[object, ...]:
    """One good row of the authority's own extract; name what should be otherwise."""
    return (upn, "Sorrel Figmenton", "05/05/2009", school, category, day, sessions, *reasons, sen)


def found(home: Home) -> list[tuple[object, ...]]:
    """Row, header, rule, value and severity of every finding, by row."""
    return sorted(findings(home, "source_row, column_name, rule, value, severity"))


# --- what lands ------------------------------------------------------------------------------------------------------


def test_a_census_file_on_roll_lands_its_exclusions_and_only_what_indicators_need(home: Home) -> None:
    exclusions = [
        reported(day="2024-Dec-02 00:00:00", category="FIXD", sen="E"),
        reported(record="2e92a078", day="2024-12-03", category=" susp ", sessions="4", reasons=("VA", "PP", "")),
        reported(record="ddb96406", day="04/12/2024", category="LNCH", sessions="1", reasons=("PH", "", "MT"), sen="K"),
        reported("0009-b", "7500f48d", "2024-Dec-05 00:00:00", "PERM", "", ("OW", "LG", "DS"), school="SCH 5"),
        reported(record="8acc89b7", category="EXCL"),
        reported(record="94602f05", category="FIXD", sessions=""),
        reported(record="11111111", day="2024-Feb-30 00:00:00"),
        reported(record="22222222", reasons=("ZZ", "", "")),
        reported(record="33333333", sessions="-2"),
        reported(record="44444444", sen="Q"),
        reported(record="55555555", day="2199-Jan-01 00:00:00"),
        reported(pupil="", record="66666666"),
        reported(record="2e92a078", day="2024-12-03", category=" susp ", sessions="4", reasons=("VA", "PP", "")),
        ("", "", "", "", "", "", "", "", "", "", "", ""),
    ]
    write(home.inbox / "2024_autumn.csv", csv_text(ON_ROLL_HEADER, exclusions))

    report = run(home)["2024_autumn.csv"]

    assert (report.dataset, report.status) == ("census_exclusions", "landed")
    assert landed(home, "census_exclusions", f"source_row, {LANDED}") == [
        (2, "SCH7", date(2024, 12, 2), 10, "PP", None, None, "SUSP"),
        (3, "SCH7", date(2024, 12, 3), 4, "VA", "PP", None, "SUSP"),
        (4, "SCH7", date(2024, 12, 4), 1, "PH", None, "MT", "LNCH"),
        (5, "SCH 5", date(2024, 12, 5), None, "OW", "LG", "DS", "PERM"),
    ]
    assert found(home) == [
        (6, "category", "unknown_code", "EXCL", "error"),
        (7, "sessions", "suspension_has_sessions", None, "error"),
        (8, "startdate", "not_a_date", "2024-Feb-30 00:00:00", "error"),
        (9, "reason1", "unknown_code", "ZZ", "error"),
        (10, "sessions", "minimum", "-2", "error"),
        (11, "senprovision", "unknown_code", "Q", "error"),
        (12, "startdate", "began_by_now", "2199-Jan-01 00:00:00", "error"),
        (13, "pupilonrolltableid", "required", None, "error"),
    ]
    assert (report.rows_read, report.dropped_by_rule) == (14, {"duplicate_row": 1, "blank_row": 1})
    names = rows(
        "select column_name from (describe from read_parquet(?))", str(next(_files(home, "census_exclusions")))
    )
    assert {"source_record_id", "order_number", "sen_provision_code"}.isdisjoint(name for (name,) in names)


def _files(home: Home, dataset: str) -> Iterator[Path]:
    return (path for path in (home.landing / dataset).glob("*.parquet") if rows("from read_parquet(?)", str(path)))


def test_a_pupil_has_one_pseudonym_on_roll_and_off_roll_and_another_in_the_authoritys_extract(home: Home) -> None:
    put_register(home)
    write(home.inbox / "on.csv", csv_text(ON_ROLL_HEADER, [reported("048800ae-315", "e8a25ee1")]))
    write(home.inbox / "off.csv", csv_text(OFF_ROLL_HEADER, [reported("048800AE-315", "13b3c48e", category="PERM")]))
    write(home.inbox / "la.csv", csv_text(EXTRACT_HEADER, [recorded("048800ae-315")]))

    reports = run(home)

    assert reports["off.csv"].dataset == "census_exclusions_off_roll"
    key = load_key()
    in_census = key.pseudonym("census_pupil", "048800ae-315")
    record = key.pseudonym("census_exclusion", "e8a25ee1")
    assert landed(home, "census_exclusions", "pupil_id, exclusion_id") == [(in_census, record)]
    assert landed(home, "census_exclusions_off_roll", f"pupil_id, {LANDED}") == [
        (in_census, "SCH7", date(2024, 12, 2), 10, "PP", None, None, "PERM")
    ]
    assert landed(home, "la_exclusions", "pupil_id") == [(key.pseudonym("pupil", "048800ae-315"),)]
    texts = {text.casefold() for folder in (home.landing, home.quarantine) for text in every_text(folder)}
    planted = ("048800ae-315", "e8a25ee1", "13b3c48e", "f50bf7cf", "sorrel figmenton", "05/05/2009", "2009-05-05")
    assert [secret for secret in planted if any(secret in text for text in texts)] == []


def test_a_census_file_may_be_a_workbook_with_true_dates_and_numbers(home: Home) -> None:
    row = [*map(str, reported(category="LNCH")[:5]), datetime(2024, 12, 2), 10.0, "PP", None, None, "LNCH", None]
    write_workbook(home.inbox / "census.xlsx", {"Sheet1": [ON_ROLL_HEADER, row]})

    run(home)

    assert landed(home, "census_exclusions", LANDED) == [
        ("SCH7", date(2024, 12, 2), 10, "PP", None, None, "LNCH"),
    ]


@pytest.mark.parametrize(
    ("day", "reasons", "rules"),
    [
        ("2020-Aug-31 00:00:00", ("OT", "", ""), []),
        ("2020-Sep-01 00:00:00", ("OT", "", ""), [("reason1", "reason_1_is_of_its_year", "OT")]),
        ("2020-Aug-31 00:00:00", ("MT", "", ""), [("reason1", "reason_1_is_of_its_year", "MT")]),
        ("2020-Sep-01 00:00:00", ("MT", "PH", "OW"), []),
        ("2020-Sep-01 00:00:00", ("LG", "OT", "DS"), [("reason2", "reason_2_is_of_its_year", "OT")]),
        ("2020-Aug-31 00:00:00", ("PP", "VA", ""), [("reason2", "one_reason_before_2020_21", "VA")]),
        (
            "2020-Aug-31 00:00:00",
            ("PP", "", "DS"),
            [("reason2", "one_reason_before_2020_21", None), ("reason3", "reason_3_is_of_its_year", "DS")],
        ),
        ("2021-Sep-01 00:00:00", ("PP", "VA", "BU"), []),
    ],
)
@pytest.mark.parametrize("source", ["census", "extract"])
def test_the_list_of_reasons_is_that_of_the_academic_year_of_the_row_and_an_outdated_reason_is_said_and_kept(
    home: Home, day: str, reasons: tuple[str, str, str], rules: list[tuple[str, str, str | None]], source: str
) -> None:
    # The file's name says another year, which makes no difference.
    if source == "census":
        write(home.inbox / "2025_spring.csv", csv_text(ON_ROLL_HEADER, [reported(day=day, reasons=reasons)]))
        dataset = "census_exclusions"
    else:
        write(home.inbox / "2024-25.csv", csv_text(EXTRACT_HEADER, [recorded(day=day, reasons=reasons)]))
        rules = [(header.replace("reason", "Reason "), rule, value) for header, rule, value in rules]
        dataset = "la_exclusions"

    run(home)

    assert landed(home, dataset, "reason_1, reason_2, reason_3") == [tuple(reason or None for reason in reasons)]
    assert [row[1:4] for row in found(home)] == rules
    assert {row[4] for row in found(home)} <= {"warning"}


def test_an_extract_of_the_authority_lands_under_any_of_its_headers(home: Home) -> None:
    exclusions = [
        recorded(),
        recorded(category="Fixed term exclusion", day="2021-12-03", sessions="3", reasons=("OW", "PP", ""), sen="E"),
        recorded("H354200001002", "Moor High", "Permanent", "06/12/2021", "", ("VA", "", "")),
        recorded("H354200001002", "Moor High", "lunchtime exclusion", "06/12/2021", "1"),
        recorded(),
        recorded(sessions="6"),
        recorded("", day="07/12/2021"),
        recorded(day="12/31/2021"),
        recorded(day="08/12/2021", category="Internal"),
    ]
    write(home.inbox / "extract.csv", csv_text(EXTRACT_HEADER, exclusions))

    report = run(home)["extract.csv"]

    assert report.dataset == "la_exclusions"
    assert landed(home, "la_exclusions", f"source_row, {LANDED}") == [
        (2, "Ashfield", date(2021, 12, 2), 4, "PP", None, None, "SUSP"),
        (3, "Ashfield", date(2021, 12, 3), 3, "OW", "PP", None, "SUSP"),
        (4, "Moor High", date(2021, 12, 6), None, "VA", None, None, "PERM"),
        (5, "Moor High", date(2021, 12, 6), 1, "PP", None, None, "LNCH"),
    ]
    assert report.dropped_by_rule == {"duplicate_row": 1}
    found_here = found(home)
    assert [(row[0], row[2]) for row in found_here] == [
        (7, "duplicate_key"),
        (8, "required"),
        (9, "not_a_date"),
        (10, "unknown_code"),
    ]
    # What two rows disagree about is named by a key that holds a pupil's number, so its value is masked.
    assert found_here[0][3] == MASK


def test_pupils_on_roll_name_their_census_by_its_day_or_by_year_and_term(home: Home) -> None:
    by_day = [("SCH1", "16/01/2025", "1,204"), ("SCH2", "2024-10-03", 310), ("SCH3", "15/05/2025", 0)]
    by_day += [("SCH4", "", 5), ("SCH5", "16/01/2199", 5), ("SCH6", "16/01/2025", "n/a")]
    write(home.inbox / "a.csv", csv_text(("School code", "Census date", "Number on roll"), by_day))
    by_year = [("Elm", "2023/24", "Summer", 200), ("Elm", "2023-24", "", 201), ("Elm", "202223", "autumn", 202)]
    by_year += [("Ash", "2023/25", "Spring", 7), ("Ash", "2023", "Spring", 7), ("Ash", "2023/24", "Winter", 7)]
    write(home.inbox / "b.csv", csv_text(("School", "Academic year", "Term", "Pupils on roll"), by_year))
    both = [("Elm", "18/01/2024", "2023/24", "Spring", 203), ("Ash", "18/01/2024", "2024/25", "Spring", 7)]
    write(home.inbox / "c.csv", csv_text(("School", "Census date", "Academic year", "Term", "NOR"), both))

    reports = run(home)

    assert {report.dataset for report in reports.values()} == {"pupils_on_roll"}
    assert sorted(landed(home, "pupils_on_roll", "start_year, census_term, school_id, pupils")) == [
        (2022, "autumn", "Elm", 202),
        (2023, "spring", "Elm", 201),
        (2023, "spring", "Elm", 203),
        (2023, "summer", "Elm", 200),
        (2024, "autumn", "SCH2", 310),
        (2024, "spring", "SCH1", 1204),
        (2024, "summer", "SCH3", 0),
    ]
    assert sorted((f[1] or "", f[2]) for f in found(home)) == [
        ("Academic year", "pattern"),
        ("Academic year", "years_follow"),
        ("Census date", "counted_by_now"),
        ("Census date", "date_and_term_agree"),
        ("Number on roll", "not_a_number"),
        ("School code", "census_is_named"),
        ("Term", "unknown_code"),
    ]


@pytest.mark.shared_data
def test_both_files_of_the_synthetic_census_land_whole(home: Home, shared: Path) -> None:
    expected = {}
    for name, dataset in ((ON_ROLL, "census_exclusions"), (OFF_ROLL, "census_exclusions_off_roll")):
        source = shared / "data" / SHARED / name
        write(home.inbox / name, source.read_bytes())
        expected[dataset] = _cells(source)

    reports = run(home)

    counted = {}
    for dataset, exclusions in expected.items():
        assert landed(home, dataset, LANDED) == exclusions
        counted[dataset] = Counter(exclusion[-1] for exclusion in exclusions)
    # The files write a suspension by its older name, FIXD.
    assert counted["census_exclusions"] == {"PERM": 4062, "SUSP": 4004, "LNCH": 1998}
    assert counted["census_exclusions_off_roll"] == {"PERM": 183, "SUSP": 221, "LNCH": 112}
    for report in reports.values():
        assert (report.rows_quarantined, report.rows_dropped) == (0, 0)
    # "Other" (OT) left the list of reasons with 2020/21, and these exclusions of 2025 still give it 659 times.
    given = [reason for exclusion in expected["census_exclusions"] for reason in exclusion[3:6]]
    assert given.count("OT") == 659
    said = Counter((row[2], row[3], row[4]) for row in found(home))
    assert {row[1:] for row in said} == {("OT", "warning")}
    assert sum(said.values()) == 659


def _cells(path: Path) -> list[tuple[object, ...]]:
    """The rows of a census file as the standard library reads them."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (
                row["NativeId"],
                datetime.strptime(row["startdate"], "%Y-%b-%d %H:%M:%S").date(),
                int(float(row["sessions"])),
                *(row[reason] or None for reason in ("reason1", "reason2", "reason3")),
                {"FIXD": "SUSP"}.get(row["category"], row["category"]),
            )
            for row in csv.DictReader(file)
        ]


# --- what the records count to ---------------------------------------------------------------------------------------


def count(home: Home, target: Path) -> list[tuple[object, ...]]:
    """What the models make of the landing zone: the figures of exclusions, columns as in the planted truth."""
    environment = dict(os.environ, IMPACT_HOME=str(home.root))
    lay_out(home)
    completed = subprocess.run(
        [DBT, "--quiet", "--no-use-colors", "build", "--resource-type", "model", "--resource-type", "seed",
         "--select", "+int_exclusions__counted", "--project-dir", PROJECT, "--profiles-dir", PROJECT,
         "--target-path", target, "--log-path", target],
        capture_output=True, text=True, check=False, cwd=PROJECT, env=environment,
    )  # fmt: skip
    assert completed.returncode == 0, completed.stdout + completed.stderr
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        return con.execute(f"select {', '.join(Count._fields)} from intermediate.int_exclusions__counted").fetchall()


@pytest.mark.shared_data
def test_the_synthetic_census_counts_to_what_its_rows_say_and_a_term_that_comes_again_adds_nothing(
    shared: Path, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home")
    for name in (ON_ROLL, OFF_ROLL):
        write(home.inbox / name, (shared / "data" / SHARED / name).read_bytes(), age=60)
    with (shared / "data" / SHARED / ON_ROLL).open(encoding="utf-8", newline="") as file:
        header, *cells = list(csv.reader(file))
    # The next census reports March again: of school 1 with the numbers as they were, of school 2 with new ones.
    again = [row for row in cells if row[5].startswith("2025-Mar") and row[1] in ("SCH1", "SCH2")]
    for number, row in enumerate(again):
        row[2], row[4] = f"new{number}", f"other{number}"
        row[0] = row[0] if row[1] == "SCH1" else f"new {row[0]}"
    of_its_own = [reported(pupil="p", record="r", day="2025-Jun-03 00:00:00", school="SCH3")]
    write(home.inbox / "2025_summer.csv", csv_text(header, [*again, *of_its_own]))
    rolls = [(f"SCH{number}", "16/01/2025", 1000) for number in range(1, 9)]
    write(home.inbox / "roll.csv", csv_text(("School", "Census date", "Pupils on roll"), rolls))
    assert run(home)["2025_summer.csv"].rows_landed == len(again) + 1 > 800

    figures = count(home, tmp_path / "target")

    spring = [
        exclusion
        for name in (ON_ROLL, OFF_ROLL)
        for exclusion in _cells(shared / "data" / SHARED / name)
        if date(2025, 1, 1) <= exclusion[1] <= date(2025, 3, 31)  # type: ignore[operator]
    ]
    categories = Counter(exclusion[-1] for exclusion in spring)
    lost = sum(int(str(e[2])) if e[-1] == "SUSP" else 1 for e in spring if e[-1] != "PERM")
    assert (categories["SUSP"] + categories["LNCH"], categories["PERM"], lost) == (5721, 3852, 40209)
    # Neither the nine days of April nor one day of June are a summer term, and there is no year without an autumn; and
    # the numbers of the census follow nobody, so nobody counts pupils by them.
    place = ("census_exclusions", "E08000005", "total", "total", "total", "total", "term", "2024/25 spring")
    assert sorted(figures) == [
        ("permanent_exclusion_rate", *place, 3852, 8000),
        ("sessions_lost_to_suspension", *place, 40209, 8000),
        ("suspension_rate", *place, 5721, 8000),
    ]


@pytest.mark.parametrize("size", ["borough", pytest.param("region", marks=pytest.mark.endurance)])
def test_the_figures_of_the_sample_are_those_that_were_planted(tmp_path: Path, size: Size) -> None:
    root = tmp_path / "home"
    filing, tally = Filing(root / "inbox"), Tally(HOME.area_code)
    write_overlay(root / "reference", make_postcodes(stream(1, "postcodes")))
    organisations = make_organisations(stream(1, "organisations"), SCALES[size])
    write_register(filing, organisations)
    write_school_exclusions(filing, tally, stream(1, "school_exclusions"), SCALES[size], organisations)
    (root / "impact.yml").write_text(f"authority: {HOME.area_code}\n", encoding="utf-8")
    home = open_home(root)

    reports = run(home)

    for file in filing.files:
        report = reports[file.file_name]
        accounted = (report.rows_read, report.rows_landed, report.rows_quarantined, report.rows_dropped)
        assert (report.dataset, report.status, *accounted) == file[1:], file.file_name
    errors = findings(home, "file_name, source_row, column_name, rule, coalesce(value, ''), severity")
    assert sorted(row[:-1] for row in errors if row[-1] == "error") == sorted(filing.quarantine)

    figures = count(home, tmp_path / "target")

    assert sorted(figures, key=str) == sorted(map(tuple, tally.counts), key=str)
    of_area = {row[0]: row[-2:] for row in figures if row[1:4] == ("la_exclusions", HOME.area_code, "total")}
    assert len(of_area) == 5
    # A year before the rolls begin, and a term in which one school that excluded somebody sent no number.
    without = {row[8] for row in figures if row[4] == "total" and row[0] == "suspension_rate" and row[-1] is None}
    assert without == {"2018/19", "2018/19 autumn", "2018/19 spring", "2018/19 summer", "2023/24 summer"}
    assert not any(str(row[8]).startswith("2025/26") for row in figures)
