-- One row per organisation that answered a wave and statement answered, or option chosen; the latest response counts.
with landed as (
    select * from {{ source('landing', 'organisational_survey') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

in_force as (
    {{ rows_in_force('landed', 'source_files', 'organisational_survey') }}
),

final as (
    select
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
