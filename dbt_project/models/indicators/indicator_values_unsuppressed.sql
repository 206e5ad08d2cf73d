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

-- The counts beside a printed rate need not be what it was made of: a standardised rate is no quotient of them, and its
-- interval is not theirs. Rounded counts miss the rate by its last digit or a hundredth part.
compared as (
    select
        *,
        case when measure_type = 'count' then 1 else denominator end as exposure,
        not is_published
        or measure_type <> 'rate'
        or abs(value - multiplier * numerator / denominator) <= greatest(value / 100, power(10, -decimals))
            as has_own_interval
    from valued
),

final as (
    select
        compared.indicator_id,
        compared.source_dataset,
        compared.source_rank,
        compared.area_code,
        compared.sector,
        compared.organisation_id,
        compared.breakdown,
        compared.breakdown_value,
        compared.period_type,
        compared.period,
        compared.period_start,
        compared.period_end,
        compared.numerator,
        compared.denominator,
        compared.unknown_count,
        compared.value,
        compared.value_status,
        intervals.lower_95 * compared.multiplier as ci_lower_95,
        intervals.upper_95 * compared.multiplier as ci_upper_95,
        intervals.lower_998 * compared.multiplier as ci_lower_998,
        intervals.upper_998 * compared.multiplier as ci_upper_998,
        compared.is_published,
        compared.measure_type,
        compared.disclosure_unit,
        compared.minimum_count,
        compared.minimum_base,
        compared.vintage_ids
    from compared
    left join intervals
        on
            compared.value_status = 'ok'
            and compared.has_own_interval
            and compared.measure_type = intervals.measure_type
            and compared.numerator = intervals.numerator
            and compared.exposure = intervals.denominator
            and compared.sum_of_squares is not distinct from intervals.sum_of_squares
)

select * from final
