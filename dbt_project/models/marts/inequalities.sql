-- One row per value of a group in the home's own authority, beside the group that its breakdown is compared with.
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
        comparator_breakdown_value,
        value,
        comparator_value,
        comparator_status,
        difference as absolute_gap,
        difference_lower_95 as absolute_gap_lower_95,
        difference_upper_95 as absolute_gap_upper_95,
        relative_gap,
        relative_gap_lower_95,
        relative_gap_upper_95,
        verdict
    from judged
    where comparator = 'reference_group'
)

select * from final
