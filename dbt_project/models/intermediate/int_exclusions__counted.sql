-- Counts of the indicators on exclusions, by term and academic year: the area, and schools that the register knows.
{{ config(materialized='table') }}
with exclusions as (
    select * from {{ ref('int_exclusions__counted_once') }}
),

periods as (
    select * from {{ ref('int_exclusions__periods_covered') }}
),

rolls as (
    select * from {{ ref('int_exclusions__pupils_on_roll') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

returns as (
    select
        *,
        max(case when received_at is not null then 1 else 0 end) over (partition by period) as schools_heard
    from {{ ref('int_submissions__expected') }}
    where dataset = 'pupils_on_roll'
),

in_period as (
    select
        periods.period_type,
        periods.period,
        periods.roll_term,
        exclusions.*
    from periods
    inner join exclusions
        on
            periods.source_dataset = exclusions.source_dataset
            and periods.start_year = exclusions.start_year
            and periods.term in (exclusions.term, 'total')
),

-- Everything counts towards the area, and once more towards its school where the register has it.
leveled as (
    select
        *,
        'total' as level_sector,
        'total' as level_organisation_id
    from in_period
    union all
    select
        *,
        sector_code as level_sector,
        organisation_id as level_organisation_id
    from in_period
    where organisation_id is not null
),

by_pupil as (
    select
        source_dataset,
        period_type,
        period,
        level_sector,
        level_organisation_id,
        pupil_id,
        sum(case when is_suspension then 1 else 0 end) as suspensions,
        sum(case when is_permanent then 1 else 0 end) as permanent_exclusions,
        sum(sessions_lost) as sessions_lost,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from leveled
    group by source_dataset, period_type, period, level_sector, level_organisation_id, pupil_id
),

counted as (
    select
        source_dataset,
        period_type,
        period,
        level_sector,
        level_organisation_id,
        sum(suspensions) as suspensions,
        sum(permanent_exclusions) as permanent_exclusions,
        sum(sessions_lost) as sessions_lost,
        sum(case when suspensions >= 1 then 1 else 0 end) as pupils_suspended,
        sum(case when suspensions >= 2 then 1 else 0 end) as pupils_suspended_again,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from by_pupil
    group by source_dataset, period_type, period, level_sector, level_organisation_id
),

-- A school that excluded nobody in the whole year may just as well have sent nothing: it has no figure, and no nought.
schools_heard_from as (
    select distinct
        source_dataset,
        start_year,
        sector_code as level_sector,
        organisation_id as level_organisation_id
    from exclusions
    where organisation_id is not null
),

cells as (
    select
        *,
        'total' as level_sector,
        'total' as level_organisation_id
    from periods
    union all
    select
        periods.*,
        schools_heard_from.level_sector,
        schools_heard_from.level_organisation_id
    from periods
    inner join schools_heard_from
        on
            periods.source_dataset = schools_heard_from.source_dataset
            and periods.start_year = schools_heard_from.start_year
),

rolls_by_level as (
    select
        start_year,
        census_term,
        'total' as level_organisation_id,
        sum(pupils) as pupils,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from rolls
    group by start_year, census_term
    union all
    select
        start_year,
        census_term,
        organisation_id as level_organisation_id,
        sum(pupils) as pupils,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from rolls
    where organisation_id is not null
    group by start_year, census_term, organisation_id
),

-- With a school's exclusions above the line and its pupils not below it, the area's rate would be too high.
rolls_incomplete as (
    select distinct
        in_period.source_dataset,
        in_period.period_type,
        in_period.period
    from in_period
    left join rolls
        on
            in_period.start_year = rolls.start_year
            and in_period.roll_term = rolls.census_term
            and in_period.school_key = rolls.school_key
    where rolls.school_key is null
),

-- A school that others of its term have sent a return beside, and that is neither on roll nor among the exclusions, has
-- sent nothing: the term, and its year, would look like a fall for the school and for the area.
schools_missing as (
    select distinct
        periods.source_dataset,
        periods.period_type,
        periods.period,
        returns.organisation_id as level_organisation_id
    from periods
    inner join returns
        on
            returns.period_start between periods.period_start and periods.period_end
            and returns.received_at is null
            and returns.schools_heard = 1
    left join exclusions
        on
            periods.source_dataset = exclusions.source_dataset
            and returns.organisation_id = exclusions.school_key
            and exclusions.start_date between returns.period_start and returns.period_end
    where exclusions.school_key is null
),

returns_missing as (
    select * from schools_missing
    union
    select
        source_dataset,
        period_type,
        period,
        'total' as level_organisation_id
    from schools_missing
),

filled as (
    select
        cells.source_dataset,
        cells.level_sector,
        cells.level_organisation_id,
        cells.period_type,
        cells.period,
        cells.period_start,
        cells.period_end,
        {%- for column in [
            'suspensions', 'permanent_exclusions', 'sessions_lost', 'pupils_suspended', 'pupils_suspended_again',
        ] %}
        case when returns_missing.period is null then coalesce(counted.{{ column }}, 0) end as {{ column }},
        {%- endfor %}
        case
            when returns_missing.period is not null then null
            when cells.level_organisation_id = 'total' and rolls_incomplete.period is not null then null
            else rolls_by_level.pupils
        end as pupils_on_roll,
        -- That a school excluded nobody is known from the area's files.
        {{ both_lists('coalesce(counted.vintage_ids, area.vintage_ids)', 'rolls_by_level.vintage_ids') }} as vintage_ids
    from cells
    inner join counted as area
        on
            cells.source_dataset = area.source_dataset
            and cells.period_type = area.period_type
            and cells.period = area.period
            and area.level_organisation_id = 'total'
    left join counted
        on
            cells.source_dataset = counted.source_dataset
            and cells.period_type = counted.period_type
            and cells.period = counted.period
            and cells.level_organisation_id = counted.level_organisation_id
    left join rolls_by_level
        on
            cells.start_year = rolls_by_level.start_year
            and cells.roll_term = rolls_by_level.census_term
            and cells.level_organisation_id = rolls_by_level.level_organisation_id
    left join rolls_incomplete
        on
            cells.source_dataset = rolls_incomplete.source_dataset
            and cells.period_type = rolls_incomplete.period_type
            and cells.period = rolls_incomplete.period
    left join returns_missing
        on
            cells.source_dataset = returns_missing.source_dataset
            and cells.period_type = returns_missing.period_type
            and cells.period = returns_missing.period
            and cells.level_organisation_id = returns_missing.level_organisation_id
),

-- Half-days are of the area alone: a number of them does not show how few pupils it is about. Pupils are counted over
-- an academic year, and only where their number follows them.
unpivoted as (
    {%- set of_pupils = "source_dataset = 'la_exclusions' and period_type = 'academic_year'" %}
    {%- for indicator_id, numerator, denominator, condition in [
        ('suspension_rate', 'suspensions', 'pupils_on_roll', 'true'),
        ('permanent_exclusion_rate', 'permanent_exclusions', 'pupils_on_roll', 'true'),
        ('sessions_lost_to_suspension', 'sessions_lost', 'pupils_on_roll', "level_organisation_id = 'total'"),
        ('pupils_suspended', 'pupils_suspended', 'pupils_on_roll', of_pupils),
        ('repeat_suspension', 'pupils_suspended_again', 'pupils_suspended', of_pupils ~ ' and coalesce(pupils_suspended, 1) > 0'),
    ] %}
    {% if not loop.first %}union all
    {% endif -%}
    select
        '{{ indicator_id }}' as indicator_id,
        source_dataset,
        level_sector,
        level_organisation_id,
        period_type,
        period,
        period_start,
        period_end,
        {{ numerator }} as numerator,
        {{ denominator }} as denominator,
        vintage_ids
    from filled
    where {{ condition }}
    {%- endfor %}
),

final as (
    select
        unpivoted.indicator_id,
        unpivoted.source_dataset,
        settings.authority_code as area_code,
        unpivoted.level_sector as sector,
        unpivoted.level_organisation_id as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        unpivoted.period_type,
        unpivoted.period,
        unpivoted.period_start,
        unpivoted.period_end,
        cast(unpivoted.numerator as bigint) as numerator,
        cast(unpivoted.denominator as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        unpivoted.vintage_ids
    from unpivoted
    cross join settings
)

select * from final
