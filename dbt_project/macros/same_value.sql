{# Rows of two tables that are about the same value: the key of indicator_values, for a join.

   left, right: the two tables, as the query names them.
   without: columns of the key that may differ, such as the period where a series is meant. #}
{% macro same_value(left, right, without=[]) -%}
    {%- set key = [
        'indicator_id', 'source_dataset', 'area_code', 'sector', 'organisation_id', 'breakdown', 'breakdown_value',
        'period_type', 'period',
    ] -%}
    {%- for column in key if column not in without %}
    {{- left }}.{{ column }} = {{ right }}.{{ column }}
    {%- if not loop.last %} and {% endif -%}
    {%- endfor %}
{%- endmacro %}
