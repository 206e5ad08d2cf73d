-- Counts of organisations that took part in something and of organisations in the register: area and sector.
{{ config(materialized='table') }}
with sub_group_attendance as (
    select * from {{ ref('stg_register__sub_group_attendance') }}
),

deep_listening as (
    select * from {{ ref('stg_register__deep_listening') }}
),

responses as (
    select * from {{ ref('int_surveys__responses') }}
),

headcounts as (
    select * from {{ ref('int_headcounts__as_at') }}
),

academic_years as (
    select * from {{ ref('int_periods__calendared') }}
    where period_type = 'academic_year'
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

logged as (
    select
        'organisations_in_sector_groups' as indicator_id,
        'sector_group_attendance' as source_dataset,
        organisation_id,
        meeting_date as logged_date,
        attended = 'came' as took_part,
        vintage_id
    from sub_group_attendance
    union all
    select
        'deep_listening_take_up' as indicator_id,
        'deep_listening_log' as source_dataset,
        organisation_id,
        session_date as logged_date,
        -- An organisation that reports no session has not used the tool.
        sessions > 0 as took_part,
        vintage_id
    from deep_listening
),

covered as (
    select
        indicator_id,
        source_dataset,
        min(logged_date) as first_logged_date,
        max(logged_date) as last_logged_date
    from logged
    group by indicator_id, source_dataset
),

-- A year counts once the log reaches its June: before that, organisations that meet later on would seem not to.
years_in_scope as (
    select
        covered.indicator_id,
        covered.source_dataset,
        academic_years.period_type,
        academic_years.period,
        academic_years.period_start,
        academic_years.period_end
    from covered
    inner join academic_years
        on
            covered.first_logged_date <= academic_years.period_end
            and covered.last_logged_date > {{ months_before('academic_years.period_end', 3) }}
),

participations as (
    select
        years_in_scope.*,
        logged.organisation_id,
        logged.vintage_id
    from years_in_scope
    inner join logged
        on
            years_in_scope.indicator_id = logged.indicator_id
            and logged.logged_date between years_in_scope.period_start and years_in_scope.period_end
    where logged.took_part
    union all
    select
        case source_dataset
            when 'workforce_survey' then 'workforce_survey_take_up'
            else 'family_survey_take_up'
        end as indicator_id,
        source_dataset,
        'wave' as period_type,
        period,
        wave_start as period_start,
        wave_end as period_end,
        organisation_id,
        vintage_id
    from responses
    where source_dataset in ('workforce_survey', 'children_families_survey')
),

occasions as (
    select * from years_in_scope
    union
    select
        indicator_id,
        source_dataset,
        period_type,
        period,
        period_start,
        period_end
    from participations
),

took_part as (
    select
        indicator_id,
        period,
        organisation_id,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from participations
    group by indicator_id, period, organisation_id
),

-- Every organisation of the register on the period's last day; one that took part and is not among them is left out.
organisation_cells as (
    select
        occasions.*,
        headcounts.sector_code,
        case when took_part.organisation_id is null then 0 else 1 end as took_part_count,
        headcounts.vintage_ids as register_vintage_ids,
        took_part.vintage_ids
    from occasions
    inner join headcounts
        on
            occasions.period_end = headcounts.as_at_date
            and headcounts.role_code = 'total'
    left join took_part
        on
            occasions.indicator_id = took_part.indicator_id
            and occasions.period = took_part.period
            and headcounts.organisation_id = took_part.organisation_id
),

counted as (
    select
        indicator_id,
        source_dataset,
        period_type,
        period,
        period_start,
        period_end,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        sum(took_part_count) as took_part_count,
        count(*) as organisation_count,
        {{ distinct_list_of_lists('register_vintage_ids') }} as register_vintage_ids,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from organisation_cells
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (indicator_id, source_dataset, period_type, period, period_start, period_end),
        (indicator_id, source_dataset, period_type, period, period_start, period_end, sector_code)
    )
),

final as (
    select
        counted.indicator_id,
        counted.source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        'total' as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        counted.period_type,
        counted.period,
        counted.period_start,
        counted.period_end,
        cast(counted.took_part_count as bigint) as numerator,
        cast(counted.organisation_count as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        {{ both_lists('counted.register_vintage_ids', 'counted.vintage_ids') }} as vintage_ids
    from counted
    cross join settings
)

select * from final
