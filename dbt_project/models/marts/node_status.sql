-- One row per statement of every framework: what its indicators say for the whole area, which way they point and how
-- strong the evidence is. Nothing is averaged, and no status travels along a link.
with node_values as (
    select * from {{ ref('node_values') }}
),

nodes as (
    select distinct
        framework_id,
        mart,
        layer,
        layer_order,
        layer_name,
        node_id,
        node_order,
        statement,
        feature,
        declared_gap
    from node_values
),

linked as (
    select distinct
        framework_id,
        node_id,
        indicator_id,
        level,
        evidence
    from node_values
    where indicator_id is not null
),

whole_area as (
    select * from node_values
    where
        sector = 'total' and organisation_id = 'total' and breakdown = 'total'
        and measurement_status = 'measured'
),

counted as (
    select
        linked.framework_id,
        linked.node_id,
        count(*) as indicator_count,
        count(whole_area.indicator_id) as measured_count,
        count(whole_area.value) as shown_count,
        sum(case when whole_area.direction = 'improving' then 1 else 0 end) as improving_count,
        sum(case when whole_area.direction = 'no clear change' then 1 else 0 end) as no_clear_change_count,
        sum(case when whole_area.direction = 'worsening' then 1 else 0 end) as worsening_count,
        sum(case when whole_area.direction = 'too few data points' then 1 else 0 end) as too_few_data_points_count,
        sum(case when whole_area.direction = 'not judged' then 1 else 0 end) as not_judged_count,
        sum(case when linked.evidence = 'self_report' then 1 else 0 end) as self_report_count,
        sum(case when linked.evidence = 'administrative' then 1 else 0 end) as administrative_count,
        sum(case when linked.evidence = 'published' then 1 else 0 end) as published_count,
        array_to_string({{ distinct_list('linked.level') }}, ', ') as levels,
        min(whole_area.shown_period_count) as fewest_periods,
        max(whole_area.shown_period_count) as most_periods,
        min(case when linked.evidence = 'self_report' then whole_area.denominator end) as fewest_respondents,
        max(case when linked.evidence = 'self_report' then whole_area.denominator end) as most_respondents,
        max(whole_area.period_end) as latest_period_end
    from linked
    left join whole_area
        on
            linked.framework_id = whole_area.framework_id
            and linked.node_id = whole_area.node_id
            and linked.indicator_id = whole_area.indicator_id
    group by linked.framework_id, linked.node_id
),

final as (
    select
        nodes.framework_id,
        nodes.mart,
        nodes.layer,
        nodes.layer_order,
        nodes.layer_name,
        nodes.node_id,
        nodes.node_order,
        nodes.statement,
        nodes.feature,
        case
            when counted.indicator_count is null then 'declared gap'
            when counted.measured_count = 0 then 'not yet measured'
            when counted.improving_count > 0 and counted.worsening_count > 0 then 'mixed'
            when counted.improving_count > 0 then 'improving'
            when counted.worsening_count > 0 then 'worsening'
            when counted.no_clear_change_count > 0 then 'no clear change'
            else 'too few data points'
        end as status,
        coalesce(counted.indicator_count, 0) as indicator_count,
        coalesce(counted.measured_count, 0) as measured_count,
        coalesce(counted.shown_count, 0) as shown_count,
        cast(coalesce(counted.improving_count, 0) as bigint) as improving_count,
        cast(coalesce(counted.no_clear_change_count, 0) as bigint) as no_clear_change_count,
        cast(coalesce(counted.worsening_count, 0) as bigint) as worsening_count,
        cast(coalesce(counted.too_few_data_points_count, 0) as bigint) as too_few_data_points_count,
        cast(coalesce(counted.not_judged_count, 0) as bigint) as not_judged_count,
        cast(coalesce(counted.self_report_count, 0) as bigint) as self_report_count,
        cast(coalesce(counted.administrative_count, 0) as bigint) as administrative_count,
        cast(coalesce(counted.published_count, 0) as bigint) as published_count,
        coalesce(counted.self_report_count = counted.indicator_count, false) as is_self_report_alone,
        counted.levels,
        counted.fewest_periods,
        counted.most_periods,
        counted.fewest_respondents,
        counted.most_respondents,
        counted.latest_period_end,
        nodes.declared_gap
    from nodes
    left join counted
        on
            nodes.framework_id = counted.framework_id
            and nodes.node_id = counted.node_id
)

select * from final
