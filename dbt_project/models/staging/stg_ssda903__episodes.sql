-- One row per episode of being looked after and year of the return.
with landed as (
    select * from {{ source('landing', 'ssda903_episodes') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'ssda903_episodes') }}
),

final as (
    select
        collection_year,
        child_id,
        started_date,
        new_episode_reason_code,
        legal_status_code,
        need_code,
        placement_type_code,
        placement_provider_code,
        ceased_date,
        ceased_reason_code,
        placement_change_reason_code,
        home_authority_code,
        placement_authority_code,
        distance_miles,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
