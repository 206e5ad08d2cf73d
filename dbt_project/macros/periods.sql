{# Labels of periods as people write them. `string` is the name of the text type in DuckDB and in Spark. #}

{# 2016 → 2016/17, for financial, academic and Scottish years. #}
{% macro year_label(start_year) -%}
    concat(cast({{ start_year }} as string), '/', lpad(cast(({{ start_year }} + 1) % 100 as string), 2, '0'))
{%- endmacro %}


{# Any day of September 2025 → 2025-09. #}
{% macro month_label(day) -%}
    concat(cast(year({{ day }}) as string), '-', lpad(cast(month({{ day }}) as string), 2, '0'))
{%- endmacro %}


{# The first day of a day's month. #}
{% macro month_start(day) -%}
    make_date(year({{ day }}), month({{ day }}), 1)
{%- endmacro %}


{# The day as many months earlier; DuckDB (Spark: add_months(day, -months)). #}
{% macro months_before(day, months) -%}
    cast({{ day }} - to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}
