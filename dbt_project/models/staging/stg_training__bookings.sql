-- One row per person, course and session, with what became of the booking.
with landed as (
    select * from {{ source('landing', 'training_bookings') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'training_bookings',
        natural_key=['person_id', 'course', 'session_date']
    ) }}
),

final as (
    select
        person_id,
        course,
        course_level,
        is_core,
        session_date,
        status,
        organisation_id,
        role_code,
        coalesce(is_for_leaders, false) as is_for_leaders,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
