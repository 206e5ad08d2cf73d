-- One row per year, area and class of new placements, as the Department for Education published it.
{{ dfe_statistics(
    'dfe_new_placements',
    split_by=['characteristic', 'breakdown'],
    figures=['placements', 'placements_percent'],
    ends_in_named_year=true
) }}
