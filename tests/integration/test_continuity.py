"""What a new build changes of what is published: found, told apart by its size, and let through when accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from expectations.checks import Check
from expectations.continuity import Change, continuity_checks, lay_out, pending_changes, tolerances
from expectations.marts import KEY
from ingestion.home import Home
from ingestion.reference.layout import ReferenceDataError
from ingestion.registry.tables import load_registry
from orchestration.acceptance import NoSuchChange, accept
from orchestration.cli import app
from tests.integration.builders import make_home, write

DECISIONS = "decisions/accepted_changes.csv"
#: Indicator → kind of measure and decimals, as the registry has them.
REGISTRY = {
    "placed_out_of_area": ("proportion", 1),
    "suspension_rate": ("rate", 2),
    "events_held": ("count", 0),
    "sdq_mean": ("mean", 1),
}
Figures = Mapping[tuple[str, str], "Figure"]
#: Value, status, lower and upper bound.
Figure = tuple[float | None, str, float | None, float | None]


def ok(value: float, low: float | None = None, high: float | None = None) -> Figure:
    return value, "ok", low, high


HIDDEN: Figure = (None, "c", None, None)
GONE: Figure = (None, "x", None, None)

PUBLISHED: dict[tuple[str, str], Figure] = {
    ("placed_out_of_area", "2022/23"): ok(30.0, 21.9, 39.6),
    ("placed_out_of_area", "2023/24"): ok(20.0),
    ("suspension_rate", "2022/23"): ok(4.00),
    ("suspension_rate", "2023/24"): ok(0.10),
    ("events_held", "2023-09"): ok(40),
    ("events_held", "2023-10"): ok(300),
    ("sdq_mean", "2023/24"): ok(14.0),
    ("sdq_mean", "2022/23"): HIDDEN,
}


def table(figures: Figures, columns: str = "*") -> str:
    """Query for figures as ``indicator_values`` has them; ``2023/24`` ends before ``2024``."""
    rows = ", ".join(
        f"('{indicator}', 'a_source', 'E08000005', 'total', 'total', 'total', 'total', 'some_period', '{period}',"
        f" {'null' if value is None else value}::double, '{status}', {'null' if low is None else low}::double,"
        f" {'null' if high is None else high}::double, make_date(left('{period}', 4)::int, 12, 31))"
        for (indicator, period), (value, status, low, high) in figures.items()
    )
    names = ", ".join((*KEY, "value", "value_status", "ci_lower_95", "ci_upper_95", "period_end"))
    return f"select {columns} from (values {rows}) as figures ({names})"


def publish(home: Home, figures: Figures, publication: str = "1", columns: str = "*") -> None:
    folder = home.publications / publication / "parquet"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({table(figures, columns)}) to '{folder}/indicator_values.parquet'")
    home.published.unlink(missing_ok=True)
    home.published.symlink_to(folder.parent.relative_to(home.root))


def build(home: Home, changes: Figures, without: tuple[str, str] | None = None) -> None:
    """A warehouse with what is published, but for some figures."""
    figures = {key: figure for key, figure in (PUBLISHED | dict(changes)).items() if key != without}
    registry = ", ".join(f"('{name}', '{kind}', {decimals})" for name, (kind, decimals) in REGISTRY.items())
    home.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema marts; create schema staging")
        connection.execute(f"create table marts.indicator_values as {table(figures)}")
        connection.execute(
            f"create table staging.stg_registry__indicators as from (values {registry})"
            " as registry (indicator_id, measure_type, decimals)"
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path / "home")
    publish(made, PUBLISHED)
    return made


def broken(home: Home, rule: str) -> list[str]:
    """What a check finds, by its own query."""
    check: Check = next(check for check in continuity_checks() if check.rule == rule)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{home.warehouse}' as warehouse (read_only)")
        assert lay_out(lambda sql: connection.execute(sql).fetchall(), home)
        rows = connection.execute(f"with checked as (from last_publication) {check.sql}").fetchall()
    return sorted(str(row[0]) for row in rows)


def moved(home: Home) -> set[str]:
    return {change.indicator_id for change in pending_changes(home) if change.rule == "nothing_moved"}


def test_the_same_figures_change_nothing(home: Home) -> None:
    build(home, {})
    assert pending_changes(home) == []
    assert [broken(home, check.rule) for check in continuity_checks()] == [[], [], [], []]


@pytest.mark.parametrize(
    ("indicator", "period", "within", "beyond"),
    [
        # Five points.
        ("placed_out_of_area", "2023/24", ok(25.0), ok(25.1)),
        # Nine points, and still inside the interval that was published with it.
        ("placed_out_of_area", "2022/23", ok(39.0), ok(39.7)),
        # A tenth of 4.00 is 0.40; of 0.10 it is 0.01, where five steps of the last decimal are 0.05.
        ("suspension_rate", "2022/23", ok(4.40), ok(4.41)),
        ("suspension_rate", "2023/24", ok(0.15), ok(0.16)),
        # A tenth of 40 is 4, where five may be added; a tenth of 300 is 30.
        ("events_held", "2023-09", ok(45), ok(46)),
        ("events_held", "2023-10", ok(270), ok(269)),
        # A twentieth of 14.0 is 0.7.
        ("sdq_mean", "2023/24", ok(14.7), ok(14.8)),
    ],
)
def test_a_figure_has_moved_only_beyond_its_tolerance(
    home: Home, indicator: str, period: str, within: Figure, beyond: Figure
) -> None:
    build(home, {(indicator, period): within})
    assert moved(home) == set()
    build(home, {(indicator, period): beyond})
    assert moved(home) == {indicator}


def test_a_figure_that_vanishes_is_a_change_and_one_that_is_hidden_to_protect_somebody_is_none(home: Home) -> None:
    build(home, {("events_held", "2023-09"): HIDDEN})
    assert pending_changes(home) == []
    build(home, {("events_held", "2023-09"): GONE})
    (lost_its_value,) = pending_changes(home)
    build(home, {}, without=("events_held", "2023-09"))
    (lost_its_row,) = pending_changes(home)
    assert lost_its_value == lost_its_row
    assert (lost_its_row.rule, lost_its_row.figures) == ("nothing_vanished", 1)
    assert lost_its_row.summary == (
        "events_held of a_source: 1 published figure vanishes, such as"
        " E08000005 / total / total / total / total / some_period / 2023-09"
    )


def test_the_figures_of_one_indicator_and_source_are_one_change_that_names_the_largest(home: Home) -> None:
    build(home, {("events_held", "2023-09"): ok(60), ("events_held", "2023-10"): ok(100)})
    (change,) = pending_changes(home)
    assert change.figures == 2
    assert change.summary.endswith("2023-10 from 300.0 to 100.0")
    assert broken(home, "nothing_moved") == [f"{change.summary} [change {change.change_id}]"]


def test_an_accepted_change_waits_no_longer_and_any_other_does(home: Home) -> None:
    build(home, {("events_held", "2023-10"): ok(100), ("sdq_mean", "2023/24"): ok(20)})
    events, sdq = sorted(pending_changes(home), key=lambda change: change.indicator_id)
    assert accept(home, [events.change_id], "data lead", "Counted twice, until now.", 0) == [events]
    assert pending_changes(home) == [sdq]
    assert broken(home, "nothing_moved") == [f"{sdq.summary} [change {sdq.change_id}]"]

    # Another value is another change.
    build(home, {("events_held", "2023-10"): ok(101), ("sdq_mean", "2023/24"): ok(20)})
    assert moved(home) == {"events_held", "sdq_mean"}


def test_what_was_accepted_once_is_not_accepted_for_ever(home: Home) -> None:
    build(home, {("events_held", "2023-10"): ok(100)})
    accept(home, None, "data lead", "Counted twice, until now.", 0)
    publish(home, PUBLISHED, publication="2")
    assert moved(home) == {"events_held"}


def test_what_is_accepted_says_who_and_why_and_lands_with_the_decisions(home: Home) -> None:
    build(home, {("events_held", "2023-10"): ok(100), ("sdq_mean", "2023/24"): ok(20)})
    first, second = pending_changes(home)
    accept(home, [first.change_id], "data lead", 'Counted twice, "until now".', 0)
    accept(home, [second.change_id], "board", "Scale turned round.", 0)
    rows = [row.values for row in load_registry(home).tables["accepted_changes"]]
    assert [(row["change_id"], row["reason"], row["decided_by"], row["figures"]) for row in rows] == [
        (first.change_id, 'Counted twice, "until now".', "data lead", 1),
        (second.change_id, "Scale turned round.", "board", 1),
    ]
    assert rows[0]["summary"] == first.summary


def test_a_change_that_does_not_wait_cannot_be_accepted(home: Home) -> None:
    build(home, {("events_held", "2023-10"): ok(100)})
    (waiting,) = pending_changes(home)
    said = f"No change 0123456789ab waits to be accepted. There are: {waiting.change_id}."
    with pytest.raises(NoSuchChange, match=re.escape(said)):
        accept(home, [waiting.change_id, "0123456789ab"], "data lead", "Because.", 0)
    assert not (home.root / DECISIONS).exists()


def test_nothing_is_added_to_a_file_that_cannot_be_read(home: Home) -> None:
    path = write(home.root / DECISIONS, "change_id,rule\nnot an id,\n")
    build(home, {("events_held", "2023-10"): ok(100)})
    with pytest.raises(ReferenceDataError, match=r"accepted_changes\.csv"):
        accept(home, None, "data lead", "Because.", 0)
    assert path.read_text() == "change_id,rule\nnot an id,\n"


def test_the_command_lists_what_waits_and_asks_who_and_why(home: Home) -> None:
    build(home, {("events_held", "2023-10"): ok(100)})
    (change,) = pending_changes(home)
    run = CliRunner().invoke
    listed = run(app, ["accept", "--home", str(home.root)])
    assert listed.exit_code == 0
    assert change.change_id in listed.output
    assert change.summary in listed.output
    nobody = run(app, ["accept", "--all", "--home", str(home.root)])
    assert "say who accepts it and why" in str(nobody.exception)
    done = run(app, ["accept", "--all", "--by", "data lead", "--why", "Sent\ntwice.", "--json", "--home",
                     str(home.root)])  # fmt: skip
    assert [Change(**entry) for entry in json.loads(done.output)] == [change]
    assert load_registry(home).tables["accepted_changes"][0].values["reason"] == "Sent twice."
    assert "Nothing waits to be accepted." in run(app, ["accept", "--home", str(home.root)]).output


def test_a_home_without_a_publication_has_nothing_to_be_held_against(tmp_path: Path) -> None:
    fresh = make_home(tmp_path / "fresh")
    build(fresh, {})
    assert pending_changes(fresh) == []
    with duckdb.connect() as connection:
        assert not lay_out(lambda sql: connection.execute(sql).fetchall(), fresh)


def test_a_publication_of_an_older_version_is_held_against_by_what_it_has(home: Home) -> None:
    publish(home, PUBLISHED, publication="older", columns="* exclude (ci_lower_95, ci_upper_95, period_end)")
    # Inside the interval that the other publication shows; here there is none.
    build(home, {("placed_out_of_area", "2022/23"): ok(39.0)})
    assert moved(home) == {"placed_out_of_area"}
    assert broken(home, "marts_as_last_published") == [
        "indicator_values.ci_lower_95 is new",
        "indicator_values.ci_upper_95 is new",
        "indicator_values.period_end is new",
    ]


def test_a_column_that_goes_or_changes_its_type_is_announced(home: Home) -> None:
    build(home, {})
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("alter table marts.indicator_values alter value type float")
        connection.execute("alter table marts.indicator_values drop column ci_lower_95")
    assert broken(home, "marts_as_last_published") == [
        "indicator_values.ci_lower_95 is gone",
        "indicator_values.value was DOUBLE and is FLOAT",
    ]


def test_many_figures_for_periods_long_published_are_told(home: Home) -> None:
    late = {("events_held", f"2022-{month:02}"): ok(3.0) for month in range(1, 6)}
    build(home, late)
    assert broken(home, "few_figures_appear_late") == []
    build(home, late | {("events_held", "2022-06"): ok(3.0), ("events_held", "2024-01"): ok(3.0)})
    assert broken(home, "few_figures_appear_late") == ["events_held of a_source: 6 figures"]


def test_every_kind_of_measure_in_the_registry_has_a_tolerance() -> None:
    seeds = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "seed_indicators.csv"
    with duckdb.connect() as connection:
        kinds = connection.execute(f"select distinct measure_type from read_csv('{seeds}', header = true)").fetchall()
    assert {kind for (kind,) in kinds} == tolerances().tolerances.keys()
