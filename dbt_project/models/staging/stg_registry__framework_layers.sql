-- One row per layer of a framework: its name and the mart that shows it.
with registry as (
    {{ registry_table('framework_layers') }}
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
