-- One row per academic year, area, phase of education and characteristic of pupils, as the Department for Education
-- published it.
{{ dfe_statistics(
    'dfe_exclusions_by_characteristic',
    split_by=['school_type', 'characteristic_group', 'characteristic'],
    figures=[
        'headcount', 'permanent_exclusions', 'permanent_exclusion_rate', 'suspensions', 'suspension_rate',
        'pupils_suspended', 'pupils_suspended_percent',
    ]
) }}
