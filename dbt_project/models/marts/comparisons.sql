-- One row per value of the home's own authority and figure that it is compared with, judged.
with judged as (
    select * from {{ ref('indicator_comparisons') }}
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
        is_latest,
        comparator,
        comparator_area_code,
        comparator_period,
        value,
        comparator_value,
        comparator_status,
        difference,
        difference_lower_95,
        difference_upper_95,
        verdict,
        cast(rank as bigint) as rank,
        cast(quartile as bigint) as quartile,
        cast(ranked_areas as bigint) as ranked_areas,
        progress
    from judged
    where comparator <> 'reference_group'
)

select * from final
