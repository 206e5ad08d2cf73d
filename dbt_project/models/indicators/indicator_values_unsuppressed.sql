-- One row per row of indicator_counts of a registered indicator and source: its value, status and intervals, before
-- disclosure control. Never published.
with counts as (
    select * from {{ ref('indicator_counts') }}
),

indicators as (
    select * from {{ ref('stg_registry__indicators') }}
),

sources as (
    select * from {{ ref('stg_registry__indicator_sources') }}
),

intervals as (
    select * from {{ ref('indicator_intervals') }}
),

registered as (
    select
        counts.*,
        counts.published_status is not null as is_published,
        sources.source_rank,
        indicators.measure_type,
        indicators.multiplier,
        indicators.decimals,
        indicators.maximum_unknown_percent,
        indicators.disclosure_unit,
        indicators.minimum_count,
        indicators.minimum_base
    from counts
    inner join indicators on counts.indicator_id = indicators.indicator_id
    inner join sources
        on
            counts.indicator_id = sources.indicator_id
            and counts.source_dataset = sources.source_dataset
),

judged as (
    select
        *,
        case
            when is_published and published_status <> 'ok' then published_status
            when published_value is not null then 'ok'
            when numerator is null then 'x'
            when measure_type = 'count' then 'ok'
            when denominator is null or denominator <= 0 then 'x'
            when measure_type = 'proportion' and (numerator > denominator or numerator < 0) then 'x'
            when unknown_count * 100 > maximum_unknown_percent * denominator then 'u'
            else 'ok'
        end as value_status
    from registered
),

-- The printed rate is in millionths, so that the one rounding rule serves both it and a quotient of counts.
valued as (
    select
        *,
        case
            when value_status <> 'ok' then null
            when published_value is not null
                then {{ round_half_up('published_value * 1000000', '1000000', 'decimals') }}
            when measure_type = 'count' then cast(numerator * multiplier as double)
            else {{ round_half_up('numerator * multiplier', 'denominator', 'decimals') }}
        end as value
    from judged
),

final as (
    select
        valued.indicator_id,
        valued.source_dataset,
        valued.source_rank,
        valued.area_code,
        valued.sector,
        valued.organisation_id,
        valued.breakdown,
        valued.breakdown_value,
        valued.period_type,
        valued.period,
        valued.period_start,
        valued.period_end,
        valued.numerator,
        valued.denominator,
        valued.unknown_count,
        valued.value,
        valued.value_status,
        intervals.lower_95 * valued.multiplier as ci_lower_95,
        intervals.upper_95 * valued.multiplier as ci_upper_95,
        intervals.lower_998 * valued.multiplier as ci_lower_998,
        intervals.upper_998 * valued.multiplier as ci_upper_998,
        valued.is_published,
        valued.measure_type,
        valued.disclosure_unit,
        valued.minimum_count,
        valued.minimum_base,
        valued.vintage_ids
    from valued
    left join intervals
        on
            valued.value_status = 'ok'
            and valued.measure_type = 'proportion'
            and valued.numerator = intervals.numerator
            and valued.denominator = intervals.denominator
)

select * from final
