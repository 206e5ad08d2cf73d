"""The disclosure control of the warehouse: random tables, corrections of them, and the fewest cells that would do."""

from __future__ import annotations

import random

from tests.disclosure.defender import suppress
from tests.disclosure.optimum import fewest
from tests.disclosure.tables import random_table
from tests.disclosure.trial import trial


def test_no_random_table_and_no_correction_of_one_gives_a_count_away() -> None:
    result = trial(suppress, tables=1000, seed=20)
    assert result.tables >= 1000
    assert result.leaks == []
    assert result.wrong == []
    # Three cells in ten have a small count, and half of the rest stays in sight at the least.
    assert 0.2 < result.primary / result.cells < 0.4
    assert result.hidden / result.cells < 0.5


def test_little_more_is_hidden_than_has_to_be() -> None:
    rng = random.Random(5)
    ours, best = 0, 0
    while best < 100:
        table = random_table(rng, "count")
        pattern = fewest(table)
        if pattern is not None:
            shown = suppress(table)
            ours += sum(shown[key] != counts for key, counts in table.truth.items())
            best += len(pattern.hidden)
    assert best <= ours <= 1.15 * best
