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


{% macro json_array(value) %}
    {{ return(adapter.dispatch('json_array', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_array(value) %}
    {{ return(dbt_braze.unsupported('json_array')) }}
{% endmacro %}

{# Braze has no null inside an array. #}
{% macro duckdb__json_array(value) %}
    {{ return('cast(to_json(list_filter(' ~ value ~ ', lambda item: item is not null)) as varchar)') }}
{% endmacro %}

{% macro redshift__json_array(value) %}
    {%- set others %},null(?=[],]{{ dbt_braze.outside_of_strings() }}){% endset -%}
    {%- set first %}\[null,?(?={{ dbt_braze.outside_of_strings() }}){% endset -%}
    {%- set text = dbt_braze.redshift_json_text(value) -%}
    {{ return('case when ' ~ text ~ " like '%null%' then "
        ~ dbt_braze.regexp_replace_all(dbt_braze.regexp_remove(text, others), first, '[') ~ ' else ' ~ text ~ ' end') }}
{% endmacro %}

{# to_json() and not to_json_string() alone, which puts quotes around long integers. A column that is an array is never null
   here: a null is stored as an empty array (docs.cloud.google.com/bigquery, Work with arrays). #}
{% macro bigquery__json_array(value) %}
    {{ return("case when " ~ value ~ " is not null then to_json_string(to_json(array(select item from unnest(" ~ value
        ~ ") as item with offset as place where item is not null order by place))) end") }}
{% endmacro %}

{# JSON text of SUPER, or of a text that holds JSON; null for a null of either kind. Cast to a text SUPER gives its strings and
   numbers, and null for arrays and objects: docs.aws.amazon.com/redshift, SUPER limitations. #}
{% macro redshift_json_text(value) %}
    {%- set super = 'cast(' ~ value ~ ' as super)' -%}
    {%- set fits = 'json_size(' ~ super ~ ') <= ' ~ dbt_braze.max_text_bytes() -%}
    {{ return('case when not ' ~ fits ~ ' then ' ~ dbt_braze.json_impossible() ~ ' else nullif(coalesce(cast(' ~ super
        ~ ' as varchar(65535)), json_serialize(case when ' ~ fits ~ ' then ' ~ super ~ " end)), 'null') end") }}
{% endmacro %}

{# The end of a pattern for JSON: from here on strings are whole, so what stands before is in none. #}
{% macro outside_of_strings() %}
    {%- set rest %}[^"\\]*((\\.|"[^"\\]*(\\.[^"\\]*)*")[^"\\]*)*${% endset -%}
    {{ return(rest) }}
{% endmacro %}

{% macro databricks__json_array(value) %}
    {{ return('to_json(array_compact(' ~ value ~ '), ' ~ dbt_braze.databricks_json_options() ~ ')') }}
{% endmacro %}

{# ARRAY_COMPACT drops both kinds of null: docs.snowflake.com, ARRAY_COMPACT. #}
{% macro snowflake__json_array(value) %}
    {{ return('to_json(array_compact(to_array(' ~ value ~ ')))') }}
{% endmacro %}


{% macro json_object(value) %}
    {{ return(adapter.dispatch('json_object', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_object(value) %}
    {{ return(dbt_braze.unsupported('json_object')) }}
{% endmacro %}

{# A null anywhere inside an object makes Braze drop the whole update of that attribute without a word, so none is left in:
   braze.com/docs, Nested custom attributes. A merge patch removes those of objects in objects; a null inside an array
   inside makes the row invalid. #}
{% macro duckdb__json_object(value) %}
    {{ return("nullif(cast(case when " ~ value ~ " is not null then json_merge_patch('{}', to_json(" ~ value ~ ")) end as varchar), 'null')") }}
{% endmacro %}

{# The same by patterns: first what follows a comma, then what is left behind a brace. #}
{% macro redshift__json_object(value) %}
    {%- set others %},"[^"\\]*(\\.[^"\\]*)*":null(?=[,}]{{ dbt_braze.outside_of_strings() }}){% endset -%}
    {%- set first %}\{"[^"\\]*(\\.[^"\\]*)*":null,?(?={{ dbt_braze.outside_of_strings() }}){% endset -%}
    {%- set text = dbt_braze.redshift_json_text(value) -%}
    {{ return('case when ' ~ text ~ " like '%null%' then "
        ~ dbt_braze.regexp_replace_all(dbt_braze.regexp_remove(text, others), first, '{') ~ ' else ' ~ text ~ ' end') }}
{% endmacro %}

{# Of a struct to_json() leaves out the nulls at every level; a null in a map or an array makes the row invalid:
   docs.databricks.com, to_json function. #}
{% macro databricks__json_object(value) %}
    {{ return('to_json(' ~ value ~ ', ' ~ dbt_braze.databricks_json_options() ~ ')') }}
{% endmacro %}

{# Nulls of objects go, those that are elements of arrays stay: docs.cloud.google.com/bigquery, JSON functions, JSON_STRIP_NULLS. #}
{% macro bigquery__json_object(value) %}
    {{ return("nullif(to_json_string(json_strip_nulls(to_json(" ~ value ~ "), include_arrays => false)), 'null')") }}
{% endmacro %}

{# OBJECT_CONSTRUCT drops only the nulls that it is given itself, so a value that was parsed or kept with its nulls may hold
   some at any depth. TO_JSON writes no white space; every string is matched whole, so nothing inside of one looks like a key. #}
{% macro snowflake__json_object(value) %}
    {%- set string = '"([^"\\\\]|\\\\.)*"' -%}
    {%- set null_field = string ~ ':(null|undefined)' -%}
    {{ return("nullif(" ~ dbt_braze.regexp_replace_all(
        'to_json(to_variant(' ~ value ~ '))', ',' ~ null_field ~ '|' ~ null_field ~ ',?|(' ~ string ~ ')', '\\5'
    ) ~ ", 'null')") }}
{% endmacro %}


{% macro json_passed_through(value) %}
    {{ return(adapter.dispatch('json_passed_through', 'dbt_braze')(value)) }}
{% endmacro %}

{# JSON's own null is no value. #}
{% macro default__json_passed_through(value) %}
    {%- set text = dbt.cast(value, dbt_braze.type_text()) -%}
    {{ return("case when trim(" ~ text ~ ") != 'null' then " ~ text ~ ' end') }}
{% endmacro %}

{% macro redshift__json_passed_through(value) %}
    {%- set text = dbt_braze.redshift_json_text(value) -%}
    {{ return('case when trim(' ~ text ~ ") != 'null' then " ~ text ~ ' end') }}
{% endmacro %}

{# %t is the text of a string and of a JSON value alike; there is no cast from JSON to string:
   docs.cloud.google.com/bigquery, String functions, FORMAT. #}
{% macro bigquery__json_passed_through(value) %}
    {%- set text = "format('%t', " ~ value ~ ')' -%}
    {{ return('case when ' ~ value ~ " is not null and trim(" ~ text ~ ") != 'null' then " ~ text ~ ' end') }}
{% endmacro %}

{# A cast of a VARIANT to text takes the quotes off a string; TO_JSON of a text would add some. #}
{% macro snowflake__json_passed_through(value) %}
    {%- set text = "case when startswith(system$typeof(" ~ value ~ "), 'VARIANT') then to_json(to_variant(" ~ value ~ ')) else cast('
        ~ value ~ ' as varchar) end' -%}
    {{ return("case when trim(" ~ text ~ ") != 'null' then " ~ text ~ ' end') }}
{% endmacro %}


{# True for JSON that Braze keeps: valid to the letter, and without a null inside. #}
{% macro json_is_sound(text) %}
    {{ return(adapter.dispatch('json_is_sound', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__json_is_sound(text) %}
    {{ return(dbt_braze.unsupported('json_is_sound')) }}
{% endmacro %}

{# json_valid() lets NaN, infinities and a comma at the end pass. They and null are looked for outside of strings, and
   only in a text that has such letters at all. #}
{% macro duckdb__json_is_sound(text) %}
    {%- set without_strings = "regexp_replace(" ~ text ~ ", '\"([^\"\\\\]|\\\\.)*\"', '\"\"', 'g')" -%}
    {{ return(
        '(json_valid(' ~ text ~ ") and not (regexp_matches(" ~ text ~ ", '(?i)null|nan|inf|,\\s*[\\]}]')"
        ~ " and regexp_matches(" ~ without_strings ~ ", '(?i)null|nan|inf|,\\s*[\\]}]')))"
    ) }}
{% endmacro %}

{# docs.aws.amazon.com/redshift, CAN_JSON_PARSE. It does not say how strict it is. #}
{% macro redshift__json_is_sound(text) %}
    {%- set strings %}"[^"\\]*(\\.[^"\\]*)*"{% endset -%}
    {%- set unsound = dbt_braze.literal('null|nan|inf|,[[:space:]]*[]}]') -%}
    {{ return('(can_json_parse(' ~ text ~ ') and not (lower(' ~ text ~ ') ~ ' ~ unsound ~ ' and lower('
        ~ dbt_braze.regexp_replace_all(text, strings, '""') ~ ') ~ ' ~ unsound ~ '))') }}
{% endmacro %}

{# try_parse_json() is strict up to the end of the first value and ignores what follows: so the text is parsed as the first
   element of an array, and is JSON if the second is where it should be, a hash that no text holds of itself. null is then
   looked for outside of strings; the patterns have no group that repeats, for the Java engine recurses on those. #}
{% macro databricks__json_is_sound(text) %}
    {%- set hash = 'md5(' ~ text ~ ')' -%}
    {%- set is_json = "coalesce(try_variant_get(try_parse_json('[' || " ~ text ~ " || ',\"' || " ~ hash ~ " || '\"]'), '$[1]', 'string') = " ~ hash ~ ', false)' -%}
    {%- set without_strings = dbt_braze.regexp_remove(dbt_braze.regexp_remove(text, '\\\\.'), '"[^"]*"') -%}
    {{ return(
        'case when ' ~ text ~ ' is not null then ' ~ is_json ~ ' and not (contains(' ~ text ~ ", 'null') and contains("
        ~ without_strings ~ ", 'null')) end"
    ) }}
{% endmacro %}

{# parse_json() is strict; in what it takes, a null outside of strings is one of JSON. #}
{% macro bigquery__json_is_sound(text) %}
    {%- set without_strings = "regexp_replace(" ~ text ~ ", r'\"([^\"\\\\]|\\\\.)*\"', '')" -%}
    {{ return(
        '(case when ' ~ text ~ ' is not null then safe.parse_json(' ~ text ~ ", wide_number_mode => 'round') is not null"
        ~ " and strpos(" ~ without_strings ~ ", 'null') = 0 end)"
    ) }}
{% endmacro %}

{# CHECK_JSON lets commas too many, NaN, single quotes and more pass (docs.snowflake.com, PARSE_JSON), and does not mind null.
   So it answers for the nesting alone, and the rest is reduced: strings that JSON allows to "", brackets to parentheses, then
   each scalar that stands where one may to v. What is left has no other character and no comma or colon without a value. #}
{% macro snowflake__json_is_sound(text) %}
    {%- set space = '[ \\t\\r\\n]*' -%}
    {%- set plain = '[^"\\\\\\\\\\u0001-\\u001f]*' -%}
    {%- set without_strings = "regexp_replace(" ~ text ~ ", '\"" ~ plain ~ '(\\\\\\\\(["\\\\\\\\/bfnrt]|u[0-9a-fA-F]{4})' ~ plain ~ ")*\"', '\"\"')" -%}
    {%- set scalars = '""|true|false|-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?' -%}
    {%- set reduced = "regexp_replace(translate(" ~ without_strings ~ ", '[]{}', '()()'), '(^|[(,:])" ~ space ~ '(' ~ scalars ~ ")', '\\\\1v')" -%}
    {%- set wrong = '[^(),:v \\t\\r\\n]|[(,:]' ~ space ~ ',|[,:]' ~ space ~ '[)]' -%}
    {{ return('(check_json(' ~ text ~ ') is null and regexp_instr(' ~ reduced ~ ", '" ~ wrong ~ "') = 0)") }}
{% endmacro %}


{% macro json_object_size(text) %}
    {{ return(adapter.dispatch('json_object_size', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__json_object_size(text) %}
    {{ return(dbt_braze.unsupported('json_object_size')) }}
{% endmacro %}

{# Number of keys at the top of a JSON object. #}
{% macro duckdb__json_object_size(text) %}
    {{ return('len(json_keys(' ~ text ~ '))') }}
{% endmacro %}

{# docs.aws.amazon.com/redshift, GET_NUMBER_ATTRIBUTES. What is no JSON has no keys. #}
{% macro redshift__json_object_size(text) %}
    {{ return('get_number_attributes(' ~ dbt_braze.redshift_parsed(text) ~ ')') }}
{% endmacro %}

{% macro databricks__json_object_size(text) %}
    {{ return('array_size(json_object_keys(' ~ text ~ '))') }}
{% endmacro %}

{% macro bigquery__json_object_size(text) %}
    {{ return('array_length(json_keys(safe.parse_json(' ~ text ~ ", wide_number_mode => 'round'), 1))") }}
{% endmacro %}

{% macro snowflake__json_object_size(text) %}
    {{ return('array_size(object_keys(as_object(try_parse_json(' ~ text ~ '))))') }}
{% endmacro %}
