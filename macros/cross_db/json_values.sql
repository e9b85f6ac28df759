{# JSON text of one SQL value, null for a null. Every macro takes an expression and returns an expression of text.
   Text and not a JSON type: it is what goes into the payload, byte for byte, and it compares and hashes alike everywhere. #}

{% macro json_string(value) %}
    {{ return(adapter.dispatch('json_string', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_string(value) %}
    {{ return(dbt_braze.unsupported('json_string')) }}
{% endmacro %}

{% macro duckdb__json_string(value) %}
    {{ return('cast(to_json(cast(' ~ value ~ ' as varchar)) as varchar)') }}
{% endmacro %}


{% macro json_integer(value) %}
    {{ return(adapter.dispatch('json_integer', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_integer(value) %}
    {{ return(dbt.cast(dbt.cast(value, api.Column.translate_type('bigint')), dbt_braze.type_text())) }}
{% endmacro %}


{% macro json_decimal(value) %}
    {{ return(adapter.dispatch('json_decimal', 'dbt_braze')(value)) }}
{% endmacro %}

{# Nine decimals, then without the zeros that only the scale adds: 12.50 and 12.5 are one value. #}
{% macro default__json_decimal(value) %}
    {{ return("rtrim(rtrim(" ~ dbt.cast(dbt.cast(value, 'decimal(38, 9)'), dbt_braze.type_text()) ~ ", '0'), '.')") }}
{% endmacro %}


{% macro json_float(value) %}
    {{ return(adapter.dispatch('json_float', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_float(value) %}
    {{ return(dbt_braze.unsupported('json_float')) }}
{% endmacro %}

{# JSON has no NaN and no infinity: they count as no value. #}
{% macro duckdb__json_float(value) %}
    {{ return('case when isfinite(cast(' ~ value ~ ' as double)) then cast(cast(' ~ value ~ ' as double) as varchar) end') }}
{% endmacro %}


{% macro json_boolean(value) %}
    {{ return(adapter.dispatch('json_boolean', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_boolean(value) %}
    {{ return("case when " ~ value ~ " then 'true' when not " ~ value ~ " then 'false' end") }}
{% endmacro %}


{% macro json_date(value) %}
    {{ return(adapter.dispatch('json_date', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_date(value) %}
    {{ return(dbt_braze.unsupported('json_date')) }}
{% endmacro %}

{% macro duckdb__json_date(value) %}
    {{ return("strftime(cast(" ~ value ~ " as date), '\"%Y-%m-%d\"')") }}
{% endmacro %}


{% macro json_timestamp(value) %}
    {{ return(adapter.dispatch('json_timestamp', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_timestamp(value) %}
    {{ return(dbt_braze.unsupported('json_timestamp')) }}
{% endmacro %}

{# ISO 8601 in UTC to the millisecond, which is what Braze keeps. A timestamp without a zone is taken as UTC. #}
{% macro duckdb__json_timestamp(value) %}
    {{ return("strftime(cast(" ~ value ~ " as timestamp), '\"%Y-%m-%dT%H:%M:%S.%gZ\"')") }}
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


{% macro json_object(value) %}
    {{ return(adapter.dispatch('json_object', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_object(value) %}
    {{ return(dbt_braze.unsupported('json_object')) }}
{% endmacro %}

{# A null anywhere inside an object makes Braze drop the whole update of that attribute without a word, so none is left in:
   braze.com/docs, Nested custom attributes. A merge patch removes the nulls at every level. #}
{% macro duckdb__json_object(value) %}
    {{ return("cast(case when " ~ value ~ " is not null then json_merge_patch('{}', to_json(" ~ value ~ ")) end as varchar)") }}
{% endmacro %}


{% macro json_passed_through(value) %}
    {{ return(adapter.dispatch('json_passed_through', 'dbt_braze')(value)) }}
{% endmacro %}

{% macro default__json_passed_through(value) %}
    {{ return(dbt.cast(value, dbt_braze.type_text())) }}
{% endmacro %}


{% macro json_is_valid(text) %}
    {{ return(adapter.dispatch('json_is_valid', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__json_is_valid(text) %}
    {{ return(dbt_braze.unsupported('json_is_valid')) }}
{% endmacro %}

{% macro duckdb__json_is_valid(text) %}
    {{ return('json_valid(' ~ text ~ ')') }}
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
