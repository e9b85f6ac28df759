{{ config(enabled=true if var('braze_users_delete') else false) }}

{%- set arguments = dbt_braze.arguments_of_var('braze_users_delete') -%}
{%- if arguments.get('sent_by') -%}
    {%- do arguments.update({'sent_by': ref('dbt_braze', 'users_attributes_sync') if var('braze_users_attributes')}) -%}
{%- endif -%}

{{ dbt_braze.deletes_sync(
    source('braze_users_delete', 'users'),
    **arguments
) }}
