"""The gates over seeded faults: clean data pass, and each kind of wrong data is caught by the check that is for it."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pytest

from expectations import batches, gates, history, suites
from expectations.landing_gate import LandingGate
from expectations.marts import FRAME_MARTS, KEY, MARTS, MAY_BE_EMPTY
from expectations.marts_gate import MartsGate
from expectations.results import CheckResult, GateError
from expectations.validation import Validation
from expectations.worker import GateWorker
from ingestion.contracts import Contract, load_contracts
from ingestion.home import Home, Settings
from ingestion.instruments import load_instruments
from ingestion.landing import land_inbox
from ingestion.ledger import Ledger
from ingestion.pseudonyms import KEY_VARIABLE
from orchestration.gating import gate_landed
from tests.integration.builders import (
    EVENTS_HEADER,
    contract_with,
    csv_text,
    event,
    landed,
    make_home,
    put_register,
    source_files,
    write,
)

Row = dict[str, Any]

REPOSITORY = Path(__file__).resolve().parents[2]
RECEIVED = dt.datetime(2025, 6, 1, 9, 30)


def pseudonym(number: int) -> str:
    return f"{number:032x}"


def same(columns: Row, *rows: Row) -> list[Row]:
    """Rows that share some columns, numbered from row 2 of their file."""
    return [{"source_row": place, **columns, **row} for place, row in enumerate(rows, start=2)]


def exclusions() -> list[Row]:
    def area(level: str, region: str | None, code: str | None, **figures: object) -> Row:
        return {
            "geographic_level": level,
            "region_code": region,
            "new_la_code": code,
            "area_code": code or region or "E92000001",
            **figures,
        }

    figures = {
        "headcount": 34974,
        "permanent_exclusions": 62,
        "permanent_exclusion_rate": 0.18,
        "suspensions": 1455,
        "suspension_rate": 4.16,
        "pupils_suspended": 773,
        "pupils_suspended_percent": 2.21,
    }
    hidden: Row = dict.fromkeys(figures) | {f"{name}_status": "c" for name in figures}
    shown: Row = figures | {f"{name}_status": "ok" for name in figures}
    return same(
        {
            "time_period": "201617",
            "time_identifier": "Academic year",
            "country_code": "E92000001",
            "country_name": "England",
            "school_type": "Total",
        },
        area("National", None, None, **shown),
        area("Local authority", "E12000002", "E08000005", **shown),
        area("Local authority", "E12000002", "E08000003", **hidden),
    )


def new_placements() -> list[Row]:
    classes = [
        ("Placed outside LA boundary less than 20 miles from home", 129, 23),
        ("Placed outside LA boundary more than 20 miles from home", 45, 8),
        ("Total new placements", 556, 100),
    ]
    return same(
        {
            "time_period": "2025",
            "time_identifier": "Reporting year",
            "geographic_level": "Local authority",
            "country_code": "E92000001",
            "new_la_code": "E08000005",
            "area_code": "E08000005",
            "characteristic": "Location of new placements during the year",
            "placements_status": "ok",
            "placements_percent_status": "ok",
        },
        *({"breakdown": name, "placements": n, "placements_percent": share} for name, n, share in classes),
    )


def header() -> list[Row]:
    common = {"collection_year": 2018, "sex": "F", "ethnicity_code": "WBRI", "is_mother": False, "age_at_year_end": 12}
    return same(common, *({"child_id": pseudonym(n)} for n in range(1, 4)))


def episodes() -> list[Row]:
    common = {
        "collection_year": 2018,
        "started_date": dt.date(2017, 5, 1),
        "new_episode_reason_code": "S",
        "legal_status_code": "C2",
        "need_code": "N1",
        "placement_type_code": "U1",
        "placement_provider_code": "PR1",
        "home_authority_code": "E08000005",
        "placement_authority_code": "E08000003",
        "distance_miles": 12.5,
    }
    return same(common, *({"child_id": pseudonym(n)} for n in range(1, 4)))


def survey() -> list[Row]:
    rows: list[Row] = []
    for respondent in range(12):
        for item in load_instruments()["workforce"].items:
            answer = "prefer_not_to_say" if respondent == 0 else "agree"
            rows.append(
                {
                    "source_row": respondent + 2,
                    "wave": 3,
                    "respondent_id": pseudonym(respondent),
                    "submitted_date": dt.date(2025, 5, 20),
                    "organisation_id": "ORG1",
                    "role_code": "practitioner",
                    "item_id": item.item_id,
                    "answer": answer,
                    "score": None if respondent == 0 else 4,
                }
            )
    return rows


def bookings() -> list[Row]:
    common = {
        "course": "Trauma matters: an introduction",
        "course_level": "informed",
        "is_core": True,
        "session_date": dt.date(2025, 5, 2),
        "status": "completed",
        "organisation_id": "ORG1",
        "role_code": "leader",
        "is_for_leaders": False,
    }
    return same(common, *({"person_id": pseudonym(n)} for n in range(1, 4)))


def organisations() -> list[Row]:
    common = {"sector_code": "health", "role_code": "total", "headcount": 40, "counted_date": dt.date(2025, 4, 1)}
    return same(
        common,
        {"organisation_id": "ORG1", "organisation_name": "North Health", "aliases": ["NH"]},
        {"organisation_id": "ORG2", "organisation_name": "South Health", "aliases": None},
    )


def events() -> list[Row]:
    common = {
        "event_date": dt.date(2025, 5, 3),
        "event_type": "workshop",
        "sector_code": "all_sectors",
        "organisation_id": "ORG1",
        "attendance": 25,
    }
    return same(common, *({"event_id": pseudonym(n)} for n in range(1, 4)))


CLEAN: dict[str, Callable[[], list[Row]]] = {
    "dfe_exclusions": exclusions,
    "dfe_new_placements": new_placements,
    "ssda903_header": header,
    "ssda903_episodes": episodes,
    "workforce_survey": survey,
    "training_bookings": bookings,
    "organisations": organisations,
    "events": events,
}


@dataclass
class Landing:
    """Writes a landing zone by hand, so that the gate is tested without ingestion."""

    home: Home
    ledger: list[Row] = field(default_factory=list)

    def land(
        self,
        dataset: str,
        vintage_id: str,
        rows: Sequence[Row],
        *,
        columns: Mapping[str, str] | None = None,
        **ledger: object,
    ) -> None:
        """Write one vintage, with its entry in the ledger (of which single values may be given otherwise)."""
        types = columns or load_contracts()[dataset].landed_columns()
        path = self.home.landing / dataset / f"{vintage_id}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as con:
            con.execute(f"create table landed ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
            if rows:
                given = pa.Table.from_pylist(
                    [{c: {"vintage_id": vintage_id, **row}.get(c) for c in types} for row in rows]
                )
                con.register("given", given)
                con.execute("insert into landed select * from given")
            con.execute(f"copy landed to '{path}' (format parquet)")
        landed = len({row["source_row"] for row in rows})
        entry = {
            "dataset": dataset,
            "file_name": f"{dataset}/{vintage_id}.csv",
            "vintage_id": vintage_id,
            "rows_read": landed,
            "rows_landed": landed,
            "rows_quarantined": 0,
            "rows_dropped": 0,
            "received_at": RECEIVED,
            "is_current": True,
            "contract_version": None,
        }
        self.ledger.append(entry | ledger)
        self.export()

    def export(self) -> None:
        """Write the ledger's export."""
        with duckdb.connect() as con:
            con.execute(
                "create table ledger (dataset varchar, file_name varchar, vintage_id varchar, rows_read bigint,"
                " rows_landed bigint, rows_quarantined bigint, rows_dropped bigint, received_at timestamp,"
                " is_current boolean, contract_version bigint, submission varchar, status varchar, gate varchar,"
                " sequence bigint)"
            )
            con.executemany(
                "insert into ledger values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'landed', null, ?)",
                [
                    [*entry.values(), *([] if "submission" in entry else [""]), sequence]
                    for sequence, entry in enumerate(self.ledger)
                ],
            )
            con.execute(f"copy ledger to '{self.home.landing / 'source_files.parquet'}' (format parquet)")


#: The clean batches that ``landing`` starts with.
CLEAN_BATCHES = {dataset: [f"{dataset}_v1"] for dataset in CLEAN}


def empty_home(folder: Path) -> Home:
    (folder / "landing").mkdir()
    return Home(root=folder, settings=Settings(authority="E08000005"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """Clean batches of every dataset; not to be changed."""
    landing = Landing(empty_home(tmp_path_factory.mktemp("clean")))
    for dataset, rows in CLEAN.items():
        landing.land(dataset, f"{dataset}_v1", rows())
    return landing


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return empty_home(tmp_path)


@pytest.fixture
def landing(home: Home, clean: Landing) -> Landing:
    """A landing zone of the test's own that starts with clean batches of every dataset."""
    shutil.copytree(clean.home.landing, home.landing, dirs_exist_ok=True)
    return Landing(home, list(clean.ledger))


def failures(results: Sequence[CheckResult]) -> set[tuple[str, str]]:
    return {(result.rule, result.severity) for result in results if not result.passed}


def result_of(results: Sequence[CheckResult], rule: str) -> CheckResult:
    [result] = [result for result in results if result.rule == rule and not result.passed]
    return result


# --- landed batches --------------------------------------------------------------------------------------------------


def test_clean_batches_of_every_dataset_pass_and_every_check_has_looked_at_rows(clean: Landing) -> None:
    results = gates.check_landed(clean.home, CLEAN_BATCHES)
    assert [(r.dataset, r.rule, r.message) for r in results if not r.passed] == []
    assert {r.dataset for r in results} == set(CLEAN)
    assert min(r.rows_checked for r in results) > 0
    assert {(r.stage, r.rows_failed, r.message) for r in results} == {("landed", 0, None)}
    survey_rows = {r.rows_checked for r in results if r.dataset == "workforce_survey"}
    assert survey_rows == {12 * 23}


def change(row: int, **values: object) -> Callable[[list[Row]], list[Row]]:
    """A fault: one row has other values."""

    def seed(rows: list[Row]) -> list[Row]:
        rows[row] = rows[row] | values
        return rows

    return seed


def repeat(row: int, **values: object) -> Callable[[list[Row]], list[Row]]:
    """A fault: a row stands there a second time, further down."""
    return lambda rows: [*rows, rows[row] | {"source_row": 99} | values]


def keep(rows_kept: int) -> Callable[[list[Row]], list[Row]]:
    """A fault: only the first rows are there."""
    return lambda rows: rows[:rows_kept]


FAULTS: list[tuple[str, Callable[[list[Row]], list[Row]], str, str, int]] = [
    ("events", change(0, sector_code=None), "sector_code_valid", "error", 1),
    ("training_bookings", change(0, course="  "), "course_valid", "error", 1),
    ("training_bookings", change(1, is_core=None), "is_core_valid", "error", 1),
    ("training_bookings", change(2, role_code="wizard"), "role_code_valid", "error", 1),
    ("training_bookings", change(2, person_id="a.person@example.org"), "person_id_valid", "error", 1),
    ("training_bookings", change(2, course="a.person@example.org"), "course_valid", "error", 1),
    ("training_bookings", change(0, organisation_id="ORG9"), "organisation_id_valid", "error", 1),
    ("training_bookings", repeat(0), "natural_key_unique", "error", 2),
    ("training_bookings", change(0, session_date=dt.date(2031, 1, 1)), "session_date_not_in_future", "warning", 1),
    ("events", change(0, attendance=-1), "attendance_valid", "error", 1),
    ("events", change(1, event_id=pseudonym(15).upper()), "event_id_valid", "error", 1),
    ("events", change(1, vintage_id="another"), "lineage_complete", "error", 1),
    ("events", change(1, source_row=1), "lineage_complete", "error", 1),
    ("events", change(1, source_row=2), "source_row_once", "error", 2),
    ("events", change(1, event_date=dt.date(2025, 6, 3)), "event_date_not_in_future", "warning", 1),
    ("organisations", change(0, organisation_id="no spaces allowed"), "organisation_id_valid", "error", 1),
    (
        "organisations",
        repeat(0, sector_code="justice", role_code="leader"),
        "one_sector_per_organisation",
        "warning",
        1,
    ),
    ("organisations", change(1, organisation_name="north health "), "one_id_per_name", "warning", 1),
    ("dfe_exclusions", change(0, suspensions_status="c"), "suspensions_valid", "error", 1),
    ("dfe_exclusions", change(0, suspensions_status="q"), "suspensions_valid", "error", 1),
    ("dfe_exclusions", change(2, suspensions_status=None), "suspensions_valid", "error", 1),
    ("dfe_exclusions", change(2, headcount_status="ok"), "headcount_valid", "error", 1),
    ("dfe_exclusions", change(1, time_period="16/17"), "time_period_valid", "error", 1),
    ("dfe_exclusions", change(0, pupils_suspended_percent=101), "pupils_suspended_percent_valid", "error", 1),
    ("dfe_exclusions", change(2, area_code=None), "rule_area_is_named", "error", 1),
    ("dfe_exclusions", change(1, suspension_rate=4.17), "printed_rates_follow_from_counts", "warning", 1),
    ("dfe_exclusions", change(0, geographic_level="Regional"), "has_national_total", "warning", 1),
    ("dfe_new_placements", change(1, placements=500), "classes_do_not_exceed_total", "warning", 1),
    ("ssda903_header", change(0, child_id="12345"), "child_id_valid", "error", 1),
    ("ssda903_header", change(0, sex="1"), "sex_valid", "error", 1),
    ("ssda903_header", change(0, age_at_year_end=31), "rule_not_over_25", "error", 1),
    ("ssda903_episodes", change(0, ceased_date=dt.date(2017, 4, 1)), "rule_ceased_after_start", "error", 1),
    ("ssda903_episodes", change(0, placement_type_code="K3"), "placement_type_code_valid", "error", 1),
    ("ssda903_episodes", change(0, ceased_reason_code="E45"), "ceased_reason_code_valid", "error", 1),
    ("ssda903_episodes", change(0, distance_miles=-2), "distance_not_negative", "error", 1),
    ("ssda903_episodes", change(0, child_id=pseudonym(77)), "children_in_header", "warning", 1),
    ("ssda903_episodes", repeat(0, started_date=dt.date(2017, 6, 1)), "one_open_episode", "warning", 1),
    (
        "ssda903_episodes",
        change(0, started_date=dt.date(2015, 1, 1), ceased_date=dt.date(2016, 1, 1)),
        "episodes_belong_to_year",
        "warning",
        1,
    ),
    ("workforce_survey", change(0, item_id="wf99"), "item_id_in_instrument", "error", 1),
    ("workforce_survey", change(30, score=None), "score_fits_answer", "error", 1),
    ("workforce_survey", change(30, score=6), "score_fits_answer", "error", 1),
    ("workforce_survey", change(0, score=3), "score_fits_answer", "error", 1),
    ("workforce_survey", change(30, answer="somewhat"), "score_fits_answer", "error", 1),
    ("workforce_survey", change(30, source_row=99), "respondent_is_one_row", "error", 1),
    ("workforce_survey", keep(9 * 23), "enough_respondents", "warning", 1),
    ("workforce_survey", lambda rows: [r for r in rows if r["item_id"] != "wf23"], "every_item_answered", "warning", 1),
]


@pytest.mark.parametrize(
    ("dataset", "fault", "rule", "severity", "found"),
    FAULTS,
    ids=[f"{dataset}-{rule}-{number}" for number, (dataset, _, rule, _, _) in enumerate(FAULTS)],
)
def test_a_seeded_fault_is_caught_by_its_check(
    home: Home,
    landing: Landing,
    dataset: str,
    fault: Callable[[list[Row]], list[Row]],
    rule: str,
    severity: str,
    found: int,
) -> None:
    landing.land(dataset, "faulty", fault(CLEAN[dataset]()))
    results = gates.check_landed(home, {dataset: ["faulty"]})
    caught = result_of(results, rule)
    assert (caught.severity, caught.rows_failed, caught.vintage_id) == (severity, found, "faulty")
    assert caught.message is not None
    assert f"{dataset}/faulty.csv" in caught.message
    assert caught.message.startswith(f"{found} found among {len(fault(CLEAN[dataset]()))} rows")


def test_a_return_sent_again_with_fewer_rows_is_reported_beside_the_one_it_replaces(
    home: Home, landing: Landing
) -> None:
    def many(row: Row, count: int) -> list[Row]:
        return [row | {"child_id": pseudonym(n), "source_row": n + 2} for n in range(count)]

    landing.land("ssda903_header", "header_2018", many(header()[0], 60))
    landing.land("ssda903_episodes", "first", many(episodes()[0], 60), submission="collection_year=2018")
    landing.land("ssda903_episodes", "again", many(episodes()[0], 40), submission="collection_year=2018")
    results = gates.check_landed(home, {"ssda903_episodes": ["again"]})
    caught = result_of(results, "volume_as_replaced")
    assert (caught.severity, caught.rows_failed) == ("warning", 1)
    assert "ssda903_episodes/again.csv, less than ssda903_episodes/first.csv" in str(caught.message)
    assert (caught.owner, caught.remedy in str(caught.message)) == ("data supplier", True)


def test_a_wave_beside_the_one_before_is_judged_by_great_expectations(home: Home, landing: Landing) -> None:
    def wave(number: int, score: int, people: int) -> list[Row]:
        answer = {2: "disagree", 4: "agree"}[score]
        return [
            row | {"respondent_id": pseudonym(1000 * number + n), "source_row": n + 2, "wave": number,
                   "submitted_date": dt.date(2020 + number, 5, 1 + n % 20), "answer": answer, "score": score}
            for n in range(people)
            for row in survey()[-23:]
        ]  # fmt: skip

    landing.land("workforce_survey", "second", wave(2, 4, 60))
    landing.land("workforce_survey", "third", wave(3, 4, 70))
    landing.land("workforce_survey", "few", wave(3, 4, 14))
    assert failures(gates.check_landed(home, {"workforce_survey": ["second", "third"]})) == set()
    results = gates.check_landed(home, {"workforce_survey": ["second", "few"]})
    assert "wave 3: far fewer people than in wave 2" in str(result_of(results, "volume_as_before").message)
    assert {result.severity for result in results if not result.passed} == {"warning"}


def test_a_message_names_rows_and_never_a_personal_value(home: Home, landing: Landing) -> None:
    landing.land("training_bookings", "faulty", change(2, person_id="a.person@example.org")(bookings()))
    [result] = [r for r in gates.check_landed(home, {"training_bookings": ["faulty"]}) if not r.passed]
    assert result.message == (
        "1 found among 3 rows: training_bookings/faulty.csv, row 4: person_id is not a pseudonym. "
        "Rows may carry an identifier of a person: delete the landed file, and report it."
    )


def test_an_error_rejects_the_one_batch_it_is_in_and_the_others_pass(home: Home, landing: Landing) -> None:
    landing.land("events", "good_1", events())
    landing.land("events", "bad_1", change(0, attendance=-5)(events()))
    landing.land("events", "good_2", events())
    landing.land("events", "bad_2", change(0, event_type=None)(events()))
    landing.land("events", "bad_3", change(0, event_date=dt.date(2130, 1, 1))(events()))
    vintages = ["good_1", "bad_1", "good_2", "bad_2", "bad_3"]
    results = gates.check_landed(home, {"events": vintages, "organisations": []})
    assert {(r.vintage_id, r.rule) for r in results if r.blocks} == {
        ("bad_1", "attendance_valid"),
        ("bad_2", "event_type_valid"),
        ("bad_3", "rule_happened_by_now"),
    }
    assert {(r.vintage_id, r.rule) for r in results if not r.passed and not r.blocks} == {
        ("bad_3", "event_date_not_in_future")
    }
    together = [r for r in results if r.vintage_id is None]
    assert {r.rows_checked for r in together} == {6}


def test_a_landed_file_without_rows_is_rejected_and_nothing_about_it_passes(home: Home, landing: Landing) -> None:
    landing.land("events", "empty", [])
    results = gates.check_landed(home, {"events": ["events_v1", "empty"]})
    of_empty = [r for r in results if r.vintage_id == "empty"]
    assert [(r.rule, r.passed, r.rows_checked) for r in of_empty] == [("has_rows", False, 0)]
    assert all(r.passed for r in results if r.vintage_id != "empty")


def test_a_return_of_headers_alone_is_accepted_where_that_says_something(home: Home, landing: Landing) -> None:
    landing.land("ssda903_uasc", "nobody", [])
    landing.land("ssda903_uasc", "lost", [], rows_read=3, rows_quarantined=3)
    results = gates.check_landed(home, {"ssda903_uasc": ["nobody", "lost"]})
    assert {r.vintage_id for r in results if r.blocks} == {"lost"}
    assert {r.rule for r in results if r.blocks} == {"has_rows", "quarantined_share"}


def test_a_landed_file_that_is_missing_or_broken_is_rejected_and_says_why(home: Home, landing: Landing) -> None:
    landing.land("events", "gone", events())
    (home.landing / "events" / "gone.parquet").unlink()
    landing.land("events", "broken", events())
    (home.landing / "events" / "broken.parquet").write_bytes(b"PAR1 and no more")
    results = gates.check_landed(home, {"events": ["gone", "broken", "events_v1"]})
    messages = {r.vintage_id: r.message or "" for r in results if r.rule == "has_rows" and r.blocks}
    assert set(messages) == {"gone", "broken"}
    assert "events/gone.csv, the landed file is missing" in messages["gone"]
    assert "events/broken.csv, the landed file cannot be read" in messages["broken"]
    assert not any(r.blocks for r in results if r.vintage_id == "events_v1")


def test_a_column_of_another_type_order_or_name_is_caught_per_file(home: Home, landing: Landing) -> None:
    columns = load_contracts()["events"].landed_columns()
    landing.land("events", "typed", events(), columns=columns | {"attendance": "INTEGER"})
    landing.land("events", "ordered", events(), columns=dict(reversed(columns.items())))
    landing.land("events", "short", events(), columns={n: k for n, k in columns.items() if n != "attendance"})
    results = gates.check_landed(home, {"events": ["events_v1", "typed", "ordered", "short"]})
    caught = {r.vintage_id: r for r in results if r.rule == "columns_as_contracted" and not r.passed}
    assert set(caught) == {"typed", "ordered", "short"}
    assert "column attendance is INTEGER, not BIGINT" in str(caught["typed"].message)
    assert "column event_date is in place 8, not 1" in str(caught["ordered"].message)
    assert "column attendance is missing" in str(caught["short"].message)
    assert {r.vintage_id for r in results if r.blocks} == set(caught)


def test_a_column_that_the_contract_drops_must_not_land(home: Home, landing: Landing) -> None:
    columns = load_contracts()["ssda903_episodes"].landed_columns()
    leaked = [row | {"home_postcode_easting": 389000, "home_postcode": "OL16 1AB"} for row in episodes()]
    for column in ("home_postcode", "home_postcode_easting"):
        landing.land("ssda903_episodes", column, leaked, columns=columns | {column: "VARCHAR"})
        results = gates.check_landed(home, {"ssda903_episodes": [column]})
        caught = result_of(results, "dropped_columns_absent")
        assert (caught.blocks, caught.rows_failed) == (True, 1)
        assert f"column {column}. " in str(caught.message)


@pytest.mark.parametrize(
    ("ledger", "rules"),
    [
        ({"rows_landed": 4, "rows_read": 4}, {"rows_as_in_ledger"}),
        ({"rows_read": 5}, {"rows_add_up"}),
        ({"rows_read": 7, "rows_quarantined": 4}, {"quarantined_share"}),
        ({"rows_read": 6, "rows_quarantined": 3}, set()),
    ],
)
def test_the_ledger_must_agree_with_what_landed(
    home: Home, landing: Landing, ledger: dict[str, object], rules: set[str]
) -> None:
    landing.land("events", "v2", events(), **ledger)
    assert failures(gates.check_landed(home, {"events": ["v2"]})) == {(rule, "error") for rule in rules}


def test_a_batch_that_the_ledger_does_not_know_is_rejected(home: Home, landing: Landing) -> None:
    landing.land("events", "v2", events())
    landing.ledger.pop()
    landing.export()
    assert failures(gates.check_landed(home, {"events": ["v2"]})) == {
        (rule, "error") for rule in ("rows_as_in_ledger", "rows_add_up", "quarantined_share")
    }


def test_without_an_exported_ledger_no_batch_passes(home: Home, landing: Landing) -> None:
    (home.landing / "source_files.parquet").unlink()
    results = gates.check_landed(home, CLEAN_BATCHES)
    assert {r.dataset for r in results if r.blocks} == set(CLEAN)


def test_a_code_is_judged_by_the_list_of_its_collection_year(home: Home, landing: Landing) -> None:
    in_2025 = [row | {"collection_year": 2025, "placement_type_code": "K3"} for row in episodes()]
    landing.land("ssda903_episodes", "y2025", in_2025)
    landing.land("ssda903_episodes", "gone", [row | {"placement_type_code": "H5"} for row in in_2025])
    results = gates.check_landed(home, {"ssda903_episodes": ["y2025", "gone"]})
    assert {(r.vintage_id, r.rule) for r in results if r.blocks} == {("gone", "placement_type_code_valid")}


def test_an_unreadable_register_rejects_what_names_it_and_does_not_stop_the_gate(home: Home, landing: Landing) -> None:
    (home.landing / "organisations" / "organisations_v1.parquet").write_bytes(b"nothing")
    results = gates.check_landed(home, {"events": ["events_v1"]})
    assert failures(results) == {("organisation_id_valid", "error")}


def test_a_register_with_a_missing_id_does_not_make_every_organisation_known(home: Home, landing: Landing) -> None:
    landing.land("organisations", "holey", change(1, organisation_id=None)(organisations()))
    landing.land("events", "v2", change(0, organisation_id="ORG9")(events()))
    results = gates.check_landed(home, {"events": ["v2"]})
    assert failures(results) == {("organisation_id_valid", "error")}


def test_nothing_to_gate_gives_no_results_and_does_not_import_great_expectations(home: Home) -> None:
    script = (
        "import sys, expectations, expectations.results, expectations.gates, expectations.worker\n"
        "from pathlib import Path\n"
        "from ingestion.home import Home, Settings\n"
        f"home = Home(root=Path({str(home.root)!r}), settings=Settings(authority='E08000005'))\n"
        "assert expectations.gates.check_landed(home, {'events': []}) == []\n"
        "assert 'great_expectations' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)


@pytest.mark.parametrize("dataset", ["dfe_metadata", "no_such_dataset"])
def test_a_dataset_that_lands_nothing_cannot_be_gated(home: Home, dataset: str) -> None:
    with pytest.raises(GateError, match=f"nothing to gate in {dataset}"):
        gates.check_landed(home, {dataset: ["v1"]})


# --- files of an earlier version of their contract -------------------------------------------------------------------

VENUE: Row = {
    "name": "venue_code", "headers": ["Venue"], "description": "Where it was.", "type": "code",
    "codes": ["indoors", "outdoors"], "required": True, "since": 2,
}  # fmt: skip
IS_LARGE: Row = {
    "name": "is_large", "type": "boolean", "description": "Many came.", "sql": "attendance > 99", "since": 2,
}  # fmt: skip
#: Of an event without a venue it would find something.
HOLDS_THEM: Row = {
    "id": "venue_holds_them", "column": "attendance", "message": "more than the venue holds", "remedy": "Correct it.",
    "fails_when": "attendance > case venue_code when 'outdoors' then 900 when 'indoors' then 90 else 10 end",
}  # fmt: skip


def forget_checks() -> None:
    for made_once in (
        suites.landed_checks, suites._rules_of_landed_columns, batches.file_checks, batches.batch_checks,
        history.history_checks,
    ):  # fmt: skip
        made_once.cache_clear()


Upgrade = Callable[[], Contract]


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upgrade]:
    """Begins version 2 of the contract of events, with which where an event was and whether many came begin to land."""

    def begin() -> Contract:
        contract = contract_with("events", 2, columns=[VENUE], derived=[IS_LARGE], rules=[HOLDS_THEM])
        monkeypatch.setitem(load_contracts(), "events", contract)
        forget_checks()
        return contract

    yield begin
    forget_checks()


def with_venue(rows: Sequence[Row], **values: object) -> list[Row]:
    return [{"venue_code": "indoors", "is_large": False} | row | values for row in rows]


@pytest.fixture
def two_versions(landing: Landing, upgrade: Upgrade) -> tuple[Landing, Contract]:
    """After the upgrade, with a file of version 1 as ``old``, and one of version 2 as ``new``."""
    contract = upgrade()
    landing.land("events", "old", events(), columns=contract.landed_columns(1), contract_version=1)
    landing.land("events", "new", with_venue(events()), contract_version=2)
    return landing, contract


def test_a_file_that_landed_before_a_column_did_passes_alone_and_beside_one_that_has_it(
    home: Home, two_versions: tuple[Landing, Contract]
) -> None:
    asked_of_new = {"venue_code_valid", "rule_venue_holds_them"}
    results = gates.check_landed(home, {"events": ["old"]})
    assert failures(results) == set()
    # What looked at no row has proved nothing.
    assert asked_of_new & {result.rule for result in results} == set()
    alone = {result.rule for result in gates.check_landed(home, {"events": ["new"]})}
    assert alone - {result.rule for result in results} == asked_of_new
    for order in (["old", "new"], ["new", "old"]):
        together = gates.check_landed(home, {"events": order})
        assert failures(together) == set()
        assert {r.rule: r.rows_checked for r in together} == dict.fromkeys(alone, 6) | dict.fromkeys(asked_of_new, 3)


def test_a_file_has_exactly_the_columns_of_the_version_under_which_it_landed(
    home: Home, two_versions: tuple[Landing, Contract]
) -> None:
    landing, contract = two_versions
    whole, before = contract.landed_columns(), contract.landed_columns(1)
    moved = {name: whole[name] for name in ("venue_code", *before, "is_large")}
    landing.land("events", "short", events(), columns=before, contract_version=2)
    landing.land("events", "long", with_venue(events()), contract_version=1)
    landing.land("events", "longer", events(), columns=before | {"venue_code": "VARCHAR"}, contract_version=1)
    landing.land("events", "moved", with_venue(events()), columns=moved, contract_version=2)
    landing.land("events", "typed", events(), columns=before | {"attendance": "INTEGER"}, contract_version=1)
    landing.land("events", "undated", events(), columns=before)
    wrong = ["short", "long", "longer", "moved", "typed", "undated"]
    results = gates.check_landed(home, {"events": ["old", "new", *wrong]})
    caught = {r.vintage_id: str(r.message) for r in results if r.rule == "columns_as_contracted" and not r.passed}
    assert {r.vintage_id for r in results if r.blocks} == set(caught) == set(wrong)
    assert "column is_large is missing" in caught["short"]
    assert "column venue_code is missing" in caught["short"]
    assert "column venue_code is not in version 1 of the contract. " in caught["longer"]
    assert "column is_large is in place 10, not 8" in caught["moved"]
    assert "column attendance is INTEGER, not BIGINT" in caught["typed"]
    assert caught["typed"].startswith("1 found among 3 rows")
    assert "column venue_code is missing" in caught["undated"]


@pytest.mark.parametrize(
    ("wrong", "rule", "said"),
    [
        ({"venue_code": "upstairs"}, "venue_code_valid", "row 3: venue_code is not one of its codes"),
        ({"venue_code": None}, "venue_code_valid", "row 3: venue_code is missing"),
        ({"attendance": 95}, "rule_venue_holds_them", "row 3"),
    ],
)
def test_what_is_wrong_in_a_new_column_is_found_in_the_file_that_has_it(
    home: Home, two_versions: tuple[Landing, Contract], wrong: Row, rule: str, said: str
) -> None:
    landing, _ = two_versions
    landing.land("events", "faulty", change(1, **wrong)(with_venue(events())), contract_version=2)
    results = gates.check_landed(home, {"events": ["old", "faulty", "new"]})
    assert {(r.vintage_id, r.rule) for r in results if not r.passed} >= {("faulty", rule)}
    assert {r.vintage_id for r in results if r.blocks} == {"faulty"}
    caught = next(r for r in results if (r.vintage_id, r.rule) == ("faulty", rule))
    assert f"events/faulty.csv, {said}" in str(caught.message)


def test_what_was_wrong_before_is_still_found_in_a_file_that_landed_before(
    home: Home, two_versions: tuple[Landing, Contract]
) -> None:
    landing, contract = two_versions
    faulty = change(1, attendance=-4)(events())
    landing.land("events", "faulty", faulty, columns=contract.landed_columns(1), contract_version=1)
    results = gates.check_landed(home, {"events": ["old", "faulty", "new"]})
    assert {(r.vintage_id, r.rule) for r in results if r.blocks} == {("faulty", "attendance_valid")}


def test_what_nobody_was_asked_is_not_compared_with_what_was_answered(
    home: Home, landing: Landing, upgrade: Upgrade
) -> None:
    def quarters(*days: dt.date, first: int, **values: object) -> list[Row]:
        rows = [events()[0] | {"event_date": day} for day in days for _ in range(60)]
        return [row | values | {"source_row": n, "event_id": pseudonym(n)} for n, row in enumerate(rows, start=first)]

    contract = upgrade()
    before = quarters(*(dt.date(2023, month, 2) for month in (1, 4, 7, 10)), first=1000)
    after = with_venue(quarters(*(dt.date(2024, month, 2) for month in (1, 4, 7, 10)), first=2000))
    mixed = with_venue(
        quarters(*(dt.date(2024, month, 2) for month in (1, 4, 7, 10)), first=3000, event_type="webinar")
    )
    landing.land("events", "before", before, columns=contract.landed_columns(1), contract_version=1)
    landing.land("events", "after", after, contract_version=2)
    landing.land("events", "mixed", mixed, contract_version=2)
    assert failures(gates.check_landed(home, {"events": ["before", "after"]})) == set()
    # What both were asked is compared as ever.
    caught = result_of(gates.check_landed(home, {"events": ["before", "mixed"]}), "distribution_as_before")
    assert "2024 Q2: event_type is far more often webinar than in 2023 Q2" in str(caught.message)
    assert "venue_code" not in str(caught.message)


def test_a_file_of_a_later_release_is_judged_by_this_one_and_every_message_says_so(
    home: Home, landing: Landing
) -> None:
    columns = load_contracts()["events"].landed_columns()
    landing.land("events", "same", events(), contract_version=3)
    columns |= {"venue_code": "VARCHAR"}
    landing.land("events", "later", with_venue(events()), columns=columns, contract_version=2)
    landing.land("events", "coded", change(0, event_type="picnic")(events()), contract_version=2)
    results = gates.check_landed(home, {"events": ["events_v1", "same", "later", "coded"]})
    release = "(landed by a later release than this one, under version 2 of the contract, which is here of version 1)"
    assert {r.vintage_id: r.rule for r in results if r.blocks} == {
        "later": "columns_as_contracted",
        "coded": "event_type_valid",
    }
    said = {r.vintage_id: str(r.message) for r in results if r.blocks}
    assert f"events/later.csv {release}, column venue_code is not in the contract" in said["later"]
    assert f"events/coded.csv {release}, row 2: event_type is not one of its codes" in said["coded"]


def test_what_landed_before_a_column_did_is_still_what_others_are_compared_with(
    home: Home, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = load_contracts()["organisations"]
    added_later = [c.model_copy(update={"since": 2}) if c.name == "aliases" else c for c in register.columns]
    upgraded = register.model_copy(update={"version": 2, "columns": added_later})
    monkeypatch.setitem(load_contracts(), "organisations", upgraded)
    schools = [row | {"organisation_name": "Hill School"} for row in organisations()[:1]]
    landing.land("organisations", "old", schools, columns=upgraded.landed_columns(1), contract_version=1)
    old, new = {"org1", "hill school"}, {"nh", "north health", "org2", "south health"}
    for vintages in ({"organisations_v1", "old"}, {"old"}):
        landing.ledger = [
            entry | {"is_current": entry["vintage_id"] in vintages or entry["dataset"] != "organisations"}
            for entry in landing.ledger
        ]
        landing.export()
        with Validation() as validation:
            LandingGate(validation, home, {})
            named = {name for (name,) in validation.execute("select known_as from registered_names")}
            ids = {name for (name,) in validation.execute("select organisation_id from registered_organisations")}
        assert named == ({*old, *new} if "organisations_v1" in vintages else old)
        assert ids == ({"ORG1", "ORG2"} if "organisations_v1" in vintages else {"ORG1"})


class Worker:
    """The gate in this process, where the contracts of the test are."""

    companions = staticmethod(gates.companions)
    check_landed = staticmethod(gates.check_landed)


def test_an_upgrade_leaves_in_force_what_landed_before_it_and_cannot_be_read_again(
    tmp_path: Path, upgrade: Upgrade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    home = make_home(tmp_path / "home")

    def run() -> tuple[list[tuple[Any, ...]], set[tuple[str, str]]]:
        land_inbox(home)
        with Ledger(home) as ledger:
            results = gate_landed(home, ledger, cast(GateWorker, Worker()), ["organisations", "events"])
        told = source_files(home, "file_name, contract_version, gate, is_current")
        return [row for row in told if row[0].startswith("events")], failures(results)

    put_register(home)
    first = write(home.inbox / "events/first.csv", csv_text(EVENTS_HEADER, [event(attendance="20")]))
    assert run() == ([("events/first.csv", 1, "passed", True)], set())
    first.unlink()
    upgrade()
    assert run() == ([("events/first.csv", 1, "passed", True)], set())
    row = (*event("02/10/2024"), "outdoors")
    write(home.inbox / "events/second.csv", csv_text((*EVENTS_HEADER, "Venue"), [row]))
    assert run() == (
        [("events/first.csv", 1, "passed", True), ("events/second.csv", 2, "passed", True)],
        set(),
    )
    assert landed(home, "events", "attendance, venue_code, is_large") == [(20, None, None), (30, "outdoors", False)]


# --- marts -----------------------------------------------------------------------------------------------------------


SEEDS = REPOSITORY / "dbt_project" / "seeds"
SEEDED = (
    "framework_nodes", "framework_layers", "framework_links", "framework_gaps", "indicators", "indicator_nodes",
    "indicator_sources", "count_relations",
)  # fmt: skip


#: The one file that every value of the warehouse below rests on.
LEDGER_ENTRY: Row = {
    "dataset": "workforce_survey",
    "file_name": "wave 3.xlsx",
    "vintage_id": "v1",
    "rows_read": 1,
    "rows_landed": 1,
    "rows_quarantined": 0,
    "rows_dropped": 0,
    "received_at": RECEIVED,
    "is_current": True,
    "contract_version": 1,
}


def build_warehouse(home: Home) -> None:
    """A warehouse whose marts are right, made by hand from the shipped seeds and a few values."""
    key = ", ".join(f"{column} varchar" for column in KEY)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema staging; create schema marts")
        for seed in SEEDED:
            con.execute(
                f"create table staging.stg_registry__{seed} as from read_csv('{SEEDS}/seed_{seed}.csv', header = true)"
            )
        con.execute(
            "create table marts.indicators as select *, null::date as target_date, null::varchar as target_decided_by,"
            " null::date as target_decided_date, null::date as next_expected_date"
            " from staging.stg_registry__indicators"
            " join staging.stg_registry__indicator_sources using (indicator_id) where source_rank = 1"
        )
        con.execute("create table staging.stg_home__settings as select 'E08000005' as authority_code")
        con.execute(
            "create table staging.stg_home__control_baselines (indicator_id varchar, area_code varchar, sector varchar,"
            " organisation_id varchar, first_period varchar, last_period varchar)"
        )
        con.execute("create table marts.framework_nodes as select * from staging.stg_registry__framework_nodes")
        con.execute("create table marts.indicator_nodes as select * from staging.stg_registry__indicator_nodes")
        con.execute("create table marts.framework_links as from staging.stg_registry__framework_links")
        # Of each statement one indicator, without a value; S2 gets that of wf01 below.
        con.execute(
            "create table statements as select framework_id, mart, layer, node_id, statement, indicator_id,"
            " null::varchar as indicator_name, null::varchar as unit, null::varchar as polarity,"
            " null::varchar as source_dataset, null::varchar as area_code, 'total' as sector,"
            " 'total' as organisation_id, 'total' as breakdown, 'total' as breakdown_value,"
            " null::varchar as period_type, null::varchar as period, null::bigint as numerator,"
            " null::bigint as denominator, null::double as value, null::varchar as value_status,"
            " null::varchar as previous_period, null::double as previous_value, null::double as change,"
            " null::varchar as direction, null::varchar as direction_basis,"
            " if(indicator_id is null, 'declared gap', 'not yet measured') as measurement_status,"
            " reason as declared_gap"
            " from staging.stg_registry__framework_nodes"
            " join staging.stg_registry__framework_layers using (framework_id, layer)"
            " left join staging.stg_registry__framework_gaps using (framework_id, node_id)"
            " left join (select framework_id, node_id, min(indicator_id) as indicator_id"
            "     from staging.stg_registry__indicator_nodes group by all) using (framework_id, node_id)"
        )
        for mart in FRAME_MARTS:
            con.execute(f"create table marts.{mart} as select * exclude (mart) from statements where mart = '{mart}'")
        con.execute(
            "create table marts.node_status as select framework_id, node_id, measurement_status as status,"
            " (indicator_id is not null)::bigint as indicator_count, declared_gap from statements"
        )
        con.execute("create table marts.areas as select 'E08000005' as area_code")
        con.execute("create table marts.organisations as select 'ORG1' as organisation_id")
        con.execute("create table marts.sectors as select unnest(['health', 'justice']) as sector_code")
        con.execute(
            "create table marts.periods as select * from (values"
            " ('academic_year', '2015/16', date '2015-09-01', date '2016-08-31'),"
            " ('academic_year', '2016/17', date '2016-09-01', date '2017-08-31'),"
            " ('financial_year', '2017/18', date '2017-04-01', date '2018-03-31'),"
            " ('month', '2025-05', date '2025-05-01', date '2025-05-31'),"
            " ('wave', 'workforce wave 3', date '2025-05-01', date '2025-05-31'))"
            " as periods (period_type, period, period_start, period_end)"
        )
        con.execute(
            f"create table marts.indicator_values ({key}, period_start date, period_end date, numerator bigint,"
            " denominator bigint, value double, value_status varchar, ci_lower_95 double, ci_upper_95 double,"
            " ci_lower_998 double, ci_upper_998 double, trend varchar, trend_method varchar,"
            " trend_reason varchar, signal varchar, is_latest boolean)"
        )
        for row in VALUES:
            con.execute(
                "insert into marts.indicator_values select"
                " $indicator, $source, 'E08000005', $sector, $organisation, 'total', 'total', period_type, period,"
                " period_start, period_end, $numerator, $denominator, $value, $status, $low, $high, $lower, $higher,"
                " if($latest, 'cannot_be_calculated', null), if($latest, 'five_point_trend', null),"
                " if($latest, 'no_interval', null), null, $latest from marts.periods where period = $period",
                row,
            )
        con.execute(
            "update marts.short_term_outcomes set source_dataset = shown.source_dataset, area_code = shown.area_code,"
            " period_type = shown.period_type, period = shown.period, numerator = shown.numerator,"
            " denominator = shown.denominator, value = shown.value, value_status = 'ok',"
            " measurement_status = 'measured', direction = 'too few data points'"
            " from marts.indicator_values as shown"
            " where node_id = 'S2' and shown.indicator_id = 'wf01' and shown.sector = 'total'"
        )
        con.execute(
            f"create table marts.comparisons ({key}, is_latest boolean, comparator varchar,"
            " comparator_area_code varchar, comparator_period varchar, value double, comparator_value double,"
            " comparator_status varchar, difference double, difference_lower_95 double, difference_upper_95 double,"
            " verdict varchar, rank bigint, quartile bigint, ranked_areas bigint, progress double)"
        )
        for comparator in (
            "'previous_period', 'E08000005', '2015/16', value, null, 'c', null, null, null, 'cannot_be_calculated'",
            "'neighbours', null, '2016/17', value, 5.0, 'ok', -0.84, -1.05, -0.62, 'best'",
        ):
            con.execute(
                f"insert into marts.comparisons select {', '.join(KEY)}, is_latest, {comparator},"
                " null, null, null, null from marts.indicator_values"
                " where indicator_id = 'suspension_rate' and is_latest"
            )
        con.execute(
            f"create table marts.control_limits as select {', '.join(column for column in KEY if column != 'period')},"
            " period as first_period, period as last_period, true as is_latest, 3.0 as mean, -1.0 as lower_limit,"
            " 7.0 as upper_limit, 1::bigint as limit_points, true as is_provisional, 0::bigint as signal_points,"
            " null::varchar as baseline_reason, null::varchar as decided_by, null::date as decided_date"
            " from marts.indicator_values where indicator_id = 'events_held'"
        )
        con.execute(
            f"create table marts.inequalities ({key}, is_latest boolean, comparator_breakdown_value varchar,"
            " value double, comparator_value double, comparator_status varchar, absolute_gap double,"
            " absolute_gap_lower_95 double, absolute_gap_upper_95 double, relative_gap double,"
            " relative_gap_lower_95 double, relative_gap_upper_95 double, verdict varchar)"
        )
        con.execute(
            f"insert into marts.inequalities select {', '.join(KEY)}, is_latest, 'nobody', value, null, 'c',"
            " null, null, null, null, null, null, 'cannot_be_calculated' from marts.indicator_values"
            " where indicator_id = 'wf01' and sector = 'total'"
        )
        con.execute(
            "create table marts.expected_submissions as select * from (values"
            f" ('workforce wave 3', date '2025-07-30', 'received', timestamp '{RECEIVED}'),"
            " ('workforce wave 4', date '2026-07-30', 'not yet due', null))"
            " as waves (period, due_date, status, received_at) cross join (select 'workforce_survey' as dataset,"
            " 'Survey lead' as supplier_role, 'total' as organisation_id, null::varchar as organisation_name,"
            " 'wave' as period_type, date '2025-05-01' as period_start, date '2025-05-31' as period_end,"
            " null::bigint as days_late)"
        )
        con.execute(f"create table marts.value_vintages as select {', '.join(KEY)}, 'v1' as vintage_id"
                    " from marts.indicator_values")  # fmt: skip


def value(indicator: str, source: str, period: str, **given: object) -> Row:
    return {
        "indicator": indicator,
        "source": source,
        "period": period,
        "sector": "total",
        "organisation": "total",
        "numerator": None,
        "denominator": None,
        "value": None,
        "status": "ok",
        "low": None,
        "high": None,
        "lower": None,
        "higher": None,
        "latest": True,
    } | given


VALUES = [
    value("suspension_rate", "dfe_exclusions", "2015/16", status="c", latest=False),
    value("suspension_rate", "dfe_exclusions", "2016/17", numerator=1455, denominator=34974, value=4.16),
    value(
        "placed_out_of_area", "ssda903_episodes", "2017/18",
        numerator=30, denominator=100, value=30.0, low=21.9, high=39.6, lower=17.9, higher=45.8,
    ),
    value("placed_out_of_area_far", "ssda903_episodes", "2017/18", denominator=100, status="c"),
    value(
        "wf01", "workforce_survey", "workforce wave 3",
        numerator=8, denominator=12, value=66.7, low=39.1, high=86.2, lower=26.6, higher=91.8,
    ),
    value("wf01", "workforce_survey", "workforce wave 3", sector="health", status="c"),
    value("sdq_high_concern", "ssda903_oc2", "2017/18", denominator=20, status="c"),
    value("sdq_mean", "ssda903_oc2", "2017/18", numerator=290, denominator=20, value=14.5),
    value("events_held", "events", "2025-05", numerator=3, value=3.0),
    value("events_held", "events", "2025-05", organisation="ORG1", numerator=3, value=3.0),
]  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = empty_home(tmp_path_factory.mktemp("built"))
    build_warehouse(home)
    return home


@pytest.fixture
def warehouse(home: Home, built: Home, landing: Landing) -> Home:
    """A home of its own with a copy of the warehouse that is right."""
    shutil.copy(built.warehouse, home.warehouse)
    landing.ledger.append(LEDGER_ENTRY)
    landing.export()
    return home


def test_right_marts_pass_and_every_check_has_looked_at_rows(warehouse: Home) -> None:
    results = gates.check_marts(warehouse)
    assert [(r.dataset, r.rule, r.message) for r in results if not r.passed] == []
    assert {r.dataset for r in results} == set(MARTS)
    assert min(r.rows_checked for r in results) > 0
    assert {r.rows_checked for r in results if r.dataset == "framework_nodes"} == {91}
    assert {r.stage for r in results} == {"marts"}
    assert {
        (r.dataset, r.rule) for r in results if r.severity == "warning" and r.rule != "published_figures_agree"
    } == {
        *((mart, "has_rows") for mart in MAY_BE_EMPTY),
        ("expected_submissions", "nothing_late"),
        ("indicators", "decisions_take_effect"),
    }


#: Rows that single faults are seeded into.
PLACED = "where indicator_id = 'placed_out_of_area'"
PLACED_FAR = "where indicator_id = 'placed_out_of_area_far'"
SUSPENSIONS = "where indicator_id = 'suspension_rate'"
SURVEY = "where indicator_id = 'wf01' and sector = 'total'"
ORG_EVENTS = "where indicator_id = 'events_held' and organisation_id = 'ORG1'"
BEFORE = "where comparator = 'previous_period'"
SOME_KEY = "('month', '2025-05', '2025-05-01', '2025-05-30')"

#: Assignment in the mart of values, which rows, the check that must fail and what it must find.
VALUE_FAULTS: list[tuple[str, str, str, int]] = [
    ("sector = null", PLACED, "key_complete", 1),
    ("value = null", PLACED, "value_exactly_where_ok", 1),
    ("value_status = 'k'", PLACED, "value_exactly_where_ok", 1),
    ("value_status = 'n'", PLACED, "status_known", 1),
    ("value = 130, numerator = 130", PLACED, "proportion_in_range", 1),
    ("numerator = 101", PLACED, "proportion_in_range", 1),
    ("ci_upper_998 = 100.4", PLACED, "proportion_in_range", 1),
    ("value = 30.04", PLACED, "value_rounded", 1),
    ("value = 30.1", PLACED, "value_follows_from_counts", 1),
    ("numerator = null", PLACED, "value_follows_from_counts", 1),
    ("value = 4", "where indicator_id = 'events_held'", "value_follows_from_counts", 2),
    ("ci_lower_95 = 31", PLACED, "interval_holds_value", 1),
    ("ci_upper_998 = 35", PLACED, "interval_holds_value", 1),
    ("ci_upper_95 = null", PLACED, "interval_holds_value", 1),
    ("numerator = 2", PLACED_FAR, "suppressed_shows_nothing", 1),
    ("ci_upper_95 = 9", PLACED_FAR, "suppressed_shows_nothing", 1),
    ("numerator = 5, value = 5", PLACED, "no_small_count", 1),
    ("numerator = 1, value = null, value_status = 'u'", PLACED, "no_small_count", 1),
    ("numerator = 96, value = 96", PLACED, "no_small_count", 1),
    ("denominator = 4", PLACED_FAR, "no_small_count", 1),
    ("denominator = 9, value = 88.9", SURVEY, "minimum_base_kept", 1),
    ("period_start = '2018-04-01'", PLACED, "period_known", 1),
    ("period = '2018/19'", PLACED, "period_known", 1),
    ("area_code = 'E08000099'", PLACED, "area_known", 1),
    ("sector = 'magic'", PLACED, "sector_known", 1),
    ("organisation_id = 'ORG9'", PLACED, "organisation_known", 1),
    ("indicator_id = 'unheard_of'", PLACED, "indicator_known", 1),
    ("source_dataset = 'events'", PLACED, "source_registered", 1),
    ("is_latest = true", "", "one_latest_per_key", 1),
    ("is_latest = not is_latest", SUSPENSIONS, "one_latest_per_key", 1),
    ("is_latest = null", PLACED, "one_latest_per_key", 1),
    ("numerator = -1, value = -1", PLACED, "not_negative", 1),
    # A sector with four events in an area with three.
    ("sector = 'health', organisation_id = 'total', numerator = 4", ORG_EVENTS, "parts_within_their_total", 1),
    (
        "ci_lower_95 = 12, ci_upper_95 = 17",
        "where indicator_id = 'sdq_mean'",
        "mean_beside_hidden_count",
        1,
    ),
    ("trend = null, trend_method = null, trend_reason = null", PLACED, "trend_of_the_latest", 1),
    ("trend = 'improving'", "where not is_latest", "trend_of_the_latest", 1),
    ("trend = 'better'", PLACED, "trend_of_the_latest", 1),
    ("trend_method = null", PLACED, "trend_of_the_latest", 1),
    ("trend_reason = null", PLACED, "trend_says_why_not", 1),
    ("trend = 'improving'", PLACED, "trend_says_why_not", 1),
    ("trend = 'improving', trend_reason = null", PLACED_FAR, "trend_says_why_not", 1),
    ("signal = 'run_of_rises'", PLACED_FAR, "trend_says_why_not", 1),
]

IN_S2 = "where node_id = 'S2'"
#: Mart, statement, the check that must fail and what it must find.
MART_FAULTS: list[tuple[str, str, str, int]] = [
    *(
        ("indicator_values", f"update marts.indicator_values set {assignment} {rows}", rule, found)
        for assignment, rows, rule, found in VALUE_FAULTS
    ),
    ("indicator_values", "insert into marts.indicator_values from marts.indicator_values limit 1", "key_unique", 1),
    ("indicator_values", f"delete from marts.value_vintages {PLACED}", "rests_on_vintages", 1),
    ("indicator_values", "delete from marts.indicator_values", "has_rows", 1),
    ("indicator_values", "alter table marts.indicator_values drop column trend", "columns_as_promised", 1),
    ("value_vintages", f"delete from marts.indicator_values {PLACED}", "value_known", 1),
    ("value_vintages", "update marts.value_vintages set vintage_id = 'rejected'", "vintage_in_force", 1),
    ("comparisons", "update marts.comparisons set value = 4.1", "figures_as_published", 2),
    ("comparisons", f"update marts.comparisons set comparator_value = 4.5 {BEFORE}", "figures_as_published", 1),
    ("comparisons", f"update marts.comparisons set verdict = 'improving' {BEFORE}", "judged_by_what_is_shown", 1),
    ("comparisons", f"update marts.comparisons set difference_upper_95 = 1 {BEFORE}", "judged_by_what_is_shown", 1),
    ("comparisons", "update marts.comparisons set difference = -0.8", "judged_by_what_is_shown", 2),
    ("comparisons", "update marts.comparisons set verdict = null", "key_complete", 2),
    ("comparisons", "update marts.comparisons set comparator = 'region'", "key_unique", 1),
    ("comparisons", "alter table marts.comparisons drop column progress", "columns_as_promised", 1),
    ("control_limits", "insert into marts.control_limits from marts.control_limits", "key_unique", 2),
    ("control_limits", "update marts.control_limits set first_period = null", "key_complete", 2),
    ("control_limits", "update marts.control_limits set mean = 3.1", "charts_are_of_what_is_shown", 2),
    ("control_limits", "update marts.control_limits set limit_points = 2", "charts_are_of_what_is_shown", 2),
    ("control_limits", "update marts.control_limits set signal_points = 1", "charts_are_of_what_is_shown", 2),
    ("control_limits", "update marts.control_limits set first_period = '2025-04'", "charts_are_of_what_is_shown", 2),
    ("control_limits", "update marts.control_limits set upper_limit = 2.9", "beyond_limits_is_a_signal", 2),
    ("control_limits", "update marts.control_limits set lower_limit = 3.1", "beyond_limits_is_a_signal", 2),
    (
        "control_limits",
        "update marts.indicator_values set signal = 'above_upper_limit' where indicator_id = 'events_held'",
        "beyond_limits_is_a_signal",
        2,
    ),
    ("inequalities", "update marts.inequalities set value = 66.6", "figures_as_published", 1),
    ("inequalities", "update marts.inequalities set comparator_value = 50", "figures_as_published", 1),
    ("inequalities", "update marts.inequalities set absolute_gap = 3", "judged_by_what_is_shown", 1),
    ("indicators", "delete from marts.indicators", "has_rows", 1),
    ("indicators", "delete from marts.indicator_nodes where indicator_id = 'wf06'", "every_indicator_has_a_node", 1),
    ("framework_nodes", "delete from marts.framework_nodes where node_id = 'L3'", "all_statements_there", 1),
    ("framework_nodes", "delete from marts.framework_nodes where layer = 'inputs'", "all_statements_there", 1),
    (
        "framework_nodes",
        "delete from marts.indicator_nodes where node_id in ('L3', 'N1'); insert into"
        " staging.stg_registry__framework_gaps values ('nttp_logic_model', 'N1', 'No source.'),"
        " ('nttp_logic_model', 'L3', ' ')",
        "measured_or_declared_gap",
        1,
    ),
    ("indicator_nodes", "update marts.indicator_nodes set node_id = 'X9' where node_id = 'S3'", "node_known", 1),
    ("indicator_nodes", "delete from marts.indicators where indicator_id = 'wf01'", "indicator_known", 1),
    ("areas", "delete from marts.areas", "has_rows", 1),
    ("areas", "insert into marts.areas from marts.areas", "key_unique", 1),
    ("sectors", "drop table marts.sectors", "has_rows", 1),
    ("periods", f"insert into marts.periods values {SOME_KEY}", "key_unique", 1),
    ("short_term_outcomes", "delete from marts.short_term_outcomes where node_id < 'S3'", "every_node_of_layer", 2),
    ("long_term_outcomes", "update marts.long_term_outcomes set node_id = 'S1'", "only_nodes_of_layer", 3),
    ("theory_of_change", "delete from marts.theory_of_change where node_id = 'T4.4'", "every_node_of_layer", 1),
    ("change_journey", "insert into marts.change_journey from marts.inputs", "only_nodes_of_layer", 4),
    ("measurement_framework", "delete from marts.measurement_framework", "has_rows", 1),
    ("inputs", "insert into marts.inputs from marts.inputs where node_id = 'I2'", "key_unique", 1),
    (
        "short_term_outcomes",
        f"update marts.short_term_outcomes set value = 60 {IN_S2}",
        "figures_as_in_indicator_values",
        1,
    ),
    (
        "short_term_outcomes",
        f"update marts.short_term_outcomes set numerator = 9 {IN_S2}",
        "figures_as_in_indicator_values",
        1,
    ),
    (
        "short_term_outcomes",
        f"update marts.short_term_outcomes set previous_period = 'workforce wave 2', previous_value = 50 {IN_S2}",
        "figures_as_in_indicator_values",
        1,
    ),
    (
        "short_term_outcomes",
        f"update marts.short_term_outcomes set direction = 'improving' {IN_S2}",
        "direction_needs_two_values",
        1,
    ),
    ("framework_links", "update marts.framework_links set to_node_id = 'X9' where to_node_id = 'N4'", "node_known", 1),
    ("framework_links", "insert into marts.framework_links from marts.framework_links limit 1", "key_unique", 1),
    (
        "node_status",
        "delete from marts.node_status where node_id in ('L3', 'M.comms.sector')",
        "every_node_has_a_status",
        2,
    ),
    ("node_status", "update marts.node_status set status = 'fine' where node_id = 'S1'", "status_known", 1),
    (
        "node_status",
        "update marts.node_status set status = 'declared gap', indicator_count = 0 where node_id = 'L3'",
        "gap_declared",
        1,
    ),
    ("node_status", "update marts.node_status set status = 'declared gap' where node_id = 'S1'", "gap_declared", 1),
    ("expected_submissions", "insert into marts.expected_submissions from marts.expected_submissions", "key_unique", 2),
    ("expected_submissions", "update marts.expected_submissions set due_date = null", "key_complete", 2),
    (
        "expected_submissions",
        "update marts.expected_submissions set received_at = '2025-05-31' where received_at is not null",
        "received_as_in_ledger",
        1,
    ),
    (
        "expected_submissions",
        "update marts.expected_submissions set status = 'received late' where received_at is null",
        "received_as_in_ledger",
        1,
    ),
]


@pytest.mark.parametrize(
    ("mart", "fault", "rule", "found"),
    MART_FAULTS,
    ids=[f"{mart}-{rule}-{number}" for number, (mart, _, rule, _) in enumerate(MART_FAULTS)],
)
def test_a_wrong_mart_is_caught_by_its_check(warehouse: Home, mart: str, fault: str, rule: str, found: int) -> None:
    with duckdb.connect(str(warehouse.warehouse)) as con:
        con.execute(fault)
    # Here, because importing it imports Great Expectations.
    from expectations.validation import Validation

    with Validation() as validation:
        caught = result_of(MartsGate(validation, warehouse).results(mart), rule)
    assert (caught.blocks, caught.rows_failed) == (True, found)
    assert caught.message


def test_a_check_that_cannot_run_counts_as_failed(warehouse: Home) -> None:
    with duckdb.connect(str(warehouse.warehouse)) as con:
        con.execute("drop table staging.stg_registry__framework_gaps")
    caught = result_of(gates.check_marts(warehouse), "measured_or_declared_gap")
    assert caught.blocks
    assert "could not be run, and counts as failed" in str(caught.message)
    assert "framework_gaps" in str(caught.message)


def test_a_mart_without_rows_passes_no_check_at_all(warehouse: Home) -> None:
    with duckdb.connect(str(warehouse.warehouse)) as con:
        con.execute("delete from marts.indicator_values")
        con.execute("delete from marts.organisations")
    results = gates.check_marts(warehouse)
    assert not any(r.passed for r in results if r.dataset in ("indicator_values", "organisations"))
    assert [(r.rule, r.blocks) for r in results if r.dataset == "organisations"] == [("has_rows", False)]
    assert next(r for r in results if r.dataset == "indicator_values" and r.rule == "has_rows").blocks


def test_published_figures_may_be_small_and_withheld_as_published(warehouse: Home) -> None:
    with duckdb.connect(str(warehouse.warehouse)) as con:
        con.execute(
            "update marts.indicator_values set numerator = 3, denominator = 500, value = 0.6"
            " where indicator_id = 'suspension_rate' and is_latest"
        )
        con.execute(
            "update marts.indicator_values set denominator = 500"
            " where indicator_id = 'suspension_rate' and not is_latest"
        )
        con.execute(
            "update marts.comparisons set value = 0.6, comparator_value = 1.44 + 0 * comparator_value"
            " where indicator_id = 'suspension_rate'"
        )
    assert failures(gates.check_marts(warehouse)) == set()


def test_a_publisher_s_slip_is_a_warning_and_does_not_stop_the_publication(warehouse: Home) -> None:
    with duckdb.connect(str(warehouse.warehouse)) as con:
        con.execute(
            "update marts.indicator_values set indicator_id = 'pupils_suspended', ci_lower_95 = 2.1, ci_upper_95 = 2.3"
            " where indicator_id = 'suspension_rate' and is_latest"
        )
        con.execute("update marts.value_vintages set indicator_id = 'pupils_suspended' where period = '2016/17'")
        con.execute("update marts.indicator_values set is_latest = true where indicator_id = 'suspension_rate'")
    caught = result_of(gates.check_marts(warehouse), "published_figures_agree")
    assert (caught.severity, caught.blocks, caught.rows_failed) == ("warning", False, 1)


def test_what_is_late_is_named_and_stops_nothing(warehouse: Home) -> None:
    with duckdb.connect(str(warehouse.warehouse)) as con:
        con.execute("update marts.expected_submissions set status = 'late' where received_at is null")
        con.execute(
            "insert into marts.expected_submissions by name select late.* exclude (school, term)"
            " replace ('pupils_on_roll' as dataset, school as organisation_id, term as period)"
            " from (select * from marts.expected_submissions, (values ('O1', 'summer'), ('O2', 'spring'),"
            " ('O2', 'summer')) as terms (school, term) where status = 'late') as late"
        )
    late = result_of(gates.check_marts(warehouse), "nothing_late")
    assert (late.severity, late.blocks, late.rows_failed) == ("warning", False, 2)
    assert "workforce_survey (workforce wave 4)" in str(late.message)
    assert "pupils_on_roll (3 returns of 2 suppliers)" in str(late.message)


def test_decisions_that_suit_no_figure_are_named_and_stop_nothing(warehouse: Home) -> None:
    def decide(targets: dict[str, str], *baselines: str) -> list[CheckResult]:
        with duckdb.connect(str(warehouse.warehouse)) as con:
            for indicator, period in targets.items():
                con.execute(
                    f"update marts.indicators set target_value = 2, baseline_period = {period}"
                    f" where indicator_id = '{indicator}'"
                )
            con.execute(f"insert into staging.stg_home__control_baselines values {', '.join(baselines)}")
        return [result for result in gates.check_marts(warehouse) if result.rule == "decisions_take_effect"]

    [fits] = decide({"suspension_rate": "'2016/17'"}, "('events_held', null, 'total', null, '2025-05', null)")
    assert fits.passed
    # 2015/16 is withheld, and beside no figure stands a target without a baseline; no sector is called so.
    [wrong] = decide(
        {"suspension_rate": "'2015/16'", "pupils_suspended": "null"},
        "('events_held', null, 'eduction', null, '2025-05', null)",
    )
    assert (wrong.severity, wrong.blocks, wrong.rows_failed) == ("warning", False, 3)
    assert "suspension_rate is to be 2.0 from 2015/16 on, a period in which no figure of the" in str(wrong.message)
    assert "pupils_suspended is to be 2.0, beside which no figure of its kind of period" in str(wrong.message)
    assert "events_held has a new baseline from 2025-05, a period of none of its series" in str(wrong.message)


def test_another_process_can_write_to_the_warehouse_as_soon_as_its_marts_are_checked(warehouse: Home) -> None:
    gates.check_marts(warehouse)
    script = f"import duckdb; duckdb.connect({str(warehouse.warehouse)!r}).execute('create table written (i int)')"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_warehouse_can_be_written_in_the_same_process_even_after_a_failed_check(warehouse: Home) -> None:
    for statement in ("delete from marts.areas", "drop table marts.areas"):
        with duckdb.connect(str(warehouse.warehouse)) as con:
            con.execute(statement)
        assert any(result.blocks for result in gates.check_marts(warehouse))


def test_marts_are_held_against_the_publication_in_force(warehouse: Home) -> None:
    folder = warehouse.published / "parquet"
    folder.mkdir(parents=True)
    with duckdb.connect(str(warehouse.warehouse)) as con:
        for mart in MARTS:
            con.execute(f"copy marts.{mart} to '{folder}/{mart}.parquet'")
        con.execute("alter table marts.areas add column area_name varchar")
        con.execute(
            "update marts.indicator_values set value = 9.16 where indicator_id = 'suspension_rate' and is_latest"
        )
        con.execute("delete from marts.indicator_values where indicator_id = 'events_held'")
    found = {r.rule: r for r in gates.check_marts(warehouse) if r.dataset == "last_publication"}
    assert {rule: (r.blocks, r.rows_failed) for rule, r in found.items() if not r.passed} == {
        "nothing_vanished": (True, 1),
        "nothing_moved": (True, 1),
        "marts_as_last_published": (False, 1),
    }
    assert {r.rows_checked for r in found.values()} == {len(VALUES)}
    assert "from 4.16 to 9.16" in str(found["nothing_moved"].message)
    assert found["few_figures_appear_late"].passed


def test_a_missing_warehouse_is_said_so(home: Home) -> None:
    with pytest.raises(GateError, match="There is no warehouse"):
        gates.check_marts(home)


def test_a_gate_writes_no_file(warehouse: Home, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in warehouse.root.rglob("*")}
    monkeypatch.chdir(warehouse.root)
    gates.check_landed(warehouse, CLEAN_BATCHES)
    gates.check_marts(warehouse)
    assert {path: path.stat().st_mtime_ns for path in warehouse.root.rglob("*")} == before


# --- the worker ------------------------------------------------------------------------------------------------------


def test_the_data_docs_say_what_was_expected_found_and_is_to_be_done_and_load_nothing(
    home: Home, landing: Landing
) -> None:
    landing.land("training_bookings", "faulty", change(2, person_id="a.person@example.org")(bookings()))
    with GateWorker() as worker:
        worker.check_landed(home, {"training_bookings": ["faulty"], "events": ["events_v1"]})
        worker.document(home)
    folder = home.checks / "data_docs"
    assert {path.name for path in folder.iterdir()} == {
        "index.html", "landed.html", "landed-training_bookings.html", "landed-events.html",
    }  # fmt: skip
    page = (folder / "landed-training_bookings.html").read_text(encoding="utf-8")
    for said in (
        "Every person_id is there and is a pseudonym of 32 hexadecimal characters.",
        "disclosure officer",
        "What tells who a person is must not be kept",
        "delete the landed file, and report it.",
    ):
        assert said in page
    assert page.count("text-danger") == 1 + 1  # the row's sign, and the style of all such signs
    overview = (folder / "landed.html").read_text(encoding="utf-8")
    assert re.search(r"training_bookings</a></td><td>[0-9]+</td><td>1</td><td>0</td>", overview)
    said = re.search(r"<p>([0-9]+) of ([0-9]+) checks passed on [0-9]+ [A-Z][a-z]+ 20[0-9]+ at [0-9:]+ UTC", overview)
    assert said is not None
    assert int(said[2]) - int(said[1]) == 1
    for path in folder.iterdir():
        html = path.read_text(encoding="utf-8")
        assert re.findall(r"https?:|<script|<link|<img|@import|url\(|example\.org", html) == []
        assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_worker_gives_the_results_of_both_gates(warehouse: Home, landing: Landing) -> None:
    landing.land("events", "bad", change(0, attendance=-5)(events()))
    with GateWorker() as worker:
        landed = worker.check_landed(warehouse, CLEAN_BATCHES | {"events": ["events_v1", "bad"]})
        marts = worker.check_marts(warehouse)
        with pytest.raises(GateError, match="nothing to gate in no_such_dataset"):
            worker.check_landed(warehouse, {"no_such_dataset": ["v1"]})
    assert {(r.vintage_id, r.rule) for r in landed if r.blocks} == {("bad", "attendance_valid")}
    assert {r.dataset for r in marts} == set(MARTS)
    with duckdb.connect(str(warehouse.warehouse)) as con:
        con.execute("create table written (i int)")


def test_what_great_expectations_imports_in_vain_is_loaded_when_it_is_used() -> None:
    script = (
        "import sys\n"
        "from expectations.deferred import UNUSED_LIBRARIES, defer\n"
        "defer()\n"
        "import expectations.validation\n"
        "from scipy import stats\n"
        "loaded = {'altair.vegalite', 'scipy.stats._stats_py'}\n"
        # That it is so is what the import is shortened by.
        "assert not loaded & sys.modules.keys(), loaded & sys.modules.keys()\n"
        "assert stats.norm.ppf(0.5) == 0.0 and 'scipy.stats._stats_py' in sys.modules\n"
        "import altair\n"
        "from altair.vegalite import v6\n"
        "assert altair.Chart.__name__ == 'Chart' and not hasattr(altair, '__no_such__')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)


def test_a_worker_that_dies_lets_nothing_through_and_says_so(warehouse: Home) -> None:
    with GateWorker() as worker:
        [process] = multiprocessing.active_children()
        process.kill()
        with pytest.raises(GateError, match="ended before it answered, so nothing has passed the gate"):
            worker.check_marts(warehouse)


def test_leaving_the_worker_ends_its_process_even_while_it_is_still_importing() -> None:
    with GateWorker():
        [process] = multiprocessing.active_children()
    assert not process.is_alive()
    assert multiprocessing.active_children() == []


def test_the_worker_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = tmp_path / "console_script.py"
    script.write_text(
        "import os, signal, sys\n"
        f"sys.path.insert(0, {str(REPOSITORY)!r})\n"
        "from expectations.worker import GateWorker\n"
        "def main():\n"
        "    with GateWorker():\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(main())\n"
    )
    # The worker holds the other end of this pipe as long as it lives, so reading it to its end waits for the worker.
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL


def test_the_worker_is_not_asked_when_there_is_nothing_to_gate(home: Home) -> None:
    assert GateWorker().check_landed(home, {"events": []}) == []


def test_a_worker_that_was_not_started_says_so(home: Home) -> None:
    with pytest.raises(GateError, match="The worker is not running"):
        GateWorker().check_marts(home)
