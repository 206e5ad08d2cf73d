"""A way of suppressing, tried on many random tables and on corrections of them.

    python -m tests.disclosure.trial MODULE:FUNCTION [--tables 1000] [--seed 1] [--zeros-may-be-hidden]

The function takes a ``tables.Table`` and, of a table that was published before, that state and what was shown of it:
``defender(table, earlier)`` with ``earlier`` None or a pair of ``Table`` and shown counts. It returns what it shows,
cell by cell: the true counts, with None for each that is hidden.
"""

from __future__ import annotations

import argparse
import importlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.disclosure.tables import Counts, Key, Protected, Table, breaches, corrected, is_primary, random_table

Shown = Mapping[Key, Counts]
Defender = Callable[[Table, tuple[Table, Shown] | None], Shown]


@dataclass(frozen=True)
class Leak:
    """A table that gives somebody away; ``number`` is its place in the sequence of the seed."""

    number: int
    table: Table
    shown: Shown
    earlier: tuple[Table, Shown] | None
    counts: tuple[Protected, ...]


@dataclass
class Trial:
    """What came of it. ``wrong`` are numbers of tables of which something was shown that is not so."""

    tables: int = 0
    cells: int = 0
    primary: int = 0
    hidden: int = 0
    seconds: float = 0
    leaks: list[Leak] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.tables} tables, {self.cells} cells: {self.primary / self.cells:.1%} have small counts,"
            f" {self.hidden / self.cells:.1%} are suppressed; {len(self.leaks)} tables leak, {len(self.wrong)} show"
            f" what is not so; {self.seconds:.1f} s for suppressing."
        )


def trial(defender: Defender, tables: int = 1000, seed: int = 1, zeros_are_shown: bool | None = None) -> Trial:
    """Suppress random tables, each alone and then after a correction, and attack both.

    Args:
        defender: what to try.
        tables: how many; half of them are corrections, which are attacked together with what was shown before.
        seed: the same seed makes the same tables.
        zeros_are_shown: see ``tables.breaches``.
    """
    rng, result = random.Random(seed), Trial()
    while result.tables < tables:
        first = random_table(rng)
        second = corrected(rng, first)
        shown = _tried(result, defender, first, None, zeros_are_shown)
        if second.truth != first.truth:
            _tried(result, defender, second, (first, shown), zeros_are_shown)
    return result


def _tried(
    result: Trial, defender: Defender, table: Table, earlier: tuple[Table, Shown] | None, zeros_are_shown: bool | None
) -> Shown:
    started = time.perf_counter()
    shown = defender(table, earlier)
    result.seconds += time.perf_counter() - started
    number = result.tables
    result.tables += 1
    result.cells += len(table.truth)
    result.primary += sum(is_primary(counts, table.rule) for counts in table.truth.values())
    result.hidden += sum(shown[key] != counts for key, counts in table.truth.items())
    if any(
        seen not in (None, true)
        for key, counts in table.truth.items()
        for seen, true in (
            (shown[key].numerator, counts.numerator),
            (shown[key].denominator, counts.denominator),
        )
    ):
        result.wrong.append(number)
        return shown
    found = breaches(table, shown, earlier, zeros_are_shown)
    # What the first publication gave away by itself is no fault of the second.
    if earlier is not None and any(cell.key[0] == "earlier" for cell in found):
        old = {(cell.key, cell.part) for cell in breaches(*earlier, None, zeros_are_shown)}
        found = [cell for cell in found if cell.key[0] == "now" or (cell.key[1], cell.part) not in old]
    if found:
        result.leaks.append(Leak(number, table, shown, earlier, tuple(found)))
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("defender", help="module:function")
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--zeros-may-be-hidden", action="store_true", help="the rules say that noughts may be hidden")
    options = parser.parse_args()
    module, _, function = options.defender.partition(":")
    defender: Defender = getattr(importlib.import_module(module), function)
    result = trial(defender, options.tables, options.seed, False if options.zeros_may_be_hidden else None)
    for leak in result.leaks[:20]:
        print(f"table {leak.number}{' (correction)' if leak.earlier else ''}:")
        for cell in leak.counts:
            print(f"    {cell.key} {cell.part}: {cell.lower:g} to {cell.upper:g} (truth {cell.truth})")
    print(result)


if __name__ == "__main__":
    main()
