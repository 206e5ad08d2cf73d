"""The engine of the statistical offices, on the same tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.disclosure.compare_with_tau_argus import compare, exact, tables_of, tau_argus_modular, tau_argus_optimal
from tests.disclosure.tables import after_primary


@pytest.mark.parametrize("crossed", [True, False])
def test_tau_argus_hides_as_many_cells_as_the_optimum_and_leaves_no_leak(
    crossed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scores = compare(tables_of(15, 7, crossed), {"exact": exact, "tau-Argus": tau_argus_optimal})
    ours, theirs = scores["exact"], scores["tau-Argus"]
    assert ours.tables == theirs.tables == 15
    assert ours.hidden == theirs.hidden
    assert ours.leaking == theirs.leaking == 0
    assert ours.primary < ours.hidden < 2 * ours.primary
    # The engine's logs stay where it ran.
    assert list(tmp_path.iterdir()) == []


def test_a_method_that_does_nothing_is_counted_as_leaking() -> None:
    scores = compare(
        tables_of(15, 7, True),
        {"primary only": lambda table: after_primary(table.truth, table.rule), "modular": tau_argus_modular},
    )
    assert scores["primary only"].hidden == scores["primary only"].primary
    assert scores["primary only"].leaking > 10
    assert scores["modular"].leaking < scores["primary only"].leaking
    assert scores["modular"].hidden > scores["modular"].primary
