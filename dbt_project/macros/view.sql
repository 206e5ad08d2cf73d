{# DuckDB replaces a view in one statement. dbt's own way takes six (create it under another name, rename the old one
   away and the new one in, commit, drop the old one), and most of this project is views: it was a tenth of the work
   of a build. #}
{% materialization view, adapter='duckdb' %}
    {%- set relations = create_or_replace_view() -%}
    {%- do adapter.commit() -%}
    {{ return(relations) }}
{% endmaterialization %}


{# As the adapter's own, but for `or replace`. #}
{% macro duckdb__create_view_as(relation, sql) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    create or replace view {{ relation }} as (
        {{ sql }}
    )
{%- endmacro %}
