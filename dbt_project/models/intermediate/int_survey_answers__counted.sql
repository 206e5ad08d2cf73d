-- Counts of answers to surveys: area, sector and organisation, and what each survey is split by for the area.
{{ config(materialized='table') }}
with answers as (
    select * from {{ ref('int_survey_answers__scored') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

by_place as (
    select
        indicator_id,
        source_dataset,
        period_type,
        period,
        period_start,
        period_end,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        case when grouping(organisation_id) = 1 then 'total' else organisation_id end as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        sum(case when is_counted then 1 else 0 end) as counted_count,
        sum(case when is_unknown then 1 else 0 end) as unknown_count,
        count(*) as answer_count,
        max(stage) is not null as is_stage,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from answers
    where is_whole
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (indicator_id, source_dataset, period_type, period, period_start, period_end),
        (indicator_id, source_dataset, period_type, period, period_start, period_end, sector_code),
        (indicator_id, source_dataset, period_type, period, period_start, period_end, sector_code, organisation_id)
    )
),

by_breakdown as (
    select
        indicator_id,
        source_dataset,
        period_type,
        period,
        period_start,
        period_end,
        'total' as sector,
        'total' as organisation_id,
        breakdown,
        breakdown_value,
        sum(case when is_counted then 1 else 0 end) as counted_count,
        sum(case when is_unknown then 1 else 0 end) as unknown_count,
        count(*) as answer_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from answers
    where breakdown is not null
    group by
        indicator_id, source_dataset, period_type, period, period_start, period_end, breakdown, breakdown_value
),

-- How many organisations have come as far as each stage of the journey. Every share of those that have reached a stage
-- is better the higher it is, which is not so of the shares at a stage; the one follows from the other.
thresholds as (
    select 1 as stage
    union all
    select 2 as stage
    union all
    select 3 as stage
    union all
    select 4 as stage
),

by_stage as (
    select
        answers.indicator_id,
        answers.source_dataset,
        answers.period_type,
        answers.period,
        answers.period_start,
        answers.period_end,
        case when grouping(answers.sector_code) = 1 then 'total' else answers.sector_code end as sector,
        case
            when grouping(answers.organisation_id) = 1 then 'total' else answers.organisation_id
        end as organisation_id,
        'stage_reached' as breakdown,
        cast(thresholds.stage as string) as breakdown_value,
        sum(case when answers.stage >= thresholds.stage then 1 else 0 end) as counted_count,
        0 as unknown_count,
        count(*) as answer_count,
        {{ distinct_list('answers.vintage_id') }} as vintage_ids
    from answers
    cross join thresholds
    where answers.stage is not null
    group by grouping sets (
        (
            answers.indicator_id, answers.source_dataset, answers.period_type, answers.period, answers.period_start,
            answers.period_end, thresholds.stage
        ),
        (
            answers.indicator_id, answers.source_dataset, answers.period_type, answers.period, answers.period_start,
            answers.period_end, thresholds.stage,
            answers.sector_code
        ),
        (
            answers.indicator_id, answers.source_dataset, answers.period_type, answers.period, answers.period_start,
            answers.period_end, thresholds.stage,
            answers.sector_code, answers.organisation_id
        )
    )
),

placed as (
    select
        indicator_id,
        source_dataset,
        period_type,
        period,
        period_start,
        period_end,
        sector,
        organisation_id,
        breakdown,
        breakdown_value,
        counted_count,
        unknown_count,
        answer_count,
        vintage_ids
    from by_place
    -- Of the journey every organisation has its own place; yes or no of one organisation is no figure of many.
    where is_stage or source_dataset <> 'organisational_survey' or organisation_id = 'total'
    union all
    select * from by_stage
),

counted as (
    select * from placed
    -- Answers from an organisation that the register has lost, or from none, have no sector to stand under.
    where sector is not null
    union all
    select * from by_breakdown
),

final as (
    select
        counted.indicator_id,
        counted.source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        counted.organisation_id,
        counted.breakdown,
        counted.breakdown_value,
        counted.period_type,
        counted.period,
        counted.period_start,
        counted.period_end,
        cast(counted.counted_count as bigint) as numerator,
        cast(counted.answer_count as bigint) as denominator,
        -- Whoever prefers not to say is outside the denominator; an organisation that does not know is inside.
        cast(counted.unknown_count as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        counted.vintage_ids
    from counted
    cross join settings
)

select * from final
