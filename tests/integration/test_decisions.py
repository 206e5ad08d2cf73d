"""What a home decides about figures: targets and new baselines of charts, read, checked and landed."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ingestion.home import Home
from ingestion.reference.layout import ReferenceDataError
from ingestion.registry.layout import DECISIONS
from ingestion.registry.tables import load_registry, prepare_registry
from orchestration.cli import app
from tests.integration.builders import make_home, write

BASELINES = "decisions/control_baselines.csv"
TARGETS = "decisions/indicator_targets.csv"
BASELINE_HEADER = (
    "indicator_id,area_code,sector,organisation_id,first_period,last_period,reason,decided_by,decided_date\n"
)
TARGET_HEADER = "indicator_id,target_value,target_date,baseline_period,decided_by,decided_date\n"
BASELINE = "suspension_rate,,,,2024/25 autumn,2025/26 spring,New policy.,data lead,2025-01-15\n"
OTHER = BASELINE.replace("suspension_rate", "permanent_exclusion_rate")
TARGET = "suspension_rate,2.5,2028-08-31,2023/24,partnership board,2025-01-15\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path / "home")
    write(made.root / BASELINES, BASELINE_HEADER + BASELINE)
    write(made.root / TARGETS, TARGET_HEADER + TARGET)
    return made


def landed(home: Home, name: str) -> pa.Table:
    return pq.read_table(home.landing / "home" / f"{name}.parquet")


def test_decisions_land_in_their_types(home: Home) -> None:
    prepare_registry(home)
    (target,) = landed(home, "indicator_targets").to_pylist()
    assert {name: str(value) for name, value in target.items()} == {
        "indicator_id": "suspension_rate",
        "target_value": "2.500000",
        "target_date": "2028-08-31",
        "baseline_period": "2023/24",
        "decided_by": "partnership board",
        "decided_date": "2025-01-15",
    }
    (baseline,) = landed(home, "control_baselines").to_pylist()
    assert (baseline["area_code"], baseline["first_period"], baseline["last_period"], baseline["reason"]) == (
        None,
        "2024/25 autumn",
        "2025/26 spring",
        "New policy.",
    )
    assert landed(home, "control_baselines").schema.field("decided_date").type == pa.date32()


def test_a_home_that_has_decided_nothing_lands_no_rows(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    prepare_registry(home)
    for name, layout in DECISIONS.items():
        assert (landed(home, name).num_rows, landed(home, name).schema) == (0, layout.schema)


def test_a_decision_that_changes_lands_again(home: Home) -> None:
    prepare_registry(home)
    write(home.root / TARGETS, TARGET_HEADER + TARGET.replace("2.5", "2.0"))
    prepare_registry(home)
    assert [str(row["target_value"]) for row in landed(home, "indicator_targets").to_pylist()] == ["2.000000"]
    (home.root / TARGETS).unlink()
    prepare_registry(home)
    assert landed(home, "indicator_targets").num_rows == 0


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (BASELINES, BASELINE.replace("suspension_rate", "suspensions"), "row 3, column indicator_id: “suspensions” is"),
        (
            BASELINES,
            BASELINE,
            "suspension_rate, 2024/25 autumn stands already in decisions/control_baselines.csv, row 2",
        ),
        (BASELINES, BASELINE.replace("2024/25 autumn", "2024/25"), "column first_period: “2024/25” is not a month, qu"),
        (BASELINES, BASELINE.replace("2024/25 autumn", "2025-13"), "column first_period: “2025-13” is not a month, qu"),
        (
            BASELINES,
            OTHER.replace("2025/26 spring", "2023/24 summer"),
            "“2023/24 summer” does not follow 2024/25 au",
        ),
        (BASELINES, OTHER.replace("2025/26 spring", "2026-03"), "“2026-03” does not follow 2024/25 autumn."),
        (BASELINES, BASELINE.replace("New policy.", ""), "row 3, column reason: it is empty. Fill it."),
        (BASELINES, BASELINE.replace("data lead", ""), "row 3, column decided_by: it is empty. Fill it."),
        (BASELINES, BASELINE.replace("2025-01-15", "15/01/2025"), "column decided_date: “15/01/2025” is not a date"),
        (BASELINES, BASELINE.replace("suspension_rate,", "suspension_rate,Rochdale"), "“Rochdale” is not a letter and"),
        (TARGETS, TARGET, "suspension_rate stands already in decisions/indicator_targets.csv, row 2."),
        (TARGETS, TARGET.replace("suspension_rate", "suspensions"), "“suspensions” is neither an indicator that ships"),
        (TARGETS, TARGET.replace("2.5", "half"), "row 3, column target_value: “half” is not a number"),
        (
            TARGETS,
            TARGET.replace("suspension_rate,2.5", "permanent_exclusion_rate,-1"),
            "row 3, column target_value: -1 is no figure of permanent_exclusion_rate",
        ),
        (
            TARGETS,
            TARGET.replace("suspension_rate,2.5", "pupils_suspended,900"),
            "row 3, column target_value: 900 is no figure of pupils_suspended, which is in “percent” and never below 0",
        ),
        (
            TARGETS,
            TARGET.replace("suspension_rate", "pupils_suspended").replace("2025-01-15", "2925-01-15"),
            "row 3, column decided_date: 2925-01-15 is still to come",
        ),
        (
            BASELINES,
            BASELINE.replace("suspension_rate,,", "suspension_rate,,eduction"),
            "row 3, column sector: “eduction” is no sector. Write one of total, education, health,",
        ),
        (TARGETS, TARGET.replace("2.5", ""), "row 3, column target_value: it is empty. Fill it."),
        (TARGETS, TARGET.replace("2023/24", "2023-24"), "row 3, column baseline_period: “2023-24” is not a period as"),
    ],
)
def test_a_mistake_in_a_decision_is_refused_with_its_place(home: Home, file: str, text: str, message: str) -> None:
    load_registry(home)
    path = home.root / file
    write(path, path.read_text(encoding="utf-8") + text)
    with pytest.raises(ReferenceDataError, match=re.escape(message)):
        load_registry(home)


def test_the_last_period_may_be_the_first_and_scopes_may_differ(home: Home) -> None:
    scoped = BASELINE.replace("rate,,,,", "rate,,education,,").replace("2025/26 spring", "2024/25 autumn")
    write(home.root / BASELINES, BASELINE_HEADER + BASELINE + scoped)
    assert len(load_registry(home).tables["control_baselines"]) == 2


def test_a_file_that_records_no_known_decisions_is_refused(home: Home) -> None:
    write(home.decisions / "targets.csv", TARGET_HEADER + TARGET)
    with pytest.raises(ReferenceDataError, match=r"decisions/targets.csv: no such decisions are recorded"):
        load_registry(home)


def test_impact_check_reads_decisions(home: Home) -> None:
    fits = CliRunner().invoke(app, ["check", str(home.root / TARGETS)])
    assert fits.exit_code == 0, fits.output
    write(home.root / TARGETS, TARGET_HEADER + TARGET.replace("suspension_rate", "suspensions"))
    refused = CliRunner().invoke(app, ["check", str(home.decisions)])
    assert refused.exit_code == 1
    assert "“suspensions” is neither an indicator that ships nor one of the home's own." in refused.output
