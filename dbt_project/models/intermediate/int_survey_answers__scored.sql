-- One row per answer that an indicator counts: whether it is what the indicator asks for, and which figures it goes
-- into.
with answers as (
    select * from {{ ref('int_survey_answers__dated') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

judged as (
    select
        *,
        source_dataset = 'organisational_survey' and answer = 'not_known' as is_unknown,
        case
            -- Yes, or one of the last two stages of the journey.
            when source_dataset = 'organisational_survey' then coalesce(answer = 'yes' or score >= 3, false)
            -- Agree and strongly agree, often and always.
            else coalesce(score >= 4, false)
        end as is_counted
    from answers
),

-- Not knowing is an answer about the organisation. Preferring not to say is none, and a choice from a list has no
-- score.
answered as (
    select * from judged
    where score is not null or is_unknown
),

-- Both statements in one figure: somebody counts once, who answered both, and is counted who agrees with both.
feedback as (
    select
        source_dataset,
        period_type,
        period,
        period_start,
        period_end,
        respondent_id,
        organisation_id,
        min(case when is_counted then 1 else 0 end) = 1 as is_counted,
        max(vintage_id) as vintage_id
    from answered
    where source_dataset = 'training_feedback'
    group by source_dataset, period_type, period, period_start, period_end, respondent_id, organisation_id
    having count(*) = 2
),

counting as (
    select
        case when source_dataset = 'training_feedback' then 'training_feedback' else item_id end as indicator_id,
        source_dataset,
        period_type,
        period,
        period_start,
        period_end,
        respondent_id,
        organisation_id,
        breakdown,
        breakdown_value,
        source_dataset <> 'training_feedback' as is_whole,
        is_counted,
        is_unknown,
        -- Of the journey of change, the stage that an organisation places itself on.
        case when source_dataset = 'organisational_survey' and answer like 'stage_%' then score end as stage,
        vintage_id
    from answered
    union all
    select
        'training_feedback' as indicator_id,
        source_dataset,
        period_type,
        period,
        period_start,
        period_end,
        respondent_id,
        organisation_id,
        cast(null as string) as breakdown,
        cast(null as string) as breakdown_value,
        true as is_whole,
        is_counted,
        false as is_unknown,
        cast(null as bigint) as stage,
        vintage_id
    from feedback
),

final as (
    select
        counting.*,
        organisations.sector_code
    from counting
    left join organisations on counting.organisation_id = organisations.organisation_id
)

select * from final
