{# A log is only ever added to. BigQuery has no append: a merge without a unique key does the same. #}
{% macro log_incremental_strategy() %}
    {{ return(adapter.dispatch('log_incremental_strategy', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__log_incremental_strategy() %}
    {{ return('append') }}
{% endmacro %}

{% macro bigquery__log_incremental_strategy() %}
    {{ return('merge') }}
{% endmacro %}
