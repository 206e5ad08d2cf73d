"""Which batches are put to the gate, what of a look ahead counts in the end, and what a rejection sets off."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import cast

import duckdb
import pyarrow as pa
import pytest

from expectations.batches import file_checks
from expectations.gates import companions
from expectations.landing_gate import COMPANIONS, rows_checks
from expectations.results import CheckResult, GateError
from expectations.worker import GateWorker
from ingestion.contracts import load_contracts
from ingestion.home import Home
from ingestion.landing import FileReport
from ingestion.ledger import Ledger, Vintage, landing_path
from orchestration import gating
from orchestration.gating import LooksAhead, gate_landed
from tests.integration.builders import verdicts

DATASETS = ("organisations", "training_courses", "events", "training_bookings")
BESIDE = {
    "organisations": frozenset[str](),
    "training_courses": frozenset[str](),
    "events": frozenset({"organisations"}),
    "training_bookings": frozenset({"organisations", "training_courses"}),
}


class Worker:
    """A gate that lets everything through but the vintages it is told to reject, and writes down what it is asked."""

    def __init__(self) -> None:
        self.is_free = True
        self.rejects: set[str] = set()
        self.asked: list[dict[str, list[str]]] = []
        self.begun: list[dict[str, list[str]]] = []
        self.trouble: Exception | None = None

    def companions(self, home: Home, datasets: Sequence[str]) -> dict[str, frozenset[str]]:
        return {dataset: BESIDE[dataset] for dataset in datasets}

    def check_landed(self, home: Home, vintages: Mapping[str, Sequence[str]]) -> list[CheckResult]:
        self.asked.append({dataset: list(ids) for dataset, ids in vintages.items()})
        return self._results(vintages)

    def begin_to_check_landed(
        self, home: Home, vintages: Mapping[str, Sequence[str]], ledger: pa.Table
    ) -> Future[list[CheckResult]]:
        self.begun.append({dataset: list(ids) for dataset, ids in vintages.items()})
        answer: Future[list[CheckResult]] = Future()
        if self.trouble is None:
            answer.set_result(self._results(vintages))
        else:
            answer.set_exception(self.trouble)
        return answer

    def _results(self, vintages: Mapping[str, Sequence[str]]) -> list[CheckResult]:
        return [
            CheckResult(
                "landed", dataset, "has_rows", "It has rows.", "error", vintage not in self.rejects, 1, 0, vintage,
                owner="data supplier", reason="It matters.", remedy="Do this.",
            )
            for dataset, ids in vintages.items()
            for vintage in ids
        ]  # fmt: skip


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr(gating, "WORTH_A_LOOK", 1)
    return Worker()


def land(ledger: Ledger, dataset: str, vintage_id: str, path: str | None = None) -> FileReport:
    """Enter a file, and report it as landing does."""
    path = path or f"{vintage_id}.csv"
    ledger.record(
        Vintage(vintage_id, dataset, vintage_id, "", "landed", 1, 1, 0, 0, 0, {}, {}, None, 1, "rules"), path, 1, 1
    )
    return FileReport(path, dataset, vintage_id, "landed")


def looks_ahead(home: Home, worker: Worker) -> LooksAhead:
    return LooksAhead(home, cast(GateWorker, worker), DATASETS)


def gated(home: Home, ledger: Ledger, worker: Worker, ahead: LooksAhead | None = None) -> list[CheckResult]:
    return gate_landed(home, ledger, cast(GateWorker, worker), DATASETS, ahead)


def test_a_dataset_is_looked_at_once_it_and_what_its_checks_look_at_have_landed(
    home: Home, ledger: Ledger, worker: Worker
) -> None:
    ahead = looks_ahead(home, worker)
    ahead.landed(land(ledger, "organisations", "o1"))
    assert worker.begun == []
    ahead.landed(land(ledger, "events", "e1"))
    ahead.landed(land(ledger, "events", "e2"))
    assert worker.begun == [{"organisations": ["o1"]}]
    ahead.landed(land(ledger, "training_bookings", "b1"))
    assert worker.begun[1:] == [{"events": ["e1", "e2"]}]
    results = gated(home, ledger, worker, ahead)
    assert worker.asked == [{"training_bookings": ["b1"]}]
    assert [(result.dataset, result.vintage_id) for result in results] == [
        ("organisations", "o1"), ("events", "e1"), ("events", "e2"), ("training_bookings", "b1"),
    ]  # fmt: skip
    assert set(verdicts(ledger).values()) == {"passed"}


def test_a_worker_at_work_is_not_asked_and_a_few_batches_are_not_worth_a_look(
    home: Home, ledger: Ledger, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = looks_ahead(home, worker)
    worker.is_free = False
    ahead.landed(land(ledger, "organisations", "o1"))
    ahead.landed(land(ledger, "training_courses", "c1"))
    assert worker.begun == []
    worker.is_free = True
    monkeypatch.setattr(gating, "WORTH_A_LOOK", 3)
    ahead.landed(land(ledger, "events", "e1"))
    assert worker.begun == []
    ahead.landed(land(ledger, "training_bookings", "b1"))
    assert worker.begun == [{"organisations": ["o1"], "training_courses": ["c1"], "events": ["e1"]}]


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        pytest.param("events", "e2.csv", id="another batch"),
        pytest.param("events", "e1.csv", id="a batch in its place"),
        pytest.param("organisations", "o2.csv", id="another batch of what its checks look at"),
    ],
)
def test_what_has_changed_since_a_look_is_judged_anew(
    home: Home, ledger: Ledger, worker: Worker, dataset: str, path: str
) -> None:
    ahead = looks_ahead(home, worker)
    for report in (land(ledger, "organisations", "o1"), land(ledger, "events", "e1")):
        ahead.landed(report)
    ahead.landed(land(ledger, "training_bookings", "b1"))
    assert worker.begun == [{"organisations": ["o1"]}, {"events": ["e1"]}]
    land(ledger, dataset, "late", path)
    gated(home, ledger, worker, ahead)
    [asked] = worker.asked
    in_force = {"events": ["e1", "late"]} if path == "e2.csv" else {"events": ["late"] if path == "e1.csv" else ["e1"]}
    assert asked["events"] == in_force["events"]
    assert ("organisations" in asked) is (dataset == "organisations")


def test_a_batch_that_has_landed_anew_since_a_look_is_judged_anew(home: Home, ledger: Ledger, worker: Worker) -> None:
    ahead = looks_ahead(home, worker)
    ahead.landed(land(ledger, "organisations", "o1"))
    landed = landing_path(home, "events", "e1")
    landed.parent.mkdir(parents=True)
    landed.write_bytes(b"damaged")
    ahead.landed(land(ledger, "events", "e1"))
    worker.rejects = {"e1"}
    ahead.landed(land(ledger, "training_bookings", "b1"))
    assert worker.begun == [{"organisations": ["o1"]}, {"events": ["e1"]}]
    # What lies there now is another file, of which the ledger says the same.
    landed.unlink()
    landed.write_bytes(b"whole")
    worker.rejects = set()
    gated(home, ledger, worker, ahead)
    assert worker.asked == [{"events": ["e1"], "training_bookings": ["b1"]}]
    assert set(verdicts(ledger).values()) == {"passed"}


def test_a_worker_that_has_died_stops_no_file_from_landing(home: Home, ledger: Ledger) -> None:
    with GateWorker() as worker:
        [process] = multiprocessing.active_children()
        process.kill()
        process.join()
        ahead = LooksAhead(home, worker, DATASETS)
        while not worker.is_free:
            time.sleep(0.01)
        for report in (land(ledger, "organisations", "o1"), land(ledger, "events", "e1")):
            ahead.landed(report)
        with pytest.raises(GateError, match="ended before it answered, so nothing has passed the gate"):
            gate_landed(home, ledger, worker, DATASETS, ahead)


def test_a_look_that_came_to_nothing_is_taken_again_and_fails_there(home: Home, ledger: Ledger, worker: Worker) -> None:
    worker.trouble = GateError("It could not be run.")
    ahead = looks_ahead(home, worker)
    ahead.landed(land(ledger, "organisations", "o1"))
    ahead.landed(land(ledger, "events", "e1"))
    assert worker.begun == [{"organisations": ["o1"]}]
    gated(home, ledger, worker, ahead)
    assert worker.asked == [{"organisations": ["o1"], "events": ["e1"]}]


def test_a_rejected_batch_gives_way_and_whatever_rests_on_it_is_judged_again(
    home: Home, ledger: Ledger, worker: Worker
) -> None:
    land(ledger, "training_courses", "c1")
    land(ledger, "organisations", "o1", "register.csv")
    land(ledger, "organisations", "o2", "register.csv")
    land(ledger, "events", "e1")
    worker.rejects = {"o2"}
    gated(home, ledger, worker)
    # What a newer file has replaced is judged when it is needed, and a rejected batch again: the checks may change.
    assert worker.asked == [
        {"organisations": ["o2"], "training_courses": ["c1"], "events": ["e1"]},
        {"organisations": ["o1", "o2"], "events": ["e1"]},
    ]
    assert verdicts(ledger) == {"c1": "passed", "o1": "passed", "o2": "rejected", "e1": "passed"}
    worker.asked.clear()
    gated(home, ledger, worker)
    assert worker.asked == [{"organisations": ["o1", "o2"], "training_courses": ["c1"], "events": ["e1"]}]


def tables_named(sql: str) -> set[str]:
    """Every table, view and common table expression that a query names."""
    found = set()

    def look(node: object) -> None:
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                found.add(str(node["table_name"]))
            for value in node.values():
                look(value)
        elif isinstance(node, list):
            for value in node:
                look(value)

    (text,) = duckdb.execute("select json_serialize_sql(?)", [sql]).fetchall()[0]
    tree = json.loads(text)
    assert not tree["error"], tree
    look(tree)
    return found


def test_the_companions_of_a_dataset_are_what_its_checks_read(home: Home) -> None:
    contracts = [name for name, contract in load_contracts().items() if contract.not_needed is None]
    of = {"registered_names": "organisations", **{table: dataset for table, (dataset, _) in COMPANIONS.items()}}
    told = companions(home, contracts)
    for dataset in contracts:
        checks = (*file_checks(dataset), *rows_checks(home, dataset))
        named = {table for check in checks for table in tables_named(check.sql)}
        tables = named & {"checked", "files", "home_areas", *of}
        assert {table for table in named - tables if table.startswith(("landed", "registered"))} == set(), dataset
        assert told[dataset] == {of[table] for table in tables & of.keys()}, dataset
    assert set().union(*told.values()) == {dataset for dataset, _ in COMPANIONS.values()}
