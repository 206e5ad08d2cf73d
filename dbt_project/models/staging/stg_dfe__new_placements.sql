-- One row per year, area and class of new placements, as the Department for Education published it.
with landed as (
    select * from {{ source('landing', 'dfe_new_placements') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'dfe_new_placements',
        natural_key=['time_period', 'area_code', 'characteristic', 'breakdown']
    ) }}
),

final as (
    select
        cast(time_period as bigint) - 1 as start_year,
        geographic_level,
        country_code,
        region_code,
        area_code,
        coalesce(la_name, region_name, country_name) as area_name,
        characteristic,
        breakdown,
        placements,
        {{ statistic_status('placements') }} as placements_status,
        placements_percent,
        {{ statistic_status('placements_percent') }} as placements_percent_status,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
