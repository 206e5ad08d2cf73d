"""One row per protected value of which something is hidden: what, and why. It holds no figures.

The person who answers for disclosure reads it; it is never published, because why a figure is hidden says what it is.
"""


def model(dbt, session):
    """Reads the counted values, asks the library what to hide and hands back an Arrow table."""
    import pyarrow as pa

    from dbt_project.python.disclosure import Cell, Relation, disclosure_control

    dbt.config(materialized="table")
    # What a hidden figure is found again by.
    key = Cell._fields[: Cell._fields.index("period_start")]
    order = ", ".join(key)
    cell_columns = ", ".join(Cell._fields)
    today = (
        dbt.ref("indicator_values_unsuppressed")
        .filter("disclosure_unit not in ('organisation', 'event')")
        # A numerator stands beside a value; what a publisher printed of it stands there in any case.
        .project(
            "*, numerator is not null and (is_published or value_status = 'ok') as is_numerator_shown,"
            " denominator is not null as is_denominator_shown"
        )
    )
    indicators = dbt.ref("stg_registry__indicators").project(
        "indicator_id, false as is_published, measure_type, disclosure_unit, minimum_count, minimum_base"
    )
    before = dbt.ref("stg_disclosure__released_counts").join(indicators, "indicator_id")
    cells, earlier = (
        [Cell(*row) for row in rows.project(cell_columns).order(order).fetchall()] for rows in (today, before)
    )
    relations = [Relation(*row) for row in dbt.ref("stg_registry__count_relations").order("all").fetchall()]
    outcome = disclosure_control(cells, earlier, relations)
    hidden = [
        (*cell[: len(key)], *suppression, cell in outcome.given_away)
        for cell, suppression in zip(cells, outcome.suppressions, strict=True)
        if suppression.reason is not None
    ]
    text, yes_no = pa.string(), pa.bool_()
    schema = pa.schema(
        [(name, text) for name in key]
        + [("hides_numerator", yes_no), ("hides_denominator", yes_no), ("reason", text), ("is_given_away", yes_no)]
    )
    columns = zip(*hidden, strict=True) if hidden else [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
