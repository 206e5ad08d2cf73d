-- One row per contribution from one statement to another. A status never travels along a link.
with links as (
    select * from {{ ref('stg_registry__framework_links') }}
),

final as (
    select
        framework_id,
        from_node_id,
        to_framework_id,
        to_node_id,
        basis,
        reason
    from links
)

select * from final
