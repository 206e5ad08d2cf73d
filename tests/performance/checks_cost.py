"""What the checks cost of a run: ``python -m tests.performance.checks_cost [--size region] [--runs 3]``.

A sample is taken to its publication with all checks and without any, in turns, each time in a process and a home of its
own. Without them no process for Great Expectations starts, every batch counts as accepted, and dbt builds its models
and runs no test. What the run takes longer with them is what they cost: by the clock, which is what somebody waits for,
and in seconds of the processors, of which two work at a time.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from expectations.marts import MARTS
from expectations.results import CheckResult, Stage
from ingestion.home import Home, open_home
from ingestion.sample import write_sample
from orchestration.run import run_everything
from orchestration.watching import Watcher

KINDS = ("with", "without")


class NoGates:
    """Stands in for the process that runs the gates, and lets everything pass."""

    is_free = False

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left behind."""

    def companions(self, home: Home, datasets: Sequence[str]) -> dict[str, frozenset[str]]:
        """No verdict rests on another dataset."""
        return dict.fromkeys(datasets, frozenset())

    def check_landed(self, home: Home, vintages: Mapping[str, Sequence[str]]) -> list[CheckResult]:
        """Every batch passes."""
        return [_passed("landed", dataset) for dataset in vintages]

    def check_marts(self, home: Home) -> list[CheckResult]:
        """Every mart passes."""
        return [_passed("marts", mart) for mart in MARTS]

    def document(self, home: Home) -> None:
        """There is nothing to write."""


def _passed(stage: Stage, of: str) -> CheckResult:
    return CheckResult(
        stage, of, "none", "Nothing was looked at.", "error", True, 0, 0, owner="data engineer", reason="", remedy=""
    )


def take_off_the_checks() -> None:
    """Let the runs of this process check nothing."""
    from orchestration import dbt_build, run

    arguments = dbt_build.build_arguments
    run.GateWorker = NoGates  # type: ignore[assignment,misc]
    dbt_build.build_arguments = lambda *given: [*arguments(*given), "--exclude-resource-type", "test"]


def run_once(home: Path, kind: str) -> None:
    """Take what is in the inbox of a home to its publication."""
    if kind == "without":
        take_off_the_checks()
    run = run_everything(open_home(home), Watcher())
    if run.troubles or run.publication is None:
        raise SystemExit(f"The run did not get to its end: {run.troubles or [c.rule for c in run.blocked_by]}")
    print(", ".join(f"{name} {seconds:.1f}" for name, seconds in run.seconds.items()))


def measured(sample: Path, home: Path, kind: str) -> tuple[float, float]:
    """Seconds by the clock and of the processors that one run of a copy of a sample takes."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(sample, home)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "tests.performance.checks_cost", "--one", kind, "--home", str(home)]
    phases = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{kind:<8} {clock:>6.1f} s by the clock, {processors:>6.1f} s of the processors: {phases.strip()}", flush=True
    )
    return clock, processors


def main() -> None:
    """Measure, and print a line per run and what the checks cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("borough", "region"), default="borough")
    parser.add_argument("--runs", type=int, default=3, help="of each kind")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        run_once(options.home, options.one)
        return
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as scratch:
        sample = Path(scratch) / "sample"
        write_sample(sample, options.size)
        for _ in range(options.runs):
            for kind in KINDS:
                found[kind].append(measured(sample, Path(scratch) / "home", kind))
    for at, name in enumerate(("by the clock", "of the processors")):
        whole, rest = (statistics.median(seconds[at] for seconds in found[kind]) for kind in KINDS)
        print(f"{name}: checks {whole - rest:.1f} s of {whole:.1f} s, {100 * (whole - rest) / whole:.1f} %")


if __name__ == "__main__":
    main()
