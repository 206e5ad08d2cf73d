"""One row per row of indicator_comparators, judged: difference, verdict, rank and quartile, progress."""

#: What tells one pair from others, and says what it is about.
KEY = (
    "indicator_id", "source_dataset", "area_code", "sector", "organisation_id", "breakdown", "breakdown_value",
    "period_type", "period", "is_latest", "comparator", "comparator_area_code", "comparator_period",
    "comparator_breakdown_value",
)  # fmt: skip


def model(dbt, session):
    """Reads the pairs of figures, asks the library, hands back an Arrow table of them with what it said."""
    import pyarrow as pa

    from dbt_project.python.columns import ArrowColumns
    from dbt_project.python.judgement import judge_pairs

    dbt.config(materialized="table")
    pairs = dbt.ref("indicator_comparators").order(", ".join(KEY)).to_arrow_table()
    judgement = judge_pairs(ArrowColumns(pairs))
    columns = {name: pairs[name] for name in (*KEY, "value", "comparator_value", "comparator_status")}
    for name, values in judgement.items():
        # Typed, so that a home without a single pair has the same columns.
        columns[name] = pa.array(values, pa.string() if values.dtype == object else pa.float64(), from_pandas=True)
    return pa.table(columns)
