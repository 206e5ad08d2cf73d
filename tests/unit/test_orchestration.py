"""The parts of the orchestration that need neither a run nor a warehouse."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from expectations.results import CheckResult, GateError
from ingestion.contracts import load_contracts
from ingestion.findings import Finding
from ingestion.home import Home, Settings
from ingestion.landing import FileReport
from orchestration import dbt_build, gating, handover
from orchestration.automation import PATIENCE_SECONDS, SETTLED_SECONDS, Look, decide, remembered
from orchestration.dbt_build import BuildError, NodeResult, build_arguments, count_rows, model_checks, node_results
from orchestration.instance import settle
from orchestration.lock import HomeBusy, writing
from orchestration.manifest import in_external_location
from orchestration.reporting import besides_rejected, failed_checks, file_check, files_table, rejected_batches

MODEL, SEED, VIEW = "model.impact.areas", "seed.impact.seed_areas", "model.impact.stg_areas"
TEST, WARNING = "test.impact.areas_are_unique", "test.impact.areas_are_many"
#: Whose matter a check is, for checks of which that is not the point.
WHY = {"owner": "analyst", "reason": "It matters.", "remedy": "Do this."}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, Settings(authority="E08000005"))


@pytest.fixture
def manifest() -> dict[str, object]:
    def node(kind: str, name: str, **more: object) -> dict[str, object]:
        return {
            "name": name,
            "resource_type": kind,
            "fqn": ["impact", "marts", name],
            "relation_name": f'"warehouse"."marts"."{name}"' if kind != "test" else None,
            "original_file_path": f"models/marts/{name}.yml",
            "config": {"materialized": "table"},
            **more,
        }

    tested = {"attached_node": MODEL, "depends_on": {"nodes": [MODEL]}, "column_name": None}
    return {
        "nodes": {
            MODEL: node("model", "areas"),
            SEED: node("seed", "seed_areas", config={"materialized": "seed"}),
            VIEW: node("model", "stg_areas", config={"materialized": "view"}),
            TEST: node(
                "test",
                "areas_are_unique",
                config={"severity": "ERROR", "meta": WHY},
                description="No area twice.",
                **tested,
            ),
            WARNING: node("test", "areas_are_many", config={"severity": "warn", "meta": WHY}, description="", **tested),
        }
    }


def result(**changes: object) -> CheckResult:
    base = CheckResult("landed", "events", "has_rows", "The batch has rows.", "error", True, 10, 0, **WHY)
    return replace(base, **changes)  # type: ignore[arg-type]


# --- the one dbt call ------------------------------------------------------------------------------------------------


def test_a_full_build_names_no_node_and_leaves_unit_tests_out(manifest, tmp_path):
    arguments = build_arguments(None, manifest, tmp_path)
    assert arguments[0] == "build"
    excluded = [after for flag, after in pairwise(arguments) if flag == "--exclude-resource-type"]
    assert excluded == ["unit_test", "exposure"]
    assert arguments[arguments.index("--target-path") + 1] == str(tmp_path / "dbt" / "target")
    assert "--select" not in arguments


def test_a_partial_build_runs_the_nodes_that_were_chosen_and_no_test_beside_them(manifest, tmp_path):
    arguments = build_arguments({TEST, MODEL}, manifest, tmp_path)
    assert arguments[arguments.index("--select") + 1 :] == [
        "fqn:impact.marts.areas",
        "fqn:impact.marts.areas_are_unique",
    ]
    assert arguments[arguments.index("--indirect-selection") + 1] == "empty"


def test_an_answer_without_results_is_an_error_that_gives_dbts_reason():
    with pytest.raises(BuildError, match="no profile"):
        node_results(SimpleNamespace(result=None, exception=RuntimeError("no profile")))


def test_a_passed_test_becomes_a_check_with_the_rows_it_looked_at(manifest):
    (check,) = model_checks([NodeResult(TEST, "pass", failures=0)], manifest, {MODEL: 203})
    assert check == CheckResult("models", "areas", "areas_are_unique", "No area twice.", "error", True, 203, 0, **WHY)


def test_a_failed_test_blocks_and_says_how_many_rows_and_how_to_see_them(manifest):
    (check,) = model_checks([NodeResult(TEST, "fail", failures=2)], manifest, {MODEL: 203})
    assert check.blocks
    assert check.rows_failed == 2
    assert check.message.startswith("2 rows break this rule: No area twice.")
    assert "--select areas_are_unique" in check.message


def test_a_test_that_only_warns_does_not_block(manifest):
    (check,) = model_checks([NodeResult(WARNING, "warn", failures=3)], manifest, {MODEL: 203})
    assert (check.passed, check.severity, check.blocks) == (False, "warning", False)


def test_a_model_that_was_not_built_blocks_and_what_was_skipped_for_it_is_not_named(manifest):
    results = [NodeResult(MODEL, "error", message="Constraint\n  Error: null"), NodeResult(TEST, "skipped")]
    (check,) = model_checks(results, manifest, {})
    assert (check.dataset, check.rule, check.blocks) == ("areas", "is_built", True)
    assert check.message.startswith("Constraint Error: null")


def test_rows_are_counted_of_tables_and_of_views_only_where_they_are_tested(manifest, home):
    import duckdb

    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema marts; create table marts.areas as from range(3)")
        con.execute("create table marts.seed_areas as from range(2); create view marts.stg_areas as from range(5)")
    built = [NodeResult(MODEL, "success"), NodeResult(SEED, "success"), NodeResult(VIEW, "success")]
    assert count_rows(home, manifest, built) == {MODEL: 3, SEED: 2}
    manifest["nodes"][TEST]["attached_node"] = VIEW
    assert count_rows(home, manifest, [*built, NodeResult(TEST, "pass")]) == {MODEL: 3, SEED: 2, VIEW: 5}


def test_every_node_that_is_done_is_counted_and_messages_go_to_the_log(caplog):
    seen = []
    listen = dbt_build._listener(lambda *told: seen.append(told), 7)
    finished = SimpleNamespace(
        info=SimpleNamespace(level="debug", name="NodeFinished"),
        data=SimpleNamespace(node_info=SimpleNamespace(node_name="areas")),
    )
    listen(finished)
    listen(finished)
    with caplog.at_level("INFO", logger="dbt.build"):
        listen(SimpleNamespace(info=SimpleNamespace(level="warn", name="Note", msg="a macro is old")))
    assert seen == [("areas", 1, 7), ("areas", 2, 7)]
    assert caplog.messages == ["a macro is old"]


# --- results from one step to the next -------------------------------------------------------------------------------


def test_the_publication_gets_what_every_stage_left(home):
    home.warehouse.write_bytes(b"built")
    left = [result(stage=stage) for stage in handover.STAGES]
    for check in left:
        handover.leave(home, check.stage, [check])
    assert handover.proved(home) == left


def test_a_stage_that_left_nothing_stops_the_publication(home):
    handover.leave(home, handover.LANDED, [result()])
    with pytest.raises(GateError, match="models and marts"):
        handover.proved(home)


def test_a_warehouse_built_again_since_its_marts_were_checked_is_not_published(home):
    home.warehouse.write_bytes(b"built")
    for stage in handover.STAGES:
        handover.leave(home, stage, [])
    home.warehouse.write_bytes(b"built again")
    with pytest.raises(GateError, match="has changed since its marts were checked"):
        handover.proved(home)


def test_results_that_cannot_be_read_count_as_none(home):
    handover.leave(home, handover.MARTS, [result()])
    (home.state / "checks" / "marts.json").write_text("{", encoding="utf-8")
    assert handover.left(home, handover.MARTS) == []


# --- the gate on what landed -----------------------------------------------------------------------------------------


def test_an_error_about_one_batch_is_held_against_that_batch_alone():
    found = [result(passed=False, vintage_id="a", message="3 rows have no organisation."), result(vintage_id="b")]
    assert gating.why_rejected("a", found) == ["3 rows have no organisation."]
    assert gating.why_rejected("b", found) == []


def test_an_error_about_no_batch_in_particular_is_held_against_all():
    found = [result(passed=False, message="The dataset is empty.")]
    assert gating.why_rejected("a", found) == ["The dataset is empty."]
    assert gating.why_rejected("b", found) == ["The dataset is empty."]


def test_a_warning_rejects_nothing():
    assert gating.why_rejected("a", [result(passed=False, severity="warning", vintage_id="a")]) == []


# --- the sensor ------------------------------------------------------------------------------------------------------


def looks(*seen: tuple[float, dict[str, str]]) -> list[bool]:
    """Whether a run was started at each look: the moment, and the files that no run has dealt with as they are."""
    look, started = Look(), []
    for now, arrived in seen:
        look, start, _ = decide(look, arrived, now)
        started.append(start)
    return started


def test_a_run_starts_when_two_looks_half_a_minute_apart_find_the_same_file_and_only_once():
    one = {"events.csv": "8 bytes"}
    assert looks((100.0, one), (100.0 + SETTLED_SECONDS, one), (400.0, one)) == [False, True, False]


def test_a_file_that_is_still_growing_puts_the_run_off():
    seen = [(100.0 + 30 * n, {"events.csv": f"{n} bytes"}) for n in range(120)]
    assert not any(looks(*seen))
    whole = {"events.csv": "120 bytes"}
    assert looks(*seen, (3700.0, whole), (3730.0, whole))[-2:] == [False, True]


def test_a_file_that_grows_for_ever_holds_back_what_has_settled_for_a_while_and_no_longer():
    seen = [(30.0 * n, {"events.csv": "8 bytes", "export.csv": f"{n} bytes"}) for n in range(60)]
    started = looks(*seen)
    assert started.index(True) == PATIENCE_SECONDS / 30
    assert started.count(True) == 1


def test_a_file_that_arrives_after_a_run_starts_another_and_the_same_state_does_not():
    first, second = {"a.csv": "1"}, {"b.csv": "1"}
    assert looks((0, first), (30, first), (60, {}), (90, second), (120, second), (150, {}), (180, {}))[4] is True
    # The first file cannot be dealt with, and a second one joins it.
    assert looks((0, first), (30, first), (60, first | second), (90, first | second))[3] is True


def test_a_clock_that_is_set_back_keeps_a_file_waiting_for_half_a_minute_more_and_no_longer():
    one = {"events.csv": "8 bytes"}
    assert looks((100_000.0, one), (100.0, one), (110.0, one), (130.0, one)) == [False, False, False, True]


def test_an_empty_inbox_starts_nothing_and_says_so():
    assert decide(Look({"x": 1.0}, "x"), {}, 10_000.0) == (
        Look({}, "x"), False, "Everything in the inbox has been through a run.",
    )  # fmt: skip


def test_a_cursor_that_is_none_of_ours_is_as_good_as_none():
    assert remembered(None) == remembered("[1]") == remembered('{"state": "x"}') == Look()


# --- the lock --------------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from ingestion.home import Home, Settings
from orchestration.lock import writing
with writing(Home(Path(sys.argv[1]), Settings(authority="E08000005"))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_declined_and_told_who_holds_the_lock_until_that_one_is_killed(home):
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(home.root)], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(HomeBusy, match=f"process {other.pid}, since "), writing(home, 0):
                pass
        finally:
            other.kill()
    with writing(home, 5):
        assert json.loads((home.state / "run.json").read_text())["process"] != other.pid


def test_whoever_holds_the_lock_can_take_it_again(home):
    with writing(home, 0), writing(home, 0):
        pass


# --- the home's Dagster and dbt --------------------------------------------------------------------------------------


def test_dagster_keeps_its_runs_in_the_home_unless_told_otherwise(home, monkeypatch, tmp_path):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    folder = settle(home)
    assert folder == home.state / "dagster"
    assert "enabled: false" in (folder / "dagster.yaml").read_text()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "mine"))
    assert settle(home) == tmp_path / "mine"


def test_a_path_keeps_its_meaning_inside_the_location_of_a_source():
    assert in_external_location(Path("/srv/o'neill [1]/{a}*?")) == "/srv/o''neill [[]1]/{{a}}[*][?]"


def test_help_comes_without_loading_dagster_dbt_or_great_expectations():
    code = (
        "import sys; from orchestration.cli import app, main; sys.argv = ['impact', '--help']\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "print([m for m in ('dagster', 'dbt', 'great_expectations', 'duckdb', 'pandas') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


# --- what is printed -------------------------------------------------------------------------------------------------


def finding(row: int | None, **changes: object) -> Finding:
    base = Finding(
        dataset="training_bookings", file_name="bookings.csv", vintage_id="", sheet=None, source_row=row,
        column_name="Level", rule="level_code", value="Advanced", message=f"“Advanced {row}” is not one of the codes",
        remedy="Use one of the codes listed.", severity="error",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def test_many_rows_with_one_mistake_are_one_problem_with_its_rows_and_one_remedy():
    report = FileReport(
        "bookings.csv", "training_bookings", "", "landed", 40, 32, 8, 0, findings=[finding(row) for row in range(2, 10)]
    )
    text = file_check(report, load_contracts())
    assert "  Result:      40 rows read, 32 good, 8 would be rejected, 0 left out" in text
    assert "    Column “Level”, 8 rows (level_code)" in text
    assert "      row 2: “Advanced 2” is not one of the codes" in text
    assert "      also rows 5, 6, 7, 8, 9" in text
    assert sum("What to do" in line for line in text) == 1


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (finding(None, column_name=None, rule="header_missing"), "    The file (header_missing)"),
        (finding(3, rule="not_on_the_list", severity="warning"), "    Column “Level”, 1 row (not_on_the_list)"),
    ],
)
def test_each_problem_is_said_with_its_rule_whatever_it_is_about(found: Finding, line: str):
    text = file_check(
        FileReport("b.csv", "training_bookings", "", "landed", 4, 4, 0, 0, findings=[found]), load_contracts()
    )
    assert line in text


def test_rows_that_are_left_out_are_said_with_the_contracts_reason():
    report = FileReport("w.xlsx", "workforce_survey", "", "landed", 4, 3, 0, 1, dropped_by_rule={"no_answered_item": 1})
    assert "  Left out:    1 row. The response answers none of the instrument's statements." in file_check(
        report, load_contracts()
    )


def test_a_return_of_headers_alone_is_told_what_it_says():
    text = file_check(FileReport("missing.csv", "ssda903_missing", "", "landed"), load_contracts())
    assert "  It says:     No child who was looked after in the year went missing or was away without" in text[3]
    assert text[-1] == "  Nothing is wrong with it."


def test_a_file_with_nothing_wrong_is_told_so():
    report = FileReport("bookings.csv", "training_bookings", "", "landed", 4, 4, 0, 0)
    assert file_check(report, load_contracts())[-1] == "  Nothing is wrong with it."


def test_the_table_of_files_is_plain_text_with_numbers_that_line_up(capsys):
    reports = [FileReport("a.csv", "events", "", "landed", 1234, 1200, 30, 4), FileReport("b.csv", None, "", "refused")]
    Console(width=200, no_color=True).print(files_table(reports))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0].split() == ["file", "dataset", "status", "read", "landed", "quarantined", "dropped"]
    assert lines[1].split() == ["a.csv", "events", "landed", "1,234", "1,200", "30", "4"]
    assert lines[2].split() == ["b.csv", "not", "recognised", "refused", "0", "0", "0", "0"]
    assert len(lines[1]) == len(lines[2])


def test_the_table_of_files_says_which_batch_was_rejected(capsys):
    reports = [FileReport("a.csv", "events", "v1", "landed"), FileReport("b.csv", "events", "v2", "landed")]
    checks = [result(passed=False, vintage_id="v2"), result(passed=False, vintage_id="v1", severity="warning")]
    Console(width=200, no_color=True).print(files_table(reports, checks))
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == ["status", "landed", "rejected"]


def test_a_rejected_batch_is_named_with_the_reasons():
    reports = [FileReport("a.csv", "events", "v1", "landed"), FileReport("b.csv", "events", "v2", "landed")]
    checks = [result(passed=False, vintage_id="v2", message="Half of it is in quarantine; send it again.")]
    assert rejected_batches(reports, checks) == [
        "b.csv was rejected as a whole. Half of it is in quarantine; send it again."
    ]


def test_a_rejected_batch_that_has_left_the_inbox_is_among_the_failed_checks():
    here, gone = (result(passed=False, vintage_id=vintage_id) for vintage_id in ("v1", "v2"))
    warning = result(passed=False, vintage_id="v1", severity="warning")
    reports = [FileReport("a.csv", "events", "v1", "landed")]
    assert besides_rejected(reports, [here, gone, warning]) == [gone, warning]


def test_a_return_of_headers_alone_that_says_something_is_not_called_useless():
    said = {}
    for dataset in ("ssda903_uasc", "ssda903_header"):
        said[dataset] = file_check(FileReport("a.csv", dataset, "", "landed", 0, 0, 0, 0), load_contracts())
    assert not any("would be rejected, because" in line for line in said["ssda903_uasc"])
    assert any("would be rejected, because" in line for line in said["ssda903_header"])


def test_failed_checks_are_listed_with_those_that_stop_something_first():
    lines = failed_checks([result(passed=False, severity="warning"), result(), result(passed=False, message="Empty.")])
    assert lines == [
        "error: events, has_rows (landed): Empty.",
        "warning: events, has_rows (landed): The batch has rows.",
    ]
