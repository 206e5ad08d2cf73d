"""One ``dbt build``, in this process, and what its results mean to the rest of the house.

In process because the process that defines the assets has imported dbt already: a second one would import it again.
dbt speaks through ``dbtRunner``; everything after that are pure functions over ``NodeResult``.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import chdir, closing, contextmanager
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
#: What the models written in Python ask for; pyarrow looks for pandas wherever it makes a column.
_SLOW_LIBRARIES = ("scipy.special", "scipy.sparse.csgraph", "pandas")
#: The one message for debugging that is listened to.
_NODE_FINISHED = "NodeFinished"
_LEVELS = {"info": logging.INFO, "warn": logging.INFO, "error": logging.ERROR}

log = logging.getLogger("dbt.build")


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
    # The screen belongs to the run, and what dbt says goes to the run's log: dbt's own file, with every statement in
    # it, would cost half as much time again.
    arguments += ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    # Unit tests prove the code, not the data: they belong to `make test`.
    # An exposure is there to be read and not to be built.
    arguments += ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure"]
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

    A whole build begins with an empty file: whatever a killed run, a damaged disk or an older version left in the one
    before ends there.

    Args:
        home: the home.
        manifest: the parsed project.
        selected: unique ids of what to build and test; None for everything.
        on_node: called with the name, the number and the total as each node is done.

    Returns:
        One result per node, in the order in which they were done.

    Raises:
        BuildError: dbt did not get as far as running nodes.
        BaseException: the run was interrupted, by the keyboard or by Dagster.
    """
    from dbt.cli.main import dbtRunner

    if selected is None:
        for path in (home.warehouse, home.warehouse.with_name(f"{home.warehouse.name}.wal")):
            path.unlink(missing_ok=True)
    total = len(selected) if selected is not None else _how_many(manifest)
    runner = dbtRunner(manifest=load_manifest(home), callbacks=[_listener(on_node, total)])
    with _surroundings(home), _without_debug_events():
        try:
            outcome = runner.invoke(build_arguments(selected, manifest, home.state))
        finally:
            _let_go_of_the_warehouse()
    if outcome.exception is not None and not isinstance(outcome.exception, Exception):
        # An interruption, which dbt hands back as if it were a result.
        raise outcome.exception
    return node_results(outcome)


def warm_up() -> None:
    """Begin to import, in the background, what the models written in Python will ask for.

    That takes a second, which a run has while it waits for the process that runs the gates.
    """

    def load() -> None:
        for library in _SLOW_LIBRARIES:
            importlib.import_module(library)

    threading.Thread(target=load, daemon=True).start()


def node_results(outcome: dbtRunnerResult) -> list[NodeResult]:
    """What dbt's answer says of each node.

    Raises:
        BuildError: it says nothing of any, because dbt failed before.
    """
    results = getattr(outcome.result, "results", None)
    if results is None:
        raise BuildError(
            f"dbt could not build the warehouse: {outcome.exception}. `impact run` makes a new one; if that says the "
            "same, mend what dbt names."
        ) from outcome.exception
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


def model_checks(results: Iterable[NodeResult], manifest: Manifest, row_counts: Mapping[str, int]) -> list[CheckResult]:
    """The results as the checks of the stage ``models``: one per data test, and one per model that was not built.

    What was skipped says nothing of its own: the failure that it was skipped for is among the results.
    """
    checks = []
    for result in results:
        node = manifest["nodes"][result.unique_id]
        if result.is_test and result.status != "skipped":
            checks.append(_tested(result, node, manifest, row_counts))
        elif not result.is_test and not result.succeeded and result.status != "skipped":
            checks.append(_not_built(result, node))
    return checks


def tested_node(test: Mapping[str, Any]) -> str:
    """The unique id of what a test is about: what it is attached to, else the first that it reads."""
    return str(test.get("attached_node") or next(iter(test["depends_on"]["nodes"]), test["unique_id"]))


def count_rows(home: Home, manifest: Manifest, results: Iterable[NodeResult]) -> dict[str, int]:
    """Rows by unique id, in one query: of each table that was built, and of each view that was tested.

    The other views are not counted: they are steps on the way to the tables, and counting would take each again.

    Args:
        home: whose warehouse; nobody has it open for writing.
        manifest: the parsed project.
        results: of the build.
    """
    nodes = manifest["nodes"]
    results = list(results)
    tested = {tested_node(nodes[result.unique_id]) for result in results if result.is_test}
    relations = {
        result.unique_id: nodes[result.unique_id]["relation_name"]
        for result in results
        if not result.is_test
        and result.succeeded
        and nodes[result.unique_id]["relation_name"]
        and (nodes[result.unique_id]["config"]["materialized"] != "view" or result.unique_id in tested)
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


def _listener(on_node: Callable[[str, int, int], None] | None, total: int) -> Callable[[Any], None]:
    """Counts the nodes that are done, and writes what is above debugging to the log of the run."""
    done = 0

    def listen(event: Any) -> None:
        nonlocal done
        if event.info.level in _LEVELS:
            log.log(_LEVELS[event.info.level], "%s", event.info.msg)
        elif event.info.name == _NODE_FINISHED and on_node is not None:
            done += 1
            on_node(event.data.node_info.node_name, done, total)

    return listen


@contextmanager
def _surroundings(home: Home) -> Iterator[None]:
    """What dbt wants of the process, given back afterwards."""
    named = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(home.root)
    try:
        # The profile names the folder of the functions that Python models call from where dbt is usually started.
        with chdir(PROJECT):
            yield
    finally:
        if named is None:
            del os.environ[HOME_VARIABLE]
        else:
            os.environ[HOME_VARIABLE] = named


@contextmanager
def _without_debug_events() -> Iterator[None]:
    """dbt makes some fifteen messages for debugging per node, a tenth of its time, even where nobody reads them."""
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager

    class WithoutDebugEvents(EventManager):
        def fire_event(
            self, e: Any, level: Any = None, node: Any = None, force_warn_or_error_handling: bool = False
        ) -> None:
            if (level or e.level_tag()).value != "debug" or type(e).__name__ == _NODE_FINISHED:
                super().fire_event(e, level, node, force_warn_or_error_handling)

    before = get_event_manager()
    ctx_set_event_manager(WithoutDebugEvents())
    try:
        yield
    finally:
        ctx_set_event_manager(before)


def _let_go_of_the_warehouse() -> None:
    """dbt keeps its connection until the process ends; nobody else could open the file until then."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    manager: Any = DuckDBConnectionManager
    # Where dbt failed before it connected there is nothing to close, and no public way to ask.
    if manager._ENV is not None:
        manager.env().close()
    manager.close_all_connections()
    forget_adapters: Any = reset_adapters
    forget_adapters()


def _tested(
    result: NodeResult, test: Mapping[str, Any], manifest: Manifest, row_counts: Mapping[str, int]
) -> CheckResult:
    tested = tested_node(test)
    passed = result.status == "pass"
    return CheckResult(
        stage="models",
        dataset=manifest["nodes"].get(tested, {}).get("name") or tested.rsplit(".", 1)[-1],
        rule=test["name"],
        description=_description(test),
        severity="warning" if result.status == "warn" or _severity(test) == "warn" else "error",
        passed=passed,
        rows_checked=row_counts.get(tested, 0),
        rows_failed=result.failures or 0,
        message=None if passed else _what_to_do(result, test),
        # The project gives every test defaults by layer; one that had none would stop here.
        **{key: " ".join(test["config"]["meta"][key].split()) for key in ("owner", "reason", "remedy")},
    )


def _not_built(result: NodeResult, node: Mapping[str, Any]) -> CheckResult:
    return CheckResult(
        stage="models",
        dataset=node["name"],
        rule="is_built",
        description="The table can be built, and its contract and constraints hold.",
        severity="error",
        passed=False,
        rows_checked=0,
        rows_failed=0,
        message=f"{_one_line(result.message)} Its SQL stands in {node['original_file_path']}.",
        owner="data engineer",
        reason="Without the table nothing that rests on it can be made or proved.",
        remedy=f"Correct {node['original_file_path']} or what it reads, and run again.",
    )


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
    if result.failures:
        rows = "row breaks" if result.failures == 1 else "rows break"
        return (
            f"{result.failures} {rows} this rule: {_description(test)} To see them, with IMPACT_HOME set: "
            f"`dbt test --project-dir dbt_project --profiles-dir dbt_project --select {test['name']} --store-failures`."
        )
    return f"It could not be run: {_one_line(result.message)}"


def _one_line(text: str | None) -> str:
    return " ".join((text or "no reason was given").split())
