"""What the checks cost of a run: ``python -m tests.performance.checks_cost [--size region] [--home DIR]``.

In processor seconds, which other programs on the machine do not add to. The checks are all that the process with Great
Expectations uses, its import included, and the dbt tests' part of the models; everything else is the run without them.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.home import open_home
from ingestion.sample import write_sample
from orchestration.run import run_everything
from orchestration.watching import Watcher

if TYPE_CHECKING:
    from orchestration.dbt_build import NodeResult


class Meter(Watcher):
    """Processor seconds of this process by phase of the run."""

    def __init__(self) -> None:
        """Begin with what comes before the first phase."""
        self.seconds: dict[str, float] = defaultdict(float)
        self._name, self._since = "before", time.process_time()

    def phase(self, name: str) -> None:
        """A phase ends and another begins."""
        now = time.process_time()
        self.seconds[self._name] += now - self._since
        self._name, self._since = name, now


def measured(home: Path) -> dict[str, float]:
    """Processor seconds of one run: of the whole, of the gates' process and of dbt's tests, and by phase."""
    # Here, because the process of the gates imports this module as well.
    from orchestration import assets, dbt_build

    meter = Meter()
    nodes: list[NodeResult] = []

    def kept(*arguments: object, **named: object) -> list[NodeResult]:
        nodes.extend(dbt_build.build(*arguments, **named))  # type: ignore[arg-type]
        return list(nodes)

    assets.build = kept  # type: ignore[attr-defined]
    started = time.process_time()
    run = run_everything(open_home(home), meter)
    if run.troubles or run.publication is None:
        raise SystemExit(f"The run did not get to its end: {run.troubles or [c.rule for c in run.blocked_by]}")
    meter.phase("after")
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    gates = children.ru_utime + children.ru_stime
    tests = sum(node.seconds for node in nodes if node.is_test) / sum(node.seconds for node in nodes)
    return {
        "whole": time.process_time() - started + gates,
        "gates": gates,
        "dbt tests": tests * meter.seconds["models"],
        **{f"phase {name}": seconds for name, seconds in meter.seconds.items()},
    }


def main() -> None:
    """Measure one run, and print what it used and the checks' part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("borough", "region"), default="borough")
    parser.add_argument("--home", type=Path, help="a home that holds an inbox; without it, one is made and thrown away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home
        if home is None:
            home = Path(scratch) / "home"
            write_sample(home, options.size)
        found = measured(home)
    for name, seconds in found.items():
        print(f"{name:<22} {seconds:>8.1f} s")
    print(f"{'checks of the whole':<22} {100 * (found['gates'] + found['dbt tests']) / found['whole']:>8.1f} %")


if __name__ == "__main__":
    main()
