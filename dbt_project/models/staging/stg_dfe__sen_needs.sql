-- One row per academic year, area, phase, status and primary type of special educational need, as the Department for
-- Education published it.
{{ dfe_statistics(
    'dfe_sen_needs',
    split_by=['phase_type_grouping', 'sen_status', 'primary_need_name'],
    figures=['pupils']
) }}
