-- One row per placement that began in the year of the return (a child has as many as began).
with episodes as (
    select * from {{ ref('stg_ssda903__episodes') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

-- An episode that only changes the legal status (L) is no new placement; series of short breaks (V3, V4) are outside
-- the published measure.
started_in_year as (
    select *
    from episodes
    where
        started_date between make_date(collection_year - 1, 4, 1) and make_date(collection_year, 3, 31)
        and new_episode_reason_code in ('S', 'P', 'T', 'B', 'U')
        and legal_status_code not in ('V3', 'V4')
),

final as (
    select
        started_in_year.collection_year,
        started_in_year.child_id,
        started_in_year.started_date,
        settings.authority_code as responsible_authority_code,
        started_in_year.placement_authority_code is null as is_location_unknown,
        -- False where the authority is not known: such a placement is counted as unknown, never as inside.
        coalesce(
            started_in_year.placement_authority_code <> settings.authority_code, false
        ) as is_outside_authority,
        started_in_year.vintage_id
    from started_in_year
    cross join settings
)

select * from final
