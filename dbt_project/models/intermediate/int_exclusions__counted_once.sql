-- One row per exclusion and source, whichever files report it, with the term and academic year of its own first day.
with on_roll as (
    select * from {{ ref('stg_census__exclusions_on_roll') }}
),

off_roll as (
    select * from {{ ref('stg_census__exclusions_off_roll') }}
),

extracts as (
    select * from {{ ref('stg_schools__exclusions') }}
),

schools as (
    select * from {{ ref('int_exclusions__schools') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

reported as (
    select
        'census_exclusions' as source_dataset,
        pupil_id,
        school_id,
        start_date,
        category_code,
        sessions,
        concat_ws('|', reason_1, coalesce(reason_2, '-'), coalesce(reason_3, '-')) as reasons,
        vintage_id,
        source_row
    from on_roll
    union all
    select
        'census_exclusions' as source_dataset,
        pupil_id,
        school_id,
        start_date,
        category_code,
        sessions,
        concat_ws('|', reason_1, coalesce(reason_2, '-'), coalesce(reason_3, '-')) as reasons,
        vintage_id,
        source_row
    from off_roll
    union all
    select
        'la_exclusions' as source_dataset,
        pupil_id,
        school_id,
        start_date,
        category_code,
        sessions,
        null as reasons,
        vintage_id,
        source_row
    from extracts
),

-- A file on and a file off roll make one census: the one of the term that they reach into. It runs on to Easter, which
-- is the 25th of April at the latest.
placed as (
    select
        reported.*,
        schools.school_key,
        schools.organisation_id,
        schools.sector_code,
        source_files.sequence,
        max(reported.start_date) over (partition by reported.vintage_id) as last_date
    from reported
    inner join schools on reported.school_id = schools.school_id
    inner join source_files on reported.vintage_id = source_files.vintage_id
),

of_census as (
    select
        *,
        case
            when source_dataset = 'la_exclusions' then 'all'
            when month(last_date) >= 9 then concat(cast(year(last_date) as string), ' autumn')
            when month(last_date) <= 3 or last_date <= make_date(year(last_date), 4, 25)
                then concat(cast(year(last_date) as string), ' spring')
            else concat(cast(year(last_date) as string), ' summer')
        end as census
    from placed
),

-- Within one census, and in the authority's extracts at all times, the pupil's number tells which rows are about the
-- same exclusion. Two rows of one census file are two exclusions even so; in an extract they are one.
numbered_in_file as (
    select
        *,
        case
            when source_dataset = 'la_exclusions' then 1
            else row_number() over (
                partition by source_dataset, vintage_id, school_key, start_date, category_code, pupil_id
                order by source_row
            )
        end as occurrence_in_file
    from of_census
),

received_last_in_census as (
    select
        *,
        row_number() over (
            partition by source_dataset, census, school_key, start_date, category_code, pupil_id, occurrence_in_file
            order by sequence desc, source_row desc
        ) as recency_in_census
    from numbered_in_file
),

-- From one census to the next the number may be new. Where it does come in both, it goes on telling; where it does not,
-- all else that is known about the exclusion has to.
identified as (
    select
        *,
        case
            when source_dataset = 'la_exclusions' then pupil_id
            when min(census) over (partition by pupil_id) <> max(census) over (partition by pupil_id) then pupil_id
            else concat_ws('|', cast(coalesce(sessions, -1) as string), reasons)
        end as trace
    from received_last_in_census
    where recency_in_census = 1
),

numbered_in_census as (
    select
        *,
        row_number() over (
            partition by source_dataset, census, school_key, start_date, category_code, trace
            order by sequence, source_row
        ) as occurrence
    from identified
),

received_last as (
    select
        *,
        row_number() over (
            partition by source_dataset, school_key, start_date, category_code, trace, occurrence
            order by sequence desc, source_row desc
        ) as recency
    from numbered_in_census
),

final as (
    select
        source_dataset,
        cast(year(start_date) - case when month(start_date) < 9 then 1 else 0 end as bigint) as start_year,
        case
            when month(start_date) >= 9 then 'autumn'
            when month(start_date) <= 3 then 'spring'
            else 'summer'
        end as term,
        start_date,
        school_key,
        organisation_id,
        sector_code,
        -- The census has no number that is known to follow a pupil, so nobody may count pupils by it.
        case when source_dataset = 'la_exclusions' then pupil_id end as pupil_id,
        category_code = 'PERM' as is_permanent,
        category_code = 'SUSP'
        {%- if var('lunchtime_exclusions_count') %} or category_code = 'LNCH'{% endif %} as is_suspension,
        case
            when category_code = 'SUSP' then coalesce(sessions, 0)
            -- A lunchtime is one session, whatever number stands in the row.
            {%- if var('lunchtime_exclusions_count') %}
            when category_code = 'LNCH' then 1
            {%- endif %}
            else 0
        end as sessions_lost,
        vintage_id
    from received_last
    where recency = 1
)

select * from final
