"""Every seeded fault, planted in a clean sample, is caught by its check, and by nothing before it."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import duckdb
import pyarrow.parquet as pq
import pytest

from expectations import gates
from expectations.marts_gate import MartsGate
from expectations.results import CheckResult
from expectations.validation import Validation
from expectations.worker import GateWorker
from ingestion.contracts import load_contracts
from ingestion.home import Home, open_home
from ingestion.landing import land_inbox
from ingestion.ledger import Ledger
from orchestration.gating import gate_landed
from orchestration.manifest import manifest_path
from orchestration.retention import lay_out
from publishing.released import recall
from tests.commands import dbt
from tests.faults.borough import make_borough
from tests.faults.catalogue import FAULTS
from tests.faults.model import Fault
from tests.faults.page import TARGET, page

#: Dataset, rule and severity → how often it is broken.
Broken = Counter[tuple[str, str, str]]


class Bases:
    """Clean homes of each source, landed, with what the stages say of them."""

    def __init__(self, folder: Path) -> None:
        """Nothing is made before somebody asks for it."""
        self.folder = folder
        self._homes: dict[str, Home] = {}
        self._gated: dict[tuple[str, str], Broken] = {}

    def home(self, part: str) -> Home:
        """The landed home of a source; not to be changed."""
        if part not in self._homes:
            self._homes[part] = make_borough(self.folder / part, [part])
            land_inbox(self._homes[part])
        return self._homes[part]

    def gated(self, part: str, dataset: str) -> Broken:
        """What the landed gate says of a dataset of that home."""
        if (part, dataset) not in self._gated:
            self._gated[part, dataset] = gated(self.home(part), [dataset])
        return self._gated[part, dataset]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    return Bases(tmp_path_factory.mktemp("clean"))


@pytest.fixture
def spoilt(bases: Bases, tmp_path: Path, request: pytest.FixtureRequest) -> Home:
    """A copy of the landed clean home in which the fault has been planted."""
    fault = FAULTS[request.getfixturevalue("name")]
    shutil.copytree(bases.home(fault.part).root, tmp_path / "home")
    fault.plant(tmp_path / "home")
    return open_home(tmp_path / "home")


def found(home: Home) -> Broken:
    """What was found in files and rows."""
    findings = pq.read_table(home.landing / "findings.parquet", columns=["dataset", "rule", "severity"]).to_pylist()
    return Counter((row["dataset"] or "", row["rule"], row["severity"]) for row in findings)


def gated(home: Home, datasets: list[str]) -> Broken:
    """What the landed gate says of some datasets."""
    with Ledger(home) as ledger:
        results = gate_landed(home, ledger, cast(GateWorker, gates), datasets)
    return Counter({(r.dataset, r.rule, r.severity): r.rows_failed for r in results if not r.passed})


def expected(fault: Fault, broken: Broken) -> set[str]:
    """The rules that broke, without those that one slip breaks as well."""
    return {f"{dataset}.{rule}" for dataset, rule, _ in broken} - fault.beside


def of_stage(*stages: str) -> list[str]:
    return [name for name, fault in FAULTS.items() if fault.stage in stages]


@pytest.mark.parametrize("name", of_stage("files"))
def test_a_fault_of_a_file_is_found_as_it_is_read(bases: Bases, spoilt: Home, name: str) -> None:
    fault = FAULTS[name]
    land_inbox(spoilt)
    new = found(spoilt) - found(bases.home(fault.part))
    assert expected(fault, new) == {f"{fault.dataset}.{fault.rule}"}
    assert {severity for _, rule, severity in new if rule == fault.rule} == {fault.severity}


@pytest.mark.parametrize("name", of_stage("landed"))
def test_a_fault_of_a_batch_is_found_at_its_gate_and_not_before(bases: Bases, spoilt: Home, name: str) -> None:
    fault = FAULTS[name]
    land_inbox(spoilt)
    assert found(spoilt) - found(bases.home(fault.part)) == Counter()
    new = gated(spoilt, [fault.dataset]) - bases.gated(fault.part, fault.dataset)
    assert expected(fault, new) == {f"{fault.dataset}.{fault.rule}"}
    assert {severity for _, rule, severity in new if rule == fault.rule} == {fault.severity}


@pytest.mark.parametrize("name", of_stage("own files"))
def test_a_fault_of_the_homes_own_files_stops_the_run_with_its_place(spoilt: Home, name: str) -> None:
    with pytest.raises(Exception, match=re.escape(FAULTS[name].rule)) as refused:
        land_inbox(spoilt)
    assert type(refused.value).__module__.startswith("ingestion.")


# --- the warehouse ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Built:
    """A warehouse built from clean files, and the tests that dbt held it to: name → the tables it reads, its query."""

    home: Home
    tests: dict[str, tuple[set[str], str]]

    def failing(self, home: Home, table: str) -> set[str]:
        """The tests about a table that a changed copy of the warehouse does not pass."""
        failing = set()
        with duckdb.connect(str(home.warehouse), read_only=True) as con:
            for name, (tables, sql) in self.tests.items():
                if table in tables and con.execute(sql.replace(str(self.home.root), str(home.root))).fetchall():
                    failing.add(name)
        return failing


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    home = make_borough(folder / "home", ["families", "events", "training", "reflective", "exclusions"])
    land_inbox(home)
    assert not any(severity == "error" for _, _, severity in gated(home, list(load_contracts())))
    recall(home)
    lay_out(home)
    completed = dbt(home.root, folder / "target", "build", "--exclude-resource-type", "unit_test")
    assert completed.returncode == 0, completed.stdout[-2000:]
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    nodes = json.loads(manifest_path().read_text(encoding="utf-8"))["nodes"]
    tests = {
        nodes[result["unique_id"]]["name"]: (
            {unique_id.split(".")[2] for unique_id in nodes[result["unique_id"]]["depends_on"]["nodes"]},
            result["compiled_code"],
        )
        for result in results
        if result["unique_id"].startswith("test.")
    }
    return Built(home, tests)


@pytest.fixture
def altered(built: Built, tmp_path: Path, request: pytest.FixtureRequest) -> Home:
    """A copy of the built home whose warehouse a wrong model has left the fault in."""
    root = tmp_path / "home"
    root.mkdir()
    for name in ("warehouse.duckdb", "impact.yml"):
        shutil.copy2(built.home.root / name, root / name)
    shutil.copytree(built.home.landing, root / "landing")
    FAULTS[request.getfixturevalue("name")].plant(root)
    return open_home(root)


@pytest.mark.parametrize("name", of_stage("models"))
def test_a_fault_of_a_model_is_found_by_its_test(built: Built, altered: Home, name: str) -> None:
    fault = FAULTS[name]
    assert fault.rule not in built.failing(built.home, fault.dataset)
    assert fault.rule in built.failing(altered, fault.dataset)


@pytest.mark.parametrize("name", of_stage("marts"))
def test_a_fault_of_a_mart_is_found_before_it_is_published_and_by_no_test(
    built: Built, altered: Home, name: str
) -> None:
    fault = FAULTS[name]
    if fault.rule != "columns_as_promised":
        assert built.failing(altered, fault.dataset) == set()
    broken = {(r.rule, r.severity) for r in marts_gate(altered, fault.dataset) if not r.passed}
    before = {(r.rule, r.severity) for r in marts_gate(built.home, fault.dataset) if not r.passed}
    new = {(rule, severity) for rule, severity in broken - before if f"{fault.dataset}.{rule}" not in fault.beside}
    assert new == {(fault.rule, fault.severity)}


def marts_gate(home: Home, mart: str) -> list[CheckResult]:
    with Validation() as validation:
        return MartsGate(validation, home).results(mart)


def test_a_clean_warehouse_passes_the_marts_gate(built: Built) -> None:
    assert [r.message for r in gates.check_marts(built.home) if r.blocks] == []


def test_the_page_of_faults_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == page(), "run: make docs"


def test_there_are_sixty_kinds_of_faults_in_every_source() -> None:
    landing = {name for name, contract in load_contracts().items() if contract.not_needed is None}
    assert len(FAULTS) >= 60
    assert {fault.dataset for fault in FAULTS.values()} >= {
        "children_families_survey", "training_bookings", "moodle_course_completion", "events", "organisations",
        "ssda903_episodes", "ssda903_header", "pupils_on_roll", "la_exclusions", "dfe_exclusions", "fingertips",
        "scottish_exclusions",
    }  # fmt: skip
    assert {f.dataset for f in FAULTS.values() if f.stage in ("files", "landed")} <= landing | {""}
