-- One row per academic year and completion of a core course that still counts when the year ends.
with bookings as (
    select * from {{ ref('stg_training__bookings') }}
),

indicators as (
    select * from {{ ref('seed_indicators') }}
),

academic_years as (
    select * from {{ ref('int_periods__calendared') }}
    where period_type = 'academic_year'
),

completions as (
    select *
    from bookings
    where status = 'completed' and is_core
),

windows as (
    select
        academic_years.period,
        academic_years.period_end,
        {{ months_before('academic_years.period_end', 'indicators.window_months') }} as window_opens_after
    from academic_years
    cross join indicators
    where indicators.indicator_id = 'training_take_up'
),

-- A person stands under the organisation and role of their latest completion, once.
final as (
    select
        windows.period,
        completions.person_id,
        completions.course_level,
        first_value(completions.organisation_id) over latest_first as organisation_id,
        first_value(completions.role_code) over latest_first as role_code,
        completions.vintage_id
    from windows
    inner join completions
        on
            windows.window_opens_after < completions.session_date
            and windows.period_end >= completions.session_date
    window latest_first as (
        partition by windows.period, completions.person_id
        order by completions.session_date desc, completions.source_row desc, completions.vintage_id desc
    )
)

select * from final
