"""Whose matter a broken rule about files and rows is: what ingestion's findings do not say, read from a table."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from expectations.results import Owner

_TABLE = Path(__file__).with_suffix(".yml")


class _Concern(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: Owner
    reason: str = Field(min_length=1)
    remedy: str = Field(min_length=1)


@cache
def file_concerns() -> tuple[dict[str, str], ...]:
    """``rule_name``, ``owner``, ``reason`` and ``remedy``, one row per rule.

    ``any_row`` and ``any_file`` stand for the rules that have no row.

    Raises:
        pydantic.ValidationError: the table has an unknown role or an empty cell.
    """
    table = TypeAdapter(dict[str, _Concern]).validate_python(yaml.safe_load(_TABLE.read_text(encoding="utf-8")))
    return tuple({"rule_name": rule, **concern.model_dump()} for rule, concern in table.items())
