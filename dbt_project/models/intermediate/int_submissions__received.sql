-- One row per dataset that is expected regularly, supplier and period: when something about the period first came.
with registry as (
    select * from {{ ref('stg_registry__expected_submissions') }}
),

reported_dates as (
    select * from {{ ref('stg_landing__reported_dates') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
    where status = 'landed' and coalesce(gate, 'passed') <> 'rejected'
),

schools as (
    select * from {{ ref('int_exclusions__schools') }}
),

calendar as (
    select * from {{ ref('int_periods__calendared') }}
),

reported as (
    select
        registry.dataset,
        registry.period_type,
        case registry.expected_from
            when 'partnership' then 'total'
            when 'each_school' then coalesce(schools.school_key, reported_dates.supplier)
            else reported_dates.supplier
        end as organisation_id,
        reported_dates.wave,
        reported_dates.reported_date,
        source_files.received_at,
        source_files.is_current
    from reported_dates
    inner join registry on reported_dates.dataset = registry.dataset
    inner join source_files
        on
            reported_dates.vintage_id = source_files.vintage_id
            and reported_dates.dataset = source_files.dataset
    left join schools
        on
            registry.expected_from = 'each_school'
            and reported_dates.supplier = schools.school_id
),

-- A wave lasts from its first response to its last.
waves as (
    select
        dataset,
        wave,
        min(reported_date) as wave_start,
        max(reported_date) as wave_end
    from reported
    where period_type = 'wave' and is_current
    group by dataset, wave
),

dated as (
    select
        reported.*,
        calendar.period,
        calendar.period_start,
        calendar.period_end
    from reported
    inner join calendar
        on
            reported.period_type = calendar.period_type
            and reported.reported_date between calendar.period_start and calendar.period_end
    union all
    select
        reported.*,
        {{ wave_label('waves.dataset', 'waves.wave') }} as period,
        waves.wave_start as period_start,
        waves.wave_end as period_end
    from reported
    inner join waves
        on
            reported.dataset = waves.dataset
            and reported.wave = waves.wave
),

final as (
    select
        dataset,
        organisation_id,
        period_type,
        period,
        period_start,
        period_end,
        wave,
        min(received_at) as first_received_at
    from dated
    group by dataset, organisation_id, period_type, period, period_start, period_end, wave
    -- What no file in force says any more has not been received.
    having max(case when is_current then 1 else 0 end) = 1
)

select * from final
