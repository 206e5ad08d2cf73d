-- One row per country, region and authority.
with areas as (
    select * from {{ ref('int_areas__gathered') }}
),

regions as (
    select * from {{ ref('stg_reference__regions') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

home_neighbours as (
    select * from {{ ref('int_areas__home_neighbours') }}
),

final as (
    select
        areas.area_code,
        areas.area_name,
        areas.area_type,
        areas.region_code,
        regions.region_name,
        areas.country_code,
        areas.area_code = settings.authority_code as is_home,
        home_neighbours.neighbour_rank,
        areas.valid_from,
        areas.valid_to,
        areas.is_invented
    from areas
    cross join settings
    left join regions on areas.region_code = regions.region_code
    left join home_neighbours on areas.area_code = home_neighbours.area_code
)

select * from final
