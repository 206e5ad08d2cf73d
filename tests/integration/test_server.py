"""The files of a deployment, and Dagster's record of runs in a PostgreSQL of the test's own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest
import yaml

from ingestion.home import HOME_VARIABLE
from orchestration import alerts
from orchestration.definitions import build_defs
from orchestration.resources import HomeToWrite
from orchestration.tidying import tidy
from tests.conftest import REPOSITORY
from tests.integration.builders import EVENTS_HEADER, csv_text, event, make_home, write

DEPLOYMENT = REPOSITORY / "orchestration" / "deployment"
UNITS = ("impact-code.service", "impact-daemon.service", "impact-webserver.service", "impact-backup.service")
PASSWORD = "p@ss/word of: the test"
DEBIAN = Path("/usr/lib/postgresql")


def needed(program: str, *folders: Path) -> str:
    """The path of a program that is not Python's; `.ci/run` installs what the tests need and says so."""
    found = shutil.which(program, path=os.pathsep.join([os.environ["PATH"], *map(str, folders)]))
    if found is None and os.environ.get("IMPACT_TESTS_SKIP_NOTHING"):
        pytest.fail(f"{program} is not installed; `.ci/run` should have installed it")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


@pytest.fixture(scope="module")
def postgres() -> Iterator[dict[str, Any]]:
    """Where a PostgreSQL server listens that has a database for Dagster, and how to log in to it."""
    binaries = sorted(DEBIAN.glob("*/bin"), reverse=True)
    initdb, server = needed("initdb", *binaries), needed("postgres", *binaries)
    # The server refuses to run as root.
    owner = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))
    as_somebody = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="impact-postgres-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if as_somebody:
            os.chown(folder / "password", owner.pw_uid, owner.pw_gid)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        options = ["-U", "impact", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync"]
        made = subprocess.run(
            [initdb, "-D", folder / "data", "-E", "UTF8", "--no-locale", *options],
            capture_output=True, text=True, check=False, cwd=folder, **as_somebody,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen(
                [server, "-D", folder / "data", "-p", str(port), *options],
                stdout=log, stderr=log, cwd=folder, **as_somebody,
            )  # fmt: skip
        try:
            login = {"host": "127.0.0.1", "port": port, "user": "impact", "password": PASSWORD}
            with closing(connected(running, folder / "log", login)) as con:
                con.autocommit = True
                con.cursor().execute("create database impact_dagster")
            yield login | {"dbname": "impact_dagster"}
        finally:
            # Asked to terminate, it would wait for the connections that Dagster keeps; interrupted, it closes them.
            running.send_signal(signal.SIGINT)
            running.wait(60)


def connected(server: "subprocess.Popen[bytes]", log: Path, login: dict[str, Any]) -> Any:
    while True:
        try:
            return psycopg2.connect(**login, dbname="postgres")
        except psycopg2.OperationalError:
            assert server.poll() is None, log.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.1)


@pytest.fixture
def instance(postgres: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster as the shipped settings have it."""
    shutil.copy(DEPLOYMENT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("IMPACT_POSTGRES_HOST", "127.0.0.1")
    monkeypatch.setenv("IMPACT_POSTGRES_PORT", str(postgres["port"]))
    monkeypatch.setenv("IMPACT_POSTGRES_PASSWORD", PASSWORD)
    with dg.DagsterInstance.get() as found:
        yield found


def asked(postgres: dict[str, Any], sql: str, *arguments: object) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(**postgres)) as con, con.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall()


def test_a_run_its_checks_and_what_arrived_are_recorded_in_postgresql(instance, postgres, tmp_path, monkeypatch):
    home = make_home(tmp_path / "home")
    write(home.inbox / "events.csv", csv_text(EVENTS_HEADER, [event(), event(), event(attendance="many")]))
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    told = []
    monkeypatch.setattr(alerts, "tell", lambda home: told.append(home.root) or [])
    defs = build_defs({"home": HomeToWrite(path=str(home.root))})
    landing = [dg.AssetKey(["landing", name]) for name in ("events", "source_files")]
    result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=landing, raise_on_error=False
    )
    assert result.success, [event.message for event in result.all_events if event.is_failure]
    assert asked(postgres, "select status from runs where run_id = %s", result.run_id) == [("SUCCESS",)]
    ((events, steps),) = asked(
        postgres, "select count(*), count(distinct step_key) from event_logs where run_id = %s", result.run_id
    )
    assert events == len(instance.all_logs(result.run_id)) > 10
    assert steps == 1
    arrived = instance.get_latest_materialization_event(dg.AssetKey(["inbox", "events"]))
    assert arrived.asset_materialization.metadata["rows_read"].value == 3
    ((state,),) = asked(
        postgres, "select execution_status from asset_check_executions where run_id = %s", result.run_id
    )
    assert state in ("SUCCEEDED", "FAILED")
    # The last run in which a dataset arrived stays; all that is there is that one.
    assert tidy(home, instance).runs == 0
    # What the run came to was told when it was over, after it had let go of the home.
    assert told == [home.root]
    assert list(tmp_path.rglob("*.db")) == []


def test_one_run_goes_at_a_time_and_no_secret_stands_in_the_settings(instance):
    assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
    assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
    assert instance.run_monitoring_enabled
    assert not instance.telemetry_enabled
    settings = yaml.safe_load((DEPLOYMENT / "dagster.yaml").read_text(encoding="utf-8"))
    assert settings["storage"]["custom"]["config"]["postgres_db"]["password"] == {"env": "IMPACT_POSTGRES_PASSWORD"}


# --- the units -------------------------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path: Path) -> dict[str, Path]:
    """The units with this checkout in the place of the folder that they name."""
    for path in DEPLOYMENT.glob("impact-*"):
        here = path.read_text(encoding="utf-8").replace("/opt/impact-warehouse", str(REPOSITORY))
        (tmp_path / path.name).write_text(here, encoding="utf-8")
    return {path.name: path for path in tmp_path.glob("impact-*")}


def test_systemd_understands_the_units_and_the_commands_they_start_exist(units):
    analyze = needed("systemd-analyze")
    said = subprocess.run([analyze, "verify", *units.values()], capture_output=True, text=True, check=False)
    assert (said.returncode, [line for line in said.stderr.splitlines() if "impact" in line]) == (0, [])
    for name in UNITS:
        said = subprocess.run(
            [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", units[name]],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("name", UNITS)
def test_a_service_has_a_user_of_its_own_and_may_write_only_where_it_has_to(units, name):
    lines = units[name].read_text(encoding="utf-8").splitlines()
    assert {"User=impact", "UMask=0077", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes"} <= {*lines}
    writable = {line for line in lines if line.startswith("ReadWritePaths=")}
    knows_the_key = "LoadCredential=pseudonym_key:/etc/impact/pseudonym_key" in lines
    touches_the_home = name in ("impact-code.service", "impact-backup.service")
    assert (bool(writable), knows_the_key) == (touches_the_home, touches_the_home)
    assert not any(line.startswith("Environment=") and "PASSWORD" in line for line in lines)


def test_the_page_is_for_this_machine_alone_and_the_code_server_for_its_own_user(units):
    assert "--host 127.0.0.1 " in units["impact-webserver.service"].read_text(encoding="utf-8")
    workspace = yaml.safe_load((DEPLOYMENT / "workspace.yaml").read_text(encoding="utf-8"))
    (location,) = workspace["load_from"]
    assert location["grpc_server"] == {"socket": "/run/impact/code.sock", "location_name": "impact_warehouse"}
    code = units["impact-code.service"].read_text(encoding="utf-8")
    assert "--socket /run/impact/code.sock " in code
    assert "RuntimeDirectoryMode=0700" in code
