"""Which landed batches are put to the gate, and what its answer does."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.parquet

from expectations.results import CheckResult
from expectations.worker import GateWorker
from ingestion.home import Home
from ingestion.keys import linked_files, parted, says_what_is_parted
from ingestion.ledger import Ledger


def gate_landed(home: Home, ledger: Ledger, worker: GateWorker, datasets: Sequence[str]) -> list[CheckResult]:
    """Put every batch that could be in force to the gate, and enter the verdicts.

    They are judged anew in each run: the checks may have changed since, and what is published about the batches is
    then the same however many runs it took to land them. Where a batch is rejected its predecessor comes back into
    force, and all are judged again with it. Where nothing but a batch that another has replaced drops out, its dataset
    alone is: a check looks at other datasets as well, but only at what is in force there.

    Args:
        home: whose landing zone.
        ledger: of that home; it is exported with the verdicts in it.
        worker: runs the gate.
        datasets: the datasets to look at.

    Returns:
        The results about the batches in force and about those that a rejection keeps out of it.
    """
    judged: dict[str, list[str]] = {}
    seen_in_force: list[str] = []
    results: dict[str, list[CheckResult]] = {}
    while (standing := _standing(home, ledger, datasets)) != judged:
        in_force = ledger.current()
        waiting = {
            dataset: vintages
            for dataset, vintages in standing.items()
            if in_force != seen_in_force or vintages != judged.get(dataset)
        }
        found = worker.check_landed(home, waiting)
        results |= {dataset: [result for result in found if result.dataset == dataset] for dataset in waiting}
        for dataset, vintages in waiting.items():
            for vintage_id in vintages:
                reasons = why_rejected(vintage_id, results[dataset])
                ledger.record_gate(vintage_id, not reasons, " ".join(reasons) or None)
        judged, seen_in_force = standing, in_force
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


def _standing(home: Home, ledger: Ledger, datasets: Sequence[str]) -> dict[str, list[str]]:
    """Dataset → batches that are in force, or would be if their gate let them."""
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for row in pyarrow.parquet.read_table(home.landing / "source_files.parquet").to_pylist():
        if row["status"] == "landed" and row["gate"] == "rejected" and row["retired_at"] is None:
            # Where files add to each other the file itself is the submission.
            submission = row["submission"] or row["file_name"]
            newest[row["dataset"], submission] = max(
                newest.get((row["dataset"], submission), (-1, "")), (row["sequence"], row["vintage_id"])
            )
    standing = {}
    for dataset in datasets:
        rejected = [vintage_id for (owner, _), (_, vintage_id) in newest.items() if owner == dataset]
        found = {*ledger.current(dataset), *ledger.ungated(dataset), *rejected}
        if found:
            standing[dataset] = sorted(found)
    return standing
