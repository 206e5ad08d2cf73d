"""Published statistics: each format as its publisher writes it, with its traps, and what lands of it value by value."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest

from ingestion.contracts import load_contracts
from ingestion.home import Home
from ingestion.landing import FileReport, check_file, land_inbox
from ingestion.published_metadata import (
    DescribedColumn,
    description_fingerprint,
    description_path,
    metadata_findings,
    read_description,
)
from tests.integration.builders import csv_text, landed, make_home, write

REPOSITORY = Path(__file__).resolve().parents[2]
ENGLAND = ("E92000001", "England")
NORTH_WEST = ("E12000002", "North West")
ROCHDALE = ("354", "E08000005", "Rochdale")

#: The newest header generation of the exclusions, in the order of its files.
BY_CHARACTERISTIC = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_name", "region_code",
    "la_name", "new_la_code", "old_la_code", "education_phase", "characteristic_group", "characteristic", "headcount",
    "suspension", "susp_rate", "perm_excl", "perm_excl_rate", "one_plus_susp", "one_plus_susp_rate",
)  # fmt: skip
FINGERTIPS = (
    "Indicator ID", "Indicator Name", "Parent Code", "Parent Name", "Area Code", "Area Name", "Area Type", "Sex", "Age",
    "Category Type", "Category", "Time period", "Value", "Lower CI 95.0 limit", "Upper CI 95.0 limit",
    "Lower CI 99.8 limit", "Upper CI 99.8 limit", "Count", "Denominator", "Value note", "Recent Trend",
    "Compared to England value or percentiles", "Compared to percentiles", "Time period Sortable", "New data",
    "Compared to goal",
)  # fmt: skip


def put(home: Home, name: str, header: Sequence[str], lines: Sequence[Sequence[object]]) -> FileReport:
    """Land a CSV file of these lines; nothing else is in the inbox but what was landed before."""
    write(home.inbox / name, csv_text(header, lines))
    (report,) = (report for report in land_inbox(home) if report.file_name == name)
    return report


def rules_broken(report: FileReport) -> list[tuple[int | None, str | None, str, str | None, str]]:
    return [(f.source_row, f.column_name, f.rule, f.value, f.severity) for f in report.findings]


def exact(*cells: str | None) -> tuple[Decimal | None, ...]:
    return tuple(None if cell is None else Decimal(cell) for cell in cells)


# --- the exclusions' three generations -------------------------------------------------------------------------------


def test_the_middle_generation_of_the_exclusions_lands_in_the_columns_of_the_oldest(home: Home) -> None:
    # Columns in another order than the oldest generation's, and the phase in the place of the type of school.
    header = (
        "geographic_level", "time_period", "time_identifier", "country_name", "country_code", "region_name",
        "region_code", "la_name", "new_la_code", "old_la_code", "education_phase", "perm_excl", "perm_excl_rate",
        "suspension", "susp_rate", "one_plus_susp", "one_plus_susp_rate", "headcount",
    )  # fmt: skip
    area = ("England", "E92000001", "North West", "E12000002", "Rochdale", "E08000005", "354")
    level, year = "Local authority", ("202223", "Academic year")
    report = put(
        home,
        "published/exc_geographic.csv",
        header,
        [
            (level, *year, *area, "Total", 81, 0.22, 4310, 11.83, 1609, 4.42, 36433),
            (level, *year, *area, "State-funded special", "c", "c", 12, "2.60", "low", "low", 462),
            ("National", *year, "England", "E92000001", "", "", "", "", "", "Total", 9376, 0.11, "786,961", 9.33,
             "307,500", 3.65, 8432672),
            ("School", *year, *area, "State-funded primary", 0, 0, 1, 0.5, 1, 0.5, 200),
            ("Parliamentary constituency", *year, "England", "E92000001", "", "", "", "", "", "Total", 0, 0, 1, 0.5, 1,
             0.5, 200),
        ],
    )  # fmt: skip
    assert (report.dataset, report.rows_landed, report.dropped_by_rule) == (
        "dfe_exclusions", 3, {"other_kind_of_area": 2},
    )  # fmt: skip
    assert report.findings == []
    figures = "headcount, permanent_exclusions, permanent_exclusion_rate, suspensions, suspension_rate"
    assert landed(home, "dfe_exclusions", f"area_code, school_type, {figures}, permanent_exclusions_status") == [
        ("E08000005", "Total", *exact("36433", "81", "0.22", "4310", "11.83"), "ok"),
        ("E08000005", "State-funded special", *exact("462", None, None, "12", "2.60"), "c"),
        ("E92000001", "Total", *exact("8432672", "9376", "0.11", "786961", "9.33"), "ok"),
    ]
    last = "pupils_suspended, pupils_suspended_status, pupils_suspended_percent, pupils_suspended_percent_status"
    assert landed(home, "dfe_exclusions", last) == [
        (Decimal(1609), "ok", Decimal("4.42"), "ok"),
        (None, "k", None, "k"),
        (Decimal(307500), "ok", Decimal("3.65"), "ok"),
    ]


def test_the_newest_generation_is_a_dataset_of_its_own_with_unrounded_rates_and_every_symbol(home: Home) -> None:
    where = (*ENGLAND, "North West", "E12000002", "Rochdale", "E08000005", "354")
    year = ("202324", "Academic year", "Local authority")
    report = put(
        home,
        "published/exc_characteristics.csv",
        BY_CHARACTERISTIC,
        [
            (*year, *where, "Total", "Total", "Total", 36433, 4310, 11.829934400131748, 81, 0.22232591, 1609, 4.4163),
            (*year, *where, "Total", "Gender", "Female", 17800, "c", "c", "low", "k", "z", "x"),
            (*year, *where, "Total", "FSM", "FSM - Eligible", 9100, "u", ":", "~", ".", 0, 0),
            (*year, *where, "State-funded primary", "Ethnicity Major", "White", 100, "3,000", 30, 0, 0, 7, 7.0),
            (*year, *where, "Total", "Gender", "Male", 18600, 1.5, 2, 0, 0, 1, 1),
            (*year, *where, "Total", "Gender", "Unknown", 10, 1, 2, 0, 0, 1, "n/a"),
        ],
    )
    assert (report.dataset, report.rows_landed, report.rows_quarantined) == ("dfe_exclusions_by_characteristic", 4, 2)
    assert rules_broken(report) == [
        (6, "suspension", "suspensions_are_whole", "1.5", "error"),
        (7, "one_plus_susp_rate", "not_a_figure", "n/a", "error"),
    ]
    columns = "school_type, characteristic_group, characteristic, headcount, suspensions, suspension_rate"
    assert landed(home, "dfe_exclusions_by_characteristic", f"{columns}, permanent_exclusion_rate") == [
        ("Total", "Total", "Total", *exact("36433", "4310", "11.829934", "0.222326")),
        ("Total", "Gender", "Female", *exact("17800", None, None, None)),
        ("Total", "FSM", "FSM - Eligible", *exact("9100", None, None, None)),
        ("State-funded primary", "Ethnicity Major", "White", *exact("100", "3000", "30", "0")),
    ]
    names = ("suspensions", "suspension_rate", "permanent_exclusions", "permanent_exclusion_rate")
    statuses = ", ".join(f"{name}_status" for name in (*names, "pupils_suspended", "pupils_suspended_percent"))
    assert landed(home, "dfe_exclusions_by_characteristic", statuses)[1:3] == [
        ("c", "c", "k", "k", "z", "x"),
        ("u", "x", "k", "z", "ok", "ok"),
    ]


def test_the_older_release_by_characteristic_names_the_type_of_school(home: Home) -> None:
    header = [{"education_phase": "school_type"}.get(name, name) for name in BY_CHARACTERISTIC]
    row = ("202021", "Academic year", "National", *ENGLAND, "", "", "", "", "", "Total", "Gender", "Male", 9, *[0] * 6)
    assert put(home, "exc_characteristics.csv", header, [row]).rows_landed == 1
    assert landed(home, "dfe_exclusions_by_characteristic", "area_code, school_type, characteristic") == [
        ("E92000001", "Total", "Male")
    ]


# --- looked-after children, children in need, special needs --------------------------------------------------------


def test_the_number_and_rate_of_looked_after_children_lands_with_its_symbols(home: Home) -> None:
    header = (
        "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code",
        "region_name", "old_la_code", "la_name", "new_la_code", "population_type", "population_estimate",
        "children_count", "rate_per_10000",
    )  # fmt: skip
    kind = "Children looked after on 31 March each year"
    area = (*ENGLAND, *NORTH_WEST, "354", "Rochdale", "E08000005")
    report = put(
        home,
        "cla_number_and_rate_per_10k_children.csv",
        header,
        [
            ("2025", "Reporting year", "Local authority", *area, kind, 58087, 594, 102),
            ("2024", "Reporting year", "Local authority", *area, kind, "x", "c", "k"),
            ("2025", "Reporting year", "Regional", *ENGLAND, *NORTH_WEST, "z", "", "z", kind, 1627558, 14620, 90),
            ("2025", "Reporting year", "Local authority", *ENGLAND, *NORTH_WEST, "z", "Nowhere", ":", kind, 1, 1, 1),
            ("2025", "Reporting year", "Local authority", *ENGLAND, *NORTH_WEST, "875", "Cheshire", "", kind, 1, 1, 1),
            ("202425", "Academic year", "Regional", *ENGLAND, *NORTH_WEST, "", "", "", kind, 1, 1, 1),
        ],
    )
    assert rules_broken(report) == [
        (5, "geographic_level", "area_is_named", "Local authority", "error"),
        (7, "time_period", "pattern", "202425", "error"),
        (7, "time_identifier", "unknown_code", "Academic year", "error"),
    ]
    columns = "time_period, area_code, population_estimate, children, rate_per_10000"
    assert landed(home, "dfe_looked_after_rate", f"{columns}, rate_per_10000_status") == [
        ("2025", "E08000005", *exact("58087", "594", "102"), "ok"),
        ("2024", "E08000005", *exact(None, None, None), "k"),
        ("2025", "E12000002", *exact("1627558", "14620", "90"), "ok"),
        ("2025", "DFE875", *exact("1", "1", "1"), "ok"),
    ]


def test_needs_of_children_are_compared_without_the_code_that_some_releases_put_in_front(home: Home) -> None:
    header = (
        "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "primary_need",
        "At31_episodes", "At31_episodes_rate",
    )  # fmt: skip
    report = put(
        home,
        "b3_cin_primary_need.csv",
        header,
        [
            ("2024", "Reporting year", "National", *ENGLAND, "N1 - Abuse or neglect", 224520, 187.4),
            ("2024", "Reporting year", "National", *ENGLAND, "N8 – Absent parenting", "c", "c"),
            ("2024", "Reporting year", "National", *ENGLAND, "Total", 399460, 332.9),
            ("2023", "Reporting year", "National", *ENGLAND, "Abuse or Neglect", 228980, 191.9),
            ("2023", "Reporting year", "National", *ENGLAND, "N1: abuse or neglect", 1, 1),
        ],
    )
    assert (report.dataset, report.rows_landed) == ("dfe_children_in_need", 4)
    # The last row says otherwise of what the row before it is about.
    assert [(f.source_row, f.rule, f.severity) for f in report.findings] == [(6, "duplicate_key", "error")]
    columns = "time_period, area_code, primary_need_name, children, rate_per_10000, children_status"
    assert landed(home, "dfe_children_in_need", columns) == [
        ("2024", "E92000001", "abuse or neglect", *exact("224520", "187.4"), "ok"),
        ("2024", "E92000001", "absent parenting", *exact(None, None), "c"),
        ("2024", "E92000001", "total", *exact("399460", "332.9"), "ok"),
        ("2023", "E92000001", "abuse or neglect", *exact("228980", "191.9"), "ok"),
    ]


@pytest.mark.parametrize(("status", "need"), [("sen_status", "sen_primary_need"), ("pupil_sen_status", "primary_need")])
def test_special_needs_land_by_phase_status_and_need_under_the_headers_of_either_release(
    home: Home, status: str, need: str
) -> None:
    header = (
        "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_name",
        "region_code", "old_la_code", "la_name", "new_la_code", "phase_type_grouping", status, need,
        "number_of_pupils", "age_4",
    )  # fmt: skip
    area = ("Local authority", *ENGLAND, "North West", "E12000002", "354", "Rochdale", "E08000005")
    semh = "Social, Emotional and Mental Health"
    report = put(
        home,
        "sen_primary_need.csv",
        header,
        [
            ("202425", "Academic year", *area, "Total", "Total", semh, 1871, 12),
            ("202425", "Academic year", *area, "Total", "Total", "Total", 7512, 80),
            ("202425", "Academic year", *area, "State-funded nursery", "SEN support", semh, "low", "z"),
        ],
    )
    assert (report.dataset, report.rows_landed) == ("dfe_sen_needs", 3)
    assert [(f.column_name, f.rule) for f in report.findings] == [("age_4", "unknown_column")]
    columns = "phase_type_grouping, sen_status, primary_need_name, pupils, pupils_status"
    assert landed(home, "dfe_sen_needs", columns) == [
        ("Total", "Total", semh.lower(), Decimal(1871), "ok"),
        ("Total", "Total", "total", Decimal(7512), "ok"),
        ("State-funded nursery", "SEN support", semh.lower(), None, "k"),
    ]


def test_any_other_data_file_of_the_department_is_recognised_counted_and_says_how_to_register_it(home: Home) -> None:
    header = ("time_period", "time_identifier", "geographic_level", "country_code", "country_name", "gfe_count")
    report = put(home, "workforce.csv", header, [("2024", "Calendar year", "National", *ENGLAND, 5)])
    assert (report.dataset, report.status, report.rows_read, report.dropped_by_rule) == (
        "dfe_other", "not_needed", 1, {"not_needed": 1},
    )  # fmt: skip
    assert "extends dfe_statistics" in (report.message or "")


def test_no_contract_that_lands_is_mistaken_for_the_one_of_any_other_data_file() -> None:
    contracts = load_contracts()
    fewest = len(contracts["dfe_other"].recognise.headers)  # type: ignore[union-attr]
    for name, contract in contracts.items():
        if name.startswith("dfe_") and name not in ("dfe_other", "dfe_metadata"):
            assert contract.recognise is not None
            assert len(contract.recognise.headers) > fewest, name


# --- Fingertips ------------------------------------------------------------------------------------------------------


def fingertips(**cells: object) -> tuple[object, ...]:
    good = {
        "Indicator ID": 90813, "Indicator Name": "Hospital admissions as a result of self-harm (10 to 24 years)",
        "Area Code": "E08000005", "Area Name": "Rochdale", "Area Type": "Counties & UAs (from Apr 2023)",
        "Sex": "Persons", "Age": "10-24 yrs", "Time period": "2022/23", "Value": "319.51846", "Count": "130",
        "Denominator": "40686", "Time period Sortable": "20220000",
    } | {name.replace("_", " "): cell for name, cell in cells.items()}  # fmt: skip
    return tuple(good.get(header, "") for header in FINGERTIPS)


def test_fingertips_lands_each_figure_once_with_the_status_of_its_note(home: Home) -> None:
    suppressed = "Value suppressed for disclosure control due to small count"
    report = put(
        home,
        "indicators-CountiesUAs.data.csv",
        FINGERTIPS,
        [
            fingertips(),
            # The same area below its region: the export has every area twice.
            fingertips(Parent_Code="E12000002", Parent_Name="North West region"),
            fingertips(Time_period="2021/22", Time_period_Sortable="20210000", Value="", Count="", Denominator="",
                       Value_note=suppressed),
            fingertips(Time_period="2020/21", Time_period_Sortable="20200000", Value="", Count="", Denominator="40000",
                       Value_note="Value not published for data quality reasons"),
            fingertips(Time_period="2019/20", Time_period_Sortable="20190000",
                       Value_note="There is a data quality issue with this value"),
            fingertips(Time_period="2018 - 20", Time_period_Sortable="20180000"),
            fingertips(Category_Type="County & UA deprivation deciles in England (IMD2019)", Category="Most deprived",
                       Area_Code="E92000001", Area_Name="England", Area_Type="England"),
            fingertips(Indicator_ID=10401, Sex="Male", Age="10-17 yrs", Time_period="2022", Value="-0.5"),
            fingertips(Area_Code="E38000135", Area_Type="CCGs"),
            fingertips(Time_period="2017/18", Time_period_Sortable="20160000"),
            fingertips(Value="320", Sex="Persons"),
        ],
    )  # fmt: skip
    assert (report.dataset, report.rows_landed, report.dropped_by_rule) == ("fingertips", 8, {"duplicate_row": 1})
    assert [(f.source_row, f.rule) for f in report.findings] == [(11, "one_figure_per_period"), (12, "duplicate_key")]
    columns = "fingertips_id, area_code, sex, time_period, first_year, geographic_level, value, value_noted"
    persons: tuple[object, ...] = (90813, "E08000005", "Persons")
    value = Decimal("319.51846")
    assert landed(home, "fingertips", columns) == [
        (*persons, "2022/23", 2022, "Local authority", value, None),
        (*persons, "2021/22", 2021, "Local authority", None, "c"),
        (*persons, "2020/21", 2020, "Local authority", None, "u"),
        (*persons, "2019/20", 2019, "Local authority", value, "u"),
        (*persons, "2018 - 20", None, "Local authority", value, None),
        (90813, "E92000001", "Persons", "2022/23", 2022, "National", value, None),
        (10401, "E08000005", "Male", "2022", 2022, "Local authority", Decimal("-0.5"), None),
        (90813, "E38000135", "Persons", "2022/23", 2022, None, value, None),
    ]
    assert landed(home, "fingertips", "counted, counted_status, denominator, value_status")[:3] == [
        (Decimal(130), "ok", Decimal(40686), "ok"),
        (None, None, None, None),
        (None, None, Decimal(40000), None),
    ]


def test_a_newer_export_says_how_long_a_period_is_and_whom_it_was_compared_with(home: Home) -> None:
    header = [{"Compared to percentiles": "Compared to Region value or percentiles"}.get(h, h) for h in FINGERTIPS]
    report = put(
        home,
        "fingertips.csv",
        [*header, "Time period range"],
        [(*fingertips(Time_period="2022"), "1y"), (*fingertips(Time_period="2022", Age="16+ yrs"), "3y")],
    )
    assert report.findings == []
    assert landed(home, "fingertips", "first_year, time_period_range") == [(2022, "1y"), (None, "3y")]


# --- Scotland --------------------------------------------------------------------------------------------------------


def test_scottish_exclusions_land_per_thousand_and_a_rate_in_another_unit_is_refused(home: Home) -> None:
    header = ("FeatureCode", "DateCode", "Measurement", "Units", "Value", "School Sector")
    report = put(
        home,
        "school-exclusions.csv",
        header,
        [
            ("S92000003", "2022/2023", "Ratio", "Exclusions per 1000 pupils", "16.6", "Total"),
            ("S92000003", "2022/2023", "Count", "Exclusions", "11,676", "All"),
            ("S12000005", "Academic year 2020-21", "Ratio", "Exclusions Per 1,000 Pupils", "[c]", "Special"),
            ("S12000005", "2018/19", "Count", "Pupils", "*", "primary"),
            ("S92000003", "2022/2023", "Ratio", "Exclusions per 100 pupils", "1.66", "Total"),
            ("S92000003", "2022/2023", "Count", "Exclusions per 1000 pupils", "16.6", "Primary"),
            ("S92000003", "2022/2024", "Ratio", "Exclusions per 1000 pupils", "16.6", "Secondary"),
            ("E92000001", "2022/2023", "Ratio", "Exclusions per 1000 pupils", "16.6", "Total"),
        ],
    )
    assert (report.dataset, report.rows_landed, report.rows_quarantined) == ("scottish_exclusions", 4, 4)
    assert [(f.source_row, f.column_name, f.rule) for f in report.findings] == [
        (6, "Units", "unknown_code"),
        (7, "Units", "unit_fits_measure"),
        (8, "DateCode", "years_follow_each_other"),
        (9, "FeatureCode", "pattern"),
    ]
    columns = "area_code, first_year, measure, unit, value, value_status, school_sector"
    assert landed(home, "scottish_exclusions", columns) == [
        ("S92000003", 2022, "ratio", "exclusions_per_1000_pupils", Decimal("16.6"), "ok", "Total"),
        ("S92000003", 2022, "count", "exclusions", Decimal(11676), "ok", "Total"),
        ("S12000005", 2020, "ratio", "exclusions_per_1000_pupils", None, "c", "Special"),
        ("S12000005", 2018, "count", "pupils", None, "c", "Primary"),
    ]


def test_the_scottish_year_of_looked_after_children_ends_in_the_year_that_names_it_alone(home: Home) -> None:
    header = ("FeatureCode", "FeatureName", "DateCode", "Measurement", "Units", "Value", "Type of Accommodation")
    report = put(
        home,
        "looked-after-children.csv",
        header,
        [
            ("S92000003", "Scotland", "2022/2023", "Ratio", "Rate per 1,000 children", "11.9", "Total"),
            ("S92000003", "Scotland", "2024", "Ratio", "Children per 1000 children", "11.7", "Total"),
            ("S12000005", "Clackmannanshire", "2022-23", "Count", "Children", "*", "At home with parents"),
            ("S12000005", "Clackmannanshire", "2022-24", "Count", "Children", "4", "Total"),
        ],
    )
    assert [(f.source_row, f.rule) for f in report.findings] == [(5, "years_follow_each_other")]
    columns = "area_code, area_name, first_year, unit, value, value_status, accommodation"
    assert landed(home, "scottish_looked_after", columns) == [
        ("S92000003", "Scotland", 2022, "children_per_1000_children", Decimal("11.9"), "ok", "Total"),
        ("S92000003", "Scotland", 2023, "children_per_1000_children", Decimal("11.7"), "ok", "Total"),
        ("S12000005", "Clackmannanshire", 2022, "children", None, "c", "At home with parents"),
    ]


# --- the publisher's description of a file ---------------------------------------------------------------------------

RATE_HEADERS = ("time_period", "geographic_level", "population_type", "population_estimate", "children_count",
                "rate_per_10000")  # fmt: skip


def described(folder: Path, text: str | bytes) -> list[tuple[str | None, str, str | None]]:
    data = write(folder / "cla_rate.csv", ",".join(RATE_HEADERS))
    write(folder / "cla_rate.meta.csv", text)
    contract = load_contracts()["dfe_looked_after_rate"]
    found = metadata_findings(data, contract, RATE_HEADERS, "in/cla_rate.csv", "v1")
    assert {(f.dataset, f.file_name, f.vintage_id, f.severity, f.source_row) for f in found} <= {
        ("dfe_looked_after_rate", "in/cla_rate.csv", "v1", "warning", None)
    }
    return [(f.column_name, f.rule, f.value) for f in found]


def test_a_description_that_agrees_says_nothing_and_neither_does_none(tmp_path: Path) -> None:
    lines = (
        "col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,filter_hint,filter_grouping_column\n"
        "population_type,Filter,Kind,,,,,\n"
        "population_estimate,Indicator,Children,,,0,,\n"
        "Children_Count,indicator,Number,,,0,,\n"
        "rate_per_10000,Indicator,Rate,,,0,,\n"
    )
    assert described(tmp_path, lines) == []
    assert described(tmp_path, b"\xef\xbb\xbf" + lines.encode()) == []
    alone = write(tmp_path / "alone.csv", "time_period\n2024\n")
    assert metadata_findings(alone, load_contracts()["dfe_looked_after_rate"], ["x"], "alone.csv", "v1") == []


def test_a_description_that_disagrees_is_told_column_by_column(tmp_path: Path) -> None:
    assert described(
        tmp_path,
        "col_name,col_type,label,indicator_grouping,indicator_unit,filter_hint,filter_grouping_column\n"
        "population_estimate,Filter,Children,,,,\n"
        "children_count,Indicator,Number,,,,\n"
        "rate_per_10000,Indicator,Rate,,%,,\n"
        "rate_per_1000,Indicator,Rate,,,,\n",
    ) == [
        ("population_type", "not_described", None),
        ("population_estimate", "not_an_indicator", "filter"),
        ("rate_per_10000", "another_unit", "%"),
        ("rate_per_1000", "described_and_missing", None),
    ]


@pytest.mark.parametrize("broken", ["", "something,else\n1,2\n", b"\x00\xff\x00"])
def test_a_description_that_cannot_be_read_is_one_warning(tmp_path: Path, broken: str | bytes) -> None:
    assert described(tmp_path, broken) == [(None, "description_unreadable", None)]


def test_a_fingerprint_follows_the_description(tmp_path: Path) -> None:
    data = write(tmp_path / "figures.csv", "a,b\n")
    assert description_fingerprint(data) == ""
    write(description_path(data), "col_name,col_type\na,Filter\n")
    first = description_fingerprint(data)
    write(description_path(data), "col_name,col_type\na,Indicator\n")
    assert len({"", first, description_fingerprint(data)}) == 3
    assert read_description(description_path(data)) == {"a": DescribedColumn("indicator", "")}


@pytest.mark.shared_data
def test_the_published_descriptions_agree_with_the_contracts(shared: Path) -> None:
    path = shared / "data" / "dfe_exclusions" / "exclusions_by_geographic_level.csv"
    with path.open(encoding="utf-8", newline="") as file:
        headers = next(csv.reader(file))
    assert read_description(description_path(path))["perm_excl_rate"] == DescribedColumn("indicator", "%")
    assert metadata_findings(path, load_contracts()["dfe_exclusions"], headers, path.name, "v1") == []


# --- the published files ---------------------------------------------------------------------------------------------


@pytest.mark.shared_data
def test_every_row_of_the_published_looked_after_rates_lands_as_it_was_printed(home: Home, shared: Path) -> None:
    name = "cla_number_and_rate_per_10k_children.csv"
    source = shared / "data" / "dfe_looked_after" / name
    shutil.copy(source, home.inbox / name)
    (report,) = land_inbox(home)
    assert (report.status, report.rows_read, report.rows_landed, report.findings) == ("landed", 555, 555, [])

    def figure(cell: str) -> tuple[Decimal | None, str]:
        return (None, cell) if cell in ("c", "k", "x", "z") else (Decimal(cell.replace(",", "")), "ok")

    with source.open(encoding="utf-8", newline="") as file:
        printed = list(csv.DictReader(file))
    area = {"National": "country_code", "Regional": "region_code", "Local authority": "new_la_code"}
    columns = "population_estimate, population_estimate_status, children, children_status, rate_per_10000"
    assert landed(
        home,
        "dfe_looked_after_rate",
        f"time_period, area_code, population_type, {columns}, rate_per_10000_status",
    ) == [
        (
            row["time_period"],
            row[area[row["geographic_level"]]],
            row["population_type"],
            *figure(row["population_estimate"]),
            *figure(row["children_count"]),
            *figure(row["rate_per_10000"]),
        )
        for row in printed
    ]


# --- the list of published series ------------------------------------------------------------------------------------


def published_series() -> list[dict[str, Any]]:
    """The list as dbt reads it."""
    listed: list[dict[str, Any]] = []
    macro = (REPOSITORY / "dbt_project" / "macros" / "published_series.sql").read_text(encoding="utf-8")

    def taken(entries: list[dict[str, Any]]) -> str:
        listed.extend(entries)
        return ""

    environment = jinja2.Environment()
    environment.globals["return"] = taken
    environment.from_string(macro + "{{ published_series() }}").render()
    return listed


def seed(name: str) -> list[dict[str, str]]:
    with (REPOSITORY / "dbt_project" / "seeds" / f"seed_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_published_series_is_a_registered_indicator_of_a_dataset_that_lands() -> None:
    series = published_series()
    keys = [(entry["indicator_id"], entry["source_dataset"]) for entry in series]
    assert len(set(keys)) == len(keys) >= 14
    registered = {(row["indicator_id"], row["source_dataset"]) for row in seed("indicator_sources")}
    assert set(keys) <= registered
    contracts = load_contracts()
    assert [name for _, name in keys if contracts[name].not_needed is not None] == []
    assert {"looked_after_rate", "self_harm_admissions", "pupils_with_semh_needs", "first_entrants_to_youth_justice",
            "domestic_abuse_incidents", "children_in_need_abuse_or_neglect"} <= {name for name, _ in keys}  # fmt: skip


def test_scottish_rates_are_per_thousand_and_no_indicator_holds_figures_of_both_countries() -> None:
    units = {row["indicator_id"]: (row["unit"], row["multiplier"]) for row in seed("indicators")}
    scottish = [entry for entry in published_series() if entry["source_dataset"].startswith("scottish_")]
    assert {units[entry["indicator_id"]] for entry in scottish} == {
        ("per 1,000 pupils", "1000"),
        ("per 1,000 children", "1000"),
    }
    sources: dict[str, set[bool]] = {}
    for row in seed("indicator_sources"):
        sources.setdefault(row["indicator_id"], set()).add(row["source_dataset"].startswith("scottish_"))
    assert [name for name, kinds in sources.items() if len(kinds) > 1] == []
    assert units["suspension_rate"][0] == "per 100 pupils"
    types = {entry["indicator_id"]: entry["period_type"] for entry in scottish}
    assert types["looked_after_rate_scotland"] == "scottish_looked_after_year"


# --- a dataset that is not in the list, as docs/extending.md says ----------------------------------------------------

ABSENCE_HEADER = (
    "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code", "region_name",
    "old_la_code", "new_la_code", "la_name", "education_phase", "enrolments", "sess_possible", "sess_overall",
    "sess_overall_percent", "enrolments_pa_10_exact", "enrolments_pa_10_exact_percent",
)  # fmt: skip
ABSENCE = [
    ("202324", "Academic year", "National", *ENGLAND, *[""] * 5, "Total", 7_300_000, 1, 1, 6.9, 1_460_000, 20.0),
    ("202324", "Academic year", "Local authority", *ENGLAND, *NORTH_WEST, *ROCHDALE, "Total", 34_000, 1, 1, 7.7, 7_514,
     22.1),
    ("202324", "Academic year", "Local authority", *ENGLAND, *NORTH_WEST, *ROCHDALE, "State-funded special", 480, 1, 1,
     "c", "c", "c"),
]  # fmt: skip

FINGERTIPS_OF_A_HOME = [
    fingertips(),
    fingertips(Area_Code="E92000001", Area_Name="England", Area_Type="England"),
    fingertips(Time_period="2021/22", Time_period_Sortable="20210000", Value="", Count="", Denominator="",
               Value_note="Value suppressed for disclosure control due to small count"),
    fingertips(Sex="Female"),
    fingertips(Age="10-14 yrs"),
    fingertips(Time_period="2020/21 - 22/23", Time_period_Sortable="20200000"),
    fingertips(Category_Type="District & UA deprivation deciles", Category="Most deprived", Area_Code="E92000001"),
    fingertips(Area_Code="E38000135", Area_Type="CCGs"),
    fingertips(Indicator_ID=10401, Age="10-17 yrs", Time_period="2022", Value="165.32258", Count=41, Denominator=24800),
    # A financial year is no calendar year, whatever the number of the indicator.
    fingertips(Indicator_ID=10401, Age="10-17 yrs", Time_period="2022/23", Value="165.32258", Count=41),
    fingertips(Indicator_ID=41001, Age="10+ yrs", Time_period="2022/23"),
]  # fmt: skip
SCOTTISH_EXCLUSIONS_HEADER = ("FeatureCode", "DateCode", "Measurement", "Units", "Value", "School Sector")
SCOTTISH_EXCLUSIONS = [
    ("S92000003", "2022/2023", "Ratio", "Exclusions per 1000 pupils", "16.6", "Total"),
    ("S92000003", "2022/2023", "Count", "Exclusions", "11,676", "Total"),
    ("S92000003", "2022/2023", "Count", "Pupils", "703000", "Total"),
    ("S12000005", "2020/2021", "Ratio", "Exclusions per 1000 pupils", "*", "Special"),
]
SCOTTISH_CARE_HEADER = ("FeatureCode", "DateCode", "Measurement", "Units", "Value", "Type of Accommodation")
SCOTTISH_CARE = [
    ("S92000003", "2022/2023", "Ratio", "Children per 1000 children", "11.9", "Total"),
    ("S92000003", "2022/2023", "Count", "Children", "12206", "Total"),
    ("S92000003", "2022/2023", "Ratio", "Children per 1000 children", "2.3", "At home with parents"),
]
LOOKED_AFTER = "cla_number_and_rate_per_10k_children.csv"


@pytest.fixture(scope="module")
def worked_example() -> list[tuple[str, str, str]]:
    """The blocks of the step-by-step section: ``new`` or ``add``, the file, and the text."""
    page = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
    section = page[page.index("### Step by step") : page.index("### Other published statistics")]
    block = re.compile(r"^(New file|Add to [\w ]*?)\s*`([^`]+)`:\n\n```\w+\n(.*?)```$", re.MULTILINE | re.DOTALL)
    return [("new" if how == "New file" else "add", path, text) for how, path, text in block.findall(section)]


def do_as_the_page_says(repository: Path, steps: list[tuple[str, str, str]]) -> None:
    for how, name, text in steps:
        path = repository / name
        if how == "new":
            assert not path.exists(), name
            path.write_text(text, encoding="utf-8")
            continue
        before = path.read_text(encoding="utf-8")
        # Entries of a list go before its end or behind its head; rows of a table behind the last.
        place = {"_sources.yml": r"    tables:\n()", "published_series.sql": r"()    \]\) \}\}"}.get(path.name, r"()\Z")
        found = re.search(place, before)
        assert found is not None, name
        path.write_text(before[: found.start(1)] + text + before[found.start(1) :], encoding="utf-8")


def copy_of_the_project(folder: Path) -> Path:
    """What a partnership has of this project, without its tests and documents."""
    ignored = shutil.ignore_patterns("__pycache__", "target", "logs")
    for part in ("dbt_project", "expectations", "ingestion", "orchestration", "publishing"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=ignored)
    return folder


def run_python(repository: Path, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code with the packages of a copy of the project."""
    environment = {name: value for name, value in os.environ.items() if name not in ("IMPACT_HOME", "DAGSTER_HOME")}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=repository,
        # A cache of its own: what is kept of a parsed project says where the project lies.
        env=environment | {"PYTHONPATH": str(repository), "IMPACT_CACHE": str(repository / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_step_by_step_example_takes_a_contract_a_staging_model_and_registry_entries_and_no_python(
    worked_example: list[tuple[str, str, str]],
) -> None:
    assert [(how, name.split("/")[-1]) for how, name, _ in worked_example] == [
        ("new", "dfe_absence.yml"),
        ("add", "_sources.yml"),
        ("new", "stg_dfe__absence.sql"),
        ("new", "stg_dfe__absence.yml"),
        ("add", "published_series.sql"),
        ("add", "seed_indicators.csv"),
        ("add", "seed_indicator_sources.csv"),
        ("add", "seed_indicator_nodes.csv"),
    ]


@pytest.fixture(scope="module")
def extended(worked_example: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home after a run of the project as the page extends it, with published files in its inbox."""
    folder = tmp_path_factory.mktemp("extended")
    repository = copy_of_the_project(folder / "repository")
    home = make_home(folder / "home")
    absence = write(home.inbox / "published" / "absence.csv", csv_text(ABSENCE_HEADER, ABSENCE))
    # Before: set aside, with the reason.
    before = check_file(absence, home)
    assert (before.dataset, before.status) == ("dfe_other", "not_needed")

    do_as_the_page_says(repository, worked_example)
    real = REPOSITORY.parent / "shared" / "data" / "dfe_looked_after" / LOOKED_AFTER
    if real.is_file():
        shutil.copy(real, home.inbox / LOOKED_AFTER)
    write(home.inbox / "fingertips.csv", csv_text(FINGERTIPS, FINGERTIPS_OF_A_HOME))
    write(home.inbox / "scotland" / "exclusions.csv", csv_text(SCOTTISH_EXCLUSIONS_HEADER, SCOTTISH_EXCLUSIONS))
    write(home.inbox / "scotland" / "looked after.csv", csv_text(SCOTTISH_CARE_HEADER, SCOTTISH_CARE))
    run = run_python(repository, "from orchestration.cli import main; main()", "run", "--home", home.root)
    assert run.returncode == 0, run.stdout + run.stderr
    return home


def published(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published / "impact.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_a_dataset_that_is_added_as_the_page_says_is_published(extended: Home) -> None:
    assert published(
        extended,
        """select area_code, breakdown, breakdown_value, period, numerator, denominator, value, value_status
        from indicator_values where indicator_id = 'persistent_absence' order by all""",
    ) == [
        ("E08000005", "education_phase", "State-funded special", "2023/24", None, 480, None, "c"),
        ("E08000005", "total", "total", "2023/24", 7514, 34000, 22.1, "ok"),
        ("E92000001", "total", "total", "2023/24", 1460000, 7300000, 20.0, "ok"),
    ]
    assert published(extended, "select unit from indicators where indicator_id = 'persistent_absence'") == [
        ("percent",)
    ]


@pytest.mark.shared_data
def test_every_printed_rate_of_looked_after_children_is_published_as_it_was_printed(
    extended: Home, shared: Path
) -> None:
    with (shared / "data" / "dfe_looked_after" / LOOKED_AFTER).open(encoding="utf-8", newline="") as file:
        printed = [row for row in csv.DictReader(file) if row["population_type"].startswith("Children looked after on")]
    area = {"National": "country_code", "Regional": "region_code", "Local authority": "new_la_code"}
    expected = {}
    for row in printed:
        end, rate = int(row["time_period"]), row["rate_per_10000"]
        key = (row[area[row["geographic_level"]]], f"{end - 1}/{end % 100:02}")
        expected[key] = (float(rate), "ok") if rate.isdigit() else (None, rate)
    found = published(
        extended,
        "select area_code, period, value, value_status from indicator_values where indicator_id = 'looked_after_rate'",
    )
    assert {(area_code, period): (value, status) for area_code, period, value, status in found} == expected
    assert len(expected) == 185
    assert ("E08000005", "2024/25", 102.0, "ok") in found


def test_of_a_fingertips_export_only_the_whole_areas_single_years_and_the_registered_age_and_sex_are_published(
    extended: Home,
) -> None:
    assert published(
        extended,
        """select indicator_id, area_code, period_type, period, numerator, denominator, value, value_status
        from indicator_values where source_dataset = 'fingertips' order by all""",
    ) == [
        ("first_entrants_to_youth_justice", "E08000005", "calendar_year", "2022", 41, 24800, 165.3, "ok"),
        ("self_harm_admissions", "E08000005", "financial_year", "2021/22", None, None, None, "c"),
        ("self_harm_admissions", "E08000005", "financial_year", "2022/23", 130, 40686, 319.5, "ok"),
        ("self_harm_admissions", "E92000001", "financial_year", "2022/23", 130, 40686, 319.5, "ok"),
    ]


def test_scottish_figures_keep_their_unit_and_their_year(extended: Home) -> None:
    assert published(
        extended,
        """select v.indicator_id, v.area_code, a.area_name, v.breakdown_value, v.period_type, v.period, v.period_start,
            v.period_end, v.numerator, v.denominator, v.value, v.value_status, i.unit
        from indicator_values as v join indicators as i using (indicator_id) join areas as a using (area_code)
        where v.source_dataset like 'scottish_%' order by all""",
    ) == [
        ("exclusion_rate_scotland", "S12000005", "S12000005", "Special", "academic_year", "2020/21", date(2020, 9, 1),
         date(2021, 8, 31), None, None, None, "c", "per 1,000 pupils"),
        ("exclusion_rate_scotland", "S92000003", "Scotland", "total", "academic_year", "2022/23", date(2022, 9, 1),
         date(2023, 8, 31), 11676, 703000, 16.6, "ok", "per 1,000 pupils"),
        ("looked_after_rate_scotland", "S92000003", "Scotland", "total", "scottish_looked_after_year", "2022/23",
         date(2022, 8, 1), date(2023, 7, 31), 12206, None, 11.9, "ok", "per 1,000 children"),
    ]  # fmt: skip


def test_a_file_that_was_set_aside_is_read_again_once_a_contract_fits_it(
    worked_example: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    repository, home = copy_of_the_project(tmp_path / "repository"), make_home(tmp_path / "home")
    write(home.inbox / "published" / "absence.csv", csv_text(ABSENCE_HEADER, ABSENCE))
    assert [(report.dataset, report.status) for report in land_inbox(home)] == [("dfe_other", "not_needed")]
    do_as_the_page_says(repository, [step for step in worked_example if step[1].startswith("ingestion/")])
    code = (
        "import sys; from pathlib import Path; from ingestion.home import open_home;"
        "from ingestion.landing import land_inbox;"
        "print(*[(r.dataset, r.status, r.rows_landed) for r in land_inbox(open_home(Path(sys.argv[1])))])"
    )
    landing = run_python(repository, code, home.root)
    assert landing.stdout == "('dfe_absence', 'landed', 3)\n", landing.stderr


def test_a_misspelt_key_of_a_series_stops_the_build_and_is_named(tmp_path: Path) -> None:
    repository = copy_of_the_project(tmp_path / "repository")
    path = repository / "dbt_project" / "macros" / "published_series.sql"
    path.write_text(path.read_text(encoding="utf-8").replace("'numerator': 'children'", "'nummerator': 'children'", 1))
    parsed = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "parse", "--no-use-colors"],
        cwd=repository / "dbt_project",
        env=os.environ
        | {
            "IMPACT_HOME": str(tmp_path),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
            "PYTHONPATH": str(repository),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert parsed.returncode != 0
    assert "published series looked_after_rate: nummerator is none of indicator_id" in parsed.stdout


def test_checking_a_file_and_landing_it_find_the_same(home: Home) -> None:
    header = ("FeatureCode", "DateCode", "Measurement", "Units", "Value", "School Sector")
    lines = [("S92000003", "2022/2023", "Ratio", "Exclusions per 1000 pupils", "many", "Total")]
    report = put(home, "scotland.csv", header, lines)
    checked = check_file(home.inbox / "scotland.csv", home)
    assert (checked.vintage_id, checked.findings) == (report.vintage_id, report.findings)
    assert rules_broken(checked) == [(2, "Value", "not_a_figure", "many", "error")]
