{# Fails for each row whose PAYLOAD (of Canvas triggers PROPERTIES) is missing, not a JSON object, larger than Braze takes, or repeats
   the identifier; of attributes also for more than 250 of them, and for what makes Braze drop an object without a word. #}
{% test braze_payload_is_sound(model, sync=none) %}
{%- if execute %}
    {%- set sync = dbt_braze.tested_sync(sync, ['attributes', 'events', 'purchases', 'catalog_items', 'canvas_triggers']) -%}
    {%- set column = 'PROPERTIES' if sync == 'canvas_triggers' else 'PAYLOAD' -%}
    {%- set keys = dbt_braze.tested_keys(sync) -%}
    {%- set reasons = dbt_braze.unreadable_reasons(column) -%}
    {%- set fields = ['external_id', 'user_alias', 'alias_name', 'alias_label', 'braze_id'] if column == 'PAYLOAD' and sync != 'catalog_items' else [] -%}
    {%- for field in fields -%}
        {%- do reasons.append('when field_' ~ field ~ " is not null then 'PAYLOAD holds the identifier " ~ field ~ "'") -%}
    {%- endfor -%}
    {#- With another identifier beside it, an email or phone is an attribute: braze.com/docs, Track users. -#}
    {%- for kind in ['email', 'phone'] if fields and kind | upper in keys -%}
        {%- do fields.append(kind) -%}
        {%- do reasons.append('when field_' ~ kind ~ ' is not null and ' ~ (kind | upper) ~ " is not null then 'PAYLOAD holds the identifier " ~ kind ~ "'") -%}
    {%- endfor -%}
    {%- if sync == 'attributes' -%}
        {%- do reasons.append('when ' ~ dbt_braze.json_object_size('payload') ~ " > 250 then 'PAYLOAD has more than 250 attributes'") -%}
        {%- do reasons.append('when ' ~ dbt_braze.null_is_inside('payload') ~ " then 'a null is inside of an object or array'") -%}
        {%- do reasons.append('when ' ~ dbt_braze.time_inside_is_wrong('payload') ~ " then 'a $time is not ISO 8601'") -%}
    {%- endif %}
{{ dbt_braze.payloads_read(model, keys, column, fields) }}

{{ dbt_braze.rows_with_problems('payloads', keys, reasons) }}
{%- endif %}
{% endtest %}
