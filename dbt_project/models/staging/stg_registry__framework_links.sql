-- One row per contribution from one statement to another.
with registry as (
    {{ registry_table('framework_links') }}
),

final as (
    select
        framework_id,
        from_node_id,
        to_framework_id,
        to_node_id,
        basis,
        reason
    from registry
)

select * from final
