-- One row per dataset that is expected regularly, supplier and period, with whether it has come.
with expected as (
    select * from {{ ref('int_submissions__expected') }}
),

final as (
    select
        dataset,
        supplier_role,
        organisation_id,
        organisation_name,
        period_type,
        period,
        period_start,
        period_end,
        due_date,
        status,
        received_at,
        days_late
    from expected
)

select * from final
