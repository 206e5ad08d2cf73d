"""One row per latest disclosed value, and per point of a monthly, quarterly or termly series: what the series says.

Years are tested for a recent trend, months, quarters and terms stand on a process behaviour chart, and waves are judged
by the interval of their change. Nothing before disclosure control is read, so a series with a value that is withheld is
judged as a reader of the publication could judge it.
"""

#: What tells one series from another, and a value from others.
SERIES = (
    "indicator_id", "source_dataset", "area_code", "sector", "organisation_id", "breakdown", "breakdown_value",
    "period_type",
)  # fmt: skip
KEY = (*SERIES, "period")


def model(dbt, session):
    """Reads the disclosed values and the recorded baselines, asks the library and hands back an Arrow table."""
    import numpy as np
    import pyarrow as pa

    from dbt_project.python.columns import ArrowColumns
    from dbt_project.python.series import judge_series

    dbt.config(materialized="table")
    measures = dbt.ref("stg_registry__indicators").project("indicator_id, polarity, measure_type").set_alias("measures")
    changes = (
        dbt.ref("indicator_changes")
        .project(f"{', '.join(KEY)}, change, change_lower_95, change_upper_95")
        .set_alias("changes")
    )
    values = (
        dbt.ref("indicator_values_disclosed")
        .set_alias("disclosed")
        .join(measures, "disclosed.indicator_id = measures.indicator_id")
        .join(changes, " and ".join(f"disclosed.{column} = changes.{column}" for column in KEY), how="left")
        .project(
            ", ".join(f"disclosed.{column}" for column in KEY)
            + ", period_start, period_end, is_latest, polarity, measure_type, cast(numerator as double) as numerator,"
            " cast(denominator as double) as denominator, value, ci_lower_95, ci_upper_95, change, change_lower_95,"
            f" change_upper_95, dense_rank() over (order by {', '.join(f'disclosed.{c}' for c in SERIES)}) as series"
        )
        .order("series, period_start, period_end, period")
        .to_arrow_table()
    )
    baselines = (
        dbt.ref("stg_home__control_baselines").order("indicator_id, first_period, decided_date").to_arrow_table()
    )
    judged = judge_series(ArrowColumns(values), ArrowColumns(baselines))
    kinds = {
        "chart_start": pa.date32(),
        **dict.fromkeys(("mean", "lower_limit", "upper_limit"), pa.float64()),
        "limit_points": pa.int64(),
        "is_provisional": pa.bool_(),
        "decided_date": pa.date32(),
    }
    kept = values.select([*KEY, "period_start", "period_end", "is_latest"])
    for name, found in judged.items():
        kept = kept.append_column(name, pa.array(found, kinds.get(name, pa.string()), from_pandas=True))
    is_said = np.array(values["is_latest"].to_pylist(), dtype=bool) | ~np.isnat(judged["chart_start"])
    return kept.filter(pa.array(is_said))
