-- Counts of attendances (a person at two sessions is two) by month: area, sector and organisation.
with bookings as (
    select * from {{ ref('stg_training__bookings') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

attendances as (
    select
        {{ month_start('bookings.session_date') }} as month_start,
        bookings.organisation_id,
        organisations.sector_code,
        bookings.vintage_id
    from bookings
    left join organisations on bookings.organisation_id = organisations.organisation_id
    where bookings.status in ('attended', 'completed')
),

counted as (
    select
        month_start,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        case when grouping(organisation_id) = 1 then 'total' else organisation_id end as organisation_id,
        count(*) as attendance_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from attendances
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (month_start),
        (month_start, sector_code),
        (month_start, sector_code, organisation_id)
    )
),

final as (
    select
        'training_attendances' as indicator_id,
        'training_bookings' as source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        counted.organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        'month' as period_type,
        {{ month_label('counted.month_start') }} as period,
        counted.month_start as period_start,
        last_day(counted.month_start) as period_end,
        cast(counted.attendance_count as bigint) as numerator,
        cast(null as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        counted.vintage_ids
    from counted
    cross join settings
    where counted.sector is not null
)

select * from final
