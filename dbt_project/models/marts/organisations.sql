-- One row per organisation of the register, with its newest head count.
with organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

headcounts as (
    select * from {{ ref('organisation_headcounts') }}
),

sectors as (
    select * from {{ ref('stg_reference__sectors') }}
),

final as (
    select
        organisations.organisation_id,
        organisations.organisation_name,
        organisations.sector_code,
        sectors.sector_name,
        headcounts.headcount,
        headcounts.counted_date as headcount_date
    from organisations
    left join sectors on organisations.sector_code = sectors.sector_code
    left join headcounts on organisations.organisation_id = headcounts.organisation_id
)

select * from final
