{# The source of a sync whose rows are sent whole (events, items, deletes, …), as Braze would see it. CTEs `source_keys` where
   a row may change, `source_rows`, `keyed`, `state`; but for the selection they read the source alone.

   columns    {name: SQL expression} of what the payload and the reasons are made of
   row_key    the expression that tells rows apart, over these columns and the identifiers, as text
   payload    the JSON text of the row, over the same; none where the table has no payload
   reasons    branches of a case that say why a row may not be sent
   keys       where a row may change: a query of the braze_row of every row of the source
   split      the CTE `split_rows` where one row of the source is several, with a column `part` that tells them apart
   Without `keys` a row that occurs twice in the source is the same row, and one of the two is taken.
#}
{% macro rows_state(relation, identifiers, columns, row_key, payload, reasons, priority=none, updated_at=none, keys=none, extra={}, split=none) -%}
{{ dbt_braze.begin_of_state(keys) }}

source_rows as (

    select
        {% if identifiers -%}
        {{ dbt_braze.identifiers_of_row(identifiers, priority) }},
        {% endif -%}
        {%- for name, expression in columns.items() %}
        {{ expression }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
    {{ dbt_braze.selected_rows(updated_at) }}

),
{%- if split %}

{{ split }},
{%- endif %}

keyed as (

    select
        *,
        {%- for name, expression in extra.items() %}
        {{ expression }} as {{ name }},
        {%- endfor %}
        {{ dbt_braze.text_hash(row_key) }} as braze_row,
        {{ payload or dbt_braze.text_literal('{}') }} as payload
    from {{ 'split_rows' if split else 'source_rows' }}

),

numbered as (

    select
        *,
        {{ 1 if keys else 'row_number() over (partition by braze_row order by payload)' }} as copy
    from keyed

),

state as (

    select
        {%- for name in dbt_braze.identifier_columns(identifiers) + (extra.keys() | list) + (columns.keys() | list) %}
        {{ name }},
        {%- endfor %}
        braze_row,
        payload,
        {{ dbt_braze.text_hash('payload') }} as row_hash,
        {{ dbt.cast('null', dbt_braze.type_text()) }} as attribute_hashes,
        case
            {{ reasons | join('\n            ') }}
            when {{ dbt_braze.byte_length('payload') }} > {{ dbt_braze.max_payload_bytes() }} or payload = '{?}' then 'payload is larger than {{ dbt_braze.max_payload_text() }}'
        end as invalid_reason
    from numbered
    where copy = 1 or braze_row is null

)
{%- endmacro %}


{# A JSON object from {name: expression of JSON text}; what has no value is left out. #}
{% macro object_of(values) %}
    {%- set pairs = [] -%}
    {%- for name, text in values.items() -%}
        {%- do pairs.append(dbt_braze.literal('"' ~ name ~ '":') ~ ' || ' ~ text) -%}
    {%- endfor -%}
    {{ return("'{' || " ~ dbt_braze.join_present(pairs) ~ " || '}'") }}
{% endmacro %}


{# From `state` and the checkpoint to CTE `changes`: rows that are new or forgotten and, unless rows are emitted once and for all,
   those that differ. `left_rows` is a query for what has left the source, of the columns of `changes`. #}
{% macro rows_delta(braze, payload, extra={}, measured={}, points=none, left_rows=none) -%}
,

compared as (

    select
        state.*,
        checkpoint.braze_batch as braze_base,
        case when checkpoint.row_hash is null then 0 else 1 end as is_known
    {{ dbt_braze.from_state_that_differs(braze.emits_once) }}

),

{{ dbt_braze.repeated_rows('compared' if braze.emits_once else 'source_keys') }},

changes as (

    select
        {%- for column in dbt_braze.key_columns(braze) %}
        compared.{{ column }},
        {%- endfor %}
        {%- if payload %}
        compared.payload as {{ payload }},
        {%- endif %}
        {%- for column, expression in extra.items() %}
        {{ expression }} as {{ column }},
        {%- endfor %}
        {%- for column, expression in measured.items() %}
        {{ expression }} as {{ column }},
        {%- endfor %}
        compared.braze_row,
        compared.row_hash,
        compared.attribute_hashes,
        compared.braze_base,
        compared.is_known,
        {{ 1 if braze.sync == 'deletes' else 0 }} as is_deletion
        {%- if points %},
        {{ points }} as points_1
        {%- endif %}
    from compared
    left join repeated
        on compared.braze_row = repeated.braze_row
    where repeated.braze_row is null
    {%- if left_rows %}

    union all

    {{ left_rows }}
    {%- endif %}

),
{%- endmacro %}


{# The end of every sync whose rows are sent whole: batch, estimate and the appended rows. #}
{% macro rows_appended(relation, braze, payload, extra=[], billed_by=none, updated_at=none) -%}
{{ dbt_braze.batch_of_delta(
    relation, braze, payload, extra=extra, billed=['all'] if billed_by else [], measured=[billed_by] if billed_by else [],
    updated_at=updated_at, complete='not exists (select 1 from repeated)',
) }}
{{ dbt_braze.end_of_batch() }}
{%- if billed_by %}
,
{{ dbt_braze.estimate_of_rows(billed_by) }}
{%- endif %}
{{ dbt_braze.end_of_estimate() }}

{{ dbt_braze.appended_batch(braze, payload, extra) }}
{%- endmacro %}
