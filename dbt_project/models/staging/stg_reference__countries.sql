-- One row per country.
with countries as (
    select * from {{ source('reference', 'countries') }}
),

final as (
    select
        country_code,
        country_name
    from countries
)

select * from final
