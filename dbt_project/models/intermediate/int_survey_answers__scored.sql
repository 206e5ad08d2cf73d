-- One row per respondent and statement that was answered with one of the five labels.
with answers as (
    select * from {{ ref('stg_surveys__workforce') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

-- A wave lasts from its first response to its last, whichever statements they answer.
waves as (
    select
        wave,
        min(submitted_date) as wave_start,
        max(submitted_date) as wave_end
    from answers
    group by wave
),

final as (
    select
        answers.wave,
        waves.wave_start,
        waves.wave_end,
        answers.item_id,
        answers.respondent_id,
        answers.organisation_id,
        organisations.sector_code,
        coalesce(answers.role_code, 'not_said') as role_code,
        answers.score,
        -- Agree and strongly agree.
        answers.score >= 4 as is_top_two,
        answers.vintage_id
    from answers
    inner join waves on answers.wave = waves.wave
    left join organisations on answers.organisation_id = organisations.organisation_id
    where answers.score is not null
)

select * from final
