-- Counts of the placements that began in the year, from the home's own return.
{{ config(materialized='table') }}
with placements as (
    select * from {{ ref('int_episodes__started_in_year') }}
),

final as (
    select
        'new_placements_out_of_area' as indicator_id,
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
        cast(sum(case when is_outside_authority then 1 else 0 end) as bigint) as numerator,
        cast(count(*) as bigint) as denominator,
        cast(sum(case when is_location_unknown then 1 else 0 end) as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from placements
    group by collection_year, responsible_authority_code
)

select * from final
