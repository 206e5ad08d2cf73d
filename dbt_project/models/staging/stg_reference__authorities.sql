-- One row per local authority, past ones included.
with authorities as (
    select * from {{ source('reference', 'authorities') }}
),

final as (
    select
        area_code,
        area_name,
        area_type,
        old_la_code,
        region_code,
        valid_from,
        valid_to,
        is_invented
    from authorities
)

select * from final
