-- One row per pair of counts that have to do with each other.
with registry as (
    select * from {{ ref('seed_count_relations') }}
),

final as (
    select
        indicator_id,
        part,
        relation,
        other_indicator_id,
        other_part
    from registry
)

select * from final
