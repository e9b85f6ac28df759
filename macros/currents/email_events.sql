{# The events that make up what becomes of an email: the name they have in int_braze__email_events, and Braze's. #}
{% macro email_message_events() %}
    {{ return({
        'abort': 'users.messages.email.Abort',
        'send': 'users.messages.email.Send',
        'delivery': 'users.messages.email.Delivery',
        'bounce': 'users.messages.email.Bounce',
        'soft_bounce': 'users.messages.email.SoftBounce',
        'open': 'users.messages.email.Open',
        'click': 'users.messages.email.Click',
        'spam_report': 'users.messages.email.MarkAsSpam',
        'unsubscribe': 'users.messages.email.Unsubscribe',
    }) }}
{% endmacro %}


{# Text key of several columns, for joins and grouping where each of them may be null. Braze's ids hold no '|'. #}
{% macro key_of(columns) %}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce(" ~ column ~ ", '')") -%}
        {%- do parts.append("'|'") -%}
    {%- endfor -%}
    {{ return(dbt_braze.text_hash(dbt.concat(parts[:-1]))) }}
{% endmacro %}


{# The start of the run as a timestamp in UTC: one stamp for all that a run writes, above that of every run before. #}
{% macro run_stamp() %}
    {{ return("cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') ~ "' as " ~ dbt.type_timestamp() ~ ')') }}
{% endmacro %}


{# The newest value of a column in the model's own table, or a time before all events while the table is empty. #}
{% macro newest(column, less_days=0) %}
    {%- set newest = 'max(' ~ column ~ ')' -%}
    {%- set bound = dbt.dateadd('day', -less_days, newest) if less_days else newest -%}
    {{ return(
        "(select coalesce(" ~ bound ~ ", cast('1970-01-01' as " ~ dbt.type_timestamp() ~ ")) from " ~ this ~ ")"
    ) }}
{% endmacro %}
