{# Which rows of the source a run reads. With an `updated_at` column only those that are newer than what has been compared. How
   far that is stands in the table <model>_source_window, of one row: written once a run has appended its batch, from the moment
   that the batch itself saw, so a run that dies is done again. #}

{% macro source_window_relation(log=this) %}
    {{ return(dbt_braze.companion(log, 'source_window')) }}
{% endmacro %}


{# The condition on the source. A row without a stamp is always read. #}
{% macro newer_rows(updated_at) %}
    {%- if updated_at -%}
        {{ return('((' ~ updated_at ~ ') > ' ~ dbt_braze.moment_placeholder('compared up to') ~ ' or (' ~ updated_at ~ ') is null)') }}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}


{# In a hook: the moment up to which the source need not be read again, as text; the beginning of time when everything has to
   be: at first, after a change of the model, and when the source has a row that was forgotten. #}
{% macro compared_up_to() %}
    {%- set everything = '1970-01-01 00:00:00.000000' -%}
    {%- set window = dbt_braze.source_window_relation() -%}
    {%- if not dbt_braze.has_source_window() or not dbt_braze.table_exists(window) -%} {{ return(everything) }} {%- endif -%}
    {%- set compared_to = dbt_braze.add_microseconds('compared_to', -dbt_braze.setting('braze_source_lookback_hours') * 3600000000) -%}
    {%- set noted = run_query(
        'select ' ~ dbt_braze.updated_at_text(compared_to) ~ ', ' ~ dbt_braze.updated_at_text('compared_at') ~ ' from ' ~ window
        ~ ' where definition_hash = ' ~ dbt_braze.literal(dbt_braze.definition_hash())
    ).rows -%}
    {{ return(noted[0][0] if noted | length and not dbt_braze.has_forgotten_rows(noted[0][1]) else everything) }}
{% endmacro %}


{# Forgotten rows that the window would miss: those that are in the source, whenever that may be. Of a sync that emits each row
   once, those that were forgotten since the run that noted the window: it has read the others. #}
{% macro has_forgotten_rows(compared_at) %}
    {%- set keys = dbt_braze.keys_of_this_model() -%}
    {{ return(dbt_braze.number_of(
        (keys or '') ~ '\nselect count(*) from (select 1 as one from ' ~ dbt_braze.checkpoint_relation() ~ ' as marked'
        ~ " where marked.braze_row not like '%/%' and (marked.forgotten is not null or marked.row_hash is null) and "
        ~ ('marked.braze_row in (select braze_row from source_keys)' if keys else 'marked.forgotten_at >= ' ~ dbt_braze.updated_at_literal(compared_at))
        ~ ' limit 1) as found'
    ) > 0) }}
{% endmacro %}


{% macro has_source_window() %}
    {{ return(dbt_braze.moment_placeholder('compared up to') in model.compiled_code) }}
{% endmacro %}


{# Post-hook: from now on the source has been compared as far as this run's batch saw. Nothing is noted when the batch does not
   say so, or another run has replaced it meanwhile: its own note will do. #}
{% macro source_window_noted() %}
    {%- if execute and dbt_braze.has_source_window() and not dbt_braze.is_partial_run() -%}
        {%- set run = run_query(
            'select ' ~ dbt_braze.updated_at_text('max(compared_to)') ~ ', ' ~ dbt_braze.updated_at_text('max(compared_at)')
            ~ ' from ' ~ dbt_braze.batch_relation() ~ ' where braze_batch = ' ~ dbt_braze.literal(invocation_id)
        ).rows[0].values() -%}
        {%- if run[0] -%}
            {{ dbt_braze.replaced_table(
                dbt_braze.source_window_relation(),
                'select ' ~ dbt_braze.key_literal(dbt_braze.definition_hash()) ~ ' as definition_hash, '
                    ~ dbt_braze.updated_at_literal(run[0]) ~ ' as compared_to, ' ~ dbt_braze.updated_at_literal(run[1]) ~ ' as compared_at',
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{# The next run compares the whole source. #}
{% macro source_window_forgotten(log) %}
    {%- do run_query('drop table if exists ' ~ dbt_braze.source_window_relation(log)) -%}
{% endmacro %}
