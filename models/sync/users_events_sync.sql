{{ config(enabled=true if var('braze_users_events') else false) }}

{{ dbt_braze.events_sync(
    source('braze_users_events', 'events'),
    **dbt_braze.arguments_of_var('braze_users_events')
) }}
