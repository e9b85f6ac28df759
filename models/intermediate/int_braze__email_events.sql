{%- set events = dbt_braze.email_message_events() -%}
{{ config(
    enabled=dbt_braze.events_listed(events.values() | list),
    materialized='incremental',
    incremental_strategy=dbt_braze.event_incremental_strategy(),
    unique_key=['app_group_id', 'event_id'],
    on_schema_change='append_new_columns',
) }}
{%- set as_staged = [
    'event_id', 'occurred_at', 'braze_user_id', 'external_id', 'email_address',
    'campaign_id', 'campaign_name', 'message_variation_id', 'message_variation_name',
    'canvas_id', 'canvas_name', 'canvas_variation_id', 'canvas_variation_name', 'canvas_step_id', 'canvas_step_name',
    'dispatch_id', 'loaded_at',
] -%}
{%- set columns = ['app_group_id', 'event_kind', 'is_automated'] + as_staged -%}
{%- set keys = ['content_key', 'message_key'] -%}
{%- set automated = {
    'open': 'machine_open is not null',
    'click': 'coalesce(is_suspected_bot_click, false)',
} %}

with loaded as (

    {%- for kind, event in events.items() %}
        select
            cast('{{ kind }}' as {{ dbt_braze.type_text() }}) as event_kind,
            coalesce(app_group_id, '') as app_group_id,
            {{ automated.get(kind, 'false') }} as is_automated,
            {{ as_staged | join(',\n            ') }}
        from {{ ref('stg_braze__' ~ dbt_braze.event_table(event)) }}
        {%- if is_incremental() %}
            where loaded_at >= {{ dbt_braze.newest('loaded_at', var('braze_lookback_days') | int) }}
        {%- endif %}
        {{ 'union all' if not loop.last }}
    {%- endfor %}

),

numbered as (

    select
        {{ columns | join(', ') }},
        {{ dbt_braze.key_of([
            'app_group_id', 'campaign_id', 'message_variation_id', 'canvas_id', 'canvas_variation_id', 'canvas_step_id',
        ]) }} as content_key,
        {{ dbt_braze.key_of([
            'app_group_id', 'coalesce(dispatch_id, event_id)', 'coalesce(message_variation_id, canvas_step_id)',
            'braze_user_id',
        ]) }} as message_key,
        row_number() over (partition by app_group_id, event_id order by loaded_at) as copy_number
    from loaded

),

arrived as (

    select {{ (columns + keys) | join(', ') }}
    from numbered
    where copy_number = 1
    {%- if is_incremental() %}
        and not exists (
            select 1
            from {{ this }} as known
            where known.app_group_id = numbered.app_group_id and known.event_id = numbered.event_id
        )
    {%- endif %}

),

-- A new event can change what is known of the other events of its message, so these are written anew with it.
gathered as (

    select {{ (columns + keys) | join(', ') }}
    from arrived
    {%- if is_incremental() %}
        union all
        select {{ (columns + keys) | join(', ') }}
        from {{ this }}
        where message_key in (select message_key from arrived)
    {%- endif %}

),

compared as (

    select
        {{ (columns + keys) | join(', ') }},
        min(case when event_kind = 'send' then occurred_at end)
            over (partition by message_key, email_address) as sent_to_address_at,
        min(case when event_kind = 'send' then occurred_at end) over (partition by message_key) as sent_to_user_at,
        lag(occurred_at) over (
            partition by message_key, email_address, event_kind order by occurred_at, event_id
        ) as previous_at,
        lag(occurred_at) over (
            partition by message_key, email_address, event_kind, is_automated order by occurred_at, event_id
        ) as previous_alike_at
    from gathered

)

select
    {{ (columns + keys) | join(', ') }},
    coalesce(sent_to_address_at, sent_to_user_at) as sent_at,
    case
        when sent_to_address_at is not null then 'user and address'
        when sent_to_user_at is not null then 'user'
        else 'none'
    end as linked_by,
    cast(coalesce(sent_to_address_at, sent_to_user_at, occurred_at) as date) as counted_on,
    event_kind in ('open', 'click')
    and (previous_at is null or occurred_at >= {{ dbt.dateadd('day', 7, 'previous_at') }}) as is_unique,
    event_kind in ('open', 'click')
    and not is_automated
    and (
        previous_alike_at is null or occurred_at >= {{ dbt.dateadd('day', 7, 'previous_alike_at') }}
    ) as is_unique_human,
    {{ dbt_braze.run_stamp() }} as processed_at
from compared
