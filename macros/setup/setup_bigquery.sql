{# BigQuery: a service account reads the tables; its roles in the project are not SQL here, for they belong to who governs the
   project. #}

{% macro bigquery__cdi_access(setup) %}
    {%- set member = '"serviceAccount:' ~ setup.user ~ '"' -%}
    {%- set statements = [] -%}
    {%- if setup.all_tables -%}
        {%- do statements.append({'what': 'the service account may read all tables, now and later', 'sql':
            'grant `roles/bigquery.dataViewer` on schema ' ~ setup.schemas[0] ~ ' to ' ~ member}) -%}
    {%- else -%}
        {%- for relation in setup.readable -%}
            {%- do statements.append({'what': 'the service account may read the table', 'sql':
                'grant `roles/bigquery.dataViewer` on table ' ~ relation ~ ' to ' ~ member}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(statements) }}
{% endmacro %}


{% macro bigquery__cdi_steps_by_hand(setup) %}
    {%- set account, domain = setup.user.split('@') -%}
    {%- set home = domain.split('.')[0] -%}
    {%- set roles = [] -%}
    {%- for database in setup.schemas | map(attribute='database') | unique -%}
        {%- for role in ['bigquery.connectionUser', 'bigquery.user', 'bigquery.jobUser'] -%}
            {%- do roles.append('gcloud projects add-iam-policy-binding ' ~ database ~ ' --member=serviceAccount:' ~ setup.user
                ~ ' --role=roles/' ~ role) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return({
        'before': ['make the service account, if it is not there yet:\ngcloud iam service-accounts create ' ~ account ~ ' --project=' ~ home],
        'after': [
            'let it run queries in the project:\n' ~ (roles | join('\n')),
            'where VPC Service Controls guard the project, allow these addresses:\n' ~ (setup.addresses | join(', ')),
            'in Braze, make a BigQuery source with a key of the service account, project and dataset, and test it:\n'
                ~ 'gcloud iam service-accounts keys create braze-key.json --iam-account=' ~ setup.user ~ '\n'
                ~ 'Delete the file afterwards. To change the key later, make a second one, give it to Braze, then delete the first.',
        ],
    }) }}
{% endmacro %}


{% macro bigquery__access_problems(given) %}
    {{ return(
        dbt_braze.reader_problems(given, '[a-z][a-z0-9-]*@[a-z0-9.-]+[.]gserviceaccount[.]com',
            'the mail address of a service account, <name>@<project>.iam.gserviceaccount.com')
        + dbt_braze.snowflake_only_problems(given)
    ) }}
{% endmacro %}
