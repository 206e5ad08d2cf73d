-- One row per academic year, area and type of school, as the Department for Education published it.
with landed as (
    select * from {{ source('landing', 'dfe_exclusions') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'dfe_exclusions',
        natural_key=['time_period', 'area_code', 'school_type']
    ) }}
),

final as (
    select
        cast(substr(time_period, 1, 4) as bigint) as start_year,
        geographic_level,
        country_code,
        region_code,
        area_code,
        coalesce(la_name, region_name, country_name) as area_name,
        school_type,
        headcount,
        {{ statistic_status('headcount') }} as headcount_status,
        permanent_exclusions,
        {{ statistic_status('permanent_exclusions') }} as permanent_exclusions_status,
        permanent_exclusion_rate,
        {{ statistic_status('permanent_exclusion_rate') }} as permanent_exclusion_rate_status,
        suspensions,
        {{ statistic_status('suspensions') }} as suspensions_status,
        suspension_rate,
        {{ statistic_status('suspension_rate') }} as suspension_rate_status,
        pupils_suspended,
        {{ statistic_status('pupils_suspended') }} as pupils_suspended_status,
        pupils_suspended_percent,
        {{ statistic_status('pupils_suspended_percent') }} as pupils_suspended_percent_status,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
