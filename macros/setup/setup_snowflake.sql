{# Snowflake: a role, a warehouse, a service user with a key, and a network policy of that user alone. The account's policy is
   never touched: a policy's list is replaced as a whole, and everybody who was on the old one is locked out. #}

{% macro snowflake__cdi_databases(setup) %}
    {%- set statements = [] -%}
    {%- for database in setup.schemas | map(attribute='database') | unique -%}
        {%- set name = api.Relation.create(database=database) -%}
        {%- do statements.append({'what': 'database ' ~ name, 'sql': 'create database if not exists ' ~ name}) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}


{% macro snowflake__cdi_access(setup) %}
    {%- set names = dbt_braze.snowflake_names(setup) -%}
    {%- set addresses = "('" ~ (setup.addresses | join("', '")) ~ "')" -%}
    {%- set statements = [
        {'what': 'warehouse ' ~ names.warehouse, 'sql': 'create warehouse if not exists ' ~ names.warehouse
            ~ " warehouse_size = 'XSMALL' auto_suspend = 60 auto_resume = true initially_suspended = true"},
        {'what': 'role ' ~ names.role, 'sql': 'create role if not exists ' ~ names.role},
        {'what': names.role ~ ' may use the warehouse', 'sql': 'grant usage on warehouse ' ~ names.warehouse ~ ' to role ' ~ names.role},
    ] -%}
    {%- for database in setup.schemas | map(attribute='database') | unique -%}
        {%- set name = api.Relation.create(database=database) -%}
        {%- do statements.append({'what': names.role ~ ' may use the database',
            'sql': 'grant usage on database ' ~ name ~ ' to role ' ~ names.role}) -%}
    {%- endfor -%}
    {%- for schema in setup.schemas -%}
        {%- do statements.append({'what': names.role ~ ' may use the schema',
            'sql': 'grant usage on schema ' ~ schema ~ ' to role ' ~ names.role}) -%}
    {%- endfor -%}
    {%- do statements.extend(dbt_braze.snowflake_table_grants(setup, names.role)) -%}
    {%- do statements.extend([
        {'what': 'network policy ' ~ names.policy, 'sql': 'create network policy if not exists ' ~ names.policy ~ ' allowed_ip_list = ' ~ addresses},
        {'what': 'the addresses of the instance in it', 'sql': 'alter network policy ' ~ names.policy ~ ' set allowed_ip_list = ' ~ addresses},
        {'what': 'user ' ~ names.user, 'sql': 'create user if not exists ' ~ names.user ~ ' type = service default_role = ' ~ names.role
            ~ ' default_warehouse = ' ~ names.warehouse},
        {'what': names.user ~ ' comes from these addresses only', 'sql': 'alter user ' ~ names.user ~ ' set network_policy = ' ~ names.policy},
        {'what': names.user ~ ' has the role', 'sql': 'grant role ' ~ names.role ~ ' to user ' ~ names.user},
    ]) -%}
    {%- if setup.public_key -%}
        {%- do statements.append({'what': 'key of ' ~ names.user, 'sql': 'alter user ' ~ names.user ~ " set rsa_public_key = '"
            ~ dbt_braze.key_body(setup.public_key) ~ "'"}) -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}


{% macro snowflake_table_grants(setup, role) %}
    {%- set statements = [] -%}
    {%- if setup.all_tables -%}
        {%- for which in ['all', 'future'] -%}
            {%- do statements.append({'what': role ~ ' may read ' ~ which ~ ' tables',
                'sql': 'grant select on ' ~ which ~ ' tables in schema '
                ~ setup.schemas[0] ~ ' to role ' ~ role}) -%}
        {%- endfor -%}
    {%- else -%}
        {%- for relation in setup.readable -%}
            {%- do statements.append({'what': role ~ ' may read the table',
                'sql': 'grant select on table ' ~ relation ~ ' to role ' ~ role}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}


{# Quoted, in the upper case that an unquoted name gets. #}
{% macro snowflake_names(setup) %}
    {{ return({
        'user': adapter.quote(setup.user | upper),
        'role': adapter.quote((setup.role or setup.user ~ '_ROLE') | upper),
        'warehouse': adapter.quote((setup.warehouse or setup.user ~ '_WH') | upper),
        'policy': adapter.quote((setup.user ~ '_CDI_POLICY') | upper),
    }) }}
{% endmacro %}


{% macro snowflake__cdi_steps_by_hand(setup) %}
    {%- set names = dbt_braze.snowflake_names(setup) -%}
    {%- set after = [] -%}
    {%- if not setup.public_key -%}
        {%- do after.append('in Braze, make a Snowflake source with this account, warehouse, database, schema, user and role; it shows a '
            ~ 'public key.\nRun this again with public_key: "<the key>", then test the connection in Braze.') -%}
    {%- endif -%}
    {{ return({
        'before': ['use a role that may create databases, warehouses, roles, users and network policies: ACCOUNTADMIN may.'],
        'after': after + [
            'what is made here belongs to the role that makes it. If dbt runs as another role, give it the schema:\n'
                ~ 'grant ownership on schema <schema> to role <role of dbt> copy current grants;',
            'a warehouse that was there before has to resume by itself (show warehouses: auto_resume). If it may not:\n'
                ~ 'grant operate on warehouse ' ~ names.warehouse ~ ' to role ' ~ names.role ~ ';',
            'to change the key later, keep both until Braze uses the new one:\n'
                ~ 'alter user ' ~ names.user ~ " set rsa_public_key_2 = '<new key>';\n"
                ~ 'alter user ' ~ names.user ~ ' unset rsa_public_key;',
        ],
    }) }}
{% endmacro %}


{% macro snowflake__access_problems(given) %}
    {%- set problems = dbt_braze.reader_problems(given, dbt_braze.name_pattern(), 'a plain name, e.g. BRAZE_INGESTION') -%}
    {%- for name in ['role', 'warehouse'] if given[name] is not none -%}
        {%- do problems.extend(dbt_braze.name_problems(name, given[name])) -%}
    {%- endfor -%}
    {{ return(problems + dbt_braze.key_problems(given.public_key)) }}
{% endmacro %}


{# The key is never repeated: it may be the wrong half. An RSA public key in PEM has the object identifier of RSA right after its
   length, so its text has this piece at this place whatever the size; a private key has a version number there. #}
{% macro key_problems(public_key) %}
    {%- if public_key is none -%} {{ return([]) }} {%- endif -%}
    {%- if 'PRIVATE KEY' in public_key | string or modules.re.match('MII[A-Za-z0-9+/]{3}IBA', dbt_braze.key_body(public_key)) -%}
        {{ return(['public_key is a private key. dbt has written it to its log by now: make a new pair, and give the public key']) }}
    {%- endif -%}
    {%- if not modules.re.fullmatch('MII[A-Za-z0-9+/]{3}ANBgkqhkiG9w0BAQEFAAOC[A-Za-z0-9+/]+={0,2}', dbt_braze.key_body(public_key)) -%}
        {{ return(['public_key is no RSA public key of 2048 bits or more, in PEM or its base64 text']) }}
    {%- endif -%}
    {{ return([]) }}
{% endmacro %}


{# Snowflake takes a key without the lines around it: docs.snowflake.com, Key-pair authentication. #}
{% macro key_body(public_key) %}
    {{ return(modules.re.sub('-----[A-Z ]+-----|\\s', '', public_key | string)) }}
{% endmacro %}
