"""What the rules do to ten thousand histories without a change and with one, and that the documents say so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.performance.simulated_histories import HISTORIES, SCENARIOS, Outcome, outcomes

DOCUMENT = Path(__file__).parents[2] / "docs" / "statistics.md"


@pytest.fixture(scope="module")
def judged() -> list[Outcome]:
    return list(outcomes())


def _scatter(percent: float) -> float:
    """Four standard errors of a rate among the simulated histories, and half a unit of the last digit."""
    return 4 * 100 * (percent / 100 * (1 - percent / 100) / HISTORIES) ** 0.5 + 0.005


def test_histories_without_a_change_are_called_changed_no_more_often_than_the_rules_imply(
    judged: list[Outcome],
) -> None:
    without = [outcome for outcome in judged if outcome.scenario.implied is not None]
    assert {outcome.scenario.rule for outcome in without} == {"waves", "means", "two periods", "trend", "XmR"}
    for outcome in without:
        assert outcome.scenario.implied is not None
        improving, worsening = outcome.scenario.implied
        assert outcome.improving_percent <= improving + _scatter(improving), outcome
        assert outcome.worsening_percent <= worsening + _scatter(worsening), outcome
        # The rule is not merely silent.
        assert outcome.improving_percent + outcome.worsening_percent > 0, outcome


def test_every_simulated_rate_is_the_one_that_the_document_states(judged: list[Outcome]) -> None:
    stated = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and (rates := [re.match(r"([\d.]+) %", cell) for cell in cells[2:]]) and all(rates):
            stated[cells[0], cells[1]] = [float(rate[1]) for rate in rates if rate]
    assert len(stated) == len(SCENARIOS)
    for outcome in judged:
        improving, worsening = stated[outcome.scenario.rule, outcome.scenario.history]
        # Another release of NumPy may draw other numbers, so to within what chance allows twice over.
        assert outcome.improving_percent == pytest.approx(improving, abs=2 * _scatter(max(improving, 0.05)))
        assert outcome.worsening_percent == pytest.approx(worsening, abs=2 * _scatter(max(worsening, 0.05)))
