-- One row per layer of a framework: its name and the mart that shows it.
with registry as (
    select * from {{ ref('seed_framework_layers') }}
),

final as (
    select
        framework_id,
        layer,
        layer_order,
        layer_name,
        mart
    from registry
)

select * from final
