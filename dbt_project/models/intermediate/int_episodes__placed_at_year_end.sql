-- One row per child looked after on 31 March, by year of the return: where the child was placed that day.
with episodes as (
    select * from {{ ref('stg_ssda903__episodes') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

-- Series of short breaks (V3, V4) are outside the published measure.
open_at_year_end as (
    select
        *,
        row_number() over (
            partition by collection_year, child_id
            order by started_date desc, source_row desc
        ) as recency
    from episodes
    where
        started_date <= make_date(collection_year, 3, 31)
        and (ceased_date is null or ceased_date > make_date(collection_year, 3, 31))
        and legal_status_code not in ('V3', 'V4')
),

-- A return that the case system got wrong can hold two open episodes of one child; the child is one child.
located as (
    select
        open_at_year_end.collection_year,
        open_at_year_end.child_id,
        settings.authority_code as responsible_authority_code,
        open_at_year_end.distance_miles,
        -- Northern Ireland is on a grid of its own, so no distance is worked out; it is more than 20 miles from
        -- anywhere in England and Wales.
        coalesce(
            starts_with(open_at_year_end.placement_authority_code, 'N')
            and left(open_at_year_end.home_authority_code, 1) in ('E', 'W'), false
        ) as is_across_irish_sea,
        open_at_year_end.placement_authority_code is null as is_location_unknown,
        -- False where the authority is not known: such a child is counted as unknown, never as inside.
        coalesce(
            open_at_year_end.placement_authority_code <> settings.authority_code, false
        ) as is_outside_authority,
        open_at_year_end.vintage_id
    from open_at_year_end
    cross join settings
    where open_at_year_end.recency = 1
),

final as (
    select
        collection_year,
        child_id,
        responsible_authority_code,
        is_location_unknown,
        is_outside_authority,
        is_outside_authority
        and (is_across_irish_sea or coalesce(distance_miles > 20, false)) as is_far_outside_authority,
        is_location_unknown
        or (is_outside_authority and distance_miles is null and not is_across_irish_sea) as is_far_unknown,
        vintage_id
    from located
)

select * from final
