{# Fails for each row that has no identifier, more than one kind, half an alias, or one longer than Braze takes; of catalog items,
   for each id that Braze does not take. #}
{% test braze_one_identifier(model, sync=none) %}
{%- if execute %}
    {%- set sync = dbt_braze.tested_sync(sync, dbt_braze.syncs_of_users() + ['catalog_items']) -%}
    {%- set keys = dbt_braze.tested_keys(sync) -%}
    {%- if sync == 'catalog_items' -%}
        {%- set reasons = dbt_braze.item_id_reasons('ID') -%}
    {%- else -%}
        {%- set identifiers = [] -%}
        {%- for kind in dbt_braze.tested_kinds() -%}
            {%- set columns = {} -%}
            {%- for column in dbt_braze.columns_of_kinds([kind]) -%} {%- do columns.update({column: column}) -%} {%- endfor -%}
            {%- do identifiers.append({'kind': kind, 'columns': columns}) -%}
        {%- endfor -%}
        {%- set reasons = dbt_braze.identifier_reasons(identifiers) -%}
    {%- endif %}
with identified as (

    select
        {%- for key in keys %}
        {{ dbt_braze.identifier_value(key) }} as {{ key }},
        {%- endfor %}
        UPDATED_AT
    from {{ model }}

)

{{ dbt_braze.rows_with_problems('identified', keys, reasons) }}
{%- endif %}
{% endtest %}
