-- One row per learner, course of the register and report of Moodle's that says that the learner has completed it.
with activity_progress as (
    select * from {{ ref('stg_moodle__activity_progress') }}
),

course_completion as (
    select * from {{ ref('stg_moodle__course_completion') }}
),

courses as (
    select * from {{ ref('stg_training__courses') }}
),

bookings as (
    select * from {{ ref('stg_training__bookings') }}
),

names_apart as (
    -- DuckDB (Spark: explode).
    select
        *,
        unnest(list_concat([course], aliases)) as course_name
    from courses
),

course_names as (
    select distinct
        course,
        course_level,
        is_core,
        is_for_leaders,
        vintage_id as register_vintage_id,
        {{ comparable_text('course_name') }} as comparable_name
    from names_apart
),

known_names as (
    select distinct comparable_name from course_names
),

-- A completion without a day cannot be told to lie in any window.
completed_activities as (
    select
        *,
        {{ comparable_text('course_short_name') }} as comparable_short_name,
        {{ comparable_text('activity') }} as comparable_activity
    from activity_progress
    where completion_state = 'completed' and completed_date is not null
),

completed_courses as (
    select
        *,
        {{ comparable_text('course_short_name') }} as comparable_short_name
    from course_completion
    where completed_date is not null
),

distinct_activities as (
    select distinct
        comparable_short_name,
        comparable_activity
    from completed_activities
),

-- An activity counts for the course whose entry in the register names it. Many courses have a “Quiz”: where the
-- register knows the Moodle course, the same entry names that too; else no other entry may name the activity.
activities_in_register as (
    select
        distinct_activities.*,
        course_names.course,
        course_names.course_level,
        course_names.is_core,
        course_names.is_for_leaders,
        course_names.register_vintage_id,
        known_names.comparable_name is not null as is_known_moodle_course,
        count(*) over (
            partition by distinct_activities.comparable_short_name, distinct_activities.comparable_activity
        ) as entry_count
    from distinct_activities
    inner join course_names on distinct_activities.comparable_activity = course_names.comparable_name
    left join known_names on distinct_activities.comparable_short_name = known_names.comparable_name
    left join course_names as same_entry
        on
            distinct_activities.comparable_short_name = same_entry.comparable_name
            and course_names.course = same_entry.course
    where known_names.comparable_name is null or same_entry.course is not null
),

completions as (
    select
        completed_activities.person_id,
        activities_in_register.course,
        activities_in_register.course_level,
        activities_in_register.is_core,
        activities_in_register.is_for_leaders,
        activities_in_register.register_vintage_id,
        completed_activities.activity,
        completed_activities.completed_date,
        completed_activities.organisation_id,
        completed_activities.vintage_id,
        completed_activities.source_row
    from completed_activities
    inner join activities_in_register
        on
            completed_activities.comparable_short_name = activities_in_register.comparable_short_name
            and completed_activities.comparable_activity = activities_in_register.comparable_activity
    where activities_in_register.is_known_moodle_course or activities_in_register.entry_count = 1
    union all
    select
        completed_courses.person_id,
        course_names.course,
        course_names.course_level,
        course_names.is_core,
        course_names.is_for_leaders,
        course_names.register_vintage_id,
        cast(null as string) as activity,
        completed_courses.completed_date,
        completed_courses.organisation_id,
        completed_courses.vintage_id,
        completed_courses.source_row
    from completed_courses
    inner join course_names on completed_courses.comparable_short_name = course_names.comparable_name
),

-- Moodle knows no roles, and not always the organisation. The learner's bookings do: the last one up to that day, else
-- the first one after it; of another organisation than Moodle's, they say nothing about the role in this one.
with_bookings as (
    select
        completions.*,
        bookings.organisation_id as booked_organisation_id,
        bookings.role_code,
        bookings.vintage_id as booking_vintage_id,
        row_number() over (
            partition by
                completions.vintage_id, completions.source_row, completions.course, completions.activity
            order by
                case when bookings.session_date <= completions.completed_date then bookings.session_date end
                desc nulls last,
                bookings.session_date asc,
                bookings.source_row desc,
                bookings.vintage_id desc
        ) as nearness
    from completions
    left join bookings
        on
            completions.person_id = bookings.person_id
            and (
                completions.organisation_id is null
                or completions.organisation_id = bookings.organisation_id
            )
),

final as (
    select
        person_id,
        course,
        course_level,
        is_core,
        is_for_leaders,
        completed_date,
        coalesce(organisation_id, booked_organisation_id) as organisation_id,
        role_code,
        {{ distinct_values(['vintage_id', 'register_vintage_id', 'booking_vintage_id']) }} as vintage_ids,
        vintage_id,
        source_row
    from with_bookings
    where nearness = 1
)

select * from final
