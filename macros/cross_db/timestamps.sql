{# Timestamps of CDI's UPDATED_AT: UTC, to the microsecond, in the type of the CDI pages for each warehouse
   (braze.com/docs, Cloud Data Ingestion, Table setup). #}

{% macro type_updated_at() %}
    {{ return(adapter.dispatch('type_updated_at', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__type_updated_at() %}
    {{ return('timestamp') }}
{% endmacro %}


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
