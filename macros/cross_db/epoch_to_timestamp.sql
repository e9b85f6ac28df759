{# Unix seconds to a timestamp in UTC, of the type that dbt.type_timestamp() names. #}
{% macro epoch_to_timestamp(seconds) %}
    {{ return(adapter.dispatch('epoch_to_timestamp', 'dbt_braze')(seconds)) }}
{% endmacro %}

{% macro default__epoch_to_timestamp(seconds) %}
    {{ return("(timestamp 'epoch' + " ~ seconds ~ " * interval '1 second')") }}
{% endmacro %}

{# to_timestamp() has a time zone on DuckDB, make_timestamp() has none and counts microseconds. #}
{% macro duckdb__epoch_to_timestamp(seconds) %}
    {{ return('make_timestamp(cast(' ~ seconds ~ ' as bigint) * 1000000)') }}
{% endmacro %}

{% macro snowflake__epoch_to_timestamp(seconds) %}
    {{ return('to_timestamp_ntz(' ~ seconds ~ ')') }}
{% endmacro %}

{% macro bigquery__epoch_to_timestamp(seconds) %}
    {{ return('timestamp_seconds(' ~ seconds ~ ')') }}
{% endmacro %}

{% macro databricks__epoch_to_timestamp(seconds) %}
    {{ return('timestamp_seconds(' ~ seconds ~ ')') }}
{% endmacro %}
