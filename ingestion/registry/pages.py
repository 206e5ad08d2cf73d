"""The page of statements and indicators that ship, written from the registry: ``python -m ingestion.dictionary``."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ingestion.registry.layout import seed_rows

TARGET = Path("docs") / "indicators.md"

_HEAD = """# Statements and indicators

Written from `dbt_project/seeds/` by `make docs`; change the seeds, not this page.

First every statement of the two frameworks that ship, with the indicators that speak to it or the reason why there is
none; then every indicator. What a home adds ([own-framework.md](own-framework.md)) is in the published tables
`framework_nodes` and `indicators`, and not here. [statistics.md](statistics.md) says how figures are worked out.
"""
_POLARITIES = {
    "higher_is_better": "higher is better",
    "lower_is_better": "lower is better",
    "none": "neither way is better",
}


def indicators_page() -> str:
    """The page, as Markdown."""
    nodes_of, indicators_of = defaultdict(list), defaultdict(list)
    for row in seed_rows("indicator_nodes"):
        nodes_of[row["indicator_id"]].append(f"{row['node_id']} ({row['framework_id']})")
        indicators_of[row["framework_id"], row["node_id"]].append(row["indicator_id"])
    sources_of = defaultdict(list)
    for row in sorted(seed_rows("indicator_sources"), key=lambda row: int(row["source_rank"])):
        sources_of[row["indicator_id"]].append(f"`{row['source_dataset']}`")
    gaps = {(row["framework_id"], row["node_id"]): row["reason"] for row in seed_rows("framework_gaps")}
    layers = sorted(seed_rows("framework_layers"), key=lambda row: (row["framework_id"], int(row["layer_order"])))
    parts = [_HEAD]
    for layer in layers:
        parts.append(f"## {layer['framework_id']}: {layer['layer_name']}\n\nShown in the mart `{layer['mart']}`.\n")
        nodes = [
            row
            for row in seed_rows("framework_nodes")
            if (row["framework_id"], row["layer"]) == (layer["framework_id"], layer["layer"])
        ]
        rows = []
        for node in sorted(nodes, key=lambda row: int(row["node_order"])):
            key = (node["framework_id"], node["node_id"])
            links = ", ".join(f"[`{name}`](#{name})" for name in sorted(indicators_of[key]))
            rows.append(f"| {node['node_id']} | {_cell(node['statement'])} | {links or 'Gap: ' + _cell(gaps[key])} |\n")
        parts.append("| id | statement | indicators, or why there is none |\n|---|---|---|\n" + "".join(rows))
    parts.append("# Indicators\n")
    for row in sorted(seed_rows("indicators"), key=lambda row: row["indicator_id"]):
        parts.append(_indicator(row, sources_of[row["indicator_id"]], nodes_of[row["indicator_id"]]))
    return "\n".join(parts)


def _indicator(row: dict[str, str], sources: list[str], nodes: list[str]) -> str:
    facts = [
        f"- **Counted**: {row['numerator_definition']}",
        f"- **Out of**: {row['denominator_definition']}" if row["denominator_definition"] else "",
        f"- **Unit**: {row['unit']}, {row['decimals']} decimal{'' if row['decimals'] == '1' else 's'}; "
        f"{_POLARITIES[row['polarity']]}.",
        f"- **Sources**, the first that has a value counts: {', '.join(sources)}; {row['evidence'].replace('_', ' ')} "
        "evidence.",
        f"- **Level and objective**: {row['level']}, {row['objective'].replace('_', ' ')}. A new value is expected "
        f"{row['cadence'].replace('_', ' ')}. Owner: {row['owner']}.",
        f"- **Target**: {row['target_value']} from {row['baseline_period']}." if row["target_value"] else "",
        f"- **Disclosure**: {row['disclosure_rule']}",
        f"- **Speaks to**: {', '.join(sorted(nodes))}.",
    ]
    body = "\n".join(fact for fact in facts if fact)
    return f"### {row['indicator_id']}\n\n**{row['name']}.** {row['definition']}\n\n{body}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
