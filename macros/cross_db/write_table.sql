{# Statements that hooks and run-operations write tables with. Several statements in one text are separated by semicolons. #}

{# A table made anew from a query. #}
{% macro replaced_table(relation, sql) %}
    {{ return(adapter.dispatch('replaced_table', 'dbt_braze')(relation, sql)) }}
{% endmacro %}

{% macro default__replaced_table(relation, sql) %}
    {{ return('create or replace table ' ~ relation ~ ' as\n' ~ sql) }}
{% endmacro %}


{% macro replaced_view(relation, sql) %}
    {{ return(adapter.dispatch('replaced_view', 'dbt_braze')(relation, sql)) }}
{% endmacro %}

{% macro default__replaced_view(relation, sql) %}
    {{ return('create or replace view ' ~ relation ~ ' as\n' ~ sql) }}
{% endmacro %}


{# Writes the rows of a query over those of the same key, and adds the others. `columns` names all columns of the query, the
   key among them; a key occurs once in it. One statement where the warehouse can: a run that dies leaves all or nothing. #}
{% macro upserted_rows(target, source_sql, key, columns) %}
    {{ return(adapter.dispatch('upserted_rows', 'dbt_braze')(target, source_sql, key, columns)) }}
{% endmacro %}

{% macro default__upserted_rows(target, source_sql, key, columns) %}
    {%- set settings = [] -%}
    {%- for column in columns if column != key -%}
        {%- do settings.append(column ~ ' = source.' ~ column) -%}
    {%- endfor -%}
    {{ return(
        'merge into ' ~ target ~ ' as target\nusing (\n' ~ source_sql ~ '\n) as source\non target.' ~ key ~ ' = source.' ~ key
        ~ '\nwhen matched then update set ' ~ (settings | join(', '))
        ~ '\nwhen not matched then insert (' ~ (columns | join(', ')) ~ ')\n    values (source.' ~ (columns | join(', source.')) ~ ')'
    ) }}
{% endmacro %}
