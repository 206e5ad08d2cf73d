-- One row per respondent of a wave and statement answered; prefer not to say has no score.
with landed as (
    select * from {{ source('landing', 'children_families_survey') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'children_families_survey') }}
),

final as (
    select
        wave,
        respondent_id,
        submitted_date,
        organisation_id,
        respondent_kind_code,
        item_id,
        answer,
        score,
        vintage_id,
        source_row
    from in_force
    where precedence = 1
)

select * from final
