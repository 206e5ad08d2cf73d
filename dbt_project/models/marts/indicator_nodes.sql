-- One row per indicator and framework node that it speaks to.
with node_indicators as (
    select * from {{ ref('stg_registry__indicator_nodes') }}
),

final as (
    select
        indicator_id,
        framework_id,
        node_id
    from node_indicators
)

select * from final
