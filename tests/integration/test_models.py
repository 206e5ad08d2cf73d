"""One `dbt build` over a small landing zone made by hand, its marts against figures worked out by hand.

The landing zone is written here, straight from the contracts' columns, so that what the models do is told apart from
what ingestion does. The figures of Rochdale in it are the published ones.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ingestion.contracts import load_contracts
from ingestion.home import Home, Settings
from ingestion.ledger import Ledger
from ingestion.ledger import Vintage as Entry
from ingestion.reference.layout import to_arrow
from ingestion.registry.layout import landed_layouts
from orchestration import handover
from orchestration.retention import lay_out, retain
from publishing.released import recall
from tests.commands import dbt

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "dbt_project"
GOLDEN = REPOSITORY / "tests" / "golden"
DBT = str(Path(sys.executable).with_name("dbt"))

# One process builds the warehouse for all of these tests.
Rows = list[dict[str, Any]]

OUTSIDE_NEAR = "Placed outside LA boundary less than 20 miles from home"
OUTSIDE_FAR = "Placed outside LA boundary more than 20 miles from home"
INSIDE_NEAR = "Placed inside LA boundary less than 20 miles from home"
ALL_PLACEMENTS = "Total new placements"


@dataclass(frozen=True)
class Vintage:
    """One landed file: its rows, and what the ledger says about it."""

    dataset: str
    vintage_id: str
    sequence: int
    rows: Rows
    is_current: bool = True
    rows_landed: int | None = None
    received_at: str = "2025-10-01"
    #: When its rows were deleted; then it has none.
    retired_at: str | None = None
    submission: str = ""


def exclusions(area: str, year: str, school_type: str = "Total", **figures: Any) -> dict[str, Any]:
    level = {"E92000001": "National", "E12000002": "Regional"}.get(area, "Local authority")
    row: dict[str, Any] = {
        "time_period": year,
        "geographic_level": level,
        "country_code": "E92000001",
        "country_name": "England",
        "region_code": None if level == "National" else "E12000002",
        "region_name": None if level == "National" else "North West",
        "la_name": {"DFE875": "Cheshire", "E08000001": "Bolton", "E08000005": "Rochdale"}.get(area),
        "area_code": area,
        "school_type": school_type,
    }
    for name, figure in figures.items():
        # A figure is a number or the status of one that was not published.
        row[name] = None if isinstance(figure, str) else figure
        row[f"{name}_status"] = figure if isinstance(figure, str) else "ok"
    return row


def rochdale(year: str, pupils: int, suspended: tuple[int, float], excluded: tuple[int, float]) -> dict[str, Any]:
    return exclusions(
        "E08000005",
        year,
        headcount=pupils,
        suspensions=suspended[0],
        suspension_rate=suspended[1],
        permanent_exclusions=excluded[0],
        permanent_exclusion_rate=excluded[1],
        pupils_suspended=773,
        pupils_suspended_percent=2.21,
    )


def new_placements(area: str, year: str, **counts: int | str) -> Rows:
    classes = {"inside": INSIDE_NEAR, "near": OUTSIDE_NEAR, "far": OUTSIDE_FAR, "total": ALL_PLACEMENTS}
    return [
        {
            "time_period": year,
            "geographic_level": "Local authority",
            "country_code": "E92000001",
            "region_code": "E12000002",
            "la_name": "Rochdale",
            "area_code": area,
            "characteristic": "Location of new placements during the year",
            "breakdown": classes[name],
            "placements": None if isinstance(count, str) else count,
            "placements_status": count if isinstance(count, str) else "ok",
        }
        for name, count in counts.items()
    ]


def episodes(year: int, placed: Sequence[tuple[str | None, float | None]], reason: str = "S") -> Rows:
    return [
        {
            "collection_year": year,
            "child_id": f"child-{number}",
            "started_date": f"{year - 1}-06-01",
            "new_episode_reason_code": reason,
            "legal_status_code": "C2",
            "placement_authority_code": authority,
            "distance_miles": miles,
        }
        for number, (authority, miles) in enumerate(placed)
    ]


def answers(item: str, organisation: str, role: str | None, scores: Sequence[int | None]) -> Rows:
    return [
        {
            "wave": 1,
            "respondent_id": f"{organisation}-{number}",
            "submitted_date": f"2025-05-{number + 1:02d}",
            "organisation_id": organisation,
            "role_code": role,
            "item_id": item,
            "score": score,
        }
        for number, score in enumerate(scores)
    ]


def bookings(people: Sequence[str], organisation: str, date: str, role: str | None = None, **other: Any) -> Rows:
    return [
        {
            "person_id": person,
            "course": "Foundations",
            "course_level": "informed",
            "is_core": True,
            "session_date": date,
            "status": "completed",
            "organisation_id": organisation,
            "role_code": role,
        }
        | other
        for person in people
    ]


def headcount(organisation: str, sector: str, count: int, date: str, role: str = "total") -> dict[str, Any]:
    return {
        "organisation_id": organisation,
        "organisation_name": f"Organisation {organisation}",
        "aliases": [],
        "sector_code": sector,
        "role_code": role,
        "headcount": count,
        "counted_date": date,
    }


HERE, BOLTON = ("E08000005", 3.0), ("E08000001", 11.0)

#: What is to come of these is in tests/golden, worked out by hand.
VINTAGES = [
    Vintage(
        "dfe_exclusions",
        "exclusions-first",
        1,
        [
            rochdale("201516", 34000, (1, 0.01), (50, 0.15)),
            rochdale("201617", 34974, (1455, 4.16), (62, 0.18)),
            exclusions("E08000005", "201617", "Special", headcount=300, suspensions=9, suspension_rate=3.0),
            exclusions(
                "E08000001",
                "201617",
                headcount=40000,
                suspensions=1188,
                suspension_rate=2.97,
                permanent_exclusions="c",
                permanent_exclusion_rate="c",
                pupils_suspended="c",
                pupils_suspended_percent="c",
            ),
            exclusions(
                "DFE875",
                "200809",
                headcount=0,
                suspensions=1188,
                suspension_rate="z",
                permanent_exclusions=0,
                permanent_exclusion_rate="z",
                pupils_suspended=900,
                pupils_suspended_percent="z",
            ),
        ],
    ),
    # Sent again with one year corrected: the year's row counts from here, the other rows from the first file.
    Vintage("dfe_exclusions", "exclusions-second", 2, [rochdale("201516", 34500, (1300, 3.77), (52, 0.15))]),
    Vintage(
        "dfe_new_placements",
        "new-placements",
        3,
        new_placements("E08000005", "2025", inside=364, near=129, far=45, total=556)
        + new_placements("E08000005", "2024", inside=300, near=130, far="c", total=500),
    ),
    # Thirteen children on 31 March 2025, six outside the authority of whom two far away; in the year before, seven of
    # thirteen not known.
    Vintage("ssda903_episodes", "episodes-2024", 4, episodes(2024, [(None, None)] * 7 + [HERE] * 6)),
    Vintage("ssda903_episodes", "episodes-2025-withdrawn", 5, episodes(2025, [BOLTON] * 20), is_current=False),
    Vintage(
        "ssda903_episodes",
        "episodes-2025",
        6,
        [
            *episodes(2025, [BOLTON] * 4 + [("E09000001", 180.5)] * 2 + [HERE] * 7),
            # The first child's legal status changed later on: the same placement, and no new one.
            episodes(2025, [BOLTON], "L")[0] | {"started_date": "2024-12-01"},
        ],
    ),
    Vintage(
        "organisations",
        "register",
        7,
        [
            headcount("O1", "health", 35, "2023-09-01"),
            headcount("O1", "health", 40, "2024-09-01"),
            headcount("O1", "health", 12, "2024-09-01", "leader"),
            headcount("O2", "housing", 20, "2024-09-01"),
            headcount("O3", "education", 50, "2025-09-01"),
        ],
    ),
    Vintage(
        "workforce_survey",
        "survey-wave-1",
        8,
        answers("wf01", "O1", "leader", [5, 5, 4, 4, 4, 4, 4, 3, 2, 1])
        + answers("wf01", "O2", None, [4, None])
        + answers("wf02", "O1", "leader", [5, 4, 1]),
    ),
    # Fifteen people of O1 of whom six lead, twenty-one people of O2 (more than work there), one of O3, which is not
    # counted yet.
    Vintage(
        "training_bookings",
        "training",
        9,
        bookings([f"a{n}" for n in range(6)], "O1", "2024-10-10", "leader")
        + bookings([f"a{n}" for n in range(6, 15)], "O1", "2024-10-11")
        + bookings(["a0"], "O1", "2025-03-01", "leader", course="Practice", course_level="skilled")
        + bookings([f"b{n}" for n in range(21)], "O2", "2024-11-05")
        + bookings(["c0"], "O3", "2024-11-05")
        + bookings(["a14"], "O1", "2024-11-30", status="did_not_attend", course="Practice")
        # Counts for nobody, and says that the bookings cover the year.
        + bookings(["a14"], "O1", "2025-07-04", status="cancelled", course="Practice"),
    ),
    Vintage(
        "events",
        "events",
        10,
        [
            {"event_id": "e1", "event_date": "2025-09-03", "sector_code": "health", "attendance": 12},
            {"event_id": "e2", "event_date": "2025-09-30", "sector_code": "all_sectors", "attendance": 30},
        ],
    ),
]


def pupils_on_roll(term: str, **schools: int) -> Rows:
    return [
        {"school_id": f"Organisation {school}", "start_year": 2024, "census_term": term, "pupils": pupils}
        for school, pupils in schools.items()
    ]


def suspensions(months: Sequence[str], **schools: int) -> Rows:
    """As many suspensions as each school has, of a pupil each, in these months in turn."""
    return [
        {"pupil_id": f"{school}-{number}", "school_id": f"Organisation {school}", "category_code": "SUSP",
         "start_date": f"{months[number % len(months)]}-04", "sessions": 2, "reason_1": "PP"}
        for school, suspended in schools.items() for number in range(suspended)
    ]  # fmt: skip


AUTUMN, SPRING, SUMMER = ("2024-10", "2024-12"), ("2025-02", "2025-03"), ("2025-05", "2025-07")

#: Three schools. O3 closed in February; of the summer O1 has sent its returns, ten days late, and O2 none.
RETURNS = [
    Vintage(
        "organisations", "register", 1,
        [*(headcount(school, "education", 40, "2024-09-01") for school in ("O1", "O2")),
         headcount("O3", "education", 40, "2024-09-01") | {"left_date": "2025-02-01"}],
        received_at="2024-09-20",
    ),
    Vintage("pupils_on_roll", "roll-autumn", 2, pupils_on_roll("autumn", O1=400, O2=300, O3=200),
            received_at="2024-11-20"),
    Vintage("la_exclusions", "extract-autumn", 3, suspensions(AUTUMN, O1=12, O2=20), received_at="2025-01-20"),
    Vintage("pupils_on_roll", "roll-spring", 4, pupils_on_roll("spring", O1=400, O2=300), received_at="2025-02-20"),
    Vintage("la_exclusions", "extract-spring", 5, suspensions(SPRING, O1=12, O2=20), received_at="2025-05-05"),
    Vintage("pupils_on_roll", "roll-summer", 6, pupils_on_roll("summer", O1=400), received_at="2025-09-10"),
    Vintage("la_exclusions", "extract-summer", 7, suspensions(SUMMER, O1=12), received_at="2025-09-20"),
]  # fmt: skip
#: What O2 sends in the end.
MISSING_RETURNS = [
    Vintage("pupils_on_roll", "roll-summer-O2", 8, pupils_on_roll("summer", O2=300), received_at="2025-10-20"),
    Vintage("la_exclusions", "extract-summer-O2", 9, suspensions(SUMMER, O2=20), received_at="2025-10-20"),
]

REFERENCE: dict[str, tuple[dict[str, str], list[tuple[Any, ...]]]] = {
    "reference/authorities": (
        {"area_code": "VARCHAR", "area_name": "VARCHAR", "area_type": "VARCHAR", "old_la_code": "VARCHAR",
         "region_code": "VARCHAR", "valid_from": "DATE", "valid_to": "DATE", "is_invented": "BOOLEAN"},
        [("E08000005", "Rochdale", "local_authority", "354", "E12000002", "1974-04-01", None, False),
         ("E08000001", "Bolton", "local_authority", "350", "E12000002", "1974-04-01", None, False)],
    ),
    "reference/regions": (
        {"region_code": "VARCHAR", "region_name": "VARCHAR", "country_code": "VARCHAR"},
        [("E12000002", "North West", "E92000001")],
    ),
    "reference/countries": (
        {"country_code": "VARCHAR", "country_name": "VARCHAR"}, [("E92000001", "England")],
    ),
    "reference/statistical_neighbours": (
        {"model_version": "VARCHAR", "area_code": "VARCHAR", "neighbour_area_code": "VARCHAR", "rank": "BIGINT",
         "closeness": "VARCHAR"},
        [("2025", "E08000005", "E08000001", 1, "Close")],
    ),
    "reference/sectors": (
        {"sector_code": "VARCHAR", "sector_name": "VARCHAR", "sector_order": "BIGINT"},
        [("education", "Schools and education", 1), ("health", "Health", 2), ("housing", "Housing", 3),
         ("all_sectors", "All sectors", 4)],
    ),
    "reference/period_types": (
        {"period_type": "VARCHAR", "name": "VARCHAR", "start_month": "BIGINT", "months": "BIGINT"},
        [("financial_year", "Financial year", 4, 12), ("academic_year", "Academic year", 9, 12),
         ("scottish_looked_after_year", "Scottish looked-after year", 8, 12),
         ("calendar_year", "Calendar year", 1, 12), ("term", "Term", None, None), ("quarter", "Quarter", None, 3),
         ("month", "Month", None, 1), ("wave", "Wave", None, None)],
    ),
    "home/settings": ({"authority_code": "VARCHAR"}, [("E08000005",)]),
}  # fmt: skip

LEDGER = {
    "dataset": "VARCHAR", "file_name": "VARCHAR", "vintage_id": "VARCHAR", "submission": "VARCHAR",
    "status": "VARCHAR", "gate": "VARCHAR", "rows_read": "BIGINT", "rows_landed": "BIGINT",
    "rows_quarantined": "BIGINT", "rows_dropped": "BIGINT", "rows_corrected": "BIGINT", "dropped_by_rule": "VARCHAR",
    "received_at": "TIMESTAMP", "landed_at": "TIMESTAMP", "sequence": "BIGINT", "is_current": "BOOLEAN",
    "contract_version": "BIGINT", "message": "VARCHAR", "retired_at": "TIMESTAMP",
}  # fmt: skip


def write_parquet(path: Path, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"create table t ({', '.join(f'{name} {type_}' for name, type_ in columns.items())})")
        if rows:
            connection.executemany(f"insert into t values ({', '.join('?' for _ in columns)})", rows)
        connection.execute(f"copy t to '{str(path).replace(chr(39), chr(39) * 2)}' (format parquet)")


def write_landing(home: Path, vintages: Sequence[Vintage]) -> None:
    """The landing zone of a home as ingestion leaves it, down to the zero-row file of every dataset."""
    landing = home / "landing"
    contracts = {name: contract for name, contract in load_contracts().items() if contract.not_needed is None}
    for name, contract in contracts.items():
        write_parquet(landing / name / "_empty.parquet", contract.landed_columns(), [])
    for vintage in vintages:
        if vintage.retired_at is not None:
            continue
        columns = contracts[vintage.dataset].landed_columns()
        lines = [
            [(row | {"vintage_id": vintage.vintage_id, "source_row": number}).get(column) for column in columns]
            for number, row in enumerate(vintage.rows, start=2)
        ]
        write_parquet(landing / vintage.dataset / f"{vintage.vintage_id}.parquet", columns, lines)
    for name, (columns, rows) in REFERENCE.items():
        write_parquet(landing / f"{name}.parquet", columns, rows)
    for name, layout in landed_layouts().items():
        pq.write_table(to_arrow([], layout), landing / "home" / f"{name}.parquet")
    ledger = [
        (v.dataset, f"{v.vintage_id}.csv", v.vintage_id, v.submission, "landed", "passed", len(v.rows),
         len(v.rows) if v.rows_landed is None else v.rows_landed, 0, 0, 0, "{}", v.received_at, "2025-10-01",
         v.sequence, v.is_current, 1, None, v.retired_at)
        for v in vintages
    ]  # fmt: skip
    write_parquet(landing / "source_files.parquet", LEDGER, ledger)
    recall(Home(home, Settings(authority="E08000005")))
    lay_out(Home(home, Settings(authority="E08000005")))


@dataclass(frozen=True)
class Build:
    """What one `dbt build` left behind."""

    home: Path
    target: Path
    exit_code: int
    output: str

    def statuses(self) -> dict[str, str]:
        """Status of every model, seed and test, by name."""
        results = json.loads((self.target / "run_results.json").read_text(encoding="utf-8"))["results"]
        return {_name(result["unique_id"]): result["status"] for result in results}

    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.target / "manifest.json").read_text(encoding="utf-8"))
        return manifest

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def _name(unique_id: str) -> str:
    # kind.project.name, with a hash behind a test's name and the model before a unit test's.
    kind, _, name, *rest = unique_id.split(".")
    return rest[0] if kind == "unit_test" else name


def dbt_build(home: Path, target: Path, *arguments: str) -> Build:
    completed = dbt(home, target, "build", *arguments)
    return Build(home, target, completed.returncode, completed.stdout + completed.stderr)


def dbt_build_by_itself(home: Path, target: Path, *arguments: str, folder: Path = PROJECT) -> Build:
    """As somebody calls dbt who stands in a folder: it parses the project."""
    environment = os.environ | {
        "IMPACT_HOME": str(home),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target / "logs"),
        "PYTHONPATH": "" if folder == PROJECT else str(REPOSITORY),
    }
    completed = subprocess.run(
        [DBT, "--no-use-colors", "build", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Build(home, target, completed.returncode, completed.stdout + completed.stderr)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The whole project, unit tests included, as somebody builds it who stands in its folder.

    The home's path holds what a path may hold: a quote, spaces, braces, wildcards and an equals sign.
    """
    folder = tmp_path_factory.mktemp("models")
    home = folder / "somebody's {first} [home] * = 1"
    write_landing(home, VINTAGES)
    build = dbt_build_by_itself(home, folder / "target")
    assert build.exit_code == 0, build.output
    return build


def golden(name: str) -> tuple[list[str], list[tuple[str, ...]]]:
    with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    return header, [tuple(row) for row in rows]


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)


def assert_golden(build: Build, name: str, sql: str) -> None:
    header, expected = golden(name)
    found = [tuple(as_text(value) for value in row) for row in build.query(sql.format(columns=", ".join(header)))]
    assert expected, f"{name} is empty"
    assert sorted(found) == sorted(expected)


def test_every_model_unit_test_and_data_test_passes_but_the_warning_that_was_planted(built: Build) -> None:
    # An exposure is there to be read and not to be built.
    exposures = {node["name"] for node in built.manifest()["exposures"].values()}
    statuses = {name: status for name, status in built.statuses().items() if name not in exposures}
    assert {name: status for name, status in statuses.items() if status not in ("success", "pass")} == {
        "own_counts_are_possible": "warn"
    }
    kinds = [node["resource_type"] for node in built.manifest()["nodes"].values()]
    assert len(statuses) == len(kinds) + len(built.manifest()["unit_tests"])
    assert len(built.manifest()["unit_tests"]) >= 20
    assert "deprecat" not in built.output.lower()


def test_indicator_values_are_those_worked_out_by_hand(built: Build) -> None:
    assert_golden(built, "indicator_values.csv", "select {columns} from marts.indicator_values")


def test_indicator_counts_hold_what_the_marts_may_not_show(built: Build) -> None:
    assert_golden(
        built,
        "indicator_counts_suppressed.csv",
        """
        select {columns} from (
            select counts.*
            from indicators.indicator_counts as counts
            inner join marts.indicator_values as shown using (
                indicator_id, source_dataset, area_code, sector, organisation_id, breakdown, breakdown_value, period
            )
            where shown.value_status = 'c' and counts.source_dataset not like 'dfe%'
        )
        """,
    )


def test_every_node_of_the_logic_model_has_its_latest_values_or_says_why_not(built: Build) -> None:
    assert_golden(
        built,
        "outcomes.csv",
        """
        select {columns} from (
            from marts.short_term_outcomes
            union all from marts.medium_term_outcomes
            union all from marts.long_term_outcomes
        )
        where organisation_id = 'total' and (indicator_id is null or indicator_id not like 'wf%' or node_id = 'S2')
        """,
    )


def test_areas_organisations_and_value_vintages_are_those_worked_out_by_hand(built: Build) -> None:
    assert_golden(built, "areas.csv", "select {columns} from marts.areas")
    assert_golden(built, "organisations.csv", "select {columns} from marts.organisations")
    assert_golden(
        built,
        "value_vintages.csv",
        "select {columns} from marts.value_vintages where sector = 'total' and organisation_id = 'total' "
        "and breakdown = 'total' and area_code = 'E08000005' and indicator_id in "
        "('suspension_rate', 'training_take_up', 'placed_out_of_area', 'wf01', 'events_held')",
    )


def test_periods_have_the_labels_and_days_that_people_use(built: Build) -> None:
    header, expected = golden("periods.csv")
    found = {tuple(map(as_text, row)) for row in built.query(f"select {', '.join(header)} from marts.periods")}
    assert set(expected) <= found
    per_kind = dict(built.query("select period_type, count(*) from marts.periods group by all"))
    assert per_kind == {
        "financial_year": 25, "academic_year": 25, "scottish_looked_after_year": 25, "calendar_year": 25, "term": 75,
        "quarter": 100, "month": 300, "wave": 1,
    }  # fmt: skip


def test_the_marts_have_the_columns_of_the_public_interface_in_its_order(built: Build) -> None:
    found = dict(
        built.query(
            "select table_name, list(column_name order by ordinal_position) from information_schema.columns "
            "where table_schema = 'marts' group by all"
        )
    )
    key = "indicator_id source_dataset area_code sector organisation_id breakdown breakdown_value period_type period"
    frame = (
        "framework_id layer layer_order layer_name node_id node_order statement feature population indicator_id "
        "indicator_name definition unit polarity level objective evidence area_code area_name sector organisation_id "
        "organisation_name breakdown breakdown_value member_level source_dataset period_type period period_end "
        "numerator denominator value value_status ci_lower_95 ci_upper_95 previous_period previous_value change "
        "change_lower_95 change_upper_95 direction direction_basis measurement_status declared_gap"
    )
    expected = {
        "indicators": "indicator_id name definition numerator_definition denominator_definition unit polarity level "
        "objective cadence source_dataset owner baseline_period target_value target_date target_decided_by "
        "target_decided_date disclosure_rule evidence "
        "next_expected_date",
        "framework_nodes": "framework_id node_id layer layer_order statement feature population before_statement "
        "after_statement declared_gap",
        "indicator_nodes": "indicator_id framework_id node_id",
        "indicator_values": f"{key} period_start period_end numerator denominator value value_status ci_lower_95 "
        "ci_upper_95 ci_lower_998 ci_upper_998 trend trend_method trend_reason signal is_latest",
        "value_vintages": f"{key} vintage_id",
        "framework_links": "framework_id from_node_id to_framework_id to_node_id basis reason",
        "node_status": "framework_id mart layer layer_order layer_name node_id node_order statement feature status "
        "indicator_count measured_count shown_count improving_count no_clear_change_count worsening_count "
        "too_few_data_points_count not_judged_count self_report_count administrative_count published_count "
        "is_self_report_alone levels fewest_periods most_periods fewest_respondents most_respondents "
        "latest_period_end declared_gap",
        **dict.fromkeys(
            (
                "inputs",
                "activities",
                "short_term_outcomes",
                "medium_term_outcomes",
                "long_term_outcomes",
                "national_outcomes",
                "theory_of_change",
                "feature_outcomes",
            ),
            frame,
        ),
        "change_journey": f"{frame} before_statement after_statement stage previous_stage stage_change",
        "measurement_framework": f"cell_objective cell_level {frame}",
        "comparisons": f"{key} is_latest comparator comparator_area_code comparator_period value comparator_value "
        "comparator_status difference difference_lower_95 difference_upper_95 verdict rank quartile ranked_areas "
        "progress",
        "control_limits": f"{key.removesuffix(' period')} first_period last_period is_latest mean lower_limit "
        "upper_limit limit_points is_provisional signal_points baseline_reason decided_by decided_date",
        "inequalities": f"{key} is_latest comparator_breakdown_value value comparator_value comparator_status "
        "absolute_gap absolute_gap_lower_95 absolute_gap_upper_95 relative_gap relative_gap_lower_95 "
        "relative_gap_upper_95 verdict",
        "areas": "area_code area_name area_type region_code region_name country_code is_home neighbour_rank "
        "valid_from valid_to is_invented",
        "organisations": "organisation_id organisation_name sector_code sector_name headcount headcount_date",
        "sectors": "sector_code sector_name sector_order",
        "periods": "period_type period period_start period_end",
        "expected_submissions": "dataset supplier_role organisation_id organisation_name period_type period "
        "period_start period_end due_date status received_at days_late",
    }
    assert found == {table: columns.split() for table, columns in expected.items()}


def test_each_layer_reads_only_layers_before_it_and_only_staging_reads_what_landed(built: Build) -> None:
    order = ["seeds", "staging", "intermediate", "indicators", "marts"]
    manifest = built.manifest()
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}
    assert {node["schema"] for node in nodes.values()} == set(order)
    wrong = []
    for node in nodes.values():
        for upstream in node["depends_on"].get("nodes", []):
            if upstream.startswith("source."):
                allowed = node["schema"] == "staging"
            else:
                above, below = order.index(nodes[upstream]["schema"]), order.index(node["schema"])
                # Staging reads nothing of its own layer but the ledger; marts read no mart.
                allowed = above < below or (above == below and node["schema"] in ("intermediate", "indicators"))
                allowed = allowed or (node["schema"] == "staging" and upstream.endswith(".stg_landing__source_files"))
            if not allowed:
                wrong.append(f"{node['name']} reads {upstream}")
    assert wrong == []


def test_counts_rest_on_intermediate_models_and_reach_the_marts_through_disclosure_control_alone(built: Build) -> None:
    manifest = built.manifest()
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    (counts,) = (key for key, node in nodes.items() if node["name"] == "indicator_counts")
    upstream = [nodes[key] for key in nodes[counts]["depends_on"]["nodes"]]
    # What has been frozen was counted once, and is not counted again.
    others = {node["name"] for node in upstream if node["schema"] != "intermediate"}
    assert others == {"stg_frozen__indicator_counts"}

    def reached(key: str, *closed: str) -> set[str]:
        found: set[str] = set()
        waiting = [key]
        while waiting:
            children = manifest["child_map"][waiting.pop()]
            downstream = {child for child in children if child in nodes and nodes[child]["name"] not in closed}
            waiting += downstream - found
            found |= downstream
        return {nodes[key]["name"] for key in found if nodes[key]["schema"] == "marts"}

    assert {"indicator_values", "short_term_outcomes", "comparisons", "node_status"} <= reached(counts)
    # Head counts are not counted values, but which of them may be shown depends on what of those is.
    assert reached(counts, "indicator_values_disclosed", "organisation_headcounts") == set()


def test_figures_survive_the_rows_they_rest_on(built: Build, tmp_path: Path) -> None:
    """The rows of the training, the survey and one of two returns are deleted; more of that year comes later."""
    folder = tmp_path / "home"
    shutil.copytree(built.home, folder)
    home = Home(folder, Settings(authority="E08000005"))
    # The copy's warehouse reads the copy's rows.
    there = str(built.home).replace("[", "[[]").replace("*", "[*]").replace("'", "''")
    with duckdb.connect(str(home.warehouse)) as con:
        ((view,),) = con.execute(
            "select sql from duckdb_views() where view_name = 'stg_landing__reported_dates'"
        ).fetchall()
        assert there in view
        con.execute(view.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1).replace(there, str(folder)))
    with Ledger(home) as ledger:
        for vintage in VINTAGES:
            contract = load_contracts()[vintage.dataset]
            replaces = contract.submission is not None and contract.submission.mode == "replace"
            entry = Entry(
                vintage.vintage_id, vintage.dataset, vintage.vintage_id, vintage.vintage_id if replaces else "",
                "landed", len(vintage.rows), len(vintage.rows), 0, 0, 0, {}, {}, None, 1, "rules",
            )  # fmt: skip
            if vintage.is_current:
                ledger.record(entry, f"{vintage.vintage_id}.csv", 1, 1)
    with closing(sqlite3.connect(home.ledger)) as db, db:
        old = "('training.csv', 'survey-wave-1.csv', 'episodes-2024.csv')"
        db.execute(f"update receipts set received_at = '2025-09-20T08:00:00+00:00' where path in {old}")
    home.published.mkdir()
    for stage in handover.STAGES:
        handover.leave(home, stage, [])
    done = retain(home, date(2031, 10, 1))
    home.published.rmdir()
    retired = {one.vintage_id for one in done.deleted}
    assert retired == {"training", "survey-wave-1", "episodes-2024"}
    assert not any((home.landing / one.dataset / f"{one.vintage_id}.parquet").exists() for one in done.deleted)

    # What comes in later for a frozen month and year counts in none of their figures.
    late = Vintage("training_bookings", "late", 11, bookings(["d0", "d1"], "O3", "2024-11-20"))
    gone = [replace(v, retired_at="2031-10-01") if v.vintage_id in retired else v for v in VINTAGES]
    write_landing(folder, [*gone, late])
    again = dbt_build(
        folder, tmp_path / "target", "--select", "+indicator_values", "value_vintages", "periods", "counts_are_unique",
        "stg_training__bookings_reconciles_with_ledger", "--indirect-selection", "empty",
        "--exclude-resource-type", "unit_test",
    )  # fmt: skip
    assert again.exit_code == 0, again.output
    for table in ("indicators.indicator_counts", "marts.indicator_values", "marts.value_vintages", "marts.periods"):
        assert again.query(f"from {table} order by all") == built.query(f"from {table} order by all"), table


def test_what_reads_the_marts_is_named_with_the_role_that_answers_for_it(built: Build) -> None:
    manifest = built.manifest()
    marts = {key for key, node in manifest["nodes"].items() if node["schema"] == "marts" and "columns" in node}
    exposures = manifest["exposures"].values()
    assert {key for exposure in exposures for key in exposure["depends_on"]["nodes"]} == {
        key for key in marts if manifest["nodes"][key]["resource_type"] == "model"
    }
    assert all(exposure["description"] and exposure["owner"]["name"] for exposure in exposures)


def test_every_model_describes_types_and_promises_its_columns(built: Build) -> None:
    models = [node for node in built.manifest()["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) > 40
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, type_ in built.query(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "order by table_schema, table_name, ordinal_position"
    ):
        columns.setdefault((schema, table), {})[column] = type_.lower()
    for model in models:
        assert model["description"], model["name"]
        declared = {name: column["data_type"].lower() for name, column in model["columns"].items()}
        assert list(declared.items()) == list(columns[model["schema"], model["name"]].items()), model["name"]
        for column in model["columns"].values():
            assert column["description"], f"{model['name']}.{column['name']}"
        if model["schema"] in ("indicators", "marts") and model["language"] == "sql":
            assert model["config"]["contract"]["enforced"], model["name"]


def test_a_second_build_from_another_folder_gives_the_same_marts(built: Build, tmp_path: Path) -> None:
    def marts() -> dict[str, list[tuple[Any, ...]]]:
        tables = built.query("select table_name from information_schema.tables where table_schema = 'marts'")
        return {name: sorted(map(repr, built.query(f"select * from marts.{name}"))) for (name,) in tables}

    before = marts()
    assert len(before) == 25
    (tmp_path / "target").mkdir()
    shutil.copy(built.target / "partial_parse.msgpack", tmp_path / "target")
    again = dbt_build_by_itself(
        built.home, tmp_path / "target", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--resource-type", "model", "--resource-type", "seed", folder=tmp_path,
    )  # fmt: skip
    assert again.exit_code == 0, again.output
    assert marts() == before


def test_a_home_without_data_says_of_every_outcome_that_it_is_not_measured(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_landing(home, [])
    build = dbt_build(home, tmp_path / "target", "--exclude-resource-type", "unit_test")
    assert build.exit_code == 0, build.output
    assert build.query("select count(*) from marts.indicator_values") == [(0,)]
    by_status = dict(
        build.query(
            """
            select measurement_status, list(distinct node_id order by node_id)
            from (
                from marts.short_term_outcomes
                union all from marts.medium_term_outcomes
                union all from marts.long_term_outcomes
            )
            group by all
            """
        )
    )
    measurable = [f"S{n}" for n in range(1, 8)] + [f"M{n}" for n in range(1, 7)] + ["L1", "L2", "L3"]
    assert by_status == {"not yet measured": sorted(measurable)}


def returns_by(day: str, folder: Path, vintages: Sequence[Vintage]) -> tuple[Rows, Rows, dict[str, str]]:
    """Built as at a day: what is expected, the suspension rates of terms and year, when indicators are due next."""
    write_landing(folder / "home", vintages)
    build = dbt_build(
        folder / "home", folder / "target", "--exclude-resource-type", "unit_test", "--vars", f"as_at_date: '{day}'",
        "--indirect-selection", "cautious", "--select", "+expected_submissions", "+indicators", "+indicator_values",
    )  # fmt: skip
    assert build.exit_code == 0, build.output
    expected = [
        {"of": (dataset, organisation, period), "status": status, "days_late": days}
        for dataset, organisation, period, status, days in build.query(
            "select dataset, organisation_id, period, status, days_late from marts.expected_submissions "
            "where dataset in ('pupils_on_roll', 'la_exclusions') and period_start < '2025-09-01'"
        )
    ]
    rates = [
        {"of": (organisation, period), "counts": (numerator, denominator), "value": value, "status": status}
        for organisation, period, numerator, denominator, value, status in build.query(
            "select organisation_id, period, numerator, denominator, value, value_status from marts.indicator_values "
            "where indicator_id = 'suspension_rate'"
        )
    ]
    due = build.query("select indicator_id, next_expected_date::varchar from marts.indicators")
    return expected, rates, dict(due)


def test_a_missing_return_of_a_school_is_late_and_no_fall_in_suspensions(tmp_path: Path) -> None:
    expected, rates, due = returns_by("2025-10-15", tmp_path, RETURNS)
    assert {row["of"]: (row["status"], row["days_late"]) for row in expected} == {
        ("pupils_on_roll", "O1", "2024/25 autumn"): ("received", None),
        ("pupils_on_roll", "O1", "2024/25 spring"): ("received", None),
        ("pupils_on_roll", "O1", "2024/25 summer"): ("received late", 10),
        ("pupils_on_roll", "O2", "2024/25 autumn"): ("received", None),
        ("pupils_on_roll", "O2", "2024/25 spring"): ("received", None),
        ("pupils_on_roll", "O2", "2024/25 summer"): ("late", None),
        ("pupils_on_roll", "O3", "2024/25 autumn"): ("received", None),
        # Due by the 30th of January, of April and of September.
        ("la_exclusions", "total", "2024/25 autumn"): ("received", None),
        ("la_exclusions", "total", "2024/25 spring"): ("received late", 5),
        ("la_exclusions", "total", "2024/25 summer"): ("received", None),
    }
    # The autumn is 32 in 900 and the spring 32 in 700. The 12 in 400 that is known of the summer would be a fall, and
    # so would the 76 in 700 of the year.
    assert {row["of"]: (*row["counts"], row["value"], row["status"]) for row in rates} == {
        ("total", "2024/25 autumn"): (32, 900, 3.56, "ok"),
        ("total", "2024/25 spring"): (32, 700, 4.57, "ok"),
        ("total", "2024/25 summer"): (None, None, None, "x"),
        ("total", "2024/25"): (None, None, None, "x"),
        ("O1", "2024/25 autumn"): (12, 400, 3.0, "ok"),
        ("O1", "2024/25 spring"): (12, 400, 3.0, "ok"),
        ("O1", "2024/25 summer"): (12, 400, 3.0, "ok"),
        ("O1", "2024/25"): (36, 400, 9.0, "ok"),
        ("O2", "2024/25 autumn"): (20, 300, 6.67, "ok"),
        ("O2", "2024/25 spring"): (20, 300, 6.67, "ok"),
        ("O2", "2024/25 summer"): (None, None, None, "x"),
        ("O2", "2024/25"): (None, None, None, "x"),
    }
    # The autumn of the authority's extract, which is the one source of the one and the only one received of the other.
    assert (due["repeat_suspension"], due["suspension_rate"], due["wf01"]) == ("2026-01-30", "2026-01-30", None)


def test_a_return_that_comes_in_the_end_is_counted_and_was_late(tmp_path: Path) -> None:
    expected, rates, _ = returns_by("2025-10-25", tmp_path, RETURNS + MISSING_RETURNS)
    late = {row["of"]: row["days_late"] for row in expected if row["status"] == "received late"}
    # From the 31st of August to the 20th of October.
    assert late[("pupils_on_roll", "O2", "2024/25 summer")] == 50
    shown = {row["of"]: (*row["counts"], row["value"], row["status"]) for row in rates}
    assert shown[("total", "2024/25 summer")] == (32, 700, 4.57, "ok")
    assert shown[("O2", "2024/25 summer")] == (20, 300, 6.67, "ok")
    assert shown[("total", "2024/25")] == (96, 700, 13.71, "ok")


def test_a_return_of_headers_alone_has_come(tmp_path: Path) -> None:
    went_missing = {"collection_year": 2024, "child_id": "a", "missing_code": "M", "started_date": "2023-05-01"}
    write_landing(
        tmp_path / "home",
        [
            Vintage("ssda903_missing", "m24", 1, [went_missing], submission="collection_year=2024"),
            Vintage("ssda903_missing", "m25", 2, [], submission="collection_year=2025"),
        ],
    )
    build = dbt_build(
        tmp_path / "home", tmp_path / "target", "--exclude-resource-type", "unit_test",
        "--vars", "as_at_date: '2025-10-15'", "--indirect-selection", "cautious", "--select", "+expected_submissions",
    )  # fmt: skip
    assert build.exit_code == 0, build.output
    expected = build.query("select period, status from marts.expected_submissions where dataset = 'ssda903_missing'")
    assert set(expected) == {
        ("2023/24", "received"), ("2024/25", "received"), ("2025/26", "not yet due"), ("2026/27", "not yet due"),
    }  # fmt: skip


def test_rows_lost_on_the_way_stop_everything_downstream_of_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    events = next(vintage for vintage in VINTAGES if vintage.dataset == "events")
    write_landing(home, [Vintage(events.dataset, events.vintage_id, 1, events.rows, rows_landed=3)])
    build = dbt_build(
        home, tmp_path / "target", "--exclude-resource-type", "unit_test", "--select", "+indicator_counts"
    )
    statuses = build.statuses()
    assert build.exit_code == 1
    assert statuses["stg_events__events_reconciles_with_ledger"] == "fail"
    assert statuses["int_events__counted"] == "skipped"
    assert statuses["indicator_counts"] == "skipped"


def test_without_a_home_dbt_says_which_variable_is_missing(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "IMPACT_HOME"}
    completed = subprocess.run(
        [DBT, "parse", "--target-path", str(tmp_path), "--log-path", str(tmp_path)],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert completed.returncode != 0
    assert "IMPACT_HOME" in completed.stdout
