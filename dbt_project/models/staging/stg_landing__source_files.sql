-- One row per file vintage that the ledger knows, whether it landed or not.
with source_files as (
    select * from {{ source('landing', 'source_files') }}
),

final as (
    select
        vintage_id,
        dataset,
        file_name,
        submission,
        status,
        gate,
        rows_read,
        rows_landed,
        rows_quarantined,
        rows_dropped,
        received_at,
        landed_at,
        sequence,
        is_current,
        contract_version,
        retired_at
    from source_files
)

select * from final
