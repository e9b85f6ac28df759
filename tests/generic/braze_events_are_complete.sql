{# Fails for each row that is no event as Braze takes it: braze.com/docs, Event object, Custom event properties. #}
{% test braze_events_are_complete(model) %}
{%- if execute %}
    {%- set keys = dbt_braze.tested_keys() -%}
    {%- set reasons = dbt_braze.unreadable_reasons()
        + dbt_braze.text_reasons('name')
        + dbt_braze.time_reasons()
        + dbt_braze.text_reasons('app_id', is_needed=false)
        + dbt_braze.properties_reasons(['time', 'event_name'], 102400) %}
{{ dbt_braze.payloads_read(model, keys, fields=['name', 'time', 'app_id', 'properties']) }}

{{ dbt_braze.rows_with_problems('payloads', keys, reasons) }}
{%- endif %}
{% endtest %}
