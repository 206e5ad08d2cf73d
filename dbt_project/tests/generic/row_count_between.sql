{# The relation has at least `minimum` rows, and at most `maximum` where it is given. For tables that must hold
   something: every other test passes over an empty one without having looked at anything. #}
{% test row_count_between(model, minimum, maximum=none) %}
    select count(*) as row_count
    from {{ model }}
    having
        count(*) < {{ minimum }}
        {%- if maximum is not none %}
        or count(*) > {{ maximum }}
        {%- endif %}
{% endtest %}
