{# Run-operation: what Braze needs to read the sync tables of this target with Cloud Data Ingestion, printed or run.

   dbt run-operation braze_setup_cdi --args '{instance: US-01, user: BRAZE_INGESTION}'

   instance       Braze instance, e.g. US-01
   user           who Braze connects as: a user on Snowflake and Redshift, the mail address of a service account on BigQuery, the
                  application id of a service principal on Databricks
   database, schema
                  where `create_tables` and named `tables` are; the target's by default
   tables         what Braze may read: a list of names; all: every table of the schema, now and later; by default the sync
                  models of this project with deliver: cdi
   create_tables  names out of users_attributes_sync, users_events_sync, … to create empty; Braze may read them too
   role, warehouse, public_key
                  on Snowflake only: <user>_ROLE and <user>_WH by default; the key that Braze's dashboard shows
   execute        true: run the statements
#}
{% macro braze_setup_cdi(
    instance=none, user=none, database=none, schema=none, tables=none, create_tables=[], role=none, warehouse=none,
    public_key=none, execute=false
) %}
    {%- set given = {
        'instance': instance, 'user': user, 'database': database, 'schema': schema, 'tables': tables,
        'create_tables': create_tables, 'role': role, 'warehouse': warehouse, 'public_key': public_key, 'execute': execute,
    } -%}
    {%- do dbt_braze.raise_setup_problems(dbt_braze.setup_problems(given)) -%}
    {%- set setup = dbt_braze.completed_setup(given) -%}
    {%- set statements = dbt_braze.cdi_objects(setup) + dbt_braze.cdi_access(setup) -%}
    {%- set by_hand = dbt_braze.cdi_steps_by_hand(setup) -%}
    {%- do dbt_braze.print_setup(setup, statements, by_hand) -%}
    {%- if execute -%} {%- do dbt_braze.run_setup(statements) -%} {%- endif -%}
{% endmacro %}


{# The arguments with their defaults: relations instead of names, addresses instead of the instance. #}
{% macro completed_setup(given) %}
    {%- set database = given.database or target.database -%}
    {%- set schema = given.schema or target.schema -%}
    {%- set created = {} -%}
    {%- for name in given.create_tables -%}
        {%- do created.update({name: dbt_braze.setup_relation(database, schema, name)}) -%}
    {%- endfor -%}
    {%- set readable = created.values() | list -%}
    {%- if given.tables is none -%}
        {%- do readable.extend(dbt_braze.relations_for_cdi()) -%}
    {%- elif given.tables != 'all' -%}
        {%- for name in given.tables -%}
            {%- do readable.append(dbt_braze.setup_relation(database, schema, name)) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set schemas = {} -%}
    {%- if created or given.tables is not none -%}
        {%- set named = dbt_braze.setup_relation(database, schema).without_identifier() -%}
        {%- do schemas.update({named.render(): named}) -%}
    {%- endif -%}
    {%- for relation in readable -%}
        {%- do schemas.update({relation.without_identifier().render(): relation.without_identifier()}) -%}
    {%- endfor -%}
    {{ return(dict(
        given,
        addresses=dbt_braze.cdi_addresses().get(given.instance | string | upper, []),
        all_tables=given.tables == 'all',
        created=created,
        readable=readable,
        schemas=schemas.values() | list,
    )) }}
{% endmacro %}


{# The tables of this project's sync models that Braze is to read. #}
{% macro relations_for_cdi() %}
    {%- set relations = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.get('meta', {}).get('braze', {}).get('deliver') == 'cdi' -%}
        {%- do relations.append(dbt_braze.setup_relation(node.database, node.schema, node.alias)) -%}
    {%- endfor -%}
    {{ return(relations) }}
{% endmacro %}


{# A relation as it is written in DDL and grants; quoted or not as dbt quotes it in this project. #}
{% macro setup_relation(database, schema, identifier=none) %}
    {{ return(adapter.dispatch('setup_relation', 'dbt_braze')(database, schema, identifier)) }}
{% endmacro %}

{% macro default__setup_relation(database, schema, identifier) %}
    {{ return(api.Relation.create(database=database, schema=schema, identifier=identifier)) }}
{% endmacro %}

{# DDL reaches only the database that one is connected to, and takes no name of it: docs.aws.amazon.com, CREATE SCHEMA. #}
{% macro redshift__setup_relation(database, schema, identifier) %}
    {{ return(api.Relation.create(database=database, schema=schema, identifier=identifier).include(database=false)) }}
{% endmacro %}


{# Statements are {what, sql}, and where the warehouse has no `if not exists` also `unless`: a query that returns a row when there
   is nothing left to do. #}
{% macro cdi_objects(setup) %}
    {%- set statements = dbt_braze.cdi_databases(setup) -%}
    {%- for schema in setup.schemas -%}
        {%- do statements.append({'what': 'schema ' ~ schema, 'sql': 'create schema if not exists ' ~ schema}) -%}
    {%- endfor -%}
    {%- for name, relation in setup.created.items() -%}
        {%- do statements.append({'what': 'table ' ~ relation, 'sql': dbt_braze.cdi_table_created(relation, name)}) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}


{# Elsewhere than on Snowflake a database holds the compute or the bill: whoever runs dbt has one already. #}
{% macro cdi_databases(setup) %}
    {{ return(adapter.dispatch('cdi_databases', 'dbt_braze')(setup)) }}
{% endmacro %}

{% macro default__cdi_databases(setup) %}
    {{ return([]) }}
{% endmacro %}


{# Who may read what, and from where. #}
{% macro cdi_access(setup) %}
    {{ return(adapter.dispatch('cdi_access', 'dbt_braze')(setup)) }}
{% endmacro %}

{% macro default__cdi_access(setup) %}
    {{ return(dbt_braze.unsupported('setup for Cloud Data Ingestion')) }}
{% endmacro %}


{# What is not SQL: {before: […], after: […]} of the statements. #}
{% macro cdi_steps_by_hand(setup) %}
    {{ return(adapter.dispatch('cdi_steps_by_hand', 'dbt_braze')(setup)) }}
{% endmacro %}

{% macro default__cdi_steps_by_hand(setup) %}
    {{ return({'before': [], 'after': []}) }}
{% endmacro %}


{# A script that can be run as it is: all but the statements is comment. #}
{% macro print_setup(setup, statements, by_hand) %}
    {%- set lines = ['-- Braze Cloud Data Ingestion on ' ~ target.type ~ (', instance ' ~ (setup.instance | upper) if setup.addresses else '')] -%}
    {%- do lines.append('-- ' ~ ('These statements are run now, in this order.' if setup.execute
        else 'Nothing is run; execute: true runs these statements in this order. Running them again changes nothing.')) -%}
    {%- for step in by_hand.before -%} {%- do lines.append('\n-- By hand, first: ' ~ step.replace('\n', '\n--   ')) -%} {%- endfor -%}
    {%- for statement in statements -%}
        {%- do lines.append('\n-- ' ~ loop.index ~ '. ' ~ statement.what) -%}
        {%- if statement.unless -%} {%- do lines.append('-- only if this returns no row: ' ~ statement.unless) -%} {%- endif -%}
        {%- do lines.append(statement.sql ~ ';') -%}
    {%- endfor -%}
    {%- for step in by_hand.after -%} {%- do lines.append('\n-- By hand, then: ' ~ step.replace('\n', '\n--   ')) -%} {%- endfor -%}
    {%- do print(lines | join('\n')) -%}
{% endmacro %}


{% macro run_setup(statements) %}
    {%- for statement in statements -%}
        {%- if statement.unless and run_query(statement.unless).rows -%}
            {%- do log('dbt_braze: ' ~ loop.index ~ '. ' ~ statement.what ~ ': is there already', info=true) -%}
        {%- else -%}
            {%- do log('dbt_braze: ' ~ loop.index ~ '. ' ~ statement.what, info=true) -%}
            {%- do run_query(statement.sql) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
