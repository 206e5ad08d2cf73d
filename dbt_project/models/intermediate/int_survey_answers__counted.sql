-- Counts of agreement with each statement of the workforce survey: area, sector and organisation, and by role.
with answers as (
    select * from {{ ref('int_survey_answers__scored') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

counted as (
    select
        item_id,
        wave,
        wave_start,
        wave_end,
        case when grouping(sector_code) = 1 then 'total' else sector_code end as sector,
        case when grouping(organisation_id) = 1 then 'total' else organisation_id end as organisation_id,
        case when grouping(role_code) = 1 then 'total' else 'role' end as breakdown,
        case when grouping(role_code) = 1 then 'total' else role_code end as breakdown_value,
        sum(case when is_top_two then 1 else 0 end) as top_two_count,
        count(*) as answer_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from answers
    -- The linter's DuckDB dialect does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (item_id, wave, wave_start, wave_end),
        (item_id, wave, wave_start, wave_end, sector_code),
        (item_id, wave, wave_start, wave_end, sector_code, organisation_id),
        (item_id, wave, wave_start, wave_end, role_code)
    )
),

final as (
    select
        counted.item_id as indicator_id,
        'workforce_survey' as source_dataset,
        settings.authority_code as area_code,
        counted.sector,
        counted.organisation_id,
        counted.breakdown,
        counted.breakdown_value,
        'wave' as period_type,
        concat('workforce wave ', cast(counted.wave as string)) as period,
        counted.wave_start as period_start,
        counted.wave_end as period_end,
        cast(counted.top_two_count as bigint) as numerator,
        cast(counted.answer_count as bigint) as denominator,
        -- Who prefers not to say is outside the denominator, so nothing in it is unknown.
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        counted.vintage_ids
    from counted
    cross join settings
    -- Answers from an organisation that the register has lost have no sector to stand under.
    where counted.sector is not null
)

select * from final
