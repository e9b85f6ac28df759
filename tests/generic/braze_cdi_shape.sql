{# Fails for each column that Cloud Data Ingestion needs and does not find, or finds with another type: braze.com/docs, Cloud Data
   Ingestion, Table setup. Other columns are of no concern, but for a PAYLOAD in a delete table. #}
{% test braze_cdi_shape(model, sync=none) %}
{%- if execute %}
    {%- set sync = dbt_braze.tested_sync(sync, dbt_braze.cdi_tables_of_syncs().keys() | list) -%}
    {%- set columns = dbt_braze.tested_columns() -%}
    {%- for problem in (dbt_braze.cdi_shape_problems(columns, sync) if columns is not none else []) %}
select {{ dbt_braze.text_literal(problem) }} as problem
union all
    {%- endfor %}
select problem
from (select {{ dbt_braze.text_literal('') }} as problem) as nothing
where 1 = 0
{%- endif %}
{% endtest %}
