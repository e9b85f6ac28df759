{{ config(enabled=true if var('braze_canvas_triggers') else false) }}

{{ dbt_braze.canvas_triggers_sync(
    source('braze_canvas_triggers', 'triggers'),
    **dbt_braze.arguments_of_var('braze_canvas_triggers')
) }}
