-- One row per indicator, academic year and completion of a course that still counts towards it when the year ends.
with bookings as (
    select * from {{ ref('stg_training__bookings') }}
),

moodle_completions as (
    select * from {{ ref('int_training__moodle_completions') }}
),

indicators as (
    select * from {{ ref('stg_registry__indicators') }}
),

academic_years as (
    select * from {{ ref('int_periods__calendared') }}
    where period_type = 'academic_year'
),

-- Who works in no organisation that is known is in no head count either.
recorded as (
    select
        person_id,
        course_level,
        is_core,
        is_for_leaders,
        session_date as completed_date,
        organisation_id,
        role_code,
        {{ distinct_values(['vintage_id']) }} as vintage_ids,
        vintage_id,
        source_row
    from bookings
    where status = 'completed'
    union all
    select
        person_id,
        course_level,
        is_core,
        is_for_leaders,
        completed_date,
        organisation_id,
        role_code,
        vintage_ids,
        vintage_id,
        source_row
    from moodle_completions
    where organisation_id is not null
),

completions as (
    select
        'training_take_up' as indicator_id,
        *
    from recorded
    where is_core
    union all
    select
        'leaders_trained' as indicator_id,
        *
    from recorded
    where is_for_leaders
),

windows as (
    select
        indicators.indicator_id,
        academic_years.period,
        academic_years.period_end,
        {{ months_before('academic_years.period_end', 'indicators.window_months') }} as window_opens_after
    from academic_years
    cross join indicators
    where indicators.indicator_id in ('training_take_up', 'leaders_trained')
),

-- A person stands under the organisation and role of their latest completion, once.
final as (
    select
        windows.indicator_id,
        windows.period,
        completions.person_id,
        completions.course_level,
        first_value(completions.organisation_id) over latest_first as organisation_id,
        first_value(completions.role_code) over latest_first as role_code,
        completions.vintage_ids
    from windows
    inner join completions
        on
            windows.indicator_id = completions.indicator_id
            and windows.window_opens_after < completions.completed_date
            and windows.period_end >= completions.completed_date
    window latest_first as (
        partition by windows.indicator_id, windows.period, completions.person_id
        order by completions.completed_date desc, completions.source_row desc, completions.vintage_id desc
    )
)

select * from final
