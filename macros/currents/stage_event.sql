{# The staging view of one event: its declared columns renamed and cast, typed nulls for those the raw table lacks, and
   nothing else, so that filters reach the raw table. #}
{% macro stage_event(event) %}
{{ config(materialized='view', enabled=dbt_braze.events_listed([event])) }}
{%- set renamed = {'id': 'event_id', 'user_id': 'braze_user_id', 'external_user_id': 'external_id'} %}
select
    cast('{{ event }}' as {{ dbt_braze.type_text() }}) as event_type,
{%- for field in dbt_braze.event_catalogue()[event] %}
    {%- set value = dbt_braze.source_column(field.name) if dbt_braze.source_has_field(field) else 'null' %}
    {%- if field.name == 'time' %}
    {{ dbt_braze.epoch_to_timestamp(value) }} as occurred_at,
    {%- else %}
    cast({{ value }} as {{ dbt_braze.type_of_field(field.type) }}) as {{ dbt_braze.column_name(renamed.get(field.name, field.name)) }},
    {%- endif %}
{%- endfor %}
    cast({{ dbt_braze.source_loaded_at() }} as {{ dbt.type_timestamp() }}) as loaded_at
from {{ source('braze_currents', dbt_braze.event_table(event)) }}
{% endmacro %}


{# SQL type of a field's type in the catalogue. #}
{% macro type_of_field(name) %}
    {{ return({
        'string': dbt_braze.type_text(),
        'int': dbt.type_bigint(),
        'long': dbt.type_bigint(),
        'float': dbt_braze.type_double(),
        'double': dbt_braze.type_double(),
        'boolean': dbt.type_boolean(),
        'array<string>': dbt_braze.type_text_array(),
    }[name]) }}
{% endmacro %}
