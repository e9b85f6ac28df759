{# Who has read which batches of a log: destinations, by the ledger that braze-runner keeps; Braze itself, as far as the user says;
   and the attribute syncs of the project, for deletes. #}

{# One of the runner's tables: the package's source says where, as it does to the runner. #}
{% macro runner_table(name) %}
    {%- for source in graph.sources.values() if source.source_name == 'braze_state' and source.name == name -%}
        {{ return(api.Relation.create(database=source.database, schema=source.schema, identifier=source.identifier)) }}
    {%- endfor -%}
    {{ return(api.Relation.create(database=target.database, schema=target.schema, identifier=name)) }}
{% endmacro %}


{# The condition on a table of the runner that a row is about this sync. #}
{% macro rows_of_sync(node) %}
    {{ return('sync = ' ~ dbt_braze.literal(node.unique_id)) }}
{% endmacro %}


{# Everyone who has ever begun to read this sync, but for destinations that are no more. #}
{% macro destinations_of_sync(node, gone) %}
    {%- set ledger = dbt_braze.runner_table('braze_sync_ledger') -%}
    {%- if node.config.meta.braze.deliver == 'cdi' or not dbt_braze.table_exists(ledger) -%} {{ return([]) }} {%- endif -%}
    {{ return(run_query(
        'select distinct destination from ' ~ ledger ~ ' where ' ~ dbt_braze.rows_of_sync(node) ~ ' order by destination'
    ).columns[0].values() | reject('in', gone) | list) }}
{% endmacro %}


{# A query of the batches that all of them have read to the end: braze_batch. #}
{% macro batches_read(node, destinations, cdi_read_up_to) -%}
    {%- set log = dbt_braze.relation_of_node(node) -%}
    {%- if node.config.meta.braze.deliver == 'cdi' -%}
    select braze_batch
    from {{ log }}
    group by braze_batch
    having max(UPDATED_AT) <= {{ dbt_braze.updated_at_literal(dbt_braze.moment_given(cdi_read_up_to) or '1970-01-01 00:00:00.000000') }}
    {%- elif not destinations -%}
    select braze_batch
    from {{ log }}
    where 1 = 0
    {%- else -%}
    select braze_batch
    from {{ dbt_braze.runner_table('braze_sync_ledger') }}
    where {{ dbt_braze.rows_of_sync(node) }}
        and entry = 'done'
        and destination in ({% for name in destinations %}{{ dbt_braze.literal(name) }}{{ ', ' if not loop.last }}{% endfor %})
    group by braze_batch
    having count(distinct destination) = {{ destinations | length }}
    {%- endif -%}
{%- endmacro %}


{# For a log of deletes: the attribute syncs that have to learn of each deletion. #}
{% macro syncs_told_of_deletes(node) %}
    {%- set told = [] -%}
    {%- if node.config.meta.braze.sync == 'deletes' -%}
        {%- for other in dbt_braze.sync_nodes() if other.config.meta.braze.sync == 'attributes' -%}
            {%- set kinds = other.config.meta.braze.identifiers | select('in', node.config.meta.braze.identifiers) | list -%}
            {%- set checkpoint = dbt_braze.tables_of_sync(other).checkpoint -%}
            {%- if kinds and dbt_braze.table_exists(checkpoint) -%}
                {%- do told.append({'name': other.name, 'checkpoint': checkpoint, 'kinds': kinds}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(told) }}
{% endmacro %}


{# A query of the batches of deletes that one of them has not learned of yet: braze_batch. #}
{% macro batches_untold(node, told) -%}
    {%- for sync in told %}
    select braze_batch
    from {{ dbt_braze.relation_of_node(node) }}
    where (
        {%- for kind in sync.kinds %}{{ dbt_braze.columns_of_kinds([kind]) | first }} is not null{{ ' or ' if not loop.last }}{% endfor -%}
    )
        and 'deletes/' || braze_batch not in (select braze_row from {{ sync.checkpoint }} where braze_row like 'deletes/%')
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{# A moment that the user gave, in UTC, as text that updated_at_literal() takes; none if there is none, or it is none. YAML turns
   2026-01-31 12:00:00 into a date by itself. #}
{% macro moment_given(value) %}
    {%- set match = modules.re.match(
        '(\\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])(?:[ T]([01]\\d|2[0-3]):([0-5]\\d):([0-5]\\d)(?:\\.(\\d{1,9}))?)?\\s*(?:Z|UTC|\\+00:?00)?$', value | string
    ) -%}
    {%- if not match -%} {{ return(none) }} {%- endif -%}
    {%- set parts = match.groups() -%}
    {%- set year, month = parts[0] | int, parts[1] | int -%}
    {%- set days = [31, 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] -%}
    {%- if parts[2] | int > days -%} {{ return(none) }} {%- endif -%}
    {{ return(parts[:3] | join('-') ~ ' ' ~ (parts[3] or '00') ~ ':' ~ (parts[4] or '00') ~ ':' ~ (parts[5] or '00') ~ '.'
        ~ ((parts[6] or '') ~ '000000')[:6]) }}
{% endmacro %}


{# Braze's last_timestamp_synced is one of our stamps, and those are never in the future. #}
{% macro cdi_problems(node, cdi_read_up_to) %}
    {%- if cdi_read_up_to is none -%} {{ return([]) }} {%- endif -%}
    {%- if node is none or node.config.meta.braze.deliver != 'cdi' -%}
        {{ return(['cdi_read_up_to is for one sync with deliver: cdi']) }}
    {%- endif -%}
    {%- set moment = dbt_braze.moment_given(cdi_read_up_to) -%}
    {%- if moment is none -%}
        {{ return(["cdi_read_up_to is '" ~ cdi_read_up_to ~ "'; it can be a moment in UTC such as 2026-01-31 12:00:00.123456"]) }}
    {%- elif moment > run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f') -%}
        {{ return(["cdi_read_up_to is '" ~ cdi_read_up_to ~ "', which is in the future"]) }}
    {%- endif -%}
    {{ return([]) }}
{% endmacro %}


{% macro gone_problems(gone) %}
    {%- if gone is string or gone is mapping or gone is not iterable or gone | reject('string') | list -%}
        {{ return(['gone is no list of destinations']) }}
    {%- endif -%}
    {{ return([]) }}
{% endmacro %}
