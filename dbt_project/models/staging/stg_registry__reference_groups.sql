-- One row per breakdown whose groups are compared with one of them.
with registry as (
    select * from {{ ref('seed_reference_groups') }}
),

final as (
    select
        breakdown,
        reference_value
    from registry
)

select * from final
