"""The published and invented files that nobody on this project wrote, counted again by hand."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.home import Home
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.pseudonyms import KEY_VARIABLE, load_key
from tests.integration.builders import every_text, findings, landed, make_home

pytestmark = pytest.mark.shared_data

FOLDERS = ("dfe_exclusions", "dfe_looked_after", "ssda903_fake")
EXCLUSIONS = "dfe_exclusions/exclusions_by_geographic_level.csv"
PLACEMENTS = "dfe_looked_after/la_cla_during_year_new_placements.csv"
EPISODES, HEADER = "ssda903_fake/episodes.csv", "ssda903_fake/header.csv"
#: Codes that the returns of 2019 and later brought.
NOT_YET = {"REC": {"E45", "E46", "E47", "E48"}, "REASON_PLACE_CHANGE": {"CUSTOD"}}
FIGURES = {
    "headcount": "headcount",
    "permanent_exclusions": "perm_excl",
    "permanent_exclusion_rate": "perm_excl_rate",
    "suspensions": "fixed_excl",
    "suspension_rate": "fixed_excl_rate",
    "pupils_suspended": "one_plus_fixed",
    "pupils_suspended_percent": "one_plus_fixed_rate",
}


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    return shared / "data"


@pytest.fixture(scope="module", autouse=True)
def _demonstration_key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv(KEY_VARIABLE, raising=False)
        yield


@pytest.fixture(scope="module")
def home(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = make_home(tmp_path_factory.mktemp("real") / "home")
    for folder in FOLDERS:
        shutil.copytree(data / folder, made.inbox / folder)
    return made


@pytest.fixture(scope="module")
def reports(home: Home) -> dict[str, FileReport]:
    return {report.file_name: report for report in land_inbox(home)}


def records(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Each row of a CSV file with its number in a spreadsheet."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(enumerate(csv.DictReader(file), start=2))


def test_every_file_is_recognised_and_accounts_for_its_rows(data: Path, reports: dict[str, FileReport]) -> None:
    assert {
        name: (r.dataset, r.status, r.rows_read, r.rows_landed, r.rows_quarantined, r.rows_dropped)
        for name, r in reports.items()
    } == {
        EXCLUSIONS: ("dfe_exclusions", "landed", 1492, 1492, 0, 0),
        "dfe_exclusions/exclusions_by_geographic_level.meta.csv": ("dfe_metadata", "not_needed", 9, 0, 0, 9),
        "dfe_exclusions/exclusions_by_reason.csv": ("dfe_exclusions_by_reason", "not_needed", 1470, 0, 0, 1470),
        "dfe_exclusions/exclusions_by_reason.meta.csv": ("dfe_metadata", "not_needed", 25, 0, 0, 25),
        PLACEMENTS: ("dfe_new_placements", "landed", 3515, 3515, 0, 0),
        "dfe_looked_after/cla_number_and_rate_per_10k_children.csv": (
            "dfe_looked_after_rate", "landed", 555, 555, 0, 0,
        ),
        EPISODES: ("ssda903_episodes", "landed", 5050, 4608, 442, 0),
        HEADER: ("ssda903_header", "landed", 2675, 2675, 0, 0),
        "ssda903_fake/missing.csv": ("ssda903_missing", "landed", 43, 43, 0, 0),
        "ssda903_fake/oc2.csv": ("ssda903_oc2", "landed", 2675, 2675, 0, 0),
        # Two with a code that there is not, and three who were not yet 17.
        "ssda903_fake/oc3.csv": ("ssda903_oc3", "landed", 53, 48, 5, 0),
        # 5,042 are dated after the return's year and 7 contradict another of the same day; one stands there twice.
        "ssda903_fake/reviews.csv": ("ssda903_reviews", "landed", 12582, 7532, 5049, 1),
        "ssda903_fake/uasc.csv": ("ssda903_uasc", "landed", 132, 132, 0, 0),
    }  # fmt: skip
    for name, report in reports.items():
        assert report.rows_read == len(records(data / name)), name


def test_a_second_run_finds_everything_unchanged(home: Home, reports: dict[str, FileReport]) -> None:
    again = {report.file_name: report for report in land_inbox(home)}
    assert {report.status for report in again.values()} == {"unchanged"}
    assert {name: r.vintage_id for name, r in again.items()} == {name: r.vintage_id for name, r in reports.items()}


def test_checking_the_files_where_they_lie_finds_what_landing_them_found(
    data: Path, home: Home, reports: dict[str, FileReport]
) -> None:
    for name in (EPISODES, HEADER):
        checked = check_file(data / name, home)
        landed_as = reports[name]
        assert (checked.vintage_id, checked.rows_landed) == (landed_as.vintage_id, landed_as.rows_landed)
        assert [(f.source_row, f.column_name, f.rule, f.value) for f in checked.findings] == [
            (f.source_row, f.column_name, f.rule, f.value) for f in landed_as.findings
        ]


def figure(cell: str) -> tuple[Decimal | None, str]:
    """What a cell of the exclusions should land as: in this release x is one or two pupils, suppressed."""
    if cell == "x":
        return None, "c"
    return (None, "z") if cell == "." else (Decimal(cell), "ok")


def test_every_figure_of_the_exclusions_lands_with_its_status(
    data: Path, home: Home, reports: dict[str, FileReport]
) -> None:
    assert reports[EXCLUSIONS].rows_quarantined == 0
    columns = ", ".join(f"{name}, {name}_status" for name in FIGURES)
    rows = landed(home, "dfe_exclusions", f"source_row, time_period, school_type, {columns}")
    expected = [
        (
            number,
            row["time_period"],
            row["school_type"],
            *(part for header in FIGURES.values() for part in figure(row[header])),
        )
        for number, row in records(data / EXCLUSIONS)
    ]
    assert rows == expected
    statuses = Counter(status for row in rows for status in row[4::2])
    assert set(statuses) == {"ok", "c", "z"}


def test_rochdale_in_2016_17_is_as_published(home: Home, reports: dict[str, FileReport]) -> None:
    assert reports[EXCLUSIONS].status == "landed"
    rows = landed(home, "dfe_exclusions", f"area_code, time_period, school_type, {', '.join(FIGURES)}")
    (rochdale,) = (row[3:] for row in rows if row[:3] == ("E08000005", "201617", "Total"))
    assert rochdale == tuple(map(Decimal, ("34974", "62", "0.18", "1455", "4.16", "773", "2.21")))


def test_areas_without_a_code_of_their_own_are_named_by_the_departments(
    data: Path, home: Home, reports: dict[str, FileReport]
) -> None:
    assert reports[EXCLUSIONS].status == "landed"
    rows = landed(home, "dfe_exclusions", "source_row, geographic_level, area_code")
    levels = {"National": "country_code", "Regional": "region_code", "Local authority": "new_la_code"}
    by_row = dict(records(data / EXCLUSIONS))
    for number, level, area_code in rows:
        row = by_row[number]
        assert area_code == (row[levels[row["geographic_level"]]] or f"DFE{row['old_la_code']}")
        assert level == row["geographic_level"]
    # The county of Cheshire before 2009: three years of four types of school.
    assert Counter(area_code for *_, area_code in rows if area_code.startswith("DFE")) == {"DFE875": 12}


def test_an_authority_with_nobody_on_roll_and_suspensions_is_told_and_kept(reports: dict[str, FileReport]) -> None:
    warned = reports[EXCLUSIONS].findings
    assert {(f.rule, f.column_name, f.value, f.severity) for f in warned} == {
        ("denominator_is_above_zero", "headcount", "0", "warning")
    }
    assert len(warned) == 8


def test_every_figure_of_the_new_placements_lands_with_its_status(
    data: Path, home: Home, reports: dict[str, FileReport]
) -> None:
    assert reports[PLACEMENTS].findings == []
    columns = "source_row, breakdown, placements, placements_status, placements_percent, placements_percent_status"

    def published(cell: str) -> tuple[Decimal | None, str]:
        return (None, cell) if cell in {"c", "k", "x", "z"} else (Decimal(cell.replace(",", "")), "ok")

    rows = landed(home, "dfe_new_placements", columns)
    assert rows == [
        (number, row["breakdown"], *published(row["children_count"]), *published(row["children_percent"]))
        for number, row in records(data / PLACEMENTS)
    ]
    assert {status for row in rows for status in (row[3], row[5])} == {"ok", "c", "k", "z"}


def test_rochdales_new_placements_of_2025_are_as_published(home: Home, reports: dict[str, FileReport]) -> None:
    assert reports[PLACEMENTS].status == "landed"
    rows = landed(home, "dfe_new_placements", "area_code, time_period, characteristic, placements")
    places = [
        int(row[3]) if row[3] is not None else None
        for row in rows
        if row[:2] == ("E08000005", "2025") and row[2] == "Location of new placements during the year"
    ]
    assert sorted(count for count in places if count is not None) == [0, 18, 45, 129, 364, 556]


def test_the_year_is_told_by_the_episodes_and_taken_over_by_the_header(
    data: Path, home: Home, reports: dict[str, FileReport]
) -> None:
    assert reports[HEADER].status == "landed"
    started = (datetime.strptime(row["DECOM"], "%d/%m/%Y") for _, row in records(data / EPISODES))
    years = Counter(day.year + (day.month > 3) for day in started)
    assert years.most_common(1)[0][0] == 2018
    assert landed(home, "ssda903_episodes", "distinct collection_year", "1") == [(2018,)]
    assert landed(home, "ssda903_header", "distinct collection_year", "1") == [(2018,)]


def test_every_quarantined_episode_carries_a_code_that_came_later(
    data: Path, home: Home, reports: dict[str, FileReport]
) -> None:
    later = {
        (number, header, row[header])
        for number, row in records(data / EPISODES)
        for header, codes in NOT_YET.items()
        if row[header] in codes
    }
    assert Counter(header for _, header, _ in later) == {"REC": 226, "REASON_PLACE_CHANGE": 216}
    errors = [f for f in reports[EPISODES].findings if f.severity == "error"]
    assert {(f.source_row, f.column_name, f.value) for f in errors} == later
    assert {f.rule for f in errors} == {"unknown_code"}
    assert len({number for number, *_ in later}) == reports[EPISODES].rows_quarantined == 442
    custody = next(f for f in errors if f.value == "CUSTOD")
    assert custody.message == (
        "“CUSTOD” is not one of the codes of collection year 2018 (CARPL, CLOSE, ALLEG, STAND, APPRR, CREQB, CREQO, "
        "CHILD, LAREQ, PLACE, OTHER)"
    )
    exported = findings(home, "file_name, source_row, column_name, rule, value, message, remedy, severity")
    assert [row[1:] for row in exported if row[0] == EPISODES] == [
        (f.source_row, f.column_name, f.rule, f.value, f.message, f.remedy, f.severity)
        for f in reports[EPISODES].findings
    ]


def test_the_other_episodes_land_as_they_stand(data: Path, home: Home, reports: dict[str, FileReport]) -> None:
    assert reports[EPISODES].rows_landed == 4608
    key = load_key()

    def day(cell: str) -> object:
        return datetime.strptime(cell, "%d/%m/%Y").date() if cell else None

    expected = [
        (
            number,
            key.pseudonym("looked_after_child", row["CHILD"]),
            day(row["DECOM"]),
            day(row["DEC"]),
            *(row[h] or None for h in ("RNE", "LS", "CIN", "PLACE", "PLACE_PROVIDER", "REC", "REASON_PLACE_CHANGE")),
        )
        for number, row in records(data / EPISODES)
        if not any(row[header] in codes for header, codes in NOT_YET.items())
    ]
    columns = (
        "source_row, child_id, started_date, ceased_date, new_episode_reason_code, legal_status_code, need_code, "
        "placement_type_code, placement_provider_code, ceased_reason_code, placement_change_reason_code"
    )
    assert landed(home, "ssda903_episodes", columns) == expected


def test_an_episode_whose_postcodes_do_not_resolve_is_not_known(home: Home, reports: dict[str, FileReport]) -> None:
    assert reports[EPISODES].rows_landed == 4608
    rows = landed(home, "ssda903_episodes", "home_authority_code, placement_authority_code, distance_miles")
    both = [row for row in rows if row[0] is not None and row[1] is not None]
    assert len(both) == 2
    assert all(miles is not None for *_, miles in both)
    assert all(row[2] is None for row in rows if row not in both)


def test_ages_are_completed_years_on_31_march_2018(data: Path, home: Home, reports: dict[str, FileReport]) -> None:
    assert reports[HEADER].rows_landed == 2675

    def age(cell: str) -> int:
        born = datetime.strptime(cell, "%d/%m/%Y")
        return 2018 - born.year - ((born.month, born.day) > (3, 31))

    expected = [
        (
            number,
            {"1": "M", "2": "F"}[row["SEX"]],
            row["ETHNIC"],
            {"1.0": True, "": None}[row["MOTHER"]],
            age(row["DOB"]),
        )
        for number, row in records(data / HEADER)
    ]
    columns = "source_row, sex, ethnicity_code, is_mother, age_at_year_end"
    assert landed(home, "ssda903_header", columns) == expected


def test_no_child_number_pupil_number_or_postcode_is_anywhere_afterwards(
    data: Path, home: Home, reports: dict[str, FileReport]
) -> None:
    assert reports[HEADER].status == "landed"
    episodes, header = records(data / EPISODES), records(data / HEADER)
    secrets = {row["UPN"] for _, row in header} | {row["CHILD"] for _, row in header}
    secrets |= {row[h] for _, row in episodes for h in ("HOME_POST", "PL_POST", "CHILD", "URN")}
    secrets |= {row["DOB"] for _, row in header} - {row["DEC"] for _, row in episodes}
    secrets.discard("")
    assert len(secrets) > 10_000
    texts = every_text(home.landing) | every_text(home.quarantine)
    assert not texts & secrets
