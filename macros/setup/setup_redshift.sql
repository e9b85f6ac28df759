{# Redshift: a user with a password, and grants. dbt writes each statement it runs to its log, so the password is set by hand. #}

{% macro redshift__cdi_access(setup) %}
    {%- set user = adapter.quote(setup.user | lower) -%}
    {#- There is no `create user if not exists`: docs.aws.amazon.com, CREATE USER. -#}
    {%- set statements = [{
        'what': 'user ' ~ user,
        'unless': 'select 1 from pg_user where usename = ' ~ dbt_braze.literal(setup.user | lower),
        'sql': 'create user ' ~ user ~ ' password disable',
    }] -%}
    {%- for schema in setup.schemas -%}
        {%- do statements.append({'what': user ~ ' may use the schema',
            'sql': 'grant usage on schema ' ~ schema ~ ' to ' ~ user}) -%}
    {%- endfor -%}
    {%- if setup.all_tables -%}
        {#- Default privileges would cover only what the one who grants creates: docs.aws.amazon.com, Scoped permissions. -#}
        {%- do statements.append({'what': user ~ ' may read all tables, now and later',
            'sql': 'grant select for tables in schema '
            ~ setup.schemas[0] ~ ' to ' ~ user}) -%}
    {%- else -%}
        {%- for relation in setup.readable -%}
            {%- do statements.append({'what': user ~ ' may read the table',
                'sql': 'grant select on table ' ~ relation ~ ' to ' ~ user}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}


{% macro redshift__cdi_steps_by_hand(setup) %}
    {%- set user = adapter.quote(setup.user | lower) -%}
    {{ return({
        'before': ['connect as a superuser, or as one who may create users and grant on these tables.'],
        'after': [
            'in a client that keeps no history, give the user a password (again to change it, and then in Braze):\nalter user ' ~ user
                ~ " password '<password>';",
            'let Braze in. Either make the endpoint public, with inbound TCP ' ~ (target.get('port') or 5439) ~ ' in its security group from\n'
                ~ (setup.addresses | map('string') | join('/32, ')) ~ '/32,\nor let an SSH host in front of it have these addresses on TCP 22 and '
                ~ 'use the SSH tunnel of the Braze source, whose public key goes to that host.',
            'in Braze, make a Redshift source with endpoint, port, database, schema, user and password, and test it.',
        ],
    }) }}
{% endmacro %}


{% macro redshift__access_problems(given) %}
    {%- set problems = dbt_braze.reader_problems(given, dbt_braze.name_pattern(), 'a plain name, e.g. braze_ingestion') -%}
    {%- if given.database is not none and given.database | lower != target.database | lower -%}
        {%- do problems.append("database is '" ~ given.database ~ "'; rights are given in the database that dbt connects to, " ~ target.database) -%}
    {%- endif -%}
    {#- braze.com/docs, Cloud Data Ingestion, Data warehouse integrations. -#}
    {%- if not modules.re.fullmatch('[A-Za-z0-9_]+', target.database) -%}
        {%- do problems.append("the database is called '" ~ target.database ~ "'; Braze takes letters, digits and underscores only") -%}
    {%- endif -%}
    {{ return(problems + dbt_braze.snowflake_only_problems(given)) }}
{% endmacro %}
