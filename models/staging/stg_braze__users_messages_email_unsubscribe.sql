{{ dbt_braze.stage_event('users.messages.email.Unsubscribe') }}
