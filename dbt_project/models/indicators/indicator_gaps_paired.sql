-- One row per gap indicator, source, area and period: the two groups' figures that it is the difference of, after
-- disclosure control. Where either is not shown there is no gap, for whoever knows one could have the other from it.
{{ config(materialized='view') }}
with suppressed as (
    select * from {{ ref('indicator_values_suppressed') }}
),

gaps as (
    select * from {{ ref('stg_registry__indicator_gaps') }}
),

reference_groups as (
    select * from {{ ref('stg_registry__reference_groups') }}
),

indicators as (
    select * from {{ ref('stg_registry__indicators') }}
),

sources as (
    select * from {{ ref('stg_registry__indicator_sources') }}
),

final as (
    select
        gaps.indicator_id,
        groups.source_dataset,
        sources.source_rank,
        groups.area_code,
        groups.sector,
        groups.organisation_id,
        groups.period_type,
        groups.period,
        groups.period_start,
        groups.period_end,
        case
            when groups.value_status = 'c' or compared.value_status = 'c' then 'c'
            when groups.value_status <> 'ok' then groups.value_status
            else compared.value_status
        end as value_status,
        groups.value,
        compared.value as reference_value,
        -- Counts that bear no interval are not what the figure was made of, and bear none of the gap.
        case when groups.ci_lower_95 is not null then groups.numerator end as numerator,
        case when groups.ci_lower_95 is not null then groups.denominator end as denominator,
        case when compared.ci_lower_95 is not null then compared.numerator end as reference_numerator,
        case when compared.ci_lower_95 is not null then compared.denominator end as reference_denominator,
        measured.measure_type,
        indicators.multiplier,
        indicators.decimals,
        {{ both_lists('groups.vintage_ids', 'compared.vintage_ids') }} as vintage_ids
    from gaps
    inner join suppressed as groups
        on
            gaps.of_indicator_id = groups.indicator_id
            and gaps.breakdown = groups.breakdown
            and gaps.breakdown_value = groups.breakdown_value
    inner join reference_groups on gaps.breakdown = reference_groups.breakdown
    inner join suppressed as compared
        on
            groups.indicator_id = compared.indicator_id
            and groups.source_dataset = compared.source_dataset
            and groups.area_code = compared.area_code
            and groups.sector = compared.sector
            and groups.organisation_id = compared.organisation_id
            and groups.breakdown = compared.breakdown
            and reference_groups.reference_value = compared.breakdown_value
            and groups.period_type = compared.period_type
            and groups.period = compared.period
    inner join indicators on gaps.indicator_id = indicators.indicator_id
    inner join indicators as measured on gaps.of_indicator_id = measured.indicator_id
    inner join sources
        on
            gaps.indicator_id = sources.indicator_id
            and groups.source_dataset = sources.source_dataset
)

select * from final
