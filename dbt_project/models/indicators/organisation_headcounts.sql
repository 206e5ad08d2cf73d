-- One row per organisation with a head count: its newest, where that gives no hidden figure back.
with headcounts as (
    select * from {{ ref('stg_register__headcounts') }}
),

-- A head count is the denominator of some figures; where it is hidden there, it is hidden here.
hidden_bases as (
    select distinct
        organisation_id,
        denominator
    from {{ ref('released_counts') }}
    where not is_denominator_shown
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
        ranked.organisation_id,
        case when ranked.headcount >= 10 and hidden_bases.organisation_id is null then ranked.headcount end
            as headcount,
        ranked.counted_date
    from ranked
    left join hidden_bases
        on
            ranked.organisation_id = hidden_bases.organisation_id
            and ranked.headcount = hidden_bases.denominator
    where ranked.recency = 1
)

select * from final
