-- One row per entry of the deep listening log.
with landed as (
    select * from {{ source('landing', 'deep_listening_log') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'deep_listening_log',
        natural_key=['entry_id']
    ) }}
),

final as (
    select
        entry_id,
        session_date,
        organisation_id,
        sessions,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
