-- One row per file vintage, supplier within it and day that its rows are about, of every dataset that is expected
-- regularly, in force or not: when something was first received is told by files that others have replaced since.
{#- Dataset, the day in its rows, and where given which rows tell of a submission, and the column of its supplier. What
    names a year alone is put on the 1st of December of the year in which it begins, which every kind of year holds. #}
{%- set of_year = "make_date(cast(%s as bigint), 12, 1)" %}
{%- set reported = [
    {
        'dataset': 'pupils_on_roll',
        'day': "make_date(cast(start_year as bigint) + case census_term when 'autumn' then 0 else 1 end, "
            ~ "case census_term when 'autumn' then 10 when 'spring' then 1 else 5 end, 1)",
        'supplier': 'school_id',
    },
    {'dataset': 'census_exclusions', 'day': 'start_date', 'where': 'month(start_date) in (12, 3, 7, 8)'},
    {'dataset': 'la_exclusions', 'day': 'start_date', 'where': 'month(start_date) in (12, 3, 7, 8)'},
    {'dataset': 'ssda903_header', 'day': of_year % 'collection_year - 1'},
    {'dataset': 'ssda903_episodes', 'day': of_year % 'collection_year - 1'},
    {'dataset': 'ssda903_missing', 'day': of_year % 'collection_year - 1'},
    {'dataset': 'ssda903_oc2', 'day': of_year % 'collection_year - 1'},
    {'dataset': 'ssda903_oc3', 'day': of_year % 'collection_year - 1'},
    {'dataset': 'dfe_exclusions', 'day': of_year % dfe_start_year()},
    {'dataset': 'dfe_exclusions_by_characteristic', 'day': of_year % dfe_start_year()},
    {'dataset': 'dfe_sen_needs', 'day': of_year % dfe_start_year()},
    {'dataset': 'dfe_new_placements', 'day': of_year % dfe_start_year(ends_in_named_year=true)},
    {'dataset': 'dfe_looked_after_rate', 'day': of_year % dfe_start_year(ends_in_named_year=true)},
    {'dataset': 'dfe_children_in_need', 'day': of_year % dfe_start_year(ends_in_named_year=true)},
    {'dataset': 'fingertips', 'day': of_year % 'first_year', 'where': 'length(time_period) > 4'},
    {'dataset': 'scottish_looked_after', 'day': of_year % 'first_year'},
    {'dataset': 'organisations', 'day': 'counted_date'},
    {'dataset': 'workforce_survey', 'day': 'submitted_date', 'wave': 'wave'},
    {'dataset': 'children_families_survey', 'day': 'submitted_date', 'wave': 'wave'},
    {'dataset': 'organisational_survey', 'day': 'submitted_date', 'wave': 'wave', 'supplier': 'organisation_id'},
    {'dataset': 'training_bookings', 'day': 'session_date', 'where': "status <> 'booked'"},
    {'dataset': 'moodle_activity_progress', 'day': 'completed_date'},
    {'dataset': 'moodle_course_completion', 'day': 'completed_date'},
    {'dataset': 'training_facilitated_sessions', 'day': 'session_date'},
    {'dataset': 'training_feedback', 'day': 'submitted_date'},
    {'dataset': 'events', 'day': 'event_date'},
    {'dataset': 'sector_group_attendance', 'day': 'meeting_date'},
    {'dataset': 'deep_listening_log', 'day': 'session_date'},
    {'dataset': 'reflective_sessions', 'day': 'session_date'},
] %}
-- A term's exclusions are received when they reach its last month, as in int_exclusions__periods_covered: a census runs
-- on into the next term, which is no return of that term.
with reported as (
    {%- for entry in reported %}
    {% if not loop.first %}union
    {% endif -%}
    select
        '{{ entry.dataset }}' as dataset,
        vintage_id,
        {{ entry.supplier or 'cast(null as string)' }} as supplier,
        {{ entry.wave or 'cast(null as bigint)' }} as wave,
        {{ entry.day }} as reported_date
    from {{ source('landing', entry.dataset) }}
    {%- if entry.where %}
    where {{ entry.where }}
    {%- endif %}
    {%- endfor %}
    union
    -- Of headers alone a return has no row to tell its year.
    select
        dataset,
        vintage_id,
        cast(null as string) as supplier,
        cast(null as bigint) as wave,
        {{ of_year % (returned_year('submission') ~ ' - 1') }} as reported_date
    from {{ source('landing', 'source_files') }}
    where dataset = 'ssda903_missing' and status = 'landed' and rows_read = 0
    union
    -- Of rows that have been deleted since; the first of their month stands for its days.
    select
        dataset,
        vintage_id,
        supplier,
        wave,
        reported_date
    from {{ source('frozen', 'reported_dates') }}
),

final as (
    select * from reported
    where reported_date is not null
)

select * from final
