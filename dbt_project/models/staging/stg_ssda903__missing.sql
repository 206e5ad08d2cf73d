-- One row per child, day and kind of being missing or away, and year of the return.
with landed as (
    select * from {{ source('landing', 'ssda903_missing') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'ssda903_missing') }}
),

final as (
    select
        collection_year,
        child_id,
        missing_code,
        started_date,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
