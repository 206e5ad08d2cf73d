-- One row per indicator that is the gap between two groups in another indicator.
with registry as (
    select * from {{ ref('seed_indicator_gaps') }}
),

final as (
    select
        indicator_id,
        of_indicator_id,
        breakdown,
        breakdown_value
    from registry
)

select * from final
