{# The batch of a run. A hook writes the CTE `batch` of the compiled model to the table <model>_batch, where it is measured and
   may be refused; the model then appends its rows to the log, stamped. Beside its rows the batch has some that stay in it, with a
   '/' in braze_row: one about the run, 'run/<invocation>', and 'same/<braze_row>' for fingerprints (selection.sql). A run appends
   only rows of its own batch, so two that overlap never append each other's. #}

{% macro batch_relation() %}
    {{ return(dbt_braze.companion(this, 'batch')) }}
{% endmacro %}


{# CTE `batch`, from `changes`: key columns, payload, braze_row, the state columns, braze_base, is_known, is_deletion,
   and the numbers points_1, … of estimated data points, one for each of `billed`. `extra` are columns of this kind of sync,
   `measured` columns that only the estimate reads.
   `complete` is a condition: only then does it hold that the source need not be read again. #}
{% macro batch_of_delta(relation, braze, payload, extra=[], billed=[], measured=[], updated_at=none, complete=none) -%}
{%- set keys = dbt_braze.key_columns(braze) -%}
batch as (

    select
        {%- for column in keys + ([payload] if payload else []) + extra + measured %}
        {{ column }},
        {%- endfor %}
        braze_row,
        {%- for column in dbt_braze.state_columns(braze) %}
        {{ column }},
        {%- endfor %}
        braze_base,
        is_known,
        is_deletion,
        {%- for attribute in billed %}
        points_{{ loop.index }},
        {%- endfor %}
        {{ dbt_braze.key_literal(invocation_id) }} as braze_batch,
        0 as source_rows,
        {{ dbt.cast('null', dbt_braze.type_updated_at()) }} as compared_to,
        {{ dbt.cast('null', dbt_braze.type_updated_at()) }} as compared_at,
        {{ dbt.cast('null', dbt_braze.type_updated_at()) }} as newest_before
    from changes
    {%- if dbt_braze.is_partial_run() %}
    where 1 = 0
    {%- endif %}

    union all

    select
        {%- for column in keys + ([payload] if payload else []) + extra + measured %}
        {{ dbt.cast('null', 'boolean' if column == 'DELETED' else dbt_braze.type_text()) }},
        {%- endfor %}
        {{ dbt_braze.key_literal('run/' ~ invocation_id) }},
        {%- for column in dbt_braze.state_columns(braze) + ['braze_base'] %}
        {{ dbt.cast('null', dbt_braze.bookkeeping_type(column)) }},
        {%- endfor %}
        0,
        0,
        {%- for attribute in billed %}
        0,
        {%- endfor %}
        {{ dbt_braze.key_literal(invocation_id) }},
        (select count(*) from (select 1 as one from {{ relation }} limit 1) as any_row),
        {% if updated_at -%}
        (select max({{ dbt.cast('(' ~ updated_at ~ ')', dbt_braze.type_updated_at()) }}) from {{ relation }}{{ ' where ' ~ complete if complete }}),
        {%- else -%}
        {{ dbt.cast('null', dbt_braze.type_updated_at()) }},
        {%- endif %}
        {{ dbt.cast(dbt_braze.now_utc(), dbt_braze.type_updated_at()) }},
        {% if is_incremental() -%}
        (select max(UPDATED_AT) from {{ this }} where UPDATED_AT >= {{ dbt_braze.moment_placeholder('newest merged') }})
        {%- else -%}
        {{ dbt.cast('null', dbt_braze.type_updated_at()) }}
        {%- endif %}

)
{%- endmacro %}


{# Stamps of a batch are strictly above those of every earlier batch and not in the future. The last key alone holds the newest
   one, so a reader with an inclusive boundary reads one row again and not the batch. More than 10 million rows are spread over
   4,096 stamps (braze.com/docs, Cloud Data Ingestion, Best practices). #}
{% macro appended_batch(braze, payload, extra=[]) -%}
{%- set keys = dbt_braze.key_columns(braze) -%}
{%- set spread = 'case when run.emitted_rows > 10000000 then ' ~ dbt_braze.hex_to_integer('substring(batch.braze_row, 1, 3)') ~ ' else 0 end' -%}
{%- set now = dbt_braze.add_microseconds(dbt_braze.now_utc(), -4096) -%}
select
    {{ dbt.cast(dbt_braze.add_microseconds('run.first_stamp', 'case when batch.braze_row = run.last_braze_row then 4096 else ' ~ spread ~ ' end'), dbt_braze.type_updated_at()) }} as UPDATED_AT,
    {%- for column in dbt_braze.logged_key_columns(braze) %}
    {{ dbt.cast('batch.' ~ column if column in keys else 'null', dbt_braze.type_text()) }} as {{ column }},
    {%- endfor %}
    {%- if payload %}
    {{ dbt_braze.payload_value('batch.' ~ payload) }} as {{ payload }},
    {%- endif %}
    {%- for column in extra %}
    batch.{{ column }},
    {%- endfor %}
    {%- for column in ['braze_batch', 'braze_row'] + dbt_braze.state_columns(braze) + ['braze_base'] %}
    {{ dbt.cast('batch.' ~ column, dbt_braze.bookkeeping_type(column)) }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ dbt_braze.batch_relation() }} as batch
cross join (
    select
        emitted_rows,
        last_braze_row,
        greatest({{ now }}, coalesce({{ dbt_braze.add_microseconds('newest_before', 1) }}, {{ now }})) as first_stamp
    from (
        select
            sum(case when braze_row like '%/%' then 0 else 1 end) as emitted_rows,
            max(case when braze_row not like '%/%' then braze_row end) as last_braze_row,
            max(newest_before) as newest_before
        from {{ dbt_braze.batch_relation() }}
        where braze_batch = {{ dbt_braze.literal(invocation_id) }}
    ) as totals
) as run
where batch.braze_batch = {{ dbt_braze.literal(invocation_id) }}
    and batch.braze_row not like '%/%'
{{- dbt_braze.order_of_log() }}
{%- endmacro %}


{% macro key_literal(text) %}
    {{ return(dbt.cast(dbt_braze.literal(text), dbt_braze.type_key())) }}
{% endmacro %}


{% macro text_literal(text) %}
    {{ return(dbt.cast(dbt_braze.literal(text), dbt_braze.type_text())) }}
{% endmacro %}


{# Pre-hook. #}
{% macro batch_created() %}
    {%- if execute -%}
        {%- set sql = dbt_braze.with_moment(dbt_braze.with_definition(dbt_braze.batch_of_this_model()), 'compared up to', dbt_braze.compared_up_to()) -%}
        {%- if is_incremental() -%}
            {%- set sql = dbt_braze.with_moment(sql, 'newest merged', dbt_braze.newest_merged(dbt_braze.checkpoint_relation())) -%}
        {%- endif -%}
        {{ dbt_braze.replaced_table(dbt_braze.batch_relation(), sql ~ '\nselect * from batch') }}
    {%- endif -%}
{% endmacro %}


{# Post-hook: the batch is in the log, so nothing of it is kept a second time. #}
{% macro batch_dropped() %}
    {%- if execute %}
        drop table if exists {{ dbt_braze.batch_relation() }}
    {%- endif -%}
{% endmacro %}


{# Post-hook: what the stamps promise holds for the batch just written. If it does not, because another run wrote meanwhile or a
   clock was ahead, the batch is taken back, so that nobody reads it and the next run emits it again. #}
{% macro batch_asserted() %}
    {%- if execute -%}
        {%- set own = 'braze_batch = ' ~ dbt_braze.literal(invocation_id) -%}
        {%- set since = dbt_braze.newest_merged(dbt_braze.checkpoint_relation(), days=7) -%}
        {%- set stamps = run_query(
            'select ' ~ dbt_braze.updated_at_text('max(UPDATED_AT)') ~ ', ' ~ dbt_braze.updated_at_text('min(case when ' ~ own ~ ' then UPDATED_AT end)')
            ~ ', ' ~ dbt_braze.updated_at_text('max(case when not ' ~ own ~ ' then UPDATED_AT end)') ~ ', ' ~ dbt_braze.updated_at_text(dbt_braze.now_utc())
            ~ ' from ' ~ this ~ ' where UPDATED_AT >= ' ~ dbt_braze.updated_at_literal(since)
        ).rows[0].values() -%}
        {%- set newest, oldest, newest_before, now = stamps[0], stamps[1], stamps[2], stamps[3] -%}
        {%- set problem = none -%}
        {%- if newest and newest > now -%}
            {%- set problem = newest ~ ' in UPDATED_AT is in the future' -%}
        {%- elif oldest and newest_before and oldest <= newest_before -%}
            {%- set problem = 'another run wrote up to ' ~ newest_before ~ ' meanwhile; run again' -%}
        {%- elif model.config.meta.braze.emits_once and newest_before and run_query(
            'select count(*) from ' ~ this ~ ' where not ' ~ own ~ ' and UPDATED_AT >= ' ~ dbt_braze.updated_at_literal(since)
            ~ ' and braze_row in (select braze_row from ' ~ this ~ ' where ' ~ own ~ ' and braze_base is null and UPDATED_AT >= ' ~ dbt_braze.updated_at_literal(since) ~ ')'
        ).columns[0].values()[0] | int -%}
            {%- set problem = 'another run emitted some of these rows meanwhile; run again' -%}
        {%- endif -%}
        {%- if problem -%}
            {%- do run_query('delete from ' ~ this ~ ' where ' ~ own) -%}
            {%- do exceptions.raise_compiler_error('dbt_braze: ' ~ problem) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
