"""Which rule judges which series, what it says, and why where it says nothing; each condition on both sides."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from dbt_project.python.series import judge_series

Row = dict[str, Any]

OWN: Row = {
    "series": 1,
    "indicator_id": "one",
    "area_code": "E08000005",
    "sector": "total",
    "organisation_id": "total",
    "is_latest": False,
    "polarity": "higher_is_better",
    "measure_type": "proportion",
    "numerator": None,
    "denominator": None,
    "value": None,
    "ci_lower_95": None,
    "ci_upper_95": None,
    "change": None,
    "change_lower_95": None,
    "change_upper_95": None,
}
BASELINE: Row = {
    "indicator_id": "one",
    "area_code": None,
    "sector": None,
    "organisation_id": None,
    "first_period": None,
    "last_period": None,
    "reason": "A second hall opened.",
    "decided_by": "data lead",
    "decided_date": date(2025, 6, 1),
}


def judged(rows: list[Row], *baselines: Row) -> dict[str, Any]:
    return judge_series(
        {name: [row[name] for row in rows] for name in rows[0]},
        {name: [(BASELINE | row)[name] for row in baselines] for name in BASELINE},
    )


def said(rows: list[Row], *baselines: Row) -> tuple[str, str | None]:
    """What is said in the last row, which is the latest."""
    found = judged(rows, *baselines)
    return found["trend"][-1], found["trend_reason"][-1]


def years(figures: list[Row | None], **more: Any) -> list[Row]:
    """Academic years from 2020/21 on; of None there is no row."""
    rows = [
        OWN
        | {
            "period_type": "academic_year",
            "period": f"{start}/{start - 1999}",
            "period_start": date(start, 9, 1),
            "period_end": date(start + 1, 8, 31),
        }
        | figure
        | more
        for start, figure in enumerate(figures, start=2020)
        if figure is not None
    ]
    rows[-1]["is_latest"] = True
    return rows


def months(values: list[float | None], **more: Any) -> list[Row]:
    """Months from January 2025 on; a value of None is withheld, and of NaN there is no row."""
    rows = []
    for number, value in enumerate(values):
        year, month = 2025 + number // 12, number % 12 + 1
        following = date(year + month // 12, month % 12 + 1, 1)
        if value is None or not np.isnan(value):
            rows.append(
                OWN
                | {
                    "measure_type": "count",
                    "period_type": "month",
                    "period": f"{year}-{month:02}",
                    "period_start": date(year, month, 1),
                    "period_end": date.fromordinal(following.toordinal() - 1),
                    "value": value,
                }
                | more
            )
    rows[-1]["is_latest"] = True
    return rows


def of_a_thousand(*numerators: int) -> list[Row]:
    return [{"numerator": n, "denominator": 1000, "value": n / 10} for n in numerators]


def with_interval(*values: float, below: float, above: float) -> list[Row]:
    return [{"value": v, "ci_lower_95": v - below, "ci_upper_95": v + above} for v in values]


@pytest.mark.parametrize(
    ("last", "word"),
    [
        # R 600, Σrt 1,900: 5,000 × 500,000² / (600 × 4,400 × 50,000,000) is 9.47, below 9.5495.
        (140, "no_significant_change"),
        # R 601, Σrt 1,905: 5,000 × 510,000² / (601 × 4,399 × 50,000,000) is 9.84.
        (141, "improving"),
    ],
)
def test_years_of_a_proportion_are_tested_by_their_counts(last: int, word: str) -> None:
    found = judged(years(of_a_thousand(100, 110, 120, 130, last)))
    assert found["trend"].tolist() == [None] * 4 + [word]
    assert found["trend_method"].tolist() == [None] * 4 + ["five_point_trend"]
    assert found["trend_reason"].tolist() == [None] * 5
    assert found["signal"].tolist() == [None] * 5


@pytest.mark.parametrize(
    ("polarity", "word"),
    [("higher_is_better", "improving"), ("lower_is_better", "worsening"), ("none", "increasing")],
)
def test_polarity_says_what_a_rise_is(polarity: str, word: str) -> None:
    assert said(years(of_a_thousand(100, 120, 140, 160, 180), polarity=polarity)) == (word, None)


def test_only_the_last_five_years_count() -> None:
    assert said(years(of_a_thousand(900, 100, 120, 140, 160, 180))) == ("improving", None)


@pytest.mark.parametrize(("half_width", "word"), [(2.00, "worsening"), (2.01, "no_significant_change")])
def test_years_of_a_rate_are_tested_by_their_intervals(half_width: float, word: str) -> None:
    # A slope of 1 and a standard error of half_width / 1.96: chi-square is 10 over its square, 9.5495 at 2.0057.
    rows = years(with_interval(14, 13, 12, 11, 10, below=half_width, above=half_width), measure_type="rate")
    assert said(rows) == (word, None)


@pytest.mark.parametrize(("half_width", "word"), [(2.00, "worsening"), (2.01, "no_significant_change")])
def test_a_gap_is_as_uncertain_as_the_upper_side_of_its_interval(half_width: float, word: str) -> None:
    # The lower bounds are cut off at zero, which makes the intervals no surer.
    rows = years(with_interval(5, 4, 3, 2, 1, below=0.5, above=half_width), measure_type="gap")
    assert said(rows) == (word, None)


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (of_a_thousand(100, 120, 140, 160), "fewer_than_five_points"),
        # Withheld in the middle, and not there in the middle: the last five have a gap.
        ([*of_a_thousand(90, 100, 120), {}, *of_a_thousand(140, 160)], "not_consecutive"),
        ([*of_a_thousand(90, 100, 120), None, *of_a_thousand(140, 160)], "not_consecutive"),
        ([*of_a_thousand(90, 100, 120, 140, 160), {}], "latest_value_not_shown"),
        ([{"value": v} for v in (1, 2, 3, 4, 5)], "no_interval"),
        ([{}], "latest_value_not_shown"),
    ],
)
def test_years_say_why_they_have_no_trend(figures: list[Row | None], reason: str) -> None:
    assert said(years(figures)) == ("cannot_be_calculated", reason)


def test_counts_that_cannot_be_are_not_tested_but_their_interval_is() -> None:
    rows = years([row | {"numerator": 2000} for row in with_interval(10, 11, 12, 13, 14, below=1, above=1)])
    assert said(rows) == ("improving", None)


def test_overlapping_years_have_no_trend() -> None:
    rows = years(of_a_thousand(100, 120, 140, 160, 180))
    rows[2]["period_end"] = date(2023, 9, 1)
    assert said(rows) == ("cannot_be_calculated", "overlapping_periods")


@pytest.mark.parametrize(
    ("change", "lower", "upper", "answer"),
    [
        (5.0, 0.1, 9.0, ("improving", None)),
        (5.0, 0.0, 9.0, ("no_significant_change", None)),
        (-5.0, -9.0, 0.0, ("no_significant_change", None)),
        (-5.0, -9.0, -0.1, ("worsening", None)),
        (5.0, None, None, ("cannot_be_calculated", "no_interval")),
        (None, None, None, ("cannot_be_calculated", "fewer_than_two_waves")),
    ],
)
def test_a_wave_is_judged_by_the_interval_of_its_change(
    change: float | None, lower: float | None, upper: float | None, answer: tuple[str, str | None]
) -> None:
    wave = OWN | {
        "period_type": "wave", "period": "w2", "period_start": date(2025, 1, 6), "period_end": date(2025, 2, 1),
        "value": 50.0, "is_latest": True,
        "change": change, "change_lower_95": lower, "change_upper_95": upper,
    }  # fmt: skip
    found = judged([wave])
    assert (found["trend"][0], found["trend_reason"][0]) == answer
    assert found["trend_method"][0] == "change_interval"
    assert said([wave | {"value": None}]) == ("cannot_be_calculated", "latest_value_not_shown")


STEADY = [10.0, 14.0, 10.0, 14.0, 10.0, 14.0, 10.0, 14.0]


def test_months_stand_on_a_chart_with_limits_signals_and_the_direction_of_the_last_point() -> None:
    # The mean of the first eight is 12 and their ranges are 4; 14 to 40 is a jump, 26 of mean 7.125, and left out.
    found = judged(months([*STEADY, 40.0], polarity="lower_is_better"))
    assert found["mean"].tolist() == pytest.approx([136 / 9] * 9)
    assert found["upper_limit"].tolist() == pytest.approx([136 / 9 + 2.66 * 4] * 9)
    assert found["lower_limit"].tolist() == pytest.approx([136 / 9 - 2.66 * 4] * 9)
    assert found["limit_points"].tolist() == [9] * 9
    assert found["is_provisional"].tolist() == [True] * 9
    # Eight below the mean are a run as well.
    assert found["signal"].tolist() == ["run_below_mean"] * 8 + ["above_upper_limit"]
    assert found["trend"].tolist() == [None] * 8 + ["worsening"]
    assert found["trend_method"].tolist() == [None] * 8 + ["control_chart"]
    assert found["chart_start"].astype(str).tolist() == ["2025-01-01"] * 9
    assert said(months([*STEADY, 12.0])) == ("no_significant_change", None)


@pytest.mark.parametrize(
    ("measure_type", "limits"),
    [("count", (0, 126.4)), ("rate", (0, 126.4)), ("proportion", (0, 100)), ("mean", (-86.4, 126.4))],
)
def test_limits_end_at_nought_and_those_of_percentages_at_a_hundred(
    measure_type: str, limits: tuple[float, float]
) -> None:
    # 20 ± 2.66 × 40.
    found = judged(months([0.0, 40.0] * 3, measure_type=measure_type))
    assert (found["lower_limit"][0], found["upper_limit"][0]) == pytest.approx(limits)


def test_limits_are_provisional_under_thirteen_points_and_firm_from_there() -> None:
    for points, is_provisional in ((12, True), (13, False)):
        found = judged(months([10.0, 14.0] * 6 + [12.0] * (points - 12)))
        assert found["is_provisional"].tolist() == [is_provisional] * points


@pytest.mark.parametrize(
    ("later", "signals"),
    [
        ([100.0], ["above_upper_limit"]),
        ([-60.0], ["below_lower_limit"]),
        ([19.5, 12.0, 19.5], ["near_upper_limit", None, "near_upper_limit"]),
        ([4.5, 12.0, 4.5], ["near_lower_limit", None, "near_lower_limit"]),
        ([13.0, 12.5] * 3 + [13.0], ["run_above_mean"] * 7),
        ([11.0, 11.5] * 3 + [11.0], ["run_below_mean"] * 7),
        ([9.0, 9.5, 10.0, 10.5, 12.5, 13.0, 13.5], ["run_of_rises"] * 7),
        ([15.0, 14.5, 14.0, 13.5, 11.5, 11.0, 10.5], ["run_of_falls"] * 7),
    ],
)
def test_a_point_is_called_by_its_strongest_signal(later: list[float], signals: list[str | None]) -> None:
    # The limits rest on the first eight: 12, and 10.64 to either side, the outer thirds from 7.09.
    fixed = BASELINE | {"first_period": "2025-01", "last_period": "2025-08"}
    found = judged(months([*STEADY, *later]), fixed)
    assert found["mean"][0] == 12
    assert found["signal"].tolist()[8:] == signals
    assert found["limit_points"][-1] == 8


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ([*STEADY, None], ("cannot_be_calculated", "latest_value_not_shown")),
        (STEADY[:4], ("cannot_be_calculated", "fewer_than_five_points")),
        (STEADY[:5], ("no_significant_change", None)),
        # Five points, and three pairs of neighbours.
        ([*STEADY[:3], None, *STEADY[:2]], ("cannot_be_calculated", "too_few_consecutive_points")),
        ([*STEADY[:4], None, *STEADY[:2]], ("no_significant_change", None)),
    ],
)
def test_months_say_why_they_have_no_direction(values: list[float | None], answer: tuple[str, str | None]) -> None:
    assert said(months(values)) == answer


@pytest.mark.parametrize("gap", [None, float("nan")])
def test_a_month_that_is_withheld_or_missing_breaks_a_run(gap: float | None) -> None:
    fixed = BASELINE | {"first_period": "2025-01", "last_period": "2025-08"}
    above = [13.0, 12.5, 13.0, 12.5, 13.0, 12.5, 13.0]
    assert said(months([*STEADY, *above]), fixed) == ("improving", None)
    assert said(months([*STEADY, *above[:3], gap, *above[3:]]), fixed) == ("no_significant_change", None)


def test_a_recorded_baseline_starts_a_chart_of_its_own_and_nothing_else_does() -> None:
    values = [*STEADY, 40.0, 44.0, 40.0, 44.0, 40.0]
    assert said(months(values)) == ("improving", None)
    found = judged(months(values), BASELINE | {"first_period": "2025-09"})
    assert found["mean"].tolist() == pytest.approx([12.0] * 8 + [41.6] * 5)
    assert found["upper_limit"].tolist() == pytest.approx([22.64] * 8 + [41.6 + 10.64] * 5)
    assert found["chart_start"].astype(str).tolist() == ["2025-01-01"] * 8 + ["2025-09-01"] * 5
    assert found["reason"].tolist() == [None] * 8 + ["A second hall opened."] * 5
    assert found["decided_by"].tolist() == [None] * 8 + ["data lead"] * 5
    assert found["decided_date"].tolist() == [None] * 8 + [date(2025, 6, 1)] * 5
    assert found["trend"][-1] == "no_significant_change"
    assert found["signal"].tolist() == [None] * 13


def test_a_new_chart_needs_five_points_of_its_own() -> None:
    values = [*STEADY, 40.0, 44.0, 40.0, 44.0]
    found = judged(months(values), BASELINE | {"first_period": "2025-09"})
    assert found["trend"][-1] == "cannot_be_calculated"
    assert found["trend_reason"][-1] == "fewer_than_five_points"
    assert np.isnan(found["mean"]).tolist() == [False] * 8 + [True] * 4


@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        ({}, True),
        ({"area_code": "E08000005"}, True),
        ({"area_code": "E08000006"}, False),
        ({"sector": "health"}, True),
        ({"sector": "total"}, False),
        ({"organisation_id": "O1", "sector": "health"}, True),
        ({"organisation_id": "O2", "sector": "health"}, False),
        ({"indicator_id": "another"}, False),
        # A period that has not come yet.
        ({"first_period": "2027-01"}, False),
    ],
)
def test_a_baseline_counts_where_it_is_recorded_for(scope: Row, counts: bool) -> None:
    rows = months([*STEADY, *STEADY[:5]], sector="health", organisation_id="O1")
    found = judged(rows, BASELINE | {"first_period": "2025-09"} | scope)
    assert (found["chart_start"][-1] == np.datetime64("2025-09-01")) == counts


def test_of_two_baselines_that_begin_together_the_narrower_counts_and_a_later_one_ends_an_earlier() -> None:
    rows = months([*STEADY, *STEADY])
    wide, narrow = {"first_period": "2025-05", "reason": "wide"}, {"first_period": "2025-05", "reason": "narrow"}
    later = {"first_period": "2025-11", "reason": "later"}
    for order in ([narrow | {"sector": "total"}, wide, later], [later, wide, narrow | {"sector": "total"}]):
        found = judged(rows, *(BASELINE | one for one in order))
        assert found["reason"].tolist() == [None] * 4 + ["narrow"] * 6 + ["later"] * 6


def test_series_do_not_run_into_each_other() -> None:
    rows = months([*STEADY, 40.0])
    others = [row | {"series": 2, "area_code": "E08000006"} for row in months([100.0] * 9)]
    found = judged([*rows, *others, *(row | {"series": 3} for row in years(of_a_thousand(100, 120, 140, 160, 180)))])
    assert found["mean"][[0, 9]].tolist() == pytest.approx([136 / 9, 100])
    assert np.isnan(found["mean"][18:]).all()
    assert [word for word in found["trend"] if word] == ["improving", "no_significant_change", "improving"]


def test_no_values_at_all_are_no_mistake() -> None:
    found = judge_series({name: [] for name in months([1.0])[0]}, {name: [] for name in BASELINE})
    assert {len(column) for column in found.values()} == {0}
