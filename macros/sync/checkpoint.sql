{# The checkpoint: one row per user (or item, or pair) with the hashes of what the log has emitted, and the identifiers that are
   needed to say that a user has left; no values. Beside them it holds one row per batch merged, 'batch/<id>', so that a batch
   and the note that it is merged are one statement: merging again after a crash changes nothing, and a batch that another run
   wrote late is still found. Rows of this kind have a '/' in braze_row, which is hex for all others. #}

{% macro checkpoint_relation() %}
    {{ return(dbt_braze.companion(this, 'checkpoint')) }}
{% endmacro %}


{# A table or view that belongs to a sync table. #}
{% macro companion(table, name, type='table') %}
    {{ return(table.incorporate(path={'identifier': table.identifier ~ '_' ~ name}, type=type)) }}
{% endmacro %}


{# The columns of the log that say whom, or what, a row is about. #}
{% macro key_columns(braze) %}
    {%- set columns = dbt_braze.columns_of_kinds(braze.get('identifiers') or []) -%}
    {{ return(['ID'] if braze.sync == 'catalog_items' else columns + (['SUBSCRIPTION_GROUP_ID'] if braze.sync == 'subscription_groups' else [])) }}
{% endmacro %}


{# Those that the checkpoint keeps. All kinds of identifier, so that a kind may be added to a sync later. What is emitted once
   and for all needs none. #}
{% macro checkpoint_key_columns(braze) %}
    {%- if braze.sync == 'catalog_items' -%} {{ return(['ID']) }} {%- endif -%}
    {%- set columns = dbt_braze.columns_of_kinds(dbt_braze.identifier_kinds()) -%}
    {%- if braze.sync == 'subscription_groups' -%} {{ return(columns + ['SUBSCRIPTION_GROUP_ID']) }} {%- endif -%}
    {{ return(columns if braze.sync in ('attributes', 'email_status') else []) }}
{% endmacro %}


{# What log and checkpoint say about the state of a row once it is applied: the hash of all of it; for attributes the hash of
   each, {"<name>":"<hash>"} (for an audience the labels); of arrays that are sent element by element the ids and hashes; and the
   fingerprint of the source row. #}
{% macro state_columns(braze) %}
    {{ return(['row_hash', 'attribute_hashes'] + (['attribute_elements', 'source_hash'] if braze.sync == 'attributes' and not braze.audience else [])) }}
{% endmacro %}


{# The type of one of the columns that are no part of CDI's table. #}
{% macro bookkeeping_type(column) %}
    {{ return(
        dbt.type_bigint() if column == 'source_hash'
        else dbt_braze.type_key() if column in ['braze_row', 'row_hash', 'braze_batch', 'braze_base']
        else dbt_braze.type_text()
    ) }}
{% endmacro %}


{# Pre-hook. Without a log there is nothing that has been emitted: a first run, or a rebuild that a var asked for. #}
{% macro checkpoint_dropped() %}
    {%- if execute and not is_incremental() %}
        {%- do dbt_braze.source_window_forgotten(this) %}
        drop table if exists {{ dbt_braze.checkpoint_relation() }}
    {%- endif -%}
{% endmacro %}


{# Pre-hook. #}
{% macro checkpoint_created() %}
    {%- if execute %}
        create table if not exists {{ dbt_braze.checkpoint_relation() }} (
            braze_row {{ dbt_braze.type_key() }},
            {%- for column in dbt_braze.checkpoint_key_columns(model.config.meta.braze) %}
            {{ column }} {{ dbt_braze.type_text() }},
            {%- endfor %}
            {%- for column in dbt_braze.state_columns(model.config.meta.braze) %}
            {{ column }} {{ dbt_braze.bookkeeping_type(column) }},
            {%- endfor %}
            forgotten {{ dbt_braze.type_text() }},
            forgotten_at {{ dbt_braze.type_updated_at() }},
            updated_at {{ dbt_braze.type_updated_at() }},
            braze_batch {{ dbt_braze.type_key() }}
        ) {{ dbt_braze.keyed_table_layout() }}
    {%- endif -%}
{% endmacro %}


{# Pre-hook: the log rows that the checkpoint does not hold yet. #}
{% macro checkpoint_merged() %}
    {%- if execute and is_incremental() -%}
        {{ dbt_braze.merge_into_checkpoint(this, dbt_braze.checkpoint_relation(), model.config.meta.braze) }}
    {%- endif -%}
{% endmacro %}


{# When the newest batch that a checkpoint has merged was written, as text. A batch is merged within days of being stamped, so
   the log is searched from a week before that; as a constant, it lets the warehouse skip the rest. #}
{% macro newest_merged(checkpoint, days=0) %}
    {%- set newest = run_query(
        'select ' ~ dbt_braze.updated_at_text(dbt_braze.add_microseconds('max(updated_at)', -days * 86400000000)) ~ ' from ' ~ checkpoint
        ~ " where braze_row like 'batch/%'"
    ).columns[0].values()[0] -%}
    {{ return(newest or '1970-01-01 00:00:00.000000') }}
{% endmacro %}


{# A row of the log says in braze_base which batch its user was last known from. If the checkpoint knows the user from another
   one by now, or several batches wait for one user, runs have overlapped: each was computed without knowing of the other, Braze
   has something of both, and which values is not certain. Such a user is forgotten, so the next run sends the current values;
   the names that any of the batches sent are kept, for a null among them has to be sent too. What is emitted once and for all is
   never sent again for that. #}
{% macro merge_into_checkpoint(log, checkpoint, braze) -%}
    {%- set keys = dbt_braze.checkpoint_key_columns(braze) -%}
    {%- set logged_keys = dbt_braze.key_columns(braze) -%}
    {%- set states = dbt_braze.state_columns(braze) -%}
    {%- set batches = dbt_braze.batches_to_merge(log, checkpoint) -%}
    {%- if not batches.ids -%} {{ return('') }} {%- endif -%}
    {%- set source -%}
    with waiting as (
        select
            braze_row,
            {%- for key in keys if key in logged_keys %}
            {{ key }},
            {%- endfor %}
            {%- for column in states %}
            {{ column }},
            {%- endfor %}
            UPDATED_AT,
            braze_batch,
            braze_base
        from {{ log }}
        where UPDATED_AT >= {{ dbt_braze.updated_at_literal(batches.first_stamp) }}
            and braze_batch in ({{ batches.ids | join(', ') }})
    ),

    counted as (
        select braze_row, count(*) as batches
        from waiting
        group by braze_row
    ),

    merged as (
        select
            waiting.braze_row,
            {%- for key in keys %}
            {{ 'waiting.' ~ key if key in logged_keys else dbt.cast('null', dbt_braze.type_text()) }} as {{ key }},
            {%- endfor %}
            {%- for column in states %}
            waiting.{{ column }},
            {%- endfor %}
            waiting.UPDATED_AT as updated_at,
            waiting.braze_batch,
            known.forgotten,
            known.forgotten_at,
            known.attribute_hashes as known_hashes,
            counted.batches > 1{{ '' if braze.emits_once else " or coalesce(known.braze_batch, '') != coalesce(waiting.braze_base, '')" }} as is_collided
        from waiting
        inner join counted on waiting.braze_row = counted.braze_row
        left join {{ checkpoint }} as known on waiting.braze_row = known.braze_row
    ),

    collided as (
        select
            braze_row,
            {%- for key in keys %}
            max({{ key }}) as {{ key }},
            {%- endfor %}
            max(row_hash) as row_hash,
            {{ dbt_braze.union_of_known(braze) }} as attribute_hashes,
            {%- for column in states if column not in ['row_hash', 'attribute_hashes'] %}
            max({{ column }}) as {{ column }},
            {%- endfor %}
            max(updated_at) as updated_at,
            max(braze_batch) as braze_batch
        from merged
        where is_collided
        group by braze_row
    )

    select
        braze_row,
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        {{ states | join(',\n        ') }},
        case when forgotten_at > updated_at then forgotten end as forgotten,
        case when forgotten_at > updated_at then forgotten_at end as forgotten_at,
        updated_at,
        braze_batch
    from merged
    where not is_collided

    union all

    select
        braze_row,
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        row_hash,
        {{ dbt_braze.json_array_as_set('attribute_hashes') if braze.audience else 'attribute_hashes' }} as attribute_hashes,
        {%- for column in states if column not in ['row_hash', 'attribute_hashes'] %}
        {{ column }},
        {%- endfor %}
        {{ dbt.cast('null', dbt_braze.type_text()) if braze.emits_once else "'*'" }} as forgotten,
        {{ dbt.cast('null', dbt_braze.type_updated_at()) if braze.emits_once else dbt_braze.now_utc() }} as forgotten_at,
        updated_at,
        braze_batch
    from collided

    union all

    select
        'batch/' || braze_batch as braze_row,
        {%- for key in keys %}
        {{ dbt.cast('null', dbt_braze.type_text()) }} as {{ key }},
        {%- endfor %}
        {%- for column in states + ['forgotten'] %}
        {{ dbt.cast('null', dbt_braze.bookkeeping_type(column)) }} as {{ column }},
        {%- endfor %}
        {{ dbt.cast('null', dbt_braze.type_updated_at()) }} as forgotten_at,
        max(UPDATED_AT) as updated_at,
        braze_batch
    from waiting
    group by braze_batch
    {%- endset -%}
    {{ dbt_braze.replaced_rows(checkpoint, source, 'braze_row',
        ['braze_row'] + keys + states + ['forgotten', 'forgotten_at', 'updated_at', 'braze_batch']) }}
{%- endmacro %}


{# The batches that a checkpoint does not hold yet, as literals, and their first stamp. They are constants for what reads them:
   warehouses then read those batches alone, and not all columns of a week. #}
{% macro batches_to_merge(log, checkpoint) %}
    {%- set rows = run_query(
        'select braze_batch, ' ~ dbt_braze.updated_at_text('min(UPDATED_AT)') ~ ' from ' ~ log ~ ' where UPDATED_AT > '
        ~ dbt_braze.updated_at_literal(dbt_braze.newest_merged(checkpoint, days=7))
        ~ ' and braze_batch not in (select braze_batch from ' ~ checkpoint ~ " where braze_row like 'batch/%') group by braze_batch"
    ).rows -%}
    {%- set ids, stamps = [], [] -%}
    {%- for row in rows -%}
        {%- do ids.append(dbt_braze.literal(row[0])) -%}
        {%- do stamps.append(row[1]) -%}
    {%- endfor -%}
    {{ return({'ids': ids, 'first_stamp': stamps | min if stamps else none}) }}
{% endmacro %}


{# Everything that any of the rows of one user says is in Braze: an object of hashes, or a list of labels. #}
{% macro union_of_known(braze) %}
    {%- set open, close = ('[', ']') if braze.audience else ('{', '}') -%}
    {%- set pieces = [
        "nullif(" ~ dbt.listagg("nullif(" ~ dbt_braze.inner_text('attribute_hashes') ~ ", '')", "','") ~ ", '')",
        "nullif(" ~ dbt_braze.inner_text('max(known_hashes)') ~ ", '')",
    ] -%}
    {{ return("'" ~ open ~ "' || " ~ dbt_braze.join_present(pieces) ~ " || '" ~ close ~ "'") }}
{% endmacro %}


{# What stands between the braces of a JSON object. #}
{% macro inner_text(object) %}
    {{ return('substring(' ~ object ~ ', 2, ' ~ dbt.length(object) ~ ' - 2)') }}
{% endmacro %}


{# Pre-hook of a sync with `baseline`: what the source holds counts as emitted, once, while the checkpoint is empty. The stamp
   is below that of any batch, so nothing that the log emits later looks older. #}
{% macro checkpoint_baseline() %}
    {%- if execute and model.config.meta.braze.baseline and not dbt_braze.is_partial_run() and not dbt_braze.setting('braze_rebuild_log') %}
        {%- set keys = dbt_braze.checkpoint_key_columns(model.config.meta.braze) -%}
        {%- set logged_keys = dbt_braze.key_columns(model.config.meta.braze) -%}
        {%- set long_ago = dbt_braze.updated_at_literal('1970-01-01 00:00:00.000000') %}
        {%- set states = dbt_braze.state_columns(model.config.meta.braze) | reject('equalto', 'attribute_elements') | list %}
        insert into {{ dbt_braze.checkpoint_relation() }} (
            braze_row, {% for column in keys | select('in', logged_keys) | list + states %}{{ column }}, {% endfor %}updated_at, braze_batch
        )
        {{ dbt_braze.state_of_this_model() }},

        taken_as_emitted as (
            select
                braze_row,
                {%- for key in keys if key in logged_keys %}
                max({{ key }}) as {{ key }},
                {%- endfor %}
                {%- for column in states %}
                max({{ column }}) as {{ column }}{{ ',' if not loop.last }}
                {%- endfor %}
            from state
            where braze_row is not null
            group by braze_row
            having count(*) = 1 and max(invalid_reason) is null

            union all

            select
                'batch/baseline',
                {%- for key in keys if key in logged_keys %}
                {{ dbt.cast('null', dbt_braze.type_text()) }},
                {%- endfor %}
                {%- for column in states %}
                {{ dbt.cast('null', dbt_braze.bookkeeping_type(column)) }}{{ ',' if not loop.last }}
                {%- endfor %}
        )

        select *, {{ long_ago }} as updated_at, 'baseline' as braze_batch
        from taken_as_emitted
        where not exists (select 1 from {{ dbt_braze.checkpoint_relation() }} as emitted)
    {%- endif -%}
{% endmacro %}
