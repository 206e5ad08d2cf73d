-- One row per disclosed value of the home's own authority and figure that it is compared with: England, its region, its
-- statistical neighbours, the registry's target, the baseline period, the period before, and of a group the group that
-- its breakdown is compared with. Nothing is judged here.
{{ config(materialized='view') }}
with disclosed as (
    select * from {{ ref('indicator_values_disclosed') }}
),

indicators as (
    select * from {{ ref('stg_registry__indicators') }}
),

areas as (
    select * from {{ ref('int_areas__gathered') }}
),

neighbours as (
    select * from {{ ref('int_areas__home_neighbours') }}
),

reference_groups as (
    select * from {{ ref('stg_registry__reference_groups') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

home as (
    select
        areas.area_code,
        areas.region_code,
        -- The country of the invented borough stands for England, as its code says.
        case when starts_with(areas.country_code, 'E92') then areas.country_code end as england_code
    from areas
    inner join settings on areas.area_code = settings.authority_code
),

measured as (
    select
        disclosed.*,
        indicators.polarity,
        indicators.measure_type,
        indicators.multiplier,
        indicators.decimals,
        indicators.baseline_period,
        cast(indicators.target_value as double) as target_value,
        indicators.target_date,
        case
            when disclosed.period_type in ('month', 'quarter', 'term', 'wave') then disclosed.period_type
            else 'year'
        end as period_kind,
        -- A target is of the kind of period that it is counted from, or else of the indicator's usual one: what is
        -- to come down to 4.5 in a year is not to come down to it in a term.
        case
            when indicators.baseline_period like '% wave %' then 'wave'
            when indicators.baseline_period like '____-__' then 'month'
            when indicators.baseline_period like '____ Q_' then 'quarter'
            when indicators.baseline_period like '____/__ %' then 'term'
            when indicators.baseline_period is not null then 'year'
            when indicators.cadence = 'by_wave' then 'wave'
            when indicators.cadence = 'monthly' then 'month'
            when indicators.cadence = 'termly' then 'term'
            else 'year'
        end as target_kind
    from disclosed
    inner join indicators on disclosed.indicator_id = indicators.indicator_id
),

-- The period before is the one before in the series, whether or not its figure may be shown.
own_series as (
    select
        measured.*,
        home.region_code,
        home.england_code,
        lag(measured.period) over (
            partition by
                measured.indicator_id,
                measured.source_dataset,
                measured.sector,
                measured.organisation_id,
                measured.breakdown,
                measured.breakdown_value,
                measured.period_type
            order by measured.period_end asc, measured.period_start asc, measured.period asc
        ) as previous_period
    from measured
    inner join home on measured.area_code = home.area_code
),

own as (
    select * from own_series
    where value_status = 'ok'
),

wanted as (
    select
        own.*,
        'england' as comparator,
        own.england_code as comparator_area_code,
        own.period as comparator_period,
        own.breakdown_value as comparator_breakdown_value
    from own
    union all
    select
        own.*,
        'region' as comparator,
        own.region_code as comparator_area_code,
        own.period as comparator_period,
        own.breakdown_value as comparator_breakdown_value
    from own
    union all
    select
        own.*,
        'baseline' as comparator,
        own.area_code as comparator_area_code,
        own.baseline_period as comparator_period,
        own.breakdown_value as comparator_breakdown_value
    from own
    union all
    select
        own.*,
        'previous_period' as comparator,
        own.area_code as comparator_area_code,
        own.previous_period as comparator_period,
        own.breakdown_value as comparator_breakdown_value
    from own
    union all
    select
        own.*,
        'reference_group' as comparator,
        own.area_code as comparator_area_code,
        own.period as comparator_period,
        reference_groups.reference_value as comparator_breakdown_value
    from own
    inner join reference_groups on own.breakdown = reference_groups.breakdown
    -- Those of whom it is not known are no group of people.
    where not contains(lower(own.breakdown_value), 'unclassified')
),

single as (
    select
        wanted.*,
        compared.value as comparator_value,
        compared.value_status as comparator_status,
        compared.numerator as comparator_numerator,
        compared.denominator as comparator_denominator,
        compared.ci_lower_95 as comparator_ci_lower_95,
        compared.ci_upper_95 as comparator_ci_upper_95
    from wanted
    inner join measured as compared
        on
            wanted.comparator_area_code = compared.area_code
            and wanted.comparator_period = compared.period
            and wanted.indicator_id = compared.indicator_id
            and wanted.source_dataset = compared.source_dataset
            and wanted.sector = compared.sector
            and wanted.organisation_id = compared.organisation_id
            and wanted.breakdown = compared.breakdown
            and wanted.comparator_breakdown_value = compared.breakdown_value
            and wanted.period_type = compared.period_type
    where
        wanted.area_code <> wanted.comparator_area_code
        -- A baseline is what came before; of itself and of earlier periods it is none.
        or wanted.period_end > compared.period_end
        or wanted.breakdown_value <> compared.breakdown_value
),

neighbour_figures as (
    select
        figures.indicator_id,
        figures.source_dataset,
        figures.sector,
        figures.organisation_id,
        figures.breakdown,
        figures.breakdown_value,
        figures.period_type,
        figures.period,
        array_agg(figures.value order by neighbours.neighbour_rank)
        filter (where figures.value_status = 'ok') as shown_values,
        -- What is withheld is small and no nought: where most are, the middle of the rest is none of the neighbours'.
        count(*) filter (where figures.value_status = 'c') > count(*) filter (where figures.value_status = 'ok')
            as is_mostly_withheld
    from measured as figures
    inner join neighbours on figures.area_code = neighbours.area_code
    group by all
),

grouped as (
    select
        own.*,
        'neighbours' as comparator,
        own.period as comparator_period,
        own.breakdown_value as comparator_breakdown_value,
        case
            when neighbour_figures.is_mostly_withheld then 'c'
            when neighbour_figures.shown_values is null then 'x'
            else 'ok'
        end as comparator_status,
        case when not neighbour_figures.is_mostly_withheld then neighbour_figures.shown_values end as neighbour_values
    from own
    inner join neighbour_figures
        on {{ same_value('own', 'neighbour_figures', without=['area_code']) }}
),

-- A target is for the area as a whole, and is reached from where the baseline period stood. Of that period and
-- earlier ones it says nothing; from its date on the whole change is due.
targeted as (
    select
        own.*,
        'target' as comparator,
        own.breakdown_value as comparator_breakdown_value,
        own.target_value as comparator_value,
        'ok' as comparator_status,
        baseline.value as baseline_value,
        case
            when own.target_date > baseline.period_end
                then least(1.0, (own.period_end - baseline.period_end) / (own.target_date - baseline.period_end))
        end as elapsed_share
    from own
    left join own as baseline
        on
            own.baseline_period = baseline.period
            and own.period_type = baseline.period_type
            and own.indicator_id = baseline.indicator_id
            and own.source_dataset = baseline.source_dataset
            and own.sector = baseline.sector
            and own.organisation_id = baseline.organisation_id
            and own.breakdown = baseline.breakdown
            and own.breakdown_value = baseline.breakdown_value
    where
        own.target_value is not null
        and own.period_kind = own.target_kind
        and own.sector = 'total'
        and own.organisation_id = 'total'
        and own.breakdown = 'total'
        and (baseline.period_end is null or own.period_end > baseline.period_end)
),

-- What a kind of comparator does not have is null.
final as (
    select * from single
    union all by name
    select * from grouped
    union all by name
    select * from targeted
)

select
    indicator_id,
    source_dataset,
    area_code,
    sector,
    organisation_id,
    breakdown,
    breakdown_value,
    period_type,
    period,
    is_latest,
    polarity,
    measure_type,
    multiplier,
    decimals,
    numerator,
    denominator,
    value,
    ci_lower_95,
    ci_upper_95,
    ci_lower_998,
    ci_upper_998,
    comparator,
    comparator_area_code,
    comparator_period,
    comparator_breakdown_value,
    comparator_value,
    comparator_status,
    comparator_numerator,
    comparator_denominator,
    comparator_ci_lower_95,
    comparator_ci_upper_95,
    baseline_value,
    elapsed_share,
    neighbour_values
from final
