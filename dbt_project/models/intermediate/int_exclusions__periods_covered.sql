-- One row per source and term or academic year of which its exclusions are known from beginning to end.
with exclusions as (
    select * from {{ ref('int_exclusions__counted_once') }}
),

calendar as (
    select * from {{ ref('int_periods__calendared') }}
),

-- What is known of a term has to begin before the one month and to reach the other.
terms (term, begins_before_month, reaches_month, years_after_september) as (
    values ('autumn', 11, 12, 0), ('spring', 3, 3, 1), ('summer', 6, 7, 1)
),

reached as (
    select
        source_dataset,
        start_year,
        term,
        min(start_date) as first_date,
        max(start_date) as last_date
    from exclusions
    group by source_dataset, start_year, term
),

-- The next census repeats the end of a term, and a term's file may run on into the next before Easter: neither is that
-- term, and a figure on it would look like a fall.
terms_covered as (
    select
        reached.source_dataset,
        reached.start_year,
        reached.term
    from reached
    inner join terms
        on
            reached.term = terms.term
            and reached.first_date
            < make_date(reached.start_year + terms.years_after_september, terms.begins_before_month, 1)
            and reached.last_date
            >= make_date(reached.start_year + terms.years_after_september, terms.reaches_month, 1)
),

years_covered as (
    select
        source_dataset,
        start_year
    from terms_covered
    group by source_dataset, start_year
    having count(*) = 3
),

labelled as (
    select
        source_dataset,
        start_year,
        term,
        -- A term's own census gives its pupils on roll, the January one those of the year.
        term as roll_term,
        'term' as period_type,
        concat({{ year_label('start_year') }}, ' ', term) as period
    from terms_covered
    union all
    select
        source_dataset,
        start_year,
        'total' as term,
        'spring' as roll_term,
        'academic_year' as period_type,
        {{ year_label('start_year') }} as period
    from years_covered
),

final as (
    select
        labelled.source_dataset,
        labelled.start_year,
        labelled.term,
        labelled.roll_term,
        labelled.period_type,
        labelled.period,
        calendar.period_start,
        calendar.period_end
    from labelled
    inner join calendar
        on
            labelled.period_type = calendar.period_type
            and labelled.period = calendar.period
)

select * from final
