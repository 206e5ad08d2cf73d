{# The columns of every mart of a frame: wide enough for a BI tool to read without a join. #}
{% macro frame_columns() %}
    {{ return([
        'framework_id',
        'layer',
        'layer_order',
        'layer_name',
        'node_id',
        'node_order',
        'statement',
        'feature',
        'population',
        'indicator_id',
        'indicator_name',
        'definition',
        'unit',
        'polarity',
        'level',
        'objective',
        'evidence',
        'area_code',
        'area_name',
        'sector',
        'organisation_id',
        'organisation_name',
        'breakdown',
        'breakdown_value',
        'member_level',
        'source_dataset',
        'period_type',
        'period',
        'period_end',
        'numerator',
        'denominator',
        'value',
        'value_status',
        'ci_lower_95',
        'ci_upper_95',
        'previous_period',
        'previous_value',
        'change',
        'change_lower_95',
        'change_upper_95',
        'direction',
        'direction_basis',
        'measurement_status',
        'declared_gap',
    ]) }}
{% endmacro %}


{# A whole mart of a frame: the rows of node_values whose layer the registry gives to this mart, whatever the framework.
   A partnership's own layers come in by naming the mart. #}
{% macro frame_mart(mart) -%}
with node_values as (
    select * from {{ ref('node_values') }}
),

final as (
    select
        {{ frame_columns() | join(',\n        ') }}
    from node_values
    where mart = '{{ mart }}'
)

select * from final
{%- endmacro %}
