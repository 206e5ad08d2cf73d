-- One row per academic year, organisation and role: the head count in force when the year ended.
with headcounts as (
    select * from {{ ref('stg_register__headcounts') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

academic_years as (
    select * from {{ ref('int_periods__calendared') }}
    where period_type = 'academic_year'
),

counted_by_then as (
    select
        academic_years.period,
        academic_years.period_start,
        academic_years.period_end,
        headcounts.organisation_id,
        headcounts.role_code,
        headcounts.headcount,
        headcounts.vintage_id,
        row_number() over (
            partition by academic_years.period, headcounts.organisation_id, headcounts.role_code
            order by headcounts.counted_date desc
        ) as recency
    from academic_years
    inner join headcounts on academic_years.period_end >= headcounts.counted_date
),

final as (
    select
        counted_by_then.period,
        counted_by_then.period_start,
        counted_by_then.period_end,
        counted_by_then.organisation_id,
        organisations.sector_code,
        counted_by_then.role_code,
        counted_by_then.headcount,
        counted_by_then.vintage_id
    from counted_by_then
    inner join organisations on counted_by_then.organisation_id = organisations.organisation_id
    where counted_by_then.recency = 1
)

select * from final
