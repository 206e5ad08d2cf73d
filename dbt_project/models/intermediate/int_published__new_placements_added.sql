-- One row per area and year of the published new placements: those outside the authority, near and far together.
{{ config(materialized='table') }}
with new_placements as (
    select * from {{ ref('stg_dfe__new_placements') }}
),

located as (
    select *
    from new_placements
    where characteristic = 'Location of new placements during the year'
),

near as (
    select * from located
    where breakdown = 'Placed outside LA boundary less than 20 miles from home'
),

far as (
    select * from located
    where breakdown = 'Placed outside LA boundary more than 20 miles from home'
),

all_placements as (
    select * from located
    where breakdown = 'Total new placements'
),

-- A class that the file leaves out is not available; the sum has the most restrictive status of its parts.
added as (
    select
        all_placements.area_code,
        all_placements.start_year,
        near.placements + far.placements as outside_count,
        all_placements.placements as placement_count,
        coalesce(near.placements_status, 'x') as near_status,
        coalesce(far.placements_status, 'x') as far_status,
        all_placements.placements_status as total_status,
        all_placements.vintage_id as total_vintage_id,
        near.vintage_id as near_vintage_id,
        far.vintage_id as far_vintage_id
    from all_placements
    left join near
        on
            all_placements.area_code = near.area_code
            and all_placements.start_year = near.start_year
    left join far
        on
            all_placements.area_code = far.area_code
            and all_placements.start_year = far.start_year
),

final as (
    select
        'new_placements_out_of_area' as indicator_id,
        'dfe_new_placements' as source_dataset,
        area_code,
        'total' as sector,
        'total' as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        'financial_year' as period_type,
        {{ year_label('start_year') }} as period,
        make_date(start_year, 4, 1) as period_start,
        make_date(start_year + 1, 3, 31) as period_end,
        cast(outside_count as bigint) as numerator,
        cast(placement_count as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        {{ worst_status(['near_status', 'far_status', 'total_status']) }} as published_status,
        {{ distinct_values(['total_vintage_id', 'near_vintage_id', 'far_vintage_id']) }} as vintage_ids
    from added
)

select * from final
