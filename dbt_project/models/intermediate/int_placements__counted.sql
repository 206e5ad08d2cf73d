-- Counts of the three indicators on where children looked after on 31 March are placed.
{{ config(materialized='table') }}
with placements as (
    select * from {{ ref('int_episodes__placed_at_year_end') }}
),

counted as (
    select
        collection_year,
        responsible_authority_code,
        count(*) as child_count,
        sum(case when is_outside_authority then 1 else 0 end) as outside_count,
        sum(case when is_far_outside_authority then 1 else 0 end) as far_count,
        sum(case when is_location_unknown then 1 else 0 end) as location_unknown_count,
        sum(case when is_far_unknown then 1 else 0 end) as far_unknown_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from placements
    group by collection_year, responsible_authority_code
),

-- The share whose place is not known is an indicator of its own, about which nothing is unknown.
unpivoted as (
    {%- for indicator_id, numerator, unknown_count in [
        ('placed_out_of_area', 'outside_count', 'location_unknown_count'),
        ('placed_out_of_area_far', 'far_count', 'far_unknown_count'),
        ('placement_location_not_known', 'location_unknown_count', '0'),
    ] %}
    {% if not loop.first %}union all
    {% endif -%}
    select
        '{{ indicator_id }}' as indicator_id,
        collection_year,
        responsible_authority_code,
        {{ numerator }} as numerator,
        child_count,
        {{ unknown_count }} as unknown_count,
        vintage_ids
    from counted
    {%- endfor %}
),

final as (
    select
        indicator_id,
        'ssda903_episodes' as source_dataset,
        responsible_authority_code as area_code,
        'total' as sector,
        'total' as organisation_id,
        'total' as breakdown,
        'total' as breakdown_value,
        'financial_year' as period_type,
        {{ year_label('(collection_year - 1)') }} as period,
        make_date(collection_year - 1, 4, 1) as period_start,
        make_date(collection_year, 3, 31) as period_end,
        cast(numerator as bigint) as numerator,
        cast(child_count as bigint) as denominator,
        cast(unknown_count as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        vintage_ids
    from unpivoted
)

select * from final
