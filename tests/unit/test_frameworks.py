"""The frameworks in the seeds against the documents they were taken from, and against the registry."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from expectations.marts import FRAME_MARTS

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
SOURCES = {"tip_borough": "000_f76da467a44404b3.txt", "nttp_logic_model": "003_cbaca8b40af58bb4.txt"}
BREAK = " ¶ "

LAYERS = {
    "tip_borough": {
        "theory_of_change_systems": [f"T1.{i}" for i in range(1, 6)],
        "theory_of_change_services": [f"T2.{i}" for i in range(1, 6)],
        "theory_of_change_experience": [f"T3.{i}" for i in range(1, 6)],
        "theory_of_change_outcomes": [f"T4.{i}" for i in range(1, 6)],
        "features_children_and_families": [
            "F1.1", "F1.2", "F2.1", "F2.2", "F3.1", "F3.2", "F3.3", "F3.4", "F4.1", "F4.2",
        ],
        "features_workforce": ["F5.1", "F5.2", "F6.1", "F6.2", "F7.1", "F7.2", "F8.1", "F8.2", "F8.3"],
        "change_journey_practitioners": [f"JP.{i}" for i in range(1, 6)],
        "change_journey_organisations": [f"JO.{i}" for i in range(1, 6)],
        "measurement_framework": [
            f"M.{objective}.{level}"
            for objective in ("comms", "training", "tools_and_resources", "learning_and_impact")
            for level in ("service", "sector", "system")
        ],
    },
    "nttp_logic_model": {
        "inputs": [f"I{i}" for i in range(1, 5)],
        "activities": [f"A{i}" for i in range(1, 7)],
        "short_term_outcomes": [f"S{i}" for i in range(1, 8)],
        "medium_term_outcomes": [f"M{i}" for i in range(1, 7)],
        "long_term_outcomes": [f"L{i}" for i in range(1, 4)],
        "national_outcomes": [f"N{i}" for i in range(1, 5)],
    },
}  # fmt: skip

#: What stands between the statements in the documents: headings and the numbers of the theory of change's layers.
TIP_HEADINGS = {
    "1", "2", "3", "Changes in systems", "Changes in services and practice", "Changes in C,YP & F experience",
    "Changes in outcomes", "From TiP features to outcomes", "Children and families", "Workforce",
}  # fmt: skip
NTTP_HEADINGS = {
    "Logic Model", "Inputs", "Activities", "(as outlined in part two of the roadmap)", "Short-term outcomes",
    "Medium-term outcomes", "Long-term outcomes", "National Performance Framework Outcomes:",
}  # fmt: skip


def read_seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"seed_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def nodes_of(framework_id: str, *layers: str) -> list[dict[str, str]]:
    rows = [row for row in read_seed("framework_nodes") if row["framework_id"] == framework_id]
    return [row for row in rows if not layers or row["layer"] in layers]


def scanned(shared: Path, framework_id: str) -> str:
    """The document as paragraphs joined by the mark of a broken paragraph, without the marks of bold type."""
    text = (shared / "seeds" / SOURCES[framework_id]).read_text(encoding="utf-8").replace("**", "")
    paragraphs = (" ".join(line.split()) for line in text.splitlines())
    return BREAK.join(paragraph for paragraph in paragraphs if paragraph)


def mended(shared: Path, framework_id: str) -> str:
    text = scanned(shared, framework_id)
    for row in read_seed("framework_corrections"):
        if row["framework_id"] == framework_id:
            assert text.count(row["source_text"]) == 1, f"{row['source_text']!r} is not in the document exactly once"
            text = text.replace(row["source_text"], row["corrected_text"])
    return text


def paragraphs_between(text: str, first: str, last: str) -> list[str]:
    paragraphs = text.split(BREAK)
    start = paragraphs.index(first)
    end = next(i for i in range(start, len(paragraphs)) if paragraphs[i].startswith(last))
    return paragraphs[start + 1 : end]


def tables(text: str) -> list[list[list[str]]]:
    """Every table of the document as rows of cells, its heading row left out."""
    found: list[list[list[str]]] = []
    for paragraph in text.split(BREAK):
        if not paragraph.startswith("|"):
            continue
        cells = [cell.strip() for cell in paragraph.strip("|").split("|")]
        if set("".join(cells)) <= {"-"}:
            continue
        if {"BEFORE", "OBJECTIVE"} & set(cells):
            found.append([])
        else:
            found[-1].append([cell for cell in cells if cell])
    return found


def test_borough_framework_has_39_statements_10_journey_stages_and_12_cells() -> None:
    kinds = Counter(
        "cell" if row["layer"] == "measurement_framework" else "stage" if row["before_statement"] else "statement"
        for row in nodes_of("tip_borough")
    )
    assert kinds == {"statement": 39, "stage": 10, "cell": 12}


def test_national_logic_model_has_30_statements() -> None:
    assert len(nodes_of("nttp_logic_model")) == 30


@pytest.mark.parametrize("framework_id", LAYERS)
def test_nodes_stand_in_the_order_of_their_layers_and_of_the_document(framework_id: str) -> None:
    in_order = sorted(nodes_of(framework_id), key=lambda row: (int(row["layer_order"]), int(row["node_order"])))
    expected = [
        (layer, node_id, layer_order, node_order)
        for layer_order, (layer, node_ids) in enumerate(LAYERS[framework_id].items(), start=1)
        for node_order, node_id in enumerate(node_ids, start=1)
    ]
    assert [
        (row["layer"], row["node_id"], int(row["layer_order"]), int(row["node_order"])) for row in in_order
    ] == expected


def test_every_node_id_is_used_once() -> None:
    ids = Counter((row["framework_id"], row["node_id"]) for row in read_seed("framework_nodes"))
    assert len(ids) == 91
    assert [node for node, times in ids.items() if times > 1] == []


@pytest.mark.shared_data
def test_borough_statements_are_every_paragraph_of_the_document_that_is_not_a_heading(shared: Path) -> None:
    text = mended(shared, "tip_borough")
    statements = nodes_of("tip_borough", *list(LAYERS["tip_borough"])[:6])
    features = {row["feature"] for row in statements if row["feature"]}
    paragraphs = paragraphs_between(text, "Theory of change on a single page", "|")
    assert features <= set(paragraphs)
    assert [p for p in paragraphs if p not in TIP_HEADINGS | features] == [row["statement"] for row in statements]


@pytest.mark.shared_data
def test_statements_stand_under_the_feature_that_the_document_puts_them_under(shared: Path) -> None:
    features = nodes_of("tip_borough", "features_children_and_families", "features_workforce")
    headings = {row["feature"] for row in features}
    under: dict[str, str] = {}
    heading = ""
    for paragraph in mended(shared, "tip_borough").split(BREAK):
        heading = paragraph if paragraph in headings else heading
        under[paragraph] = heading
    assert len(headings) == 8
    assert [row["node_id"] for row in features if under[row["statement"]] != row["feature"]] == []


@pytest.mark.shared_data
def test_national_statements_are_every_paragraph_of_the_document_that_is_not_a_heading(shared: Path) -> None:
    paragraphs = mended(shared, "nttp_logic_model").split(BREAK)
    statements = [row["statement"] for row in nodes_of("nttp_logic_model")]
    assert [p for p in paragraphs if p not in NTTP_HEADINGS] == statements


@pytest.mark.shared_data
@pytest.mark.parametrize(("table", "layer"), [(0, "change_journey_practitioners"), (1, "change_journey_organisations")])
def test_journey_stages_carry_the_texts_of_their_table_row(shared: Path, table: int, layer: str) -> None:
    stages = [
        [row["statement"], row["before_statement"], row["after_statement"]] for row in nodes_of("tip_borough", layer)
    ]
    assert tables(mended(shared, "tip_borough"))[table] == stages


@pytest.mark.shared_data
def test_measurement_cells_carry_the_measures_and_the_objective_of_their_table_row(shared: Path) -> None:
    rows = tables(mended(shared, "tip_borough"))[2]
    cells = nodes_of("tip_borough", "measurement_framework")
    expected = []
    for title, objective, *measures in rows:
        key = title.lower().replace(" ", "_")
        for level, measure in zip(("service", "sector", "system"), measures, strict=True):
            expected.append((f"M.{key}.{level}", objective, measure))
    assert [(row["node_id"], row["feature"], row["statement"]) for row in cells] == expected


def test_corrected_words_stand_in_the_statement_they_are_listed_for() -> None:
    statements = {(row["framework_id"], row["node_id"]): row["statement"] for row in read_seed("framework_nodes")}
    corrections = [row for row in read_seed("framework_corrections") if row["node_id"]]
    assert {row["node_id"] for row in corrections} >= {"T4.1", "I1", "A6"}
    for row in corrections:
        statement = statements[row["framework_id"], row["node_id"]]
        assert row["corrected_text"] in statement, row
        assert row["source_text"] not in statement, row


def test_no_slip_of_the_scan_is_left_in_any_statement() -> None:
    texts = [
        row[column]
        for row in read_seed("framework_nodes")
        for column in ("statement", "feature", "before_statement", "after_statement")
    ]
    slip = re.compile(r"sustems|ACFs|traumainformed|\*\*|\s{2,}|\n|^\s|\s$|,$")
    assert [text for text in texts if slip.search(text)] == []


def test_every_node_has_either_an_indicator_or_a_declared_gap_and_never_both() -> None:
    nodes = {(row["framework_id"], row["node_id"]) for row in read_seed("framework_nodes")}
    measured = {(row["framework_id"], row["node_id"]) for row in read_seed("indicator_nodes")}
    gaps = {(row["framework_id"], row["node_id"]) for row in read_seed("framework_gaps")}
    assert measured & gaps == set()
    assert measured | gaps == nodes


def test_every_declared_gap_is_declared_once_and_says_why_in_a_sentence() -> None:
    gaps = read_seed("framework_gaps")
    assert len({(row["framework_id"], row["node_id"]) for row in gaps}) == len(gaps)
    assert [row["node_id"] for row in gaps if not re.fullmatch(r"[A-Z].{20,}\.", row["reason"])] == []


def test_every_layer_is_registered_in_its_place_and_has_a_mart() -> None:
    registered = {(row["framework_id"], row["layer"]): row["layer_order"] for row in read_seed("framework_layers")}
    used = {(row["framework_id"], row["layer"]): row["layer_order"] for row in read_seed("framework_nodes")}
    assert registered == used
    assert {row["mart"] for row in read_seed("framework_layers")} == set(FRAME_MARTS)


def test_links_join_statements_that_exist_and_each_pair_once() -> None:
    nodes = {(row["framework_id"], row["node_id"]) for row in read_seed("framework_nodes")}
    links = [
        ((row["framework_id"], row["from_node_id"]), (row["to_framework_id"], row["to_node_id"]))
        for row in read_seed("framework_links")
    ]
    assert [link for link in links if not nodes.issuperset(link)] == []
    assert len(set(links)) == len(links)


def test_every_statement_of_one_layer_is_linked_to_every_one_of_the_next_as_stated() -> None:
    stated = {
        (row["from_node_id"], row["to_node_id"]) for row in read_seed("framework_links") if row["basis"] == "stated"
    }
    chains = [
        [
            LAYERS["tip_borough"][f"theory_of_change_{layer}"]
            for layer in ("systems", "services", "experience", "outcomes")
        ],
        list(LAYERS["nttp_logic_model"].values()),
    ]
    drawn = {(one, other) for chain in chains for here, after in pairwise(chain) for one in here for other in after}
    assert len(drawn) == 3 * 25 + 24 + 42 + 42 + 18 + 12
    assert drawn <= stated
    # What is left: the journey from stage to stage, and results that a wider level collates.
    assert {one[:3] for one, _ in stated - drawn} == {"JP.", "JO.", "M.t", "M.l"}


def test_links_between_the_frameworks_are_ours_and_reach_every_layer_of_the_logic_model() -> None:
    between = [row for row in read_seed("framework_links") if row["framework_id"] != row["to_framework_id"]]
    assert {row["basis"] for row in between} == {"assumed"}
    assert {row["to_node_id"][0] for row in between} == set("IASMLN")
    assert all(row["reason"].endswith(".") for row in between)
