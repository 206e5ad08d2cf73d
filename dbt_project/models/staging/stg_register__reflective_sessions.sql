-- One row per entry of the log of reflective practice and supervision.
with landed as (
    select * from {{ source('landing', 'reflective_sessions') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'reflective_sessions',
        natural_key=['entry_id']
    ) }}
),

final as (
    select
        entry_id,
        session_date,
        organisation_id,
        session_kind,
        sessions,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
