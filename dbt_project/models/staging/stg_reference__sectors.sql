-- One row per sector.
with sectors as (
    select * from {{ source('reference', 'sectors') }}
),

final as (
    select
        sector_code,
        sector_name,
        sector_order
    from sectors
)

select * from final
