-- One row per school as a file names it, with the organisation of the register that it is, where there is one.
with on_roll as (
    select * from {{ ref('stg_census__exclusions_on_roll') }}
),

off_roll as (
    select * from {{ ref('stg_census__exclusions_off_roll') }}
),

extracts as (
    select * from {{ ref('stg_schools__exclusions') }}
),

rolls as (
    select * from {{ ref('stg_schools__pupils_on_roll') }}
),

organisations as (
    select * from {{ ref('stg_register__organisations') }}
),

written as (
    select school_id from on_roll
    union
    select school_id from off_roll
    union
    select school_id from extracts
    union
    select school_id from rolls
),

called as (
    select
        organisation_id,
        sector_code,
        unnest(list_concat([organisation_id, organisation_name], coalesce(aliases, []))) as organisation_name
    from organisations
),

-- A name that stands for two organisations names neither.
unambiguous as (
    select
        {{ plain_name('organisation_name') }} as plain_name,
        min(organisation_id) as organisation_id,
        min(sector_code) as sector_code
    from called
    group by {{ plain_name('organisation_name') }}
    having count(distinct organisation_id) = 1
),

final as (
    select
        written.school_id,
        coalesce(unambiguous.organisation_id, {{ plain_name('written.school_id') }}) as school_key,
        unambiguous.organisation_id,
        unambiguous.sector_code
    from written
    left join unambiguous on {{ plain_name('written.school_id') }} = unambiguous.plain_name
)

select * from final
