{{ config(enabled=true if var('braze_users_attributes') else false) }}

{{ dbt_braze.attributes_sync(
    source('braze_users_attributes', 'users'),
    **dbt_braze.arguments_of_var('braze_users_attributes')
) }}
