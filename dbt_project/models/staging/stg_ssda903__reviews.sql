-- One row per review of a looked-after child, and year of the return.
with landed as (
    select * from {{ source('landing', 'ssda903_reviews') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'ssda903_reviews') }}
),

final as (
    select
        collection_year,
        child_id,
        review_date,
        review_code,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
