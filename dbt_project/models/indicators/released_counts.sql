-- One row per protected value: its true counts and whether they are shown. The publication takes it down for the next
-- build, which must not give away by difference what this one hides. Never published.
with unsuppressed as (
    select * from {{ ref('indicator_values_unsuppressed') }}
),

suppressed as (
    select * from {{ ref('indicator_values_suppressed') }}
),

final as (
    select
        unsuppressed.indicator_id,
        unsuppressed.source_dataset,
        unsuppressed.area_code,
        unsuppressed.sector,
        unsuppressed.organisation_id,
        unsuppressed.breakdown,
        unsuppressed.breakdown_value,
        unsuppressed.period_type,
        unsuppressed.period,
        unsuppressed.period_start,
        unsuppressed.period_end,
        unsuppressed.numerator,
        unsuppressed.denominator,
        suppressed.numerator is not null as is_numerator_shown,
        suppressed.denominator is not null as is_denominator_shown
    from unsuppressed
    inner join suppressed
        on {{ same_value('unsuppressed', 'suppressed') }}
    where
        not unsuppressed.is_published
        and unsuppressed.disclosure_unit not in ('organisation', 'event')
)

select * from final
