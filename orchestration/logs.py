"""Where a run started from the command line writes what Dagster and the steps have to say: a file, not the screen."""

from __future__ import annotations

import logging
from pathlib import Path


def file_handler(path: Path) -> logging.Handler:
    """A handler that appends to ``path``."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return handler
