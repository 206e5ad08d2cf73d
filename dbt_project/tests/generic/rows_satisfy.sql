{# Each of these conditions is true of every row; a condition that comes out null is not true. #}
{% test rows_satisfy(model, conditions) %}
    select *
    from {{ model }}
    where
        {%- for condition in conditions %}
        {% if not loop.first %}or {% endif %}({{ condition }}) is not true
        {%- endfor %}
{% endtest %}
