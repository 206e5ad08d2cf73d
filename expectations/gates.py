"""The two gates: landed batches before the warehouse is built from them, marts before they are published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.landing_gate import LandingGate
from expectations.landing_gate import companions as companions_of
from expectations.marts import MARTS
from expectations.marts_gate import MartsGate
from expectations.results import CheckResult, GateError, Stage
from ingestion.contracts import load_contracts
from ingestion.home import Home

if TYPE_CHECKING:
    import pyarrow as pa
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

#: What the gates found last, by home and stage and then by suite, until it is written.
_FOUND: dict[tuple[Path, Stage], dict[str, list[ExpectationValidationResult]]] = {}


def check_landed(
    home: Home, vintages: Mapping[str, Sequence[str]], ledger: pa.Table | None = None
) -> list[CheckResult]:
    """Prove the landed batches that are about to be used.

    All vintages of a dataset are looked at together. Where that finds an error, each vintage that it names is looked
    at alone and the others together, so that every error names the one batch to reject.

    Args:
        home: whose landing zone.
        vintages: dataset → the vintages to gate; a dataset without any is left out.
        ledger: what the ledger says of its files, where it has not exported that yet.

    Returns:
        The results, dataset by dataset. A batch is to be rejected where a result with its ``vintage_id`` ``blocks``;
        every other batch has passed. Empty where there was nothing to gate.

    Raises:
        GateError: a dataset has no contract that lands rows, or the checks could not be run at all.
    """
    wanted = {dataset: list(dict.fromkeys(ids)) for dataset, ids in vintages.items() if ids}
    for dataset in wanted:
        contract = load_contracts().get(dataset)
        if contract is None or contract.not_needed is not None:
            raise GateError(f"There is nothing to gate in {dataset}: no contract of that name lands rows.")
    if not wanted:
        return []
    from expectations.validation import Validation

    results: list[CheckResult] = []
    # Some datasets may be judged again by themselves.
    found = _FOUND.setdefault((home.root, "landed"), {})
    with Validation() as validation:
        validation.confine(home.root)
        gate = LandingGate(validation, home, wanted, ledger)
        for dataset, ids in wanted.items():
            results += gate.results(dataset, ids)
            found[dataset] = validation.taken()
    return results


def companions(home: Home, datasets: Sequence[str]) -> dict[str, frozenset[str]]:
    """The datasets whose rows in force the verdict on each of some datasets rests on beside its own."""
    return {dataset: companions_of(home, dataset) for dataset in datasets}


def check_marts(home: Home) -> list[CheckResult]:
    """Prove the marts of the warehouse, which is opened read-only and closed again.

    Returns:
        The results, table by table, and of holding the figures against the publication in force; the publication must
        stop where one ``blocks``.

    Raises:
        GateError: there is no warehouse, or the checks could not be run at all.
    """
    if not home.warehouse.is_file():
        raise GateError(f"There is no warehouse at {home.warehouse}: build the models before the marts are checked.")
    from expectations.validation import Validation

    results: list[CheckResult] = []
    found = _FOUND[home.root, "marts"] = {}
    with Validation() as validation:
        validation.confine(home.root)
        gate = MartsGate(validation, home)
        for mart in MARTS:
            results += gate.results(mart)
            found[mart] = validation.taken()
        results += gate.continuity()
        found["continuity"] = validation.taken()
    return results


def write_data_docs(home: Home) -> None:
    """Write the data docs of what the gates of this process have found and not written yet.

    Apart from the gates, so that nobody waits for pages: a run goes on meanwhile.
    """
    from expectations import data_docs

    for stage in data_docs.STAGES:
        if found := _FOUND.pop((home.root, stage), None):
            data_docs.write(home, stage, {suite: results for suite, results in found.items() if results})
