{# The year that a return is of, from what the ledger says it is a submission of: collection_year=2025. #}
{% macro returned_year(submission) -%}
try_cast(regexp_extract({{ submission }}, 'collection_year=([0-9]{4})', 1) as bigint)
{%- endmacro %}
