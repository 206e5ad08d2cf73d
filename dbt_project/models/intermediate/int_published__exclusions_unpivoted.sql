-- One row per indicator, area, type of school and academic year of the published exclusions.
with exclusions as (
    select * from {{ ref('stg_dfe__exclusions') }}
),

-- The printed rate is kept: national and regional counts are rounded by the publisher and would not give it back.
unpivoted as (
    {%- for indicator_id, counted, printed in [
        ('suspension_rate', 'suspensions', 'suspension_rate'),
        ('permanent_exclusion_rate', 'permanent_exclusions', 'permanent_exclusion_rate'),
        ('pupils_suspended', 'pupils_suspended', 'pupils_suspended_percent'),
    ] %}
    {% if not loop.first %}union all
    {% endif -%}
    select
        '{{ indicator_id }}' as indicator_id,
        area_code,
        start_year,
        school_type,
        {{ counted }} as numerator,
        headcount as denominator,
        {{ printed }} as published_value,
        {{ printed }}_status as published_status,
        vintage_id
    from exclusions
    {%- endfor %}
),

final as (
    select
        indicator_id,
        'dfe_exclusions' as source_dataset,
        area_code,
        'total' as sector,
        'total' as organisation_id,
        case when school_type = 'Total' then 'total' else 'school_type' end as breakdown,
        case when school_type = 'Total' then 'total' else school_type end as breakdown_value,
        'academic_year' as period_type,
        {{ year_label('start_year') }} as period,
        make_date(start_year, 9, 1) as period_start,
        make_date(start_year + 1, 8, 31) as period_end,
        cast(numerator as bigint) as numerator,
        cast(denominator as bigint) as denominator,
        cast(0 as bigint) as unknown_count,
        published_value,
        published_status,
        {{ distinct_values(['vintage_id']) }} as vintage_ids
    from unpivoted
)

select * from final
