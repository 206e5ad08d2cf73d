-- One row per organisation, as the register named it last.
with landed as (
    select * from {{ source('landing', 'organisations') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'organisations', natural_key=['organisation_id']) }}
),

final as (
    select
        organisation_id,
        organisation_name,
        aliases,
        sector_code,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
