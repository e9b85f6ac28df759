{% macro raise_setup_problems(problems) %}
    {%- if problems -%}
        {%- do exceptions.raise_compiler_error('the setup has problems:\n  - ' ~ (problems | join('\n  - '))) -%}
    {%- endif -%}
{% endmacro %}


{# Every problem of the arguments. Names reach SQL unescaped, so each is held to a pattern. #}
{% macro setup_problems(given) %}
    {%- set problems = [] -%}
    {%- for name in ['database', 'schema'] if given[name] is not none -%}
        {%- do problems.extend(dbt_braze.name_problems(name, given[name])) -%}
    {%- endfor -%}
    {%- if given.tables is not none and given.tables != 'all' -%}
        {%- if given.tables is string or given.tables is mapping or given.tables is not iterable or not given.tables -%}
            {%- do problems.append("tables is '" ~ given.tables ~ "'; it can be a list of names, or all") -%}
        {%- else -%}
            {%- for name in given.tables -%} {%- do problems.extend(dbt_braze.name_problems('a table', name)) -%} {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
    {%- set shapes = dbt_braze.cdi_table_columns().keys() | list -%}
    {%- if given.create_tables is string or given.create_tables is mapping or given.create_tables is not iterable
            or given.create_tables | reject('in', shapes) | list -%}
        {%- do problems.append("create_tables is '" ~ given.create_tables ~ "'; it can be a list out of " ~ (shapes | join(', '))) -%}
    {%- endif -%}
    {%- if given.execute is not boolean -%}
        {%- do problems.append("execute is '" ~ given.execute ~ "'; it can be true or false") -%}
    {%- endif -%}
    {{ return(problems + dbt_braze.access_problems(given)) }}
{% endmacro %}


{% macro name_problems(what, name) %}
    {%- if name is string and modules.re.fullmatch(dbt_braze.name_pattern(), name) -%} {{ return([]) }} {%- endif -%}
    {{ return([what ~ " is '" ~ name ~ "', which is no plain name here (" ~ dbt_braze.name_pattern() ~ ')']) }}
{% endmacro %}


{# What may be the name of a database, schema, table, user, role or warehouse. #}
{% macro name_pattern() %}
    {{ return(adapter.dispatch('name_pattern', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__name_pattern() %}
    {{ return('[A-Za-z_][A-Za-z0-9_]*') }}
{% endmacro %}

{# Projects have hyphens, and the oldest ones a domain: cloud.google.com, Creating and managing projects. #}
{% macro bigquery__name_pattern() %}
    {{ return('[A-Za-z0-9_][A-Za-z0-9_.:-]*') }}
{% endmacro %}

{% macro databricks__name_pattern() %}
    {{ return('[A-Za-z0-9_][A-Za-z0-9_-]*') }}
{% endmacro %}


{# Problems of who is let in, and to what. #}
{% macro access_problems(given) %}
    {{ return(adapter.dispatch('access_problems', 'dbt_braze')(given)) }}
{% endmacro %}

{% macro default__access_problems(given) %}
    {{ return(
        dbt_braze.reader_problems(given, dbt_braze.name_pattern(), 'a plain name')
        + dbt_braze.snowflake_only_problems(given)
    ) }}
{% endmacro %}

{# There is nobody to let in. #}
{% macro duckdb__access_problems(given) %}
    {{ return(dbt_braze.snowflake_only_problems(given)) }}
{% endmacro %}


{% macro reader_problems(given, user_pattern, user_form) %}
    {%- set problems = [] -%}
    {%- if given.instance is none -%}
        {%- do problems.append('instance is missing, e.g. US-01; it is in the address of your dashboard or in its settings') -%}
    {%- else -%}
        {%- do problems.extend(dbt_braze.instance_problems(given.instance)) -%}
    {%- endif -%}
    {%- if given.user is none -%}
        {%- do problems.append('user is missing: ' ~ user_form) -%}
    {%- elif given.user is not string or not modules.re.fullmatch(user_pattern, given.user) -%}
        {%- do problems.append("user is '" ~ given.user ~ "'; it has to be " ~ user_form) -%}
    {%- elif given.user | lower == target.get('user') | string | lower -%}
        {%- do problems.append("user is '" ~ given.user ~ "', whom dbt connects as; Braze needs one of its own") -%}
    {%- endif -%}
    {%- if given.tables is none and not given.create_tables and not dbt_braze.relations_for_cdi() -%}
        {%- do problems.append('no table to read: no sync model here has deliver: cdi, so give tables, or create_tables') -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}


{% macro snowflake_only_problems(given) %}
    {%- set problems = [] -%}
    {%- for name in ['role', 'warehouse', 'public_key'] if given[name] is not none -%}
        {%- do problems.append(name ~ ' is for Snowflake alone') -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}
