-- One row per academic year, organisation and role: the head count in force when the year ended.
with headcounts as (
    select * from {{ ref('int_headcounts__as_at') }}
),

academic_years as (
    select * from {{ ref('int_periods__calendared') }}
    where period_type = 'academic_year'
),

final as (
    select
        academic_years.period,
        academic_years.period_start,
        academic_years.period_end,
        headcounts.organisation_id,
        headcounts.sector_code,
        headcounts.role_code,
        headcounts.headcount,
        headcounts.vintage_ids
    from academic_years
    inner join headcounts on academic_years.period_end = headcounts.as_at_date
)

select * from final
