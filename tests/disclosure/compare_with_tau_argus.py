"""How many cells each way of suppressing hides on the same random tables, and how many tables it leaves leaking.

    python -m tests.disclosure.compare_with_tau_argus [--tables 100] [--defender MODULE:FUNCTION]
    python -m tests.disclosure.compare_with_tau_argus --publication PUBLICATION --truth WAREHOUSE

Beside the exact optimum of ``optimum.py`` stand the two methods of the tau-Argus engine: *optimal*, which takes any
linear table, and *modular*, which takes a hierarchy of places crossed with terms. All of them pay the same for every
cell. A defender is the function that ``trial.py`` takes.

With a publication its own tables are taken, each indicator and period (or academic year with its terms) by itself:
counts and the numerators of rates. Shares of persons and answers of respondents, which have two counts to protect, are
not among them.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import multiprocessing
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytauargus._tauargus import HiTaSCtrl
from pytauargus.batch import BatchError
from pytauargus.engine import run_batch
from pytauargus.result import parse_simple_tab

from tests.disclosure.attacker import margins
from tests.disclosure.optimum import fewest, show_all_but
from tests.disclosure.publication import CellKey, Publication, read_publication, read_truth
from tests.disclosure.tables import (
    TOTAL,
    Counts,
    Family,
    Key,
    Rule,
    Table,
    attainable,
    breaches,
    is_primary,
    part_of,
    random_table,
)
from tests.disclosure.trial import Defender

Method = Callable[[Table], Mapping[Key, Counts]]


class NoPatternError(Exception):
    """A method found no way to protect a table."""


@dataclass
class Score:
    tables: int = 0
    unsolved: int = 0
    cells: int = 0
    primary: int = 0
    hidden: int = 0
    leaking: int = 0
    seconds: float = 0


def exact(table: Table) -> Mapping[Key, Counts]:
    """The proven optimum."""
    pattern = fewest(table)
    if pattern is None:
        raise NoPatternError
    return show_all_but(table, pattern.hidden)


def tau_argus_optimal(table: Table) -> Mapping[Key, Counts]:
    """The engine's optimal method on the table's own sums."""
    number = {key: position for position, key in enumerate(table.truth)}
    true = {key: part_of(counts, "numerator") for key, counts in table.truth.items()}
    most = sum(true.values()) + 100
    levels = _levels(table)
    lines = ["0", str(len(number))]
    for key, value in true.items():
        # Noughts stay in sight (z); a small count has to reach both ends of its range (lower and upper level).
        status = "z" if value == 0 else "u" if is_primary(table.truth[key], table.rule) else "s"
        least = min(1, value)
        lines.append(f"{number[key]} {value} 1 {status} {least} {most} {levels[key][0]}.000 {levels[key][1]}.000 0")
    lines.append(str(len(table.families)))
    for family in table.families:
        left_over = true[family.total] - sum(true[key] for key in family.parts)
        parts = " ".join(f"{number[key]} (1)" for key in family.parts)
        lines.append(f"{-left_over} {len(family.parts) + 1} : {number[family.total]} (-1) {parts} ")
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.jj", Path(folder) / "found.jj"
        given.write_text("\n".join(lines) + "\n")
        _run_in(Path(folder), _optimal, given, found)
        if not found.exists():
            raise NoPatternError
        secondary = {int(line.split()[0]) for line in found.read_text().splitlines() if line.strip()}
    primary = {key for key, counts in table.truth.items() if is_primary(counts, table.rule)}
    return show_all_but(table, frozenset(primary | {key for key in number if number[key] in secondary}))


def _levels(table: Table) -> dict[Key, tuple[int, int]]:
    """How far below and above itself each small count has to reach."""
    ranges = {key: ends for (key, _), ends in attainable(table, zeros_are_shown=True).items()}
    levels = dict.fromkeys(table.truth, (0, 0))
    for key, (low, high) in ranges.items():
        value = part_of(table.truth[key], "numerator")
        levels[key] = (int(value - low), int(high - value))
    return levels


def tau_argus_modular(table: Table) -> Mapping[Key, Counts]:
    """The engine's modular method on the hierarchy of places, crossed with the terms if there are any."""
    terms = {key[3] for key in table.truth}
    levels = _levels(table)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = []
        for key, counts in table.truth.items():
            sector, organisation, _, term = key
            value = part_of(counts, "numerator")
            is_small = is_primary(counts, table.rule)
            place = next((code for code in (organisation, sector) if code != TOTAL), "Total")
            codes = f'"{place}";"{"Total" if term == TOTAL else term}"' if len(terms) > 1 else f'"{place}"'
            rows.append(f"{codes};{value};1;{levels[key][0]};{levels[key][1]};{'U' if is_small else 'S'}")
        (folder / "table.tab").write_text("\n".join(rows) + "\n")
        (folder / "places.hrc").write_text("\n".join(_hierarchy(table)) + "\n")
        term = ["term", " <RECODEABLE>", ' <TOTCODE> "Total"'] if len(terms) > 1 else []
        description = [
            '<SEPARATOR> ";"', '<SAFE> "S"', '<UNSAFE> "U"', '<PROTECT> "P"',
            "place", " <RECODEABLE>", ' <TOTCODE> "Total"', " <HIERARCHICAL>", ' <HIERCODELIST> "places.hrc"',
            ' <HIERLEADSTRING> "@"', *term, "count", " <NUMERIC>", " <DECIMALS> 0", "price", " <NUMERIC> <COST>",
            "lower", " <NUMERIC> <LOWERPL>", "upper", " <NUMERIC> <UPPERPL>", "status", " <STATUS>",
        ]  # fmt: skip
        (folder / "table.rda").write_text("\n".join(description) + "\n")
        dimensions = '"place""term"' if term else '"place"'
        batch = [
            '<OPENTABLEDATA> "table.tab"', '<OPENMETADATA> "table.rda"',
            f'<SPECIFYTABLE> {dimensions}|"count"||"price"', "<SAFETYRULE> MAN(0)", "<READTABLE> 0",
            "<SUPPRESS> MOD(1,1,1,1,1)", '<WRITETABLE> (1,5,SO+,"found.tab")',
        ]  # fmt: skip
        (folder / "batch.arb").write_text("\n".join(batch) + "\n")
        _run_in(folder, run_batch, folder / "batch.arb")
        if not (folder / "found.tab").exists():
            raise NoPatternError
        columns = ["place", "term"] if term else ["place"]
        found = parse_simple_tab(folder / "found.tab", columns, "count")
    hidden = {(str(row["place"]), str(row.get("term", "Total"))) for row in found if row["status"] in ("U", "M")}

    def code(key: Key) -> tuple[str, str]:
        sector, organisation, _, period = key
        place = next((each for each in (organisation, sector) if each != TOTAL), "Total")
        return place, "Total" if period == TOTAL else period

    return show_all_but(table, frozenset(key for key in table.truth if code(key) in hidden))


def _optimal(given: Path, found: Path) -> None:
    code = HiTaSCtrl().full_jj(in_file_jj=str(given), out_file=str(found), max_time=1)
    if code > 1:
        raise BatchError(code)


def _run_in(folder: Path, task: Callable[..., object], *arguments: Path) -> None:
    """Run the engine in a process of its own: it keeps state, writes logs where it stands and sometimes crashes."""

    def run() -> None:
        os.chdir(folder)
        faulthandler.disable()
        try:
            task(*arguments)
        except BatchError as error:
            raise SystemExit(1) from error

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    if process.exitcode:
        raise NoPatternError(process.exitcode)


def _hierarchy(table: Table) -> list[str]:
    """Codes of sectors with those of their organisations below them, or of organisations alone."""
    has_sectors = any(key[0] != TOTAL and key[1] == TOTAL for key in table.truth)
    lines: list[str] = []
    for sector, organisation in sorted({key[:2] for key in table.truth if key[1] != TOTAL}):
        if has_sectors and sector not in lines:
            lines.append(sector)
        lines.append(f"@{organisation}" if has_sectors else organisation)
    return lines


def is_crossed(table: Table) -> bool:
    """Whether the table is a plain hierarchy of places, with or without terms, in which all adds up."""
    groups = any(key[2] != TOTAL for key in table.truth)
    left_over = any(
        part_of(table.truth[family.total], "numerator")
        != sum(part_of(table.truth[key], "numerator") for key in family.parts)
        for family in table.families
    )
    return not groups and not left_over


def compare(tables: list[Table], methods: Mapping[str, Method]) -> dict[str, Score]:
    """Run every method on every table."""
    scores = {name: Score() for name in methods}
    for table in tables:
        primary = sum(is_primary(counts, table.rule) for counts in table.truth.values())
        for name, method in methods.items():
            score = scores[name]
            started = time.perf_counter()
            try:
                shown = method(table)
            except NoPatternError:
                score.unsolved += 1
                continue
            score.seconds += time.perf_counter() - started
            score.tables += 1
            score.cells += len(table.truth)
            score.primary += primary
            score.hidden += sum(seen.numerator is None for seen in shown.values())
            score.leaking += bool(breaches(table, shown))
    return scores


def tables_of(number: int, seed: int, crossed: bool, largest: int = 40) -> list[Table]:
    """Random tables of counts that have something to protect."""
    rng = random.Random(seed)
    found: list[Table] = []
    while len(found) < number:
        table = random_table(rng, "count")
        if len(table.truth) > largest or is_crossed(table) != crossed:
            continue
        if any(is_primary(counts, table.rule) for counts in table.truth.values()):
            found.append(table)
    return found


def tables_of_publication(
    publication: Publication, truth: Mapping[CellKey, Counts]
) -> list[tuple[Table, Mapping[Key, Counts]]]:
    """A publication's own tables that have something to protect, each with what is shown of it."""
    cells: dict[tuple[str, ...], dict[Key, Counts]] = defaultdict(dict)
    for key, seen in publication.figures.items():
        part = _counted(publication.rules[key.indicator_id])
        value = None if part is None or seen.status not in ("ok", "c") else getattr(truth[key], part)
        if value is not None:
            cells[_table_of(key)][key] = Counts(value)
    families: dict[tuple[str, ...], list[Family]] = defaultdict(list)
    for relation in margins(publication):
        (total, part, _), *parts = relation.terms
        is_sum = relation.lower == relation.upper and part == _counted(publication.rules[total.indicator_id])
        if is_sum and all(key in cells[_table_of(key)] for key, _, _ in relation.terms):
            families[_table_of(total)].append(Family(total, tuple(key for key, _, _ in parts), ("numerator",)))
    found = []
    for name, counts in cells.items():
        rule = publication.rules[name[0]]
        table = Table(counts, families[name], Rule("count", rule.minimum_count, None))
        shown = {key: Counts(publication.figures[key].numerator) for key in counts}
        if any(is_primary(count, table.rule) for count in counts.values()):
            found.append((table, shown))
    return found


def _counted(rule: Rule) -> str | None:
    """The part of an indicator's cells that makes a table of counts."""
    return "numerator" if rule.minimum_count is not None and rule.measure in ("count", "rate") else None


def _table_of(key: CellKey) -> tuple[str, ...]:
    period = key.period.split(" ")[0] if key.period_type == "term" else key.period
    return (*key[:3], period)


def _print(title: str, scores: Mapping[str, Score]) -> None:
    print(f"\n{title}\n{'method':20} tables  unsolved  primary  hidden  hidden per primary  leaking  seconds")
    for name, score in scores.items():
        cells = max(score.cells, 1)
        shares = f"{score.primary / cells:8.1%} {score.hidden / cells:7.1%}"
        print(
            f"{name:20} {score.tables:6d} {score.unsolved:9d} {shares}"
            f" {score.hidden / max(score.primary, 1):19.2f} {score.leaking:8d} {score.seconds:8.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=100, help="of each of the two kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--defender", help="module:function")
    parser.add_argument("--publication", type=Path)
    parser.add_argument("--truth", type=Path, help="the warehouse that the publication was made from")
    options = parser.parse_args()
    methods: dict[str, Method] = {"exact optimum": exact, "tau-Argus optimal": tau_argus_optimal}
    if options.defender:
        module, _, function = options.defender.partition(":")
        defender: Defender = getattr(importlib.import_module(module), function)
        methods["defender"] = lambda table: defender(table, None)
    if options.publication:
        own = tables_of_publication(read_publication(options.publication), read_truth(options.truth))
        shown = {id(table): seen for table, seen in own}
        methods["published"] = lambda table: shown[id(table)]
        kinds: dict[str, list[Table]] = defaultdict(list)
        for table, _ in own:
            name = next(iter(table.truth)).indicator_id
            kinds[name.rstrip("0123456789")].append(table)
        for title, tables in kinds.items():
            _print(title, compare(tables, methods))
        return
    for title, crossed in (("places, with or without terms", True), ("with groups, or people of no place", False)):
        chosen = methods | ({"tau-Argus modular": tau_argus_modular} if crossed else {})
        scores = compare(tables_of(options.tables, options.seed, crossed), chosen)
        _print(title, scores)


if __name__ == "__main__":
    main()
