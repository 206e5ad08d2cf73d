"""One row per row of indicator_comparators, judged: difference, verdict, rank and quartile, progress."""


def model(dbt, session):
    """Reads the pairs of figures, asks the library, hands back an Arrow table of them with what it said."""
    import pyarrow as pa

    from dbt_project.python.judgement import judge_pairs

    dbt.config(materialized="table")
    pairs = (
        dbt.ref("indicator_comparators")
        .order(
            "indicator_id, source_dataset, area_code, sector, organisation_id, breakdown, breakdown_value, period_type,"
            " period, comparator"
        )
        .to_arrow_table()
    )
    judged = judge_pairs({name: pairs[name].to_pylist() for name in pairs.column_names})
    for name, values in judged.items():
        # Typed, so that a home without a single pair has the same columns.
        column = pa.array(values, pa.string() if values.dtype == object else pa.float64(), from_pandas=True)
        if name in pairs.column_names:
            pairs = pairs.set_column(pairs.column_names.index(name), name, column)
        else:
            pairs = pairs.append_column(name, column)
    return pairs
