"""What the marts say of series: trends, charts with a recorded baseline, changes of means, progress towards targets.

A small landing zone made by hand, in a home that has decided on a target and on a new baseline; every figure is worked
out beside it.
"""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.registry.tables import prepare_registry
from tests.integration.builders import make_home, write
from tests.integration.test_models import Build, Rows, Vintage, dbt_build, exclusions, headcount, write_landing

# One process builds the warehouse for all of these tests.
pytestmark = pytest.mark.xdist_group("dbt_models")

#: Of 35,000 pupils. The last step is up, the last five years are down.
SUSPENSIONS = {"201112": 1450, "201213": 1400, "201314": 1300, "201415": 1200, "201516": 1000, "201617": 1010}
#: Attendances from January 2024 to January 2025, one event a month; a second hall opened in September.
ATTENDANCES = (10, 14, 10, 14, 10, 14, 10, 14, 40, 44, 40, 44, 40)
#: Scores of ten children in each year: means 5 and 10.
SCORES = {2024: (4, 6) * 5, 2025: (8, 12) * 5}
AGREE = {1: (48, 32), 2: (56, 14)}

TARGETS = """indicator_id,target_value,target_date,baseline_period,decided_by,decided_date
suspension_rate,2,2021-08-31,2012/13,partnership board,2013-11-04
"""
BASELINES = """indicator_id,sector,first_period,reason,decided_by,decided_date
event_attendances,total,2024-09,A second hall opened.,data lead,2025-01-15
"""


def published(year: str, suspended: int) -> dict[str, Any]:
    # Of 2014/15 the publisher withheld the permanent exclusions.
    excluded: dict[str, Any] = {"permanent_exclusions": 62, "permanent_exclusion_rate": 0.18}
    if year == "201415":
        excluded = dict.fromkeys(excluded, "c")
    return exclusions(
        "E08000005",
        year,
        headcount=35000,
        suspensions=suspended,
        suspension_rate=round(suspended / 350, 2),
        pupils_suspended=773,
        pupils_suspended_percent=2.21,
        **excluded,
    )


def events() -> Rows:
    months = [f"2024-{month:02}" for month in range(1, 13)] + ["2025-01"]
    return [
        {"event_id": month, "event_date": f"{month}-10", "sector_code": "health", "attendance": attendance}
        for month, attendance in zip(months, ATTENDANCES, strict=True)
    ]


def children(year: int) -> tuple[Rows, Rows]:
    """The episodes and the outcomes of ten children who have been looked after for years."""
    placed = [
        {
            "collection_year": year,
            "child_id": f"child-{number}",
            "started_date": "2020-06-01",
            "new_episode_reason_code": "S",
            "legal_status_code": "C2",
            "placement_authority_code": "E08000005",
            "distance_miles": 2.0,
        }
        for number in range(10)
    ]
    scored = [
        {"collection_year": year, "child_id": f"child-{number}", "age_at_year_end": 10, "sdq_score": score}
        for number, score in enumerate(SCORES[year])
    ]
    return placed, scored


def workforce(wave: int) -> Rows:
    agree, others = AGREE[wave]
    return [
        {
            "wave": wave,
            "respondent_id": f"r{number}",
            "submitted_date": f"202{wave + 3}-05-01",
            "organisation_id": "O1",
            "role_code": "leader",
            "item_id": "wf06",
            "score": score,
        }
        for number, score in enumerate([4] * agree + [2] * others)
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("series")
    home = make_home(folder / "home")
    write(home.decisions / "indicator_targets.csv", TARGETS)
    write(home.decisions / "control_baselines.csv", BASELINES)
    vintages = [
        Vintage("organisations", "register", 1, [headcount("O1", "health", 90, "2024-01-01")]),
        Vintage("dfe_exclusions", "exclusions", 2, [published(*year) for year in SUSPENSIONS.items()]),
        Vintage("events", "events", 3, events()),
        Vintage("workforce_survey", "workforce-1", 4, workforce(1)),
        Vintage("workforce_survey", "workforce-2", 5, workforce(2)),
    ]
    for year in SCORES:
        placed, scored = children(year)
        vintages += [
            Vintage("ssda903_episodes", f"episodes-{year}", year, placed),
            Vintage("ssda903_oc2", f"oc2-{year}", year + 10, scored),
        ]
    write_landing(home.root, vintages)
    prepare_registry(home)
    build = dbt_build(home.root, folder / "target", "--exclude-resource-type", "unit_test")
    assert build.exit_code == 0, build.output
    return build


def of_the_area(built: Build, columns: str, where: str, mart: str = "indicator_values") -> list[tuple[Any, ...]]:
    return built.query(
        f"select {columns} from marts.{mart} where sector = 'total' and organisation_id = 'total'"
        f" and breakdown = 'total' and {where} order by all"
    )


def test_the_latest_value_of_each_series_says_what_the_series_says_and_by_which_rule(built: Build) -> None:
    found = of_the_area(
        built,
        "indicator_id, period, trend, trend_method, trend_reason",
        "is_latest and indicator_id in ('suspension_rate', 'pupils_suspended', 'permanent_exclusion_rate', 'wf06',"
        " 'event_attendances', 'events_held', 'sdq_mean')",
    )
    assert found == [
        # On its new baseline it varies as it did; on the old one it would be far above the limit.
        ("event_attendances", "2025-01", "no_significant_change", "control_chart", None),
        ("events_held", "2025-01", "no_significant_change", "control_chart", None),
        ("permanent_exclusion_rate", "2016/17", "cannot_be_calculated", "five_point_trend", "not_consecutive"),
        ("pupils_suspended", "2016/17", "no_significant_change", "five_point_trend", None),
        ("sdq_mean", "2024/25", "cannot_be_calculated", "five_point_trend", "fewer_than_five_points"),
        # About 0.3 a year less with a standard error of 0.03; every year left out leaves it falling.
        ("suspension_rate", "2016/17", "improving", "five_point_trend", None),
        # Newcombe's interval of the change, 5.24 to 33.39, leaves zero out.
        ("wf06", "workforce wave 2", "improving", "change_interval", None),
    ]
    assert built.query("select count(*) from marts.indicator_values where (trend is null) = is_latest") == [(0,)]


def test_a_chart_begins_anew_where_somebody_recorded_it_and_nowhere_else(built: Build) -> None:
    found = built.query(
        "select sector, first_period, last_period, is_latest, round(mean, 4), round(lower_limit, 4),"
        " round(upper_limit, 4), limit_points, is_provisional, signal_points, baseline_reason, decided_by,"
        " decided_date::varchar from marts.control_limits where indicator_id = 'event_attendances' order by all"
    )
    recorded = ("A second hall opened.", "data lead", "2025-01-15")
    assert found == [
        # Of all thirteen 304 / 13; of twelve ranges the jump of 26 is above 3.267 × 70 / 12 and left out, the others
        # are 4: 2.66 × 4 to either side.
        ("health", "2024-01", "2025-01", True, 23.3846, 12.7446, 34.0246, 13, False, 13, None, None, None),
        ("total", "2024-01", "2024-08", False, 12.0, 1.36, 22.64, 8, True, 0, None, None, None),
        ("total", "2024-09", "2025-01", True, 41.6, 30.96, 52.24, 5, True, 0, *recorded),
    ]


def test_points_on_a_chart_carry_their_strongest_signal(built: Build) -> None:
    found = built.query(
        "select list(coalesce(signal, '') order by period_start) from marts.indicator_values"
        " where indicator_id = 'event_attendances' group by sector order by sector"
    )
    # The outer thirds begin 7.09 from the mean: 14 is in the lower one, 10 is beyond the limit.
    early = ["below_lower_limit", "near_lower_limit"] * 4
    assert found == [([*early, *["above_upper_limit"] * 5],), ([""] * 13,)]


def test_a_mean_and_its_change_have_students_and_welchs_intervals(built: Build) -> None:
    # Of 4, 6, … the standard error is 1/3 and of 8, 12, … 2/3; Student's quantile of nine degrees is 2.262157.
    assert of_the_area(
        built,
        "period, numerator, denominator, value, round(ci_lower_95, 5), round(ci_upper_95, 5)",
        "indicator_id = 'sdq_mean'",
    ) == [
        ("2023/24", 50, 10, 5.0, 4.24595, 5.75405),
        ("2024/25", 100, 10, 10.0, 8.4919, 11.5081),
    ]
    assert of_the_area(
        built,
        "previous_value, change, round(change_lower_95, 5), round(change_upper_95, 5), direction, direction_basis",
        "indicator_id = 'sdq_mean' and node_id = 'T4.5'",
        "theory_of_change",
    ) == [(5.0, 5.0, 3.39266, 6.60734, "worsening", "change_interval")]
    assert of_the_area(
        built,
        "comparator, round(difference_lower_95, 5), round(difference_upper_95, 5), verdict",
        "indicator_id = 'sdq_mean'",
        "comparisons",
    ) == [("previous_period", 3.39266, 6.60734, "worsening")]


def test_a_statement_goes_by_the_trend_and_not_by_the_last_step(built: Build) -> None:
    found = of_the_area(
        built,
        "indicator_id, change, change_lower_95 < 0 and change_upper_95 > 0, direction, direction_basis",
        "node_id = 'T4.4' and value is not null",
        "theory_of_change",
    )
    assert [row for row in found if row[0] in ("suspension_rate", "pupils_suspended", "permanent_exclusion_rate")] == [
        ("permanent_exclusion_rate", 0.0, True, "no clear change", "change_interval"),
        ("pupils_suspended", 0.0, True, "no clear change", "five_point_trend"),
        ("suspension_rate", 0.03, True, "improving", "five_point_trend"),
    ]
    assert built.query(
        "select status, improving_count, worsening_count from marts.node_status where node_id = 'T4.4'"
    ) == [("improving", 1, 0)]


def test_a_target_that_a_home_decided_on_has_its_progress_by_the_time_that_has_passed(built: Build) -> None:
    assert built.query(
        "select baseline_period, target_value, target_date::varchar, target_decided_by, target_decided_date::varchar"
        " from marts.indicators where indicator_id = 'suspension_rate'"
    ) == [("2012/13", 2.0, "2021-08-31", "partnership board", "2013-11-04")]
    found = of_the_area(
        built,
        "period, value, comparator_value, difference, round(progress, 4), verdict",
        "comparator = 'target'",
        "comparisons",
    )
    # Of the baseline and of the year before nothing.
    # From 4.00 to 2.00 in 2,922 days: after 365, 730, 1,096 and 1,461 of them 0.2498, 0.4997, 0.7502 and 1 are due.
    assert found == [
        ("2013/14", 3.71, 2.0, 1.71, 1.1608, "on_track"),
        ("2014/15", 3.43, 2.0, 1.43, 1.1408, "on_track"),
        ("2015/16", 2.86, 2.0, 0.86, 1.5197, "on_track"),
        ("2016/17", 2.89, 2.0, 0.89, 1.11, "on_track"),
    ]


def test_the_baseline_period_of_a_target_is_compared_with_every_later_one(built: Build) -> None:
    found = of_the_area(
        built,
        "period, comparator_period, comparator_value, round(difference, 2), verdict",
        "comparator = 'baseline'",
        "comparisons",
    )
    # 100 suspensions fewer of 1,400 have a standard error of 52, and 200 fewer one of 51.
    assert found == [
        ("2013/14", "2012/13", 4.0, -0.29, "no_significant_change"),
        ("2014/15", "2012/13", 4.0, -0.57, "improving"),
        ("2015/16", "2012/13", 4.0, -1.14, "improving"),
        ("2016/17", "2012/13", 4.0, -1.11, "improving"),
    ]
