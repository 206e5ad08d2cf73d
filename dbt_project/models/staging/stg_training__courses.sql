-- One row per course of the training framework, with every name under which a learning system may know it.
with landed as (
    select * from {{ source('landing', 'training_courses') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'training_courses', natural_key=['course']) }}
),

final as (
    select
        course,
        coalesce(aliases, []) as aliases,
        course_level,
        is_core,
        coalesce(is_for_leaders, false) as is_for_leaders,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
