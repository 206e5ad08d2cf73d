-- One row per Moodle course and learner enrolled, with the day on which the whole course was completed.
with landed as (
    select * from {{ source('landing', 'moodle_course_completion') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'moodle_course_completion') }}
),

final as (
    select
        course_short_name,
        person_id,
        organisation_id,
        completed_date,
        vintage_id,
        source_row
    from in_force
)

select * from final
