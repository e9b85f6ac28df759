{# With an `updated_at` column only the rows of the source that are newer than what has been compared are read again. How far
   that is stands in the checkpoint, in the row 'source': written once a run has appended its batch, from the moment that the
   batch itself saw, so a run that dies is done again. #}

{# The condition on the source. A row without a stamp is always read. #}
{% macro newer_rows(updated_at) %}
    {%- if updated_at -%}
        {{ return('where (' ~ updated_at ~ ') > ' ~ dbt_braze.moment_placeholder('compared up to') ~ ' or (' ~ updated_at ~ ') is null') }}
    {%- endif -%}
    {{ return('') }}
{% endmacro %}


{# In a hook: the moment up to which the source need not be read again, as text; the beginning of time when everything has to
   be: at first, after a change of the model, and while users are marked as forgotten. #}
{% macro compared_up_to() %}
    {%- set everything = '1970-01-01 00:00:00.000000' -%}
    {%- if dbt_braze.moment_placeholder('compared up to') not in model.compiled_code -%} {{ return(everything) }} {%- endif -%}
    {%- set checkpoint = dbt_braze.checkpoint_relation() -%}
    {%- set moment = dbt_braze.dateadd_hours('updated_at', -dbt_braze.setting('braze_source_lookback_hours')) -%}
    {%- set rows = run_query(
        'select ' ~ dbt_braze.updated_at_text(moment) ~ ' from ' ~ checkpoint ~ " where braze_row = 'source/compared' and row_hash = "
        ~ dbt_braze.literal(dbt_braze.definition_hash())
        ~ ' and not exists (select 1 from ' ~ checkpoint ~ " as marked where marked.forgotten is not null and marked.braze_row not like '%/%')"
    ) -%}
    {{ return(rows.columns[0].values()[0] if rows | length and rows.columns[0].values()[0] else everything) }}
{% endmacro %}


{% macro dateadd_hours(timestamp, hours) %}
    {{ return(dbt_braze.add_microseconds(timestamp, hours * 3600000000)) }}
{% endmacro %}


{# Two runs compared alike if the part of the model that reads the source is the same. #}
{% macro definition_hash() %}
    {{ return(local_md5(dbt_braze.state_of_this_model())) }}
{% endmacro %}


{# Post-hook: from now on the source has been compared as far as this run's batch saw. Nothing is noted when another run has
   replaced the batch meanwhile: its own note will do. #}
{% macro source_window_noted() %}
    {%- if execute and dbt_braze.moment_placeholder('compared up to') in model.compiled_code and not dbt_braze.is_partial_run() %}
        {{ dbt_braze.upserted_rows(
            dbt_braze.checkpoint_relation(),
            "select 'source/compared' as braze_row, " ~ dbt_braze.literal(dbt_braze.definition_hash()) ~ ' as row_hash, compared_to as updated_at, braze_batch'
                ~ ' from ' ~ dbt_braze.batch_relation() ~ " where braze_row like '%/%' and compared_to is not null and braze_batch = " ~ dbt_braze.literal(invocation_id),
            'braze_row',
            ['braze_row', 'row_hash', 'updated_at', 'braze_batch'],
        ) }}
    {%- endif -%}
{% endmacro %}
