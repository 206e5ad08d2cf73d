-- Counts of leaders who completed a course for leaders and of leaders in the register, at the end of each academic year
-- that the records of training cover: area and sector.
{{ config(materialized='table') }}
with completions as (
    select * from {{ ref('int_training__completed_within_window') }}
    where indicator_id = 'leaders_trained'
),

headcounts as (
    select * from {{ ref('int_headcounts__at_year_end') }}
    where role_code = 'leader'
),

bookings as (
    select * from {{ ref('stg_training__bookings') }}
),

moodle_completions as (
    select * from {{ ref('int_training__moodle_completions') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

recorded as (
    select
        session_date as recorded_date,
        is_for_leaders
    from bookings
    union all
    select
        completed_date as recorded_date,
        is_for_leaders
    from moodle_completions
),

-- Where no file marks a course as one for leaders, nothing is known of leaders, and there is no figure.
covered as (
    select
        min(case when is_for_leaders then recorded_date end) as first_date,
        max(recorded_date) as last_date
    from recorded
),

leaders_in_scope as (
    select headcounts.*
    from headcounts
    inner join covered
        on
            headcounts.period_end >= covered.first_date
            and {{ months_before('headcounts.period_end', 2) }} <= covered.last_date
),

-- Somebody who led when they completed the course and has another role now is still counted as who they were then.
trained as (
    select
        period,
        organisation_id,
        count(distinct person_id) as person_count,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from completions
    where role_code = 'leader'
    group by period, organisation_id
),

counted as (
    select
        leaders_in_scope.period,
        leaders_in_scope.period_start,
        leaders_in_scope.period_end,
        case
            when grouping(leaders_in_scope.sector_code) = 1 then 'total'
            else leaders_in_scope.sector_code
        end as sector,
        sum(coalesce(trained.person_count, 0)) as person_count,
        sum(leaders_in_scope.headcount) as headcount,
        {{ distinct_list_of_lists('leaders_in_scope.vintage_ids') }} as register_vintage_ids,
        {{ distinct_list_of_lists('trained.vintage_ids') }} as vintage_ids
    from leaders_in_scope
    left join trained
        on
            leaders_in_scope.period = trained.period
            and leaders_in_scope.organisation_id = trained.organisation_id
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (leaders_in_scope.period, leaders_in_scope.period_start, leaders_in_scope.period_end),
        (
            leaders_in_scope.period,
            leaders_in_scope.period_start,
            leaders_in_scope.period_end,
            leaders_in_scope.sector_code
        )
    )
),

final as (
    select
        'leaders_trained' as indicator_id,
        'training_records' as source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        'total' as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        'academic_year' as period_type,
        counted.period,
        counted.period_start,
        counted.period_end,
        cast(counted.person_count as bigint) as numerator,
        cast(counted.headcount as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        {{ both_lists('counted.register_vintage_ids', 'counted.vintage_ids') }} as vintage_ids
    from counted
    cross join settings
)

select * from final
