-- Counts of the OC2 outcomes of children looked after for the twelve months to 31 March.
{{ config(materialized='table') }}
with children as (
    select * from {{ ref('int_children__looked_after_in_year') }}
),

outcomes as (
    select * from {{ ref('stg_ssda903__oc2') }}
),

-- A year whose return has come without this file says nothing about it.
outcome_files as (
    select
        collection_year,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from outcomes
    group by collection_year
),

-- The episodes say who was looked after for a year: a row of OC2 about anybody else counts nowhere, and a child
-- without a row stays in as not known.
cohort as (
    select
        children.collection_year,
        children.responsible_authority_code,
        children.vintage_ids,
        outcomes.is_health_assessed,
        outcomes.has_substance_misuse_problem,
        -- Below the age of criminal responsibility nothing said is no conviction.
        case
            when outcomes.age_at_year_end < 10 then coalesce(outcomes.is_convicted, false) else outcomes.is_convicted
        end as is_convicted,
        outcomes.sdq_score is not null and outcomes.age_at_year_end between 4 and 16 as is_scored,
        outcomes.sdq_score >= 17 and outcomes.age_at_year_end between 4 and 16 as is_high_score,
        outcomes.sdq_score
    from children
    left join outcomes
        on
            children.collection_year = outcomes.collection_year
            and children.child_id = outcomes.child_id
    where children.is_looked_after_for_12_months
),

counted as (
    select
        collection_year,
        responsible_authority_code,
        count(*) as child_count,
        {%- for flag in ['is_health_assessed', 'has_substance_misuse_problem', 'is_convicted'] %}
        sum(case when {{ flag }} then 1 else 0 end) as {{ flag }}_count,
        sum(case when {{ flag }} is null then 1 else 0 end) as {{ flag }}_unknown_count,
        {%- endfor %}
        sum(case when is_scored then 1 else 0 end) as scored_count,
        sum(case when is_high_score then 1 else 0 end) as high_score_count,
        sum(case when is_scored then sdq_score else 0 end) as score_total,
        sum(case when is_scored then sdq_score * sdq_score else 0 end) as score_square_total,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from cohort
    group by collection_year, responsible_authority_code
),

unpivoted as (
    {%- for indicator_id, numerator, denominator, unknown_count, sum_of_squares in [
        ('sdq_high_concern', 'high_score_count', 'scored_count', '0', 'null'),
        ('sdq_mean', 'score_total', 'scored_count', '0', 'score_square_total'),
        ('health_assessed', 'is_health_assessed_count', 'child_count', 'is_health_assessed_unknown_count', 'null'),
        (
            'substance_misuse', 'has_substance_misuse_problem_count', 'child_count',
            'has_substance_misuse_problem_unknown_count', 'null',
        ),
        ('convicted', 'is_convicted_count', 'child_count', 'is_convicted_unknown_count', 'null'),
    ] %}
    {% if not loop.first %}union all
    {% endif -%}
    select
        '{{ indicator_id }}' as indicator_id,
        collection_year,
        responsible_authority_code,
        {{ numerator }} as numerator,
        {{ denominator }} as denominator,
        {{ unknown_count }} as unknown_count,
        {{ sum_of_squares }} as sum_of_squares,
        vintage_ids
    from counted
    {%- endfor %}
),

final as (
    select
        unpivoted.indicator_id,
        'ssda903_oc2' as source_dataset,
        unpivoted.responsible_authority_code as area_code,
        'total' as sector,
        'total' as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        'financial_year' as period_type,
        {{ year_label('(unpivoted.collection_year - 1)') }} as period,
        make_date(unpivoted.collection_year - 1, 4, 1) as period_start,
        make_date(unpivoted.collection_year, 3, 31) as period_end,
        cast(unpivoted.numerator as bigint) as numerator,
        cast(unpivoted.denominator as bigint) as denominator,
        cast(unpivoted.unknown_count as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        {{ both_lists('outcome_files.vintage_ids', 'unpivoted.vintage_ids') }} as vintage_ids,
        cast(unpivoted.sum_of_squares as bigint) as sum_of_squares
    from unpivoted
    inner join outcome_files on unpivoted.collection_year = outcome_files.collection_year
    where unpivoted.denominator > 0
)

select * from final
