-- One row per indicator value and file vintage that it rests on.
with disclosed as (
    select * from {{ ref('indicator_values_disclosed') }}
),

final as (
    select
        indicator_id,
        source_dataset,
        area_code,
        sector,
        organisation_id,
        breakdown,
        breakdown_value,
        period_type,
        period,
        unnest(vintage_ids) as vintage_id
    from disclosed
)

select * from final
