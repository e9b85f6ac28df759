{# The few functions of text that dbt has no macro for. #}

{% macro literal(text) %}
    {{ return(adapter.dispatch('literal', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__literal(text) %}
    {{ return("'" ~ (text | string).replace("'", "''") ~ "'") }}
{% endmacro %}

{# A backslash escapes, and ${name} is replaced before the statement is parsed: docs.databricks.com, STRING type;
   spark.apache.org, Configuration, spark.sql.variable.substitute. #}
{% macro databricks__literal(text) %}
    {{ return("'" ~ (text | string).replace('\\', '\\\\').replace("'", "\\'").replace('${', '$\\{') ~ "'") }}
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

{% macro databricks__regexp_replace_all(text, pattern, replacement) %}
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

{% macro databricks__hex_to_integer(text) %}
    {{ return('cast(conv(' ~ text ~ ', 16, 10) as bigint)') }}
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

{% macro databricks__join_present(texts) %}
    {{ return("concat_ws(',', " ~ (texts | join(',\n            ')) ~ ')' if texts else "''") }}
{% endmacro %}


{% macro contains(text, piece) %}
    {{ return('(' ~ dbt.position(piece, text) ~ ' > 0)') }}
{% endmacro %}


{# Bytes that a column of text can hold where that is less than a payload may have; none elsewhere. #}
{% macro max_text_bytes() %}
    {{ return(adapter.dispatch('max_text_bytes', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__max_text_bytes() %}
    {{ return(none) }}
{% endmacro %}
