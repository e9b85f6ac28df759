{# Run-operation: remove users from everything that this project keeps of them: logs, checkpoints, batches that were refused, and
   the rejects of braze-runner. What is not read yet goes too, except for the request to delete them in Braze.

   dbt run-operation braze_erase_users --args '{users: "select customer_id as external_id from erasure_requests"}'

   users           query that returns the identifier under its own name (external_id, or alias_name and alias_label, …)
   identifier      the kind that it returns: external_id (the default), alias, braze_id, email or phone
   sync            name of one sync model; all of them without it
   cdi_read_up_to  for a deletes sync with deliver: cdi, how far Braze has read it: its last_timestamp_synced, in UTC
   gone            names of destinations that will never read deletes again
#}
{% macro braze_erase_users(users=none, identifier='external_id', sync=none, cdi_read_up_to=none, gone=[]) %}
    {%- set named = dbt_braze.sync_named(sync) -%}
    {%- do dbt_braze.raise_operation_problems('braze_erase_users', (dbt_braze.sync_problems(sync) if sync is not none else [])
        + dbt_braze.cdi_problems(named, cdi_read_up_to) + dbt_braze.gone_problems(gone) + dbt_braze.erasure_problems(users, identifier, named)) -%}
    {%- for node in ([named] if sync is not none else dbt_braze.sync_nodes())
            if dbt_braze.knows_users_by(node.config.meta.braze, identifier) and dbt_braze.has_run(node) -%}
        {%- do dbt_braze.erase_from_sync(node, {'query': dbt_braze.users_query(users), 'kind': identifier}, cdi_read_up_to, gone) -%}
    {%- endfor -%}
{% endmacro %}


{# The log goes last: until then it says which rows of the other tables are theirs, also to whoever has to do it again. #}
{% macro erase_from_sync(node, users, cdi_read_up_to, gone) %}
    {%- set tables = dbt_braze.tables_of_sync(node) -%}
    {%- set braze = node.config.meta.braze -%}
    {%- set found = dbt_braze.rows_of_users(tables.log, braze, users, dbt_braze.payload_text('taken.PAYLOAD')) -%}
    {%- set may_go = found ~ (dbt_braze.deletion_is_done(node, cdi_read_up_to, gone) if braze.sync == 'deletes' else '') -%}
    {%- set kept = dbt_braze.number_of('select count(*) from ' ~ tables.log ~ ' where ' ~ found)
        - dbt_braze.number_of('select count(*) from ' ~ tables.log ~ ' where ' ~ may_go) -%}
    {%- set of_log = 'braze_row in (select braze_row from ' ~ tables.log ~ ' where ' ~ may_go ~ ')' -%}
    {%- set rejects = dbt_braze.runner_table('braze_sync_rejects') -%}
    {%- set counts = {} -%}
    {%- if dbt_braze.table_exists(rejects) -%}
        {%- set of_sync = dbt_braze.rows_of_sync(node) ~ ' and ' -%}
        {%- do counts.update({'rejects': dbt_braze.erased(rejects, of_sync ~ of_log) + dbt_braze.erased(
            rejects, of_sync ~ 'identifier in (' ~ dbt_braze.rows_that_mention(rejects, 'identifier', users, 'taken.identifier') ~ ')')}) -%}
    {%- endif -%}
    {%- if dbt_braze.table_exists(tables.batch) -%}
        {%- do counts.update({'refused batch': dbt_braze.erased(tables.batch, dbt_braze.rows_of_users(tables.batch, braze, users, 'taken.PAYLOAD'))}) -%}
    {%- endif -%}
    {%- do counts.update({'checkpoint': dbt_braze.erased(tables.checkpoint,
        dbt_braze.rows_of_users(tables.checkpoint, braze, users) if dbt_braze.checkpoint_key_columns(braze) else of_log)}) -%}
    {%- do counts.update({'log': dbt_braze.erased(tables.log, may_go)}) -%}
    {%- if counts.log or counts.checkpoint -%}
        {#- Or who is still in the source would be emitted as new at some time, and not at the next run. -#}
        {%- do dbt_braze.source_window_forgotten(tables.log) -%}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for name in ['log', 'checkpoint', 'refused batch', 'rejects'] if name in counts -%}
        {%- do parts.append(counts[name] ~ ' of the ' ~ name) -%}
    {%- endfor -%}
    {%- do dbt_braze.say(node.name ~ ': erased rows, ' ~ (parts | join(', ')) ~ ('; kept ' ~ kept ~ ' deletions that are not read yet' if kept else '')) -%}
{% endmacro %}


{# Deletes rows and returns how many. #}
{% macro erased(table, condition) %}
    {%- set count = dbt_braze.number_of('select count(*) from ' ~ table ~ ' where ' ~ condition) -%}
    {%- if count -%} {%- do run_query('delete from ' ~ table ~ ' where ' ~ condition) -%} {%- endif -%}
    {{ return(count) }}
{% endmacro %}


{# The further condition on a row of a log of deletes: whoever has to read it has. #}
{% macro deletion_is_done(node, cdi_read_up_to, gone) %}
    {%- set told = dbt_braze.syncs_told_of_deletes(node) -%}
    {{ return(
        ' and braze_batch in (' ~ dbt_braze.batches_read(node, dbt_braze.destinations_of_sync(node, gone), cdi_read_up_to) ~ ')'
        ~ (' and braze_batch not in (' ~ dbt_braze.batches_untold(node, told) ~ ')' if told else '')
    ) }}
{% endmacro %}


{# Syncs of actions (aliases, merges, …) have their users in the payload alone, by every kind that CDI shares with it. #}
{% macro knows_users_by(braze, kind) %}
    {{ return(kind in (braze.get('identifiers') or []) or (not dbt_braze.kinds_of_sync(braze) and kind != 'braze_id')) }}
{% endmacro %}


{# The condition on a row that it is about these users: {query, kind}. `payload` is the text to search where there are no
   columns to compare. #}
{% macro rows_of_users(table, braze, users, payload=none) %}
    {%- if dbt_braze.kinds_of_sync(braze) -%}
        {{ return(dbt_braze.chosen_key(users.kind) ~ ' in (select ' ~ dbt_braze.chosen_key(users.kind, 'chosen') ~ ' from ' ~ users.query ~ ' as chosen)') }}
    {%- endif -%}
    {{ return('braze_row in (' ~ dbt_braze.rows_that_mention(table, 'braze_row', users, payload) ~ ')') }}
{% endmacro %}


{# A query of a column of the rows whose JSON text has the identifier of one of the users. A name and its value in quotes
   occur in that form nowhere but as such. #}
{% macro rows_that_mention(table, column, users, text) %}
    {%- set names = {
        'external_id': ['external_id', 'current_external_id', 'new_external_id'], 'alias': ['alias_name', 'old_alias_name', 'new_alias_name'],
    }.get(users.kind, [users.kind]) -%}
    {%- set value = 'chosen.' ~ (dbt_braze.columns_of_kinds([users.kind]) | first) -%}
    {%- set pieces = [] -%}
    {%- for name in names -%} {%- do pieces.append(dbt_braze.mentions(text, name, value)) -%} {%- endfor -%}
    {{ return(
        'select taken.' ~ column ~ ' from ' ~ table ~ ' as taken inner join ' ~ users.query ~ ' as chosen on (' ~ (pieces | join(' or ')) ~ ')'
        ~ (' and ' ~ dbt_braze.mentions(text, 'alias_label', 'chosen.ALIAS_LABEL') if users.kind == 'alias' else '')
    ) }}
{% endmacro %}


{% macro mentions(text, name, value) %}
    {{ return(dbt_braze.contains(text, dbt_braze.literal('"' ~ name ~ '":') ~ ' || ' ~ dbt_braze.json_string(dbt_braze.identifier_value(value)))) }}
{% endmacro %}


{% macro erasure_problems(users, identifier, named) %}
    {%- set problems = ['users is missing: a query of the users to erase'] if users is none else dbt_braze.users_problems(users) -%}
    {%- set kinds = dbt_braze.identifier_kinds() -%}
    {%- if identifier not in kinds -%}
        {%- do problems.append("identifier is '" ~ identifier ~ "'; it can be " ~ (kinds | join(', '))) -%}
    {%- elif named is not none and not dbt_braze.knows_users_by(named.config.meta.braze, identifier) -%}
        {%- do problems.append(named.name ~ ' knows no user by ' ~ identifier) -%}
    {%- endif -%}
    {%- for node in dbt_braze.sync_nodes() if users is string and dbt_braze.reads_table_of(users, node) -%}
        {%- do problems.append('users reads ' ~ node.alias ~ ', from which rows are erased meanwhile; copy what it returns to a table of your own first') -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{# True for a query with the name of a table of this sync, alone or after that of its schema. #}
{% macro reads_table_of(query, node) %}
    {%- set name = '(?i)(?<![\\w."`])((?:["`]?[\\w-]+["`]?\\.)*)["`]?' ~ modules.re.escape(node.alias) ~ '(?:_checkpoint|_batch)?(?!\\w)' -%}
    {%- for qualifier in modules.re.findall(name, query) -%}
        {%- if not qualifier or qualifier.rstrip('.').split('.')[-1].strip('"`') | lower == node.schema | lower -%} {{ return(true) }} {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{% endmacro %}
