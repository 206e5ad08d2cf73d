-- One row per period: the calendar's, and what values have beyond it (survey waves, years outside the calendar).
with calendar as (
    select * from {{ ref('int_periods__calendared') }}
),

disclosed as (
    select * from {{ ref('indicator_values_disclosed') }}
),

final as (
    select
        period_type,
        period,
        period_start,
        period_end
    from calendar
    union
    select
        period_type,
        period,
        period_start,
        period_end
    from disclosed
)

select * from final
