"""The commands as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from orchestration.manifest import PROJECT

IMPACT = [sys.executable, "-c", "from orchestration.cli import main; main()"]


def impact(*arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run ``impact`` in a process of its own.

    Args:
        arguments: of the command line.
        changes: variables to set; a home that the environment names is not passed on.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("IMPACT_HOME", "DAGSTER_HOME")}
    return subprocess.run(
        [*IMPACT, *map(str, arguments)], capture_output=True, text=True, env=environment | changes, check=False
    )


#: dbt as a run calls it, with the project as it has been parsed once for all homes.
_DBT = """
import os, sys
from pathlib import Path
from dbt.cli.main import dbtRunner
from ingestion.home import Home, Settings
from orchestration.manifest import load_manifest
home = Home(Path(os.environ["IMPACT_HOME"]), Settings(authority="E08000005"))
outcome = dbtRunner(manifest=load_manifest(home)).invoke(["--no-use-colors", *sys.argv[1:]])
if outcome.exception is not None:
    print(outcome.exception)
sys.exit(not outcome.success)
"""


def dbt(home: Path, target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt on a home in a process of its own, without parsing the project again, which takes most of the time.

    Args:
        home: the folder of the home.
        target: where dbt writes.
        arguments: its command, and what follows.
    """
    environment = os.environ | {
        "IMPACT_HOME": str(home),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target / "logs"),
    }
    return subprocess.run(
        [sys.executable, "-c", _DBT, *arguments],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
