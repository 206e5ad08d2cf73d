"""One row per kind of measure and pair of counts that can be one, with its intervals.

The interval depends on nothing but the kind and the two counts, so each pair is worked out once however many rows
share it: Wilson's for proportions, Byar's or the exact one for rates and counts. A mean needs the sum of squares too,
which no counted model carries, so means have no interval.
"""


def model(dbt, session):
    """Reads the counts, asks the library, hands back an Arrow table: measure type, two counts and four bounds."""
    import numpy as np
    import pyarrow as pa

    from dbt_project.python.intervals import byar_interval, wilson_interval

    dbt.config(materialized="table")
    measures = dbt.ref("stg_registry__indicators").project("indicator_id, measure_type")
    pairs = (
        dbt.ref("indicator_counts")
        .join(measures, "indicator_id")
        # A count is per nothing: its exposure is one.
        .project("measure_type, numerator, case when measure_type = 'count' then 1 else denominator end as denominator")
        .filter(
            "numerator >= 0 and denominator > 0"
            " and (measure_type in ('rate', 'count') or (measure_type = 'proportion' and numerator <= denominator))"
        )
        .distinct()
        .order("measure_type, denominator, numerator")
        .to_arrow_table()
    )
    numerator, denominator = (pairs[column].to_numpy().astype(float) for column in ("numerator", "denominator"))
    is_proportion = np.array(pairs["measure_type"].to_pylist(), dtype=object) == "proportion"
    bounds = {}
    for level, confidence in (("95", 0.95), ("998", 0.998)):
        sides = np.full((2, numerator.size), np.nan)
        for interval, rows in ((wilson_interval, is_proportion), (byar_interval, ~is_proportion)):
            sides[:, rows] = interval(numerator[rows], denominator[rows], confidence=confidence)
        bounds[f"lower_{level}"], bounds[f"upper_{level}"] = sides
    return pa.table(
        {column: pairs[column] for column in ("measure_type", "numerator", "denominator")}
        | {column: bounds[column] for column in ("lower_95", "upper_95", "lower_998", "upper_998")}
    )
