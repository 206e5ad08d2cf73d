"""What is published under a version number stays what it is: whoever changes it announces a new version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from ingestion.contracts import load_contracts
from publishing.content import RECORDS, REQUIRED_MARTS
from publishing.versions import announced, latest

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "tests" / "golden" / "versions.json"
PROJECT = REPOSITORY / "dbt_project"


def digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def columns_of_marts() -> dict[str, Any]:
    models = {}
    for path in sorted((PROJECT / "models" / "marts").glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            models[model["name"]] = [(column["name"], column["data_type"]) for column in model["columns"]]
    return models


def as_it_stands() -> dict[str, dict[str, list[Any]]]:
    """Kind → name → version and digest of what the version stands for."""
    marts, registry = columns_of_marts(), latest("registry")
    seeds = {path.name: path.read_text(encoding="utf-8") for path in sorted((PROJECT / "seeds").glob("*.csv"))}
    return {
        "table": {name: [version, digest(marts[name])] for name, version in latest("table").items() if name in marts},
        "registry": {"indicators": [registry["indicators"], digest(seeds)]},
        "contract": {
            name: [contract.version, digest(contract.model_dump(mode="json", exclude_defaults=True))]
            for name, contract in load_contracts().items()
        },
    }


def changed_without_a_version(
    golden: Mapping[str, Mapping[str, list[Any]]], now: Mapping[str, Mapping[str, list[Any]]]
) -> list[str]:
    return [
        f"{kind} {name}"
        for kind, names in now.items()
        for name, (version, content) in names.items()
        if golden[kind].get(name, [version])[0] == version and golden[kind].get(name, [version, content])[1] != content
    ]


def test_whoever_changes_a_mart_the_registry_or_a_contract_raises_its_version() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert changed_without_a_version(golden, as_it_stands()) == [], (
        "Raise the version: of a table or the registry with a new row in publishing/versions.csv that says what "
        "changed, of a contract in its file. Then write the new digests: python -m tests.unit.test_versions"
    )
    assert golden == as_it_stands(), "Write the new digests: python -m tests.unit.test_versions"


def test_a_change_is_seen_by_its_digest_and_excused_by_a_new_version() -> None:
    golden = {"table": {"areas": [1, "a"], "periods": [1, "b"]}}
    assert changed_without_a_version(golden, {"table": {"areas": [1, "x"], "periods": [1, "b"]}}) == ["table areas"]
    assert changed_without_a_version(golden, {"table": {"areas": [2, "x"], "sectors": [1, "c"]}}) == []


def test_every_published_table_has_versions_in_order_that_say_what_changed() -> None:
    assert latest("table").keys() == {*REQUIRED_MARTS, *RECORDS}
    assert {row["kind"] for row in announced()} == {"table", "registry"}
    seen: dict[tuple[str, str], tuple[int, date]] = {}
    for row in announced():
        key, version, released = (row["kind"], row["name"]), int(row["version"]), date.fromisoformat(row["released_on"])
        before, since = seen.get(key, (0, date.min))
        assert version == before + 1, row
        assert released >= since, row
        assert row["change"].endswith("."), row
        seen[key] = version, released


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(as_it_stands(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
