-- One row per academic year, area and type of school, as the Department for Education published it.
{{ dfe_statistics(
    'dfe_exclusions',
    split_by=['school_type'],
    figures=[
        'headcount', 'permanent_exclusions', 'permanent_exclusion_rate', 'suspensions', 'suspension_rate',
        'pupils_suspended', 'pupils_suspended_percent',
    ]
) }}
