-- One row per entry of the list of published series (macro published_series), area, breakdown and year: the figure as
-- it was printed, and the counts behind it where they are printed.
{{ config(materialized='table') }}
{%- set entries = published_series() %}
with
{%- for model in entries | map(attribute='model') | unique %}
{{ model }} as (
    select * from {{ ref(model) }}
),
{% endfor %}
period_types as (
    select * from {{ ref('stg_reference__period_types') }}
    where months = 12
),

published as (
    {%- for entry in entries %}
    {% if not loop.first %}union all
    {% endif -%}
    {{ published_figures(entry) }}
    {%- endfor %}
),

final as (
    select
        published.indicator_id,
        published.source_dataset,
        published.area_code,
        'total' as sector,
        'total' as organisation_id,
        case when published.breakdown_value = 'Total' then 'total' else published.breakdown end as breakdown,
        case when published.breakdown_value = 'Total' then 'total' else published.breakdown_value end
            as breakdown_value,
        published.period_type,
        case
            when period_types.start_month = 1 then cast(published.start_year as string)
            else {{ year_label('published.start_year') }}
        end as period,
        make_date(published.start_year, period_types.start_month, 1) as period_start,
        cast(
            make_date(published.start_year + 1, period_types.start_month, 1) - interval '1' day as date
        ) as period_end,
        cast(published.numerator as bigint) as numerator,
        cast(published.denominator as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        published.published_value,
        published.published_status,
        published.vintage_ids
    from published
    inner join period_types on published.period_type = period_types.period_type
)

select * from final
