-- One row per young person who has left care, and year of the return.
with landed as (
    select * from {{ source('landing', 'ssda903_oc3') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'ssda903_oc3') }}
),

final as (
    select
        collection_year,
        child_id,
        is_in_scope,
        activity,
        accommodation,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
