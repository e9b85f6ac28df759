{{ config(
    enabled=dbt_braze.events_listed(dbt_braze.email_message_events().values() | list),
    materialized='incremental',
    incremental_strategy=dbt_braze.event_incremental_strategy(),
    unique_key='campaign_performance_id',
    on_schema_change='append_new_columns',
    post_hook='delete from {{ this }} where events = 0',
) }}
{%- set ids = [
    'app_group_id', 'campaign_id', 'campaign_name', 'message_variation_id', 'message_variation_name',
    'canvas_id', 'canvas_name', 'canvas_variation_id', 'canvas_variation_name', 'canvas_step_id', 'canvas_step_name',
] -%}
{%- set linked = "events.linked_by <> 'none'" -%}
{%- set counts = {
    'sends': "events.event_kind = 'send'",
    'aborts': "events.event_kind = 'abort'",
    'deliveries': "events.event_kind = 'delivery' and " ~ linked,
    'bounces': "events.event_kind = 'bounce' and " ~ linked,
    'soft_bounces': "events.event_kind = 'soft_bounce' and " ~ linked,
    'spam_reports': "events.event_kind = 'spam_report' and " ~ linked,
    'opens': "events.event_kind = 'open' and " ~ linked,
    'machine_opens': "events.event_kind = 'open' and events.is_automated and " ~ linked,
    'unique_opens': "events.event_kind = 'open' and events.is_unique and " ~ linked,
    'human_unique_opens': "events.event_kind = 'open' and events.is_unique_human and " ~ linked,
    'clicks': "events.event_kind = 'click' and " ~ linked,
    'suspected_bot_clicks': "events.event_kind = 'click' and events.is_automated and " ~ linked,
    'unique_clicks': "events.event_kind = 'click' and events.is_unique_human and " ~ linked,
    'unlinked_opens': "events.event_kind = 'open' and not " ~ linked,
    'unlinked_clicks': "events.event_kind = 'click' and not " ~ linked,
    'unlinked_events': "events.event_kind not in ('send', 'abort') and not " ~ linked,
} -%}
{%- set rates = {
    'delivery_rate': ['deliveries', 'sends'],
    'bounce_rate': ['bounces', 'sends'],
    'open_rate': ['unique_opens', 'deliveries'],
    'human_open_rate': ['human_unique_opens', 'deliveries'],
    'click_rate': ['unique_clicks', 'deliveries'],
    'click_to_open_rate': ['unique_clicks', 'unique_opens'],
    'unsubscribe_rate': ['unsubscribes', 'deliveries'],
    'spam_report_rate': ['spam_reports', 'deliveries'],
} %}

with events as (

    select
        {{ ids | join(', ') }},
        content_key, message_key, event_kind, is_automated, is_unique, is_unique_human, linked_by, processed_at,
        counted_on, cast(occurred_at as date) as occurred_on
    from {{ ref('int_braze__email_events') }}

),

candidates as (

    select
        content_key,
        counted_on as send_date
    from events
    {%- if is_incremental() %}
        where processed_at > {{ dbt_braze.newest('processed_at') }}
        -- Where an event was counted before its send arrived: computed anew too, and deleted when nothing is left.
        union all
        select
            content_key,
            occurred_on as send_date
        from events
        where processed_at > {{ dbt_braze.newest('processed_at') }}
    {%- endif %}

),

touched as (

    select distinct
        content_key,
        send_date
    from candidates

),

counted as (

    select
        touched.content_key,
        touched.send_date,
        {%- for id in ids %}
            max(events.{{ id }}) as {{ id }},
        {%- endfor %}
        count(events.event_kind) as events,
        {%- for name, condition in counts.items() %}
            count(case when {{ condition }} then 1 end) as {{ name }},
        {%- endfor %}
        count(
            distinct case when events.event_kind = 'unsubscribe' and {{ linked }} then events.message_key end
        ) as unsubscribes,
        max(events.processed_at) as processed_at
    from touched
    left join events
        on touched.content_key = events.content_key and touched.send_date = events.counted_on
    group by touched.content_key, touched.send_date

)

select
    {{ dbt_braze.key_of(['content_key', dbt.cast('send_date', dbt_braze.type_text())]) }} as campaign_performance_id,
    {%- for id in ids %}
        cast({{ id }} as {{ dbt_braze.type_text() }}) as {{ id }},
    {%- endfor %}
    send_date,
    {%- for name in ['events'] + (counts | list) + ['unsubscribes'] %}
        cast({{ name }} as {{ dbt.type_bigint() }}) as {{ name }},
    {%- endfor %}
    {%- for name, parts in rates.items() %}
        cast({{ parts[0] }} as {{ dbt_braze.type_double() }}) / nullif({{ parts[1] }}, 0) as {{ name }},
    {%- endfor %}
    processed_at
from counted
