{# Lists of distinct values, sorted so that a second run gives the same bytes; DuckDB. #}

{# Spark: sort_array(collect_set(column)). #}
{% macro distinct_list(column) -%}
    list_sort(list(distinct {{ column }}))
{%- endmacro %}


{# Of a column of lists; Spark: sort_array(array_distinct(flatten(collect_list(column)))). #}
{% macro distinct_list_of_lists(column) -%}
    list_sort(list_distinct(flatten(list({{ column }}))))
{%- endmacro %}


{# Of a row's columns, nulls left out; Spark: sort_array(array_distinct(array_compact(array(…)))). #}
{% macro distinct_values(columns) -%}
    list_sort(list_distinct([{{ columns | join(', ') }}]))
{%- endmacro %}


{# Of two lists, of which the second may be null; Spark: sort_array(array_union(…)). #}
{% macro both_lists(first, second) -%}
    list_sort(list_distinct(list_concat({{ first }}, coalesce({{ second }}, []))))
{%- endmacro %}
