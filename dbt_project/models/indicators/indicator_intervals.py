"""One row per kind of measure and counts that can be one, with its intervals.

The interval depends on nothing but the kind and the counts, so each is worked out once however many rows share it:
Wilson's for proportions, Byar's or the exact one for rates and counts, Student's for means, which need the sum of
squares too.
"""


def model(dbt, session):
    """Reads the counts, asks the library, hands back an Arrow table: measure type, the counts and four bounds."""
    import numpy as np
    import pyarrow as pa

    from dbt_project.python.intervals import byar_interval, student_interval, wilson_interval

    dbt.config(materialized="table")
    measures = dbt.ref("stg_registry__indicators").project("indicator_id, measure_type")
    pairs = (
        dbt.ref("indicator_counts")
        .join(measures, "indicator_id")
        # A count is per nothing: its exposure is one.
        .project(
            "measure_type, numerator, case when measure_type = 'count' then 1 else denominator end as denominator,"
            " sum_of_squares"
        )
        .filter(
            "numerator >= 0 and denominator > 0"
            " and (measure_type in ('rate', 'count') or (measure_type = 'proportion' and numerator <= denominator)"
            " or (measure_type = 'mean' and sum_of_squares * denominator >= numerator * numerator))"
        )
        .distinct()
        .order("measure_type, denominator, numerator, sum_of_squares")
        .to_arrow_table()
    )
    numerator, denominator, squares = (
        pairs[column].cast("double").to_numpy() for column in ("numerator", "denominator", "sum_of_squares")
    )
    kind = np.array(pairs["measure_type"].to_pylist(), dtype=object)
    is_proportion, is_mean = kind == "proportion", kind == "mean"
    is_rate = ~is_proportion & ~is_mean
    bounds = {}
    for level, confidence in (("95", 0.95), ("998", 0.998)):
        sides = np.full((2, numerator.size), np.nan)
        for interval, rows, counts in (
            (wilson_interval, is_proportion, (numerator, denominator)),
            (byar_interval, is_rate, (numerator, denominator)),
            (student_interval, is_mean, (numerator, squares, denominator)),
        ):
            sides[:, rows] = interval(*(column[rows] for column in counts), confidence=confidence)
        bounds[f"lower_{level}"], bounds[f"upper_{level}"] = sides
    return pa.table(
        {column: pairs[column] for column in ("measure_type", "numerator", "denominator", "sum_of_squares")}
        # A single measurement has a mean and no interval.
        | {
            column: pa.array(bounds[column], from_pandas=True)
            for column in ("lower_95", "upper_95", "lower_998", "upper_998")
        }
    )
