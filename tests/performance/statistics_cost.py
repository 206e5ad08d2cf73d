"""What the statistics add to a build: ``python -m tests.performance.statistics_cost HOME [--runs N]``.

The warehouse of a home that a run has finished is built again, with everything that lies between the counts and the
marts and without it, in turns. Without it the marts read what the build before left there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from expectations.worker import collect_garbage_rarely
from ingestion.home import open_home
from orchestration.dbt_build import build, tested_node
from orchestration.lock import writing
from orchestration.manifest import manifest_path

COUNTS = "indicator_counts"


def main() -> None:
    """Measure, and print a line per build and the difference of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    # As a run does.
    collect_garbage_rarely()
    home = open_home(options.home)
    manifest = json.loads(manifest_path().read_text(encoding="utf-8"))
    kinds = ("model", "seed", "test")
    nodes = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] in kinds}
    added = {
        name
        for name, node in nodes.items()
        if node["resource_type"] == "model" and node["fqn"][1] == "indicators" and node["name"] != COUNTS
    }
    added |= {name for name, node in nodes.items() if node["resource_type"] == "test" and tested_node(node) in added}
    found: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    with writing(home):
        build(home, manifest)
        for _ in range(options.runs):
            for name, selected in (("with", set(nodes)), ("without", set(nodes) - added)):
                began, used = time.perf_counter(), time.process_time()
                results = build(home, manifest, selected)
                if not all(result.succeeded for result in results):
                    raise SystemExit("The build did not get to its end.")
                clock, processor = time.perf_counter() - began, time.process_time() - used
                found[name].append((clock, processor))
                print(f"{name:<8} {len(results):>4} nodes {clock:>7.2f} s, {processor:>7.2f} s of processor")
    for at, name in enumerate(("clock", "processor")):
        more, less = (statistics.median(seconds[at] for seconds in found[which]) for which in ("with", "without"))
        print(f"{name}: {more - less:.2f} s more")


if __name__ == "__main__":
    main()
