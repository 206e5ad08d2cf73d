-- One row per monthly, quarterly or termly series and baseline: the process behaviour chart that its points stand on.
with trends as (
    select * from {{ ref('indicator_trends') }}
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
        min_by(period, period_start) as first_period,
        max_by(period, period_start) as last_period,
        bool_or(is_latest) as is_latest,
        mean,
        lower_limit,
        upper_limit,
        limit_points,
        is_provisional,
        count(signal) as signal_points,
        reason as baseline_reason,
        decided_by,
        decided_date
    from trends
    -- Where the points are too few there are no limits.
    where mean is not null
    group by
        indicator_id,
        source_dataset,
        area_code,
        sector,
        organisation_id,
        breakdown,
        breakdown_value,
        period_type,
        chart_start,
        mean,
        lower_limit,
        upper_limit,
        limit_points,
        is_provisional,
        reason,
        decided_by,
        decided_date
)

select * from final
