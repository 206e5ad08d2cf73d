-- One row per count that was frozen before the rows behind it were deleted.
with frozen as (
    select * from {{ source('frozen', 'indicator_counts') }}
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
        unknown_count,
        published_value,
        published_status,
        vintage_ids,
        sum_of_squares
    from frozen
)

select * from final
