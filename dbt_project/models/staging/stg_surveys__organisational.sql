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

-- Within a file landing has seen to it; two tools of one wave may each hold an answer of the same organisation.
latest as (
    select
        *,
        first_value(respondent_id) over (
            partition by wave, organisation_id
            order by submitted_date desc, vintage_id desc, source_row desc
        ) as latest_respondent_id
    from in_force
    where precedence = 1
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
    from latest
    where respondent_id = latest_respondent_id
)

select * from final
