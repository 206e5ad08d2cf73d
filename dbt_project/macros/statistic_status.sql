{# Status of a published figure: ok where there is a number, else what the publisher's symbol said; x (not available)
   where a cell held neither. #}
{% macro statistic_status(column) -%}
    case when {{ column }} is not null then 'ok' else coalesce(nullif({{ column }}_status, 'ok'), 'x') end
{%- endmacro %}


{# Status of a figure that is worked out from several published ones: the most restrictive of theirs. #}
{% macro worst_status(columns) -%}
    case
        {%- for status in ['c', 'x', 'z', 'u', 'k'] %}
        when '{{ status }}' in ({{ columns | join(', ') }}) then '{{ status }}'
        {%- endfor %}
        else 'ok'
    end
{%- endmacro %}
