{# A text as it is compared where two systems wrote it: case and the number of spaces make no difference.
   DuckDB (Spark: regexp_replace without its last argument). #}
{% macro comparable_text(column) -%}
    lower(trim(regexp_replace({{ column }}, '\s+', ' ', 'g')))
{%- endmacro %}
