-- One row per cell of the measurement framework (objective × level), indicator and member, with the home's own latest
-- value. The statement is the measures that the document names.
with node_values as (
    select * from {{ ref('node_values') }}
),

final as (
    select
        -- The id of a cell is M.<objective>.<level>.
        nullif(split_part(node_id, '.', 2), '') as cell_objective,
        nullif(split_part(node_id, '.', 3), '') as cell_level,
        {{ frame_columns() | join(',\n        ') }}
    from node_values
    where mart = 'measurement_framework'
)

select * from final
