{# Reading PAYLOAD in data tests, whoever wrote it: it may be anything. #}

{# CTE `payloads`: keys, UPDATED_AT, `stored_bytes`, and `payload`, which is null unless it is a JSON object; then for each of the
   fields `field_<name>`, its JSON text. A null is valid JSON here, so those that are values of keys or elements are taken for
   `false` before json_is_sound() judges; inside of a string that changes nothing of what is valid. #}
{% macro payloads_read(model, keys, column='PAYLOAD', fields=[]) -%}
{%- set columns = keys + ['UPDATED_AT'] -%}
{%- set without_nulls = namespace(text='payload') -%}
{%- for before in [':', ',', '\\['] -%}
    {%- set without_nulls.text = dbt_braze.regexp_replace_all(without_nulls.text, before ~ '\\s*null', before[-1] ~ 'false') -%}
{%- endfor -%}
with

stored_payloads as (

    select
        {{ columns | join(',\n        ') }},
        {{ dbt_braze.payload_text(column) }} as payload
    from {{ model }}

),

judged_payloads as (

    select
        {{ columns | join(',\n        ') }},
        payload,
        case when {{ dbt_braze.contains('payload', "'null'") }} then {{ without_nulls.text }} else payload end as judged
    from stored_payloads

),

sound_payloads as (

    select
        {{ columns | join(',\n        ') }},
        {{ dbt_braze.byte_length('payload') }} as stored_bytes,
        case
            when {{ dbt_braze.json_is_sound('judged') }} and substring({{ dbt_braze.regexp_remove('payload', '^\\s+') }}, 1, 1) = '{' then payload
        end as payload
    from judged_payloads

),

payloads as (

    select
        {{ columns | join(',\n        ') }},
        stored_bytes,
        {%- for name in fields %}
        {{ dbt_braze.field_read('payload', name) }} as field_{{ name }},
        {%- endfor %}
        payload
    from sound_payloads

)
{%- endmacro %}


{# json_field(), but only of a text in which the name occurs. #}
{% macro field_read(text, name) %}
    {{ return('case when ' ~ dbt_braze.contains(text, dbt_braze.literal('"' ~ name ~ '"')) ~ ' then ' ~ dbt_braze.json_field(text, name) ~ ' end') }}
{% endmacro %}


{# Branches of a case for a PAYLOAD that can't be read at all. #}
{% macro unreadable_reasons(column='PAYLOAD') %}
    {{ return([
        "when stored_bytes is null then 'no " ~ column ~ "'",
        'when stored_bytes > ' ~ dbt_braze.max_payload_bytes() ~ " then '" ~ column ~ ' is larger than ' ~ dbt_braze.max_payload_text() ~ "'",
        "when payload is null then '" ~ column ~ " is not a JSON object'",
    ]) }}
{% endmacro %}


{# True where the whole text fits the pattern, null for a null. #}
{% macro fits(text, pattern) %}
    {{ return('(' ~ dbt_braze.regexp_remove(text, '^(' ~ pattern ~ ')$') ~ " = '')") }}
{% endmacro %}


{# Characters of a JSON string. #}
{% macro json_string_length(text) %}
    {{ return('(' ~ dbt.length(dbt_braze.regexp_replace_all(text, '\\\\u[0-9a-fA-F]{4}|\\\\.', 'x')) ~ ' - 2)') }}
{% endmacro %}


{# Patterns of JSON texts. ISO 8601, with a colon before the milliseconds too: braze.com/docs, Event object. #}
{% macro iso_day_pattern() %}
    {{ return('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])') }}
{% endmacro %}

{% macro iso_time_pattern() %}
    {%- set clock = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,:][0-9]+)?)?' -%}
    {{ return('"' ~ dbt_braze.iso_day_pattern() ~ '(T' ~ clock ~ '(Z|[+-][0-9][0-9](:?[0-9][0-9])?)?)?"') }}
{% endmacro %}

{% macro number_pattern() %}
    {{ return('-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?') }}
{% endmacro %}


{# True for an object or array below the top that holds a null. What is left of a payload are its brackets and an n for each null;
   brackets that hold nothing are taken out, from the inside, so that a null comes to stand right after the bracket it is in.
   Only one behind what is nested more than 6 deep is missed. #}
{% macro null_is_inside(payload) %}
    {%- set bare = dbt_braze.regexp_remove(dbt_braze.regexp_remove(payload, '\\\\.'), '"[^"]*"') -%}
    {%- set brackets = dbt_braze.regexp_replace_all(dbt_braze.regexp_replace_all(bare, '\\[|[{]', '<'), '\\]|[}]', '>') -%}
    {%- set shape = namespace(text=dbt_braze.regexp_remove(brackets, '[^<>n]')) -%}
    {%- for depth in range(6) -%}
        {%- set shape.text = dbt.replace(shape.text, "'<>'", "''") -%}
    {%- endfor -%}
    {{ return('(' ~ dbt_braze.contains(payload, "'null'") ~ ' and ' ~ shape.text ~ " like '_%<n%')") }}
{% endmacro %}


{# True for a payload with a {"$time": …} that is no time. #}
{% macro time_inside_is_wrong(payload) %}
    {%- set others = dbt_braze.regexp_remove(payload, '"[$]time"\\s*:\\s*' ~ dbt_braze.iso_time_pattern()) -%}
    {{ return('(' ~ dbt_braze.contains(payload, "'\"$time\"'") ~ ' and ' ~ dbt_braze.contains(others, "'\"$time\"'") ~ ')') }}
{% endmacro %}


{# Branches of a case for the properties of an event or purchase. #}
{% macro properties_reasons(reserved, max_bytes) %}
    {%- set branches = [
        "when substring(field_properties, 1, 1) != '{' then 'properties is not an object'",
        'when ' ~ dbt_braze.byte_length('field_properties') ~ ' > ' ~ max_bytes ~ " then 'properties are larger than " ~ max_bytes ~ " bytes'",
    ] -%}
    {%- for name in reserved -%}
        {%- do branches.append('when ' ~ dbt_braze.field_read('field_properties', name) ~ " is not null then 'the property " ~ name ~ " is reserved by Braze'") -%}
    {%- endfor -%}
    {{ return(branches) }}
{% endmacro %}


{# Branches of a case for a field that has to be a text, or may be left out. #}
{% macro text_reasons(name, is_needed=true, max_characters=none) %}
    {%- set field = 'field_' ~ name -%}
    {%- set branches = ['when ' ~ field ~ " is null then 'no " ~ name ~ "'"] if is_needed else [] -%}
    {%- do branches.append('when substring(' ~ field ~ ", 1, 1) != '\"' then '" ~ name ~ " is not a text'") -%}
    {%- if is_needed -%} {%- do branches.append('when ' ~ field ~ " = '\"\"' then 'no " ~ name ~ "'") -%} {%- endif -%}
    {%- if max_characters -%}
        {%- do branches.append('when ' ~ dbt_braze.json_string_length(field) ~ ' > ' ~ max_characters
            ~ " then '" ~ name ~ ' is longer than ' ~ max_characters ~ " characters'") -%}
    {%- endif -%}
    {{ return(branches) }}
{% endmacro %}


{# Branches of a case for the time of an event or purchase. #}
{% macro time_reasons() %}
    {{ return([
        "when field_time is null then 'no time'",
        'when not ' ~ dbt_braze.fits('field_time', dbt_braze.iso_time_pattern()) ~ " then 'time is not ISO 8601'",
    ]) }}
{% endmacro %}
