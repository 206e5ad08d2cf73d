{# Landing, ledger and model agree to the row, so that nothing is lost and nothing is counted twice.

   Of each file vintage in force whose rows have not been deleted since, as many rows of the source file
   have landed as the ledger says. (A survey lands one row
   per answer, so rows of the source file are counted, not landed rows.) The model has every landed row in force, or of
   files that overlap one row for each natural key; and each of its rows is one that landed in a file in force.

   landed, dataset: the landing zone that the model reads, and the dataset's name in the ledger.
   natural_key: what tells two things apart where files add to each other; nothing where a file replaces another.
   every_row: false for a model that leaves rows out or puts several into one; then landing and ledger are compared. #}
{% test reconciles_with_ledger(model, landed, dataset, natural_key=none, every_row=true) %}
    {{ config(meta={
        'owner': 'data engineer',
        'reason': 'A row that landed and is not there, or is there twice, makes every figure of its file wrong.',
        'remedy': 'Look at the file that the test names: where landing differs, delete its landed file and its line in the '
            ~ 'ledger and run again; where the model differs, mend the model.'
    }) }}
    with ledger as (
        select
            vintage_id,
            file_name,
            rows_landed
        from {{ ref('stg_landing__source_files') }}
        where dataset = '{{ dataset }}' and is_current and retired_at is null
    ),

    landed as (
        select
            landed.*
        from {{ landed }} as landed
        inner join ledger on landed.vintage_id = ledger.vintage_id
    ),

    landed_counts as (
        select
            vintage_id,
            count(distinct source_row) as source_row_count
        from landed
        group by vintage_id
    ),

    landing_differs as (
        select
            ledger.file_name,
            'landed, of those in the ledger' as what,
            coalesce(landed_counts.source_row_count, 0) as rows_found,
            ledger.rows_landed as rows_expected
        from ledger
        left join landed_counts on ledger.vintage_id = landed_counts.vintage_id
        where ledger.rows_landed <> coalesce(landed_counts.source_row_count, 0)
    ){% if every_row %},

    model_rows as (
        select
            (select count(*) from {{ model }}) as rows_found,
            {%- if natural_key %}
            (select count(*) from (select distinct {{ natural_key | join(', ') }} from landed) as things) as rows_expected
            {%- else %}
            (select count(*) from landed) as rows_expected
            {%- endif %}
    ),

    model_differs as (
        select
            cast(null as varchar) as file_name,
            'in the model, of those in force' as what,
            rows_found,
            rows_expected
        from model_rows
        where rows_found <> rows_expected
    ),

    untraceable as (
        select
            model_rows.vintage_id as file_name,
            'in the model that did not land in a file in force' as what,
            count(*) as rows_found,
            0 as rows_expected
        from {{ model }} as model_rows
        left join (select distinct vintage_id, source_row from landed) as landed
            on model_rows.vintage_id = landed.vintage_id and model_rows.source_row = landed.source_row
        where landed.vintage_id is null
        group by model_rows.vintage_id
    ){% endif %}

    select * from landing_differs
    {%- if every_row %}
    union all
    select * from model_differs
    union all
    select * from untraceable
    {%- endif %}
{% endtest %}
