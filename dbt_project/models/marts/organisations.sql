-- One row per organisation of the register, with its newest head count.
with organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

headcounts as (
    select * from {{ ref('stg_register__headcounts') }}
),

sectors as (
    select * from {{ ref('stg_reference__sectors') }}
),

ranked as (
    select
        *,
        row_number() over (partition by organisation_id order by counted_date desc) as recency
    from headcounts
    where role_code = 'total'
),

final as (
    select
        organisations.organisation_id,
        organisations.organisation_name,
        organisations.sector_code,
        sectors.sector_name,
        -- Smaller ones would give back the denominators that are hidden elsewhere.
        case when ranked.headcount >= 10 then ranked.headcount end as headcount,
        ranked.counted_date as headcount_date
    from organisations
    left join sectors on organisations.sector_code = sectors.sector_code
    left join ranked
        on
            organisations.organisation_id = ranked.organisation_id
            and ranked.recency = 1
)

select * from final
