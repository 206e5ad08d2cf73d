-- One row per stage of the change journey, indicator and member, with the home's own latest value; of the stages of
-- organisations, where the member stands between before (0) and after (4), and where it stood before.
with node_values as (
    select * from {{ ref('node_values') }}
    where mart = 'change_journey'
),

-- The furthest of the four steps that at least half have reached: of one organisation its own place.
stages as (
    select
        framework_id,
        node_id,
        indicator_id,
        sector,
        organisation_id,
        sum(case when 2 * numerator >= denominator then 1 else 0 end) as stage,
        sum(case when 2 * previous_numerator >= previous_denominator then 1 else 0 end) as previous_stage,
        count(previous_numerator) as previous_count
    from node_values
    where breakdown = 'stage_reached'
    group by framework_id, node_id, indicator_id, sector, organisation_id
),

final as (
    select
        node_values.{{ frame_columns() | join(',\n        node_values.') }},
        node_values.before_statement,
        node_values.after_statement,
        cast(stages.stage as bigint) as stage,
        cast(case when stages.previous_count > 0 then stages.previous_stage end as bigint) as previous_stage,
        cast(case when stages.previous_count > 0 then stages.stage - stages.previous_stage end as bigint)
            as stage_change
    from node_values
    left join stages
        on
            node_values.framework_id = stages.framework_id
            and node_values.node_id = stages.node_id
            and node_values.indicator_id = stages.indicator_id
            and node_values.sector = stages.sector
            and node_values.organisation_id = stages.organisation_id
            and node_values.breakdown = 'total'
    -- Of one organisation its stage says it all.
    where node_values.breakdown <> 'stage_reached' or node_values.organisation_id = 'total'
)

select * from final
