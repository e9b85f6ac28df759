{# Run-operation: take back a batch that nobody has read. The next run emits what the source holds then.

   dbt run-operation braze_void --args '{sync: users_attributes_sync, batch: newest}'

   sync            name of the sync model
   batch           id of the batch (braze_batch), or newest
   cdi_read_up_to  for a sync with deliver: cdi, how far Braze has read it: its last_timestamp_synced, in UTC

   It may be any batch none of whose rows is in a later one too. A later row of the same user was computed on top of this one
   and holds only what changed since; without this one Braze would get half of a change, for as long as it takes until the next
   run. Rows of other users owe each other nothing, whatever their order.
#}
{% macro braze_void(sync=none, batch=none, cdi_read_up_to=none) %}
    {%- set node = dbt_braze.sync_named(sync) -%}
    {%- do dbt_braze.raise_operation_problems('braze_void', dbt_braze.sync_problems(sync) + dbt_braze.cdi_problems(node, cdi_read_up_to)
        + (["batch is missing: the braze_batch of its rows, or newest"] if batch is not string or not batch else [])) -%}
    {%- if dbt_braze.has_run(node) -%}
        {%- set tables = dbt_braze.tables_of_sync(node) -%}
        {%- set found = dbt_braze.batch_to_void(node, tables, batch) -%}
        {%- if found is not none -%}
            {%- set refusals = dbt_braze.refusals_of_void(node, tables, found, cdi_read_up_to) -%}
            {%- if refusals -%}
                {%- do exceptions.raise_compiler_error('dbt_braze does not take back batch ' ~ found.id ~ ' of ' ~ sync ~ ': ' ~ (refusals | join('; '))) -%}
            {%- endif -%}
            {%- do dbt_braze.void_batch(node, tables, found) -%}
            {%- do dbt_braze.say(sync ~ ': took back batch ' ~ found.id ~ ' (' ~ found.rows ~ ' rows' ~ (', which the checkpoint held already' if found.is_merged else '')
                ~ '); the next run compares the whole source') -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{# {id, rows, first_stamp, last_stamp, is_merged}, or none when there is nothing to take back. The newest batch is not the one
   before a batch that was taken back: asking twice takes back one. #}
{% macro batch_to_void(node, tables, batch) %}
    {%- set rows = run_query(
        'select braze_batch, count(*), ' ~ dbt_braze.updated_at_text('min(UPDATED_AT)') ~ ', ' ~ dbt_braze.updated_at_text('max(UPDATED_AT)') ~ ' as last_stamp from '
        ~ tables.log ~ ('' if batch == 'newest' else ' where braze_batch = ' ~ dbt_braze.literal(batch)) ~ ' group by braze_batch order by last_stamp desc'
    ).rows -%}
    {%- if not rows -%}
        {%- do dbt_braze.say(node.name ~ ' has no batch' ~ ('' if batch == 'newest' else ' ' ~ batch) ~ ', so there is nothing to take back') -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set id, last_stamp = rows[0][0], rows[0][3] -%}
    {%- set voided = run_query(
        'select braze_batch from ' ~ tables.checkpoint ~ " where braze_row like 'void/%' and updated_at > " ~ dbt_braze.updated_at_literal(last_stamp)
    ).rows if batch == 'newest' else [] -%}
    {%- if voided -%}
        {%- do dbt_braze.say(node.name ~ ': the newest batch, ' ~ voided[0][0] ~ ', has been taken back already; the one before it is ' ~ id) -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return({
        'id': id, 'rows': rows[0][1] | int, 'first_stamp': rows[0][2], 'last_stamp': last_stamp,
        'is_merged': dbt_braze.number_of('select count(*) from ' ~ tables.checkpoint ~ ' where braze_row = ' ~ dbt_braze.literal('batch/' ~ id)) > 0,
    }) }}
{% endmacro %}


{# Why a batch stays. A run of braze-runner that began since may have sent some of it before it could note so. #}
{% macro refusals_of_void(node, tables, batch, cdi_read_up_to) %}
    {%- set refusals = [] -%}
    {%- if node.config.meta.braze.deliver == 'cdi' -%}
        {%- if cdi_read_up_to is none -%}
            {%- do refusals.append('whether Braze has read it, only you can say: add cdi_read_up_to, and pause the sync in Braze before') -%}
        {%- elif dbt_braze.moment_given(cdi_read_up_to) >= batch.first_stamp -%}
            {%- do refusals.append('it begins at ' ~ batch.first_stamp ~ ', and Braze has read up to ' ~ cdi_read_up_to) -%}
        {%- endif -%}
    {%- else -%}
        {%- set readers = dbt_braze.readers_of_batch(node, batch) -%}
        {%- if readers -%} {%- do refusals.append((readers | join(' and ')) ~ ' has read of it, or may have') -%} {%- endif -%}
    {%- endif -%}
    {%- for sync in dbt_braze.syncs_told_of_deletes(node) -%}
        {%- if dbt_braze.number_of('select count(*) from ' ~ sync.checkpoint ~ ' where braze_row = ' ~ dbt_braze.literal('deletes/' ~ batch.id)) -%}
            {%- do refusals.append(sync.name ~ ' has taken its users for deleted already') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set later = run_query(
        'select distinct later.braze_batch from ' ~ tables.log ~ ' as later inner join ' ~ tables.log ~ ' as taken on later.braze_row = taken.braze_row'
        ~ ' where taken.braze_batch = ' ~ dbt_braze.literal(batch.id) ~ ' and later.braze_batch != ' ~ dbt_braze.literal(batch.id)
        ~ ' and later.UPDATED_AT > taken.UPDATED_AT'
    ).columns[0].values() -%}
    {%- if later -%} {%- do refusals.append('rows of it are in later batches too, to be taken back first: ' ~ (later | join(', '))) -%} {%- endif -%}
    {{ return(refusals) }}
{% endmacro %}


{# Destinations that have noted progress in a batch or rejects of it, or whose run began after the batch was there and sent
   something, or has not ended. #}
{% macro readers_of_batch(node, batch) %}
    {%- set readers = [] -%}
    {%- set of_batch = dbt_braze.rows_of_sync(node) ~ ' and braze_batch = ' ~ dbt_braze.literal(batch.id) -%}
    {%- for name in ['braze_sync_ledger', 'braze_sync_rejects'] if dbt_braze.table_exists(dbt_braze.runner_table(name)) -%}
        {%- do readers.extend(run_query('select distinct destination from ' ~ dbt_braze.runner_table(name) ~ ' where ' ~ of_batch).columns[0].values()) -%}
    {%- endfor -%}
    {%- set runs = dbt_braze.runner_table('braze_sync_runs') -%}
    {%- if dbt_braze.table_exists(runs) -%}
        {%- do readers.extend(run_query(
            'select destination from ' ~ runs ~ ' where ' ~ dbt_braze.rows_of_sync(node) ~ ' and started_at >= ' ~ dbt_braze.updated_at_literal(batch.first_stamp)
            ~ " group by destination, run_id having max(requests) > 0 or max(case when status = 'started' then 0 else 1 end) = 0"
        ).columns[0].values()) -%}
    {%- endif -%}
    {{ return(readers | unique | list) }}
{% endmacro %}


{# Each step is one statement, and dying after any of them leaves a log that can be gone on with: at worst users are sent once
   more. A note of what was taken back comes first, so that doing it again goes on with the same batch. #}
{% macro void_batch(node, tables, batch) %}
    {%- set id = dbt_braze.literal(batch.id) -%}
    {%- do run_query(dbt_braze.upserted_rows(
        tables.checkpoint,
        'select ' ~ dbt_braze.key_literal('void/' ~ batch.id) ~ ' as braze_row, ' ~ dbt_braze.updated_at_literal(batch.last_stamp) ~ ' as updated_at, '
            ~ dbt_braze.key_literal(batch.id) ~ ' as braze_batch',
        'braze_row', ['braze_row', 'updated_at', 'braze_batch'],
    )) -%}
    {%- if batch.is_merged -%}
        {%- do run_query(dbt_braze.upserted_rows(
            tables.checkpoint, dbt_braze.forgetting_of_batch(tables, node.config.meta.braze, batch.id), 'braze_row',
            ['braze_row', 'attribute_hashes', 'forgotten', 'forgotten_at'],
        )) -%}
    {%- endif -%}
    {%- do dbt_braze.source_window_forgotten(tables.log) -%}
    {%- if batch.is_merged -%}
        {%- do run_query(
            'delete from ' ~ tables.checkpoint ~ ' where braze_row = ' ~ dbt_braze.literal('batch/' ~ batch.id)
            ~ ' or (' ~ dbt_braze.is_new_in_batch(id) ~ ' and braze_row in (select braze_row from ' ~ tables.log ~ ' where braze_batch = ' ~ id ~ ' and braze_base is null))'
        ) -%}
    {%- endif -%}
    {%- do run_query('delete from ' ~ tables.log ~ ' where braze_batch = ' ~ id) -%}
{% endmacro %}


{# The condition on a row of the checkpoint that all it knows may come from this batch. #}
{% macro is_new_in_batch(id, alias=none) %}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {{ return(prefix ~ 'braze_batch = ' ~ id ~ ' and ' ~ prefix ~ 'forgotten is null') }}
{% endmacro %}


{# A query of the checkpoint rows of a merged batch, forgotten: the hashes from before it are gone. Rows that are known from this
   batch alone are left out; they go. What the batch took away may still be in Braze: a null counts as a value again, and so do
   the labels of an audience that it removed. #}
{% macro forgetting_of_batch(tables, braze, batch_id) -%}
    {%- set hashes = 'known.attribute_hashes' -%}
    {%- if braze.audience -%}
        {%- set removed = dbt_braze.json_field(dbt_braze.json_field(dbt_braze.payload_text('taken.PAYLOAD'), braze.audience), 'remove') -%}
        {%- set hashes = "'[' || " ~ dbt_braze.join_present([
            "nullif(" ~ dbt_braze.inner_text('known.attribute_hashes') ~ ", '')", "nullif(" ~ dbt_braze.inner_text(removed) ~ ", '')",
        ]) ~ " || ']'" -%}
    {%- elif braze.sync == 'attributes' -%}
        {%- set hashes = dbt.replace('known.attribute_hashes', "':\"\"'", "':\"0\"'") -%}
    {%- endif -%}
    with uncertain as (
        select
            known.braze_row,
            {{ hashes }} as hashes
        from {{ tables.checkpoint }} as known
        inner join {{ tables.log }} as taken
            on known.braze_row = taken.braze_row
        where taken.braze_batch = {{ dbt_braze.literal(batch_id) }}
            and not ({{ dbt_braze.is_new_in_batch(dbt_braze.literal(batch_id), 'known') }} and taken.braze_base is null)
    )

    select
        braze_row,
        {{ dbt_braze.json_array_as_set('hashes') if braze.audience else 'hashes' }} as attribute_hashes,
        '*' as forgotten,
        {{ dbt_braze.now_utc() }} as forgotten_at
    from uncertain
{%- endmacro %}
