{# Where a field stands in the raw table, by `braze_currents_source`. The Snowflake share names the API ids that Currents
   delivers with _API_ID at their end (campaign_id there is an internal id), and has its own column for the load time. #}
{% macro source_column(name) %}
    {%- set renamed_in_share = [
        'app_id', 'app_group_id', 'campaign_id', 'canvas_id', 'canvas_variation_id', 'canvas_step_id',
        'message_variation_id', 'canvas_step_message_variation_id', 'subscription_group_id', 'card_id',
        'experiment_step_id', 'experiment_split_id', 'next_step_id',
    ] -%}
    {{ return(name[:-3] ~ '_api_id' if dbt_braze.reads_share() and name in renamed_in_share else dbt_braze.column_name(name)) }}
{% endmacro %}


{% macro source_loaded_at() %}
    {{ return('sf_created_at' if dbt_braze.reads_share() else 'braze_loaded_at') }}
{% endmacro %}


{# Whether the raw table has a field: not when it is newer than the user's version of Currents or missing in the share. #}
{% macro source_has_field(field) %}
    {%- set version = var('braze_currents_version') -%}
    {%- set is_known = version is none or field.get('since', 0) <= version | int -%}
    {{ return(field.get('in_share', true) if dbt_braze.reads_share() else is_known) }}
{% endmacro %}


{% macro reads_share() %}
    {%- set named = var('braze_currents_source') -%}
    {%- if named not in ['currents', 'share'] -%}
        {%- do exceptions.raise_compiler_error(
            "braze_currents_source is '" ~ named ~ "'; it must be 'currents' or 'share'."
        ) -%}
    {%- endif -%}
    {{ return(named == 'share') }}
{% endmacro %}
