"""The trial tells a defender that leaks from one that does not, in one table and across two."""

from __future__ import annotations

from tests.disclosure.tables import Counts, Table, after_primary, is_primary
from tests.disclosure.trial import Shown, trial


def nothing_but_small_counts(table: Table, earlier: tuple[Table, Shown] | None = None) -> Shown:
    return after_primary(table.truth, table.rule)


def everything_if_anything(table: Table, earlier: tuple[Table, Shown] | None = None) -> Shown:
    """Hides the whole table as soon as one count is small, or was hidden before: wasteful and safe."""
    was_hidden = earlier is not None and any(earlier[1][key] != counts for key, counts in earlier[0].truth.items())
    if was_hidden or any(is_primary(counts, table.rule) for counts in table.truth.values()):
        return {key: Counts(None, None) for key in table.truth}
    return table.truth


def everything_and_then_small_counts(table: Table, earlier: tuple[Table, Shown] | None = None) -> Shown:
    return everything_if_anything(table) if earlier is None else nothing_but_small_counts(table)


def test_a_defender_that_hides_small_counts_alone_leaks() -> None:
    result = trial(nothing_but_small_counts, tables=100)
    assert result.tables >= 100
    assert result.hidden == result.primary
    assert len(result.leaks) > 50
    assert any(leak.earlier is not None for leak in result.leaks)


def test_a_defender_that_hides_everything_leaks_nothing() -> None:
    result = trial(everything_if_anything, tables=200, zeros_are_shown=False)
    assert result.leaks == []
    assert result.wrong == []
    assert result.hidden > 2 * result.primary > 0


def test_a_correction_that_shows_more_leaks_in_the_correction_alone() -> None:
    result = trial(everything_and_then_small_counts, tables=100, zeros_are_shown=False)
    assert len(result.leaks) > 20
    assert all(leak.earlier is not None for leak in result.leaks)


def test_a_figure_that_is_not_so_is_told() -> None:
    def one_more(table: Table, earlier: tuple[Table, Shown] | None = None) -> Shown:
        return {key: Counts((counts.numerator or 0) + 1, counts.denominator) for key, counts in table.truth.items()}

    assert len(trial(one_more, tables=20).wrong) >= 20
