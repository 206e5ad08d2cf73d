-- One row per statement of a framework, stage of its change journey or cell of its measurement framework.
with registry as (
    {{ registry_table('framework_nodes') }}
),

final as (
    select
        framework_id,
        node_id,
        layer,
        layer_order,
        node_order,
        statement,
        feature,
        population,
        before_statement,
        after_statement
    from registry
)

select * from final
