"""Fixtures that every test may use."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from ingestion.home import Home
from ingestion.ledger import Ledger
from tests.commands import impact
from tests.integration.builders import make_home

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with an empty inbox, in which nothing has run."""
    return make_home(tmp_path / "home")


@pytest.fixture
def ledger(home: Home) -> Iterator[Ledger]:
    """The ledger of ``home``, open."""
    with Ledger(home) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published test data beside the repository; tests that use it are marked ``shared_data``."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the shared test data do not lie beside this checkout")
    return folder


@pytest.fixture(scope="session")
def finished_borough(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of the invented borough after its first run, and what that said: one for all, so only to be read.

    It is made once even where several processes run tests, because it takes longer than most of them together.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    root, said = base / "finished borough" / "the home of o'neill", base / "finished borough" / "said.json"
    with FileLock(base / "finished borough.lock"):
        if not said.is_file():
            made = impact("sample", root)
            assert made.returncode == 0, made.stderr
            ran = impact("run", "--home", root)
            said.write_text(json.dumps([ran.args, ran.returncode, ran.stdout, ran.stderr]), encoding="utf-8")
    return root, subprocess.CompletedProcess(*json.loads(said.read_text(encoding="utf-8")))
