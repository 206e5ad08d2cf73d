-- One row per answer to a survey, with the wave or, where a form stays open, the quarter that it belongs to, and what
-- the survey's respondents are split by.
with workforce as (
    select * from {{ ref('stg_surveys__workforce') }}
),

children_families as (
    select * from {{ ref('stg_surveys__children_families') }}
),

organisational as (
    select * from {{ ref('stg_surveys__organisational') }}
),

partnership as (
    select * from {{ ref('stg_surveys__partnership') }}
),

training_feedback as (
    select * from {{ ref('stg_surveys__training_feedback') }}
),

quarters as (
    select * from {{ ref('int_periods__calendared') }}
    where period_type = 'quarter'
),

answers_in_waves as (
    select
        'workforce_survey' as source_dataset,
        cast(null as string) as instrument,
        wave,
        respondent_id,
        submitted_date,
        organisation_id,
        'role' as breakdown,
        coalesce(role_code, 'not_said') as breakdown_value,
        item_id,
        answer,
        score,
        vintage_id
    from workforce
    union all
    select
        'children_families_survey' as source_dataset,
        cast(null as string) as instrument,
        wave,
        respondent_id,
        submitted_date,
        organisation_id,
        'respondent_kind' as breakdown,
        coalesce(respondent_kind_code, 'not_said') as breakdown_value,
        item_id,
        answer,
        score,
        vintage_id
    from children_families
    union all
    select
        'organisational_survey' as source_dataset,
        cast(null as string) as instrument,
        wave,
        respondent_id,
        submitted_date,
        organisation_id,
        cast(null as string) as breakdown,
        cast(null as string) as breakdown_value,
        item_id,
        answer,
        score,
        vintage_id
    from organisational
    union all
    select
        'partnership_survey' as source_dataset,
        instrument,
        wave,
        respondent_id,
        submitted_date,
        organisation_id,
        cast(null as string) as breakdown,
        cast(null as string) as breakdown_value,
        item_id,
        answer,
        score,
        vintage_id
    from partnership
),

-- A wave lasts from its first response to its last, whichever statements they answer.
waves as (
    select
        source_dataset,
        instrument,
        wave,
        min(submitted_date) as wave_start,
        max(submitted_date) as wave_end
    from answers_in_waves
    group by source_dataset, instrument, wave
),

final as (
    select
        answers_in_waves.source_dataset,
        'wave' as period_type,
        -- Waves of the home's own surveys belong to their instrument.
        case
            when answers_in_waves.instrument is null
                then {{ wave_label('answers_in_waves.source_dataset', 'answers_in_waves.wave') }}
            else concat(answers_in_waves.instrument, ' wave ', cast(answers_in_waves.wave as string))
        end as period,
        waves.wave_start as period_start,
        waves.wave_end as period_end,
        answers_in_waves.respondent_id,
        answers_in_waves.organisation_id,
        answers_in_waves.breakdown,
        answers_in_waves.breakdown_value,
        answers_in_waves.item_id,
        answers_in_waves.answer,
        answers_in_waves.score,
        answers_in_waves.vintage_id
    from answers_in_waves
    inner join waves
        on
            answers_in_waves.source_dataset = waves.source_dataset
            and answers_in_waves.instrument is not distinct from waves.instrument
            and answers_in_waves.wave = waves.wave
    union all
    select
        'training_feedback' as source_dataset,
        quarters.period_type,
        quarters.period,
        quarters.period_start,
        quarters.period_end,
        training_feedback.respondent_id,
        training_feedback.organisation_id,
        'statement' as breakdown,
        case training_feedback.item_id when 'tf01' then 'useful' when 'tf02' then 'recommend' end as breakdown_value,
        training_feedback.item_id,
        training_feedback.answer,
        training_feedback.score,
        training_feedback.vintage_id
    from training_feedback
    inner join quarters on training_feedback.submitted_date between quarters.period_start and quarters.period_end
)

select * from final
