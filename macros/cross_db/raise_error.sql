{# An expression of text that fails the statement with the message. The message has to depend on the data, or an
   optimizer may evaluate it before any condition around it. #}
{% macro raise_error(message) %}
    {{ return(adapter.dispatch('raise_error', 'dbt_braze')(message)) }}
{% endmacro %}

{% macro default__raise_error(message) %}
    {{ return(dbt_braze.unsupported('raise_error')) }}
{% endmacro %}

{% macro duckdb__raise_error(message) %}
    {{ return('cast(error(' ~ message ~ ') as varchar)') }}
{% endmacro %}
