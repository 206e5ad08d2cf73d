-- One row: what the home's settings say.
with settings as (
    select * from {{ source('home', 'settings') }}
),

final as (
    select authority_code
    from settings
)

select * from final
