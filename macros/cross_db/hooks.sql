{# What a hook that has to outlive a refused run says about its transaction. Where dbt opens one around the model the hook runs
   before it. The other adapters know no transaction there, and never run a hook that wants to be outside of one. #}
{% macro hooks_need_transaction() %}
    {{ return(adapter.dispatch('hooks_need_transaction', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__hooks_need_transaction() %}
    {{ return(true) }}
{% endmacro %}

{% macro duckdb__hooks_need_transaction() %}
    {{ return(false) }}
{% endmacro %}

{% macro redshift__hooks_need_transaction() %}
    {{ return(false) }}
{% endmacro %}
