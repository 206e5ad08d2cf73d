-- One row per baseline of a process behaviour chart that somebody recorded: the point from which limits start anew.
with recorded as (
    select * from {{ source('home', 'control_baselines') }}
),

final as (
    select
        indicator_id,
        area_code,
        sector,
        organisation_id,
        first_period,
        last_period,
        reason,
        decided_by,
        decided_date
    from recorded
)

select * from final
