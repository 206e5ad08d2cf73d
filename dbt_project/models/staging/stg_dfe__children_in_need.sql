-- One row per year to 31 March, area and primary need of children in need, as the Department for Education published
-- it.
{{ dfe_statistics(
    'dfe_children_in_need',
    split_by=['primary_need_name'],
    figures=['children', 'rate_per_10000'],
    ends_in_named_year=true
) }}
