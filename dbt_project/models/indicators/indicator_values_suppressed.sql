-- One row per row of indicator_values_unsuppressed, with nothing left in it that may not be shown: the disclosure
-- control, of which everything later is made. What a publisher printed is passed through: it has its own.
with unsuppressed as (
    select * from {{ ref('indicator_values_unsuppressed') }}
),

-- A count of organisations or events has nobody to protect. Whatever else is counted is a person, unless it is the
-- answers of respondents, whose counts are shown from the minimum base on.
judged as (
    select
        *,
        not is_published and disclosure_unit not in ('organisation', 'event') as is_protected,
        not is_published and disclosure_unit not in ('organisation', 'event', 'respondent') as is_about_persons
    from unsuppressed
),

small as (
    select
        *,
        is_protected and coalesce(denominator between 1 and minimum_base - 1, false) as is_below_minimum_base,
        is_about_persons and coalesce(denominator between 1 and minimum_count, false) as is_small_denominator,
        is_about_persons and (
            coalesce(numerator between 1 and minimum_count, false)
            -- Who is not in the numerator of a proportion is a count of persons too.
            or coalesce(
                measure_type = 'proportion' and denominator - numerator between 1 and minimum_count, false
            )
        ) as is_small_count
    from judged
),

stated as (
    select
        *,
        case
            when is_below_minimum_base or is_small_denominator or is_small_count then 'c'
            else value_status
        end as disclosed_status
    from small
),

final as (
    select
        indicator_id,
        source_dataset,
        source_rank,
        area_code,
        sector,
        organisation_id,
        breakdown,
        breakdown_value,
        period_type,
        period,
        period_start,
        period_end,
        -- A published count that is itself known stays beside a rate that is not.
        case when is_published or disclosed_status = 'ok' then numerator end as numerator,
        case when not is_below_minimum_base and not is_small_denominator then denominator end as denominator,
        case when disclosed_status = 'ok' then value end as value,
        disclosed_status as value_status,
        case when disclosed_status = 'ok' then ci_lower_95 end as ci_lower_95,
        case when disclosed_status = 'ok' then ci_upper_95 end as ci_upper_95,
        case when disclosed_status = 'ok' then ci_lower_998 end as ci_lower_998,
        case when disclosed_status = 'ok' then ci_upper_998 end as ci_upper_998,
        vintage_ids
    from stated
)

select * from final
