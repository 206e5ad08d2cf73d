"""The engine of the statistical offices, on the same tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.disclosure.compare_with_tau_argus import (
    compare,
    exact,
    tables_of,
    tables_of_publication,
    tau_argus_modular,
    tau_argus_optimal,
)
from tests.disclosure.planted import cell, plant, truth_of
from tests.disclosure.publication import read_publication
from tests.disclosure.tables import Counts, Key, Table, after_primary


@pytest.mark.parametrize("crossed", [True, False])
def test_tau_argus_hides_as_many_cells_as_the_optimum_and_leaves_no_leak(
    crossed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scores = compare(tables_of(10, 7, crossed), {"exact": exact, "tau-Argus": tau_argus_optimal})
    ours, theirs = scores["exact"], scores["tau-Argus"]
    assert ours.tables == theirs.tables == 10
    assert ours.hidden == theirs.hidden
    assert ours.leaking == theirs.leaking == 0
    assert ours.primary < ours.hidden < 2 * ours.primary
    # The engine's logs stay where it ran.
    assert list(tmp_path.iterdir()) == []


def _same(shown: Mapping[Key, Counts], table: Table) -> Mapping[Key, Counts]:
    return shown


def test_a_publications_own_tables_are_compared_too(tmp_path: Path) -> None:
    places = ("health", "health/A", "health/B", "health/C")
    month = [cell("training_attendances", place, period="2025-01", period_type="month") for place in places]
    wave = [cell("cf01", place, period="1", period_type="wave") for place in places]
    cells = {
        month[0]: (40, None), month[1]: (None, None), month[2]: (16, None), month[3]: (20, None),
        wave[0]: (30, 50), wave[1]: (None, None), wave[2]: (10, 20), wave[3]: (15, 23),
    }  # fmt: skip
    truth = truth_of(cells, {month[1]: (4, None), wave[1]: (5, 7)})
    own = tables_of_publication(read_publication(plant(tmp_path / "impact.duckdb", cells)), truth)
    (attendances,) = (table for table, _ in own)
    assert [counts.numerator for counts in attendances.truth.values()] == [40, 4, 16, 20]
    assert attendances.rule.minimum_count == 5
    for table, shown in own:
        assert [(family.total, len(family.parts)) for family in table.families] == [(next(iter(table.truth)), 3)]
        published = partial(_same, shown)
        scores = compare([table], {"exact": exact, "tau-Argus": tau_argus_optimal, "published": published})
        # One more of four cells would do.
        assert {name: (score.hidden, score.leaking) for name, score in scores.items()} == {
            "exact": (2, 0), "tau-Argus": (2, 0), "published": (1, 1),
        }  # fmt: skip


def test_a_method_that_does_nothing_is_counted_as_leaking() -> None:
    scores = compare(
        tables_of(10, 7, True),
        {"primary only": lambda table: after_primary(table.truth, table.rule), "modular": tau_argus_modular},
    )
    assert scores["primary only"].hidden == scores["primary only"].primary
    assert scores["primary only"].leaking > 6
    assert scores["modular"].leaking < scores["primary only"].leaking
    assert scores["modular"].hidden > scores["modular"].primary
