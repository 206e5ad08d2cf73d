"""A framework of a partnership's own, added by data alone: the home of docs/own-framework.md, word for word."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from expectations.gates import check_landed
from ingestion.home import Home, open_home
from ingestion.landing import check_file, land_inbox
from ingestion.reference.layout import ReferenceDataError
from ingestion.registry.layout import DECISIONS_ABOUT_INDICATORS, FRAME_MARTS, SEEDS, layouts, seed_header
from ingestion.registry.tables import load_registry, prepare_registry
from orchestration.cli import app
from tests.integration.builders import (
    FORMS_HEADER,
    Cell,
    every_text,
    forms_header,
    landed,
    make_home,
    put_register,
    response,
    rows,
    wordings,
    write,
    write_workbook,
)

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "own-framework.md"
FOLDER = "frameworks/youth_voice"
INSTRUMENT = "instruments/young_people.yml"
ORGANISATION_QUESTION = "Which service is this about?"
QUESTIONS = (
    "I can say what I think here",
    "I know an adult here who listens to me",
    "Adults here break their promises",
    "I feel safe here",
    # The wording of an earlier form.
    "I have a say in what happens here",
)
#: One letter for each answer, and a dot where none was given.
ANSWERS = {
    "d": "Strongly disagree", "D": "Disagree", "n": "Not sure", "a": "Agree", "A": "Strongly agree",
    "r": "Rather not say", ".": None,
}  # fmt: skip
#: Of twelve young people, one column each: what they answer to the five statements.
WAVE = {
    "say": "AAAAaaaaannd",  # 9 of 12
    "adult": "AAaaaaannDdr",  # 7 of 11, one would rather not say
    "promises": "dddDDDnnnaaA",  # 6 of 12 disagree
    "safe": "AAAAaaaan...",  # 8 of 9: too few to be shown
    "decide": "Aaaannnnnddd",  # 4 of 12
}


def page_files() -> dict[str, str]:
    """What the page says to put into the home, by name."""
    block = re.compile(r"^New file `([^`]+)`:\n\n```\w+\n(.*?)```$", re.MULTILINE | re.DOTALL)
    return dict(block.findall(PAGE.read_text(encoding="utf-8")))


def do_as_the_page_says(home: Home) -> None:
    for name, text in page_files().items():
        write(home.root / name, text)


def put_answers(home: Home, wave: int = 1, answers: dict[str, str] = WAVE) -> Path:
    """A wave of the survey as Microsoft Forms exports it: everybody answers about one school, a day after another."""
    begun = datetime(2025, 5, 6, 10, 0)
    responses: list[list[Cell]] = []
    for number, given in enumerate(zip(*answers.values(), strict=True)):
        when = begun + timedelta(days=number)
        about: list[Cell] = [number + 1, when, when + timedelta(minutes=4), "anonymous", None, "Ashfield Primary"]
        responses.append(about + [ANSWERS[letter] for letter in given])
    header = [*FORMS_HEADER, ORGANISATION_QUESTION, *QUESTIONS]
    return write_workbook(
        home.inbox / "young people" / f"Young people wave {wave}.xlsx", {"Sheet1": [header, *responses]}
    )


def impact(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from orchestration.cli import main; main()", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def youth_voice(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home after a run with the page's framework, its survey and a published file that an indicator rests on."""
    home = make_home(tmp_path_factory.mktemp("youth_voice") / "home")
    do_as_the_page_says(home)
    put_register(home)
    put_answers(home)
    run = impact("run", "--home", home.root)
    assert run.returncode == 0, run.stdout + run.stderr
    return home


def published(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.published / "impact.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(page_files()[f"{FOLDER}/{name}.csv"].splitlines()))


# --- a run --------------------------------------------------------------------------------------------------------


def test_the_page_shows_a_file_of_every_table_and_a_layer_for_every_mart_of_a_frame() -> None:
    assert set(page_files()) == {
        *(f"{FOLDER}/{name}.csv" for name in layouts()),
        *(f"decisions/{name}.csv" for name in DECISIONS_ABOUT_INDICATORS),
        INSTRUMENT,
    }
    assert sorted(row["mart"] for row in rows_of("framework_layers")) == sorted(FRAME_MARTS)


def test_every_statement_of_the_framework_is_published_in_its_own_words_and_its_gap_with_the_reason(
    youth_voice: Home,
) -> None:
    found = published(
        youth_voice,
        """select node_id, layer, layer_order, statement, coalesce(before_statement, '') from framework_nodes
        where framework_id = 'youth_voice' order by node_id""",
    )
    assert found == sorted(
        (row["node_id"], row["layer"], int(row["layer_order"]), row["statement"], row["before_statement"])
        for row in rows_of("framework_nodes")
    )
    assert len(found) == 11
    assert published(
        youth_voice,
        """select node_id, declared_gap from framework_nodes
        where framework_id = 'youth_voice' and declared_gap is not null""",
    ) == [("R1", "No agreed source yet: nobody records how youth workers spend their time.")]


def test_what_ships_stands_beside_the_framework_unchanged(youth_voice: Home) -> None:
    assert published(
        youth_voice, "select framework_id, count(*)::int from framework_nodes group by all order by all"
    ) == [("nttp_logic_model", 30), ("tip_borough", 61), ("youth_voice", 11)]
    with (SEEDS / "seed_indicators.csv").open(encoding="utf-8", newline="") as file:
        shipped = sum(1 for _ in csv.DictReader(file))
    assert published(youth_voice, "select count(*)::int from indicators") == [(shipped + 5,)]


def test_indicators_of_both_kinds_speak_to_the_statements(youth_voice: Home) -> None:
    assert published(
        youth_voice, "select indicator_id, node_id from indicator_nodes where framework_id = 'youth_voice' order by all"
    ) == sorted((row["indicator_id"], row["node_id"]) for row in rows_of("indicator_nodes"))
    assert published(
        youth_voice,
        """select indicator_id, name, unit, source_dataset, owner from indicators
        where indicator_id = 'yv_promises'""",
    ) == [("yv_promises", "Adults keep their promises", "percent", "partnership_survey", "youth voice lead")]


def test_answers_become_the_figures_that_are_worked_out_by_hand(youth_voice: Home) -> None:
    values = published(
        youth_voice,
        """select indicator_id, area_code, period_type, period, period_start::varchar, period_end::varchar, numerator,
            denominator, value, value_status
        from indicator_values where source_dataset = 'partnership_survey' and sector = 'total' order by indicator_id""",
    )
    assert {row[1:6] for row in values} == {("E08000005", "wave", "young_people wave 1", "2025-05-06", "2025-05-17")}
    assert [(row[0], *row[6:]) for row in values] == [
        ("yv_adult", 7, 11, 63.6, "ok"),
        ("yv_decide", 4, 12, 33.3, "ok"),
        ("yv_promises", 6, 12, 50.0, "ok"),
        # 8 of 9 respondents: below the minimum base, neither numerator nor denominator is shown.
        ("yv_safe", None, None, None, "c"),
        ("yv_say", 9, 12, 75.0, "ok"),
    ]
    assert published(
        youth_voice,
        """select distinct sector, organisation_id, count(*)::int from indicator_values
        where source_dataset = 'partnership_survey' group by all order by all""",
    ) == [("education", "ORG1", 5), ("education", "total", 5), ("total", "total", 5)]


def test_the_query_of_the_page_shows_the_statements_with_their_figures(youth_voice: Home) -> None:
    (query,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found = published(youth_voice, query)
    assert [(row[0], row[-2], row[-1]) for row in found] == [
        ("B1", 75.0, "ok"),
        ("P1", 50.0, "ok"),
        ("J1", 33.3, "ok"),
        ("M.learning_and_impact.service", 63.6, "ok"),
        ("M.learning_and_impact.service", 50.0, "ok"),
        ("S1", 75.0, "ok"),
        ("S2", 63.6, "ok"),
        ("L1", None, "c"),
        ("N1", 33.3, "ok"),
    ]


def test_each_layer_is_in_the_mart_that_it_names_with_its_statements_and_their_figures(youth_voice: Home) -> None:
    found = {
        mart: published(
            youth_voice,
            f"""select node_id, indicator_id, value, coalesce(value_status, measurement_status) from {mart}
            where framework_id = 'youth_voice' and sector = 'total' and breakdown = 'total'
                and (indicator_id is null or starts_with(indicator_id, 'yv_')) order by all""",
        )
        for mart in FRAME_MARTS
    }
    assert found == {
        "theory_of_change": [("B1", "yv_say", 75.0, "ok")],
        "feature_outcomes": [("P1", "yv_promises", 50.0, "ok")],
        "change_journey": [("J1", "yv_decide", 33.3, "ok")],
        "measurement_framework": [
            ("M.learning_and_impact.service", "yv_adult", 63.6, "ok"),
            ("M.learning_and_impact.service", "yv_promises", 50.0, "ok"),
        ],
        "inputs": [("R1", None, None, "declared gap")],
        "activities": [],
        "short_term_outcomes": [("S1", "yv_say", 75.0, "ok"), ("S2", "yv_adult", 63.6, "ok")],
        "medium_term_outcomes": [("L1", "yv_safe", None, "c")],
        "long_term_outcomes": [],
        "national_outcomes": [("N1", "yv_decide", 33.3, "ok")],
    }
    # What only indicators that ship speak to is there too, and each statement has its status.
    for mart, node in (("activities", "W1"), ("long_term_outcomes", "F1")):
        assert published(youth_voice, f"select distinct node_id from {mart} where framework_id = 'youth_voice'") == [
            (node,)
        ]
    assert published(
        youth_voice,
        "select node_id, status from node_status where framework_id = 'youth_voice' and node_id in ('R1', 'S1', 'W1')"
        " order by node_id",
    ) == [("R1", "declared gap"), ("S1", "too few data points"), ("W1", "not yet measured")]


def test_every_figure_leads_to_the_file_it_rests_on(youth_voice: Home) -> None:
    assert published(
        youth_voice,
        """select distinct f.file_name, f.dataset from value_vintages as v join source_files as f using (vintage_id)
        where v.source_dataset = 'partnership_survey'""",
    ) == [("young people/Young people wave 1.xlsx", "partnership_survey")]


def test_a_home_without_frameworks_of_its_own_lands_no_rows_in_the_columns_of_the_seeds(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    prepare_registry(home)
    for name in layouts():
        table = pq.read_table(home.landing / "home" / f"{name}.parquet")
        assert table.num_rows == 0
        assert table.column_names == (seed_header(name) or table.column_names)


def test_rows_land_in_the_types_of_the_seeds(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    do_as_the_page_says(home)
    with_target("62.5")(home)
    prepare_registry(home)
    schema = pq.read_schema(home.landing / "home" / "indicators.parquet")
    assert schema.field("minimum_base").type == pa.int64()
    assert schema.field("target_value").type == pa.decimal128(18, 6)
    assert rows(
        "select distinct target_value::varchar, minimum_count from read_parquet(?)",
        str(home.landing / "home" / "indicators.parquet"),
    ) == [("62.500000", None)]


def test_what_has_landed_stays_until_a_file_changes(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    do_as_the_page_says(home)
    prepare_registry(home)
    nodes = home.landing / "home" / "framework_nodes.parquet"
    before = nodes.stat().st_mtime_ns
    prepare_registry(home)
    assert nodes.stat().st_mtime_ns == before
    shutil.rmtree(home.frameworks)
    shutil.rmtree(home.instruments)
    shutil.rmtree(home.decisions)
    prepare_registry(home)
    assert pq.read_metadata(nodes).num_rows == 0


# --- the survey ---------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path / "home")
    do_as_the_page_says(home)
    put_register(home)
    return home


def test_an_export_is_told_by_the_questions_of_the_home_s_own_instrument(home: Home) -> None:
    land_inbox(home)
    report = check_file(put_answers(home), home)
    assert [finding.sentence() for finding in report.findings] == []
    assert (report.dataset, report.status, report.rows_read, report.rows_landed) == (
        "partnership_survey",
        "landed",
        12,
        12,
    )
    land_inbox(home)
    # 60 answers, less the three blanks; scores of a statement that speaks against what it measures are turned round.
    found = landed(home, "partnership_survey", "instrument, wave, item_id, answer, score")
    assert len(found) == 57
    assert {row[:2] for row in found} == {("young_people", 1)}
    assert {row[3:] for row in found if row[2] == "yv_promises"} == {
        ("strongly_disagree", 5), ("disagree", 4), ("not_sure", 3), ("agree", 2), ("strongly_agree", 1),
    }  # fmt: skip
    assert {row[4] for row in found if row[3] == "rather_not_say"} == {None}


def test_nothing_of_who_answers_lands_but_a_pseudonym_of_the_response(home: Home) -> None:
    when = datetime(2025, 5, 6, 10, 0)
    header = [*FORMS_HEADER, ORGANISATION_QUESTION, *QUESTIONS, "Is there anything else you want to tell us?"]
    who = [when, when, "quill.zelda@club.example", "Zelda Quill", "Ashfield"]
    row: list[Cell] = [8675309, *who, *["Agree"] * 5, "Ask Zelda Quill"]
    write_workbook(home.inbox / "young people wave 1.xlsx", {"Sheet1": [header, row]})
    (report,) = [report for report in land_inbox(home) if report.dataset == "partnership_survey"]
    assert [finding.sentence() for finding in report.findings] == []
    texts = every_text(home.landing) | every_text(home.quarantine)
    assert [text for text in texts if any(part in text for part in ("elda", "uill", "8675309"))] == []
    ((respondent,),) = {tuple(row) for row in landed(home, "partnership_survey", "respondent_id")}
    assert re.fullmatch("[0-9a-f]{32}", respondent)


def test_without_its_instrument_the_export_is_of_no_survey_and_with_it_it_is_read_again(home: Home) -> None:
    put_answers(home)
    kept = home.root / INSTRUMENT
    aside = home.root / "aside.yml"
    kept.rename(aside)
    shutil.rmtree(home.frameworks)
    (refused,) = [report for report in land_inbox(home) if "young people" in report.file_name]
    assert (refused.status, refused.findings[0].rule) == ("refused", "unknown_questionnaire")
    aside.rename(kept)
    do_as_the_page_says(home)
    (report,) = [report for report in land_inbox(home) if "young people" in report.file_name]
    assert (report.status, report.rows_landed) == ("landed", 12)


def test_an_own_instrument_with_a_few_statements_of_one_that_ships_takes_no_export_of_that(home: Home) -> None:
    shipped = list(wordings().values())
    for question, borrowed in zip(QUESTIONS[:4], shipped[:4], strict=True):
        replace(INSTRUMENT, f'"{question}"', json.dumps(borrowed))(home)
    land_inbox(home)
    # One statement of the form is not there, so it is the home's five that it holds the larger share of.
    header, row = [cells[:-1] for cells in (forms_header(), response(1))]
    whole = write_workbook(home.inbox / "wave 1.xlsx", {"Sheet1": [[*header, QUESTIONS[4]], [*row, "Agree"]]})
    assert check_file(whole, home).dataset == "workforce_survey"
    asked = [*FORMS_HEADER, *shipped[:4], QUESTIONS[4]]
    few = write_workbook(home.inbox / "wave 2.xlsx", {"Sheet1": [asked, [*row[:5], *["Agree"] * 5]]})
    assert check_file(few, home).dataset == "partnership_survey"


def test_a_questionnaire_that_is_not_known_is_told_which_are_the_home_s_own_among_them(home: Home) -> None:
    header = [*FORMS_HEADER, "How was your lunch?", "And the pudding?"]
    lunch = write_workbook(home.inbox / "lunch wave 1.xlsx", {"Sheet1": [header, [1, "", "2025-05-06 10:00:00"]]})
    (finding,) = check_file(lunch, home).findings
    assert "“Young people's survey”" in finding.remedy
    assert "“Workforce survey”" in finding.remedy


def test_an_answer_that_is_not_of_the_scale_is_set_aside_with_the_file_to_mend(home: Home) -> None:
    land_inbox(home)
    path = home.inbox / "young people wave 1.xlsx"
    header = [*FORMS_HEADER, ORGANISATION_QUESTION, *QUESTIONS]
    when = datetime(2025, 5, 6, 10, 0)
    row: list[Cell] = [
        1,
        when,
        when,
        "anonymous",
        None,
        "Ashfield Primary",
        "Maybe",
        "Agree",
        "Agree",
        "Agree",
        "Agree",
    ]
    write_workbook(path, {"Sheet1": [header, row]})
    (finding,) = check_file(path, home).findings
    assert finding.rule == "unknown_answer"
    assert "“Maybe”" in finding.message
    assert "instruments/young_people.yml of the home" in finding.remedy


def test_a_wave_that_is_sent_again_replaces_the_one_before_and_another_wave_does_not(home: Home) -> None:
    put_answers(home)
    put_answers(home, wave=2, answers=WAVE | {"say": "dddddddddddd"})
    land_inbox(home)
    put_answers(home, wave=2, answers=WAVE | {"say": "AAAAAAAAAAAA"})
    land_inbox(home)
    found = {
        row for row in landed(home, "partnership_survey", "wave, item_id, answer") if row[0] == 2 and row[1] == "yv_say"
    }
    assert found == {(2, "yv_say", "strongly_agree")}
    assert {row[0] for row in landed(home, "partnership_survey", "wave")} == {1, 2}


def spoilt(home: Home, change: str) -> set[str]:
    """Rules that the gate finds broken once the landed answers have been changed behind its back."""
    (path,) = [p for p in (home.landing / "partnership_survey").glob("*.parquet") if p.stem != "_empty"]
    changed = path.with_suffix(".changed")
    rows(f"copy (select * replace ({change}) from read_parquet('{path}')) to '{changed}' (format parquet)")
    changed.replace(path)
    results = check_landed(open_home(home.root), {"partnership_survey": [path.stem]})
    return {result.rule for result in results if not result.passed}


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("score as score", set()),
        ("case when item_id = 'yv_say' then 1 else score end as score", {"score_fits_answer"}),
        ("'maybe' as answer", {"score_fits_answer"}),
        ("'wf01' as item_id", {"item_id_in_instrument", "item_of_its_instrument", "score_fits_answer"}),
        ("'another' as instrument", {"item_of_its_instrument"}),
        ("null::varchar as instrument", {"item_of_its_instrument", "instrument_valid"}),
        ("'yv_say' as item_id", {"every_item_answered"}),
        ("'0123456789abcdef0123456789abcdef' as respondent_id", {"enough_respondents", "respondent_is_one_row"}),
    ],
)
def test_the_gate_proves_landed_answers_by_the_home_s_own_instruments(
    home: Home, change: str, broken: set[str]
) -> None:
    put_answers(home)
    land_inbox(home)
    found = spoilt(home, change)
    assert broken <= found
    assert bool(found) is bool(broken)


# --- what does not hold together -----------------------------------------------------------------------------------


def replace(name: str, old: str, new: str) -> Callable[[Home], None]:
    def change(home: Home) -> None:
        path = home.root / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, old
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def table(name: str, old: str, new: str) -> Callable[[Home], None]:
    return replace(f"{FOLDER}/{name}.csv", old, new)


def add(name: str, text: str) -> Callable[[Home], None]:
    def change(home: Home) -> None:
        path = home.root / name
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        write(path, before + text)

    return change


def rename(name: str, new: str) -> Callable[[Home], None]:
    def change(home: Home) -> None:
        (home.root / name).rename(home.root / new)

    return change


def with_target(target: str) -> Callable[[Home], None]:
    def change(home: Home) -> None:
        path = home.root / FOLDER / "indicators.csv"
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        write(path, "\n".join([f"{header},target_value", *(f"{line},{target}" for line in lines)]) + "\n")

    return change


SHORT = """instrument_id: {}
title: Short
description: One question.
scales: {{a: [{{label: A, code: a}}]}}
items: [{{item_id: yv_say, wordings: [A], choose_many: true}}]
"""
NODES, LAYERS, LINKS, GAPS = "framework_nodes", "framework_layers", "framework_links", "framework_gaps"
MISTAKES: dict[str, tuple[Callable[[Home], None], str]] = {
    "the folder is no id": (
        rename(FOLDER, "frameworks/Youth voice"),
        "frameworks/Youth voice: the folder's name is the id of the framework. Make it of lower-case letters",
    ),
    "the framework ships": (
        rename(FOLDER, "frameworks/tip_borough"),
        "frameworks/tip_borough: the framework tip_borough ships with the warehouse",
    ),
    "a file lies in no framework": (
        add("frameworks/framework_nodes.csv", "framework_id\n"),
        "frameworks/framework_nodes.csv: it lies in no framework.",
    ),
    "a file's name is none": (
        rename(f"{FOLDER}/framework_gaps.csv", f"{FOLDER}/gaps.csv"),
        "frameworks/youth_voice/gaps.csv: a framework has no such file. The files it may have are framework_nodes.csv",
    ),
    "a framework without statements": (
        add("frameworks/empty/framework_gaps.csv", "framework_id,node_id,reason\n"),
        "frameworks/empty: it has no statement.",
    ),
    "a row of another framework": (
        table(NODES, "youth_voice,S2", "tip_borough,S2"),
        "frameworks/youth_voice/framework_nodes.csv, row 9, column framework_id: “tip_borough” is not the framework of "
        "this folder. Write youth_voice, or",
    ),
    "a column that is none": (
        table(NODES, "population", "people"),
        "framework_nodes.csv, row 1, column people: framework_nodes has no such column.",
    ),
    "an empty cell": (
        table(NODES, "Adults keep their promises", ""),
        "framework_nodes.csv, row 3, column statement: it is empty. Fill it.",
    ),
    "a statement twice": (
        table(NODES, "youth_voice,S2", "youth_voice,S1"),
        "framework_nodes.csv, row 9, column framework_id and node_id: youth_voice, S1 stands already in "
        "frameworks/youth_voice/framework_nodes.csv, row 8.",
    ),
    "two statements in one place": (
        table(NODES, "first_changes,7,2", "first_changes,7,1"),
        "framework_nodes.csv, row 9, column framework_id and layer_order and node_order: youth_voice, 7, 1 stands "
        "already in",
    ),
    "a layer that is not there": (
        table(NODES, "belief,1", "beliefs,1"),
        "framework_nodes.csv, row 2, column layer: “beliefs” is not in framework_layers.csv of the same folder.",
    ),
    "a layer in another place": (
        table(NODES, "belief,1", "belief,11"),
        "framework_nodes.csv, row 2, column layer_order: 11 is not the place of the layer belief, which is 1 in",
    ),
    "a layer without statements": (
        add(f"{FOLDER}/framework_layers.csv", "youth_voice,spare,11,Spare,inputs\n"),
        "framework_layers.csv, row 12, column layer: no statement is in “spare”.",
    ),
    "a mart that is none": (
        table(LAYERS, ",theory_of_change", ",theory"),
        "framework_layers.csv, row 2, column mart: “theory” is not one of inputs, activities,",
    ),
    "an indicator that ships": (
        table("indicators", "yv_say,", "wf01,"),
        "indicators.csv, row 2, column indicator_id: “wf01” ships with the warehouse.",
    ),
    "the name of an indicator that ships": (
        table("indicators", "Young people feel safe", "Was not blamed"),
        "indicators.csv, row 5, column name: “Was not blamed” is the name of an indicator that ships.",
    ),
    "figures on too few people": (
        table("indicators", "suppressed.,10,", "suppressed.,9,"),
        "indicators.csv, row 2, column minimum_base: 9 is below 10, the fewest people that a figure may rest on.",
    ),
    "no disclosure control": (
        table("indicators", ",respondent,Figures", ",event,Figures"),
        "indicators.csv, row 2, column disclosure_unit: “event” is not one of respondent.",
    ),
    "a target that is no number": (
        with_target("high"),
        "indicators.csv, row 2, column target_value: “high” is not a number, such as 62.5.",
    ),
    "an indicator without a source": (
        table("indicator_sources", "yv_safe,partnership_survey,1\n", ""),
        "indicators.csv, row 5, column indicator_id: “yv_safe” has no source.",
    ),
    "an indicator without a statement": (
        table("indicator_nodes", "yv_safe,youth_voice,L1", "yv_say,youth_voice,L1"),
        "indicators.csv, row 5, column indicator_id: “yv_safe” speaks to no statement.",
    ),
    "a source that is none": (
        table("indicator_sources", "yv_say,partnership_survey", "yv_say,our_survey"),
        "indicator_sources.csv, row 2, column source_dataset: “our_survey” is not one of partnership_survey.",
    ),
    "a source of an indicator that ships": (
        add(f"{FOLDER}/indicator_sources.csv", "wf01,partnership_survey,1\n"),
        "indicator_sources.csv, row 7, column indicator_id: “wf01” is none of the home's own indicators",
    ),
    "an indicator that is not known": (
        table("indicator_nodes", "suspension_rate", "suspensions"),
        "indicator_nodes.csv, row 12, column indicator_id: “suspensions” is neither an indicator that ships nor in",
    ),
    "an indicator of a statement that is not known": (
        table("indicator_nodes", "youth_voice,F1", "youth_voice,F9"),
        "indicator_nodes.csv, row 12, column node_id: “F9” is not in framework_nodes.csv of the same folder.",
    ),
    "a gap of a statement that is not known": (
        table(GAPS, "R1", "R9"),
        "framework_gaps.csv, row 2, column node_id: “R9” is not in framework_nodes.csv of the same folder.",
    ),
    "a gap without a reason": (
        table(GAPS, "No agreed source yet: nobody records how youth workers spend their time.", ""),
        "framework_gaps.csv, row 2, column reason: it is empty. Fill it.",
    ),
    "a statement with neither": (
        table(GAPS, "youth_voice,R1,No agreed source yet: nobody records how youth workers spend their time.\n", ""),
        "framework_nodes.csv, row 6, column node_id: “R1” has neither an indicator nor a declared gap.",
    ),
    "a statement with both": (
        add(f"{FOLDER}/framework_gaps.csv", "youth_voice,F1,No source.\n"),
        "framework_gaps.csv, row 3, column node_id: “F1” is declared a gap and has an indicator too "
        "(frameworks/youth_voice/indicator_nodes.csv, row 12).",
    ),
    "a link from nowhere": (
        table(LINKS, "youth_voice,R1,", "youth_voice,R9,"),
        "framework_links.csv, row 2, column from_node_id: “R9” is not in framework_nodes.csv of the same folder.",
    ),
    "a link to nowhere": (
        table(LINKS, "nttp_logic_model,L2", "nttp_logic_model,L9"),
        "framework_links.csv, row 5, column to_node_id: “L9” is not a statement of the framework nttp_logic_model.",
    ),
    "a link to itself": (
        table(LINKS, "youth_voice,R1,youth_voice,W1", "youth_voice,R1,youth_voice,R1"),
        "framework_links.csv, row 2, column to_node_id: “R1” cannot contribute to itself.",
    ),
    "a basis that is none": (
        table(LINKS, ",stated,", ",guessed,"),
        "framework_links.csv, row 2, column basis: “guessed” is not one of stated, assumed.",
    ),
    "an item without an indicator": (
        replace(INSTRUMENT, "items:\n", "items:\n  - {item_id: yv_more, wordings: [More]}\n"),
        "instruments/young_people.yml, item yv_more: no indicator has its id.",
    ),
    "an indicator without an item": (
        replace(INSTRUMENT, "  - item_id: yv_safe\n    wordings: [\"I feel safe here\"]\n", ""),
        "indicators.csv, row 5, column indicator_id: “yv_safe” is an item of no instrument, so nothing would ever",
    ),
    "an item that ships": (
        replace(INSTRUMENT, "yv_safe", "tf01"),
        "instruments/young_people.yml, item tf01: it stands already in ingestion/instruments/training_feedback.yml.",
    ),
    "a statement with several answers": (
        add("instruments/again.yml", SHORT.format("again")),
        "instruments/again.yml, item yv_say: of several answers no share can be worked out.",
    ),
    "an item of two instruments": (
        add("instruments/zest.yml", SHORT.format("zest")),
        "instruments/zest.yml, item yv_say: it stands already in instruments/young_people.yml.",
    ),
    "an instrument under another name": (
        rename(INSTRUMENT, "instruments/workforce.yml"),
        "instruments/workforce.yml: the file must be named after young_people.",
    ),
    "a scale of four answers": (
        replace(INSTRUMENT, ", score: 3", ""),
        "instruments/young_people.yml, item yv_say: the scale agreement has the scores 1, 2, 4, 5.",
    ),
    "a key that is none": (replace(INSTRUMENT, "reverse:", "reversed:"), "instruments/young_people.yml: "),
    "an instrument of another kind of file": (
        rename(INSTRUMENT, "instruments/young_people.yaml"),
        "instruments/young_people.yaml: an instrument is a file <instrument>.yml.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_does_not_hold_together_is_refused_with_its_place_and_what_to_do(home: Home, mistake: str) -> None:
    change, message = MISTAKES[mistake]
    load_registry(home)
    change(home)
    with pytest.raises(Exception, match=re.escape(message)) as refused:
        load_registry(home)
    assert type(refused.value).__module__.startswith("ingestion.")


def test_an_instrument_with_the_id_of_one_that_ships_is_refused(home: Home) -> None:
    replace(INSTRUMENT, "instrument_id: young_people", "instrument_id: workforce")(home)
    rename(INSTRUMENT, "instruments/workforce.yml")(home)
    with pytest.raises(ReferenceDataError, match="instrument_id: “workforce” ships with the warehouse"):
        load_registry(home)


def test_a_target_that_stands_in_the_framework_is_not_decided_on_again(home: Home) -> None:
    decided = "indicator_id,target_value,decided_by,decided_date\nyv_say,90,youth board,2025-09-01\n"
    write(home.decisions / "indicator_targets.csv", decided)
    assert len(load_registry(home).tables["indicator_targets"]) == 1
    with_target("62.5")(home)
    with pytest.raises(ReferenceDataError, match=r"“yv_say” has a target already in .*indicators.csv, row 2"):
        load_registry(home)


def test_notes_beside_the_files_are_left_alone(home: Home) -> None:
    write(home.frameworks / "README.md", "Ours.")
    write(home.root / FOLDER / "notes.txt", "Agreed in May.")
    write(home.root / FOLDER / "~$indicators.csv", "")
    assert len(load_registry(home).instruments) == 1


def test_a_mistake_stops_the_run_before_anything_is_read(home: Home) -> None:
    put_answers(home)
    table(GAPS, "R1", "R9")(home)
    run = impact("run", "--home", home.root)
    assert run.returncode == 2
    assert "frameworks/youth_voice/framework_gaps.csv, row 2, column node_id: “R9”" in run.stdout + run.stderr
    # A run that Dagster starts by itself comes to the same end.
    with pytest.raises(ReferenceDataError, match=r"framework_gaps\.csv, row 2, column node_id: “R9”"):
        land_inbox(home)
    assert not home.ledger.exists()
    assert not home.published.exists()


@pytest.mark.parametrize("name", ["frameworks", FOLDER, f"{FOLDER}/framework_nodes.csv", "instruments", INSTRUMENT])
def test_check_says_of_any_of_the_files_and_folders_what_a_run_would(home: Home, name: str) -> None:
    good = CliRunner().invoke(app, ["check", str(home.root / name)])
    assert good.exit_code == 0
    assert "Nothing is wrong with it" in good.stdout
    table(GAPS, "R1", "R9")(home)
    bad = CliRunner().invoke(app, ["check", "--json", str(home.root / name)])
    assert bad.exit_code == 1
    (entry,) = json.loads(bad.stdout)
    assert entry["status"] == "refused"
    assert entry["message"].startswith("frameworks/youth_voice/framework_gaps.csv, row 2, column node_id: “R9”")


def test_check_takes_files_and_folders_of_the_inbox_beside_them(home: Home) -> None:
    land_inbox(home)
    answers = put_answers(home)
    both = CliRunner().invoke(app, ["check", str(home.root / FOLDER), str(answers), "--home", str(home.root)])
    assert both.exit_code == 0
    assert "12 rows read, 12 good" in both.stdout
    folder = CliRunner().invoke(app, ["check", str(home.inbox), "--home", str(home.root)])
    assert folder.exit_code == 0
    assert "12 rows read, 12 good" in folder.stdout
