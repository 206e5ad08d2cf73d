-- One row per statement of a framework, stage of its change journey or cell of its measurement framework.
with nodes as (
    select * from {{ ref('stg_registry__framework_nodes') }}
),

gaps as (
    select * from {{ ref('stg_registry__framework_gaps') }}
),

final as (
    select
        nodes.framework_id,
        nodes.node_id,
        nodes.layer,
        nodes.layer_order,
        nodes.statement,
        nodes.feature,
        nodes.population,
        nodes.before_statement,
        nodes.after_statement,
        gaps.reason as declared_gap
    from nodes
    left join gaps
        on
            nodes.framework_id = gaps.framework_id
            and nodes.node_id = gaps.node_id
)

select * from final
