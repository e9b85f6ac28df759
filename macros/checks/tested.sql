{# What a data test of tests/generic knows of the model or source that it is put on. #}

{% macro tested_node() %}
    {%- set unique_id = model.attached_node or (model.depends_on.nodes | first) -%}
    {{ return(graph.nodes.get(unique_id) or graph.sources.get(unique_id)) }}
{% endmacro %}


{# Its config.meta.braze: sync models have it, a table written by hand may. #}
{% macro tested_meta() %}
    {{ return((dbt_braze.tested_node().config.get('meta') or {}).get('braze') or {}) }}
{% endmacro %}


{# The kind of sync: the test's argument, else that of the meta; one that the test is for. #}
{% macro tested_sync(sync, allowed) %}
    {%- set sync = sync or dbt_braze.tested_meta().get('sync') -%}
    {%- if sync not in allowed -%}
        {%- do exceptions.raise_compiler_error(
            'this test of ' ~ dbt_braze.tested_node().name ~ " needs to know the kind of sync, and has " ~ ("'" ~ sync ~ "'" if sync else 'none')
            ~ '; give the argument sync, or meta.braze.sync in the config of the model: ' ~ (allowed | join(', '))
        ) -%}
    {%- endif -%}
    {{ return(sync) }}
{% endmacro %}


{# Kinds of sync whose rows are about one user. #}
{% macro syncs_of_users() %}
    {{ return(['attributes', 'events', 'purchases', 'deletes', 'canvas_triggers', 'subscription_groups', 'email_status']) }}
{% endmacro %}


{# The columns that identify a row: those of meta.braze.identifiers, else those that are there. #}
{% macro tested_keys(sync=none) %}
    {%- if sync == 'catalog_items' -%} {{ return(['ID']) }} {%- endif -%}
    {{ return(dbt_braze.columns_of_kinds(dbt_braze.tested_kinds())) }}
{% endmacro %}


{% macro tested_kinds() %}
    {%- set declared = dbt_braze.tested_meta().get('identifiers') -%}
    {%- if declared is not none -%} {{ return(declared) }} {%- endif -%}
    {%- set columns = dbt_braze.tested_columns() -%}
    {%- set kinds = [] -%}
    {%- for kind in dbt_braze.identifier_kinds() if not columns or dbt_braze.columns_of_kinds([kind]) | reject('in', columns) | list == [] -%}
        {%- do kinds.append(kind) -%}
    {%- endfor -%}
    {{ return(kinds) }}
{% endmacro %}


{# Column in upper case -> type without length; empty for a table that is not there, and none where only SQL is compiled. #}
{% macro tested_columns() %}
    {%- if flags.WHICH in ['compile', 'generate'] -%} {{ return(none) }} {%- endif -%}
    {%- set node = dbt_braze.tested_node() -%}
    {%- set relation = adapter.get_relation(node.database, node.schema, node.get('alias') or node.identifier) -%}
    {%- set columns = {} -%}
    {%- for column in (adapter.get_columns_in_relation(relation) if relation else []) -%}
        {%- do columns.update({column.name | upper: modules.re.split('[(<]', column.dtype | lower)[0] | trim}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}


{# The end of a test: of the rows of a relation, those for which a branch of a case says what is wrong. #}
{% macro rows_with_problems(relation, keys, branches) -%}
select *
from (
    select
        case
            {{ branches | join('\n            ') }}
        end as problem,
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        UPDATED_AT
    from {{ relation }}
) as checked
where problem is not null
{%- endmacro %}
