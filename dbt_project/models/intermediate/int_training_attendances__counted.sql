-- Counts of attendances (a person at two sessions is two) by month and source: area, sector and organisation, and by
-- level of the course. Of a booking the organisation is the person's own, of a facilitated session its host.
{{ config(materialized='table') }}
with attendances as (
    select * from {{ ref('int_training__attendances') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

dated as (
    select
        attendances.source_dataset,
        {{ month_start('attendances.session_date') }} as month_start,
        attendances.organisation_id,
        organisations.sector_code,
        attendances.course_level,
        attendances.attendances,
        attendances.vintage_id
    from attendances
    left join organisations on attendances.organisation_id = organisations.organisation_id
),

counted as (
    select
        source_dataset,
        month_start,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        case when grouping(organisation_id) = 1 then 'total' else organisation_id end as organisation_id,
        case when grouping(course_level) = 1 then 'total' else 'course_level' end as breakdown,
        case when grouping(course_level) = 1 then 'total' else course_level end as breakdown_value,
        sum(attendances) as attendance_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from dated
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (source_dataset, month_start),
        (source_dataset, month_start, sector_code),
        (source_dataset, month_start, sector_code, organisation_id),
        (source_dataset, month_start, course_level)
    )
),

final as (
    select
        'training_attendances' as indicator_id,
        counted.source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        counted.organisation_id,
        counted.breakdown,
        counted.breakdown_value,
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
