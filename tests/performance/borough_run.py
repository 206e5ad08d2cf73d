"""How long `impact run` takes for the sample borough, against the floor that the same warehouse cannot go below.

``make benchmark``, or ``python tests/performance/borough_run.py [--runs N] [--size region]``. Each round makes a fresh
home, so that every file is read; the floor runs over what that round landed. Quote the medians and the ratio: single
times say more about the machine.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMPACT = Path(sys.executable).with_name("impact")


def seconds(*command: str | Path) -> float:
    """Wall time of a command, which must succeed."""
    started = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - started


def main() -> None:
    """Measure, and print a line per round and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", choices=("borough", "region"), default="borough")
    options = parser.parse_args()
    rounds: list[tuple[float, float, float]] = []
    print(f"{'round':>6} {'run (s)':>9} {'again (s)':>10} {'floor (s)':>10} {'run/floor':>10}")
    for number in range(1, options.runs + 1):
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(scratch) / "home"
            seconds(IMPACT, "sample", home, "--size", options.size)
            first = seconds(IMPACT, "run", "--home", home)
            again = seconds(IMPACT, "run", "--home", home)
            floor = seconds(sys.executable, HERE / "floor.py", home)
        rounds.append((first, again, floor))
        print(f"{number:>6} {first:>9.2f} {again:>10.2f} {floor:>10.2f} {first / floor:>10.1f}")
    first, again, floor = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{'median':>6} {first:>9.2f} {again:>10.2f} {floor:>10.2f} {first / floor:>10.1f}")


if __name__ == "__main__":
    main()
