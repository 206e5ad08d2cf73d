{# A model's schema is exactly the one its folder names (staging, intermediate, indicators, marts, seeds), without the
   target's name in front: readers and the publication count on these names. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
