{# Fails for each row that is no purchase as Braze takes it: braze.com/docs, Purchase object. #}
{% test braze_purchases_are_complete(model) %}
{%- if execute %}
    {%- set keys = dbt_braze.tested_keys() -%}
    {%- set reasons = dbt_braze.unreadable_reasons()
        + dbt_braze.text_reasons('product_id', max_characters=255)
        + [
            "when field_currency is null then 'no currency'",
            'when not ' ~ dbt_braze.fits('field_currency', '"[A-Z]{3}"') ~ " then 'currency is not an ISO 4217 code'",
            "when field_price is null then 'no price'",
            'when not ' ~ dbt_braze.fits('field_price', dbt_braze.number_pattern()) ~ " then 'price is not a number'",
            'when not ' ~ dbt_braze.fits('field_quantity', '[1-9][0-9]?|100') ~ " then 'quantity is not a whole number from 1 to 100'",
        ]
        + dbt_braze.time_reasons()
        + dbt_braze.text_reasons('app_id', is_needed=false)
        + dbt_braze.properties_reasons(['time', 'product_id', 'quantity', 'event_name', 'price', 'currency'], 51200) %}
{{ dbt_braze.payloads_read(model, keys, fields=['product_id', 'currency', 'price', 'quantity', 'time', 'app_id', 'properties']) }}

{{ dbt_braze.rows_with_problems('payloads', keys, reasons) }}
{%- endif %}
{% endtest %}
