"""A full disk and a read-only one: the message says what to do, nothing is lost, and the next run is right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.landing import land_inbox
from orchestration.remedies import with_remedy
from publishing.publication import publish
from tests.integration.builders import EVENTS_HEADER, csv_text, event, make_home, put_register, write
from tests.integration.test_publication import PASSED, build_warehouse, finding, source_file, write_ledger
from tests.resilience.faults import CANNOT_MOUNT

REPOSITORY = Path(__file__).resolve().parents[2]
SAYS = {"full": "Make room and run again", "read-only": "on a disk that is not read-only, and run again"}


def on_a_disk(fault: str, action: str, root: Path) -> dict[str, str]:
    """What came of it with the fault and without."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.resilience.faults", fault, action, str(root)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == CANNOT_MOUNT:
        pytest.skip(f"this machine mounts nothing for its tests: {done.stderr}")
    assert done.returncode == 0, done.stderr
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("fault", SAYS)
def test_what_could_not_land_lands_when_the_disk_is_well_again(tmp_path: Path, fault: str) -> None:
    home = make_home(tmp_path / "home")
    put_register(home)
    land_inbox(home)
    events = [event(title=f"Event {number}") for number in range(2000)]
    write(home.inbox / "events.csv", csv_text(EVENTS_HEADER, events))
    told = on_a_disk(fault, "land", home.root)
    assert SAYS[fault] in told["during"]
    assert "Nothing that was published has changed" in told["during"]
    assert told["after"] == "organisations/register.csv: unchanged. events.csv: landed."
    assert told["left over"] == ""


@pytest.mark.parametrize("fault", SAYS)
def test_what_could_not_be_published_leaves_the_publication_before_in_force(tmp_path: Path, fault: str) -> None:
    home = make_home(tmp_path / "home")
    write_ledger(home, [source_file()], [finding()])
    build_warehouse(home.warehouse, 1)
    before = publish(home, [PASSED])
    build_warehouse(home.warehouse, 2)
    told = on_a_disk(fault, "publish", home.root)
    assert told["during"].startswith("PublicationError: The publication could not be written")
    assert SAYS[fault] in told["during"]
    assert told["published during"] == before.publication_id
    assert told["after"] == "new"
    assert told["published after"] > before.publication_id
    assert told["left over"] == ""


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ('Failed to commit: Could not write file "x": No space left on device', "Make room"),
        ("database or disk is full", "Make room"),
        ("[Errno 122] Disk quota exceeded", "Make room"),
        ("attempt to write a readonly database", "cannot be written"),
        ("[Errno 13] Permission denied: 'x'", "cannot be written"),
        ("disk I/O error", "dmesg"),
    ],
)
def test_what_the_system_refuses_is_told_with_what_to_do(tmp_path: Path, said: str, remedy: str) -> None:
    home = make_home(tmp_path / "home")
    told = with_remedy(said, home)
    assert told.startswith(said)
    assert remedy in told


def test_what_is_no_refusal_is_told_as_it_is(tmp_path: Path) -> None:
    assert with_remedy("The model is wrong.", make_home(tmp_path / "home")) == "The model is wrong."
