{{ dbt_braze.stage_event('users.behaviors.app.SessionEnd') }}
