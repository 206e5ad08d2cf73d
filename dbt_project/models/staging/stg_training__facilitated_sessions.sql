-- One row per facilitated session, with its head count.
with landed as (
    select * from {{ source('landing', 'training_facilitated_sessions') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'training_facilitated_sessions',
        natural_key=['session_id']
    ) }}
),

final as (
    select
        session_id,
        session_date,
        course,
        course_level,
        organisation_id,
        attendance,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
