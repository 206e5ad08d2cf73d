{# A table of the registry: what ships, and below it what the home adds. Ingestion has checked the home's rows against
   what ships and lands them in the columns of the seed; a home without frameworks of its own lands no rows.

   table_name: the seed is seed_<table_name>, the home's rows are the source of the same name. #}
{% macro registry_table(table_name) -%}
    select * from {{ ref('seed_' ~ table_name) }}
    union all
    select * from {{ source('home', table_name) }}
{%- endmacro %}
