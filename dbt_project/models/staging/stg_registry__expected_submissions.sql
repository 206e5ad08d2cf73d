-- One row per dataset that is expected regularly: for which periods, from whom, and when.
with registry as (
    select * from {{ ref('seed_expected_submissions') }}
),

final as (
    select
        dataset,
        period_type,
        supplier_role,
        expected_from,
        due_days_after_period_end,
        decided_date,
        reason
    from registry
)

select * from final
