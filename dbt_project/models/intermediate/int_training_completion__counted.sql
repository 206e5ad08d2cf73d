-- Counts of bookings that were completed, out of all that were not cancelled, in each academic year that the bookings
-- cover: area, sector and organisation, and by level of the course.
{{ config(materialized='table') }}
with bookings as (
    select * from {{ ref('stg_training__bookings') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

academic_years as (
    select * from {{ ref('int_periods__calendared') }}
    where period_type = 'academic_year'
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

sessions as (
    select max(session_date) as last_session_date
    from bookings
),

-- A year counts once the bookings reach July, as for take-up: before that most of its bookings lie ahead.
years_in_scope as (
    select academic_years.*
    from academic_years
    inner join sessions on {{ months_before('academic_years.period_end', 2) }} <= sessions.last_session_date
),

dated as (
    select
        years_in_scope.period,
        years_in_scope.period_start,
        years_in_scope.period_end,
        bookings.organisation_id,
        organisations.sector_code,
        bookings.course_level,
        case when bookings.status = 'completed' then 1 else 0 end as completed_count,
        -- Nobody has said yet what became of it.
        case when bookings.status = 'booked' then 1 else 0 end as open_count,
        bookings.vintage_id
    from bookings
    inner join years_in_scope
        on bookings.session_date between years_in_scope.period_start and years_in_scope.period_end
    left join organisations on bookings.organisation_id = organisations.organisation_id
    where bookings.status <> 'cancelled'
),

counted as (
    select
        period,
        period_start,
        period_end,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        case when grouping(organisation_id) = 1 then 'total' else organisation_id end as organisation_id,
        case when grouping(course_level) = 1 then 'total' else 'course_level' end as breakdown,
        case when grouping(course_level) = 1 then 'total' else course_level end as breakdown_value,
        sum(completed_count) as completed_count,
        count(*) as booking_count,
        sum(open_count) as open_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from dated
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (period, period_start, period_end),
        (period, period_start, period_end, sector_code),
        (period, period_start, period_end, sector_code, organisation_id),
        (period, period_start, period_end, course_level)
    )
),

final as (
    select
        'training_completion' as indicator_id,
        'training_bookings' as source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        counted.organisation_id,
        counted.breakdown,
        counted.breakdown_value,
        'academic_year' as period_type,
        counted.period,
        counted.period_start,
        counted.period_end,
        cast(counted.completed_count as bigint) as numerator,
        cast(counted.booking_count as bigint) as denominator,
        cast(counted.open_count as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        counted.vintage_ids
    from counted
    cross join settings
    where counted.sector is not null
)

select * from final
