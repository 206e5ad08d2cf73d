"""The commands as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys

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
