{# What the package's own sync models need: their mapping comes from one var each, for tables made outside dbt. #}

{# The arguments of a sync macro out of the var of a model of the package. A wrong var is a compile error of that model alone. #}
{% macro arguments_of_var(name) %}
    {%- set known = dbt_braze.arguments_of_vars()[name] -%}
    {%- set given = var(name) -%}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(dbt_braze.var_problems(name, given, ['table', 'schema', 'database'] + known)) -%}
    {%- endif -%}
    {%- set arguments = {} -%}
    {%- for argument in known if given is mapping and argument in given -%}
        {%- do arguments.update({argument: given[argument]}) -%}
    {%- endfor -%}
    {{ return(arguments) }}
{% endmacro %}


{# Var -> arguments of its macro; a test holds them together. #}
{% macro arguments_of_vars() %}
    {%- set user = ['external_id', 'alias_name', 'alias_label', 'braze_id', 'email', 'phone', 'priority'] -%}
    {%- set existing = ['external_id', 'alias_name', 'alias_label', 'priority'] -%}
    {%- set end = ['updated_at', 'deliver', 'baseline'] -%}
    {{ return({
        'braze_users_attributes': user + ['attributes', 'update_existing_only', 'merge_objects', 'users_that_left', 'dropped_attributes'] + end,
        'braze_users_events': ['event_id'] + user + ['name', 'time', 'properties', 'app_id', 'update_existing_only'] + end,
        'braze_users_purchases': ['purchase_id'] + user
            + ['product_id', 'currency', 'price', 'quantity', 'time', 'properties', 'app_id', 'update_existing_only'] + end,
        'braze_users_delete': ['sent_by'] + existing + ['braze_id', 'request_id', 'updated_at', 'deliver'],
        'braze_catalog_items': ['catalog', 'id', 'fields', 'items_that_left', 'null_fields'] + end,
        'braze_canvas_triggers': ['trigger_id'] + existing + ['properties'] + end,
    }) }}
{% endmacro %}


{% macro var_problems(name, given, known) %}
    {%- if given is not mapping -%}
        {{ return(['the var ' ~ name ~ ' is no mapping like {table: …, ' ~ known[3] ~ ': …}']) }}
    {%- endif -%}
    {%- set problems = [] -%}
    {%- set unknown = given.keys() | reject('in', known) | list -%}
    {%- if unknown -%}
        {%- do problems.append('the var ' ~ name ~ ' has ' ~ (unknown | join(', ')) ~ '; known are ' ~ (known | join(', '))) -%}
    {%- endif -%}
    {%- if not given.get('table') or given.table is not string -%}
        {%- do problems.append('the var ' ~ name ~ ' has no table') -%}
    {%- endif -%}
    {%- if given.get('sent_by') and (given.sent_by != 'users_attributes_sync' or not var('braze_users_attributes')) -%}
        {%- do problems.append('in the var ' ~ name ~ ' sent_by can only be users_attributes_sync, switched on by braze_users_attributes') -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}


{# The columns of the log that say whom, or what, a row is about. A model of this package has a contract, and with it every
   column of CDI's table, null where the sync does not use it. #}
{% macro logged_key_columns(braze) %}
    {%- if model.package_name != 'dbt_braze' -%} {{ return(dbt_braze.key_columns(braze)) }} {%- endif -%}
    {{ return(dbt_braze.cdi_table_columns()[model.name].keys() | reject('in', ['UPDATED_AT', 'PAYLOAD', 'PROPERTIES', 'DELETED']) | list) }}
{% endmacro %}
