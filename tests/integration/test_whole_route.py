"""From files in an inbox to published figures: what a stranger would work out by hand is what the publication says."""

from __future__ import annotations

import csv
import json
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import fastexcel
import pytest
import xlsxwriter

from expectations.marts import published_sources
from tests.commands import impact
from tests.disclosure.attacker import attack
from tests.disclosure.publication import read_truth
from tests.disclosure.published_bytes import search, withheld
from tests.unit.test_registry import read_seed

KEY = (
    "indicator_id", "source_dataset", "area_code", "sector", "organisation_id", "breakdown", "breakdown_value",
    "period_type", "period",
)  # fmt: skip
ROCHDALE = "E08000005"
LAST_EPISODES = Path("ssda903") / "2024-25" / "episodes.csv"
FIRST_WAVE = Path("workforce survey") / "Workforce survey wave 1.xlsx"


def published(root: Path, sql: str) -> list[tuple[object, ...]]:
    """The answer of the publication to a query."""
    with duckdb.connect(str(root / "published" / "impact.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def run(root: Path) -> None:
    """Run the pipeline, which must succeed."""
    result = impact("run", "--home", root)
    assert result.returncode == 0, result.stdout + result.stderr


# --- the published files ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rochdale(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of Rochdale's with the department's files and an invented return in its inbox, after a run."""
    root = tmp_path_factory.mktemp("homes") / "rochdale"
    for folder in ("dfe_exclusions", "dfe_looked_after", "ssda903_fake"):
        shutil.copytree(shared / "data" / folder, root / "inbox" / folder)
    (root / "impact.yml").write_text(f"authority: {ROCHDALE}\n", encoding="utf-8")
    run(root)
    return root


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("indicator", "source", "period", "numerator", "denominator", "value"),
    [
        ("permanent_exclusion_rate", "dfe_exclusions", "2016/17", 62, 34974, 0.18),
        ("suspension_rate", "dfe_exclusions", "2016/17", 1455, 34974, 4.16),
        ("pupils_suspended", "dfe_exclusions", "2016/17", 773, 34974, 2.21),
        ("new_placements_out_of_area", "dfe_new_placements", "2024/25", 174, 556, 31.3),
    ],
)
def test_rochdales_figures_are_as_printed_or_as_the_printed_counts_give(
    rochdale: Path, indicator: str, source: str, period: str, numerator: int, denominator: int, value: float
) -> None:
    rows = published(
        rochdale,
        f"""select numerator, denominator, value, value_status from indicator_values
        where indicator_id = '{indicator}' and source_dataset = '{source}' and period = '{period}'
        and area_code = '{ROCHDALE}' and sector = 'total' and organisation_id = 'total' and breakdown = 'total'""",
    )
    assert rows == [(numerator, denominator, value, "ok")]


@pytest.mark.shared_data
def test_every_printed_rate_of_an_area_is_published_as_it_was_printed(rochdale: Path, shared: Path) -> None:
    symbols = {"x": "c", ".": "z"}
    columns = {
        "perm_excl_rate": "permanent_exclusion_rate",
        "fixed_excl_rate": "suspension_rate",
        "one_plus_fixed_rate": "pupils_suspended",
    }
    expected = {}
    path = shared / "data" / "dfe_exclusions" / "exclusions_by_geographic_level.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            level = row["geographic_level"]
            area = {"National": row["country_code"], "Regional": row["region_code"]}.get(
                level, row["new_la_code"] or f"DFE{row['old_la_code']}"
            )
            period = f"{row['time_period'][:4]}/{row['time_period'][4:]}"
            split = "total" if row["school_type"] == "Total" else row["school_type"]
            for column, indicator in columns.items():
                printed = row[column]
                value = None if printed in symbols else float(printed)
                expected[indicator, area, split, period] = (value, symbols.get(printed, "ok"))
    found = {
        row[:4]: row[4:]
        for row in published(
            rochdale,
            """select indicator_id, area_code, breakdown_value, period, value, value_status
            from indicator_values where source_dataset = 'dfe_exclusions'""",
        )
    }
    assert len(expected) == 3 * 1492
    assert found == expected


@pytest.mark.shared_data
def test_a_placement_share_with_a_suppressed_part_has_no_value_and_its_status(rochdale: Path, shared: Path) -> None:
    parts = [f"Placed outside LA boundary {distance} than 20 miles from home" for distance in ("less", "more")]
    cells: dict[tuple[str, str], set[str]] = {}
    path = shared / "data" / "dfe_looked_after" / "la_cla_during_year_new_placements.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["new_la_code"] and row["breakdown"] in parts:
                end = int(row["time_period"])
                cells.setdefault((row["new_la_code"], f"{end - 1}/{end % 100:02}"), set()).add(row["children_count"])
    expected = {key: "c" if "c" in counts else "z" if "z" in counts else "ok" for key, counts in cells.items()}
    found = {
        (area, period): status if (value is None) == (status != "ok") else "value and status disagree"
        for area, period, value, status in published(
            rochdale,
            """select area_code, period, value, value_status from indicator_values
            where source_dataset = 'dfe_new_placements' and (area_code like 'E0%' or area_code like 'E10%')""",
        )
    }
    assert "c" in expected.values()
    assert found == expected


@pytest.mark.shared_data
def test_a_return_whose_postcodes_do_not_resolve_gives_no_share_but_says_how_many_are_not_known(rochdale: Path) -> None:
    rows = published(
        rochdale,
        """select indicator_id, value, value_status, denominator from indicator_values
        where source_dataset = 'ssda903_episodes' order by indicator_id""",
    )
    statuses = {indicator: (value, status) for indicator, value, status, _ in rows}
    for indicator in ("placed_out_of_area", "placed_out_of_area_far", "new_placements_out_of_area"):
        assert statuses[indicator] == (None, "u")
    value, status = statuses["placement_location_not_known"]
    assert status in ("ok", "c")
    assert value is None or float(str(value)) > 95


@pytest.mark.shared_data
def test_nobody_can_work_out_what_the_returns_hide(rochdale: Path) -> None:
    report = attack(rochdale / "published", read_truth(rochdale / "warehouse.duckdb"))
    assert report.leaks == []


def test_every_row_of_every_file_is_accounted_for(rochdale: Path, shared: Path) -> None:
    for file_name, read, landed, quarantined, dropped in published(
        rochdale, "select file_name, rows_read, rows_landed, rows_quarantined, rows_dropped from source_files"
    ):
        with (shared / "data" / str(file_name)).open(encoding="utf-8", newline="") as file:
            assert read == sum(1 for _ in csv.reader(file)) - 1, file_name
        assert read == landed + quarantined + dropped, file_name


# --- the invented borough -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def borough(finished_borough: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    """The invented borough after a run; to be read only."""
    root, ran = finished_borough
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return root


@pytest.fixture
def copy_of(borough: Path, tmp_path: Path) -> Iterator[Path]:
    """The borough after its run, to change."""
    shutil.copytree(borough, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def test_what_was_planted_is_what_was_counted(borough: Path) -> None:
    with (borough / "truth" / "indicator_counts.csv").open(encoding="utf-8", newline="") as file:
        planted = {
            tuple(row[k] for k in KEY): (int(row["numerator"]), int(row["denominator"]) if row["denominator"] else None)
            for row in csv.DictReader(file)
        }
    authority = next(iter(planted))[2]
    with duckdb.connect(str(borough / "warehouse.duckdb"), read_only=True) as con:
        counted = {
            row[:9]: row[9:]
            for row in con.execute(
                f"""select {", ".join(KEY)}, numerator, denominator from indicators.indicator_counts
                where area_code = ? and coalesce(published_status, 'ok') = 'ok'""",
                [authority],
            ).fetchall()
        }
    assert len(planted) > 3000
    assert counted == planted


def test_no_small_number_of_people_is_published(borough: Path) -> None:
    units = {row["indicator_id"]: row["disclosure_unit"] for row in read_seed("indicators")}
    of_people = {name for name, unit in units.items() if unit == "person"}
    answered_by_people = {name for name, unit in units.items() if unit == "respondent"}
    public = set(published_sources())
    rows = [
        row
        for row in published(
            borough, "select indicator_id, source_dataset, numerator, denominator, value_status from indicator_values"
        )
        if row[1] not in public
    ]
    small, few, hidden = set(), set(), 0
    for indicator, source, numerator, denominator, status in rows:
        if indicator in of_people:
            shown = [int(str(n)) for n in (numerator, denominator) if n is not None]
            shown += [shown[1] - shown[0]] if len(shown) == 2 else []
            small |= {(indicator, source, n) for n in shown if 1 <= n <= 5}
        elif indicator in answered_by_people and denominator is not None and int(str(denominator)) < 10:
            few.add((indicator, source, denominator))
        hidden += status == "c"
    assert (small, few) == (set(), set())
    assert hidden > 100
    # Every kind of figure about people is among those looked at.
    assert (of_people | answered_by_people) - {row[0] for row in rows} == set()


def test_nobody_can_work_out_what_the_borough_hides(borough: Path) -> None:
    report = attack(borough / "published", read_truth(borough / "warehouse.duckdb"))
    assert len(report.counts) > 5000
    assert report.leaks == []


def test_nothing_that_the_borough_hides_lies_about_in_the_published_files(borough: Path) -> None:
    numbers, words = withheld(borough / "warehouse.duckdb")
    assert len(numbers) > 500
    assert search(borough / "published", numbers, words) == []


def test_why_a_figure_is_hidden_is_said_without_the_figure(borough: Path) -> None:
    with duckdb.connect(borough / "warehouse.duckdb", read_only=True) as warehouse:
        reasons = dict(
            warehouse.execute("select reason, count(*) from indicators.suppression_log group by 1").fetchall()
        )
        columns = warehouse.execute(
            "select distinct data_type from information_schema.columns where table_name = 'suppression_log'"
        ).fetchall()
        shown = warehouse.execute(
            f"select * from indicators.suppression_log join marts.indicator_values using ({', '.join(KEY)})"
            " where value_status <> 'c' or value is not null or numerator is not null"
            " or (hides_denominator and denominator is not null)"
        ).fetchall()
    assert set(reasons) == {"small count", "small complement", "small base", "secondary"}
    assert {kind for (kind,) in columns} == {"VARCHAR", "BOOLEAN"}
    assert shown == []


def test_a_correction_waits_until_it_is_accepted_and_a_bad_supplier_holds_nobody_up(copy_of: Path) -> None:
    path, episodes = copy_of / "inbox" / FIRST_WAVE, copy_of / "inbox" / LAST_EPISODES
    corrected, changed = _with_every_answer_to_the_first_statement_agreed(path)
    _break_half_of_the_rows(episodes)
    question = "select numerator, denominator, value from indicator_values where indicator_id = 'wf01' "
    question += (
        "and period = 'workforce wave 1' and sector = 'total' and organisation_id = 'total' and breakdown = 'total'"
    )
    placed = "select * exclude (trend, trend_method, trend_reason, signal) from indicator_values"
    placed += " where source_dataset = 'ssda903_episodes' order by all"
    before, placed_before = published(copy_of, question), published(copy_of, placed)
    earlier_truth = read_truth(copy_of / "warehouse.duckdb")
    earlier = (copy_of / "published").resolve()
    path.unlink()
    shutil.move(corrected, path)

    # Figures that people have seen move far: nothing is published before somebody says that they are right.
    stopped = impact("run", "--home", copy_of)
    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "last_publication.nothing_moved" in stopped.stdout
    assert (copy_of / "published").resolve() == earlier
    waiting = json.loads(impact("accept", "--json", "--home", copy_of).stdout)
    assert {(change["rule"], change["indicator_id"], change["source_dataset"]) for change in waiting} == {
        ("nothing_moved", "wf01", "workforce_survey")
    }
    accepted = impact("accept", "--all", "--by", "survey lead", "--why", "Read the wrong way.", "--home", copy_of)
    assert accepted.returncode == 0, accepted.stderr
    run(copy_of)

    answered = before[0][1]
    assert changed > 0
    with duckdb.connect(copy_of / "warehouse.duckdb", read_only=True) as warehouse:
        counted = warehouse.execute(question.replace("indicator_values", "indicators.indicator_values_unsuppressed"))
        assert counted.fetchall() == [(answered, answered, 100.0)]
    # That everybody agreed would say what the few people in a small organisation said.
    assert published(copy_of, question) == [(None, answered, None)]
    assert published(copy_of, "select decided_by, reason from accepted_changes") == [
        ("survey lead", "Read the wrong way.")
    ]
    assert _vintages(copy_of, FIRST_WAVE) == [(False, None), (True, None)]
    # Who kept the publication from before the correction learns nothing from the two together.
    report = attack(copy_of / "published", read_truth(copy_of / "warehouse.duckdb"), (earlier, earlier_truth))
    assert report.leaks == []

    # The return that is half wrong is rejected as a whole, and the one before it stays in force.
    (kept, _), (rejected, why) = _vintages(copy_of, LAST_EPISODES)
    assert (kept, rejected) == (True, False)
    assert "rows" in str(why)
    assert published(copy_of, placed) == placed_before
    told = published(
        copy_of,
        "select severity, result from data_quality where stage = 'landed' and dataset = 'ssda903_episodes'"
        " and rule = 'quarantined_share' and result = 'failed'",
    )
    assert told == [("error", "failed")]


def _vintages(root: Path, file: Path) -> list[tuple[object, ...]]:
    """Whether each vintage of a file is in force, and what is said of it, in their order."""
    return published(
        root,
        f"select is_current, message from source_files where file_name = '{file.as_posix()}' order by landed_at",
    )


def _break_half_of_the_rows(path: Path) -> None:
    """Write a legal status that there is none into every other row of an SSDA903 file."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    for row in rows[::2]:
        row[header.index("LS")] = "ZZ"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _with_every_answer_to_the_first_statement_agreed(path: Path) -> tuple[Path, int]:
    """A copy of a survey file in which whoever answered the first statement, and did not decline, agrees."""
    sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
    rows = [list(row.values()) for row in sheet.to_arrow().to_pylist()]
    column = next(i for i, header in enumerate(rows[0]) if "how common trauma is" in " ".join(str(header).split()))
    changed = 0
    corrected = path.with_suffix(".corrected")
    with xlsxwriter.Workbook(str(corrected)) as workbook:
        target = workbook.add_worksheet("Sheet1")
        for number, row in enumerate(rows):
            if number and row[column] and "not" not in row[column].lower().replace("neither agree nor", "neither or"):
                changed += row[column] != "Agree"
                row[column] = "Agree"
            target.write_row(number, 0, ["" if cell is None else cell for cell in row])
    return corrected, changed


# --- the questions of the page --------------------------------------------------------------------------------------


QUESTIONS = re.findall(
    r"### \d+\. (.*?)\n\n```sql\n(.*?)```",
    (Path(__file__).resolve().parents[2] / "docs" / "questions.md").read_text(encoding="utf-8"),
    re.DOTALL,
)


@pytest.mark.parametrize("query", [query for _, query in QUESTIONS], ids=[question for question, _ in QUESTIONS])
def test_every_question_of_the_page_has_an_answer_in_one_plain_query(borough: Path, query: str) -> None:
    assert not re.search(r"\b(join|with|union)\b", query)
    answer = published(borough, query)
    # Of the invented borough everything is measured, and nothing got worse.
    assert (answer == []) == any(words in query for words in ("declared gap", "'worsening', 'mixed'"))


def test_the_answers_are_those_that_can_be_worked_out_by_hand(borough: Path) -> None:
    queries = dict(QUESTIONS)
    assert len(queries) == 20
    # The neighbours' median, from their own figures.
    for source, period, value, median, *_, rank, areas in published(
        borough, queries["How far is our suspension rate from that of our statistical neighbours?"]
    ):
        theirs = published(
            borough,
            "select value from indicator_values join areas using (area_code) where neighbour_rank is not null"
            f" and indicator_id = 'suspension_rate' and source_dataset = '{source}' and period = '{period}'"
            " and breakdown = 'total' and period_type = 'academic_year' and value is not null",
        )
        assert median == pytest.approx(statistics.median(row[0] for row in theirs))
        assert (rank, areas) == (1 + sum(row[0] < value for row in theirs), 1 + len(theirs))
    # Statements that rest on self-report alone, from the registry.
    evidence = {row["indicator_id"]: row["evidence"] for row in read_seed("indicators")}
    speakers: dict[tuple[str, str], set[str]] = {}
    for row in read_seed("indicator_nodes"):
        speakers.setdefault((row["framework_id"], row["node_id"]), set()).add(evidence[row["indicator_id"]])
    alone = published(borough, queries["Which parts of the framework rest on self-report alone?"])
    assert {row[:2] for row in alone} == {node for node, kinds in speakers.items() if kinds == {"self_report"}}
    # Whom nobody blames: what was planted, wave by wave.
    with (borough / "truth" / "indicator_counts.csv").open(encoding="utf-8", newline="") as file:
        planted = [
            (row["period"], int(row["numerator"]), int(row["denominator"]))
            for row in csv.DictReader(file)
            if row["indicator_id"] == "cf06" and row["sector"] == row["organisation_id"] == row["breakdown"] == "total"
        ]
    waves = published(borough, queries["How many children and families were not blamed, wave by wave?"])
    assert [row[:3] for row in waves] == sorted(planted)


def test_the_sample_fills_nearly_every_statement_and_declares_what_it_does_not(borough: Path) -> None:
    found = published(
        borough,
        "select count(*) filter (shown_count > 0)::int, count(*) filter (status = 'not yet measured')::int,"
        " count(*) filter (status = 'declared gap' and declared_gap is null)::int, count(*)::int from node_status"
        " where mart not in ('change_journey', 'measurement_framework')",
    )
    ((filled, unmeasured, undeclared, statements),) = found
    assert statements == 69
    assert filled >= 60
    assert (unmeasured, undeclared) == (0, 0)
