"""No check finds anything in clean samples: thirty invented boroughs, each a part of its sources.

Every seed lands the register and one source, those of many files once only, so that the thirty cost no more than two
whole boroughs. By hand, with IMPACT_CLEAN_SAMPLES set to `whole`, every seed lands every source.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from expectations import gates
from expectations.worker import GateWorker
from ingestion.contracts import load_contracts
from ingestion.landing import land_inbox
from ingestion.ledger import Ledger
from orchestration.gating import gate_landed
from tests.faults.borough import PARTS, make_borough

SEEDS = range(1, 31)
#: Sources of many files, or of many answers.
HEAVY = ("schools", "returns", "training", "workforce", "families", "organisational")
LIGHT = [part for part in PARTS if part not in HEAVY]
DATASETS = [name for name, contract in load_contracts().items() if contract.not_needed is None]


def parts_of(seed: int) -> list[str]:
    """The sources of a seed: in turn, or all of them."""
    if os.environ.get("IMPACT_CLEAN_SAMPLES") == "whole":
        return list(PARTS)
    return [HEAVY[seed - 1] if seed <= len(HEAVY) else LIGHT[seed % len(LIGHT)]]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_in_a_clean_sample_and_no_row_is_lost(tmp_path: Path, seed: int) -> None:
    home = make_borough(tmp_path / "home", parts_of(seed), seed)
    reports = land_inbox(home)
    assert [f.sentence() for report in reports for f in report.findings if f.severity == "error"] == []
    assert {report.rows_quarantined for report in reports} == {0}
    assert {report.status for report in reports} <= {"landed", "not_needed"}
    with Ledger(home) as ledger:
        results = gate_landed(home, ledger, cast(GateWorker, gates), DATASETS)
    assert {result.dataset for result in results} == {r.dataset for r in reports if r.status == "landed"}
    assert [(r.dataset, r.rule, r.message) for r in results if not r.passed] == []


def test_the_thirty_samples_hold_every_dataset_of_every_source() -> None:
    assert {part for seed in SEEDS for part in parts_of(seed)} == set(PARTS)
