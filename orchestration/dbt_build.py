"""One ``dbt build``, in this process, and what its results mean to the rest of the house.

In process because the process that defines the assets has imported dbt already: a second one would import it again.
dbt speaks through ``dbtRunner``; everything after that are pure functions over ``NodeResult``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from expectations.results import CheckResult
from ingestion.home import HOME_VARIABLE, Home
from orchestration.manifest import PROJECT, load_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt.cli.main import dbtRunnerResult

Manifest = Mapping[str, Any]

_BUILT = ("model", "seed", "snapshot")
_GOOD = {"success", "pass", "no-op", "warn"}


class BuildError(Exception):
    """dbt could not build; the message is dbt's own."""


@dataclass(frozen=True)
class NodeResult:
    """What became of one model, seed or test."""

    unique_id: str
    #: dbt's own word: success, error, skipped; for a test pass, warn, fail.
    status: str
    seconds: float = 0.0
    #: Of a test: how many rows it found.
    failures: int | None = None
    message: str | None = None

    @property
    def is_test(self) -> bool:
        """Whether it is a test, and not something that was built."""
        return self.unique_id.startswith("test.")

    @property
    def succeeded(self) -> bool:
        """Whether what is downstream may rest on it; a warning does not stand in the way."""
        return self.status in _GOOD


def build_arguments(selected: Collection[str] | None, manifest: Manifest, state: Path) -> list[str]:
    """The arguments of the one dbt call.

    Args:
        selected: unique ids of the models, seeds and tests to run; None for all.
        manifest: the parsed project.
        state: the home's working folder, for what dbt writes.
    """
    arguments = ["build", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    arguments += ["--target-path", str(state / "dbt" / "target"), "--log-path", str(state / "dbt" / "logs")]
    # The screen belongs to the run. The debug log would cost as much time as the models.
    arguments += ["--log-level", "none", "--log-level-file", "info", "--no-use-colors-file", "--no-write-json"]
    # Unit tests prove the code, not the data: they belong to `make test`.
    arguments += ["--exclude-resource-type", "unit_test"]
    if selected is not None:
        names = [".".join(manifest["nodes"][unique_id]["fqn"]) for unique_id in sorted(selected)]
        # Exactly these: dbt would otherwise add every test that touches one of the models.
        arguments += ["--indirect-selection", "empty", "--select", *(f"fqn:{name}" for name in names)]
    return arguments


def build(
    home: Home,
    manifest: Manifest,
    selected: Collection[str] | None = None,
    on_node: Callable[[str, int, int], None] | None = None,
) -> list[NodeResult]:
    """Build the warehouse of a home; the caller holds its lock.

    Args:
        home: the home.
        manifest: the parsed project.
        selected: unique ids of what to build and test; None for everything.
        on_node: called with the name, the number and the total as each node is done.

    Returns:
        One result per node, in the order in which they were done.

    Raises:
        BuildError: dbt did not get as far as running nodes.
        KeyboardInterrupt: the run was interrupted.
    """
    from dbt.cli.main import dbtRunner

    total = len(selected) if selected is not None else _how_many(manifest)
    callbacks = [] if on_node is None else [_counting(on_node, total)]
    runner = dbtRunner(manifest=load_manifest(home), callbacks=callbacks)
    with _surroundings(home):
        try:
            outcome = runner.invoke(build_arguments(selected, manifest, home.state))
        finally:
            _let_go_of_the_warehouse()
    if isinstance(outcome.exception, KeyboardInterrupt | SystemExit):
        raise outcome.exception
    return node_results(outcome)


def node_results(outcome: dbtRunnerResult) -> list[NodeResult]:
    """What dbt's answer says of each node.

    Raises:
        BuildError: it says nothing of any, because dbt failed before.
    """
    results = getattr(outcome.result, "results", None)
    if results is None:
        raise BuildError(f"dbt could not build the warehouse: {outcome.exception}")
    return [
        NodeResult(
            unique_id=result.node.unique_id,
            status=str(result.status),
            seconds=result.execution_time,
            failures=result.failures,
            message=result.message,
        )
        for result in results
    ]


def broken_nodes(results: Iterable[NodeResult], manifest: Manifest) -> list[str]:
    """One sentence for each model or seed that could not be built, what was skipped for it not among them."""
    return [
        f"{manifest['nodes'][result.unique_id]['name']}: {_one_line(result.message)}"
        for result in results
        if not result.is_test and not result.succeeded and result.status != "skipped"
    ]


def test_checks(
    results: Iterable[NodeResult], manifest: Manifest, row_counts: Mapping[str, int]
) -> list[CheckResult]:
    """The data tests among the results, as the checks of the stage ``models``.

    A test that was skipped has looked at nothing and is a failure: something that it rests on was not built.
    """
    checks = []
    for result in results:
        if not result.is_test:
            continue
        node = manifest["nodes"][result.unique_id]
        tested = tested_node(node)
        passed = result.status == "pass"
        severity = "warning" if result.status == "warn" or _severity(node) == "warn" else "error"
        checks.append(
            CheckResult(
                stage="models",
                dataset=manifest["nodes"].get(tested, {}).get("name") or tested.rsplit(".", 1)[-1],
                rule=node["name"],
                description=_description(node),
                severity=severity,
                passed=passed,
                rows_checked=row_counts.get(tested, 0),
                rows_failed=result.failures or 0,
                message=None if passed else _what_to_do(result, node),
            )
        )
    return checks


def tested_node(test: Mapping[str, Any]) -> str:
    """The unique id of what a test is about: what it is attached to, else the first that it reads."""
    attached = test.get("attached_node")
    return attached if attached else next(iter(test["depends_on"]["nodes"]), test["unique_id"])


def count_rows(home: Home, manifest: Manifest, unique_ids: Iterable[str]) -> dict[str, int]:
    """Rows of each model and seed as it stands in the warehouse, in one query.

    Args:
        home: whose warehouse; nobody has it open for writing.
        manifest: the parsed project.
        unique_ids: of models and seeds that were built.
    """
    relations = {
        unique_id: manifest["nodes"][unique_id]["relation_name"]
        for unique_id in unique_ids
        if manifest["nodes"][unique_id]["relation_name"]
    }
    if not relations:
        return {}
    counts = " union all ".join(
        f"select '{unique_id}' as unique_id, count(*) as row_count from {relation}"
        for unique_id, relation in relations.items()
    )
    with closing(duckdb.connect(str(home.warehouse), read_only=True)) as con:
        return dict(con.execute(counts).fetchall())


def _how_many(manifest: Manifest) -> int:
    kinds = (*_BUILT, "test")
    return sum(node["resource_type"] in kinds for node in manifest["nodes"].values())


def _counting(on_node: Callable[[str, int, int], None], total: int) -> Callable[[Any], None]:
    done = 0

    def look(event: Any) -> None:
        nonlocal done
        if event.info.name == "NodeFinished":
            done += 1
            on_node(event.data.node_info.node_name, done, total)

    return look


@contextmanager
def _surroundings(home: Home) -> Iterator[None]:
    """What dbt changes of the process, or wants of it, given back afterwards."""
    folder, named = Path.cwd(), os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(home.root)
    try:
        yield
    finally:
        os.chdir(folder)
        if named is None:
            del os.environ[HOME_VARIABLE]
        else:
            os.environ[HOME_VARIABLE] = named


def _let_go_of_the_warehouse() -> None:
    """dbt keeps its connection until the process ends; nobody else could open the file until then."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    # Where dbt failed before it connected there is nothing to close, and no public way to ask.
    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager.env().close()
    DuckDBConnectionManager.close_all_connections()
    reset_adapters()


def _severity(test: Mapping[str, Any]) -> str:
    return str(test["config"].get("severity") or "error").lower()


def _description(test: Mapping[str, Any]) -> str:
    if test.get("description"):
        return " ".join(test["description"].split())
    metadata = test.get("test_metadata") or {}
    column = test.get("column_name")
    rule = str(metadata.get("name", test["name"])).replace("_", " ")
    return f"{column}: {rule}" if column else rule


def _what_to_do(result: NodeResult, test: Mapping[str, Any]) -> str:
    if result.status == "skipped":
        return "It was not run, because something that it rests on failed; see to that first."
    if result.failures:
        rows = "row breaks" if result.failures == 1 else "rows break"
        return (
            f"{result.failures} {rows} the rule. `dbt test --select {test['name']} --store-failures` shows them; "
            f"the rule stands in {test['original_file_path']}."
        )
    return f"It could not be run: {_one_line(result.message)}"


def _one_line(text: str | None) -> str:
    return " ".join((text or "no reason was given").split())

