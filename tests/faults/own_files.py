"""Faults in what a home writes itself: corrections, decisions, frameworks, instruments and settings."""

from __future__ import annotations

from pathlib import Path

from tests.faults.model import fault

CORRECTIONS = "dataset,file,match,column,new_value,reason,date\n"
TARGETS = "indicator_id,target_value,target_date,baseline_period,decided_by,decided_date\n"
BASELINES = "indicator_id,area_code,sector,organisation_id,first_period,last_period,reason,decided_by,decided_date\n"


def put(root: Path, name: str, content: str) -> None:
    """Write a file of the home."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@fault("events", "events", "correction_not_possible")
def a_correction_of_a_column_that_is_not_there(root: Path) -> None:
    """A line of corrections.csv is about the column Visitors, which the log does not have."""
    put(root, "corrections.csv", f"{CORRECTIONS}events,,Title=Listening well,Visitors,12,Miscounted.,2025-10-01\n")


@fault("events", "corrections", "corrections.csv, line 2: “outings” is no dataset", stage="own files")
def a_correction_of_no_dataset(root: Path) -> None:
    """A line of corrections.csv names a dataset that does not exist."""
    put(root, "corrections.csv", f"{CORRECTIONS}outings,,Title=Fair,Attendance,12,Miscounted.,2025-10-01\n")


@fault("events", "corrections", "corrections.csv, line 2: “1st of May” is not a date", stage="own files")
def a_correction_without_a_day(root: Path) -> None:
    """The day on which a correction was made is in words."""
    put(root, "corrections.csv", f"{CORRECTIONS}events,,Title=Fair,Attendance,12,Miscounted.,1st of May\n")


@fault("events", "indicator_targets", "indicator_targets.csv, row 2, column indicator_id", stage="own files")
def a_target_of_no_indicator(root: Path) -> None:
    """A target is set for an indicator that nobody has registered."""
    row = "happiness_rate,2.5,2028-08-31,2023/24,partnership board,2025-01-15\n"
    put(root, "decisions/indicator_targets.csv", TARGETS + row)


@fault("events", "indicator_targets", "indicator_targets.csv, row 2, column target_value", stage="own files")
def a_target_with_a_decimal_comma(root: Path) -> None:
    """A target is written as 2,5."""
    row = 'suspension_rate,"2,5",2028-08-31,2023/24,partnership board,2025-01-15\n'
    put(root, "decisions/indicator_targets.csv", TARGETS + row)


@fault("events", "control_baselines", "control_baselines.csv, row 2", stage="own files")
def a_baseline_that_ends_before_it_begins(root: Path) -> None:
    """The last period of a new baseline is before its first."""
    row = "suspension_rate,,,,2025/26 spring,2024/25 autumn,New policy.,data lead,2025-01-15\n"
    put(root, "decisions/control_baselines.csv", BASELINES + row)


@fault("events", "frameworks", "frameworks/lanterns", stage="own files")
def a_framework_in_pieces(root: Path) -> None:
    """A framework of the home's own has statements and nothing else."""
    header = "framework_id,node_id,layer,layer_order,statement,feature,population\n"
    put(root, "frameworks/lanterns/framework_nodes.csv", f"{header}lanterns,L1,inputs,1,We light lanterns,,everyone\n")


@fault("events", "instruments", "instruments/lanterns.yml", stage="own files")
def an_instrument_that_reverses_nothing(root: Path) -> None:
    """In an instrument of the home's own the statements to be reversed stand under a misspelt key."""
    put(
        root,
        "instruments/lanterns.yml",
        "instrument_id: lanterns\ntitle: Lanterns\nversion: 1\nscales:\n  agreement:\n"
        "    - {label: Disagree, code: disagree, score: 1}\n    - {label: Agree, code: agree, score: 2}\n"
        "items:\n  - {item_id: lan1, wordings: [It is dark here], reversed: true}\n",
    )
