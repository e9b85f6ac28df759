{# The events that `braze_events` lists by their own name or by their family's. Empty: no model of events is on. #}
{% macro listed_events() %}
    {%- set families = dbt_braze.event_families() -%}
    {%- set events = [] -%}
    {%- for name in var('braze_events') -%}
        {%- if name in families -%}
            {%- do events.extend(families[name]) -%}
        {%- elif name in dbt_braze.event_catalogue() -%}
            {%- do events.append(name) -%}
        {%- else -%}
            {%- do exceptions.raise_compiler_error(
                "braze_events lists '" ~ name ~ "', which is neither a family (" ~ (families | join(', '))
                ~ ") nor an event with models in this version, such as users.messages.email.Open."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(events) }}
{% endmacro %}


{# Whether every one of these events is listed; a model is on only with all the events that it needs. #}
{% macro events_listed(events) %}
    {%- set listed = dbt_braze.listed_events() -%}
    {{ return(events | reject('in', listed) | list | length == 0) }}
{% endmacro %}


{# Name of an event's table and of its staging model's ending: users.messages.email.Open, users_messages_email_open. #}
{% macro event_table(event) %}
    {{ return(event | lower | replace('.', '_')) }}
{% endmacro %}
