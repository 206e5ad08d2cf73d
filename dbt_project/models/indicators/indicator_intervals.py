"""One row per pair of counts that can be a proportion, with its Wilson intervals.

The interval depends on nothing but the two counts, so each pair is worked out once however many rows share it.
"""


def model(dbt, session):
    """Reads the counts, asks the library and hands back an Arrow table: numerator, denominator and four bounds."""
    import pyarrow as pa

    from dbt_project.python.intervals import wilson_interval

    dbt.config(materialized="table")
    pairs = (
        dbt.ref("indicator_counts")
        .filter("denominator > 0 and numerator between 0 and denominator")
        .project("numerator, denominator")
        .distinct()
        .order("denominator, numerator")
        .to_arrow_table()
    )
    numerator, denominator = pairs["numerator"].to_numpy(), pairs["denominator"].to_numpy()
    lower_95, upper_95 = wilson_interval(numerator, denominator, confidence=0.95)
    lower_998, upper_998 = wilson_interval(numerator, denominator, confidence=0.998)
    return pa.table(
        {
            "numerator": pairs["numerator"],
            "denominator": pairs["denominator"],
            "lower_95": lower_95,
            "upper_95": upper_95,
            "lower_998": lower_998,
            "upper_998": upper_998,
        }
    )
