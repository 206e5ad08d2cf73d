"""Which landed batches are put to the gate, and what its answer does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from expectations.landing_gate import LEDGER_COLUMNS
from expectations.results import CheckResult, GateError
from expectations.worker import GateWorker
from ingestion.home import Home
from ingestion.keys import linked_files, parted, says_what_is_parted
from ingestion.landing import FileReport
from ingestion.ledger import Ledger, landing_path

#: What the gate reads in the ledger, but for its own verdict, of which it matters only that it let a batch through.
_SAID = tuple(column for column in LEDGER_COLUMNS if column != "gate")

#: From so many batches on the worker is asked while others land: every look lays out the ledger and what else it needs.
WORTH_A_LOOK = 8


class _World(NamedTuple):
    """All that the verdict on the batches of a dataset rests on and that a run changes: equal worlds, equal verdicts.

    ``vintages``: the batches to judge. ``files``: what the ledger says of the dataset's files. ``beside``: the batches
    in force that the checks look at beside them. ``landed``: what tells the landed files of both as they lie there from
    any that take their place, for a batch that lands anew keeps its name.
    """

    vintages: tuple[str, ...]
    files: tuple[tuple[object, ...], ...]
    beside: tuple[str, ...]
    landed: tuple[tuple[int, ...], ...]


class LooksAhead:
    """Has landed batches looked at while others still land: the worker has nothing else to do meanwhile.

    Files land dataset by dataset (``land_inbox``). One whose files have all landed, and those of the datasets that its
    checks look at as well, is put to the gate as soon as the worker is free. What comes of it counts only if nothing
    that it rests on has changed by the time when ``gate_landed`` asks for it; otherwise it is judged anew.
    """

    def __init__(self, home: Home, worker: GateWorker, datasets: Sequence[str]) -> None:
        """Nothing is looked at yet.

        Args:
            home: whose landing zone.
            worker: runs the gate.
            datasets: in the order in which their files land.
        """
        self._home, self._worker = home, worker
        self._places = {dataset: place for place, dataset in enumerate(datasets)}
        self._companions: dict[str, frozenset[str]] | None = None
        self._reached = 0
        self._left = list(datasets)
        self._begun: dict[str, tuple[_World, Future[list[CheckResult]]]] = {}

    def landed(self, report: FileReport) -> None:
        """A file has been dealt with: whatever comes before its dataset has landed."""
        reached = self._places.get(report.dataset or "", 0)
        if reached <= self._reached:
            return
        self._reached = reached
        try:
            self._look()
        except GateError:
            # Whoever waits for the verdicts is told; meanwhile files land.
            self._left = []

    def _look(self) -> None:
        if not self._left or not self._worker.is_free:
            return
        if self._companions is None:
            self._companions = self._worker.companions(self._home, self._left)
        ready = [dataset for dataset in self._left if self._is_complete(dataset, self._companions[dataset])]
        if not ready:
            return
        with Ledger(self._home) as ledger:
            files = ledger.source_files()
        worlds = _worlds(self._home, files, ready, self._companions)
        vintages = {dataset: world.vintages for dataset, world in worlds.items()}
        if sum(map(len, vintages.values())) >= WORTH_A_LOOK:
            verdicts = self._worker.begin_to_check_landed(self._home, vintages, files)
            self._begun |= {dataset: (world, verdicts) for dataset, world in worlds.items()}
            self._left = [dataset for dataset in self._left if dataset not in ready]

    def _is_complete(self, dataset: str, companions: Collection[str]) -> bool:
        return all(self._places.get(each, -1) < self._reached for each in (dataset, *companions))

    def found(self, dataset: str, world: _World) -> list[CheckResult] | None:
        """What the gate said of a dataset in this world; None where it was not asked, or could not tell."""
        seen, verdicts = self._begun.get(dataset, (None, None))
        if verdicts is None or seen != world or verdicts.exception() is not None:
            return None
        return [result for result in verdicts.result() if result.dataset == dataset]


def gate_landed(
    home: Home, ledger: Ledger, worker: GateWorker, datasets: Sequence[str], ahead: LooksAhead | None = None
) -> list[CheckResult]:
    """Put every batch that could be in force to the gate, and enter the verdicts.

    They are judged anew in each run: the checks may have changed since, and what is published about the batches is
    then the same however many runs it took to land them. Where a batch is rejected its predecessor comes back into
    force, and its dataset is judged again with it, as is every dataset whose checks look at that one.

    Args:
        home: whose landing zone.
        ledger: of that home; it is exported with the verdicts in it.
        worker: runs the gate.
        datasets: the datasets to look at.
        ahead: what has been looked at while others landed.

    Returns:
        The results about the batches in force and about those that a rejection keeps out of it.
    """
    companions = worker.companions(home, datasets)
    judged: dict[str, _World] = {}
    results: dict[str, list[CheckResult]] = {}
    while (worlds := _worlds(home, ledger.source_files(), datasets, companions)) != judged:
        waiting = {dataset: world for dataset, world in worlds.items() if world != judged.get(dataset)}
        known = {} if ahead is None else {dataset: ahead.found(dataset, world) for dataset, world in waiting.items()}
        found = worker.check_landed(
            home, {dataset: world.vintages for dataset, world in waiting.items() if known.get(dataset) is None}
        )
        for dataset, world in waiting.items():
            results[dataset] = known.get(dataset) or [result for result in found if result.dataset == dataset]
            for vintage_id in world.vintages:
                reasons = why_rejected(vintage_id, results[dataset])
                ledger.record_gate(vintage_id, not reasons, " ".join(reasons) or None)
        # Whatever is judged again has changed since.
        judged, ahead = worlds, None
        ledger.export()
    told = [result for dataset in judged for result in results[dataset]]
    return [*told, *keys_that_part(home, ledger)]


def keys_that_part(home: Home, ledger: Ledger) -> list[CheckResult]:
    """A warning for each dataset whose pseudonyms in force were not all made with one key."""
    return [
        CheckResult(
            stage="landed",
            dataset=dataset,
            rule="one_key",
            description="The pseudonyms of all files in force that are joined were made with one key.",
            severity="warning",
            passed=False,
            rows_checked=len(linked.files),
            rows_failed=sum(held.key_id != linked.files[-1].key_id for held in linked.files),
            message=says_what_is_parted(linked),
            owner="data engineer",
            reason="Somebody who is in two files under two keys counts as two people.",
            remedy="Put the files under the older key into the inbox again: they land anew under the key in use.",
        )
        for linked in parted(linked_files(home, ledger))
        for dataset in linked.datasets
    ]


def why_rejected(vintage_id: str, results: Sequence[CheckResult]) -> list[str]:
    """What the gate says against a batch, among the results of its dataset; empty where it passed.

    An error that names no batch is held against each batch of its dataset: which one it is about is not known.
    """
    return [result.message or result.description for result in results if result.rejects(vintage_id)]


def _worlds(
    home: Home, files: pa.Table, datasets: Sequence[str], companions: Mapping[str, Collection[str]]
) -> dict[str, _World]:
    """What each dataset with batches to judge is judged by, in the order given; ``files`` is the ledger's export."""
    of: dict[str, list[dict[str, Any]]] = {}
    in_force: dict[str, list[str]] = {}
    for row in files.to_pylist():
        of.setdefault(row["dataset"], []).append(row)
        if row["is_current"]:
            in_force.setdefault(row["dataset"], []).append(row["vintage_id"])
    worlds = {}
    for dataset in datasets:
        rows = of.get(dataset, [])
        if vintages := _standing(rows):
            said = tuple((*(row[column] for column in _SAID), row["gate"] == "rejected") for row in rows)
            looked_at = sorted((other, vintage) for other in companions[dataset] for vintage in in_force.get(other, []))
            looked_at += [(dataset, vintage) for vintage in vintages]
            landed = tuple(_state(landing_path(home, *named)) for named in looked_at)
            beside = tuple(vintage for other, vintage in looked_at if other != dataset)
            worlds[dataset] = _World(tuple(vintages), said, beside, landed)
    return worlds


def _state(path: Path) -> tuple[int, ...]:
    """What tells a file from one that takes its place; nothing where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _standing(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The batches of a dataset that are in force, or would be if their gate let them, from what the ledger says."""
    in_force = set()
    newest: dict[str, tuple[int, str]] = {}
    for row in rows:
        if row["status"] != "landed" or row["retired_at"] is not None:
            continue
        if row["is_current"]:
            in_force.add(row["vintage_id"])
        if row["gate"] == "rejected":
            # Where files add to each other the file itself is the submission.
            submission = row["submission"] or row["file_name"]
            newest[submission] = max(newest.get(submission, (-1, "")), (row["sequence"], row["vintage_id"]))
    return sorted({*in_force, *(vintage_id for _, vintage_id in newest.values())})
