-- Counts of sessions that organisations log, by quarter: area, sector and organisation; reflective ones by kind too.
{{ config(materialized='table') }}
with deep_listening as (
    select * from {{ ref('stg_register__deep_listening') }}
),

reflective_sessions as (
    select * from {{ ref('stg_register__reflective_sessions') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

quarters as (
    select * from {{ ref('int_periods__calendared') }}
    where period_type = 'quarter'
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

logged as (
    select
        'deep_listening_sessions' as indicator_id,
        'deep_listening_log' as source_dataset,
        organisation_id,
        session_date,
        cast(null as string) as session_kind,
        sessions,
        vintage_id
    from deep_listening
    union all
    select
        'reflective_sessions' as indicator_id,
        'reflective_sessions' as source_dataset,
        organisation_id,
        session_date,
        session_kind,
        sessions,
        vintage_id
    from reflective_sessions
),

dated as (
    select
        logged.indicator_id,
        logged.source_dataset,
        logged.organisation_id,
        organisations.sector_code,
        logged.session_kind,
        logged.sessions,
        logged.vintage_id,
        quarters.period,
        quarters.period_start,
        quarters.period_end
    from logged
    inner join quarters on logged.session_date between quarters.period_start and quarters.period_end
    left join organisations on logged.organisation_id = organisations.organisation_id
),

counted as (
    select
        indicator_id,
        source_dataset,
        period,
        period_start,
        period_end,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        case when grouping(organisation_id) = 1 then 'total' else organisation_id end as organisation_id,
        case when grouping(session_kind) = 1 then 'total' else 'session_kind' end as breakdown,
        case when grouping(session_kind) = 1 then 'total' else session_kind end as breakdown_value,
        sum(sessions) as session_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from dated
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (indicator_id, source_dataset, period, period_start, period_end),
        (indicator_id, source_dataset, period, period_start, period_end, sector_code),
        (indicator_id, source_dataset, period, period_start, period_end, sector_code, organisation_id),
        (indicator_id, source_dataset, period, period_start, period_end, session_kind)
    )
),

final as (
    select
        counted.indicator_id,
        counted.source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        counted.organisation_id,
        counted.breakdown,
        counted.breakdown_value,
        'quarter' as period_type,
        counted.period,
        counted.period_start,
        counted.period_end,
        cast(counted.session_count as bigint) as numerator,
        cast(null as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        counted.vintage_ids
    from counted
    cross join settings
    -- An organisation that the register has lost has no sector to stand under, and deep listening has no kinds.
    where counted.sector is not null and counted.breakdown_value is not null
)

select * from final
