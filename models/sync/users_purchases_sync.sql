{{ config(enabled=true if var('braze_users_purchases') else false) }}

{{ dbt_braze.purchases_sync(
    source('braze_users_purchases', 'purchases'),
    **dbt_braze.arguments_of_var('braze_users_purchases')
) }}
