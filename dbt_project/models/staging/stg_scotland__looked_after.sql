-- One row per Scottish year of looked-after children, area and type of accommodation: children looked after at 31 July
-- and their rate per 1,000 children, as the Scottish Government published them.
with landed as (
    select * from {{ source('landing', 'scottish_looked_after') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'scottish_looked_after',
        natural_key=['area_code', 'first_year', 'unit', 'accommodation']
    ) }}
),

figures as (
    select * from in_force
    where precedence = 1
),

-- The file has a row per figure; what it does not have is not available.
rates as (
    select * from figures
    where unit = 'children_per_1000_children'
),

numbers as (
    select * from figures
    where unit = 'children'
),

final as (
    select
        rates.first_year as start_year,
        case when rates.area_code like 'S92%' then 'National' else 'Local authority' end as geographic_level,
        case when rates.area_code like 'S92%' then rates.area_code end as country_code,
        cast(null as string) as region_code,
        rates.area_code,
        coalesce(rates.area_name, rates.area_code) as area_name,
        rates.accommodation,
        rates.value as rate_per_1000,
        case when rates.value is not null then 'ok' else coalesce(nullif(rates.value_status, 'ok'), 'x') end
            as rate_per_1000_status,
        numbers.value as children,
        rates.vintage_id,
        rates.source_row
    from rates
    left join numbers
        on
            rates.area_code = numbers.area_code
            and rates.first_year = numbers.first_year
            and rates.accommodation = numbers.accommodation
)

select * from final
