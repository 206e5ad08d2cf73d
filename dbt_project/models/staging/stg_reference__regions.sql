-- One row per region.
with regions as (
    select * from {{ source('reference', 'regions') }}
),

final as (
    select
        region_code,
        region_name,
        country_code
    from regions
)

select * from final
