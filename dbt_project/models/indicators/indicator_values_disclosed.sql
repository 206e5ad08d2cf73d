-- One row per value that may be shown or is known to be withheld: what disclosure control left of the counted values,
-- and the gaps between groups that are made of it. Every mart rests on this table and on nothing before it.
with suppressed as (
    select * from {{ ref('indicator_values_suppressed') }}
),

gaps as (
    select * from {{ ref('indicator_gaps') }}
),

-- Of a gap there are no counts: it is a difference of two figures that have theirs.
unioned as (
    select * from suppressed
    union all by name
    select * from gaps
),

final as (
    select
        indicator_id,
        source_dataset,
        source_rank,
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
        row_number() over (
            partition by
                indicator_id,
                source_dataset,
                area_code,
                sector,
                organisation_id,
                breakdown,
                breakdown_value,
                period_type
            order by period_end desc, period_start desc, period desc
        ) = 1 as is_latest,
        vintage_ids
    from unioned
)

select * from final
