{# What run-operations on sync tables have in common: which syncs there are, whether they have run, and how they speak. #}

{# The nodes of the project's syncs, by name. #}
{% macro sync_nodes() %}
    {%- set nodes = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.get('meta', {}).get('braze') -%}
        {%- do nodes.append(node) -%}
    {%- endfor -%}
    {{ return(nodes | sort(attribute='name')) }}
{% endmacro %}


{# The sync of that name, or none. #}
{% macro sync_named(name) %}
    {{ return(dbt_braze.sync_nodes() | selectattr('name', 'equalto', name) | first | default(none)) }}
{% endmacro %}


{% macro relation_of_node(node) %}
    {{ return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) }}
{% endmacro %}


{# {log, checkpoint, batch}: the tables of a sync. #}
{% macro tables_of_sync(node) %}
    {%- set log = dbt_braze.relation_of_node(node) -%}
    {{ return({'log': log, 'checkpoint': dbt_braze.companion(log, 'checkpoint'), 'batch': dbt_braze.companion(log, 'batch')}) }}
{% endmacro %}


{# True when a sync has run; else it says that there is nothing to do. #}
{% macro has_run(node) %}
    {%- set tables = dbt_braze.tables_of_sync(node) -%}
    {%- for table in [tables.log, tables.checkpoint] if not dbt_braze.table_exists(table) -%}
        {%- do dbt_braze.say(node.name ~ ' has not run yet, so there is nothing to do (no table ' ~ table ~ ')') -%}
        {{ return(false) }}
    {%- endfor -%}
    {{ return(true) }}
{% endmacro %}


{# What the log holds goes into the checkpoint, as it would at the next run. #}
{% macro merge_now(node, tables) %}
    {%- set statement = dbt_braze.merge_into_checkpoint(tables.log, tables.checkpoint, node.config.meta.braze) -%}
    {%- if statement | trim -%} {%- do run_query(statement) -%} {%- endif -%}
{% endmacro %}


{% macro say(sentence) %}
    {%- do log('dbt_braze: ' ~ sentence, info=true) -%}
{% endmacro %}


{# One number, from a query of one. #}
{% macro number_of(sql) %}
    {{ return(run_query(sql).columns[0].values()[0] | int) }}
{% endmacro %}


{% macro raise_operation_problems(operation, problems) %}
    {%- if problems -%}
        {%- do exceptions.raise_compiler_error(operation ~ ' has problems:\n  - ' ~ (problems | join('\n  - '))) -%}
    {%- endif -%}
{% endmacro %}


{% macro sync_problems(name) %}
    {%- set known = dbt_braze.sync_nodes() | map(attribute='name') | join(', ') -%}
    {%- if name is none -%} {{ return(['sync is missing; there are ' ~ (known or 'none in this project')]) }} {%- endif -%}
    {%- if dbt_braze.sync_named(name) is none -%}
        {{ return(["no Braze sync is called '" ~ name ~ "'; there are " ~ (known or 'none in this project')]) }}
    {%- endif -%}
    {{ return([]) }}
{% endmacro %}


{% macro switch_problems(switches) %}
    {%- set problems = [] -%}
    {%- for name, value in switches.items() if value is not boolean -%}
        {%- do problems.append(name ~ " is '" ~ value ~ "'; it can be true or false") -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{% macro whole_number_problems(name, value, least, most) %}
    {%- if value is integer and least <= value <= most -%} {{ return([]) }} {%- endif -%}
    {{ return([name ~ " is '" ~ value ~ "'; it can be a whole number from " ~ least ~ ' to ' ~ most]) }}
{% endmacro %}


{# Users are named by a query, in columns that are called like the kind of identifier. #}
{% macro users_problems(users) %}
    {%- if users is string and modules.re.match('(?is)\\s*(select|with)\\b', users) and ';' not in users.strip().rstrip(';') -%} {{ return([]) }} {%- endif -%}
    {{ return(['users is no query: a text that begins with select or with']) }}
{% endmacro %}


{% macro users_query(users) %}
    {{ return('(' ~ users.strip().rstrip(';') ~ '\n)') }}
{% endmacro %}


{# What rows can be chosen by: the kinds of identifier of a sync; id for the items of a catalog. #}
{% macro kinds_of_sync(braze) %}
    {{ return(['id'] if braze.sync == 'catalog_items' else braze.get('identifiers') or []) }}
{% endmacro %}


{# A hash of the identifier in CDI's columns, as they are called under `alias`; compared in place of the text, it is the same
   under every collation. #}
{% macro chosen_key(kind, alias=none) %}
    {%- set columns = {} -%}
    {%- for column in (['ID'] if kind == 'id' else dbt_braze.columns_of_kinds([kind])) -%}
        {%- do columns.update({column: dbt_braze.identifier_value((alias ~ '.' if alias else '') ~ column)}) -%}
    {%- endfor -%}
    {{ return(dbt_braze.text_hash(columns.ID) if kind == 'id' else dbt_braze.user_key(kind, columns)) }}
{% endmacro %}
