{# What deletes and attributes owe each other. Both are pre-hooks, computed from the logs alone: dying anywhere loses nothing. #}

{# For a sync of attributes: whoever has been deleted since has nothing left in Braze, so all of the user counts as never sent.
   For deletes of the users of another sync: first that sync's checkpoint learns what its log has sent. #}
{% macro deletions_merged() %}
    {%- if execute and model.config.meta.braze.sync == 'attributes' -%}
        {%- set logs = dbt_braze.deletion_logs() -%}
        {%- if logs %}
            {%- set checkpoint = dbt_braze.checkpoint_relation() -%}
            {{ dbt_braze.upserted_rows(
                checkpoint, dbt_braze.forgetting_of(logs, checkpoint), 'braze_row',
                ['braze_row', 'row_hash', 'attribute_hashes', 'forgotten', 'forgotten_at', 'updated_at', 'braze_batch'],
            ) }}
        {%- endif -%}
    {%- elif execute and model.config.meta.braze.sync == 'deletes' and model.config.meta.braze.complete_source -%}
        {%- set sent_by = dbt_braze.attribute_syncs_before()[0] -%}
        {%- set log = dbt_braze.relation_of_node(sent_by) -%}
        {{ dbt_braze.merge_into_checkpoint(log, dbt_braze.companion(log, 'checkpoint'), sent_by.config.meta.braze) }}
    {%- endif -%}
{% endmacro %}


{# The logs of the project's deletes that exist and share a kind of identifier with this sync. #}
{% macro deletion_logs() %}
    {%- set logs = [] -%}
    {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.config.get('meta', {}).get('braze', {}).get('sync') == 'deletes' -%}
        {%- set kinds = node.config.meta.braze.identifiers | select('in', model.config.meta.braze.identifiers) | list -%}
        {%- set log = dbt_braze.relation_of_node(node) -%}
        {%- if kinds and load_cached_relation(log) is not none -%} {%- do logs.append({'relation': log, 'kinds': kinds}) -%} {%- endif -%}
    {%- endfor -%}
    {{ return(logs) }}
{% endmacro %}


{# A query of checkpoint rows: users that were deleted, as if they had never been sent, and a note of each batch of deletes. #}
{% macro forgetting_of(logs, checkpoint) -%}
    {%- set since = run_query(
        'select ' ~ dbt_braze.updated_at_text(dbt_braze.add_microseconds('max(updated_at)', -7 * 86400000000)) ~ ' from ' ~ checkpoint
        ~ " where braze_row like 'deletes/%'"
    ).columns[0].values()[0] or '1970-01-01 00:00:00.000000' -%}
    with deleted as (
        {%- for log in logs %}
        {%- for kind in log.kinds %}
        {%- set columns = {} -%}
        {%- for column in dbt_braze.columns_of_kinds([kind]) -%} {%- do columns.update({column: column}) -%} {%- endfor %}
        select {{ dbt_braze.user_key(kind, columns) }} as braze_row, UPDATED_AT as updated_at, braze_batch
        from {{ log.relation }}
        where UPDATED_AT > {{ dbt_braze.updated_at_literal(since) }}
            {%- for column in columns %} and {{ column }} is not null{% endfor %}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    unknown as (
        select *
        from deleted
        where 'deletes/' || braze_batch not in (select braze_row from {{ checkpoint }} where braze_row like 'deletes/%')
    )

    select
        checkpoint.braze_row,
        {{ dbt.cast('null', dbt_braze.type_key()) }} as row_hash,
        '{{ '[]' if model.config.meta.braze.audience else '{}' }}' as attribute_hashes,
        {{ dbt.cast('null', dbt_braze.type_text()) }} as forgotten,
        {{ dbt.cast('null', dbt_braze.type_updated_at()) }} as forgotten_at,
        max(unknown.updated_at) as updated_at,
        max(unknown.braze_batch) as braze_batch
    from {{ checkpoint }} as checkpoint
    inner join unknown on checkpoint.braze_row = unknown.braze_row
    group by checkpoint.braze_row

    union all

    select
        'deletes/' || braze_batch,
        {{ dbt.cast('null', dbt_braze.type_key()) }},
        {{ dbt.cast('null', dbt_braze.type_text()) }},
        {{ dbt.cast('null', dbt_braze.type_text()) }},
        {{ dbt.cast('null', dbt_braze.type_updated_at()) }},
        max(updated_at),
        braze_batch
    from unknown
    group by braze_batch
{%- endmacro %}
