"""What a dbt node is called, and where it stands, in Dagster's asset graph."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator


class Translator(DagsterDbtTranslator):
    """A model is named after its table; a seed and a source after their schema and table."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The name, with the folder before it where that is not a model of ours."""
        name, kind = dbt_resource_props["name"], dbt_resource_props["resource_type"]
        if kind == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], name])
        return dg.AssetKey(["seeds", name]) if kind == "seed" else dg.AssetKey([name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer: the folder under ``models``, or ``seeds``."""
        if dbt_resource_props["resource_type"] == "seed":
            return "seeds"
        return str(dbt_resource_props["fqn"][1])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The description alone: the SQL is one click away."""
        return " ".join((dbt_resource_props.get("description") or "").split())
