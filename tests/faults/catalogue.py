"""All seeded faults, from every module that enters some."""

from __future__ import annotations

from tests.faults import own_files, published, returns, surveys, training, warehouse
from tests.faults.model import FAULTS

__all__ = ["FAULTS", "own_files", "published", "returns", "surveys", "training", "warehouse"]
