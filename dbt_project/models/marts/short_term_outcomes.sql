-- One row per short-term outcome of the logic model, indicator and member, with the home's own latest value.
with node_values as (
    select * from {{ ref('node_values') }}
),

final as (
    select
        framework_id,
        node_id,
        node_order,
        statement,
        indicator_id,
        indicator_name,
        unit,
        polarity,
        area_code,
        area_name,
        sector,
        organisation_id,
        breakdown,
        breakdown_value,
        source_dataset,
        period_type,
        period,
        numerator,
        denominator,
        value,
        value_status,
        ci_lower_95,
        ci_upper_95,
        measurement_status,
        declared_gap
    from node_values
    where framework_id = 'nttp_logic_model' and layer = 'short_term_outcomes'
)

select * from final
