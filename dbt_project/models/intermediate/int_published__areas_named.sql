-- One row per area, name and year of a published file: what the publishers call the areas that their figures are about.
{%- set published_models = published_series() | map(attribute='model') | list + ['stg_dfe__new_placements'] %}
with
{%- for model in published_models | unique %}
{{ model }} as (
    select * from {{ ref(model) }}
),
{% endfor %}
final as (
    {%- for model in published_models | unique %}
    {% if not loop.first %}union
    {% endif -%}
    select
        area_code,
        area_name,
        geographic_level,
        region_code,
        country_code,
        start_year
    from {{ model }}
    {%- endfor %}
)

select * from final
