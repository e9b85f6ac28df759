{# The few functions of text that dbt has no macro for. #}

{% macro literal(text) %}
    {{ return(adapter.dispatch('literal', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__literal(text) %}
    {{ return("'" ~ (text | string).replace("'", "''") ~ "'") }}
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
    {{ return(adapter.dispatch('regexp_remove', 'dbt_braze')(text, pattern)) }}
{% endmacro %}

{% macro default__regexp_remove(text, pattern) %}
    {{ return(dbt_braze.unsupported('regexp_remove')) }}
{% endmacro %}

{% macro duckdb__regexp_remove(text, pattern) %}
    {{ return('regexp_replace(' ~ text ~ ', ' ~ dbt_braze.literal(pattern) ~ ", '', 'g')") }}
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


{# The texts that are not null, in order, with a comma between them. #}
{% macro join_present(texts) %}
    {%- set pieces = [] -%}
    {%- for text in texts -%}
        {%- do pieces.append("coalesce(',' || " ~ text ~ ", '')") -%}
    {%- endfor -%}
    {{ return('substring(' ~ (pieces | join('\n            || ')) ~ ', 2)' if pieces else "''") }}
{% endmacro %}


{% macro contains(text, piece) %}
    {{ return('(' ~ dbt.position(piece, text) ~ ' > 0)') }}
{% endmacro %}
