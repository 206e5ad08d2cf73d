"""What Dagster finds: ``defs``. No file is read here but contracts and the parsed dbt project."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from orchestration.assets import route
from orchestration.automation import alerts_job, failure_sensor, inbox_sensor, schedules, tidying_job
from orchestration.manifest import manifest_path
from orchestration.resources import EVERYTHING, Gates, HomeResource, HomeToWrite
from orchestration.run_log import run_log
from orchestration.watching import Watcher


def build_defs(
    resource_overrides: Mapping[str, object] | None = None, manifest_file: Path | None = None
) -> dg.Definitions:
    """The whole route, with some of what its steps are given replaced: a test's home, a terminal's watcher.

    Args:
        resource_overrides: any of ``home``, ``inbox``, ``gates`` and ``watcher``.
        manifest_file: the parsed dbt project; by default that of the project as it stands.
    """
    everything = dg.define_asset_job(
        EVERYTHING,
        description="From the inbox to the publication.",
        selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
    )
    alerts, tidying = alerts_job(), tidying_job()
    route_of_project = route(manifest_file or manifest_path())
    return dg.Definitions(
        assets=[part for part in route_of_project if not isinstance(part, dg.AssetChecksDefinition)],
        asset_checks=[part for part in route_of_project if isinstance(part, dg.AssetChecksDefinition)],
        jobs=[everything, alerts, tidying],
        schedules=schedules(everything, alerts, tidying),
        sensors=[inbox_sensor(everything), failure_sensor()],
        resources={
            "home": HomeToWrite(),
            "inbox": HomeResource(),
            "gates": Gates(),
            "watcher": Watcher(),
            **(resource_overrides or {}),
        },
        # Processes cost more than the work; see docs/performance.md.
        executor=dg.in_process_executor,
        loggers={"run_log": run_log},
    )


defs = build_defs()
