"""One archive of a home, and a home from an archive: whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingestion.home import Home, HomeError, open_home
from ingestion.ledger import Ledger, Vintage
from orchestration import backup
from orchestration.backup import BackupError, back_up, restore
from orchestration.cli import app
from orchestration.lock import HomeBusy, writing

KEY = "a key of the test that is long enough to be one"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPACT_PSEUDONYM_KEY", KEY)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    root = tmp_path / "home"
    for name, content in {
        "impact.yml": "authority: E08000005\n",
        "inbox/returns/events.csv": "Date,Attendance\n" * 500,
        "inbox/half.csv.part": "Da",
        "landing/events/v.parquet": "rows",
        "quarantine/events/v.parquet": "findings",
        "disclosure/p.parquet": "counts",
        "publications/20250101T020000000Z-0a0a0a0a/impact.duckdb": "marts",
        "publications/.20250102T020000000000.building/impact.duckdb": "half",
        "warehouse.duckdb": "made again",
        "warehouse.duckdb.tmp/spilled": "rows",
        ".impact/run.json": "{}",
        "notes.txt": "our own",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (root / "inbox" / "empty").mkdir()
    (root / "published").symlink_to("publications/20250101T020000000Z-0a0a0a0a")
    (root / "disclosure" / "p.parquet").chmod(0o600)
    (root / "disclosure").chmod(0o700)
    (root / "inbox" / "returns" / "events.csv").chmod(0o440)
    (root / "publications").chmod(0o750)
    home = open_home(root)
    with Ledger(home) as ledger:
        ledger.record(
            Vintage("v", "events", "c", "", "landed", 3, 3, 0, 0, 0, {}, {}, None, 1, "r"), "returns/events.csv", 8, 1
        )
    return home


def content(root: Path) -> dict[str, tuple[int, str]]:
    """What is in a folder: mode, and digest or where a link leads; the ledger by its rows."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = (0, str(path.readlink()))
        elif path.is_dir():
            found[name] = (path.stat().st_mode & 0o777, "")
        elif name == "landing/ledger.sqlite":
            with sqlite3.connect(path) as db:
                found[name] = (path.stat().st_mode & 0o777, "\n".join(db.iterdump()))
        else:
            found[name] = (path.stat().st_mode & 0o777, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def expected(home: Home) -> dict[str, tuple[int, str]]:
    made_again = (".impact", "warehouse.duckdb", "publications/.20250102T020000000000.building")
    return {name: what for name, what in content(home.root).items() if not name.startswith(made_again)}


def test_a_restored_home_has_every_file_mode_and_link_but_what_can_be_made_again(home, tmp_path):
    made = back_up(home, tmp_path / "one.tar.gz")
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert KEY not in json.dumps(made.manifest.model_dump(mode="json"))
    manifest = restore(made.path, tmp_path / "new")
    assert content(tmp_path / "new") == expected(home)
    assert (manifest.publication_id, manifest.left_out) == ("20250101T020000000Z-0a0a0a0a", ())
    assert (tmp_path / "new" / "published" / "impact.duckdb").read_text() == "marts"


def test_the_inbox_can_be_left_out(home, tmp_path):
    made = back_up(home, tmp_path, with_inbox=False)
    assert made.path.name.startswith("impact-E08000005-2")
    restore(made.path, tmp_path / "new")
    assert content(tmp_path / "new") == {k: v for k, v in expected(home).items() if not k.startswith("inbox")}


def test_what_is_no_file_of_the_homes_own_is_left_out_and_named(home, tmp_path):
    (tmp_path / "elsewhere.csv").write_text("secret")
    (home.inbox / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    os.mkfifo(home.inbox / "pipe")
    made = back_up(home, tmp_path / "one.tar.gz")
    assert made.manifest.left_out == ("inbox/link.csv", "inbox/pipe")
    restore(made.path, tmp_path / "new")
    assert not (tmp_path / "new" / "inbox" / "link.csv").is_symlink()


def test_the_ledger_is_copied_as_sqlite_knows_it_also_after_a_kill(home, tmp_path):
    code = (
        "import os, signal, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('pragma cache_size = 1'); db.execute('begin immediate')\n"
        "db.execute(\"update vintages set dataset = 'torn'\")\n"
        "db.executemany(\"insert into receipts values (null, 'p', 0, 0, 'v', ?, 1)\", [('x' * 3000,)] * 500)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(home.ledger)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert home.ledger.with_name("ledger.sqlite-journal").stat().st_size > 0
    restore(back_up(home, tmp_path / "one.tar.gz").path, tmp_path / "new")
    with sqlite3.connect(tmp_path / "new" / "landing" / "ledger.sqlite") as db:
        assert db.execute("select dataset from vintages").fetchall() == [("events",)]
        assert db.execute("select count(*) from receipts").fetchone() == (1,)


def test_a_backup_waits_for_a_run_and_takes_no_place_that_is_taken(home, tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from ingestion.home import open_home\n"
        "from orchestration.lock import writing\n"
        "with writing(open_home(Path(sys.argv[1]))):\n    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(home.root)], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(HomeBusy):
                back_up(home, tmp_path / "one.tar.gz", wait_seconds=0)
        finally:
            other.kill()
    with pytest.raises(BackupError, match="lies in the home"):
        back_up(home, home.inbox / "one.tar.gz")
    (tmp_path / "taken.tar.gz").write_text("mine")
    with pytest.raises(BackupError, match="exists already"):
        back_up(home, tmp_path / "taken.tar.gz")
    assert (tmp_path / "taken.tar.gz").read_text() == "mine"
    with pytest.raises(BackupError, match="has room"):
        back_up(home, tmp_path / "nowhere" / "one.tar.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "taken.tar.gz"]


def test_a_file_that_is_taken_away_meanwhile_is_left_out_and_one_that_grows_goes_in_as_it_was(
    home, tmp_path, monkeypatch
):
    add = backup._add

    def changing(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> backup.Entry | None:
        if path.name == "events.csv":
            path.unlink()
        if path.name == "half.csv.part":
            path.write_text("Date and more")
        return add(tar, info, path)

    monkeypatch.setattr(backup, "_add", changing)
    made = back_up(home, tmp_path / "one.tar.gz")
    assert made.manifest.left_out == ("inbox/returns/events.csv",)
    restore(made.path, tmp_path / "new")
    assert (tmp_path / "new" / "inbox" / "half.csv.part").read_text() == "Date and more"


def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(home, tmp_path):
    archive = back_up(home, tmp_path / "one.tar.gz").path
    (tmp_path / "new").mkdir()
    restore(archive, tmp_path / "new")
    with pytest.raises(BackupError, match="is not empty"):
        restore(archive, tmp_path / "new")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    with pytest.raises(BackupError, match="is not empty"):
        restore(archive, tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["letter.txt"]


# --- damaged and hostile archives ------------------------------------------------------------------------------------


def rewritten(archive: Path, change: Callable[[tarfile.TarInfo, bytes], list[tuple[tarfile.TarInfo, bytes]]]) -> Path:
    """The archive with each member replaced by what ``change`` makes of it."""
    target = archive.with_name("changed.tar.gz")
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            opened = old.extractfile(member) if member.isreg() else None
            for info, data in change(member, opened.read() if opened else b""):
                info.size = len(data)
                new.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return target


def refused(archive: Path, root: Path) -> str:
    with pytest.raises(BackupError) as raised:
        restore(archive, root)
    assert not root.exists()
    return str(raised.value)


def test_an_archive_of_which_a_byte_a_file_or_the_end_is_missing_is_refused_before_anything_is_written(home, tmp_path):
    archive = back_up(home, tmp_path / "one.tar.gz").path
    whole = archive.read_bytes()
    root = tmp_path / "new"

    def other_bytes(info: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        return [(info, data.replace(b"rows", b"rowz"))]

    def without_one(info: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        return [] if info.name == "landing/events/v.parquet" else [(info, data)]

    assert "is damaged at 'landing/events/v.parquet'" in refused(rewritten(archive, other_bytes), root)
    assert "'landing/events/v.parquet' is missing" in refused(rewritten(archive, without_one), root)
    for place in range(20, len(whole), len(whole) // 7):
        archive.write_bytes(whole[:place])
        refused(archive, root)
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        refused(archive, root)
    archive.write_text("no archive at all")
    assert "is no archive" in refused(archive, root)
    assert "no file" in refused(tmp_path / "nothing.tar.gz", root)


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped-of-the-test", "inbox/../../escaped", ".impact/run.json"])
def test_a_name_that_leads_out_of_the_home_is_refused_even_where_the_manifest_has_it(home, tmp_path, name):
    archive = back_up(home, tmp_path / "one.tar.gz").path

    def led_out(info: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if info.name == "notes.txt":
            info.name = name
        if info.name == backup.MANIFEST:
            data = data.replace(b'"notes.txt"', json.dumps(name).encode())
        return [(info, data)]

    assert f"is damaged at {name!r}" in refused(rewritten(archive, led_out), tmp_path / "deep" / "new")
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("target", ["/etc", "../..", "publications/../../x"])
def test_a_link_that_leads_out_of_the_home_is_refused_even_where_the_manifest_has_it(home, tmp_path, target):
    archive = back_up(home, tmp_path / "one.tar.gz").path

    def led_out(info: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if info.issym():
            info.linkname = target
        if info.name == backup.MANIFEST:
            told = json.loads(data)
            data = json.dumps(told | {"links": {"published": target}}).encode()
        return [(info, data)]

    assert "is damaged at 'published'" in refused(rewritten(archive, led_out), tmp_path / "new")


def test_an_archive_of_another_format_and_one_without_a_manifest_are_refused_with_the_reason(home, tmp_path):
    archive = back_up(home, tmp_path / "one.tar.gz").path

    def newer(info: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        return [(info, data.replace(b'"format": 1', b'"format": 2') if info.name == backup.MANIFEST else data)]

    def bare(info: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        return [] if info.name == backup.MANIFEST else [(info, data)]

    assert "has format 2; this version restores format 1" in refused(rewritten(archive, newer), tmp_path / "new")
    assert "was not made by `impact backup`" in refused(rewritten(archive, bare), tmp_path / "new")


# --- killed ----------------------------------------------------------------------------------------------------------


class _KilledError(BaseException):
    pass


def test_a_restore_that_is_killed_anywhere_leaves_no_home_and_can_be_begun_again(home, tmp_path, monkeypatch):
    archive = back_up(home, tmp_path / "one.tar.gz").path
    wanted = expected(home)
    steps = 0
    for method in ("rename", "chmod", "mkdir"):
        monkeypatch.setattr(Path, method, counted(getattr(Path, method), lambda: counter()))
    monkeypatch.setattr(backup, "sync_folder", counted(backup.sync_folder, lambda: counter()))

    def counter() -> None:
        nonlocal steps
        steps += 1
        if steps == killed_at:
            raise _KilledError

    killed_at = -1
    restore(archive, tmp_path / "undisturbed")
    total, outcomes = steps, set()
    for killed_at in range(1, total + 1):
        root = tmp_path / f"killed at {killed_at}"
        steps = 0
        with pytest.raises(_KilledError):
            restore(archive, root)
        steps = -1_000_000
        try:
            open_home(root)
        except HomeError:
            outcomes.add("none")
            restore(archive, root)
        else:
            outcomes.add("whole")
            (root / backup.RESTORING).rmdir() if (root / backup.RESTORING).is_dir() else None
        assert content(root) == wanted
    assert outcomes == {"none", "whole"}


def counted(function: Callable[..., object], count: Callable[[], None]) -> Callable[..., object]:
    def wrapped(*arguments: object, **named: object) -> object:
        count()
        return function(*arguments, **named)

    return wrapped


# --- the commands ----------------------------------------------------------------------------------------------------


def test_the_commands_say_what_is_in_the_archive_and_warn_of_another_key(home, tmp_path, monkeypatch):
    run = CliRunner()
    made = run.invoke(app, ["backup", str(tmp_path / "one.tar.gz"), "--home", str(home.root)])
    assert made.exit_code == 0
    assert "publication 20250101T020000000Z-0a0a0a0a." in made.stdout
    assert "Not in it: IMPACT_PSEUDONYM_KEY" in made.stdout
    same = run.invoke(app, ["restore", str(tmp_path / "one.tar.gz"), str(tmp_path / "a")])
    assert "WARNING" not in same.stdout
    monkeypatch.setenv("IMPACT_PSEUDONYM_KEY", KEY[::-1])
    other = run.invoke(app, ["restore", str(tmp_path / "one.tar.gz"), str(tmp_path / "b")])
    assert "were made with another IMPACT_PSEUDONYM_KEY" in other.stdout
    with writing(home, 0):
        assert isinstance(run.invoke(app, ["restore", "nothing", str(tmp_path / "c")]).exception, BackupError)
