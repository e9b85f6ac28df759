{# The checkpoint: one row per user with the hashes of what the log has emitted, and no values. Beside the users it holds one
   row per batch merged, keyed 'batch/<id>', so that a batch and the note that it is merged are one statement: merging
   again after a crash changes nothing, and a batch that another run wrote late is still found. #}

{% macro checkpoint_relation() %}
    {{ return(this.incorporate(path={'identifier': this.identifier ~ '_checkpoint'}, type='table')) }}
{% endmacro %}


{# Pre-hook. Without a log there is nothing that has been emitted: a first run, or a rebuild that a var asked for. #}
{% macro checkpoint_created() %}
    {%- if execute %}
        create {{ 'table if not exists' if is_incremental() else 'or replace table' }} {{ dbt_braze.checkpoint_relation() }} (
            braze_row {{ dbt_braze.type_text() }},
            row_hash {{ dbt_braze.type_text() }},
            attribute_hashes {{ dbt_braze.type_text() }},
            forgotten {{ dbt_braze.type_text() }},
            forgotten_at {{ dbt_braze.type_updated_at() }},
            updated_at {{ dbt_braze.type_updated_at() }},
            braze_batch {{ dbt_braze.type_text() }}
        )
    {%- endif -%}
{% endmacro %}


{# Pre-hook: the log rows that the checkpoint does not hold yet. #}
{% macro checkpoint_merged() %}
    {%- if execute and is_incremental() -%}
        {{ dbt_braze.merge_into_checkpoint(this, dbt_braze.checkpoint_relation()) }}
    {%- endif -%}
{% endmacro %}


{# A batch is merged within days of being stamped, so only the newest week of the log is searched for it.

   Two batches that both hold a user were computed from the same checkpoint, by runs that overlapped: Braze then has
   something of both, and which values is not certain. Such a user is forgotten, so the next run sends the current values;
   the names that either batch sent are kept, for a null among them has to be sent too. #}
{% macro merge_into_checkpoint(log, checkpoint) -%}
merge into {{ checkpoint }} as target
using (
    with pending as (
        select braze_row, row_hash, attribute_hashes, UPDATED_AT, braze_batch
        from {{ log }}
        where UPDATED_AT > {{ dbt.dateadd('day', -7, "(select coalesce(max(updated_at), " ~ dbt.cast("'1970-01-01'", dbt_braze.type_updated_at()) ~ ") from " ~ checkpoint ~ ")") }}
            and braze_batch not in (select braze_batch from {{ checkpoint }} where braze_row like 'batch/%')
    ),

    collided as (
        select braze_row
        from pending
        group by braze_row
        having count(*) > 1
    )

    select pending.braze_row, pending.row_hash, pending.attribute_hashes, pending.UPDATED_AT as updated_at, pending.braze_batch,
        {{ dbt.cast('null', dbt_braze.type_text()) }} as forgotten
    from pending
    left join collided on pending.braze_row = collided.braze_row
    where collided.braze_row is null

    union all

    select pending.braze_row, max(pending.row_hash),
        '{' || {{ dbt.listagg("substring(pending.attribute_hashes, 2, " ~ dbt.length('pending.attribute_hashes') ~ " - 2)", "','") }} || '}',
        max(pending.UPDATED_AT), max(pending.braze_batch), '*'
    from pending
    inner join collided on pending.braze_row = collided.braze_row
    group by pending.braze_row

    union all

    select 'batch/' || braze_batch, null, null, max(UPDATED_AT), braze_batch, null
    from pending
    group by braze_batch
) as source
on target.braze_row = source.braze_row
when matched and target.updated_at >= source.updated_at then update set
    attribute_hashes = '{' || substring(target.attribute_hashes, 2, {{ dbt.length('target.attribute_hashes') }} - 2) || ','
        || substring(source.attribute_hashes, 2, {{ dbt.length('source.attribute_hashes') }} - 2) || '}',
    forgotten = '*',
    forgotten_at = target.updated_at
when matched then update set
    row_hash = source.row_hash,
    attribute_hashes = source.attribute_hashes,
    forgotten = case when target.forgotten_at > source.updated_at then target.forgotten else source.forgotten end,
    forgotten_at = case when target.forgotten_at > source.updated_at then target.forgotten_at end,
    updated_at = source.updated_at,
    braze_batch = source.braze_batch
when not matched then insert (braze_row, row_hash, attribute_hashes, forgotten, forgotten_at, updated_at, braze_batch)
    values (source.braze_row, source.row_hash, source.attribute_hashes, source.forgotten, null, source.updated_at, source.braze_batch)
{%- endmacro %}


{# Pre-hook of a sync with `baseline`: what the source holds counts as emitted, once, while the checkpoint is empty. The stamp
   is below that of any batch, so nothing that the log emits later looks older. #}
{% macro checkpoint_baseline() %}
    {%- if execute and model.config.meta.braze.baseline and not dbt_braze.is_partial_run() and not dbt_braze.setting('braze_rebuild_log') %}
        {%- set long_ago = dbt.cast("'1970-01-01'", dbt_braze.type_updated_at()) %}
        insert into {{ dbt_braze.checkpoint_relation() }} (braze_row, row_hash, attribute_hashes, updated_at, braze_batch)
        {{ dbt_braze.state_of_this_model() }},

        taken_as_emitted as (
            select braze_row, max(row_hash) as row_hash, max(attribute_hashes) as attribute_hashes
            from state
            where braze_row is not null
            group by braze_row
            having count(*) = 1 and max(invalid_reason) is null

            union all

            select 'batch/baseline', null, null
        )

        select braze_row, row_hash, attribute_hashes, {{ long_ago }}, 'baseline'
        from taken_as_emitted
        where not exists (select 1 from {{ dbt_braze.checkpoint_relation() }})
    {%- endif -%}
{% endmacro %}
