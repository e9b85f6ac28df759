{# Statements that hooks and run-operations write tables with. Several statements in one text are separated by semicolons. #}

{# A table made anew from a query. #}
{% macro replaced_table(relation, sql) %}
    {{ return(adapter.dispatch('replaced_table', 'dbt_braze')(relation, sql)) }}
{% endmacro %}

{% macro default__replaced_table(relation, sql) %}
    {{ return('create or replace table ' ~ relation ~ ' as\n' ~ sql) }}
{% endmacro %}

{% macro redshift__replaced_table(relation, sql) %}
    {{ return('drop table if exists ' ~ relation ~ ' cascade;\ncreate table ' ~ relation ~ ' as (\n' ~ sql ~ '\n)') }}
{% endmacro %}

{# Whoever may read the table, Braze among them, still may when it is made anew: docs.snowflake.com, CREATE TABLE. #}
{% macro snowflake__replaced_table(relation, sql) %}
    {{ return('create or replace table ' ~ relation ~ ' copy grants as\n' ~ sql) }}
{% endmacro %}


{% macro replaced_view(relation, sql) %}
    {{ return(adapter.dispatch('replaced_view', 'dbt_braze')(relation, sql)) }}
{% endmacro %}

{% macro default__replaced_view(relation, sql) %}
    {{ return('create or replace view ' ~ relation ~ ' as\n' ~ sql) }}
{% endmacro %}

{# OR REPLACE takes the same columns alone. Bound late, for a model that is built anew takes bound views with it:
   docs.aws.amazon.com/redshift, CREATE VIEW. #}
{% macro redshift__replaced_view(relation, sql) %}
    {{ return('drop view if exists ' ~ relation ~ ' cascade;\ncreate view ' ~ relation ~ ' as (\n' ~ sql ~ '\n) with no schema binding') }}
{% endmacro %}

{% macro snowflake__replaced_view(relation, sql) %}
    {{ return('create or replace view ' ~ relation ~ ' copy grants as\n' ~ sql) }}
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

{# The source is a table and no query, the target has no alias, and it is best to set every column:
   docs.aws.amazon.com/redshift, MERGE. #}
{% macro redshift__upserted_rows(target, source_sql, key, columns) %}
    {%- set rows = 'braze_rows_' ~ local_md5(target | string) -%}
    {%- set settings = [] -%}
    {%- for column in columns -%}
        {%- do settings.append(column ~ ' = source.' ~ column) -%}
    {%- endfor -%}
    {{ return(
        'drop table if exists ' ~ rows ~ ';\n'
        ~ 'create temporary table ' ~ rows ~ ' diststyle key distkey (' ~ key ~ ') as (\n' ~ source_sql ~ '\n);\n'
        ~ 'merge into ' ~ target ~ '\nusing ' ~ rows ~ ' as source\non ' ~ target ~ '.' ~ key ~ ' = source.' ~ key
        ~ '\nwhen matched then update set ' ~ (settings | join(', '))
        ~ '\nwhen not matched then insert (' ~ (columns | join(', ')) ~ ')\n    values (source.' ~ (columns | join(', source.')) ~ ');\n'
        ~ 'drop table ' ~ rows
    ) }}
{% endmacro %}


{# The same for rows that come whole, with every column of the table, where a warehouse has a better way for that. #}
{% macro replaced_rows(target, source_sql, key, columns) %}
    {{ return(adapter.dispatch('replaced_rows', 'dbt_braze')(target, source_sql, key, columns)) }}
{% endmacro %}

{% macro default__replaced_rows(target, source_sql, key, columns) %}
    {{ return(dbt_braze.upserted_rows(target, source_sql, key, columns)) }}
{% endmacro %}

{# A row that is updated in its place makes DuckDB compress the columns of its row group anew, and rows chosen by a hash are in
   all of them. Rows that are deleted and added leave the others alone. #}
{% macro duckdb__replaced_rows(target, source_sql, key, columns) %}
    {%- set rows = 'braze_rows_' ~ local_md5(target | string) -%}
    {{ return(
        'begin;\ncreate or replace temporary table ' ~ rows ~ ' as\n' ~ source_sql ~ ';\n'
        ~ 'delete from ' ~ target ~ ' where ' ~ key ~ ' in (select ' ~ key ~ ' from ' ~ rows ~ ');\n'
        ~ 'insert into ' ~ target ~ ' (' ~ (columns | join(', ')) ~ ')\nselect ' ~ (columns | join(', ')) ~ ' from ' ~ rows ~ ';\n'
        ~ 'drop table ' ~ rows ~ ';\ncommit'
    ) }}
{% endmacro %}
