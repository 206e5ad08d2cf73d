{# A name or code as it is compared: case, punctuation, spaces and "&" for "and" make no difference.
   DuckDB: the flag 'g' (Spark: none, it replaces all). #}
{% macro plain_name(column) -%}
    trim(regexp_replace(lower(replace({{ column }}, '&', ' and ')), '[^[:alnum:]]+', ' ', 'g'))
{%- endmacro %}
