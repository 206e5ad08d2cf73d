{# DuckDB replaces a table in one transaction: its definition, its rows and its comments. dbt's own way makes it under
   another name, looks for indexes and foreign keys, renames the old one away and the new one in, describes what it has
   just made, and drops the old one. Whoever fails or is killed on the way leaves the table that was there before; a
   view of that name is dropped first. #}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {%- if existing is not none and not existing.is_table -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if model['language'] == 'python' -%}
        {%- call statement('main', language='python') -%}
            {{- python_that_replaces_table(target, compiled_code) -}}
        {%- endcall -%}
        {%- do persist_docs(target, model) -%}
    {%- else -%}
        {%- call statement('main') -%}
            {{- create_or_replace_table(target, compiled_code) -}}
        {%- endcall -%}
        {%- if not config.get('contract').enforced -%}
            {%- do persist_docs(target, model) -%}
        {%- endif -%}
    {%- endif -%}
    {%- do create_indexes(target) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{# With a contract the table has the columns of its description, so that the comments need no look at what was made. #}
{% macro create_or_replace_table(relation, sql) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
        {{ config.get('sql_header') or '' }}
        create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
        insert into {{ relation }} {{ get_column_names() }} ({{ get_select_subquery(sql) }});
        {%- if config.persist_relation_docs() and model['description'] %}
            {{ alter_relation_comment(relation, model['description']) }}
        {%- endif -%}
        {%- if config.persist_column_docs() -%}
            {%- for column in model['columns'].values() %}
                comment on column {{ relation }}.{{ adapter.quote(column['name']) if column.get('quote') else column['name'] }}
                is {{ duckdb_escape_comment(column['description']) }};
            {%- endfor -%}
        {%- endif -%}
    {%- else -%}
        {{ config.get('sql_header') or '' }}
        create or replace table {{ relation }} as ({{ sql }});
    {%- endif -%}
{%- endmacro %}


{# As the adapter's own, but for `or replace`: one statement, which is a transaction of its own. #}
{% macro python_that_replaces_table(relation, code) -%}
{{ code }}

def materialize(df, con):
    con.register('__dbt_python_model_df', df)
    con.execute('create or replace table {{ relation }} as select * from __dbt_python_model_df')
    con.unregister('__dbt_python_model_df')
{%- endmacro %}


{# Whether a query gives the columns that the contract promises. dbt's own comparison asks for each column of the one
   each column of the other; here it is left with those that differ, and says how. #}
{% macro duckdb__get_assert_columns_equivalent(sql) -%}
    {%- set found = get_column_schema_from_query(sql, config.get('sql_header')) -%}
    {%- set promised = get_column_schema_from_query(get_empty_schema_sql(model['columns'])) -%}
    {%- if found | sort(attribute='column') != promised | sort(attribute='column') -%}
        {{ assert_columns_equivalent(sql) }}
    {%- endif -%}
{%- endmacro %}
