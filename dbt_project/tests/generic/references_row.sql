{# The columns together are a row of another table: a relationship over several columns. #}
{% test references_row(model, columns, to) %}
    select distinct {{ columns | join(', ') }}
    from {{ model }}
    except
    select {{ columns | join(', ') }}
    from {{ to }}
{% endtest %}
