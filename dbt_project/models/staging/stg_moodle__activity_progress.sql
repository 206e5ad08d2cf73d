-- One row per Moodle course, learner and activity, as the newest export of the course has it.
with landed as (
    select * from {{ source('landing', 'moodle_activity_progress') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'moodle_activity_progress') }}
),

final as (
    select
        course_short_name,
        person_id,
        organisation_id,
        activity,
        completion_state,
        completed_date,
        vintage_id,
        source_row
    from in_force
)

select * from final
