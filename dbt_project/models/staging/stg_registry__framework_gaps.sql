-- One row per declared gap, a statement that no indicator speaks to.
with registry as (
    {{ registry_table('framework_gaps') }}
),

final as (
    select
        framework_id,
        node_id,
        reason
    from registry
)

select * from final
