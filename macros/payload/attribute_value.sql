{# JSON text of one attribute, by its declared type; null when there is no value. #}
{% macro attribute_value(attribute, times_as_strings=false) %}
    {%- if attribute.fields -%}
        {{ return(dbt_braze.object_from_fields(attribute.fields, times_as_strings)) }}
    {%- elif attribute.type == 'label' -%}
        {{ return(dbt_braze.text_literal('{"add":' ~ dbt_braze.label_list(attribute.label) ~ '}')) }}
    {%- endif -%}
    {#- A column may be an expression. -#}
    {%- set value = dbt_braze.value_of_type(attribute.type, '(' ~ attribute.column ~ ')') -%}
    {{ return(dbt_braze.text_beyond_15_digits(value) if attribute.get('beyond_15_digits') == 'text' else value) }}
{% endmacro %}


{% macro value_of_type(type, value) %}
    {%- if type == 'string' -%} {{ return(dbt_braze.json_string(value)) }}
    {%- elif type == 'integer' -%} {{ return(dbt_braze.json_integer(value)) }}
    {%- elif type == 'decimal' -%} {{ return(dbt_braze.json_decimal(value)) }}
    {%- elif type == 'float' -%} {{ return(dbt_braze.json_float(value)) }}
    {%- elif type == 'boolean' -%} {{ return(dbt_braze.json_boolean(value)) }}
    {%- elif type == 'date' -%} {{ return(dbt_braze.json_date(value)) }}
    {%- elif type == 'timestamp' -%} {{ return(dbt_braze.json_timestamp(value)) }}
    {%- elif type == 'array' -%} {{ return(dbt_braze.json_array(value)) }}
    {%- elif type == 'object' -%} {{ return(dbt_braze.json_object(value)) }}
    {%- else -%} {{ return(dbt_braze.json_passed_through(value)) }}
    {%- endif -%}
{% endmacro %}


{# A number of more than 15 digits as JSON text: a reader that keeps numbers in doubles would round it. #}
{% macro text_beyond_15_digits(number) %}
    {%- set digits = dbt_braze.regexp_remove(dbt_braze.regexp_remove(number, '[-.]'), '^0+') -%}
    {{ return("case when " ~ dbt.length(digits) ~ " > 15 then '\"' || " ~ number ~ " || '\"' else " ~ number ~ " end") }}
{% endmacro %}


{# A field without a value is left out, and an object without any field is no value. Inside an object Braze takes a time
   only as {"$time": …}: braze.com/docs, Nested custom attributes. #}
{% macro object_from_fields(fields, times_as_strings=false) %}
    {%- set pairs = [] -%}
    {%- for field in fields -%}
        {%- set value = dbt_braze.attribute_value(field, times_as_strings) -%}
        {%- if field.type in ('date', 'timestamp') and not times_as_strings -%}
            {%- set value = "'{\"$time\":' || " ~ value ~ " || '}'" -%}
        {%- endif -%}
        {%- do pairs.append(dbt_braze.literal('"' ~ field.name ~ '":') ~ ' || ' ~ value) -%}
    {%- endfor -%}
    {{ return("'{' || nullif(" ~ dbt_braze.join_present(pairs) ~ ", '') || '}'") }}
{% endmacro %}


{# A list with one label, as JSON text. Labels hold no quote, backslash or control character (checked). #}
{% macro label_list(label) %}
    {{ return('["' ~ label ~ '"]') }}
{% endmacro %}


{# What is sent for an attribute that has no value any more: null, but a label that is one of several is taken out. #}
{% macro value_that_removes(attribute) %}
    {{ return('{"remove":' ~ dbt_braze.label_list(attribute.label) ~ '}' if attribute.type == 'label' else 'null') }}
{% endmacro %}


{# Estimated data points of setting the attribute: a profile field that Braze does not bill costs none, an object one a
   key, anything else one (braze.com/docs, Data points). #}
{% macro attribute_data_points(attribute, text) %}
    {%- if attribute.name in dbt_braze.fields_without_data_points() -%} {{ return('0') }}
    {%- elif attribute.type == 'object' -%}
        {{ return('coalesce(' ~ dbt_braze.json_object_size(text) ~ ', 1)') }}
    {%- else -%} {{ return('1') }}
    {%- endif -%}
{% endmacro %}


{% macro fields_without_data_points() %}
    {{ return(['email_subscribe', 'push_subscribe', 'subscription_groups', 'push_tokens']) }}
{% endmacro %}
