-- One row per school and school census: its pupils on roll.
with landed as (
    select * from {{ source('landing', 'pupils_on_roll') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'pupils_on_roll',
        natural_key=['school_id', 'start_year', 'census_term']
    ) }}
),

final as (
    select
        school_id,
        start_year,
        census_term,
        pupils,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
