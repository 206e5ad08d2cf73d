"""The commands as a user types them, over the invented borough; and what Dagster finds in the definitions."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from typer.testing import CliRunner

from expectations.results import OWNERS, CheckResult
from ingestion.contracts import load_contracts
from ingestion.home import Home, Settings
from orchestration import manifest
from orchestration.cli import app
from tests.commands import IMPACT, impact

if TYPE_CHECKING:
    import dagster as dg

MISTAKES = Path("training/bookings_2023-24.csv")


@pytest.fixture(scope="module")
def root(
    finished_borough: tuple[Path, subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A copy of the home of the invented borough after its first run, to work in."""
    root = tmp_path_factory.mktemp("homes") / "the home of o'neill"
    shutil.copytree(finished_borough[0], root, symlinks=True)
    return root


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def landed(root: Path) -> dict[str, str]:
    """What landed; the ledger beside it notes each run."""
    return {name: digest for name, digest in content(root / "landing").items() if name.endswith(".parquet")}


# --- impact run ------------------------------------------------------------------------------------------------------


def test_a_run_says_what_became_of_each_file_where_the_marts_are_and_a_query_that_works(finished_borough):
    root, run = finished_borough
    assert run.returncode == 0, run.stdout + run.stderr
    said = " ".join(run.stdout.split())
    assert "training/bookings_2023-24.csv training_bookings landed 522 519 3 0" in said
    assert "misc/minutes.csv not recognised refused 0 0 0 0" in said
    assert "demonstration key" in said
    assert str(root / "published" / "impact.duckdb") in run.stdout
    query = run.stdout.partition('con.sql("""')[2].partition('"""')[0]
    with duckdb.connect(str(root / "published" / "impact.duckdb"), read_only=True) as con:
        rows = con.execute(query).fetchall()
    assert rows
    assert all(str(row[0]) in run.stdout for row in rows)


def test_a_run_prints_no_log_lines_and_no_traceback(finished_borough):
    _, run = finished_borough
    assert "Traceback" not in run.stdout + run.stderr
    assert "dagster" not in run.stdout + run.stderr
    assert run.stderr == ""


def files_sent(root: Path) -> int:
    """How many files the sample has put into the inbox."""
    return sum(path.is_file() for path in (root / "inbox").rglob("*"))


def test_every_file_adds_up_in_the_publication(root):
    with duckdb.connect(str(root / "published" / "impact.duckdb"), read_only=True) as con:
        files, unequal = con.execute(
            "select count(*), count(*) filter (rows_read <> rows_landed + rows_quarantined + rows_dropped)"
            " from source_files"
        ).fetchone()
    assert files == files_sent(root) > 100
    assert unequal == 0


def test_the_publication_holds_the_results_of_every_stage(root):
    with duckdb.connect(str(root / "published" / "impact.duckdb"), read_only=True) as con:
        stages = dict(con.execute("select stage, count(*) from data_quality group by stage").fetchall())
    assert {"landed", "models", "marts"} <= stages.keys()
    assert all(stages.values())


def killed_while_it_builds(home: Path) -> None:
    run = subprocess.Popen([*IMPACT, "run", "--home", str(home)], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for line in run.stdout:
        if "Building the warehouse" in line:
            time.sleep(1)
            run.send_signal(signal.SIGKILL)
            break
    assert run.wait() == -signal.SIGKILL
    run.stdout.close()


def test_restored_from_its_backup_killed_and_run_again_while_someone_reads_a_home_is_as_it_was(root, tmp_path):
    def publication(home: Path) -> str:
        return json.loads(impact("status", "--json", "--home", home).stdout)["publication"]["publication_id"]

    archive, restored = tmp_path / "one.tar.gz", tmp_path / "restored"
    for said in (impact("backup", archive, "--home", root), impact("restore", archive, restored)):
        assert said.returncode == 0, said.stdout + said.stderr
    before, link = content(root / "published"), (root / "published").readlink()
    assert (content(restored / "published"), (restored / "published").readlink()) == (before, link)
    assert landed(restored) == landed(root)
    assert publication(restored) == publication(root)
    with duckdb.connect(str(restored / "published" / "impact.duckdb"), read_only=True) as reader:
        rows = reader.execute("select count(*) from indicator_values").fetchone()
        killed_while_it_builds(restored)
        # Nothing holds the lock any more.
        run = impact("--home", restored, "run", "--wait", 0)
        assert reader.execute("select count(*) from indicator_values").fetchone() == rows
    assert run.returncode == 0, run.stdout + run.stderr
    assert "nothing has changed" in run.stdout
    assert content(restored / "published") == before
    assert landed(restored) == landed(root)
    assert (restored / "published").readlink() == link


def test_the_runs_are_recorded_where_dagsters_page_finds_them_with_rows_and_checks(root, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(root / ".impact" / "dagster"))
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs()
        latest = instance.get_latest_materialization_event(dg.AssetKey("indicator_values"))
        arrived = instance.get_latest_materialization_event(dg.AssetKey(["inbox", "training_bookings"]))
    assert {run.job_name for run in runs} == {"everything"}
    with duckdb.connect(str(root / "published" / "impact.duckdb"), read_only=True) as con:
        (rows,) = con.execute("select count(*) from indicator_values").fetchone()
    assert latest.asset_materialization.metadata["dagster/row_count"].value == rows
    assert arrived.asset_materialization.metadata["rows_quarantined"].value == 3


#: Whose matter a check is, for checks of which that is not the point.
WHY = {"owner": "analyst", "reason": "It matters.", "remedy": "Do this."}


class _Worker:
    """A gate that finds what a test wants it to find."""

    found: tuple[CheckResult, ...] = ()
    is_free = False

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def companions(self, home: Home, datasets: list[str]) -> dict[str, frozenset[str]]:
        return dict.fromkeys(datasets, frozenset())

    def check_landed(self, home: Home, vintages: dict[str, list[str]]) -> list[CheckResult]:
        has_rows = CheckResult("landed", "", "has_rows", "The batch has rows.", "error", True, 1, 0, **WHY)
        return [replace(has_rows, dataset=dataset) for dataset in vintages]

    def document(self, home: Home) -> None:
        pass

    def check_marts(self, home: Home) -> list[CheckResult]:
        return list(self.found)


def test_an_interrupted_run_says_so_in_one_line_and_exits_130(root):
    run = subprocess.Popen(
        [*IMPACT, "run", "--home", str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    for line in run.stdout:
        if "Checking what landed" in line:
            run.send_signal(signal.SIGINT)
            break
    _, errors = run.communicate()
    assert run.returncode == 130
    assert errors == "impact: interrupted. Run again; it goes on from what has landed.\n"


def test_a_failing_blocking_check_is_named_and_leaves_the_publication_as_it_was(root, monkeypatch):
    before, link = content(root / "published"), (root / "published").readlink()
    message = "3 values lie above 100; correct indicators.csv."
    failing = CheckResult(
        "marts", "indicator_values", "percent_is_possible", "Up to 100.", "error", False, 9, 3, message=message, **WHY
    )
    monkeypatch.setattr(_Worker, "found", (failing,))
    monkeypatch.setattr("orchestration.run.GateWorker", _Worker)
    for name in ("DAGSTER_HOME", "IMPACT_HOME"):
        monkeypatch.delenv(name, raising=False)
    said = CliRunner().invoke(app, ["run", "--home", str(root)])
    assert said.exit_code == 1, said.output
    assert "blocking checks failed: indicator_values.percent_is_possible" in said.output
    assert message in said.output
    assert content(root / "published") == before
    assert (root / "published").readlink() == link


def test_two_runs_never_write_together(root):
    held = "import sys, time; from pathlib import Path; from ingestion.home import open_home\n"
    held += "from orchestration.lock import writing\n"
    held += "with writing(open_home(Path(sys.argv[1]))): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", held, str(root)], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            run = impact("run", "--home", root, "--wait", 0)
        finally:
            other.kill()
    assert run.returncode == 2
    assert f"is being written by another run (process {other.pid}" in run.stderr
    assert "Traceback" not in run.stderr


# --- impact check, status, sample ------------------------------------------------------------------------------------


def test_check_says_row_column_value_and_remedy_exits_1_and_touches_nothing(root):
    before = content(root)
    said = impact("check", root / "inbox" / MISTAKES, "--home", root)
    assert said.returncode == 1
    assert "522 rows read, 519 good, 3 would be rejected, 0 left out" in said.stdout
    assert "row 262: “31/04/2024” is not a date" in said.stdout
    assert said.stdout.count("What to do: ") == 3
    assert content(root) == before


def test_check_prints_json_for_a_program(root):
    said = impact("check", root / "inbox" / MISTAKES, "--home", root, "--json")
    (report,) = json.loads(said.stdout)
    assert report["rows_quarantined"] == 3
    assert {finding["source_row"] for finding in report["findings"]} == {132, 262, 392}


def test_check_of_a_good_file_exits_0(root):
    assert impact("check", root / "inbox" / "training" / "bookings_2022-23.csv", "--home", root).returncode == 0


def test_status_says_what_is_published_and_how_each_dataset_stands(root):
    said = impact("status", IMPACT_HOME=str(root))
    assert said.returncode == 0
    assert "Published " in said.stdout
    lines = {line.split()[0]: line.split() for line in said.stdout.splitlines() if line.strip()}
    assert set(lines) >= {name for name, contract in load_contracts().items() if contract.not_needed is None}
    assert lines["training_bookings"][1] == "fresh"
    assert lines["training_bookings"][-2] == "3"
    found = json.loads(impact("status", "--home", root, "--json").stdout)
    assert found["publication"]["tables"]["source_files"] == files_sent(root)
    assert set(found["refused"]) == {"misc/minutes.csv", "events/event_log_export.csv"}


def test_lineage_leads_from_a_figure_to_its_files_and_their_rows(root):
    result = impact("lineage", "wf01", "--period", "workforce wave 2", "--json", "--home", root)
    assert result.returncode == 0, result.stderr
    (figure,) = json.loads(result.stdout)
    (file,) = figure["files"]
    assert (file["dataset"], file["file_name"]) == ("workforce_survey", "workforce survey/Workforce survey wave 2.xlsx")
    with duckdb.connect() as con:
        assert "source_row" in con.sql(file["rows_query"]).columns
        agree, answered = con.sql(
            f"select count(*) filter (score >= 4), count(score) from ({file['rows_query']}) where item_id = 'wf01'"
        ).fetchall()[0]
    # The figure is what its file's rows count to.
    assert (figure["numerator"], figure["denominator"]) == (agree, answered)


def test_lineage_of_an_organisations_figure_needs_no_sector(root):
    asked = ("lineage", "training_take_up", "--organisation", "ORG0001", "--json", "--home", root)
    (figure,) = json.loads(impact(*asked).stdout)
    with duckdb.connect(str(root / "published" / "impact.duckdb"), read_only=True) as con:
        (sector,) = con.execute("select sector_code from organisations where organisation_id = 'ORG0001'").fetchone()
    assert (figure["organisation_id"], figure["sector"]) == ("ORG0001", sector)
    assert sector != "total"
    assert json.loads(impact(*asked, "--sector", sector).stdout) == [figure]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["suspensionrate"], "no indicator is called suspensionrate; the nearest are suspension_rate, "),
        (["wf01", "--period", "x"], "the newest periods of wf01 in that area are workforce wave 3, workforce wave 2, "),
        (["wf01", "--area", "E92000001"], "wf01 has no figure there"),
        (["wf01", "--breakdown", "role"], "“role” is no breakdown; write its name and its value"),
    ],
)
def test_lineage_of_a_figure_that_is_not_published_says_what_there_is(root, asked, says):
    result = impact("lineage", *asked, "--home", root)
    assert (result.returncode, result.stdout) == (2, "")
    assert says in result.stderr


@pytest.mark.parametrize("command", [["run"], ["status"], ["lineage", "wf01"]])
def test_without_a_home_there_is_one_message_that_says_what_to_do(command, tmp_path):
    said = impact(*command, "--home", tmp_path)
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "impact sample" in said.stderr


def test_a_command_that_does_not_exist_is_a_usage_error():
    assert impact("publish").returncode == 2


def test_the_sample_overwrites_nothing(root):
    said = impact("sample", root)
    assert said.returncode == 2
    assert "already holds" in said.stderr


# --- what Dagster finds ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parsed() -> Path:
    return manifest.manifest_path()


def test_every_dbt_test_says_whose_matter_it_is_why_it_matters_and_what_to_do(parsed):
    nodes = json.loads(parsed.read_text(encoding="utf-8"))["nodes"].values()
    metas = {node["name"]: node["config"]["meta"] for node in nodes if node["resource_type"] == "test"}
    assert len(metas) > 100
    assert {meta["owner"] for meta in metas.values()} == set(OWNERS)
    assert [n for n, meta in metas.items() if not (meta["reason"].endswith(".") and meta["remedy"].endswith("."))] == []


@pytest.fixture(scope="module")
def nodes(parsed: Path) -> list[dict[str, Any]]:
    return list(json.loads(parsed.read_text(encoding="utf-8"))["nodes"].values())


@pytest.fixture(scope="module")
def graph(parsed: Path) -> dg.Definitions:
    from orchestration.definitions import build_defs

    return build_defs(manifest_file=parsed)


def test_every_dataset_model_and_the_publication_is_an_asset_under_its_own_name(graph, nodes):
    keys = {key.to_user_string() for key in graph.resolve_all_asset_keys()}
    datasets = {name for name, contract in load_contracts().items() if contract.not_needed is None}
    models = {node["name"] for node in nodes if node["resource_type"] == "model"}
    assert keys >= {f"landing/{name}" for name in datasets}
    assert keys >= models
    assert "publication" in keys


def test_every_asset_has_a_group_and_a_description(graph):
    specs = {spec.key: spec for spec in graph.resolve_all_asset_specs()}
    assert [key for key, spec in specs.items() if not spec.description] == []
    assert {spec.group_name for spec in specs.values()} == {
        "inbox", "landing", "reference", "staging", "intermediate", "indicators", "marts", "seeds", "publishing",
    }  # fmt: skip


def test_a_dataset_is_fresh_for_as_long_as_its_contract_says(graph):
    specs = {spec.key.path[-1]: spec for spec in graph.resolve_all_asset_specs() if spec.key.path[0] == "inbox"}
    days = {name: spec.freshness_policy.fail_window.to_timedelta().days for name, spec in specs.items()}
    assert days["training_bookings"] == 45
    assert days["ssda903_episodes"] == 400


def test_every_data_test_of_dbt_is_an_asset_check_and_every_mart_has_a_blocking_gate(graph, nodes):
    tests = {node["name"] for node in nodes if node["resource_type"] == "test"}
    marts = {node["name"] for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == "marts"}
    assets = graph.resolve_asset_graph()
    specs = [assets.get_check_spec(key) for key in assets.asset_check_keys]
    assert tests <= {spec.name for spec in specs}
    assert marts <= {spec.asset_key.path[-1] for spec in specs if spec.name == "gate" and spec.blocking}


def test_the_nightly_run_is_at_two_in_london(graph):
    schedules = {schedule.name: schedule for schedule in graph.schedules}
    assert {schedule.execution_timezone for schedule in schedules.values()} == {"Europe/London"}
    assert {name: schedule.cron_schedule for name, schedule in schedules.items()} == {
        "nightly": "0 2 * * *",
        "morning_alerts": "30 7 * * *",
        "weekly_tidying": "0 5 * * 0",
    }


def test_the_sensor_asks_for_one_run_when_a_file_that_no_run_has_seen_has_settled(graph, monkeypatch, tmp_path):
    import dagster as dg

    from orchestration.resources import HomeResource

    (sensor,) = (sensor for sensor in graph.sensors if sensor.name == "inbox_has_settled")
    moment = [1000.0]
    monkeypatch.setattr("orchestration.automation.time.time", lambda: moment[0])
    requested, cursor = [], None
    (tmp_path / "impact.yml").write_text("authority: E08000005\n", encoding="utf-8")
    (tmp_path / "inbox").mkdir()
    for moment[0] in (1000.0, 1010.0, 1030.0, 1060.0, 1090.0, 1120.0):
        if moment[0] == 1010.0:
            (tmp_path / "inbox" / "events.csv").write_text("Date\n", encoding="utf-8")
        with dg.build_sensor_context(cursor=cursor, resources={"inbox": HomeResource(path=str(tmp_path))}) as context:
            outcome = sensor.evaluate_tick(context)
        cursor = outcome.cursor
        requested.append([request.run_config for request in outcome.run_requests])
    settled = {"resources": {"home": {"config": {"settle_seconds": 30.0}}}}
    assert requested == [[], [], [], [settled], [], []]
    assert not (tmp_path / "landing").exists()


# --- the parsed project ----------------------------------------------------------------------------------------------


def test_the_parsed_project_reads_the_landing_zone_of_each_home_as_dbt_itself_would(tmp_path):
    from dbt.cli.main import dbtRunner

    home = Home(tmp_path / "a home [1] of {o'neill}?*", Settings(authority="E08000005"))
    project, target = str(manifest.PROJECT), str(tmp_path / "target")
    where = ["--project-dir", project, "--profiles-dir", project, "--target-path", target, "--log-path", target]
    prepared = manifest.load_manifest(home)
    with manifest._environment({"IMPACT_HOME": str(home.root)}):
        own = dbtRunner().invoke(["parse", *where, "--log-level", "none"])
    assert own.success
    places = {key: source.meta["external_location"] for key, source in own.result.sources.items()}
    assert len(places) >= 10
    assert {key: source.meta["external_location"] for key, source in prepared.sources.items()} == places


def test_nothing_of_one_home_is_in_the_parsed_project(root):
    text = manifest.manifest_path().read_text(encoding="utf-8")
    assert manifest.NO_HOME in text
    assert str(root) not in text


def _small_project(folder: Path) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "seeds").mkdir()
    (folder / "dbt_project.yml").write_text("name: small\nprofile: p\n", encoding="utf-8")
    (folder / "profiles.yml").write_text(
        "p:\n  target: t\n  outputs:\n    t: {type: duckdb, path: ':memory:'}\n", encoding="utf-8"
    )
    (folder / "seeds" / "s.csv").write_text("x\n1\n", encoding="utf-8")
    return folder


def test_two_checkouts_that_share_a_cache_read_their_own_seeds(tmp_path, monkeypatch):
    monkeypatch.setenv("IMPACT_CACHE", str(tmp_path / "cache"))
    for name in ("one checkout", "another", "one checkout"):
        project = tmp_path / name
        if not project.exists():
            _small_project(project)
        else:
            (project / "models" / "a.sql").write_text("select * from {{ ref('s') }}", encoding="utf-8")
        nodes = json.loads(manifest.manifest_path(project).read_text(encoding="utf-8"))["nodes"]
        assert nodes["seed.small.s"]["root_path"] == str(project)


def test_a_project_that_dbt_cannot_read_is_one_error_with_dbts_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("IMPACT_CACHE", str(tmp_path / "cache"))
    project = _small_project(tmp_path / "project")
    (project / "models" / "a.sql").write_text("select * from {{ ref('b') }}", encoding="utf-8")
    with pytest.raises(manifest.ProjectError, match="depends on a node named 'b'"):
        manifest.manifest_path(project)
    (project / "models" / "b.sql").write_text("select 1 as x", encoding="utf-8")
    assert manifest.manifest_path(project).is_file()
    assert Home(tmp_path, Settings(authority="E08000005")).state.exists() is False
