{# JSON text of one SQL value, null for a null. Every macro takes an expression and returns an expression of text.
   Text and not a JSON type: it is what goes into the payload, byte for byte, and it compares and hashes alike everywhere.
   A value that the type can't hold becomes json_impossible(), which makes the row invalid. #}

{% macro json_impossible() %}
    {{ return("'?'") }}
{% endmacro %}


{% macro json_string(value) %}
    {{ return(adapter.dispatch('json_string', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_string(value) %}
    {{ return(dbt_braze.unsupported('json_string')) }}
{% endmacro %}

{% macro duckdb__json_string(value) %}
    {{ return('cast(to_json(cast(' ~ value ~ ' as varchar)) as varchar)') }}
{% endmacro %}

{# SUPER writes a string as JSON does: docs.aws.amazon.com/redshift, JSON_SERIALIZE. A null would come out as a text. One byte can
   take six. #}
{% macro redshift__json_string(value) %}
    {%- set text = 'cast(' ~ value ~ ' as varchar(65535))' -%}
    {%- set most = dbt_braze.max_text_bytes() // 6 -%}
    {{ return('case when octet_length(' ~ text ~ ') > ' ~ most ~ ' then ' ~ dbt_braze.json_impossible()
        ~ ' when ' ~ text ~ ' is not null then json_serialize(cast(case when octet_length(' ~ text ~ ') <= ' ~ most
        ~ ' then ' ~ text ~ ' end as super)) end') }}
{% endmacro %}

{# to_json() takes no text: docs.databricks.com, to_json function. #}
{% macro databricks__json_string(value) %}
    {{ return(dbt_braze.databricks_json_scalar('cast(' ~ value ~ ' as string)')) }}
{% endmacro %}

{# A scalar through an array of one: the brackets are all that the trim can reach, for text and times are in quotes. #}
{% macro databricks_json_scalar(value, options=none) %}
    {{ return("nullif(trim(both '[]' from to_json(array(" ~ value ~ ')' ~ (', ' ~ options if options else '') ~ ")), 'null')") }}
{% endmacro %}

{# to_json_string() makes the text null of a null; a text has quotes around it. #}
{% macro bigquery__json_string(value) %}
    {{ return("nullif(to_json_string(cast(" ~ value ~ " as string)), 'null')") }}
{% endmacro %}

{% macro snowflake__json_string(value) %}
    {{ return('to_json(to_variant(cast(' ~ value ~ ' as varchar)))') }}
{% endmacro %}


{% macro json_integer(value) %}
    {{ return(adapter.dispatch('json_integer', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_integer(value) %}
    {{ return(dbt_braze.unsupported('json_integer')) }}
{% endmacro %}

{% macro duckdb__json_integer(value) %}
    {{ return('case when ' ~ value ~ ' is not null then coalesce(cast(try_cast(' ~ value ~ ' as bigint) as varchar), '
        ~ dbt_braze.json_impossible() ~ ') end') }}
{% endmacro %}

{# CASE does not keep Redshift from evaluating what it does not select, so each cast is given only what it can cast. Texts are
   declared no wider than they are: a row of many wide columns does not fit into a block. #}
{% macro redshift__json_integer(value) %}
    {%- set fits = value ~ ' >= -9223372036854775808 and ' ~ value ~ ' < 9223372036854775808' -%}
    {{ return('case when ' ~ value ~ ' is not null then coalesce(cast(cast(case when ' ~ fits ~ ' then ' ~ value
        ~ ' end as bigint) as varchar(20)), ' ~ dbt_braze.json_impossible() ~ ') end') }}
{% endmacro %}

{% macro databricks__json_integer(value) %}
    {{ return('case when ' ~ value ~ ' is not null then coalesce(cast(try_cast(' ~ value ~ ' as bigint) as string), '
        ~ dbt_braze.json_impossible() ~ ') end') }}
{% endmacro %}

{% macro bigquery__json_integer(value) %}
    {{ return('case when ' ~ value ~ ' is not null then coalesce(cast(safe_cast(' ~ value ~ ' as int64) as string), '
        ~ dbt_braze.json_impossible() ~ ') end') }}
{% endmacro %}

{# An integer has 38 digits on Snowflake; Braze and the other warehouses take those of 64 bits. #}
{% macro snowflake__json_integer(value) %}
    {{ return('case when ' ~ value ~ ' between -9223372036854775808 and 9223372036854775807 then cast(cast(' ~ value
        ~ ' as number(38, 0)) as varchar) when ' ~ value ~ ' is not null then ' ~ dbt_braze.json_impossible() ~ ' end') }}
{% endmacro %}


{% macro json_decimal(value) %}
    {{ return(adapter.dispatch('json_decimal', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_decimal(value) %}
    {{ return(dbt_braze.unsupported('json_decimal')) }}
{% endmacro %}

{# Nine decimals, then without the zeros that only the scale adds: 12.50 and 12.5 are one value. #}
{% macro duckdb__json_decimal(value) %}
    {%- set text = "rtrim(rtrim(cast(try_cast(" ~ value ~ " as decimal(38, 9)) as varchar), '0'), '.')" -%}
    {{ return('case when ' ~ value ~ ' is not null then coalesce(' ~ text ~ ', ' ~ dbt_braze.json_impossible() ~ ') end') }}
{% endmacro %}

{% macro redshift__json_decimal(value) %}
    {%- set limit = '1' ~ '0' * 29 -%}
    {%- set fits = value ~ ' > -' ~ limit ~ ' and ' ~ value ~ ' < ' ~ limit -%}
    {%- set number = 'cast(case when ' ~ fits ~ ' then ' ~ value ~ ' end as decimal(38, 9))' -%}
    {{ return('case when ' ~ value ~ ' is not null then coalesce(' ~ "rtrim(rtrim(cast(" ~ number ~ " as varchar(40)), '0'), '.')"
        ~ ', ' ~ dbt_braze.json_impossible() ~ ') end') }}
{% endmacro %}

{% macro databricks__json_decimal(value) %}
    {%- set text = "trim(trailing '.' from trim(trailing '0' from cast(try_cast(" ~ value ~ " as decimal(38, 9)) as string)))" -%}
    {{ return('case when ' ~ value ~ ' is not null then coalesce(' ~ text ~ ', ' ~ dbt_braze.json_impossible() ~ ') end') }}
{% endmacro %}

{# numeric has nine decimals, and its text has no zeros at the end. PAYLOAD keeps 17 significant digits of it. #}
{% macro bigquery__json_decimal(value) %}
    {{ return('case when ' ~ value ~ ' is not null then coalesce(cast(safe_cast(' ~ value ~ ' as numeric) as string), '
        ~ dbt_braze.json_impossible() ~ ') end') }}
{% endmacro %}

{% macro snowflake__json_decimal(value) %}
    {%- set largest = '9' * 29 -%}
    {{ return('case when ' ~ value ~ ' between -' ~ largest ~ ' and ' ~ largest ~ ' then rtrim(rtrim(cast(cast(' ~ value
        ~ " as number(38, 9)) as varchar), '0'), '.') when " ~ value ~ ' is not null then ' ~ dbt_braze.json_impossible() ~ ' end') }}
{% endmacro %}


{% macro json_float(value) %}
    {{ return(adapter.dispatch('json_float', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_float(value) %}
    {{ return(dbt_braze.unsupported('json_float')) }}
{% endmacro %}

{# JSON has no NaN and no infinity: they count as no value. #}
{% macro duckdb__json_float(value) %}
    {%- set number = 'try_cast(' ~ value ~ ' as double)' -%}
    {{ return('case when ' ~ value ~ ' is not null and ' ~ number ~ ' is null then ' ~ dbt_braze.json_impossible()
        ~ ' when isfinite(' ~ number ~ ') then cast(' ~ value ~ ' as varchar) end') }}
{% endmacro %}

{% macro redshift__json_float(value) %}
    {%- set text = 'cast(' ~ value ~ ' as varchar(64))' -%}
    {%- set number %}^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?${% endset -%}
    {{ return('case when ' ~ text ~ ' ~ ' ~ dbt_braze.literal(number) ~ ' then ' ~ text ~ ' when lower(' ~ text
        ~ ") not in ('nan', 'infinity', '-infinity') then " ~ dbt_braze.json_impossible() ~ ' end') }}
{% endmacro %}

{# NaN is above infinity: docs.databricks.com, Special floating point values. #}
{% macro databricks__json_float(value) %}
    {%- set number = 'try_cast(' ~ value ~ ' as double)' -%}
    {{ return('case when ' ~ value ~ ' is not null and ' ~ number ~ ' is null then ' ~ dbt_braze.json_impossible()
        ~ ' when abs(' ~ number ~ ") < double('infinity') then cast(" ~ value ~ ' as string) end') }}
{% endmacro %}

{% macro bigquery__json_float(value) %}
    {%- set number = 'safe_cast(' ~ value ~ ' as float64)' -%}
    {{ return('case when ' ~ value ~ ' is not null and ' ~ number ~ ' is null then ' ~ dbt_braze.json_impossible()
        ~ ' when not is_nan(' ~ number ~ ') and not is_inf(' ~ number ~ ') then cast(' ~ number ~ ' as string) end') }}
{% endmacro %}

{# A cast of a float to text, and TO_JSON, keep ten to sixteen digits; the format TME keeps the seventeen that tell every double
   from the next: docs.snowflake.com, SQL format models. NaN equals itself: docs.snowflake.com, Numeric data types. #}
{% macro snowflake__json_float(value) %}
    {%- set number = 'cast(' ~ value ~ ' as double)' -%}
    {{ return('case when ' ~ number ~ " not in (cast('NaN' as double), cast('inf' as double), cast('-inf' as double)) then to_varchar("
        ~ number ~ ", 'TME') end") }}
{% endmacro %}


{% macro json_boolean(value) %}
    {{ return(adapter.dispatch('json_boolean', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_boolean(value) %}
    {{ return("case when " ~ value ~ " then 'true' when not " ~ value ~ " then 'false' end") }}
{% endmacro %}

{# The field of an object is SUPER, which is no condition by itself. #}
{% macro redshift__json_boolean(value) %}
    {{ return(dbt_braze.default__json_boolean('cast(' ~ value ~ ' as boolean)')) }}
{% endmacro %}


{% macro json_date(value) %}
    {{ return(adapter.dispatch('json_date', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_date(value) %}
    {{ return(dbt_braze.unsupported('json_date')) }}
{% endmacro %}

{% macro duckdb__json_date(value) %}
    {{ return("strftime(make_timestamp(epoch_us(" ~ value ~ ")), '\"%Y-%m-%d\"')") }}
{% endmacro %}

{% macro redshift__json_date(value) %}
    {{ return("'\"' || to_char(" ~ dbt_braze.redshift_utc(value) ~ ", 'YYYY-MM-DD') || '\"'") }}
{% endmacro %}

{# The JSON of a date, a datetime and a timestamp begins alike, and unlike a cast does not depend on the default time zone,
   which a project can set: docs.cloud.google.com/bigquery, JSON functions, JSON encodings. #}
{% macro bigquery__json_date(value) %}
    {{ return("substr(nullif(to_json_string(" ~ value ~ "), 'null'), 1, 11) || '\"'") }}
{% endmacro %}

{# The moment as a timestamp in UTC. By way of text, for in SQL nothing tells a value with a time zone from one without. #}
{% macro redshift_utc(value) %}
    {%- set text = 'cast(' ~ value ~ ' as varchar(64))' -%}
    {%- set has_zone = 'substring(' ~ text ~ " from 11) ~ '[-+zZ]'" -%}
    {{ return("coalesce(cast(case when " ~ has_zone ~ ' then ' ~ text ~ " end as timestamptz) at time zone 'UTC', cast(case when not "
        ~ has_zone ~ ' then ' ~ text ~ ' end as timestamp))') }}
{% endmacro %}

{% macro databricks__json_date(value) %}
    {{ return(dbt_braze.databricks_json_time(value, 'yyyy-MM-dd', 'yyyy-MM-dd')) }}
{% endmacro %}

{% macro snowflake__json_date(value) %}
    {{ return("'\"' || to_varchar(" ~ dbt_braze.snowflake_utc(value) ~ ", 'YYYY-MM-DD') || '\"'") }}
{% endmacro %}


{% macro json_timestamp(value) %}
    {{ return(adapter.dispatch('json_timestamp', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_timestamp(value) %}
    {{ return(dbt_braze.unsupported('json_timestamp')) }}
{% endmacro %}

{# ISO 8601 in UTC to the millisecond, which is what Braze keeps. A timestamp without a zone is taken as UTC; a cast would
   turn one with a zone into the time of the session's zone. Infinity is no value. #}
{% macro duckdb__json_timestamp(value) %}
    {{ return("strftime(make_timestamp(epoch_us(" ~ value ~ ")), '\"%Y-%m-%dT%H:%M:%S.%gZ\"')") }}
{% endmacro %}

{% macro redshift__json_timestamp(value) %}
    {%- set moment = "date_trunc('millisecond', " ~ dbt_braze.redshift_utc(value) ~ ')' -%}
    {{ return("'\"' || to_char(" ~ moment ~ ", 'YYYY-MM-DD') || 'T' || to_char(" ~ moment ~ ", 'HH24:MI:SS.MS') || 'Z\"'") }}
{% endmacro %}

{% macro databricks__json_timestamp(value) %}
    {{ return(dbt_braze.databricks_json_time(value, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T00:00:00.000Z'")) }}
{% endmacro %}

{# date_format() writes in the zone of the session, and no arithmetic moves a moment into UTC where that zone skips an hour.
   to_json() takes the zone: docs.databricks.com, to_json function; spark.apache.org, JSON files, timeZone. #}
{% macro databricks_json_time(value, timestamp_format, date_format) %}
    {{ return(dbt_braze.databricks_json_scalar(value, dbt_braze.databricks_json_options(timestamp_format, date_format))) }}
{% endmacro %}

{% macro databricks_json_options(timestamp_format="yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", date_format='yyyy-MM-dd') %}
    {%- set options = ["'timeZone', 'UTC'"] -%}
    {%- for name, format in [('timestamp', timestamp_format), ('timestampNTZ', timestamp_format), ('date', date_format)] -%}
        {%- do options.append("'" ~ name ~ "Format', " ~ dbt_braze.literal(format)) -%}
    {%- endfor -%}
    {{ return('map(' ~ (options | join(', ')) ~ ')') }}
{% endmacro %}

{# Through JSON again: with a Z at its end (timestamp) or without (datetime, date), the text is in UTC. %E3S truncates:
   docs.cloud.google.com/bigquery, Format elements for date and time parts. #}
{% macro bigquery__json_timestamp(value) %}
    {%- set text = "rtrim(trim(nullif(to_json_string(" ~ value ~ "), 'null'), '\"'), 'Z')" -%}
    {{ return("format_timestamp('\"%E4Y-%m-%dT%H:%M:%E3SZ\"', timestamp(" ~ text ~ ", 'UTC'), 'UTC')") }}
{% endmacro %}

{% macro snowflake__json_timestamp(value) %}
    {{ return("'\"' || to_varchar(" ~ dbt_braze.snowflake_utc(value) ~ ", 'YYYY-MM-DD\"T\"HH24:MI:SS.FF3\"Z\"') || '\"'") }}
{% endmacro %}

{# A moment of any type as a timestamp without a zone in UTC: one that has no zone counts as UTC, where CONVERT_TIMEZONE would
   take it for the session's. Adding nothing makes a timestamp of a date, which has no microseconds: docs.snowflake.com,
   DATEADD and DATE_PART. #}
{% macro snowflake_utc(value) %}
    {{ return('to_timestamp_ntz(date_part(epoch_microsecond, dateadd(microsecond, 0, ' ~ value ~ ')), 6)') }}
{% endmacro %}
