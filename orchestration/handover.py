"""What one step of a run leaves for a later one: the check results of its stage, as a small file in the home.

In a file and not in memory, so that a step that is run on its own from Dagster's page finds what the others found.
The publication takes the results only of the warehouse that stands there: a warehouse that was built again since its
marts were checked has not been checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from expectations.results import CheckResult, GateError
from ingestion.home import Home
from ingestion.writing import whole_file

LANDED, MODELS, MARTS = "landed", "models", "marts"
#: In the order in which they come about.
STAGES = (LANDED, MODELS, MARTS)


def leave(home: Home, stage: str, results: Iterable[CheckResult]) -> None:
    """Keep a stage's results, in place of those of the run before."""
    content = {"warehouse": _warehouse(home), "results": [asdict(result) for result in results]}
    with whole_file(_path(home, stage)) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def forget(home: Home, *stages: str) -> None:
    """Drop the results of stages that are about to be run again, so that nothing passes on what was found before."""
    for stage in stages:
        _path(home, stage).unlink(missing_ok=True)


def left(home: Home, stage: str) -> list[CheckResult]:
    """The results that a stage left; empty where there are none."""
    return found(home, stage) or []


def found(home: Home, stage: str) -> list[CheckResult] | None:
    """The results that a stage left; None where it has not been run, so that nothing is known."""
    return None if (content := _read(home, stage)) is None else content[1]


def proved(home: Home) -> list[CheckResult]:
    """The results of every stage, for the publication.

    Raises:
        GateError: a stage has left none, or the warehouse has changed since its marts were checked.
    """
    found = {stage: _read(home, stage) for stage in STAGES}
    missing = [stage for stage, content in found.items() if content is None]
    if missing:
        raise GateError(
            f"Nothing can be published: there are no results of the checks on {' and '.join(missing)}. "
            "Run everything, with `impact run` or the job `everything`."
        )
    marts = found[MARTS]
    if marts is None or marts[0] != _warehouse(home):
        raise GateError(
            "Nothing can be published: the warehouse has changed since its marts were checked. "
            "Run the checks on the marts again, or everything."
        )
    return [result for content in found.values() if content is not None for result in content[1]]


def _read(home: Home, stage: str) -> tuple[str, list[CheckResult]] | None:
    try:
        content = json.loads(_path(home, stage).read_text(encoding="utf-8"))
        return content["warehouse"], [CheckResult(**result) for result in content["results"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(home: Home, stage: str) -> Path:
    return home.state / "checks" / f"{stage}.json"


def _warehouse(home: Home) -> str:
    """Tells one state of the warehouse file from another."""
    try:
        stat = home.warehouse.stat()
    except FileNotFoundError:
        return "none"
    return f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}"
