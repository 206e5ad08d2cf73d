-- One row per indicator, source, area, sector or organisation, breakdown and period.
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
        period_start,
        period_end,
        numerator,
        denominator,
        value,
        value_status,
        ci_lower_95,
        ci_upper_95,
        ci_lower_998,
        ci_upper_998,
        cast(null as string) as trend,
        is_latest
    from disclosed
)

select * from final
