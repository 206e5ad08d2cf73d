-- One row per unaccompanied asylum-seeking child, and year of the return.
with landed as (
    select * from {{ source('landing', 'ssda903_uasc') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'ssda903_uasc') }}
),

final as (
    select
        collection_year,
        child_id,
        is_unaccompanied_at_year_end,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
