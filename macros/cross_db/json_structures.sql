{# JSON text of arrays, objects and JSON columns, by the rules of json_values.sql; and what can be asked of such a text. #}

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
