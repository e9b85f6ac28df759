{# The source as Braze would see it: one row per source row with identifiers, user key, the JSON text of each attribute
   (attribute_1, attribute_2, … in the order of the list; null = no value), and why the row may not be sent, if so.
   CTEs `source_keys`, `source_rows`, `keyed`, `state`; but for the selection they read the source alone, so hooks can use them too. #}
{% macro attributes_state(relation, identifiers, attributes, priority=none, updated_at=none) -%}
{%- set fingerprint = dbt_braze.attributes_fingerprint(identifiers, attributes, priority) -%}
{{ dbt_braze.begin_of_state(dbt_braze.source_keys(relation, identifiers, priority)) }}

source_rows as (

    select
        {{ dbt_braze.identifiers_of_row(identifiers, priority) }},
        {%- for attribute in attributes %}
        {{ dbt_braze.attribute_value(attribute) }} as attribute_{{ loop.index }},
        {%- endfor %}
        {{ fingerprint or dbt.cast('null', dbt.type_bigint()) }} as source_hash
    from {{ relation }}
    {{ dbt_braze.selected_rows(updated_at, fingerprint, dbt_braze.user_text(identifiers, priority)) }}

),

keyed as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes) }},
        source_hash,
        {{ dbt_braze.user_key_of(identifiers) }} as braze_row,
        {{ dbt_braze.payload_of(attributes) }} as payload
        {%- if dbt_braze.is_compared_otherwise(attributes) %},
        {{ dbt_braze.comparable_payload(attributes) }} as comparable_payload
        {%- endif %}
    from source_rows

),

state as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes) }},
        source_hash,
        braze_row,
        payload,
        {{ dbt_braze.text_hash('comparable_payload' if dbt_braze.is_compared_otherwise(attributes) else 'payload') }} as row_hash,
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


{# The same, with each value in the form in which it is compared. #}
{% macro comparable_payload(attributes) %}
    {%- set pairs = [] -%}
    {%- for attribute in attributes -%}
        {%- do pairs.append(dbt_braze.literal('"' ~ attribute.name ~ '":') ~ ' || ' ~ dbt_braze.comparable_value(attribute, 'attribute_' ~ loop.index)) -%}
    {%- endfor -%}
    {{ return("'{' || " ~ dbt_braze.join_present(pairs) ~ " || '}'") }}
{% endmacro %}


{# The hashes of all attributes that have a value; only the baseline reads them. #}
{% macro all_hashes(attributes) %}
    {%- set pairs = [] -%}
    {%- for attribute in attributes -%}
        {%- do pairs.append(dbt_braze.literal('"' ~ attribute.name ~ '":"') ~ ' || '
            ~ dbt_braze.attribute_hash(attribute, 'attribute_' ~ loop.index) ~ " || '\"'") -%}
    {%- endfor -%}
    {{ return("'{' || " ~ dbt_braze.join_present(pairs) ~ " || '}'") }}
{% endmacro %}


{# Bytes of a payload: 1 MB (braze.com/docs, Cloud Data Ingestion), or what a column of text can hold here. #}
{% macro max_payload_bytes() %}
    {{ return(dbt_braze.max_text_bytes() or 1000000) }}
{% endmacro %}

{% macro max_payload_text() %}
    {{ return(dbt_braze.max_text_bytes() ~ ' bytes, all that this warehouse can hold' if dbt_braze.max_text_bytes() else '1 MB') }}
{% endmacro %}


{# Why a row may not be sent, or null. The size is that of all attributes with each name spelled out, so that no delta of
   the row, nulls included, can be larger. #}
{% macro invalid_reason(identifiers, attributes) %}
    {%- set branches = dbt_braze.identifier_reasons(identifiers) -%}
    {%- for attribute in attributes -%}
        {%- do branches.extend(dbt_braze.value_reasons(attribute, 'attribute_' ~ loop.index, 'attribute ' ~ attribute.name)) -%}
    {%- endfor -%}
    {%- set names = namespace(bytes=2) -%}
    {%- for attribute in attributes -%}
        {%- set names.bytes = names.bytes + attribute.name.encode('utf-8') | length + 8 -%}
    {%- endfor -%}
    {%- do branches.append('when ' ~ dbt_braze.byte_length('payload') ~ ' + ' ~ names.bytes
        ~ ' > ' ~ dbt_braze.max_payload_bytes() ~ " or payload = '{?}' then 'payload is larger than " ~ dbt_braze.max_payload_text() ~ "'") -%}
    {{ return('case\n            ' ~ (branches | join('\n            ')) ~ '\n        end') }}
{% endmacro %}


{# Branches of a case: what is wrong with the JSON text of a value of this type. #}
{% macro value_reasons(attribute, text, what) %}
    {%- set branches = [] -%}
    {%- if attribute.type in ('integer', 'decimal', 'float', 'string') -%}
        {%- do branches.append('when ' ~ text ~ ' = ' ~ dbt_braze.json_impossible() ~ ' then '
            ~ dbt_braze.literal(what ~ (' is longer than this warehouse can escape' if attribute.type == 'string' else ' is out of the range of its type'))) -%}
    {%- elif attribute.type in ('array', 'object', 'json') -%}
        {%- do branches.append('when not ' ~ dbt_braze.json_is_sound(text) ~ ' then '
            ~ dbt_braze.literal(what ~ ' is not valid JSON, or holds a null inside')) -%}
    {%- endif -%}
    {%- if attribute.type == 'object' -%}
        {%- do branches.append('when substring(' ~ text ~ ", 1, 1) != '{' then " ~ dbt_braze.literal(what ~ ' is not an object')) -%}
    {%- endif -%}
    {{ return(branches) }}
{% endmacro %}
