-- One row per respondent of a wave of a home's own instrument and statement answered; an answer that says nothing about
-- the statement has no score.
with landed as (
    select * from {{ source('landing', 'partnership_survey') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'partnership_survey') }}
),

final as (
    select
        instrument,
        wave,
        respondent_id,
        submitted_date,
        organisation_id,
        item_id,
        answer,
        score,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
