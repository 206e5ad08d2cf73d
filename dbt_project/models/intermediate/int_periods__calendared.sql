-- One row per period that begins in the years 2006 to 2030, of every kind that the calendar gives (waves come from
-- data).
with period_types as (
    select * from {{ ref('stg_reference__period_types') }}
),

years (year_number) as (
    values
    {%- for year in range(2006, 2031) %}
    ({{ year }}){{ ',' if not loop.last }}
    {%- endfor %}
),

months (month_number) as (
    values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)
),

-- The parts of an academic year, which have no length in common.
terms (term_name, years_after_september, first_month, last_month) as (
    values ('autumn', 0, 9, 12), ('spring', 1, 1, 3), ('summer', 1, 4, 8)
),

year_periods as (
    select
        period_types.period_type,
        case
            when period_types.start_month = 1 then cast(years.year_number as string)
            else {{ year_label('years.year_number') }}
        end as period,
        make_date(years.year_number, period_types.start_month, 1) as period_start,
        cast(
            make_date(years.year_number + 1, period_types.start_month, 1) - interval '1' day as date
        ) as period_end
    from period_types
    cross join years
    where period_types.months = 12
),

term_periods as (
    select
        'term' as period_type,
        concat({{ year_label('years.year_number') }}, ' ', terms.term_name) as period,
        make_date(years.year_number + terms.years_after_september, terms.first_month, 1) as period_start,
        last_day(make_date(years.year_number + terms.years_after_september, terms.last_month, 1)) as period_end
    from years
    cross join terms
),

quarter_periods as (
    select
        'quarter' as period_type,
        concat(
            cast(years.year_number as string), ' Q', cast(cast((months.month_number + 2) / 3 as bigint) as string)
        ) as period,
        make_date(years.year_number, months.month_number, 1) as period_start,
        last_day(make_date(years.year_number, months.month_number + 2, 1)) as period_end
    from years
    cross join months
    where months.month_number in (1, 4, 7, 10)
),

month_periods as (
    select
        'month' as period_type,
        {{ month_label('make_date(years.year_number, months.month_number, 1)') }} as period,
        make_date(years.year_number, months.month_number, 1) as period_start,
        last_day(make_date(years.year_number, months.month_number, 1)) as period_end
    from years
    cross join months
),

final as (
    select * from year_periods
    union all
    select * from term_periods
    union all
    select * from quarter_periods
    union all
    select * from month_periods
)

select * from final
