{# Every row that the ledger says has landed is there, once, in the landing zone that the model reads: of each file
   vintage in force whose rows have not been deleted since, as many rows of the source file as were landed. (A survey lands one row per answer, so rows of the
   source file are counted, not landed rows.) #}
{% test reconciles_with_ledger(model, landed, dataset) %}
    {{ config(meta={
        'owner': 'data engineer',
        'reason': 'A row that landed and is not there, or is there twice, makes every figure of its file wrong.',
        'remedy': 'Delete the landed file that the test names and its line in the ledger, and run again: it is read anew.'
    }) }}
    with landed as (
        select
            vintage_id,
            count(distinct source_row) as source_row_count
        from {{ landed }}
        group by vintage_id
    ),

    ledger as (
        select
            vintage_id,
            file_name,
            rows_landed
        from {{ ref('stg_landing__source_files') }}
        where dataset = '{{ dataset }}' and is_current and retired_at is null
    )

    select
        ledger.file_name,
        ledger.vintage_id,
        ledger.rows_landed,
        coalesce(landed.source_row_count, 0) as rows_found
    from ledger
    left join landed on ledger.vintage_id = landed.vintage_id
    where ledger.rows_landed <> coalesce(landed.source_row_count, 0)
{% endtest %}
