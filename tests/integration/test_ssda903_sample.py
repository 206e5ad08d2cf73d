"""The returns of the invented borough: what was planted is what their files alone give, at every size."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path

import pytest

from ingestion.landing import land_inbox
from ingestion.pseudonyms import KEY_VARIABLE
from ingestion.sample.filing import Filing
from ingestion.sample.looked_after import Directory, make_children
from ingestion.sample.places import HOME, make_postcodes, write_overlay
from ingestion.sample.scale import SCALES, Size, stream
from ingestion.sample.ssda903 import write_returns
from ingestion.sample.tally import Tally
from tests.integration.builders import make_home

YEARS = (2023, 2024, 2025)
FILES = ("header", "episodes", "missing", "reviews", "uasc", "oc2", "oc3", "ad1")
SENT_AGAIN = "ssda903/2023-24/oc2_sent_again.csv"
IN_EDUCATION_OR_WORK = {"F1", "F2", "F4", "F5", "P1", "P2", "P4", "P5"}

Row = dict[str, str]


class Planted:
    """The returns of one size with what was planted in them."""

    def __init__(self, root: Path, size: Size) -> None:
        """Write them."""
        self.filing, self.tally = Filing(root / "inbox"), Tally(HOME.area_code)
        directory, scale = Directory.of(make_postcodes(stream(1, "postcodes"))), SCALES[size]
        looked_after = stream(1, "looked_after")
        children = make_children(looked_after, scale, directory)
        outcomes = stream(1, "looked_after_outcomes")
        write_returns(self.filing, self.tally, looked_after, outcomes, scale, children, directory)
        self.figures = {
            (c.indicator_id, c.source_dataset, c.period): (c.numerator, c.denominator) for c in self.tally.counts
        }

    def rows(self, name: str) -> list[Row]:
        """The rows of a file that no truth says are quarantined."""
        bad = {flaw.source_row for flaw in self.filing.quarantine if flaw.file_name == name}
        with (self.filing.inbox / name).open(encoding="utf-8", newline="") as file:
            return [row for number, row in enumerate(csv.DictReader(file), 2) if number not in bad]


@pytest.fixture(scope="module", params=["borough", pytest.param("region", marks=pytest.mark.endurance)])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(tmp_path_factory.mktemp("returns") / request.param, request.param)


def day(text: str) -> date | None:
    return datetime.strptime(text, "%d/%m/%Y").date() if text else None


def folder(year: int) -> str:
    return f"ssda903/{year - 1}-{year % 100}"


def age(row: Row, year: int) -> int:
    born = day(row["DOB"])
    assert born is not None
    return year - born.year - ((born.month, born.day) > (3, 31))


def lives(planted: Planted, year: int) -> dict[str, list[tuple[date, date | None, str]]]:
    """Start, end and reason for being new of each child's episodes in a return, short breaks left out."""
    episodes: dict[str, list[tuple[date, date | None, str]]] = defaultdict(list)
    for row in planted.rows(f"{folder(year)}/episodes.csv"):
        started = day(row["DECOM"])
        assert started is not None
        if row["LS"] not in ("V3", "V4"):
            episodes[row["CHILD"]].append((started, day(row["DEC"]), row["RNE"]))
    return episodes


def there_on(episodes: list[tuple[date, date | None, str]], on: date) -> bool:
    return any(started <= on and (ceased is None or ceased > on) for started, ceased, _ in episodes)


def test_every_figure_about_the_children_follows_from_the_files(planted: Planted) -> None:
    counted = {}
    for year in YEARS:
        period, children = f"{year - 1}/{year % 100}", lives(planted, year)
        first, last = date(year - 1, 4, 1), date(year, 3, 31)
        stock = {child for child, episodes in children.items() if there_on(episodes, last)}
        for_a_year = {child for child in stock if there_on(children[child], first)}
        moves = {
            child: there_on(children[child], first)
            + sum(started > first and reason in "SPB" for started, _, reason in children[child])
            for child in stock
        }
        counted["placement_stability", "ssda903_episodes", period] = (
            sum(number >= 3 for number in moves.values()), len(stock),
        )  # fmt: skip
        missing = {row["CHILD"] for row in planted.rows(f"{folder(year)}/missing.csv") if row["MISSING"] == "M"}
        counted["missing_from_care", "ssda903_missing", period] = (len(missing & children.keys()), len(children))
        rows = planted.rows(SENT_AGAIN if year == 2024 else f"{folder(year)}/oc2.csv")
        told = [row for row in rows if row["CHILD"] in for_a_year]
        assert len(told) < len(rows)
        scores = [int(row["SDQ_SCORE"]) for row in told if row["SDQ_SCORE"] and 4 <= age(row, year) <= 16]
        counted["sdq_high_concern", "ssda903_oc2", period] = (sum(score >= 17 for score in scores), len(scores))
        counted["sdq_mean", "ssda903_oc2", period] = (sum(scores), len(scores))
        for indicator, header in (
            ("health_assessed", "HEALTH_ASSESSMENT"),
            ("substance_misuse", "SUBSTANCE_MISUSE"),
            ("convicted", "CONVICTED"),
        ):
            yes = sum(row[header] == "1" for row in told)
            counted[indicator, "ssda903_oc2", period] = (yes, len(for_a_year))
    assert {key: figure for key, figure in planted.figures.items() if key in counted} == counted
    assert len(counted) == 7 * len(YEARS)


def test_every_figure_about_care_leavers_follows_from_the_files(planted: Planted) -> None:
    counted = {}
    for year in YEARS:
        rows = [r for r in planted.rows(f"{folder(year)}/oc3.csv") if r["IN_TOUCH"] not in ("DIED", "RHOM")]
        assert {age(row, year) for row in rows} == {17, 18, 19, 20, 21}
        for indicator, number in (
            ("care_leavers_in_eet", sum(row["ACTIV"] in IN_EDUCATION_OR_WORK for row in rows)),
            ("care_leavers_suitably_housed", sum(row["ACCOM"].endswith("1") for row in rows)),
        ):
            counted[indicator, "ssda903_oc3", f"{year - 1}/{year % 100}"] = (number, len(rows))
    assert {key: figure for key, figure in planted.figures.items() if key[1] == "ssda903_oc3"} == counted


def test_a_return_has_all_its_files_and_their_traps(planted: Planted) -> None:
    files = {file.file_name: file for file in planted.filing.files}
    assert files.keys() == {f"{folder(year)}/{name}.csv" for year in YEARS for name in FILES} | {SENT_AGAIN}
    assert {name for name, file in files.items() if file.status == "not_needed"} == {
        f"{folder(year)}/ad1.csv" for year in YEARS
    }
    # The same child twice in a day: the second row says nothing new.
    assert {name for name, file in files.items() if file.status == "landed" and file.rows_dropped} == {
        f"{folder(year)}/missing.csv" for year in YEARS
    }
    kinds = Counter((flaw.file_name.rsplit("/", 1)[-1], flaw.rule_kind) for flaw in planted.filing.quarantine)
    assert {(name, kind): number for (name, kind), number in kinds.items() if name in ("oc2.csv", "oc3.csv")} == {
        ("oc2.csv", "maximum"): 1,
        ("oc2.csv", "not_a_date"): 1,
        ("oc2.csv", "not_yes_or_no"): 1,
        ("oc2.csv", "unknown_code"): 1,
        ("oc3.csv", "unknown_code"): 2,
        ("oc3.csv", "aged_17_to_21"): 1,
    }
    sexes = [{row["SEX"] for row in planted.rows(f"{folder(year)}/uasc.csv")} for year in (2024, 2025)]
    assert sexes == [{"1"}, {"M"}]
    both = [{row["MISSING"] for row in planted.rows(f"{folder(year)}/missing.csv")} for year in YEARS]
    assert both == [{"M", "A"}] * 3


def test_the_file_that_is_sent_again_comes_later_and_says_more(planted: Planted) -> None:
    first, again = f"{folder(2024)}/oc2.csv", SENT_AGAIN
    times = [(planted.filing.inbox / name).stat().st_mtime for name in (first, again)]
    assert times[0] < times[1]
    before, after = ({row["CHILD"]: row for row in planted.rows(name)} for name in (first, again))
    assert before.keys() < after.keys()
    put_right = {
        child for child, row in before.items() if row["HEALTH_ASSESSMENT"] != after[child]["HEALTH_ASSESSMENT"]
    }
    assert put_right
    assert {after[child]["HEALTH_ASSESSMENT"] for child in put_right} == {"1"}


def test_high_concern_falls_over_the_years_and_fewer_children_go_missing(planted: Planted) -> None:
    for indicator, source in (("sdq_high_concern", "ssda903_oc2"), ("missing_from_care", "ssda903_missing")):
        shares = [
            numerator / (denominator or 0)
            for year in YEARS
            for numerator, denominator in [planted.figures[indicator, source, f"{year - 1}/{year % 100}"]]
        ]
        assert shares[0] > shares[-1] + 0.01, indicator


def test_landing_finds_what_was_planted_and_nothing_else(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    home = make_home(tmp_path / "home", HOME.area_code)
    home.inbox.rmdir()
    home.inbox.symlink_to(planted.filing.inbox)
    write_overlay(home.reference_overlay, make_postcodes(stream(1, "postcodes")))
    reports = land_inbox(home)

    assert {
        (r.file_name, r.dataset, r.status, r.rows_read, r.rows_landed, r.rows_quarantined, r.rows_dropped)
        for r in reports
    } == set(planted.filing.files)
    errors = {
        (report.file_name, f.source_row, f.column_name, f.rule)
        for report in reports
        for f in report.findings
        if f.severity == "error"
    }
    assert errors == {(q.file_name, q.source_row, q.column_header, q.rule_kind) for q in planted.filing.quarantine}
