-- One row per row of indicator_values_unsuppressed, with nothing left in it that may not be shown: the disclosure
-- control, of which everything later is made. What a publisher printed is passed through: it has its own.
with unsuppressed as (
    select * from {{ ref('indicator_values_unsuppressed') }}
),

hidden as (
    select * from {{ ref('suppression_log') }}
),

relations as (
    select * from {{ ref('stg_registry__count_relations') }}
),

-- How measurements scatter says how many of them are high: beside a hidden count of the same people a mean has no
-- interval.
means_beside as (
    select distinct
        relations.indicator_id,
        hidden.source_dataset,
        hidden.area_code,
        hidden.sector,
        hidden.organisation_id,
        hidden.breakdown,
        hidden.breakdown_value,
        hidden.period_type,
        hidden.period
    from hidden
    inner join relations
        on
            hidden.indicator_id = relations.other_indicator_id
            and relations.part = 'denominator'
            and relations.relation = 'equals'
            and relations.other_part = 'denominator'
),

stated as (
    select
        unsuppressed.*,
        unsuppressed.measure_type = 'mean' and means_beside.indicator_id is not null as hides_interval,
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
    left join means_beside
        on
            unsuppressed.indicator_id = means_beside.indicator_id
            and unsuppressed.source_dataset = means_beside.source_dataset
            and unsuppressed.area_code = means_beside.area_code
            and unsuppressed.sector = means_beside.sector
            and unsuppressed.organisation_id = means_beside.organisation_id
            and unsuppressed.breakdown = means_beside.breakdown
            and unsuppressed.breakdown_value = means_beside.breakdown_value
            and unsuppressed.period_type = means_beside.period_type
            and unsuppressed.period = means_beside.period
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
        case when disclosed_status = 'ok' and not hides_interval then ci_lower_95 end as ci_lower_95,
        case when disclosed_status = 'ok' and not hides_interval then ci_upper_95 end as ci_upper_95,
        case when disclosed_status = 'ok' and not hides_interval then ci_lower_998 end as ci_lower_998,
        case when disclosed_status = 'ok' and not hides_interval then ci_upper_998 end as ci_upper_998,
        vintage_ids
    from stated
)

select * from final
