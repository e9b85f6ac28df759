{# The dbt config that every sync has: an append-only log, its checkpoint and its batch kept by hooks, and the meta that the
   runner reads. The hooks before the model run outside of its transaction, so that what they note outlives a refused run. #}
{% macro configure_sync(sync, deliver, settings) %}
    {%- set braze = {'sync': sync, 'deliver': deliver} -%}
    {%- for name, value in settings.items() if value is not none -%}
        {%- do braze.update({name: value}) -%}
    {%- endfor -%}
    {%- set before = [] -%}
    {%- for hook in [
        'checkpoint_dropped', 'checkpoint_created', 'checkpoint_merged', 'deletions_merged', 'checkpoint_baseline',
        'batch_created', 'data_points_created', 'data_points_estimated', 'guards_kept',
    ] -%}
        {%- do before.append({'sql': '{{ dbt_braze.' ~ hook ~ '() }}', 'transaction': dbt_braze.hooks_need_transaction()}) -%}
    {%- endfor -%}
    {{ config(
        materialized='incremental',
        incremental_strategy=dbt_braze.log_incremental_strategy(),
        on_schema_change='append_new_columns',
        full_refresh=none if dbt_braze.setting('braze_rebuild_log') else false,
        pre_hook=before,
        post_hook=[
            '{{ dbt_braze.batch_asserted() }}',
            '{{ dbt_braze.source_window_noted() }}',
            '{{ dbt_braze.fingerprints_noted() }}',
            '{{ dbt_braze.batch_dropped() }}',
            '{{ dbt_braze.invalid_view_created() }}',
        ],
        meta={'braze': braze},
        **dbt_braze.log_layout()
    ) }}
{% endmacro %}


{# One of the package's vars. Vars of dbt_project.yml reach only the package's own models, so the defaults that macros need
   in a user's model stand here too; a test holds the two lists together. #}
{% macro setting(name) %}
    {{ return(var(name, dbt_braze.setting_defaults()[name])) }}
{% endmacro %}


{% macro setting_defaults() %}
    {{ return({
        'braze_rebuild_log': false,
        'braze_source_lookback_hours': 24,
        'braze_max_changed_share': 0.5,
        'braze_max_changed_share_from': 1000,
        'braze_max_rows': none,
        'braze_max_deletions': 1000,
        'braze_max_data_points': none,
    }) }}
{% endmacro %}


{# True under --empty and --sample: the source is not what it is, so nothing may be concluded from it. #}
{% macro is_partial_run() %}
    {{ return(flags.EMPTY or invocation_args_dict.get('sample') is not none) }}
{% endmacro %}
