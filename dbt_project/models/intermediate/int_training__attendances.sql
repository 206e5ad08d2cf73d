-- One row per attendance in the bookings and per head count of a facilitated session, no session in both.
with bookings as (
    select * from {{ ref('stg_training__bookings') }}
),

facilitated_sessions as (
    select * from {{ ref('stg_training__facilitated_sessions') }}
),

attended_bookings as (
    select
        *,
        {{ comparable_text('course') }} as comparable_course
    from bookings
    where status in ('attended', 'completed')
),

booked_sessions as (
    select distinct
        session_date,
        comparable_course
    from attended_bookings
),

-- A session that the bookings know somebody to have attended counts there, where its people are known, and not again
-- with its head count. Bookings name no host, so the day and the course decide.
only_facilitated as (
    select facilitated_sessions.*
    from facilitated_sessions
    left join booked_sessions
        on
            facilitated_sessions.session_date = booked_sessions.session_date
            and {{ comparable_text('facilitated_sessions.course') }} = booked_sessions.comparable_course
    where booked_sessions.session_date is null
),

final as (
    select
        'training_bookings' as source_dataset,
        session_date,
        course_level,
        organisation_id,
        cast(1 as bigint) as attendances,
        vintage_id
    from attended_bookings
    union all
    select
        'training_facilitated_sessions' as source_dataset,
        session_date,
        course_level,
        organisation_id,
        attendance as attendances,
        vintage_id
    from only_facilitated
)

select * from final
