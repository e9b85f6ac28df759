{# JSON text of one attribute, by its declared type; null when there is no value. #}
{% macro attribute_value(attribute) %}
    {%- if attribute.fields -%}
        {{ return(dbt_braze.object_from_fields(attribute.fields)) }}
    {%- endif -%}
    {#- A column may be an expression. -#}
    {{ return(dbt_braze.value_of_type(attribute.type, '(' ~ attribute.column ~ ')')) }}
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


{# A field without a value is left out, and an object without any field is no value. Inside an object Braze takes a time
   only as {"$time": …}: braze.com/docs, Nested custom attributes. #}
{% macro object_from_fields(fields) %}
    {%- set pairs = [] -%}
    {%- for field in fields -%}
        {%- set value = dbt_braze.attribute_value(field) -%}
        {%- if field.type in ('date', 'timestamp') -%}
            {%- set value = "'{\"$time\":' || " ~ value ~ " || '}'" -%}
        {%- endif -%}
        {%- do pairs.append(dbt_braze.literal('"' ~ field.name ~ '":') ~ ' || ' ~ value) -%}
    {%- endfor -%}
    {{ return("'{' || nullif(" ~ dbt_braze.join_present(pairs) ~ ", '') || '}'") }}
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
