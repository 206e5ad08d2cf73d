"""The publisher's own description of a data file, read beside the file and held against its contract.

The Department for Education sends ``<name>.meta.csv`` with most data files: one row per column that is not about time
or place, saying whether it is a filter or an indicator and in what unit. Nothing in it changes what lands. It says
early that a release has changed: a figure that has become a filter, a rate that is now per 100, a column that came or
went.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.contracts import Column, Contract
from ingestion.findings import Finding
from ingestion.readers import UnreadableFile, header_positions, normalise_header, read_sheets

#: Columns of time and place, which a description leaves out.
STANDARD_HEADERS = frozenset(
    {
        "time_period", "time_identifier", "geographic_level", "country_code", "country_name", "region_code",
        "region_name", "old_la_code", "new_la_code", "la_name", "lad_code", "lad_name", "pcon_code", "pcon_name",
        "ward_code", "ward_name", "school_laestab", "school_urn", "school_name", "laestab", "estab",
        "local_enterprise_partnership_code", "local_enterprise_partnership_name", "english_devolved_area_code",
        "english_devolved_area_name", "opportunity_area_code", "opportunity_area_name", "trust_id", "trust_name",
        "sponsor_id", "sponsor_name", "rsc_region_lead_name", "institution_id", "institution_name",
        "provider_ukprn", "provider_name",
    }
)  # fmt: skip

_INDICATOR = "indicator"


@dataclass(frozen=True)
class DescribedColumn:
    """What a description says of one column of a data file; ``unit`` is empty for a plain number."""

    kind: str
    unit: str


def is_described(contract: Contract) -> bool:
    """Whether files of the dataset come with descriptions: its contract says in which units they give its figures."""
    return any(column.unit is not None for column in contract.columns)


def description_path(data_file: Path) -> Path:
    """Where the description of a data file lies if there is one: ``x.csv`` is described by ``x.meta.csv``."""
    return data_file.with_name(f"{data_file.stem}.meta.csv")


def description_fingerprint(data_file: Path) -> str:
    """Changes when the description beside a data file changes; empty where there is none that can be read."""
    try:
        return hashlib.sha256(description_path(data_file).read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def read_description(path: Path) -> dict[str, DescribedColumn]:
    """The columns that a description lists, by their header in the normal form of headers.

    Raises:
        UnreadableFile: the file cannot be read as a table or has no columns ``col_name`` and ``col_type``.
    """
    sheet = read_sheets(path)[0]
    at = header_positions(sheet.top[0]) if sheet.top else {}
    missing = [header for header in ("col_name", "col_type") if header not in at]
    if missing:
        raise UnreadableFile(
            "description_unreadable",
            f"it has no column {' and no column '.join(missing)}",
            "Download the description again with its data file.",
        )
    described = {}
    for batch in sheet.rows(1):
        for cells in batch.to_pylist():
            name, kind = (cells[f"c{at[header][0]}"] or "" for header in ("col_name", "col_type"))
            unit = cells[f"c{at['indicator_unit'][0]}"] if "indicator_unit" in at else None
            if name:
                described[normalise_header(name)] = DescribedColumn(kind.strip().casefold(), (unit or "").strip())
    return described


def metadata_findings(
    data_file: Path, contract: Contract, headers: Sequence[str], file_name: str, vintage_id: str
) -> list[Finding]:
    """What the description beside a data file says otherwise than the file's contract or the file itself.

    Args:
        data_file: the data file; its description, if there is one, lies beside it.
        contract: the contract that the data file was recognised by.
        headers: the data file's header row as it stands there.
        file_name: the data file's path below the inbox, as findings name it.
        vintage_id: the vintage that the findings belong to.

    Returns:
        Warnings only, in the order of the file's columns; none where there is no description, or where the contract
        gives no units. A description that cannot be read is one warning.
    """
    path = description_path(data_file)
    if not is_described(contract) or not path.is_file():
        return []

    def warning(column: str | None, rule: str, value: str | None, message: str, remedy: str) -> Finding:
        return Finding(
            dataset=contract.dataset,
            file_name=file_name,
            vintage_id=vintage_id,
            sheet=None,
            source_row=None,
            column_name=column,
            rule=rule,
            value=value,
            message=message,
            remedy=remedy,
            severity="warning",
        )

    try:
        described = read_description(path)
    except (UnreadableFile, OSError) as error:
        remedy = "Download the description again with its data file, or take it away."
        return [warning(None, "description_unreadable", None, f"{path.name} cannot be read: {error}", remedy)]

    figures = _figures(contract)
    # What nothing reads may be described or not.
    unread = STANDARD_HEADERS | {normalise_header(header) for header in contract.ignored_headers}
    found = []
    for header in dict.fromkeys(header for header in headers if header.strip()):
        key = normalise_header(header)
        column, said = figures.get(key), described.get(key)
        if said is None:
            if key not in unread:
                message = f"the column is in the file and not in {path.name}"
                found.append(warning(header, "not_described", None, message, "See whether both are of one release."))
            continue
        if column is None:
            continue
        if said.kind != _INDICATOR:
            message = f"{path.name} calls it {said.kind or 'nothing'}, and it is read as a figure"
            remedy = "See whether the release has changed what the column holds; then change the contract."
            found.append(warning(header, "not_an_indicator", said.kind or None, message, remedy))
        elif column.unit is not None and column.unit != said.unit:
            message = f"{path.name} gives its unit as {_named(said.unit)}, and the contract as {_named(column.unit)}"
            remedy = "See whether the figure is still the same; if it is, correct the unit in the contract."
            found.append(warning(header, "another_unit", said.unit or None, message, remedy))
    present = {normalise_header(header) for header in headers}
    for key in described:
        if key not in present:
            message = f"{path.name} lists the column, and the file does not have it"
            found.append(warning(key, "described_and_missing", None, message, "See whether both are of one release."))
    return found


def _figures(contract: Contract) -> dict[str, Column]:
    """Header in its normal form → the column of published figures that is read from it."""
    return {
        normalise_header(header): column
        for column in contract.columns
        if column.type == "statistic"
        for header in column.headers
    }


def _named(unit: str) -> str:
    return f"“{unit}”" if unit else "none"
