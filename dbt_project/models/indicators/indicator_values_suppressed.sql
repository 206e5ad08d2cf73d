-- One row per row of indicator_values_unsuppressed, with nothing left in it that may not be shown: the disclosure
-- control, of which everything later is made. What a publisher printed is passed through: it has its own.
with unsuppressed as (
    select * from {{ ref('indicator_values_unsuppressed') }}
),

hidden as (
    select * from {{ ref('suppression_log') }}
),

stated as (
    select
        unsuppressed.*,
        coalesce(hidden.hides_denominator, false) as hides_denominator,
        case when hidden.reason is not null then 'c' else unsuppressed.value_status end as disclosed_status
    from unsuppressed
    left join hidden
        on
            unsuppressed.indicator_id = hidden.indicator_id
            and unsuppressed.source_dataset = hidden.source_dataset
            and unsuppressed.area_code = hidden.area_code
            and unsuppressed.sector = hidden.sector
            and unsuppressed.organisation_id = hidden.organisation_id
            and unsuppressed.breakdown = hidden.breakdown
            and unsuppressed.breakdown_value = hidden.breakdown_value
            and unsuppressed.period_type = hidden.period_type
            and unsuppressed.period = hidden.period
),

final as (
    select
        indicator_id,
        source_dataset,
        source_rank,
        area_code,
        sector,
        organisation_id,
        breakdown,
        breakdown_value,
        period_type,
        period,
        period_start,
        period_end,
        -- A published count that is itself known stays beside a rate that is not.
        case when is_published or disclosed_status = 'ok' then numerator end as numerator,
        case when not hides_denominator then denominator end as denominator,
        case when disclosed_status = 'ok' then value end as value,
        disclosed_status as value_status,
        case when disclosed_status = 'ok' then ci_lower_95 end as ci_lower_95,
        case when disclosed_status = 'ok' then ci_upper_95 end as ci_upper_95,
        case when disclosed_status = 'ok' then ci_lower_998 end as ci_lower_998,
        case when disclosed_status = 'ok' then ci_upper_998 end as ci_upper_998,
        vintage_ids
    from stated
)

select * from final
