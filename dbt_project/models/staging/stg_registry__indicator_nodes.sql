-- One row per indicator and statement that it speaks to.
with registry as (
    select * from {{ ref('seed_indicator_nodes') }}
),

final as (
    select
        indicator_id,
        framework_id,
        node_id
    from registry
)

select * from final
