{# Fails for each user (of a catalog: item) with several rows of one UPDATED_AT: Braze applies them in any order. #}
{% test braze_one_row_per_user(model, sync=none) %}
{%- if execute %}
    {%- set sync = dbt_braze.tested_sync(sync, ['attributes', 'deletes', 'email_status', 'catalog_items']) -%}
    {%- set keys = dbt_braze.tested_keys(sync) %}
select
    {{ dbt_braze.text_literal('more than one row of one UPDATED_AT') }} as problem,
    {{ keys | join(',\n    ') }},
    UPDATED_AT,
    count(*) as row_count
from {{ model }}
where {{ keys | join(' is not null or ') }} is not null
group by {{ keys | join(', ') }}, UPDATED_AT
having count(*) > 1
{%- endif %}
{% endtest %}
