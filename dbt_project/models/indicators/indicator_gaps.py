"""One row per row of indicator_gaps_paired: how far apart the two groups are, whichever is ahead."""

#: Columns that are handed on as they are.
KEPT = "indicator_id, source_dataset, source_rank, area_code, sector, organisation_id"
PERIOD = "period_type, period, period_start, period_end"


def model(dbt, session):
    """Reads the pairs of figures, asks the library for the gaps and hands back an Arrow table."""
    import pyarrow as pa

    from dbt_project.python.changes import change_interval, change_of_value
    from dbt_project.python.gaps import absolute_gap

    dbt.config(materialized="table")
    pairs = dbt.ref("indicator_gaps_paired").order(f"{KEPT}, {PERIOD}").to_arrow_table()
    difference = change_of_value(
        pairs["value"].to_pylist(), pairs["reference_value"].to_pylist(), pairs["decimals"].to_pylist()
    )
    kinds = pairs["measure_type"].to_pylist()
    counts = [
        pairs[column].cast("double").to_numpy()
        for column in ("numerator", "denominator", "reference_numerator", "reference_denominator", "multiplier")
    ]
    total = pa.array(["total"] * pairs.num_rows, "string")
    gaps = pairs.select(f"{KEPT}, {PERIOD}, value_status, vintage_ids".split(", "))
    for name in ("breakdown", "breakdown_value"):
        gaps = gaps.append_column(name, total)
    for level, confidence in (("95", 0.95), ("998", 0.998)):
        # Two groups are two independent samples, as two periods are.
        value, lower, upper = absolute_gap(difference, *change_interval(kinds, *counts, confidence=confidence))
        gaps = gaps.append_column(f"ci_lower_{level}", pa.array(lower, from_pandas=True))
        gaps = gaps.append_column(f"ci_upper_{level}", pa.array(upper, from_pandas=True))
    return gaps.append_column("value", pa.array(value, from_pandas=True))
