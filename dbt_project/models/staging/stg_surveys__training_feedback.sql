-- One row per response and statement answered, however many exports of the form hold it.
with landed as (
    select * from {{ source('landing', 'training_feedback') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force(
        'landed', 'source_files', 'training_feedback', natural_key=['respondent_id', 'item_id', 'answer']
    ) }}
),

final as (
    select
        respondent_id,
        submitted_date,
        course,
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
