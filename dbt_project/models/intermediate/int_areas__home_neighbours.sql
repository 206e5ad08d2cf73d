-- One row per statistical neighbour of the home's own authority, in the newest version of the model that knows it.
with neighbours as (
    select * from {{ ref('stg_reference__statistical_neighbours') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

ranked as (
    select
        neighbours.neighbour_area_code,
        neighbours.rank,
        neighbours.model_version,
        rank() over (order by neighbours.model_version desc) as recency
    from neighbours
    inner join settings on neighbours.area_code = settings.authority_code
),

final as (
    select
        neighbour_area_code as area_code,
        rank as neighbour_rank,
        model_version
    from ranked
    where recency = 1
)

select * from final
