-- One row per exclusion, as the authority's own extract has it.
with landed as (
    select * from {{ source('landing', 'la_exclusions') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'la_exclusions',
        natural_key=['pupil_id', 'school_id', 'start_date', 'category_code']
    ) }}
),

final as (
    select
        pupil_id,
        school_id,
        start_date,
        category_code,
        sessions,
        reason_1,
        reason_2,
        reason_3,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
