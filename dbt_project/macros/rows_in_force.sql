{# The rows of a dataset that count: those of file vintages that are in force. Where files add to each other
   (natural_key given), of rows with the same natural key the one received last: highest sequence of receipt,
   then furthest down in its file.

   rows, source_files: names of the CTEs that hold the landed rows and the ledger.
   dataset: the dataset's name in the ledger.
   natural_key: list of columns, or nothing where a newer file replaces the older one as a whole.
   newest_by: a date in the rows that says which is newer before the order of receipt does. #}
{% macro rows_in_force(rows, source_files, dataset, natural_key=none, newest_by=none) -%}
    select
        {{ rows }}.*{% if natural_key %},
        row_number() over (
            partition by {{ rows }}.{{ natural_key | join(', ' ~ rows ~ '.') }}
            order by
                {% if newest_by %}{{ rows }}.{{ newest_by }} desc, {% endif -%}
                {{ source_files }}.sequence desc,
                {{ rows }}.source_row desc
        ) as precedence{% else %},
        1 as precedence{% endif %}
    from {{ rows }}
    inner join {{ source_files }}
        on
            {{ rows }}.vintage_id = {{ source_files }}.vintage_id
            and {{ source_files }}.dataset = '{{ dataset }}'
            and {{ source_files }}.is_current
{%- endmacro %}
