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

{# The start of the transaction, to the microsecond, in the session's time zone, from which the cast takes it back:
   docs.aws.amazon.com/redshift, SYSDATE. GETDATE() has whole seconds; now() runs on the leader node only. #}
{% macro redshift__now_utc() %}
    {{ return('cast(sysdate as timestamptz)') }}
{% endmacro %}

{# A TIMESTAMP is a moment, whatever the zone of the session: docs.databricks.com, TIMESTAMP type. #}
{% macro databricks__now_utc() %}
    {{ return('current_timestamp()') }}
{% endmacro %}

{# The same all over a statement: docs.cloud.google.com/bigquery, Timestamp functions, CURRENT_TIMESTAMP. #}
{% macro bigquery__now_utc() %}
    {{ return('current_timestamp()') }}
{% endmacro %}

{# CURRENT_TIMESTAMP is in the zone of the session, and may have nanoseconds. #}
{% macro snowflake__now_utc() %}
    {{ return("date_trunc('microsecond', cast(convert_timezone('UTC', current_timestamp()) as timestamp_ntz(9)))") }}
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

{# DATEADD knows no timestamp with a time zone, and counts with an integer of 32 bits: docs.aws.amazon.com/redshift, DATEADD. #}
{% macro redshift__add_microseconds(timestamp, microseconds) %}
    {%- set unit, number = 'microsecond', microseconds -%}
    {%- if microseconds is number and microseconds % 1000000 == 0 -%}
        {%- set unit, number = 'second', microseconds // 1000000 -%}
    {%- endif -%}
    {{ return('(dateadd(' ~ unit ~ ', ' ~ number ~ ', ' ~ timestamp ~ " at time zone 'UTC') at time zone 'UTC')") }}
{% endmacro %}

{% macro databricks__add_microseconds(timestamp, microseconds) %}
    {{ return('timestamp_micros(unix_micros(' ~ timestamp ~ ') + ' ~ microseconds ~ ')') }}
{% endmacro %}

{% macro bigquery__add_microseconds(timestamp, microseconds) %}
    {{ return('timestamp_add(' ~ timestamp ~ ', interval (' ~ microseconds ~ ') microsecond)') }}
{% endmacro %}

{% macro snowflake__add_microseconds(timestamp, microseconds) %}
    {{ return('dateadd(microsecond, ' ~ microseconds ~ ', ' ~ timestamp ~ ')') }}
{% endmacro %}


{# A moment as text `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, which sorts as the moments do. #}
{% macro updated_at_text(timestamp) %}
    {{ return(adapter.dispatch('updated_at_text', 'dbt_braze')(timestamp)) }}
{% endmacro %}

{% macro default__updated_at_text(timestamp) %}
    {{ return(dbt_braze.unsupported('updated_at_text')) }}
{% endmacro %}

{% macro duckdb__updated_at_text(timestamp) %}
    {{ return('strftime(' ~ timestamp ~ ", '%Y-%m-%d %H:%M:%S.%f')") }}
{% endmacro %}

{% macro redshift__updated_at_text(timestamp) %}
    {{ return('to_char(' ~ timestamp ~ " at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')") }}
{% endmacro %}

{% macro databricks__updated_at_text(timestamp) %}
    {{ return("trim(both '\"' from " ~ dbt_braze.databricks_json_time(timestamp, 'yyyy-MM-dd HH:mm:ss.SSSSSS', 'yyyy-MM-dd') ~ ')') }}
{% endmacro %}

{% macro bigquery__updated_at_text(timestamp) %}
    {{ return("format_timestamp('%E4Y-%m-%d %H:%M:%E6S', " ~ timestamp ~ ", 'UTC')") }}
{% endmacro %}

{% macro snowflake__updated_at_text(timestamp) %}
    {{ return('to_varchar(' ~ timestamp ~ ", 'YYYY-MM-DD HH24:MI:SS.FF6')") }}
{% endmacro %}


{# The constant for such a text: partitions are pruned by constants alone on some warehouses. #}
{% macro updated_at_literal(text) %}
    {{ return(adapter.dispatch('updated_at_literal', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__updated_at_literal(text) %}
    {{ return("timestamp '" ~ text ~ "'") }}
{% endmacro %}

{% macro redshift__updated_at_literal(text) %}
    {{ return("cast('" ~ text ~ "+00' as timestamptz)") }}
{% endmacro %}

{# Without a zone it would be in the zone of the session: docs.databricks.com, TIMESTAMP type. #}
{% macro databricks__updated_at_literal(text) %}
    {{ return("timestamp '" ~ text ~ "Z'") }}
{% endmacro %}

{# Without a zone it would be in the default one of the project. #}
{% macro bigquery__updated_at_literal(text) %}
    {{ return("timestamp '" ~ text ~ "+00'") }}
{% endmacro %}

{# With its format, for the session's may be any; of constants it is a constant. #}
{% macro snowflake__updated_at_literal(text) %}
    {{ return("to_timestamp_ntz('" ~ text ~ "', 'YYYY-MM-DD HH24:MI:SS.FF6')") }}
{% endmacro %}
