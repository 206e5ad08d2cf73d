"""Who may read what of a home, and what another pseudonymisation key does to what has landed."""

from __future__ import annotations

import grp
import logging
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingestion.access import keep_private, only_mine, share_publication
from ingestion.home import Home, HomeError, open_home
from ingestion.keys import linked_files, parted
from ingestion.landing import land_inbox
from ingestion.ledger import Ledger
from ingestion.pseudonyms import KEY_FILE_VARIABLE, KEY_VARIABLE
from orchestration.cli import app
from orchestration.gating import keys_that_part
from tests.integration.builders import TRAINING_HEADER, booking, csv_text, landed, make_home, put_register, write

is_root = os.geteuid() == 0
OLD_KEY, NEW_KEY = "o" * 32, "n" * 32


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv(KEY_VARIABLE, OLD_KEY)
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    made = make_home(tmp_path / "home")
    put_register(made)
    return made


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):o}"


def test_what_is_made_is_its_owners_alone_and_the_mask_is_given_back(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with only_mine():
            (tmp_path / "folder").mkdir()
            (tmp_path / "file").touch()
        (tmp_path / "later").touch()
    finally:
        os.umask(before)
    assert [mode(tmp_path / name) for name in ("folder", "file", "later")] == ["700", "600", "644"]


def test_landing_leaves_nothing_that_others_can_read_and_mends_what_was_open(home: Home) -> None:
    home.root.chmod(0o755)
    for folder in (home.landing / "events", home.state / "logs"):
        folder.mkdir(parents=True)
        (folder / "old").write_text("x", encoding="utf-8")
        for path in (folder / "old", folder, folder.parent):
            path.chmod(0o777)
    home.warehouse.touch(0o644)
    (home.root / "impact.yml").chmod(0o640)
    before = os.umask(0o000)
    try:
        land_inbox(home)
    finally:
        os.umask(before)
    ours = [path for folder in (home.landing, home.state) for path in (folder, *folder.rglob("*"))]
    assert len(ours) > 40
    assert {mode(path) for path in ours} == {"700", "600"}
    assert {mode(path) for path in ours if path.is_dir()} == {"700"}
    assert (mode(home.root), mode(home.warehouse), mode(home.root / "impact.yml")) == ("750", "600", "640")


def test_what_belongs_to_somebody_else_is_told_and_not_touched(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home.root.chmod(0o755)

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", forbidden)
    with caplog.at_level(logging.WARNING):
        keep_private(home)
    assert "open to others (drwxr-xr-x). Its owner should run `chmod 750`" in caplog.text


def test_a_group_that_does_not_exist_is_told_before_anything_is_written(home: Home) -> None:
    (home.root / "impact.yml").write_text("authority: E08000005\npublication_group: no-such-group\n", encoding="utf-8")
    with pytest.raises(HomeError, match="no group `no-such-group`"):
        land_inbox(open_home(home.root))
    assert not home.landing.exists()


@pytest.fixture
def shared_home() -> Iterator[Home]:
    """A home where other users of the machine could get to, given to a group that its owner need not be in."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    group = grp.getgrall()[-1].gr_name
    root = folder / "home"
    (root / "inbox").mkdir(parents=True)
    (root / "impact.yml").write_text(f"authority: E08000005\npublication_group: {group}\n", encoding="utf-8")
    yield open_home(root)
    shutil.rmtree(folder)


@pytest.mark.skipif(not is_root, reason="only root can be another user")
def test_the_group_reads_the_publication_and_nothing_else_and_others_nothing(shared_home: Home) -> None:
    home = shared_home
    with only_mine():
        keep_private(home)
        land_inbox(home)
        home.warehouse.touch()
        publication = home.publications / "20250905T020000123Z-1f2e3d4c"
        (publication / "parquet").mkdir(parents=True)
        for name in ("impact.duckdb", "parquet/areas.parquet"):
            (publication / name).write_text("published", encoding="utf-8")
        home.published.symlink_to(publication.relative_to(home.root))
        share_publication(home, publication)
    group = grp.getgrnam(home.settings.publication_group or "").gr_gid

    def can_read(path: Path, groups: list[int]) -> bool:
        tried = subprocess.run(
            ["/bin/cat", path], user=65534, group=65534, extra_groups=groups, capture_output=True, check=False
        )
        return tried.returncode == 0

    files = ["published/impact.duckdb", "published/parquet/areas.parquet"]
    assert [can_read(home.root / name, [group]) for name in files] == [True, True]
    assert [can_read(home.root / name, []) for name in files] == [False, False]
    hidden = [home.ledger, home.landing / "source_files.parquet", home.warehouse]
    assert [can_read(path, [group]) for path in hidden] == [False] * 3


# --- another key ----------------------------------------------------------------------------------------------------


def send(home: Home, name: str) -> Path:
    """A booking of one person, on a day that the file's name tells from other days."""
    row = booking(learner="a.person@school.example", date=f"0{ord(name[0]) - ord('a') + 1}/10/2024")
    return write(home.inbox / "training" / name, csv_text(TRAINING_HEADER, [row]))


def people(home: Home) -> list[str]:
    return [str(person) for (person,) in landed(home, "training_bookings", "person_id")]


def test_under_a_new_key_what_is_in_the_inbox_lands_anew_and_joins(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    send(home, "a.csv")
    send(home, "b.csv")
    land_inbox(home)
    old = people(home)
    monkeypatch.setenv(KEY_VARIABLE, NEW_KEY)
    land_inbox(home)
    assert len(set(people(home))) == 1
    assert set(people(home)).isdisjoint(old)
    with Ledger(home) as ledger:
        assert [linked.domain for linked in linked_files(home, ledger)] == ["learner"]
        assert parted(linked_files(home, ledger)) == []
        assert keys_that_part(home, ledger) == []


def test_what_landed_from_files_that_are_gone_keeps_the_old_key_and_that_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = send(home, "a.csv")
    send(home, "b.csv")
    land_inbox(home)
    gone.unlink()
    monkeypatch.setenv(KEY_VARIABLE, NEW_KEY)
    land_inbox(home)
    assert len(set(people(home))) == 2
    with Ledger(home) as ledger:
        (check,) = keys_that_part(home, ledger)
    assert (check.dataset, check.rule, check.severity, check.passed) == (
        "training_bookings",
        "one_key",
        "warning",
        False,
    )
    assert (check.rows_checked, check.rows_failed) == (2, 1)
    message = check.message or ""
    assert "2 keys" in message
    assert "training/a.csv" in message
    assert "leaders_trained, training_attendances" in message.partition("Affected: ")[2]
    assert OLD_KEY not in message
    # Back in the inbox it lands under the new key, and all joins again.
    send(home, "a.csv")
    land_inbox(home)
    assert len(set(people(home))) == 1
    with Ledger(home) as ledger:
        assert keys_that_part(home, ledger) == []


def test_the_command_says_what_would_be_parted_and_makes_a_key_that_is_its_owners_alone(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = send(home, "a.csv")
    land_inbox(home)
    new = tmp_path / "new.key"
    before = landed(home, "training_bookings", "*")
    said = CliRunner().invoke(app, ["rotate-key", str(new), "--home", str(home.root)])
    assert said.exit_code == 0
    assert "all land anew and nothing is parted" in said.output
    key = new.read_text(encoding="ascii").strip()
    assert (mode(new), len(key)) == ("600", 64)
    assert key not in said.output
    assert landed(home, "training_bookings", "*") == before
    gone.unlink()
    said = CliRunner().invoke(app, ["rotate-key", "--home", str(home.root)])
    assert "no longer joins to the rest" in said.output
    assert "learner: leaders_trained, training_attendances" in said.output
    # A key is never written over.
    assert CliRunner().invoke(app, ["rotate-key", str(new), "--home", str(home.root)]).exit_code != 0
    assert new.read_text(encoding="ascii").strip() == key
    monkeypatch.delenv(KEY_VARIABLE)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(new))
    send(home, "c.csv")
    land_inbox(home)
    assert len(set(people(home))) == 2
