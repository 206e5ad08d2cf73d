-- One row per indicator of the registry, under its first source.
with registry as (
    select * from {{ ref('stg_registry__indicators') }}
),

sources as (
    select * from {{ ref('stg_registry__indicator_sources') }}
),

first_sources as (
    select * from sources
    where source_rank = 1
),

final as (
    select
        registry.indicator_id,
        registry.name,
        registry.definition,
        registry.numerator_definition,
        registry.denominator_definition,
        registry.unit,
        registry.polarity,
        registry.level,
        registry.objective,
        registry.cadence,
        first_sources.source_dataset,
        registry.owner,
        registry.baseline_period,
        cast(registry.target_value as double) as target_value,
        registry.disclosure_rule,
        registry.evidence
    from registry
    left join first_sources on registry.indicator_id = first_sources.indicator_id
)

select * from final
