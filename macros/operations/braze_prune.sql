{# Run-operation: remove old batches from a log, whole ones, never one that somebody may still want to read, nor the newest.

   dbt run-operation braze_prune --args '{sync: users_attributes_sync, keep_days: 30, dry_run: true}'

   sync            name of the sync model; every sync of the project without it
   keep_days       batches written within so many days stay, whoever has read them
   cdi_read_up_to  for a sync with deliver: cdi, how far Braze has read it: its last_timestamp_synced, in UTC
   gone            names of destinations that will never read again; every other one that has ever begun to read counts
   dry_run         true: only say what would be removed
#}
{% macro braze_prune(sync=none, keep_days=30, cdi_read_up_to=none, gone=[], dry_run=false) %}
    {%- set node = dbt_braze.sync_named(sync) -%}
    {%- do dbt_braze.raise_operation_problems('braze_prune', (dbt_braze.sync_problems(sync) if sync is not none else [])
        + dbt_braze.whole_number_problems('keep_days', keep_days, 1, 3650) + dbt_braze.cdi_problems(node, cdi_read_up_to)
        + dbt_braze.gone_problems(gone) + dbt_braze.switch_problems({'dry_run': dry_run})) -%}
    {%- for node in ([node] if sync is not none else dbt_braze.sync_nodes()) if dbt_braze.has_run(node) -%}
        {%- do dbt_braze.prune_sync(node, keep_days, cdi_read_up_to, gone, dry_run) -%}
    {%- endfor -%}
{% endmacro %}


{# What a batch has emitted has to be in the checkpoint before it goes: the log alone decides otherwise. Dying between the two
   loses nothing, and neither does doing it again. #}
{% macro prune_sync(node, keep_days, cdi_read_up_to, gone, dry_run) %}
    {%- set tables = dbt_braze.tables_of_sync(node) -%}
    {%- if not dry_run -%}
        {%- do dbt_braze.merge_now(node, tables) -%}
    {%- endif -%}
    {%- set destinations = dbt_braze.destinations_of_sync(node, gone) -%}
    {%- set told = dbt_braze.syncs_told_of_deletes(node) -%}
    {%- set old, rows, newest, kept = [], [0], [''], {} -%}
    {%- for batch in run_query(dbt_braze.judged_batches(node, tables, keep_days, destinations, told, cdi_read_up_to, dry_run)).rows -%}
        {%- if batch[3] == 'old' -%}
            {%- do old.append(dbt_braze.literal(batch[0])) -%}
            {%- do rows.append(rows.pop() + batch[1] | int) -%}
            {%- do newest.append([newest.pop(), batch[2]] | max) -%}
        {%- else -%}
            {%- do kept.update({batch[3]: kept.get(batch[3], 0) + 1}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if old and not dry_run -%}
        {#- The stamp, a constant, spares the warehouse the newer partitions. -#}
        {%- do run_query('delete from ' ~ tables.log ~ ' where UPDATED_AT <= ' ~ dbt_braze.updated_at_literal(newest[0])
            ~ ' and braze_batch in (' ~ (old | join(', ')) ~ ')') -%}
    {%- endif -%}
    {%- set reasons = {
        'newest': 'the newest', 'young': 'not older than ' ~ keep_days ~ ' days', 'unmerged': 'not in the checkpoint yet',
        'unread': 'not read by ' ~ dbt_braze.readers_in_words(node, destinations), 'untold': 'not known to '
        ~ (told | map(attribute='name') | join(' and ')) ~ ' yet',
    } -%}
    {%- set parts = [] -%}
    {%- for verdict, reason in reasons.items() if verdict in kept -%} {%- do parts.append(kept[verdict] ~ ' ' ~ reason) -%} {%- endfor -%}
    {%- do dbt_braze.say(node.name ~ ': ' ~ ('would remove ' if dry_run else 'removed ') ~ old | length ~ ' batches (' ~ rows[0] ~ ' rows), kept '
        ~ kept.values() | sum ~ (': ' ~ (parts | join(', ')) if parts else '')) -%}
{% endmacro %}


{# A query of all batches: braze_batch, its rows, its newest stamp as text, and whether it is old, or why it stays. #}
{% macro judged_batches(node, tables, keep_days, destinations, told, cdi_read_up_to, dry_run) -%}
    with batches as (
        select braze_batch, count(*) as batch_rows, max(UPDATED_AT) as newest
        from {{ tables.log }}
        group by braze_batch
    ),

    merged as (
        select braze_batch
        from {{ tables.checkpoint }}
        where braze_row like 'batch/%'
        {%- if dry_run %}
        union all
        select braze_batch
        from batches
        where newest > {{ dbt_braze.updated_at_literal(dbt_braze.newest_merged(tables.checkpoint, days=7)) }}
        {%- endif %}
    ),

    finished as (
    {{ dbt_braze.batches_read(node, destinations, cdi_read_up_to) }}
    )
    {%- if told %},

    untold as (
        {{ dbt_braze.batches_untold(node, told) }}
    )
    {%- endif %}

    select
        batches.braze_batch,
        batches.batch_rows,
        {{ dbt_braze.updated_at_text('batches.newest') }} as newest_stamp,
        case
            when batches.newest = latest.newest then 'newest'
            when batches.newest >= {{ dbt_braze.add_microseconds(dbt_braze.now_utc(), -86400000000 * keep_days) }} then 'young'
            when merged.braze_batch is null then 'unmerged'
            when finished.braze_batch is null then 'unread'
            {%- if told %}
            when untold.braze_batch is not null then 'untold'
            {%- endif %}
            else 'old'
        end as verdict
    from batches
    cross join (select max(newest) as newest from batches) as latest
    left join (select distinct braze_batch from merged) as merged
        on batches.braze_batch = merged.braze_batch
    left join finished
        on batches.braze_batch = finished.braze_batch
    {%- if told %}
    left join (select distinct braze_batch from untold) as untold
        on batches.braze_batch = untold.braze_batch
    {%- endif %}
    order by newest_stamp
{%- endmacro %}


{# Who has to have read a batch, for a sentence. #}
{% macro readers_in_words(node, destinations) %}
    {%- if node.config.meta.braze.deliver == 'cdi' -%} {{ return('Braze, as far as cdi_read_up_to says') }} {%- endif -%}
    {{ return('all of ' ~ (destinations | join(', ')) if destinations | length > 1 else destinations[0] if destinations else 'any destination') }}
{% endmacro %}
