-- Counts of people trained and of people who work there, at the end of each academic year that the
-- records of training cover.
{{ config(materialized='table') }}
with completions as (
    select * from {{ ref('int_training__completed_within_window') }}
    where indicator_id = 'training_take_up'
),

headcounts as (
    select * from {{ ref('int_headcounts__at_year_end') }}
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
        course_level
    from bookings
    union all
    select
        completed_date as recorded_date,
        course_level
    from moodle_completions
),

covered as (
    select
        min(recorded_date) as first_date,
        max(recorded_date) as last_date
    from recorded
),

course_levels as (
    select distinct course_level from recorded
),

-- A year counts once the records reach July: before that the window already leaves out people of three years ago, and
-- those trained this year are not yet in it, which would look like a decline. An organisation without a head count by
-- then is left out, its people with it.
headcounts_in_scope as (
    select headcounts.*
    from headcounts
    inner join covered
        on
            headcounts.period_end >= covered.first_date
            and {{ months_before('headcounts.period_end', 2) }} <= covered.last_date
),

people_by_organisation as (
    select
        period,
        organisation_id,
        count(distinct person_id) as person_count,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from completions
    group by period, organisation_id
),

people_by_role as (
    select
        period,
        organisation_id,
        role_code,
        count(distinct person_id) as person_count,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from completions
    where role_code is not null
    group by period, organisation_id, role_code
),

people_by_course_level as (
    select
        period,
        organisation_id,
        course_level,
        count(distinct person_id) as person_count,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from completions
    group by period, organisation_id, course_level
),

-- Each person stands under one organisation, so the organisations' counts can be added.
organisation_cells as (
    select
        headcounts_in_scope.*,
        'total' as breakdown,
        'total' as breakdown_value,
        coalesce(people_by_organisation.person_count, 0) as person_count,
        people_by_organisation.vintage_ids as training_vintage_ids
    from headcounts_in_scope
    left join people_by_organisation
        on
            headcounts_in_scope.period = people_by_organisation.period
            and headcounts_in_scope.organisation_id = people_by_organisation.organisation_id
    where headcounts_in_scope.role_code = 'total'
),

role_cells as (
    select
        headcounts_in_scope.*,
        'role' as breakdown,
        headcounts_in_scope.role_code as breakdown_value,
        coalesce(people_by_role.person_count, 0) as person_count,
        people_by_role.vintage_ids as training_vintage_ids
    from headcounts_in_scope
    left join people_by_role
        on
            headcounts_in_scope.period = people_by_role.period
            and headcounts_in_scope.organisation_id = people_by_role.organisation_id
            and headcounts_in_scope.role_code = people_by_role.role_code
    where headcounts_in_scope.role_code <> 'total'
),

course_level_cells as (
    select
        headcounts_in_scope.*,
        'course_level' as breakdown,
        course_levels.course_level as breakdown_value,
        coalesce(people_by_course_level.person_count, 0) as person_count,
        people_by_course_level.vintage_ids as training_vintage_ids
    from headcounts_in_scope
    cross join course_levels
    left join people_by_course_level
        on
            headcounts_in_scope.period = people_by_course_level.period
            and headcounts_in_scope.organisation_id = people_by_course_level.organisation_id
            and course_levels.course_level = people_by_course_level.course_level
    where headcounts_in_scope.role_code = 'total'
),

cells as (
    select * from organisation_cells
    union all
    select * from role_cells
    union all
    select * from course_level_cells
),

counted as (
    select
        period,
        period_start,
        period_end,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        case when grouping(organisation_id) = 1 then 'total' else organisation_id end as organisation_id,
        breakdown,
        breakdown_value,
        sum(person_count) as person_count,
        sum(headcount) as headcount,
        {{ distinct_list_of_lists('vintage_ids') }} as headcount_vintage_ids,
        {{ distinct_list_of_lists('training_vintage_ids') }} as training_vintage_ids
    from cells
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (period, period_start, period_end, breakdown, breakdown_value),
        (period, period_start, period_end, breakdown, breakdown_value, sector_code),
        (period, period_start, period_end, breakdown, breakdown_value, sector_code, organisation_id)
    )
),

final as (
    select
        'training_take_up' as indicator_id,
        'training_records' as source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        counted.organisation_id,
        counted.breakdown,
        counted.breakdown_value,
        'academic_year' as period_type,
        counted.period,
        counted.period_start,
        counted.period_end,
        cast(counted.person_count as bigint) as numerator,
        cast(counted.headcount as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        {{ both_lists('counted.headcount_vintage_ids', 'counted.training_vintage_ids') }} as vintage_ids
    from counted
    cross join settings
    -- Only the whole is split by sector and organisation; a breakdown is of the area.
    where counted.breakdown = 'total' or counted.sector = 'total'
)

select * from final
