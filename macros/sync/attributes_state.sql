{# The source as Braze would see it: one row per source row with identifiers, user key, the JSON text of each attribute
   (attribute_1, attribute_2, … in the order of the list; null = no value), and why the row may not be sent, if so.
   CTEs `source_rows`, `keyed`, `state`; they read the source alone, so hooks can use them too. #}
{% macro attributes_state(relation, identifiers, attributes) -%}
with

source_rows as (

    select
        {%- for identifier in identifiers %}
        {%- for column, expression in identifier.columns.items() %}
        {{ dbt_braze.identifier_value(expression) }} as {{ column }},
        {%- endfor %}
        {%- endfor %}
        {%- for attribute in attributes %}
        {{ dbt_braze.attribute_value(attribute) }} as attribute_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}

),

keyed as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes) }},
        {{ dbt_braze.user_key_of(identifiers) }} as braze_row,
        {{ dbt_braze.payload_of(attributes) }} as payload
    from source_rows

),

state as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes) }},
        braze_row,
        payload,
        {{ dbt.hash('payload') }} as row_hash,
        {{ dbt_braze.all_hashes(attributes) }} as attribute_hashes,
        {{ dbt_braze.invalid_reason(identifiers, attributes) }} as invalid_reason
    from keyed

)
{%- endmacro %}


{# The columns that every step hands on: identifiers and the JSON text of each attribute. #}
{% macro carried_columns(identifiers, attributes, relation=none) %}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- set columns = [] -%}
    {%- for column in dbt_braze.identifier_columns(identifiers) -%} {%- do columns.append(prefix ~ column) -%} {%- endfor -%}
    {%- for attribute in attributes -%} {%- do columns.append(prefix ~ 'attribute_' ~ loop.index) -%} {%- endfor -%}
    {{ return(columns | join(',\n        ')) }}
{% endmacro %}


{# All attributes that have a value, as a JSON object. #}
{% macro payload_of(attributes) %}
    {%- set pairs = [] -%}
    {%- for attribute in attributes -%}
        {%- do pairs.append(dbt_braze.literal('"' ~ attribute.name ~ '":') ~ ' || attribute_' ~ loop.index) -%}
    {%- endfor -%}
    {{ return("'{' || " ~ dbt_braze.join_present(pairs) ~ " || '}'") }}
{% endmacro %}


{# The hashes of all attributes that have a value; only the baseline reads them. #}
{% macro all_hashes(attributes) %}
    {%- set pairs = [] -%}
    {%- for attribute in attributes -%}
        {%- do pairs.append(dbt_braze.literal('"' ~ attribute.name ~ '":"') ~ ' || '
            ~ dbt_braze.attribute_hash('attribute_' ~ loop.index) ~ " || '\"'") -%}
    {%- endfor -%}
    {{ return("'{' || " ~ dbt_braze.join_present(pairs) ~ " || '}'") }}
{% endmacro %}


{# Marks where the compiled model stops reading the source alone. #}
{% macro end_of_state() %}
    {{ return('/* dbt_braze: end of the state of the source */') }}
{% endmacro %}


{# In a hook: the CTEs of the running model that read the source alone. #}
{% macro state_of_this_model() %}
    {{ return(model.compiled_code.split(dbt_braze.end_of_state())[0]) }}
{% endmacro %}


{# Why a row may not be sent, or null. The size is that of all attributes with each name spelled out, so that no delta of
   the row, nulls included, can be larger. Limits: braze.com/docs, Cloud Data Ingestion (1 MB per row), Track users
   (external_id 987 bytes), User alias object (236 bytes). #}
{% macro invalid_reason(identifiers, attributes) %}
    {%- set branches = [] -%}
    {%- set kinds = [] -%}
    {%- for identifier in identifiers -%}
        {%- do kinds.append('case when ' ~ dbt_braze.has_identifier(identifier) ~ ' then 1 else 0 end') -%}
    {%- endfor -%}
    {%- do branches.append('when ' ~ (kinds | join(' + ')) ~ " = 0 then 'no identifier'") -%}
    {%- do branches.append('when ' ~ (kinds | join(' + ')) ~ " > 1 then 'more than one kind of identifier'") -%}
    {%- do branches.append("when braze_row is null then 'an alias needs both alias_name and alias_label'") -%}
    {%- for column in dbt_braze.identifier_columns(identifiers) -%}
        {%- set limit = {'EXTERNAL_ID': 987, 'ALIAS_NAME': 236, 'ALIAS_LABEL': 236}.get(column) -%}
        {%- if limit -%}
            {%- do branches.append('when ' ~ dbt_braze.byte_length(column) ~ ' > ' ~ limit
                ~ " then '" ~ (column | lower) ~ ' is longer than ' ~ limit ~ " bytes'") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for attribute in attributes -%}
        {%- set text = 'attribute_' ~ loop.index -%}
        {%- set what = 'attribute ' ~ attribute.name -%}
        {%- if attribute.type in ('integer', 'decimal', 'float') -%}
            {%- do branches.append('when ' ~ text ~ ' = ' ~ dbt_braze.json_impossible() ~ ' then '
                ~ dbt_braze.literal(what ~ ' is out of the range of its type')) -%}
        {%- elif attribute.type in ('array', 'object', 'json') -%}
            {%- do branches.append('when not ' ~ dbt_braze.json_is_sound(text) ~ ' then '
                ~ dbt_braze.literal(what ~ ' is not valid JSON, or holds a null inside')) -%}
        {%- endif -%}
        {%- if attribute.type == 'object' -%}
            {%- do branches.append('when substring(' ~ text ~ ", 1, 1) != '{' then " ~ dbt_braze.literal(what ~ ' is not an object')) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set names = namespace(bytes=2) -%}
    {%- for attribute in attributes -%}
        {%- set names.bytes = names.bytes + attribute.name.encode('utf-8') | length + 8 -%}
    {%- endfor -%}
    {%- do branches.append('when ' ~ dbt_braze.byte_length('payload') ~ ' + ' ~ names.bytes
        ~ " > 1000000 then 'payload is larger than 1 MB'") -%}
    {{ return('case\n            ' ~ (branches | join('\n            ')) ~ '\n        end') }}
{% endmacro %}
