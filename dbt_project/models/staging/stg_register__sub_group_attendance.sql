-- One row per meeting of a sector sub-group, organisation and person who was expected for it.
with landed as (
    select * from {{ source('landing', 'sector_group_attendance') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'sector_group_attendance',
        natural_key=['entry_id']
    ) }}
),

final as (
    select
        entry_id,
        meeting_date,
        sub_group,
        organisation_id,
        attended,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
