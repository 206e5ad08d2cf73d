-- One row per version of the model, authority and one of its statistical neighbours.
with statistical_neighbours as (
    select * from {{ source('reference', 'statistical_neighbours') }}
),

final as (
    select
        model_version,
        area_code,
        neighbour_area_code,
        rank,
        closeness
    from statistical_neighbours
)

select * from final
