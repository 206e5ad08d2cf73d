"""The statistics rest on the counted figures, so that what they cost does not grow with the number of people."""

from __future__ import annotations

import re
from pathlib import Path

MODELS = Path(__file__).parents[2] / "dbt_project" / "models"
#: Models of which a row is an indicator, a place, a period, an organisation or a decision, and never a person.
WITHOUT_PEOPLE = (
    "stg_registry__", "stg_reference__", "stg_home__", "stg_disclosure__", "stg_register__", "int_areas__",
    "int_periods__",
)  # fmt: skip


def test_no_model_after_the_counts_reads_rows_about_people() -> None:
    reads = {
        path.stem: set(re.findall(r"ref\(\s*['\"](\w+)['\"]", path.read_text(encoding="utf-8")))
        for path in MODELS.rglob("*")
        if path.suffix in (".sql", ".py")
    }
    statistics = {"indicator_counts"}
    while more := {name for name, read in reads.items() if read & statistics} - statistics:
        statistics |= more
    assert {"suppression_log", "indicator_trends", "comparisons", "inequalities", "node_status"} <= statistics
    beside = set().union(*(reads[name] for name in statistics - {"indicator_counts"})) - statistics
    assert [name for name in sorted(beside) if not name.startswith(WITHOUT_PEOPLE)] == []
