-- One row per year to 31 March, area and kind of count of looked-after children, as the Department for Education
-- published it.
{{ dfe_statistics(
    'dfe_looked_after_rate',
    split_by=['population_type'],
    figures=['population_estimate', 'children', 'rate_per_10000'],
    ends_in_named_year=true
) }}
