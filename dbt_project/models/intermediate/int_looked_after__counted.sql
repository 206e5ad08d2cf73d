-- Counts of children with three or more placements in the year, and of children who were missing in it.
{{ config(materialized='table') }}
with children as (
    select * from {{ ref('int_children__looked_after_in_year') }}
),

missing as (
    select * from {{ ref('stg_ssda903__missing') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

-- Away from the placement without authorisation (A) is another matter, and is not counted.
missing_children as (
    select distinct
        collection_year,
        child_id
    from missing
    where missing_code = 'M'
),

-- A year whose return has come without this file says nothing about it. A file of headers alone says that nobody was
-- missing, and only the ledger knows of which year.
missing_returns as (
    select
        collection_year,
        vintage_id
    from missing
    union all
    select
        {{ returned_year('submission') }} as collection_year,
        vintage_id
    from source_files
    where dataset = 'ssda903_missing' and is_current and rows_read = 0 and retired_at is null
),

missing_files as (
    select
        collection_year,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from missing_returns
    group by collection_year
),

moved as (
    select
        collection_year,
        responsible_authority_code,
        sum(case when placement_count >= 3 then 1 else 0 end) as numerator,
        count(*) as denominator,
        {{ distinct_list_of_lists('vintage_ids') }} as vintage_ids
    from children
    where is_looked_after_at_year_end
    group by collection_year, responsible_authority_code
),

went_missing as (
    select
        children.collection_year,
        children.responsible_authority_code,
        sum(case when missing_children.child_id is not null then 1 else 0 end) as numerator,
        count(*) as denominator,
        {{ distinct_list_of_lists('children.vintage_ids') }} as vintage_ids
    from children
    left join missing_children
        on
            children.collection_year = missing_children.collection_year
            and children.child_id = missing_children.child_id
    group by children.collection_year, children.responsible_authority_code
),

unioned as (
    select
        'placement_stability' as indicator_id,
        'ssda903_episodes' as source_dataset,
        collection_year,
        responsible_authority_code,
        numerator,
        denominator,
        vintage_ids
    from moved
    union all
    select
        'missing_from_care' as indicator_id,
        'ssda903_missing' as source_dataset,
        went_missing.collection_year,
        went_missing.responsible_authority_code,
        went_missing.numerator,
        went_missing.denominator,
        {{ both_lists('missing_files.vintage_ids', 'went_missing.vintage_ids') }} as vintage_ids
    from went_missing
    inner join missing_files on went_missing.collection_year = missing_files.collection_year
),

final as (
    select
        indicator_id,
        source_dataset,
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
        cast(denominator as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        cast(null as decimal(18, 6)) as published_value,
        cast(null as string) as published_status,
        vintage_ids
    from unioned
)

select * from final
