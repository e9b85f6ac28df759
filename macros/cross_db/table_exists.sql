{# Whether a table is there, for run-operations: it leaves no transaction open, in which what they write would be lost. #}
{% macro table_exists(relation) %}
    {{ return(adapter.dispatch('table_exists', 'dbt_braze')(relation)) }}
{% endmacro %}

{% macro default__table_exists(relation) %}
    {{ return(adapter.get_relation(relation.database, relation.schema, relation.identifier) is not none) }}
{% endmacro %}

{# Here get_relation() begins a transaction, which dbt rolls back at the end of a run-operation. #}
{% macro duckdb__table_exists(relation) %}
    {{ return(dbt_braze.table_is_listed(relation)) }}
{% endmacro %}

{% macro redshift__table_exists(relation) %}
    {{ return(dbt_braze.table_is_listed(relation)) }}
{% endmacro %}

{% macro table_is_listed(relation) %}
    {%- set conditions = [] -%}
    {%- for column, value in {
        'table_catalog': relation.database, 'table_schema': relation.schema, 'table_name': relation.identifier,
    }.items() -%}
        {%- do conditions.append('lower(' ~ column ~ ') = lower(' ~ dbt_braze.literal(value) ~ ')') -%}
    {%- endfor -%}
    {{ return(run_query('select 1 from information_schema.tables where ' ~ (conditions | join(' and '))).rows | length > 0) }}
{% endmacro %}
