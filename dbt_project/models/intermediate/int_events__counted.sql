-- Counts of events held and of the people who came, by month: area and sector.
{{ config(materialized='table') }}
with events as (
    select * from {{ ref('stg_events__events') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

dated as (
    select
        {{ month_start('event_date') }} as month_start,
        sector_code,
        attendance,
        vintage_id
    from events
),

counted as (
    select
        month_start,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        count(*) as event_count,
        sum(attendance) as attendance_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from dated
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ((month_start), (month_start, sector_code)) -- noqa: PRS
),

unpivoted as (
    select
        'events_held' as indicator_id,
        month_start,
        sector,
        event_count as numerator,
        vintage_ids
    from counted
    union all
    select
        'event_attendances' as indicator_id,
        month_start,
        sector,
        attendance_count as numerator,
        vintage_ids
    from counted
),

final as (
    select
        unpivoted.indicator_id,
        'events' as source_dataset,
        settings.authority_code as area_code,
        unpivoted.sector,
        'total' as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        'month' as period_type,
        {{ month_label('unpivoted.month_start') }} as period,
        unpivoted.month_start as period_start,
        last_day(unpivoted.month_start) as period_end,
        cast(unpivoted.numerator as bigint) as numerator,
        cast(null as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        unpivoted.vintage_ids
    from unpivoted
    cross join settings
)

select * from final
