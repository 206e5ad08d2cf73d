{# A whole staging model of a data file in the layout of the Department for Education's statistics, landed by a contract
   that extends dfe_statistics: the rows in force, one per period, area and what the file splits them by, each figure
   with its status.

   dataset: the contract's name. split_by: the columns of its natural key beside time_period and area_code, as they
   land. figures: its published figures. ends_in_named_year: a year in four digits names the year in which the period
   ends (2025 is the year to March 2025); six digits always name both. #}
{% macro dfe_statistics(dataset, figures, split_by=[], ends_in_named_year=false) -%}
with landed as (
    select * from {{ source('landing', dataset) }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', dataset, natural_key=['time_period', 'area_code'] + split_by) }}
),

final as (
    select
        {{ dfe_start_year(ends_in_named_year) }} as start_year,
        geographic_level,
        country_code,
        region_code,
        area_code,
        coalesce(la_name, region_name, country_name) as area_name,
        {%- for column in split_by %}
        {{ column }},
        {%- endfor %}
        {%- for figure in figures %}
        {{ figure }},
        {{ statistic_status(figure) }} as {{ figure }}_status,
        {%- endfor %}
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
{%- endmacro %}


{# The calendar year in which the period of a row begins, in that layout. #}
{% macro dfe_start_year(ends_in_named_year=false) -%}
    {%- if ends_in_named_year -%}
    cast(time_period as bigint) - 1
    {%- else -%}
    cast(substr(time_period, 1, 4) as bigint)
    {%- endif -%}
{%- endmacro %}
