{# Databricks with Unity Catalog: a service principal reads the tables. #}

{% macro databricks__cdi_access(setup) %}
    {%- set principal = adapter.quote(setup.user) -%}
    {%- set statements = [] -%}
    {%- for catalog in setup.schemas | map(attribute='database') | unique -%}
        {%- do statements.append({'what': 'the service principal may use the catalog', 'sql': 'grant use catalog on catalog '
            ~ adapter.quote(catalog) ~ ' to ' ~ principal}) -%}
    {%- endfor -%}
    {%- for schema in setup.schemas -%}
        {%- do statements.append({'what': 'the service principal may use the schema',
            'sql': 'grant use schema on schema ' ~ schema ~ ' to ' ~ principal}) -%}
    {%- endfor -%}
    {%- if setup.all_tables -%}
        {%- do statements.append({'what': 'the service principal may read all tables, now and later',
            'sql': 'grant select on schema '
            ~ setup.schemas[0] ~ ' to ' ~ principal}) -%}
    {%- else -%}
        {%- for relation in setup.readable -%}
            {%- do statements.append({'what': 'the service principal may read the table',
                'sql': 'grant select on table ' ~ relation ~ ' to ' ~ principal}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}


{% macro databricks__cdi_steps_by_hand(setup) %}
    {{ return({
        'before': ['make a service principal (Settings, Identity and access), if there is none yet; `user` is its application id.'],
        'after': [
            'give it "Can use" on the SQL warehouse (SQL Warehouses, Permissions). A serverless warehouse starts at once; a classic or pro '
                ~ 'one\nkeeps Braze waiting for minutes.',
            'where the workspace has IP access lists, allow these addresses:\n' ~ (setup.addresses | join(', ')),
            'make an OAuth secret of the service principal (its Secrets page). In Braze, make a Databricks source with server hostname,\n'
                ~ 'HTTP path, catalog, schema, application id and secret, and test it. Before the secret ends, make a second one, give it to\n'
                ~ 'Braze, then delete the first.',
        ],
    }) }}
{% endmacro %}


{% macro databricks__access_problems(given) %}
    {{ return(
        dbt_braze.reader_problems(given, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
            'the application id of a service principal, e.g. 01234567-89ab-cdef-0123-456789abcdef')
        + dbt_braze.snowflake_only_problems(given)
    ) }}
{% endmacro %}
