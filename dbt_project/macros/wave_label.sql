{# The label of a survey's wave, as people write it: workforce wave 3. #}
{% macro wave_label(dataset, wave) -%}
    concat(
        case {{ dataset }}
            when 'children_families_survey' then 'children and families'
            else replace({{ dataset }}, '_survey', '')
        end,
        ' wave ',
        cast({{ wave }} as string)
    )
{%- endmacro %}
