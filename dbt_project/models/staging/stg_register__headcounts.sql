-- One row per organisation, role and day of a head count.
with landed as (
    select * from {{ source('landing', 'organisations') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'organisations',
        natural_key=['organisation_id', 'role_code', 'counted_date']
    ) }}
),

final as (
    select
        organisation_id,
        role_code,
        counted_date,
        headcount,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
