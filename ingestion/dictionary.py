"""The data dictionary of the landing zone, written from the contracts: ``python -m ingestion.dictionary``."""

from __future__ import annotations

from pathlib import Path

from ingestion.contracts import Column, Context, Contract, Derived, load_contracts
from ingestion.forms import load_tools
from ingestion.instruments import load_instruments
from ingestion.registry import pages
from ingestion.retention import load_rules

TARGET = Path("docs") / "datasets.md"

_HEAD = """# Datasets

Written from `ingestion/contracts/` by `make docs`; change the contract, not this page.

A file is recognised by its headers (any of the headers listed for a column will do, whatever their case and spaces)
or by the folder it lies in. Every landed row also carries `vintage_id`, which names the content of the file it came
from, and `source_row`, its row as a spreadsheet counts.
"""


def dictionary() -> str:
    """The page, as Markdown."""
    contracts = load_contracts().values()
    kept = "\n".join(_dataset(contract) for contract in contracts if contract.not_needed is None)
    others = "\n".join(
        f"| `{contract.dataset}` | {contract.title} | {contract.not_needed} |"
        for contract in contracts
        if contract.not_needed is not None
    )
    return (
        f"{_HEAD}\n{kept}\n## Recognised and not kept\n\n"
        "These are counted in the ledger, and nothing of them lands: what no indicator needs is not kept.\n\n"
        f"| dataset | what it is | why it is not kept |\n|---|---|---|\n{others}\n"
    )


def _dataset(contract: Contract) -> str:
    submission = contract.submission
    assert submission is not None
    if submission.mode == "replace":
        newer = f"A newer file of the same {_named(submission.key)} replaces the older one."
    else:
        newer = (
            "Files add to each other, and a file sent again under its name replaces what it said. Of rows with the "
            f"same {_named(contract.natural_key)} the one received last counts."
        )
    facts = [
        f"- Supplier: {contract.supplier}. Licence: {contract.licence}. Owner: {contract.owner}.",
        f"- Expected: {contract.cadence.replace('_', ' ')}; stale after {contract.fresh_for_days} days.",
        f"- Formats: {', '.join(f.upper() for f in contract.formats)}.",
        f"- {newer}",
        f"- {_retention(contract)}",
        f"- A batch with more than {contract.reject_above_quarantined_percent:g} % of its rows quarantined is "
        "rejected as a whole.",
    ]
    if contract.may_be_empty is not None:
        named = (
            " Its name or folder has to say of which year." if any(c.from_companion for c in contract.context) else ""
        )
        facts.append(f"- A file of headers alone is accepted, and says: {contract.may_be_empty}{named}")
    parts = [
        f"## `{contract.dataset}`\n\n**{contract.title}.** {contract.description}\n",
        "\n".join(facts) + "\n",
        _columns(contract),
    ]
    if contract.survey is not None:
        parts.append(_items(contract.survey.instrument))
    if contract.rules:
        rules = "\n".join(
            f"| `{rule.id}` | {rule.message.replace('{value}', '…')} | "
            f"{'quarantined' if rule.severity == 'error' else 'kept, and reported'} | {rule.remedy} |"
            for rule in contract.rules
        )
        parts.append(
            f"| rule about a row | it is broken when | the row is | what to do |\n|---|---|---|---|\n{rules}\n"
        )
    left_out = {drop.id: drop.reason for drop in contract.drops}
    if contract.one_per is not None:
        left_out[contract.one_per.id] = contract.one_per.reason
    if contract.survey is not None:
        for tool in load_tools().values():
            left_out |= {rule.id: f"{tool.title}: {rule.reason}" for rule in tool.leave_out}
    if left_out:
        parts.append("".join(f"- Left out and counted as `{rule}`: {reason}\n" for rule, reason in left_out.items()))
    return "\n".join(parts)


def _retention(contract: Contract) -> str:
    rule = load_rules().of(contract.dataset)
    if rule is None:
        return "Its rows are about no person and are kept as long as the home."
    together = ", with the other files of the return" if rule.together else ""
    return (
        f"Its rows are deleted {rule.keep} after the file was received{together}; a home may keep them longer or "
        f"shorter, and not for less than {rule.at_least}. {rule.reason} Decided on {rule.decided_on}."
    )


def _columns(contract: Contract) -> str:
    rows = [
        f"| `{context.name}` | – | {'text' if context.landed_type == 'VARCHAR' else 'whole number'}"
        f" | {context.description}"
        + (" Told by the questions" if context.kind == "instrument" else " From the file or folder name")
        + (f", else from the `{context.from_companion}` file beside it" if context.from_companion else "")
        + (f", else from `{context.from_column}`" if context.from_column else "")
        + f".{_since(context)} |"
        for context in contract.context
    ]
    rows += [_column(column) for column in contract.columns]
    if contract.repeats is not None:
        rows.append(f"| `{contract.repeats.name}` | the header itself | text | {contract.repeats.description} |")
        rows += [_column(column) for column in contract.repeats.columns]
    rows += [
        f"| `{derived.name}` | worked out | {'pseudonym' if derived.pseudonymise else derived.type} "
        f"| {derived.description}{_since(derived)} |"
        for derived in contract.derived
    ]
    return "| column | header in the file | type | what it is |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _column(column: Column) -> str:
    kind = column.type.replace("_", " ")
    if column.personal == "pseudonymise":
        kind = "pseudonym"
    elif not column.lands:
        kind += ", not landed"
    needed = "" if column.required else ", may be empty"
    if column.may_be_absent:
        needed = ", column may be missing"
    codes = ""
    if column.codes is not None:
        codes = " One of: " + ", ".join(column.codes.values) + "."
        for change in column.codes.changes:
            added = f" adds {', '.join(change.add)}" if change.add else ""
            removed = f" ends {', '.join(change.remove)}" if change.remove else ""
            codes += f" From collection year {change.from_year}:{added}{' and' if added and removed else ''}{removed}."
    headers = " or ".join(f"`{header}`" for header in column.headers) or "as the tool names it"
    return f"| `{column.name}` | {headers} | {kind}{needed} | {column.description}{codes}{_since(column)} |"


def _since(column: Column | Context | Derived) -> str:
    return f" Lands since version {column.since} of the contract." if column.since > 1 else ""


def _items(instrument_id: str | None) -> str:
    tools = ", ".join(tool.title for tool in load_tools().values())
    landed = (
        f"Exports of {tools} and of the tools of your own home. Landed as one row per statement answered, or option "
        "chosen: `item_id`, `answer`, `score`.\n"
    )
    if instrument_id is None:
        return f"{landed}\nStatements and answers are those of the instruments in `instruments/` of the home.\n"
    instrument = load_instruments()[instrument_id]
    scales = "\n".join(
        f"- Answers `{name}`: "
        + ", ".join(f"{a.label}" + (f" ({a.score})" if a.score is not None else "") for a in scale)
        for name, scale in instrument.scales.items()
    )
    items = "\n".join(
        f"| `{item.item_id}` | {item.wordings[0]} | {' or '.join(item.scales or [next(iter(instrument.scales))])}"
        f"{', any number of them' if item.choose_many else ''} |"
        for item in instrument.items
    )
    return f"{landed}\n{scales}\n\n| item | statement | answers |\n|---|---|---|\n{items}\n"


def _named(columns: list[str]) -> str:
    named = [f"`{column}`" for column in columns]
    return named[0] if len(named) == 1 else ", ".join(named[:-1]) + " and " + named[-1]


if __name__ == "__main__":
    TARGET.write_text(dictionary(), encoding="utf-8")
    pages.TARGET.write_text(pages.indicators_page(), encoding="utf-8")
