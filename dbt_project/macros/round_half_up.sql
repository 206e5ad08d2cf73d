{# The quotient numerator / denominator rounded to a number of decimals, halves away from zero, as the publishers'
   printed figures are: 0.125 → 0.13, 2.5 → 3, -2.5 → -3. Whole-number arithmetic throughout, because a quotient of
   binary fractions lies beside the half and not on it (DuckDB divides decimals as doubles); only the rounded result
   becomes a double, the one nearest to its decimal notation.

   numerator, denominator: whole numbers, the denominator above zero; over zero there is no quotient, also where DuckDB
   divides before it has looked whether it should. decimals: a whole number or a column of them.
   DuckDB: `//` and hugeint (Spark: `div` and decimal(38, 0)). #}
{% macro round_half_up(numerator, denominator, decimals) -%}
    cast(
        sign({{ numerator }}) * (
            (
                2 * abs(cast({{ numerator }} as hugeint)) * cast(power(10, {{ decimals }}) as hugeint)
                + cast({{ denominator }} as hugeint)
            ) // nullif(2 * cast({{ denominator }} as hugeint), 0)
        ) as double
    ) / power(10, {{ decimals }})
{%- endmacro %}
