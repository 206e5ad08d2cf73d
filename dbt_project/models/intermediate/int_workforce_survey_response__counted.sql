-- Counts of responses to the workforce survey and of people who work there, by wave: area, sector and organisation.
{{ config(materialized='table') }}
with responses as (
    select * from {{ ref('int_surveys__responses') }}
    where source_dataset = 'workforce_survey'
),

headcounts as (
    select * from {{ ref('int_headcounts__as_at') }}
    where role_code = 'total'
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

waves as (
    select distinct
        period,
        wave_start,
        wave_end
    from responses
),

responses_by_organisation as (
    select
        period,
        organisation_id,
        count(*) as response_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from responses
    group by period, organisation_id
),

-- Every organisation of the register on the wave's last day, whether anybody answered or not.
organisation_cells as (
    select
        waves.period,
        waves.wave_start,
        waves.wave_end,
        headcounts.organisation_id,
        headcounts.sector_code,
        headcounts.headcount,
        coalesce(responses_by_organisation.response_count, 0) as response_count,
        headcounts.vintage_ids as register_vintage_ids,
        responses_by_organisation.vintage_ids
    from waves
    inner join headcounts on waves.wave_end = headcounts.as_at_date
    left join responses_by_organisation
        on
            waves.period = responses_by_organisation.period
            and headcounts.organisation_id = responses_by_organisation.organisation_id
),

counted as (
    select
        period,
        wave_start,
        wave_end,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        case when grouping(organisation_id) = 1 then 'total' else organisation_id end as organisation_id,
        sum(response_count) as response_count,
        sum(headcount) as headcount,
        {{ distinct_list_of_lists('register_vintage_ids') }} as register_vintage_ids,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from organisation_cells
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (period, wave_start, wave_end),
        (period, wave_start, wave_end, sector_code),
        (period, wave_start, wave_end, sector_code, organisation_id)
    )
),

final as (
    select
        'workforce_survey_response' as indicator_id,
        'workforce_survey' as source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        counted.organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        'wave' as period_type,
        counted.period,
        counted.wave_start as period_start,
        counted.wave_end as period_end,
        cast(counted.response_count as bigint) as numerator,
        cast(counted.headcount as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        {{ both_lists('counted.register_vintage_ids', 'counted.vintage_ids') }} as vintage_ids
    from counted
    cross join settings
)

select * from final
