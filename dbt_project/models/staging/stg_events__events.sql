-- One row per event held.
with landed as (
    select * from {{ source('landing', 'events') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'events', natural_key=['event_id']) }}
),

final as (
    select
        event_id,
        event_date,
        event_type,
        sector_code,
        organisation_id,
        attendance,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
