"""The assets and checks of the route, one function per step; each step calls the room that does the work."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from expectations.results import CheckResult
from ingestion.contracts import Contract, load_contracts
from ingestion.landing import FileReport, land_inbox
from ingestion.ledger import Ledger
from orchestration import gating, handover
from orchestration.dbt_build import BuildError, NodeResult, build, count_rows, model_checks, warm_up
from orchestration.persistence import persistent
from orchestration.remedies import is_refusal
from orchestration.resources import Gates, HomeToWrite
from orchestration.retention import lay_out, retain
from orchestration.translator import Translator
from orchestration.watching import Watcher
from publishing import check_history
from publishing.publication import publish
from publishing.released import recall

GATE = "gate"
#: Under which dagster-dbt keeps the dbt node that an asset or a check is.
UNIQUE_ID = "dagster_dbt/unique_id"
PUBLICATION = dg.AssetKey("publication")


def route(manifest_file: Path) -> list[dg.AssetsDefinition | dg.AssetSpec | dg.AssetChecksDefinition]:
    """Every asset and check from the inbox to the publication.

    Args:
        manifest_file: the parsed dbt project.
    """
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    contracts = {name: contract for name, contract in load_contracts().items() if contract.not_needed is None}
    sources = {
        (node["source_name"], node["name"]): " ".join(node["description"].split())
        for node in manifest["sources"].values()
    }
    marts = sorted(
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    )
    return [
        *(_file_spec(contract) for contract in contracts.values()),
        _landing(contracts, sources),
        _warehouse(manifest),
        _mart_checks(marts),
        _publication(marts),
    ]


def _file_spec(contract: Contract) -> dg.AssetSpec:
    """The files of one dataset, as they arrive: outside our hands, so all that is known of them is when one came."""
    days = timedelta(days=contract.fresh_for_days)
    return dg.AssetSpec(
        dg.AssetKey(["inbox", contract.dataset]),
        description=f"Files of the dataset “{contract.title}”, as {contract.supplier} sends them.",
        group_name="inbox",
        kinds=set(contract.formats),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=days, warn_window=days * 0.9),
        metadata={"supplier": contract.supplier, "licence": contract.licence, "cadence": contract.cadence},
    )


def _landing(contracts: Mapping[str, Contract], sources: Mapping[tuple[str, str], str]) -> dg.AssetsDefinition:
    """Landing and the gate on what landed.

    They are one step, because the gate decides which file vintages are in force, and the warehouse must not be built
    before that is known.
    """
    datasets = {dg.AssetKey(["landing", name]): name for name in contracts}
    others = {dg.AssetKey(key): text for key, text in sources.items() if dg.AssetKey(key) not in datasets}

    @dg.multi_asset(
        name="landing",
        description="Every file in the inbox is read, split into good and bad rows, landed, and its batch checked.",
        specs=[
            dg.AssetSpec(
                key,
                deps=[dg.AssetKey(["inbox", name])],
                description=" ".join(contracts[name].description.split()),
                group_name="landing",
                kinds={"parquet"},
                metadata={"owner": contracts[name].owner, "contract_version": contracts[name].version},
                skippable=True,
            )
            for key, name in datasets.items()
        ]
        + [
            dg.AssetSpec(
                key,
                description=text,
                group_name="landing" if key.path[0] == "landing" else "reference",
                kinds={"parquet"},
                skippable=True,
            )
            for key, text in others.items()
        ],
        check_specs=[
            dg.AssetCheckSpec(GATE, asset=key, description="No batch in force was rejected by its gate.")
            for key in datasets
        ],
        can_subset=True,
    )
    def landing(
        context: dg.AssetExecutionContext,
        home: HomeToWrite,
        gates: dg.ResourceParam[Gates],
        watcher: dg.ResourceParam[Watcher],
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        here = home.open()
        with persistent(context, home):
            # Before anything lands: what is frozen is what the last run has proved.
            for sentence in retain(here).sentences():
                watcher.warned(sentence)
            handover.forget(here, *handover.STAGES)
            with gates.worker() as worker:
                watcher.phase("landing")
                ahead = gating.LooksAhead(here, worker, list(contracts))

                def dealt_with(report: FileReport) -> None:
                    watcher.landed(report)
                    ahead.landed(report)

                reports = land_inbox(here, dealt_with, home.settle_seconds)
                recall(here)
                watcher.phase("landing checks")
                warm_up()
                with Ledger(here) as ledger:
                    checks = gating.gate_landed(here, ledger, worker, list(contracts), ahead)
                worker.document(here)
            handover.leave(here, handover.LANDED, checks)
        watcher.checked(checks)

        for key in context.selected_asset_keys:
            name = datasets.get(key)
            came = [report for report in reports if report.dataset == name and report.status == "landed"]
            if name is not None and came:
                context.log_event(dg.AssetMaterialization(["inbox", name], metadata=_files_metadata(came)))
            found = [report for report in reports if report.dataset == name] if name is not None else []
            yield dg.MaterializeResult(asset_key=key, metadata=_files_metadata(found))
        for check_key in context.selected_asset_check_keys:
            about = [check for check in checks if check.dataset == datasets[check_key.asset_key]]
            # A dataset without a file has nothing that could pass, so nothing is said of it.
            if about:
                yield _check_result(check_key, about)

    return landing


def _warehouse(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    @dbt_assets(manifest=manifest, name="warehouse", dagster_dbt_translator=Translator())
    def warehouse(
        context: dg.AssetExecutionContext, home: HomeToWrite, watcher: dg.ResourceParam[Watcher]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        here = home.open()
        watcher.phase("models")
        with persistent(context, home):
            handover.forget(here, handover.MARTS)
            recall(here)
            lay_out(here)
        nodes = {spec.metadata[UNIQUE_ID]: spec.key for spec in warehouse.specs}
        tests = {(spec.metadata or {})[UNIQUE_ID]: spec.key for spec in warehouse.check_specs}
        selected = {
            *(unique_id for unique_id, key in nodes.items() if key in context.selected_asset_keys),
            *(unique_id for unique_id, key in tests.items() if key in context.selected_asset_check_keys),
        }
        everything = selected == {*nodes, *tests}
        with persistent(context, home):
            results = build(here, manifest, None if everything else selected, watcher.built)
            if refused := [result.message for result in results if result.message and is_refusal(result.message)]:
                # Nothing is wrong with the data: a disk is full, or cannot be written.
                raise BuildError(f"dbt could not build the warehouse: {' '.join(refused[0].split())}")
            row_counts = count_rows(here, manifest, results)
        found = model_checks(results, manifest, row_counts)
        before = [] if everything else handover.left(here, handover.MODELS)
        handover.leave(here, handover.MODELS, _merged(before, found))
        watcher.checked(found)

        for result in results:
            if result.unique_id not in selected:
                continue
            if result.is_test:
                yield _tested(tests[result.unique_id], result, manifest["nodes"][result.unique_id]["config"]["meta"])
            elif result.succeeded:
                yield _materialised(nodes[result.unique_id], result, row_counts)
        if failed := [check for check in found if check.blocks]:
            # Nothing will be published, and the publication is what keeps the history otherwise.
            check_history.record(here, check_history.states(found), of_every_stage=False)
            raise _failure(failed)

    return warehouse


def _mart_checks(marts: Sequence[str]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name="mart_checks",
        description="Great Expectations proves the marts before anyone else reads them.",
        specs=[
            dg.AssetCheckSpec(
                GATE, asset=mart, blocking=True, description="What a reader of the mart may rely on is true."
            )
            for mart in marts
        ],
    )
    def mart_checks(
        context: dg.AssetCheckExecutionContext,
        home: HomeToWrite,
        gates: dg.ResourceParam[Gates],
        watcher: dg.ResourceParam[Watcher],
    ) -> Iterator[dg.AssetCheckResult]:
        here = home.open()
        watcher.phase("mart checks")
        with persistent(context, home), gates.worker() as worker:
            checks = worker.check_marts(here)
            worker.document(here)
        handover.leave(here, handover.MARTS, checks)
        watcher.checked(checks)
        if any(check.blocks for check in checks):
            check_history.record(here, check_history.states(checks), of_every_stage=False)
        for key in context.selected_asset_check_keys:
            about = [check for check in checks if check.dataset == key.asset_key.path[-1]]
            yield _check_result(key, about)
        if elsewhere := [check for check in checks if check.dataset not in marts and check.blocks]:
            raise _failure(elsewhere)

    return mart_checks


def _publication(marts: Sequence[str]) -> dg.AssetsDefinition:
    @dg.asset(
        key=PUBLICATION,
        description="The marts, published all at once: one DuckDB file and one Parquet file per table.",
        group_name="publishing",
        kinds={"duckdb", "parquet"},
        deps=[*marts, dg.AssetKey(["landing", "source_files"])],
    )
    def publication(
        context: dg.AssetExecutionContext, home: HomeToWrite, watcher: dg.ResourceParam[Watcher]
    ) -> dg.MaterializeResult[None]:
        here = home.open()
        watcher.phase("publication")
        with persistent(context, home):
            published = publish(here, handover.proved(here))
        home.has_published()
        watcher.published(published)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(here.published)),
                "publication_id": published.publication_id,
                "changed": published.changed,
                "rows": dg.MetadataValue.json(published.tables),
            }
        )

    return publication


def _files_metadata(reports: Sequence[FileReport]) -> dict[str, Any]:
    """What became of a dataset's files, in the numbers that add up."""
    if not reports:
        return {}
    return {
        "files": [report.file_name for report in reports],
        "dagster/row_count": sum(report.rows_landed for report in reports),
        "rows_read": sum(report.rows_read for report in reports),
        "rows_quarantined": sum(report.rows_quarantined for report in reports),
        "rows_dropped": sum(report.rows_dropped for report in reports),
    }


def _check_result(key: dg.AssetCheckKey, checks: Sequence[CheckResult]) -> dg.AssetCheckResult:
    """Several results as the one asset check that Dagster shows, with those that failed; no result is a failure."""
    failed = [check for check in checks if not check.passed]
    blocks = not checks or any(check.blocks for check in failed)
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=bool(checks) and not failed,
        severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
        description="Nothing was looked at." if not checks else None,
        metadata={
            "checks": len(checks),
            "rows_checked": max((check.rows_checked for check in checks), default=0),
            **{check.rule: check.message or check.description for check in failed},
            **({"failed": _table(failed)} if failed else {}),
        },
    )


def _table(checks: Sequence[CheckResult]) -> dg.TableMetadataValue:
    """Whose matter each failure is, why it matters and what to do."""
    words = ("rule", "severity", "rows_failed", "owner", "reason", "remedy")
    return dg.MetadataValue.table([dg.TableRecord({word: getattr(check, word) for word in words}) for check in checks])


def _materialised(key: dg.AssetKey, result: NodeResult, row_counts: Mapping[str, int]) -> dg.MaterializeResult[None]:
    metadata: dict[str, Any] = {"Execution Duration": result.seconds, "unique_id": result.unique_id}
    if result.unique_id in row_counts:
        metadata["dagster/row_count"] = row_counts[result.unique_id]
    return dg.MaterializeResult(asset_key=key, metadata=metadata)


def _tested(key: dg.AssetCheckKey, result: NodeResult, meta: Mapping[str, str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.status == "pass",
        severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={
            "rows_failed": result.failures or 0,
            "Execution Duration": result.seconds,
            **{word: " ".join(meta[word].split()) for word in ("owner", "reason", "remedy")},
        },
    )


def _failure(checks: Sequence[CheckResult]) -> dg.Failure:
    """What stops a step: trying again would find the same."""
    return dg.Failure(
        "\n".join(f"{check.dataset}, {check.rule}: {check.message}" for check in checks), allow_retries=False
    )


def _merged(before: Iterable[CheckResult], now: Sequence[CheckResult]) -> list[CheckResult]:
    """The results of an earlier run with those of this one in their place."""
    seen = {(check.dataset, check.rule) for check in now}
    return [*(check for check in before if (check.dataset, check.rule) not in seen), *now]
