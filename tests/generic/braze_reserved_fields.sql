{# Fails for each row with a profile field of Braze that holds what Braze does not take for it: braze.com/docs, User attributes
   object. A null, which removes the value, is taken for every field. #}
{% test braze_reserved_fields(model) %}
{%- if execute %}
    {%- set keys = dbt_braze.tested_keys() -%}
    {%- set reasons = dbt_braze.unreadable_reasons() -%}
    {%- set fields = dbt_braze.reserved_fields() -%}
    {%- for name, field in fields.items() -%}
        {%- do reasons.append('when field_' ~ name ~ ' is not null and not (' ~ field.takes.replace('%s', 'field_' ~ name) ~ ") then '" ~ name ~ ' is not ' ~ field.words ~ "'") -%}
    {%- endfor -%}
    {%- do reasons.append("when field_email_subscription_info is not null then 'email_subscription_info is not allowed'") %}
{{ dbt_braze.payloads_read(model, keys, fields=fields.keys() | list + ['email_subscription_info']) }}

{{ dbt_braze.rows_with_problems('payloads', keys, reasons) }}
{%- endif %}
{% endtest %}
