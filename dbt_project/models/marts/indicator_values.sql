-- One row per indicator, source, area, sector or organisation, breakdown and period.
with disclosed as (
    select * from {{ ref('indicator_values_disclosed') }}
),

trends as (
    select * from {{ ref('indicator_trends') }}
),

final as (
    select
        disclosed.indicator_id,
        disclosed.source_dataset,
        disclosed.area_code,
        disclosed.sector,
        disclosed.organisation_id,
        disclosed.breakdown,
        disclosed.breakdown_value,
        disclosed.period_type,
        disclosed.period,
        disclosed.period_start,
        disclosed.period_end,
        disclosed.numerator,
        disclosed.denominator,
        disclosed.value,
        disclosed.value_status,
        disclosed.ci_lower_95,
        disclosed.ci_upper_95,
        disclosed.ci_lower_998,
        disclosed.ci_upper_998,
        trends.trend,
        trends.trend_method,
        trends.trend_reason,
        trends.signal,
        disclosed.is_latest
    from disclosed
    left join trends
        on
            disclosed.indicator_id = trends.indicator_id
            and disclosed.source_dataset = trends.source_dataset
            and disclosed.area_code = trends.area_code
            and disclosed.sector = trends.sector
            and disclosed.organisation_id = trends.organisation_id
            and disclosed.breakdown = trends.breakdown
            and disclosed.breakdown_value = trends.breakdown_value
            and disclosed.period_type = trends.period_type
            and disclosed.period = trends.period
)

select * from final
