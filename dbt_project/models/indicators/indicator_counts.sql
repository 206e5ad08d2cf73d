-- One row per indicator, source, area, sector or organisation, breakdown and period: what was counted. Everything heavy
-- is upstream of this table; every rate, interval and disclosure rule is downstream of it. A period that has been
-- frozen is as it was counted then.
{%- set counted_models = [
    'int_published__series_counted',
    'int_exclusions__counted',
    'int_published__new_placements_added',
    'int_placements__counted',
    'int_new_placements__counted',
    'int_looked_after__counted',
    'int_looked_after_outcomes__counted',
    'int_care_leavers__counted',
    'int_survey_answers__counted',
    'int_training_take_up__counted',
    'int_training_attendances__counted',
    'int_training_completion__counted',
    'int_leaders_trained__counted',
    'int_organisation_take_up__counted',
    'int_workforce_survey_response__counted',
    'int_logged_sessions__counted',
    'int_events__counted',
] %}
{#- Whose rows end with the sum of squares that the interval of a mean needs. #}
{%- set models_of_means = ['int_looked_after_outcomes__counted'] %}
with
{%- for counted_model in counted_models %}
{{ counted_model }} as (
    {%- if counted_model in models_of_means %}
    select * from {{ ref(counted_model) }}
    {%- else %}
    select
        *,
        cast(null as bigint) as sum_of_squares
    from {{ ref(counted_model) }}
    {%- endif %}
),
{% endfor %}
unioned as (
    {%- for counted_model in counted_models %}
    {% if not loop.first %}union all
    {% endif -%}
    select * from {{ counted_model }}
    {%- endfor %}
),

frozen as (
    select * from {{ ref('stg_frozen__indicator_counts') }}
),

frozen_periods as (
    select distinct
        indicator_id,
        source_dataset,
        period_type,
        period
    from frozen
),

-- Of a period that is frozen some rows have been deleted since: what would be counted of those that are left is too
-- little, and of some areas and groups nothing.
standing as (
    select unioned.*
    from unioned
    left join frozen_periods
        on
            unioned.indicator_id = frozen_periods.indicator_id
            and unioned.source_dataset = frozen_periods.source_dataset
            and unioned.period_type = frozen_periods.period_type
            and unioned.period = frozen_periods.period
    where frozen_periods.period is null
    union all by name
    select * from frozen
),

final as (
    select
        indicator_id,
        source_dataset,
        area_code,
        sector,
        organisation_id,
        breakdown,
        breakdown_value,
        period_type,
        period,
        period_start,
        period_end,
        numerator,
        denominator,
        unknown_count,
        published_value,
        published_status,
        vintage_ids,
        sum_of_squares
    from standing
)

select * from final
