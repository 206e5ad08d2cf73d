"""How the results of checks developed is kept as changes, whatever else of a home is thrown away."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from expectations.results import CheckResult
from ingestion.home import Home, Settings
from publishing import check_history
from publishing.check_history import State, record, states


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, Settings(authority="E08000005"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What time it is: the last of the list."""
    times = [datetime(2026, 3, 1, 8, tzinfo=UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return times[-1]

    monkeypatch.setattr(check_history, "datetime", Clock)
    return times


def events(passed: bool, rows_failed: int = 0) -> State:
    return State("landed", "events", "attendance_valid", "error", passed, rows_failed)


MARTS = State("marts", "areas", "key_unique", "error", True, 0)


def said(home: Home, found: Sequence[State]) -> list[tuple[str, int, str, bool]]:
    rows = record(home, found, of_every_stage=MARTS in found).to_pylist()
    return [
        (row["result"], row["rows_failed"], f"{row['changed_at']:%d %H:%M}", row["is_latest"])
        for row in rows
        if row["stage"] != "marts"
    ]


def test_a_change_is_kept_and_a_run_that_finds_the_same_adds_nothing(home: Home, clock: list[datetime]) -> None:
    first = said(home, [events(True), MARTS])
    assert first == [("passed", 0, "01 08:00", True)]
    content = (home.checks / "history.parquet").read_bytes()
    for hours in (24, 48):
        clock.append(clock[0] + timedelta(hours=hours))
        assert said(home, [events(True), MARTS]) == first
    assert (home.checks / "history.parquet").read_bytes() == content
    assert said(home, [events(False, 3)]) == [("passed", 0, "01 08:00", False), ("failed", 3, "03 08:00", True)]
    clock.append(clock[0] + timedelta(hours=72))
    said(home, [events(False, 5)])
    clock.append(clock[0] + timedelta(hours=96))
    assert said(home, [events(True)]) == [
        ("passed", 0, "01 08:00", False),
        ("failed", 3, "03 08:00", False),
        ("failed", 5, "04 08:00", False),
        ("passed", 0, "05 08:00", True),
    ]


def test_what_was_passed_again_stands_last_and_a_clock_set_back_does_not_turn_the_order(
    home: Home, clock: list[datetime]
) -> None:
    said(home, [events(True)])
    clock.append(clock[0] - timedelta(days=400))
    assert said(home, [events(False, 2)])[-1] == ("failed", 2, "01 08:00", True)


def test_a_rule_about_files_that_nothing_breaks_any_more_has_passed_once_a_whole_run_says_so(home: Home) -> None:
    broken = State("files", "events", "not_a_date", "error", False, 4)
    said(home, [broken, MARTS])
    assert [row[0] for row in said(home, [events(True)])] == ["failed", "passed"]
    # A run that is stopped writes down what stopped it, and that alone.
    stopped = record(home, [MARTS], of_every_stage=False).to_pylist()
    assert {row["rule"]: row["result"] for row in stopped if row["is_latest"]}["not_a_date"] == "failed"
    whole = record(home, [MARTS], of_every_stage=True).to_pylist()
    results = {row["rule"]: row["result"] for row in whole if row["is_latest"]}
    assert results == {"not_a_date": "passed", "attendance_valid": "passed", "key_unique": "passed"}


def test_a_home_that_is_built_anew_keeps_its_history(home: Home) -> None:
    said(home, [events(False, 3), MARTS])
    for folder in (home.landing, home.state):
        folder.mkdir(exist_ok=True)
        shutil.rmtree(folder)
    assert [row[:2] for row in said(home, [events(True), MARTS])] == [("failed", 3), ("passed", 0)]


def test_of_each_check_the_newest_changes_are_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_history, "CHANGES_KEPT", 3)
    for number in range(1, 6):
        said(home, [events(False, number), MARTS])
    kept = pyarrow.parquet.read_table(home.checks / "history.parquet").to_pylist()
    assert sorted(row["rows_failed"] for row in kept) == [0, 3, 4, 5]
    assert {row["rows_failed"] for row in kept if row["is_latest"]} == {0, 5}


def test_batches_of_a_dataset_are_one_state_and_nothing_personal_is_kept(home: Home) -> None:
    def result(passed: bool, failed: int, vintage: str) -> CheckResult:
        return CheckResult(
            "landed", "events", "attendance_valid", "Words.", "error", passed, 10, failed, vintage, "a.b@example.org",
            owner="analyst", reason="R.", remedy="D.",
        )  # fmt: skip

    found = states([result(True, 0, "v1"), result(False, 2, "v2"), result(False, 1, "v3")])
    assert found == [State("landed", "events", "attendance_valid", "error", False, 3)]
    said(home, found)
    path = home.checks / "history.parquet"
    assert b"example.org" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
