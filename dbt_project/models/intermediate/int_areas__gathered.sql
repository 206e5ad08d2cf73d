-- One row per area: countries, regions, authorities, and areas that only a published file names.
{{ config(materialized='table') }}
with countries as (
    select * from {{ ref('stg_reference__countries') }}
),

regions as (
    select * from {{ ref('stg_reference__regions') }}
),

authorities as (
    select * from {{ ref('stg_reference__authorities') }}
),

published as (
    select * from {{ ref('int_published__areas_named') }}
),

referenced as (
    select
        country_code as area_code,
        country_name as area_name,
        'country' as area_type,
        cast(null as string) as region_code,
        country_code,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to,
        false as is_invented
    from countries
    union all
    select
        region_code as area_code,
        region_name as area_name,
        'region' as area_type,
        region_code,
        country_code,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to,
        false as is_invented
    from regions
    union all
    select
        authorities.area_code,
        authorities.area_name,
        authorities.area_type,
        authorities.region_code,
        regions.country_code,
        authorities.valid_from,
        authorities.valid_to,
        authorities.is_invented
    from authorities
    left join regions on authorities.region_code = regions.region_code
),

-- An authority that ended before it had a code of nine characters, for instance. Its newest name is kept.
named_by_publisher as (
    select
        published.*,
        row_number() over (
            partition by published.area_code
            order by published.start_year desc, published.area_name asc
        ) as precedence
    from published
    left join referenced on published.area_code = referenced.area_code
    where referenced.area_code is null
),

final as (
    select * from referenced
    union all
    select
        area_code,
        area_name,
        case geographic_level
            when 'National' then 'country'
            when 'Regional' then 'region'
            else 'local_authority'
        end as area_type,
        region_code,
        country_code,
        cast(null as date) as valid_from,
        cast(null as date) as valid_to,
        false as is_invented
    from named_by_publisher
    where precedence = 1
)

select * from final
