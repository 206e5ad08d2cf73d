-- One row per sector of the partnership.
with sectors as (
    select * from {{ ref('stg_reference__sectors') }}
),

final as (
    select
        sector_code,
        sector_name,
        sector_order
    from sectors
)

select * from final
