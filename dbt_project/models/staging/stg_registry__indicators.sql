-- One row per indicator of the registry, with the target that the home has decided on.
with registry as (
    {{ registry_table('indicators') }}
),

targets as (
    select * from {{ source('home', 'indicator_targets') }}
),

final as (
    select
        registry.indicator_id,
        registry.name,
        registry.definition,
        registry.numerator_definition,
        registry.denominator_definition,
        registry.unit,
        registry.decimals,
        registry.polarity,
        registry.level,
        registry.objective,
        registry.cadence,
        registry.owner,
        coalesce(targets.baseline_period, registry.baseline_period) as baseline_period,
        coalesce(targets.target_value, registry.target_value) as target_value,
        targets.target_date,
        targets.decided_by as target_decided_by,
        targets.decided_date as target_decided_date,
        registry.disclosure_unit,
        registry.disclosure_rule,
        registry.minimum_count,
        registry.minimum_base,
        registry.measure_type,
        registry.multiplier,
        registry.maximum_unknown_percent,
        registry.window_months,
        registry.evidence
    from registry
    left join targets on registry.indicator_id = targets.indicator_id
)

select * from final
