"""What the commands say, as text: tables and sentences that read the same on a screen and in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from ingestion.findings import MASK
from ingestion.forms import load_tools
from ingestion.texts import printable

if TYPE_CHECKING:
    from expectations.results import CheckResult
    from ingestion.contracts import Contract
    from ingestion.findings import Finding
    from ingestion.landing import FileReport
    from ingestion.registry.tables import OwnCheck

#: What is not a screen has no width; nothing is cut or wrapped there.
_UNLIMITED = 10_000
#: How many rows are named one by one, of a problem that many rows have.
EXAMPLES = 3
#: How many different problems of a file are shown: it has to fit a screen.
PROBLEMS = 12
#: How many numbers of further rows are listed.
ROW_NUMBERS = 20


def console(*, errors: bool = False) -> Console:
    """Where to print: with colours and width on a terminal, as plain lines elsewhere."""
    found = Console(stderr=errors, highlight=False, markup=False, emoji=False)
    return (
        found
        if found.is_terminal
        else Console(stderr=errors, highlight=False, markup=False, emoji=False, width=_UNLIMITED, no_color=True)
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Aligned columns without lines; numbers to the right, with commas."""
    grid = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    body = [list(row) for row in rows]
    for position, header in enumerate(headers):
        numeric = bool(body) and all(isinstance(row[position], int | None) for row in body)
        grid.add_column(header, justify="right" if numeric else "left", header_style="bold", overflow="fold")
    for row in body:
        grid.add_row(*(_cell(value) for value in row))
    return grid


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def files_table(reports: Sequence[FileReport], checks: Sequence[CheckResult] = ()) -> Table:
    """One line per file: what it is, what became of it, and where its rows went.

    Args:
        reports: the files.
        checks: what the gates found about them.
    """
    return table(
        ["file", "dataset", "status", "read", "landed", "quarantined", "dropped"],
        [
            (
                report.file_name,
                report.dataset or "not recognised",
                "rejected" if _against(report, checks) else report.status.replace("_", " "),
                report.rows_read,
                report.rows_landed,
                report.rows_quarantined,
                report.rows_dropped,
            )
            for report in reports
        ],
    )


def failed_checks(checks: Iterable[CheckResult]) -> list[str]:
    """One line per failed check, those first that stop something."""
    failed = sorted((check for check in checks if not check.passed), key=lambda check: check.severity)
    return [
        f"{check.severity}: {check.dataset}, {check.rule} ({check.stage}): {check.message or check.description}"
        for check in failed
    ]


def rejected_batches(reports: Iterable[FileReport], checks: Sequence[CheckResult]) -> list[str]:
    """One sentence per batch that its gate rejected."""
    sentences = []
    for report in reports:
        if reasons := _against(report, checks):
            sentences.append(f"{report.file_name} was rejected as a whole. {' '.join(reasons)}")
    return sentences


def _against(report: FileReport, checks: Sequence[CheckResult]) -> list[str]:
    """What its gate says against the batch of a file; empty where it passed."""
    return [check.message or check.description for check in checks if _is_against(check, report)]


def _is_against(check: CheckResult, report: FileReport) -> bool:
    return check.stage == "landed" and check.dataset == report.dataset and check.rejects(report.vintage_id)


def besides_rejected(reports: Sequence[FileReport], checks: Iterable[CheckResult]) -> list[CheckResult]:
    """The checks but for those that ``rejected_batches`` tells of; a rejected batch may have left the inbox."""
    return [check for check in checks if not any(_is_against(check, report) for report in reports)]


def file_check(report: FileReport, contracts: Mapping[str, Contract]) -> list[str]:
    """What ``impact check`` says of a file, in lines for someone who knows the file and not this project."""
    contract = contracts.get(report.dataset or "")
    errors = [finding for finding in report.findings if finding.severity == "error"]
    warnings = [finding for finding in report.findings if finding.severity == "warning"]
    lines = [report.file_name]
    lines.append(f"  What it is:  {contract.title if contract else 'not recognised'}")
    if report.status == "refused":
        lines.append("  Result:      the whole file would be refused")
    elif report.status == "not_needed":
        lines.append(f"  Result:      {_rows(report.rows_read)} read; nothing of it is needed. {report.message or ''}")
    else:
        lines.append(
            f"  Result:      {_rows(report.rows_read)} read, {report.rows_landed:,} good, "
            f"{report.rows_quarantined:,} would be rejected, {report.rows_dropped:,} left out"
        )
        if report.rows_read == 0 and contract is not None and contract.may_be_empty is not None:
            lines.append(f"  It says:     {contract.may_be_empty}")
        if report.rows_corrected:
            lines.append(f"  Corrected:   {_rows(report.rows_corrected)}, as corrections.csv says")
        reasons = _reasons(contract) if contract else {}
        for rule, count in report.dropped_by_rule.items():
            reason = reasons.get(rule, f"{rule.replace('_', ' ').capitalize()}.")
            lines.append(f"  Left out:    {_rows(count)}. {reason}")
    verdict = _verdict(report, contract)
    if verdict is not None:
        lines.append(f"  All of it:   {verdict}")
    if errors:
        lines += ["", "  Would be rejected:", *_problems(errors)]
    if warnings:
        lines += ["", "  Would be kept, but look at:", *_problems(warnings)]
    if any(MASK in finding.message for finding in report.findings):
        why = "a value is personal or may be: where several cells of a row are wrong, the row may be shifted"
        lines += ["", f"  {MASK} stands where {why}."]
    if not report.findings and verdict is None and report.status == "landed":
        lines.append("  Nothing is wrong with it.")
    return [printable(line) for line in lines]


def _verdict(report: FileReport, contract: Contract | None) -> str | None:
    """Why the good rows would not be used either, or None where they would."""
    if report.status != "landed" or contract is None:
        return None
    if report.rows_landed == 0 and (report.rows_read > 0 or contract.may_be_empty is None):
        return "would be rejected, because it holds no row that can be used"
    limit = contract.reject_above_quarantined_percent
    if 100 * report.rows_quarantined > limit * report.rows_read:
        return f"would be rejected, the good rows too, because more than {limit:g} % of its rows are wrong"
    return None


def own_check(checked: OwnCheck) -> list[str]:
    """What ``impact check`` says of a home's own frameworks, instruments and decisions."""
    lines = [checked.file_name, "  What it is:  the home's own framework, indicator, instrument or decision"]
    if checked.message is None:
        return [*lines, "  Nothing is wrong with it, nor with what the home adds beside it."]
    return [*lines, "  Result:      no run would begin", f"    {checked.message}"]


def _reasons(contract: Contract) -> dict[str, str]:
    """Why rows are left out, by rule; those of survey tools too, which no contract of its own names."""
    reasons = {drop.id: drop.reason for drop in contract.drops}
    if contract.one_per is not None:
        reasons[contract.one_per.id] = contract.one_per.reason
    if contract.survey is not None:
        reasons |= {rule.id: rule.reason for tool in load_tools().values() for rule in tool.leave_out}
    return reasons


def _problems(findings: Sequence[Finding]) -> list[str]:
    """The findings grouped by column, rule and remedy, so that a hundred rows with one mistake are one problem."""
    groups: dict[tuple[str | None, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.column_name, finding.rule, finding.remedy), []).append(finding)
    lines = []
    for (column, rule, remedy), group in list(groups.items())[:PROBLEMS]:
        rows = [finding.source_row for finding in group if finding.source_row is not None]
        place = f"Column “{' '.join(column.split())}”" if column else "The file"
        lines.append(f"    {place}{f', {_rows(len(rows))}' if rows else ''} ({rule})")
        for finding in group[:EXAMPLES]:
            row = f"row {finding.source_row}: " if finding.source_row is not None else ""
            lines.append(f"      {row}{finding.message}")
        if more := rows[EXAMPLES:]:
            listed = ", ".join(str(row) for row in more[:ROW_NUMBERS])
            lines.append(f"      also {'row' if len(more) == 1 else 'rows'} {listed}"
                         f"{f' and {len(more) - ROW_NUMBERS:,} more' if len(more) > ROW_NUMBERS else ''}")  # fmt: skip
        lines.append(f"      What to do: {remedy}")
    if len(groups) > PROBLEMS:
        lines.append(f"    {len(groups) - PROBLEMS} further kinds of problem; `--json` lists all of them.")
    return lines


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"
