-- One row per response to a wave of a survey, whatever it answers.
with answers as (
    select * from {{ ref('int_survey_answers__dated') }}
    where period_type = 'wave'
),

final as (
    select distinct
        source_dataset,
        period,
        period_start as wave_start,
        period_end as wave_end,
        respondent_id,
        organisation_id,
        vintage_id
    from answers
)

select * from final
