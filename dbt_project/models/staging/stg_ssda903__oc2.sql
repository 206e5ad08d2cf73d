-- One row per child said to have been looked after for a year, and year of the return.
with landed as (
    select * from {{ source('landing', 'ssda903_oc2') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'ssda903_oc2') }}
),

final as (
    select
        collection_year,
        child_id,
        age_at_year_end,
        sdq_score,
        is_convicted,
        is_health_assessed,
        has_substance_misuse_problem,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
