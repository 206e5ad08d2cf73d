-- One row per exclusion of a pupil no longer on roll, as the school census reports it.
with landed as (
    select * from {{ source('landing', 'census_exclusions_off_roll') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'census_exclusions_off_roll',
        natural_key=['pupil_id', 'exclusion_id']
    ) }}
),

final as (
    select
        pupil_id,
        exclusion_id,
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
