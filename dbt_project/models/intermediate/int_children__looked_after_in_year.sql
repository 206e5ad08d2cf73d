-- One row per child looked after at some time of the year of the return, series of short breaks (V3, V4) left out.
with episodes as (
    select * from {{ ref('stg_ssda903__episodes') }}
),

placed_at_year_end as (
    select * from {{ ref('int_episodes__placed_at_year_end') }}
),

settings as (
    select * from {{ ref('stg_home__settings') }}
),

described as (
    select
        *,
        make_date(collection_year - 1, 4, 1) as year_start,
        make_date(collection_year, 3, 31) as year_end,
        legal_status_code in ('V3', 'V4') as is_short_break,
        -- In hospital, on holiday and the like: the child goes back to where it lives.
        placement_type_code in ('T0', 'T1', 'T2', 'T3', 'T4') as is_temporary
    from episodes
),

in_year as (
    select
        *,
        coalesce(
            lag(is_temporary) over (partition by collection_year, child_id order by started_date, source_row), false
        ) as is_return
    from described
    where started_date <= year_end and (ceased_date is null or ceased_date >= year_start)
),

-- A change of legal status alone (L), or with the same carer (T, U), moves nobody; neither does a temporary placement,
-- nor the way back from it.
judged as (
    select
        collection_year,
        child_id,
        vintage_id,
        is_short_break,
        not is_short_break and started_date <= year_start and (ceased_date is null or ceased_date > year_start)
            as is_open_on_first_day,
        not is_short_break and not is_temporary and not is_return and started_date > year_start
        and new_episode_reason_code in ('S', 'P', 'B') as is_new_placement,
        -- The child came into care, went out of it or had short breaks only, after the first day of the year.
        (is_short_break and (ceased_date is null or ceased_date > year_start))
        or (new_episode_reason_code = 'S' and started_date > year_start)
        or (ceased_date > year_start and ceased_date <= year_end and ceased_reason_code <> 'X1') as is_interruption
    from in_year
),

children as (
    select
        collection_year,
        child_id,
        bool_or(is_open_on_first_day) as was_looked_after_on_first_day,
        coalesce(bool_or(is_interruption), false) as is_interrupted,
        max(case when is_open_on_first_day then 1 else 0 end)
        + sum(case when is_new_placement then 1 else 0 end) as placement_count,
        {{ distinct_list('vintage_id') }} as vintage_ids
    from judged
    group by collection_year, child_id
    having not bool_and(is_short_break)
),

final as (
    select
        children.collection_year,
        children.child_id,
        settings.authority_code as responsible_authority_code,
        placed_at_year_end.child_id is not null as is_looked_after_at_year_end,
        placed_at_year_end.child_id is not null
        and children.was_looked_after_on_first_day
        and not children.is_interrupted as is_looked_after_for_12_months,
        cast(children.placement_count as bigint) as placement_count,
        children.vintage_ids
    from children
    cross join settings
    left join placed_at_year_end
        on
            children.collection_year = placed_at_year_end.collection_year
            and children.child_id = placed_at_year_end.child_id
)

select * from final
