{# The hint, between `as` and the parenthesis of a CTE, that it is computed once and not folded into what reads it. Without it
   DuckDB pushes a filter on a computed column down to the scan and computes the column twice. #}
{% macro materialized_cte() %}
    {{ return(adapter.dispatch('materialized_cte', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__materialized_cte() %}
    {{ return('') }}
{% endmacro %}

{% macro duckdb__materialized_cte() %}
    {{ return('materialized ') }}
{% endmacro %}
