-- One row per dataset that is expected regularly, supplier and period, from the supplier's first submission to the next
-- period: what has come and what is missing. A table, because marts and the figures that a missing return touches read
-- it.
{{ config(materialized='table') }}
with registry as (
    select * from {{ ref('stg_registry__expected_submissions') }}
),

received as (
    select * from {{ ref('int_submissions__received') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

calendar as (
    select * from {{ ref('int_periods__calendared') }}
),

source_files as (
    select * from {{ ref('stg_landing__source_files') }}
),

-- What was due before the home received any file of the dataset was handed in with the first, and is not late.
begun as (
    select
        dataset,
        min(cast(received_at as date)) as begun_date
    from source_files
    where status = 'landed'
    group by dataset
),

suppliers as (
    select
        dataset,
        organisation_id,
        min(period_start) as first_start,
        max(period_end) as last_end
    from received
    group by dataset, organisation_id
),

-- The register says who is there. A school that it does not know is expected to the end of the academic year in which
-- it was last heard from, because nobody would say that it has closed.
suppliers_expected as (
    select
        suppliers.dataset,
        suppliers.organisation_id,
        organisations.organisation_name,
        suppliers.first_start,
        case
            when suppliers.organisation_id = 'total' then make_date(9999, 12, 31)
            when organisations.organisation_id is not null
                then coalesce({{ days_after('organisations.left_date', -1) }}, make_date(9999, 12, 31))
            else make_date(
                year(suppliers.last_end) + case when month(suppliers.last_end) >= 9 then 1 else 0 end, 8, 31
            )
        end as expected_until
    from suppliers
    left join organisations on suppliers.organisation_id = organisations.organisation_id
),

waves as (
    select distinct
        dataset,
        period_type,
        period,
        period_start,
        period_end,
        wave
    from received
    where wave is not null
),

last_waves as (
    select
        dataset,
        period_type,
        max(wave) as wave,
        max(period_end) as period_end
    from waves
    group by dataset, period_type
),

begun_before as (
    select
        *,
        lag(period_start) over (partition by period_type order by period_start) as start_before
    from calendar
),

-- Periods go on to the one after today's; the next wave is expected within a year of the one before.
periods as (
    select
        registry.dataset,
        begun_before.period_type,
        begun_before.period,
        begun_before.period_start,
        begun_before.period_end
    from registry
    inner join begun_before
        on
            registry.period_type = begun_before.period_type
            and begun_before.start_before <= {{ today() }}
    union all
    select
        dataset,
        period_type,
        period,
        period_start,
        period_end
    from waves
    union all
    select
        dataset,
        period_type,
        {{ wave_label('dataset', '(wave + 1)') }} as period,
        {{ days_after('period_end', 1) }} as period_start,
        {{ months_before('period_end', -12) }} as period_end
    from last_waves
),

expected as (
    select
        periods.*,
        registry.supplier_role,
        suppliers_expected.organisation_id,
        suppliers_expected.organisation_name,
        received.first_received_at,
        begun.begun_date,
        {{ days_after('periods.period_end', 'registry.due_days_after_period_end') }} as due_date
    from periods
    inner join registry on periods.dataset = registry.dataset
    inner join suppliers_expected
        on
            periods.dataset = suppliers_expected.dataset
            and periods.period_start >= suppliers_expected.first_start
    inner join begun on periods.dataset = begun.dataset
    left join received
        on
            suppliers_expected.dataset = received.dataset
            and suppliers_expected.organisation_id = received.organisation_id
            and periods.period = received.period
    where received.period is not null or periods.period_end <= suppliers_expected.expected_until
),

final as (
    select
        dataset,
        supplier_role,
        organisation_id,
        organisation_name,
        period_type,
        period,
        period_start,
        period_end,
        due_date,
        case
            when first_received_at is null and due_date < {{ today() }} then 'late'
            when first_received_at is null then 'not yet due'
            when cast(first_received_at as date) > due_date and due_date >= begun_date then 'received late'
            else 'received'
        end as status,
        first_received_at as received_at,
        case
            when due_date >= begun_date and cast(first_received_at as date) > due_date
                then cast(cast(first_received_at as date) - due_date as bigint)
        end as days_late
    from expected
)

select * from final
