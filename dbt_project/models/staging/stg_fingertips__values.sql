-- One row per indicator of Fingertips, area, sex, age, category and period of one year, as it was published.
with landed as (
    select * from {{ source('landing', 'fingertips') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'fingertips',
        natural_key=['fingertips_id', 'area_code', 'sex', 'age', 'category_type', 'category', 'time_period']
    ) }}
),

final as (
    select
        first_year as start_year,
        geographic_level,
        case when geographic_level = 'National' then area_code end as country_code,
        case when geographic_level = 'Regional' then area_code end as region_code,
        area_code,
        area_name,
        fingertips_id,
        sex,
        age,
        category_type,
        case
            when length(time_period) = 4 then 'calendar year'
            else 'year across two'
        end as period_form,
        value,
        -- Why there is no figure stands in the note beside the empty cell.
        case
            when value is not null then 'ok'
            else coalesce(nullif(value_status, 'ok'), value_noted, 'x')
        end as value_status,
        counted,
        {{ statistic_status('counted') }} as counted_status,
        denominator,
        {{ statistic_status('denominator') }} as denominator_status,
        vintage_id,
        source_row
    from in_force
    where
        precedence = 1
        -- Several years together, parts of a year and other kinds of area are no figure of this house's.
        and first_year is not null
        and geographic_level is not null
)

select * from final
