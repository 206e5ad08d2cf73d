{# The day that a build is as at: the variable as_at_date where it is given, else the day of the build. What depends on
   it changes from one day to the next and never within a day. #}
{% macro today() -%}
    {% if var('as_at_date') %}cast('{{ var("as_at_date") }}' as date){% else %}current_date{% endif %}
{%- endmacro %}


{# The day as many days later; DuckDB (Spark: date_add(day, days)). #}
{% macro days_after(day, days) -%}
    cast({{ day }} + to_days(cast({{ days }} as integer)) as date)
{%- endmacro %}
