-- One row per academic year, area and sector of schools in Scotland: cases of exclusion and their rate per 1,000
-- pupils, as the Scottish Government published them.
with landed as (
    select * from {{ source('landing', 'scottish_exclusions') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'scottish_exclusions',
        natural_key=['area_code', 'first_year', 'unit', 'school_sector']
    ) }}
),

figures as (
    select * from in_force
    where precedence = 1
),

-- The file has a row per figure; what it does not have is not available.
rates as (
    select * from figures
    where unit = 'exclusions_per_1000_pupils'
),

cases as (
    select * from figures
    where unit = 'exclusions'
),

pupils as (
    select * from figures
    where unit = 'pupils'
),

final as (
    select
        rates.first_year as start_year,
        case when rates.area_code like 'S92%' then 'National' else 'Local authority' end as geographic_level,
        case when rates.area_code like 'S92%' then rates.area_code end as country_code,
        cast(null as string) as region_code,
        rates.area_code,
        coalesce(rates.area_name, rates.area_code) as area_name,
        rates.school_sector,
        rates.value as rate_per_1000,
        case when rates.value is not null then 'ok' else coalesce(nullif(rates.value_status, 'ok'), 'x') end
            as rate_per_1000_status,
        cases.value as exclusions,
        pupils.value as pupils,
        rates.vintage_id,
        rates.source_row
    from rates
    left join cases
        on
            rates.area_code = cases.area_code
            and rates.first_year = cases.first_year
            and rates.school_sector = cases.school_sector
    left join pupils
        on
            rates.area_code = pupils.area_code
            and rates.first_year = pupils.first_year
            and rates.school_sector = pupils.school_sector
)

select * from final
