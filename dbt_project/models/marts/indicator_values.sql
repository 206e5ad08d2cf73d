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
        on {{ same_value('disclosed', 'trends') }}
)

select * from final
