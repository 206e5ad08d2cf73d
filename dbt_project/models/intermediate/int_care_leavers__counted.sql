-- Counts of care leavers in education, employment or training, and of those suitably housed.
{{ config(materialized='table') }}
with care_leavers as (
    select * from {{ ref('stg_ssda903__oc3') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

counted as (
    select
        collection_year,
        count(*) as care_leaver_count,
        sum(case when activity = 'in_education_employment_or_training' then 1 else 0 end) as active_count,
        sum(case when activity = 'not_known' then 1 else 0 end) as activity_unknown_count,
        sum(case when accommodation = 'suitable' then 1 else 0 end) as housed_count,
        sum(case when accommodation = 'not_known' then 1 else 0 end) as housing_unknown_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from care_leavers
    where is_in_scope
    group by collection_year
),

unpivoted as (
    {%- for indicator_id, numerator, unknown_count in [
        ('care_leavers_in_eet', 'active_count', 'activity_unknown_count'),
        ('care_leavers_suitably_housed', 'housed_count', 'housing_unknown_count'),
    ] %}
    {% if not loop.first %}union all
    {% endif -%}
    select
        '{{ indicator_id }}' as indicator_id,
        collection_year,
        {{ numerator }} as numerator,
        care_leaver_count,
        {{ unknown_count }} as unknown_count,
        vintage_ids
    from counted
    {%- endfor %}
),

final as (
    select
        unpivoted.indicator_id,
        'ssda903_oc3' as source_dataset,
        settings.authority_code as area_code,
        'total' as sector,
        'total' as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        'financial_year' as period_type,
        {{ year_label('(unpivoted.collection_year - 1)') }} as period,
        make_date(unpivoted.collection_year - 1, 4, 1) as period_start,
        make_date(unpivoted.collection_year, 3, 31) as period_end,
        cast(unpivoted.numerator as bigint) as numerator,
        cast(unpivoted.care_leaver_count as bigint) as denominator,
        cast(unpivoted.unknown_count as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        unpivoted.vintage_ids
    from unpivoted
    cross join settings
)

select * from final
