-- One row per indicator and statement that it speaks to.
with registry as (
    {{ registry_table('indicator_nodes') }}
),

final as (
    select
        indicator_id,
        framework_id,
        node_id
    from registry
)

select * from final
