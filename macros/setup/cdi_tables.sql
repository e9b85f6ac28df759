{# The tables that CDI reads, for teams that fill them by themselves. Names are free in Braze; these are the ones that dbt_braze
   gives its models. Columns: braze.com/docs, Cloud Data Ingestion, Table setup. #}
{% macro cdi_table_columns() %}
    {%- set users = {
        'UPDATED_AT': 'updated_at', 'EXTERNAL_ID': 'text', 'ALIAS_NAME': 'text', 'ALIAS_LABEL': 'text', 'BRAZE_ID': 'text',
        'EMAIL': 'text', 'PHONE': 'text', 'PAYLOAD': 'json',
    } -%}
    {{ return({
        'users_attributes_sync': users,
        'users_events_sync': users,
        'users_purchases_sync': users,
        'users_delete_sync': {
            'UPDATED_AT': 'updated_at', 'EXTERNAL_ID': 'text', 'ALIAS_NAME': 'text', 'ALIAS_LABEL': 'text', 'BRAZE_ID': 'text',
        },
        'catalog_items_sync': {'UPDATED_AT': 'updated_at', 'ID': 'key', 'PAYLOAD': 'json', 'DELETED': 'boolean'},
        'canvas_triggers_sync': {
            'UPDATED_AT': 'updated_at', 'EXTERNAL_ID': 'text', 'ALIAS_NAME': 'text', 'ALIAS_LABEL': 'text', 'PROPERTIES': 'json',
        },
    }) }}
{% endmacro %}


{% macro cdi_table_created(relation, name) %}
    {%- set forms = dbt_braze.cdi_column_forms() -%}
    {%- set lines = [] -%}
    {%- for column, form in dbt_braze.cdi_table_columns()[name].items() -%}
        {%- do lines.append('    ' ~ column ~ ' ' ~ (forms.text ~ ' not null' if form == 'key' else forms[form])) -%}
    {%- endfor -%}
    {{ return('create table if not exists ' ~ relation ~ ' (\n' ~ (lines | join(',\n')) ~ '\n)' ~ forms.get('table', '')) }}
{% endmacro %}


{# Type and constraint of each kind of column, and what follows the list of columns. #}
{% macro cdi_column_forms() %}
    {{ return(adapter.dispatch('cdi_column_forms', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__cdi_column_forms() %}
    {{ return({
        'updated_at': dbt_braze.type_updated_at() ~ ' not null default (' ~ dbt_braze.now_utc() ~ ')',
        'text': dbt_braze.type_text(),
        'json': dbt_braze.type_text() ~ ' not null',
        'boolean': 'boolean',
    }) }}
{% endmacro %}

{% macro snowflake__cdi_column_forms() %}
    {{ return({
        'updated_at': 'timestamp_ntz(9) not null default sysdate()',
        'text': 'varchar(16777216)',
        'json': 'varchar(16777216) not null',
        'boolean': 'boolean',
    }) }}
{% endmacro %}

{# Partitioned by UPDATED_AT or not at all, and without a required filter: braze.com/docs, Table setup. #}
{% macro bigquery__cdi_column_forms() %}
    {{ return({
        'updated_at': 'timestamp not null',
        'text': 'string',
        'json': 'json not null',
        'boolean': 'bool',
        'table': '\npartition by date(UPDATED_AT)',
    }) }}
{% endmacro %}

{# A varchar without a length holds 256 bytes, and Braze takes an external_id of 987. #}
{% macro redshift__cdi_column_forms() %}
    {{ return({
        'updated_at': 'timestamptz not null default sysdate',
        'text': 'varchar(max)',
        'json': 'varchar(max) not null',
        'boolean': 'boolean',
    }) }}
{% endmacro %}

{# Delta takes a default only with the table feature: docs.databricks.com, Delta table properties. #}
{% macro databricks__cdi_column_forms() %}
    {{ return({
        'updated_at': 'timestamp not null default current_timestamp()',
        'text': 'string',
        'json': 'string not null',
        'boolean': 'boolean',
        'table': "\ntblproperties ('delta.feature.allowColumnDefaults' = 'supported')",
    }) }}
{% endmacro %}
