{# Event-level models and marts replace whole keys. BigQuery has no delete+insert; on Databricks merge is the native way. #}
{% macro event_incremental_strategy() %}
    {{ return(adapter.dispatch('event_incremental_strategy', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__event_incremental_strategy() %}
    {{ return('delete+insert') }}
{% endmacro %}

{% macro bigquery__event_incremental_strategy() %}
    {{ return('merge') }}
{% endmacro %}

{% macro databricks__event_incremental_strategy() %}
    {{ return('merge') }}
{% endmacro %}
