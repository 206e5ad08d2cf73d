-- One row per kind of period.
with period_types as (
    select * from {{ source('reference', 'period_types') }}
),

final as (
    select
        period_type,
        name,
        start_month,
        months
    from period_types
)

select * from final
