{# Columns of CDI's tables and their types. #}

{# Kind of sync -> table of cdi_table_columns(). #}
{% macro cdi_tables_of_syncs() %}
    {{ return({
        'attributes': 'users_attributes_sync',
        'events': 'users_events_sync',
        'purchases': 'users_purchases_sync',
        'deletes': 'users_delete_sync',
        'catalog_items': 'catalog_items_sync',
        'canvas_triggers': 'canvas_triggers_sync',
    }) }}
{% endmacro %}


{# The types that Braze's documentation gives for each kind of column, by the names that the adapter has for them (braze.com/docs,
   Cloud Data Ingestion, Table setup). Braze does not read DuckDB: there they are the types that braze-runner reads. #}
{% macro cdi_types() %}
    {{ return(adapter.dispatch('cdi_types', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__cdi_types() %}
    {{ return({'updated_at': ['timestamp'], 'text': ['varchar'], 'json': ['varchar', 'json'], 'boolean': ['boolean']}) }}
{% endmacro %}

{% macro snowflake__cdi_types() %}
    {%- set text = ['varchar', 'text', 'character varying'] -%}
    {{ return({'updated_at': ['timestamp_ntz'], 'text': text, 'json': text, 'boolean': ['boolean']}) }}
{% endmacro %}

{% macro bigquery__cdi_types() %}
    {{ return({'updated_at': ['timestamp'], 'text': ['string'], 'json': ['json'], 'boolean': ['boolean', 'bool']}) }}
{% endmacro %}

{% macro redshift__cdi_types() %}
    {%- set text = ['varchar', 'character varying'] -%}
    {{ return({'updated_at': ['timestamptz', 'timestamp with time zone'], 'text': text, 'json': text, 'boolean': ['boolean']}) }}
{% endmacro %}

{% macro databricks__cdi_types() %}
    {{ return({
        'updated_at': ['timestamp'], 'text': ['string'], 'json': ['string', 'struct', 'map'], 'boolean': ['boolean'],
    }) }}
{% endmacro %}


{# What is wrong with the columns of a table, {name in upper case: type}, for a kind of sync. #}
{% macro cdi_shape_problems(columns, sync) %}
    {%- set expected = dbt_braze.cdi_table_columns()[dbt_braze.cdi_tables_of_syncs()[sync]] -%}
    {%- set users = dbt_braze.columns_of_kinds(dbt_braze.identifier_kinds()) -%}
    {%- set problems = [] -%}
    {%- for name in expected if name not in columns and name not in users + ['DELETED'] -%}
        {%- do problems.append('there is no column ' ~ name) -%}
    {%- endfor -%}
    {%- if sync != 'catalog_items' and not columns.keys() | select('in', users) | select('in', expected) | list -%}
        {%- do problems.append('there is no column of an identifier') -%}
    {%- endif -%}
    {%- if ('ALIAS_NAME' in columns) != ('ALIAS_LABEL' in columns) -%}
        {%- do problems.append('an alias needs both ALIAS_NAME and ALIAS_LABEL') -%}
    {%- endif -%}
    {%- if sync == 'deletes' and 'PAYLOAD' in columns -%}
        {%- do problems.append('there is a column PAYLOAD, with which Braze deletes nobody') -%}
    {%- endif -%}
    {%- for name, kind in expected.items() if name in columns -%}
        {%- set types = dbt_braze.cdi_types()['text' if kind == 'key' else kind] -%}
        {%- if columns[name] not in types -%}
            {%- do problems.append(name ~ ' is ' ~ columns[name] ~ '; Braze takes ' ~ (types | join(' or '))) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}
