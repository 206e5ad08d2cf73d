"""``impact status``: what is published, how fresh each dataset is, what was set aside, which checks failed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from expectations.results import CheckResult
from ingestion.contracts import Contract, load_contracts
from ingestion.database import open_in_memory
from ingestion.home import Home
from orchestration import handover
from publishing.publication import Publication, current_publication

_FILES = """
select dataset, max(received_at), count(*) filter (is_current),
    coalesce(sum(rows_landed) filter (is_current), 0)::bigint,
    coalesce(sum(rows_quarantined) filter (is_current), 0)::bigint,
    count(*) filter (gate = 'rejected')
from read_parquet(?) where status = 'landed' group by dataset
"""
_REFUSED = """
select file_name, message from read_parquet(?) where status = 'refused'
    and vintage_id in (select vintage_id from read_parquet(?) where source_row is null)
order by sequence
"""


@dataclass(frozen=True)
class DatasetStatus:
    """How one dataset stands."""

    dataset: str
    title: str
    cadence: str
    last_received: datetime | None
    #: Whole days since then; None where no file has come.
    age_days: int | None
    fresh_for_days: int
    #: ``fresh``, ``late`` or ``no file yet``.
    state: str
    files_in_force: int
    rows_landed: int
    rows_quarantined: int
    batches_rejected: int


@dataclass(frozen=True)
class Status:
    """How a home stands."""

    home: str
    authority: str
    publication: Publication | None
    datasets: list[DatasetStatus]
    #: Files that could not be read or recognised, with the reason.
    refused: dict[str, str]
    failed_checks: list[CheckResult]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        values = asdict(self)
        if self.publication is not None:
            values["publication"]["path"] = str(self.publication.path)
            del values["publication"]["changed"]
        return values


def status_of(home: Home, now: datetime | None = None) -> Status:
    """How the home stands, from what lies in it; nothing is written and no lock is needed.

    Args:
        home: the home.
        now: the moment to count days from, in UTC; by default this one.

    Raises:
        PublicationError: the publication in force is damaged.
    """
    ledger, findings = home.landing / "source_files.parquet", home.landing / "findings.parquet"
    rows, refused = {}, {}
    if ledger.is_file() and findings.is_file():
        with closing(open_in_memory(home.landing)) as con:
            rows = {row[0]: row[1:] for row in con.execute(_FILES, [str(ledger)]).fetchall()}
            refused = dict(con.execute(_REFUSED, [str(ledger), str(findings)]).fetchall())
    moment = (now or datetime.now(UTC)).replace(tzinfo=None)
    return Status(
        home=str(home.root),
        authority=home.settings.authority,
        publication=current_publication(home),
        datasets=[
            _dataset(contract, rows.get(contract.dataset), moment)
            for contract in load_contracts().values()
            if contract.not_needed is None
        ],
        refused=refused,
        failed_checks=[check for stage in handover.STAGES for check in handover.left(home, stage) if not check.passed],
    )


def _dataset(contract: Contract, row: tuple[Any, ...] | None, now: datetime) -> DatasetStatus:
    received, files, landed, quarantined, rejected = row or (None, 0, 0, 0, 0)
    age = None if received is None else (now - received).days
    state = "no file yet" if age is None else "late" if age > contract.fresh_for_days else "fresh"
    return DatasetStatus(
        dataset=contract.dataset,
        title=contract.title,
        cadence=contract.cadence.replace("_", " "),
        last_received=received,
        age_days=age,
        fresh_for_days=contract.fresh_for_days,
        state=state,
        files_in_force=files,
        rows_landed=landed,
        rows_quarantined=quarantined,
        batches_rejected=rejected,
    )
