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
        on {{ same_value('unsuppressed', 'hidden') }}
    left join means_beside
        on {{ same_value('unsuppressed', 'means_beside') }}
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
