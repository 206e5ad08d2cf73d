-- One row per protected count that the publication in force rests on, and whether that shows it.
with released as (
    select * from {{ source('disclosure', 'released_counts') }}
),

final as (
    select
        indicator_id,
        source_dataset,
        area_code,
        sector,
        organisation_id,
        breakdown,
        breakdown_value,
        period_type,
        period,
        period_start,
        period_end,
        numerator,
        denominator,
        is_numerator_shown,
        is_denominator_shown
    from released
)

select * from final
