{# The rows of one entry of the list of published series (macro published_series). An entry names its indicator_id, its
   source_dataset, the staging model that holds its rows, and

   period_type              a type of twelve months; start_year of the model is the year in which a period begins
   where                    columns, and what each of them holds in the rows of the series; none is an empty cell
   value                    the printed figure; without it the value is worked out from the counts
   numerator, denominator   counts, where they are printed
   denominator_where        where the denominator stands in another row: in which columns that row differs
   breakdown, breakdown_value    what splits the area: its name, and the column of its members, of which Total is the
                            area as a whole; breakdown_column instead of breakdown where a column holds the name

   The status of a printed figure is <value>_status of the model, that of counts the most restrictive of theirs. #}
{% macro published_figures(entry) -%}
    {%- set known = [
        'indicator_id', 'source_dataset', 'model', 'period_type', 'where', 'value', 'numerator', 'denominator',
        'denominator_where', 'breakdown', 'breakdown_column', 'breakdown_value',
    ] -%}
    {%- for key in entry if key not in known -%}
        {{ exceptions.raise_compiler_error(
            'published series ' ~ entry.indicator_id ~ ': ' ~ key ~ ' is none of ' ~ known | join(', ')
        ) }}
    {%- endfor -%}
    {%- set where = entry.where or {} -%}
    {%- set other = 'other' if entry.denominator_where else 'series' -%}
    select
        '{{ entry.indicator_id }}' as indicator_id,
        '{{ entry.source_dataset }}' as source_dataset,
        series.area_code,
        {% if entry.breakdown_column -%}
        replace(lower(series.{{ entry.breakdown_column }}), ' ', '_') as breakdown,
        {%- else -%}
        '{{ entry.breakdown or 'total' }}' as breakdown,
        {%- endif %}
        {{ 'series.' ~ entry.breakdown_value if entry.breakdown_value else "'Total'" }} as breakdown_value,
        '{{ entry.period_type }}' as period_type,
        series.start_year,
        {{ 'series.' ~ entry.numerator if entry.numerator else 'cast(null as bigint)' }} as numerator,
        {{ other ~ '.' ~ entry.denominator if entry.denominator else 'cast(null as bigint)' }} as denominator,
        {% if entry.value -%}
        series.{{ entry.value }} as published_value,
        series.{{ entry.value }}_status as published_status,
        {%- else -%}
        cast(null as decimal(18, 6)) as published_value,
        {{ worst_status([
            'series.' ~ entry.numerator ~ '_status',
            'coalesce(' ~ other ~ '.' ~ entry.denominator ~ "_status, 'x')",
        ]) }} as published_status,
        {%- endif %}
        {{ distinct_values(['series.vintage_id', other ~ '.vintage_id']) }} as vintage_ids
    from {{ entry.model }} as series
    {% if entry.denominator_where -%}
    left join {{ entry.model }} as other
        on
            series.area_code = other.area_code
            and series.start_year = other.start_year
            and {{ holding(dict(where, **entry.denominator_where), 'other') }}
    {% endif -%}
    where
        {{ holding(where, 'series') }}
        {%- if entry.breakdown_column %}
        -- Some files print a total under every name; only the one without a name is the area's.
        and (series.{{ entry.breakdown_value }} <> 'Total' or series.{{ entry.breakdown_column }} = 'Total')
        {%- endif %}
{%- endmacro %}


{# That each of these columns holds its value. #}
{% macro holding(where, relation) -%}
    {%- for column, member in where.items() -%}
        {{ ' and ' if not loop.first }}{{ relation }}.{{ column }}
        {%- if member is none %} is null
        {%- elif member is number %} = {{ member }}
        {%- else %} = '{{ member | replace("'", "''") }}'
        {%- endif %}
    {%- else -%}
        true
    {%- endfor -%}
{%- endmacro %}
