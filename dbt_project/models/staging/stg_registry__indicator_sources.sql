-- One row per indicator and dataset that gives values of it.
with registry as (
    {{ registry_table('indicator_sources') }}
),

final as (
    select
        indicator_id,
        source_dataset,
        source_rank
    from registry
)

select * from final
