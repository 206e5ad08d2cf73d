-- One row per day that a figure needs, organisation in the register that day, and role: the head count in force.
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

responses as (
    select * from {{ ref('int_surveys__responses') }}
),

needed_days as (
    select period_end as as_at_date
    from academic_years
    union
    select wave_end as as_at_date
    from responses
),

counted_by_then as (
    select
        needed_days.as_at_date,
        headcounts.organisation_id,
        headcounts.role_code,
        headcounts.headcount,
        headcounts.vintage_id,
        row_number() over (
            partition by needed_days.as_at_date, headcounts.organisation_id, headcounts.role_code
            order by headcounts.counted_date desc
        ) as recency
    from needed_days
    inner join headcounts on needed_days.as_at_date >= headcounts.counted_date
),

in_force as (
    select
        counted_by_then.as_at_date,
        counted_by_then.organisation_id,
        organisations.sector_code,
        counted_by_then.role_code,
        counted_by_then.headcount,
        counted_by_then.vintage_id
    from counted_by_then
    inner join organisations on counted_by_then.organisation_id = organisations.organisation_id
    where
        counted_by_then.recency = 1
        and (organisations.left_date is null or counted_by_then.as_at_date < organisations.left_date)
),

-- An organisation that counts its people by role alone has as many as its roles together.
roles_added as (
    select
        as_at_date,
        organisation_id,
        sector_code,
        sum(headcount) as headcount,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from in_force
    group by as_at_date, organisation_id, sector_code
    having max(case when role_code = 'total' then 1 else 0 end) = 0
),

final as (
    select
        as_at_date,
        organisation_id,
        sector_code,
        role_code,
        headcount,
        {{ distinct_values(['vintage_id']) }} as vintage_ids
    from in_force
    union all
    select
        as_at_date,
        organisation_id,
        sector_code,
        'total' as role_code,
        cast(headcount as bigint) as headcount,
        vintage_ids
    from roles_added
)

select * from final
