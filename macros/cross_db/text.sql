{# The few functions of text that dbt has no macro for. #}

{% macro literal(text) %}
    {{ return(adapter.dispatch('literal', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__literal(text) %}
    {{ return("'" ~ (text | string).replace("'", "''") ~ "'") }}
{% endmacro %}

{# A backslash escapes: docs.aws.amazon.com/redshift, POSIX operators. #}
{% macro redshift__literal(text) %}
    {{ return("'" ~ (text | string).replace('\\', '\\\\').replace("'", "''") ~ "'") }}
{% endmacro %}

{# A backslash escapes, and ${name} is replaced before the statement is parsed: docs.databricks.com, STRING type;
   spark.apache.org, Configuration, spark.sql.variable.substitute. #}
{% macro databricks__literal(text) %}
    {{ return("'" ~ (text | string).replace('\\', '\\\\').replace("'", "\\'").replace('${', '$\\{') ~ "'") }}
{% endmacro %}

{# A quote is not doubled but escaped, and so are backslashes: docs.cloud.google.com/bigquery, Lexical structure, String and
   bytes literals. #}
{% macro bigquery__literal(text) %}
    {{ return("'" ~ (text | string).replace('\\', '\\\\').replace("'", "\\'").replace('\n', '\\n').replace('\r', '\\r') ~ "'") }}
{% endmacro %}

{# A backslash starts an escape in a text: docs.snowflake.com, String & binary data types. #}
{% macro snowflake__literal(text) %}
    {{ return("'" ~ (text | string).replace("\\", "\\\\").replace("'", "''") ~ "'") }}
{% endmacro %}


{% macro byte_length(text) %}
    {{ return(adapter.dispatch('byte_length', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__byte_length(text) %}
    {{ return('octet_length(' ~ text ~ ')') }}
{% endmacro %}

{% macro duckdb__byte_length(text) %}
    {{ return('strlen(' ~ text ~ ')') }}
{% endmacro %}

{% macro bigquery__byte_length(text) %}
    {{ return('byte_length(' ~ text ~ ')') }}
{% endmacro %}


{% macro regexp_remove(text, pattern) %}
    {{ return(dbt_braze.regexp_replace_all(text, pattern, '')) }}
{% endmacro %}

{% macro regexp_replace_all(text, pattern, replacement) %}
    {{ return(adapter.dispatch('regexp_replace_all', 'dbt_braze')(text, pattern, replacement)) }}
{% endmacro %}

{% macro default__regexp_replace_all(text, pattern, replacement) %}
    {{ return(dbt_braze.unsupported('regexp_replace_all')) }}
{% endmacro %}

{% macro duckdb__regexp_replace_all(text, pattern, replacement) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ dbt_braze.literal(pattern) ~ ', ' ~ dbt_braze.literal(replacement) ~ ", 'g')") }}
{% endmacro %}

{# It replaces every occurrence: docs.aws.amazon.com/redshift, REGEXP_REPLACE. Perl's dialect, as on the other warehouses. #}
{% macro redshift__regexp_replace_all(text, pattern, replacement) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ dbt_braze.literal(pattern) ~ ', ' ~ dbt_braze.literal(replacement) ~ ", 1, 'p')") }}
{% endmacro %}

{% macro databricks__regexp_replace_all(text, pattern, replacement) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ dbt_braze.literal(pattern) ~ ', ' ~ dbt_braze.literal(replacement) ~ ')') }}
{% endmacro %}

{% macro bigquery__regexp_replace_all(text, pattern, replacement) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ dbt_braze.literal(pattern) ~ ', ' ~ dbt_braze.literal(replacement) ~ ')') }}
{% endmacro %}

{% macro snowflake__regexp_replace_all(text, pattern, replacement) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ dbt_braze.literal(pattern) ~ ', ' ~ dbt_braze.literal(replacement) ~ ')') }}
{% endmacro %}


{% macro hex_to_integer(text) %}
    {{ return(adapter.dispatch('hex_to_integer', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__hex_to_integer(text) %}
    {{ return(dbt_braze.unsupported('hex_to_integer')) }}
{% endmacro %}

{% macro duckdb__hex_to_integer(text) %}
    {{ return("cast('0x' || " ~ text ~ " as bigint)") }}
{% endmacro %}

{% macro redshift__hex_to_integer(text) %}
    {{ return('strtol(' ~ text ~ ', 16)') }}
{% endmacro %}

{% macro databricks__hex_to_integer(text) %}
    {{ return('cast(conv(' ~ text ~ ', 16, 10) as bigint)') }}
{% endmacro %}

{% macro bigquery__hex_to_integer(text) %}
    {{ return("cast('0x' || " ~ text ~ " as int64)") }}
{% endmacro %}

{# Three digits, as many as the format has: docs.snowflake.com, SQL format models. #}
{% macro snowflake__hex_to_integer(text) %}
    {{ return('to_number(' ~ text ~ ", 'XXX')") }}
{% endmacro %}


{# The texts that are not null, in order, with a comma between them. #}
{% macro join_present(texts) %}
    {{ return(adapter.dispatch('join_present', 'dbt_braze')(texts)) }}
{% endmacro %}

{% macro default__join_present(texts) %}
    {%- set pieces = [] -%}
    {%- for text in texts -%}
        {%- do pieces.append("coalesce(',' || " ~ text ~ ", '')") -%}
    {%- endfor -%}
    {{ return('substring(' ~ (pieces | join('\n            || ')) ~ ', 2)' if pieces else "''") }}
{% endmacro %}

{# A chain of || keeps every intermediate text: at 250 attributes that is gigabytes. #}
{% macro duckdb__join_present(texts) %}
    {{ return("concat_ws(',', " ~ (texts | join(',\n            ')) ~ ')' if texts else "''") }}
{% endmacro %}

{# A text over 65,535 bytes would fail the statement; here it fails the row. #}
{% macro redshift__join_present(texts) %}
    {%- if not texts -%} {{ return("''") }} {%- endif -%}
    {%- set sizes = [] -%}
    {%- set pieces = [] -%}
    {%- for text in texts -%}
        {%- do sizes.append('coalesce(octet_length(' ~ text ~ ') + 1, 0)') -%}
        {%- do pieces.append("coalesce(',' || " ~ text ~ ", '')") -%}
    {%- endfor -%}
    {{ return('case when ' ~ (sizes | join('\n            + ')) ~ ' > ' ~ (dbt_braze.max_text_bytes() - 2)
        ~ ' then ' ~ dbt_braze.json_impossible()
        ~ '\n            else substring(' ~ (pieces | join('\n            || ')) ~ ' from 2) end') }}
{% endmacro %}

{% macro databricks__join_present(texts) %}
    {{ return("concat_ws(',', " ~ (texts | join(',\n            ')) ~ ')' if texts else "''") }}
{% endmacro %}

{# A null element is left out: docs.cloud.google.com/bigquery, Array functions, ARRAY_TO_STRING. #}
{% macro bigquery__join_present(texts) %}
    {{ return('array_to_string([\n            ' ~ (texts | join(',\n            ')) ~ "\n        ], ',')" if texts else "''") }}
{% endmacro %}


{% macro contains(text, piece) %}
    {{ return(adapter.dispatch('contains', 'dbt_braze')(text, piece)) }}
{% endmacro %}

{% macro default__contains(text, piece) %}
    {{ return('(' ~ dbt.position(piece, text) ~ ' > 0)') }}
{% endmacro %}

{% macro snowflake__contains(text, piece) %}
    {{ return('contains(' ~ text ~ ', ' ~ piece ~ ')') }}
{% endmacro %}


{# Bytes that a column of text can hold where that is less than a payload may have; none elsewhere. #}
{% macro max_text_bytes() %}
    {{ return(adapter.dispatch('max_text_bytes', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__max_text_bytes() %}
    {{ return(none) }}
{% endmacro %}

{# docs.aws.amazon.com/redshift, Character types: varchar(max). #}
{% macro redshift__max_text_bytes() %}
    {{ return(65535) }}
{% endmacro %}


{# A column's name as SQL: in quotes where it is a reserved word of the warehouse and a name in Braze all the same. #}
{% macro column_name(name) %}
    {{ return(adapter.dispatch('column_name', 'dbt_braze')(name)) }}
{% endmacro %}

{% macro default__column_name(name) %}
    {{ return(name) }}
{% endmacro %}

{# docs.aws.amazon.com/redshift, Reserved words. #}
{% macro redshift__column_name(name) %}
    {{ return('"' ~ name ~ '"' if name == 'language' else name) }}
{% endmacro %}
