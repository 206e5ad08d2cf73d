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
    -- What a file has in the place of a school is not published unless the register knows it: it may be a name.
    where organisation_id = 'total' or organisation_name is not null
)

select * from final
