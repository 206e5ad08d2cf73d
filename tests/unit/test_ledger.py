"""The ledger: every receipt, every vintage, and which of them is in force."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from ingestion.findings import Finding, to_table
from ingestion.home import Home
from ingestion.ledger import Ledger, Vintage, quarantine_path, write_findings
from tests.integration.builders import findings, source_files, verdicts


def vintage(vintage_id: str, dataset: str | None = "events", submission: str = "", **changes: object) -> Vintage:
    """A landed vintage of seven rows: four landed, one of them corrected, two quarantined, one dropped."""
    made = Vintage(
        vintage_id=vintage_id,
        dataset=dataset,
        content_sha256=f"content of {vintage_id}",
        submission=submission,
        status="landed",
        rows_read=7,
        rows_landed=4,
        rows_quarantined=2,
        rows_dropped=1,
        rows_corrected=1,
        dropped_by_rule={"blank_row": 1},
        context={},
        message=None,
        contract_version=1,
        rules_fingerprint="rules",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def receive(ledger: Ledger, path: str, *vintages: Vintage) -> None:
    for made in vintages:
        ledger.record(made, path, 100, 1)


def test_a_vintage_comes_back_as_it_was_entered(ledger: Ledger) -> None:
    entered = vintage("v1", submission="wave=3", context={"wave": 3}, message="said")
    receive(ledger, "a.csv", entered)
    assert ledger.vintage("v1") == entered
    assert ledger.vintage("v2") is None
    seen = ledger.last_seen("a.csv")
    assert seen is not None
    assert (seen.path, seen.size, seen.modified_ns, seen.vintage_id, seen.dataset) == ("a.csv", 100, 1, "v1", "events")
    assert ledger.last_seen("b.csv") is None


def test_rows_that_do_not_add_up_cannot_be_entered(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="rows_read = rows_landed"):
        receive(ledger, "a.csv", vintage("v1", rows_landed=5))
    assert ledger.vintage("v1") is None
    assert ledger.last_seen("a.csv") is None


@pytest.mark.parametrize(
    ("received", "current"),
    [
        pytest.param([("a", "1"), ("b", "2")], ["1", "2"], id="two names add"),
        pytest.param([("a", "1"), ("a", "2")], ["2"], id="the same name replaces"),
        pytest.param([("a", "1"), ("a", "2"), ("a", "1")], ["1"], id="back to what it was"),
        pytest.param([("a", "1"), ("b", "1"), ("a", "2")], ["1", "2"], id="the other name still holds it"),
        pytest.param([("a", "1"), ("b", "2"), ("b", "1")], ["1"], id="both hold the same"),
    ],
)
def test_files_that_add_are_in_force_by_path(
    ledger: Ledger, received: list[tuple[str, str]], current: list[str]
) -> None:
    for path, vintage_id in received:
        receive(ledger, path, vintage(vintage_id))
    assert ledger.current("events") == current


@pytest.mark.parametrize(
    ("received", "current"),
    [
        pytest.param([("a", "1", "wave=1"), ("b", "2", "wave=2")], ["1", "2"], id="two submissions"),
        pytest.param([("a", "1", "wave=1"), ("b", "2", "wave=1")], ["2"], id="another name, the same submission"),
        pytest.param([("a", "1", "wave=1"), ("a", "2", "wave=2")], ["1", "2"], id="the same name, another submission"),
        pytest.param([("a", "1", "wave=1"), ("b", "2", "wave=1"), ("a", "3", "wave=1")], ["3"], id="sent last"),
        pytest.param([("a", "1", "wave=1"), ("a", "2", "wave=1"), ("a", "1", "wave=1")], ["1"], id="back again"),
    ],
)
def test_the_newest_file_of_a_submission_replaces_it(
    ledger: Ledger, received: list[tuple[str, str, str]], current: list[str]
) -> None:
    for path, vintage_id, submission in received:
        receive(ledger, path, vintage(vintage_id, "workforce_survey", submission))
    assert ledger.current() == current


def test_bytes_that_were_first_read_as_another_submission_count_once(ledger: Ledger) -> None:
    first = vintage("v1", "ssda903_header", "collection_year=2018", content_sha256="same")
    again = vintage("v2", "ssda903_header", "collection_year=2019", content_sha256="same")
    receive(ledger, "header.csv", first, again)
    assert ledger.current() == ["v2"]
    receive(ledger, "elsewhere/header.csv", first)
    assert ledger.current() == ["v2", "v1"]


def test_datasets_are_kept_apart(ledger: Ledger) -> None:
    receive(ledger, "a.csv", vintage("v1", "events"))
    receive(ledger, "b.csv", vintage("v2", "organisations"))
    assert ledger.current("events") == ["v1"]
    assert ledger.current("organisations") == ["v2"]
    assert ledger.current("training_bookings") == []
    assert ledger.current_rules("events") == [("v1", "rules")]


def test_a_refused_file_leaves_what_its_path_held_before_in_force(ledger: Ledger) -> None:
    receive(ledger, "a.csv", vintage("v1"), vintage("v2", status="refused", dataset=None))
    assert ledger.current() == ["v1"]


def test_a_vintage_that_its_gate_rejects_gives_way_to_the_one_before(ledger: Ledger) -> None:
    receive(ledger, "a.csv", vintage("v1"), vintage("v2"))
    assert verdicts(ledger) == {"v1": None, "v2": None}
    ledger.record_gate("v1", passed=True)
    ledger.record_gate("v2", passed=False, message="half of it is missing")
    assert verdicts(ledger) == {"v1": "passed", "v2": "rejected"}
    assert ledger.current() == ["v1"]


def test_a_vintage_read_again_under_other_rules_is_gated_anew_and_keeps_its_first_landing(
    home: Home, ledger: Ledger
) -> None:
    receive(ledger, "a.csv", vintage("v1"))
    ledger.record_gate("v1", passed=False, message="bad")
    ledger.export()
    ((landed_at, received_at),) = source_files(home, "landed_at, received_at")
    again = vintage("v1", rows_landed=6, rows_quarantined=0, rows_corrected=3, rules_fingerprint="new rules")
    receive(ledger, "a.csv", again)
    assert ledger.vintage("v1") == again
    assert verdicts(ledger) == {"v1": None}
    ledger.export()
    assert source_files(home, "landed_at, received_at, sequence, gate, rows_landed, is_current, message") == [
        (landed_at, received_at, 1, None, 6, True, None)
    ]


def test_seeing_the_same_again_enters_nothing(home: Home, ledger: Ledger) -> None:
    receive(ledger, "a.csv", vintage("v1"))
    before = home.ledger.read_bytes()
    ledger.receive("a.csv", 100, 1, "v1")
    assert home.ledger.read_bytes() == before
    ledger.receive("a.csv", 100, 2, "v1")
    seen = ledger.last_seen("a.csv")
    assert seen is not None
    assert seen.modified_ns == 2
    ledger.export()
    assert source_files(home, "sequence") == [(1,)]


def test_the_export_says_what_became_of_every_vintage(home: Home, ledger: Ledger) -> None:
    receive(ledger, "old.csv", vintage("v1", "workforce_survey", "wave=3", context={"wave": 3}))
    receive(ledger, "new.csv", vintage("v2", "workforce_survey", "wave=3", context={"wave": 3}))
    counted = ("rows_read", "rows_landed", "rows_quarantined", "rows_dropped", "rows_corrected")
    nothing = dict.fromkeys(counted, 0) | {"dropped_by_rule": {}}
    receive(ledger, "x.csv", vintage("v3", None, status="refused", message="unknown", contract_version=None, **nothing))
    ledger.record_gate("v2", passed=True)
    ledger.export()
    assert source_files(home, "sequence, dataset, file_name, vintage_id, submission, status, gate, is_current") == [
        (1, "workforce_survey", "old.csv", "v1", "wave=3", "landed", None, False),
        (2, "workforce_survey", "new.csv", "v2", "wave=3", "landed", "passed", True),
        (3, None, "x.csv", "v3", "", "refused", None, False),
    ]
    assert source_files(home, f"{', '.join(counted)}, dropped_by_rule, contract_version, message") == [
        (7, 4, 2, 1, 1, '{"blank_row": 1}', 1, None),
        (7, 4, 2, 1, 1, '{"blank_row": 1}', 1, None),
        (0, 0, 0, 0, 0, "{}", None, "unknown"),
    ]
    types = {field.name: str(field.type) for field in pq.read_schema(home.landing / "source_files.parquet")}
    assert types["received_at"] == types["landed_at"] == "timestamp[us]"


def finding(row: int, vintage_id: str, dataset: str | None = "events") -> Finding:
    return Finding(dataset, "a.csv", vintage_id, None, row, "A", "required", None, "m", "r", "error")


def test_findings_are_those_about_what_the_inbox_holds_now(home: Home, ledger: Ledger) -> None:
    for vintage_id in ("v1", "v2"):
        write_findings(quarantine_path(home, "events", vintage_id), to_table([finding(2, vintage_id)]))
    write_findings(quarantine_path(home, None, "v3"), to_table([finding(3, "v3", None)]))
    receive(ledger, "a.csv", vintage("v1"), vintage("v2"))
    receive(ledger, "b.csv", vintage("v3", None, status="refused"))
    ledger.export()
    assert findings(home, "dataset, source_row, vintage_id") == [("events", 2, "v2"), (None, 3, "v3")]


def test_findings_that_are_no_longer_true_are_taken_away(home: Home) -> None:
    path = quarantine_path(home, "events", "v1")
    write_findings(path, to_table([finding(2, "v1")]))
    assert path.is_file()
    write_findings(path, to_table([]))
    assert not path.exists()
    write_findings(path, to_table([]))


def test_an_empty_ledger_exports_tables_of_no_rows(home: Home, ledger: Ledger) -> None:
    ledger.export()
    assert source_files(home, "*") == []
    assert findings(home, "*") == []


def test_a_companion_is_the_newest_landed_file_of_its_dataset_in_the_same_folder(ledger: Ledger) -> None:
    for path, vintage_id, year in (("2018/e.csv", "v1", 2018), ("2019/e.csv", "v2", 2019), ("e.csv", "v3", 2020)):
        receive(ledger, path, vintage(vintage_id, "ssda903_episodes", context={"collection_year": year}))
    receive(ledger, "2018/late.csv", vintage("v4", "ssda903_episodes", status="refused"))
    assert ledger.companion_context("2018", "ssda903_episodes", "collection_year") == 2018
    assert ledger.companion_context("2019", "ssda903_episodes", "collection_year") == 2019
    assert ledger.companion_context(".", "ssda903_episodes", "collection_year") == 2020
    assert ledger.companion_context("2017", "ssda903_episodes", "collection_year") is None
    assert ledger.companion_context("2018", "events", "collection_year") is None


def test_what_was_entered_is_there_for_the_next_who_opens_it(home: Home) -> None:
    with Ledger(home) as first:
        receive(first, "a.csv", vintage("v1"))
    with Ledger(home) as second:
        assert second.current() == ["v1"]


def test_a_ledger_begun_before_there_were_corrections_gets_their_column_and_keeps_what_it_holds(home: Home) -> None:
    with Ledger(home) as first:
        receive(first, "a.csv", vintage("v1", rows_corrected=0))
    with closing(sqlite3.connect(home.ledger)) as db:
        db.execute("alter table vintages drop column rows_corrected")
        db.commit()
        assert "rows_corrected" not in [column[1] for column in db.execute("pragma table_info(vintages)")]
    with Ledger(home) as second:
        assert second.vintage("v1") == vintage("v1", rows_corrected=0)
        receive(second, "b.csv", vintage("v2", rows_corrected=2))
        second.export()
    assert source_files(home, "vintage_id, rows_corrected, is_current") == [("v1", 0, True), ("v2", 2, True)]
    with Ledger(home) as third:
        assert third.vintage("v2") == vintage("v2", rows_corrected=2)
