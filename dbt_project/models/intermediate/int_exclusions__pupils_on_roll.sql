-- One row per school and school census: pupils on roll, whatever names the files call the school by.
with rolls as (
    select * from {{ ref('stg_schools__pupils_on_roll') }}
),

schools as (
    select * from {{ ref('int_exclusions__schools') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

received as (
    select
        rolls.start_year,
        rolls.census_term,
        schools.school_key,
        schools.organisation_id,
        rolls.pupils,
        rolls.vintage_id,
        row_number() over (
            partition by rolls.start_year, rolls.census_term, schools.school_key
            order by source_files.sequence desc, rolls.source_row desc
        ) as recency
    from rolls
    inner join schools on rolls.school_id = schools.school_id
    inner join source_files on rolls.vintage_id = source_files.vintage_id
),

final as (
    select
        start_year,
        census_term,
        school_key,
        organisation_id,
        pupils,
        vintage_id
    from received
    where recency = 1
)

select * from final
