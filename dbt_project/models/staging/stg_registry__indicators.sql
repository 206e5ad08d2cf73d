-- One row per indicator of the registry.
with registry as (
    {{ registry_table('indicators') }}
),

final as (
    select
        indicator_id,
        name,
        definition,
        numerator_definition,
        denominator_definition,
        unit,
        decimals,
        polarity,
        level,
        objective,
        cadence,
        owner,
        baseline_period,
        target_value,
        disclosure_unit,
        disclosure_rule,
        minimum_count,
        minimum_base,
        measure_type,
        multiplier,
        maximum_unknown_percent,
        window_months,
        evidence
    from registry
)

select * from final
