-- One row per series of the home's own authority: its latest value beside the latest earlier one that is shown. Like is
-- compared with like: one source, one kind of period, the same members.
{{ config(materialized='view') }}
with disclosed as (
    select * from {{ ref('indicator_values_disclosed') }}
),

indicators as (
    select * from {{ ref('stg_registry__indicators') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

own as (
    select
        disclosed.*,
        indicators.polarity,
        indicators.measure_type,
        indicators.multiplier,
        indicators.decimals,
        case
            when disclosed.value_status <> 'ok' or disclosed.numerator is null then null
            -- A sum of measurements is no number of events.
            when indicators.measure_type = 'mean' then null
            -- What one organisation says of itself is no sample, so no interval belongs to its change.
            when indicators.disclosure_unit = 'organisation' and disclosed.organisation_id <> 'total' then null
            -- Of a plain count, events in one period.
            when indicators.measure_type = 'count' then 1
            when indicators.measure_type = 'proportion' and disclosed.numerator > disclosed.denominator then null
            when disclosed.denominator > 0 then cast(disclosed.denominator as double)
            -- A rate that was published with its events alone implies what they are out of.
            when indicators.measure_type = 'rate' and disclosed.value > 0
                then disclosed.numerator * indicators.multiplier / disclosed.value
        end as exposure,
        -- A gap has no counts of its own, and a mean no events: they change by their intervals.
        indicators.measure_type = 'mean'
        or (
            indicators.measure_type = 'gap'
            and disclosed.value between disclosed.ci_lower_95 and disclosed.ci_upper_95
        ) as changes_by_interval,
        case when indicators.measure_type = 'mean' and disclosed.value_status = 'ok' then disclosed.denominator end
            as measurement_count
    from disclosed
    inner join settings on disclosed.area_code = settings.authority_code
    inner join indicators on disclosed.indicator_id = indicators.indicator_id
),

numbered as (
    select
        *,
        sum(case when value_status = 'ok' then 1 else 0 end) over (
            partition by
                indicator_id, source_dataset, sector, organisation_id, breakdown, breakdown_value, period_type
        ) as shown_period_count,
        row_number() over (
            partition by
                indicator_id, source_dataset, sector, organisation_id, breakdown, breakdown_value, period_type
            order by
                is_latest desc, case when value_status = 'ok' then 0 else 1 end asc,
                period_end desc, period_start desc, period desc
        ) as recency
    from own
),

latest as (
    select * from numbered
    where is_latest
),

-- The newest that is shown of those that are not the latest.
previous as (
    select * from numbered
    where recency = 2 and value_status = 'ok'
),

final as (
    select
        latest.indicator_id,
        latest.source_dataset,
        latest.area_code,
        latest.sector,
        latest.organisation_id,
        latest.breakdown,
        latest.breakdown_value,
        latest.period_type,
        latest.period,
        latest.value,
        latest.value_status,
        latest.numerator,
        latest.exposure,
        case when latest.changes_by_interval then latest.ci_lower_95 end as interval_lower_95,
        case when latest.changes_by_interval then latest.ci_upper_95 end as interval_upper_95,
        latest.measurement_count,
        previous.period as previous_period,
        previous.value as previous_value,
        previous.numerator as previous_numerator,
        previous.denominator as previous_denominator,
        previous.exposure as previous_exposure,
        case when previous.changes_by_interval then previous.ci_lower_95 end as previous_interval_lower_95,
        case when previous.changes_by_interval then previous.ci_upper_95 end as previous_interval_upper_95,
        previous.measurement_count as previous_measurement_count,
        cast(latest.shown_period_count as bigint) as shown_period_count,
        latest.polarity,
        latest.measure_type,
        latest.multiplier,
        latest.decimals
    from latest
    left join previous
        on {{ same_value('latest', 'previous', without=['area_code', 'period']) }}
)

select * from final
