"""The folder of what can be made again from installed packages, shared by every home of a user."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "IMPACT_CACHE"


def cache_folder() -> Path:
    """The folder that ``IMPACT_CACHE`` names, else the user's own; it may not exist yet."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser().resolve() if named else Path(platformdirs.user_cache_dir("impact-warehouse"))
