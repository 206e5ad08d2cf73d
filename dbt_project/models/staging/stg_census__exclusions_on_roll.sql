-- One row per exclusion of a pupil on roll, as the school census reports it; a term may be reported by two censuses.
with landed as (
    select * from {{ source('landing', 'census_exclusions') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'census_exclusions',
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
