-- One row per organisation, as its newest head count names it.
with landed as (
    select * from {{ source('landing', 'organisations') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'organisations', natural_key=['organisation_id'], newest_by='counted_date'
    ) }}
),

final as (
    select
        organisation_id,
        organisation_name,
        aliases,
        sector_code,
        left_date,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
