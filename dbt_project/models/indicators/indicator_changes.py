"""One row per latest value of the home's own authority: how it changed and which way that is.

Never the bare difference decides, but the interval of the change that the disclosed counts give, or of a gap or a mean
its two intervals.
"""

#: Columns that are handed on as they are.
KEPT = (
    "indicator_id, source_dataset, area_code, sector, organisation_id, breakdown, breakdown_value, period_type, period,"
    " previous_period, previous_value, previous_numerator, previous_denominator"
)


def model(dbt, session):
    """Reads the pairs of values, asks the library for the intervals and hands back an Arrow table."""
    from math import isnan

    import pyarrow as pa

    from dbt_project.python.changes import change_interval, change_of_gap, change_of_mean, change_of_value, directions

    dbt.config(materialized="table")
    pairs = dbt.ref("indicator_values_paired").order(KEPT).to_arrow_table()
    change = change_of_value(
        pairs["value"].to_pylist(), pairs["previous_value"].to_pylist(), pairs["decimals"].to_pylist()
    )
    counts = [
        pairs[column].cast("double").to_numpy()
        for column in ("numerator", "exposure", "previous_numerator", "previous_exposure", "multiplier")
    ]
    kinds = pairs["measure_type"].to_pylist()
    lower, upper = change_interval(kinds, *counts)
    bounds = ("interval_lower_95", "interval_upper_95")
    for kind, change_of, parts in (
        ("gap", change_of_gap, ("value", *bounds)),
        ("mean", change_of_mean, (*bounds, "measurement_count")),
    ):
        rows = [one == kind for one in kinds]
        lower[rows], upper[rows] = change_of(
            *(pairs[f"{when}{part}"].cast("double").to_numpy()[rows] for when in ("previous_", "") for part in parts)
        )
    has_counts = [not any(isnan(number) for number in row) for row in zip(*counts, strict=True)]
    kept = pairs.select(KEPT.replace(" ", "").split(","))
    for name, values in (
        ("change", pa.array(change, "double")),
        ("change_lower_95", pa.array(lower, from_pandas=True)),
        ("change_upper_95", pa.array(upper, from_pandas=True)),
        ("direction", pa.array(directions(change, lower, upper, pairs["polarity"].to_pylist(), has_counts), "string")),
        ("shown_period_count", pairs["shown_period_count"]),
    ):
        kept = kept.append_column(name, values)
    return kept
