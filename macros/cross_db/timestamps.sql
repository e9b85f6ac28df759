{# Moments in UTC, to the microsecond, of the type of UPDATED_AT. #}

{% macro now_utc() %}
    {{ return(adapter.dispatch('now_utc', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__now_utc() %}
    {{ return(dbt_braze.unsupported('now_utc')) }}
{% endmacro %}

{% macro duckdb__now_utc() %}
    {{ return("cast(now() at time zone 'UTC' as timestamp)") }}
{% endmacro %}


{% macro add_microseconds(timestamp, microseconds) %}
    {{ return(adapter.dispatch('add_microseconds', 'dbt_braze')(timestamp, microseconds)) }}
{% endmacro %}

{% macro default__add_microseconds(timestamp, microseconds) %}
    {{ return(dbt_braze.unsupported('add_microseconds')) }}
{% endmacro %}

{% macro duckdb__add_microseconds(timestamp, microseconds) %}
    {{ return('(' ~ timestamp ~ ' + to_microseconds(' ~ microseconds ~ '))') }}
{% endmacro %}
