-- One row per indicator of the registry, under its first source, with the day when news of it is due.
with registry as (
    select * from {{ ref('stg_registry__indicators') }}
),

sources as (
    select * from {{ ref('stg_registry__indicator_sources') }}
),

first_sources as (
    select * from sources
    where source_rank = 1
),

submissions as (
    select * from {{ ref('int_submissions__expected') }}
),

-- Bookings and Moodle make one source, and are datasets of their own as well.
submissions_of_sources as (
    select
        dataset as source_dataset,
        *
    from submissions
    union all
    select
        'training_records' as source_dataset,
        *
    from submissions
    where dataset in ('training_bookings', 'moodle_activity_progress', 'moodle_course_completion')
),

newest as (
    select
        *,
        max(case when received_at is not null then period_end end) over (
            partition by source_dataset, dataset
        ) as newest_end
    from submissions_of_sources
),

-- Whoever is missing from a period that others have reported on brings no later figure.
due as (
    select
        source_dataset,
        min(case when period_end > newest_end then due_date end) as next_expected_date
    from newest
    group by source_dataset
),

-- Of the sources that the home receives, the first in rank.
dues_ranked as (
    select
        sources.indicator_id,
        due.next_expected_date,
        row_number() over (partition by sources.indicator_id order by sources.source_rank) as source_order
    from sources
    inner join due on sources.source_dataset = due.source_dataset
),

final as (
    select
        registry.indicator_id,
        registry.name,
        registry.definition,
        registry.numerator_definition,
        registry.denominator_definition,
        registry.unit,
        registry.polarity,
        registry.level,
        registry.objective,
        registry.cadence,
        first_sources.source_dataset,
        registry.owner,
        registry.baseline_period,
        cast(registry.target_value as double) as target_value,
        registry.target_date,
        registry.target_decided_by,
        registry.target_decided_date,
        registry.disclosure_rule,
        registry.evidence,
        dues_ranked.next_expected_date
    from registry
    left join first_sources on registry.indicator_id = first_sources.indicator_id
    left join dues_ranked
        on
            registry.indicator_id = dues_ranked.indicator_id
            and dues_ranked.source_order = 1
)

select * from final
