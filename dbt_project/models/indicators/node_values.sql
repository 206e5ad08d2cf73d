-- One row per framework node, indicator and member with a latest value for the home's own authority; a node without an
-- indicator, and an indicator without a value, still has a row. Every mart of a frame is a part of this table.
with nodes as (
    select * from {{ ref('stg_registry__framework_nodes') }}
),

layers as (
    select * from {{ ref('stg_registry__framework_layers') }}
),

gaps as (
    select * from {{ ref('stg_registry__framework_gaps') }}
),

node_indicators as (
    select * from {{ ref('stg_registry__indicator_nodes') }}
),

indicators as (
    select * from {{ ref('stg_registry__indicators') }}
),

changes as (
    select * from {{ ref('indicator_changes') }}
),

trends as (
    select * from {{ ref('indicator_trends') }}
    where is_latest
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

disclosed as (
    select * from {{ ref('indicator_values_disclosed') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

areas as (
    select * from {{ ref('int_areas__gathered') }}
),

home as (
    select
        settings.authority_code as area_code,
        areas.area_name
    from settings
    left join areas on settings.authority_code = areas.area_code
),

-- Where several sources measure one thing, the first in rank that has a value; failing that, the first in rank.
ranked as (
    select
        disclosed.*,
        row_number() over (
            partition by
                disclosed.indicator_id,
                disclosed.sector,
                disclosed.organisation_id,
                disclosed.breakdown,
                disclosed.breakdown_value
            order by
                case when disclosed.value_status = 'ok' then 0 else 1 end asc,
                disclosed.source_rank asc,
                disclosed.period_end desc,
                disclosed.period_type asc
        ) as precedence
    from disclosed
    inner join home on disclosed.area_code = home.area_code
    where disclosed.is_latest
),

latest as (
    select * from ranked
    where precedence = 1
),

final as (
    select
        nodes.framework_id,
        layers.mart,
        nodes.layer,
        nodes.layer_order,
        layers.layer_name,
        nodes.node_id,
        nodes.node_order,
        nodes.statement,
        nodes.feature,
        nodes.population,
        nodes.before_statement,
        nodes.after_statement,
        node_indicators.indicator_id,
        indicators.name as indicator_name,
        indicators.definition,
        indicators.unit,
        indicators.polarity,
        indicators.level,
        indicators.objective,
        indicators.evidence,
        home.area_code,
        home.area_name,
        coalesce(latest.sector, 'total') as sector,
        coalesce(latest.organisation_id, 'total') as organisation_id,
        organisations.organisation_name,
        coalesce(latest.breakdown, 'total') as breakdown,
        coalesce(latest.breakdown_value, 'total') as breakdown_value,
        case
            when latest.organisation_id <> 'total' then 'service'
            when latest.sector <> 'total' then 'sector'
            else 'system'
        end as member_level,
        latest.source_dataset,
        latest.period_type,
        latest.period,
        latest.period_end,
        latest.numerator,
        latest.denominator,
        latest.value,
        latest.value_status,
        latest.ci_lower_95,
        latest.ci_upper_95,
        changes.previous_period,
        changes.previous_value,
        changes.previous_numerator,
        changes.previous_denominator,
        changes.change,
        changes.change_lower_95,
        changes.change_upper_95,
        -- What the whole series says comes before what its last step says.
        case
            when trends.trend = 'no_significant_change' then 'no clear change'
            when trends.trend in ('increasing', 'decreasing') then 'not judged'
            when trends.trend <> 'cannot_be_calculated' then trends.trend
            else changes.direction
        end as direction,
        case
            when trends.trend <> 'cannot_be_calculated' then trends.trend_method
            when changes.direction in ('improving', 'no clear change', 'worsening') then 'change_interval'
        end as direction_basis,
        changes.shown_period_count,
        case
            when latest.indicator_id is not null then 'measured'
            when node_indicators.indicator_id is null and gaps.reason is not null then 'declared gap'
            else 'not yet measured'
        end as measurement_status,
        gaps.reason as declared_gap
    from nodes
    cross join home
    left join layers
        on
            nodes.framework_id = layers.framework_id
            and nodes.layer = layers.layer
    left join gaps
        on
            nodes.framework_id = gaps.framework_id
            and nodes.node_id = gaps.node_id
    left join node_indicators
        on
            nodes.framework_id = node_indicators.framework_id
            and nodes.node_id = node_indicators.node_id
    left join indicators on node_indicators.indicator_id = indicators.indicator_id
    left join latest on node_indicators.indicator_id = latest.indicator_id
    left join organisations on latest.organisation_id = organisations.organisation_id
    left join changes
        on {{ same_value('latest', 'changes', without=['area_code', 'period']) }}
    left join trends
        on {{ same_value('latest', 'trends', without=['period']) }}
)

select * from final
