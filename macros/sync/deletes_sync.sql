{# A table in the shape of CDI's USERS_DELETE_SYNC: users to delete from Braze, for ever. Whoever is deleted is forgotten by the
   attribute syncs of the project, so a user who returns is sent whole.

   relation     without `sent_by`: the list of users to delete, one row per request. With it: the table that users belong to; who
                was sent by that sync and is not in the table any more is deleted
   sent_by      ref of the attributes sync whose users are compared with `relation`
   external_id, alias_name + alias_label, braze_id, priority
                the identifier, as in attributes_sync(); CDI does not document deletion by email or phone
   request_id   of a list: a column that tells requests apart, so that a user can be deleted again by a later one
   updated_at, deliver
                as in attributes_sync()
#}
{% macro deletes_sync(
    relation, sent_by=none, external_id=none, alias_name=none, alias_label=none, braze_id=none, priority=none, request_id=none,
    updated_at=none, deliver='rest'
) %}
    {%- set identifiers = dbt_braze.given_identifiers(external_id, alias_name, alias_label, braze_id, none, none) -%}
    {{ dbt_braze.configure_sync('deletes', deliver, {
        'identifiers': identifiers | map(attribute='kind') | list,
        'emits_once': sent_by is none,
        'complete_source': sent_by is not none,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.argument_problems(relation, [], {})
            + dbt_braze.identifier_problems(identifiers, priority)
            + dbt_braze.delivery_problems(deliver)
            + dbt_braze.sent_by_problems(sent_by, request_id, updated_at)
            + (dbt_braze.single_kind_problems(identifiers, 'sent_by') if sent_by is not none else [])
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze -%}
        {%- if sent_by %}
{{ dbt_braze.departed_state(relation, sent_by, identifiers, priority) }}
        {%- else -%}
            {%- set columns = {'request_id': dbt_braze.identifier_value(request_id or 'null')} -%}
            {%- set row_key = dbt_braze.user_key_of(identifiers) ~ " || coalesce(':' || request_id, '')" %}
{{ dbt_braze.rows_state(relation, identifiers, columns, row_key, none, dbt_braze.identifier_reasons(identifiers), priority, updated_at) }}
        {%- endif %}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.rows_delta(braze, none) }}
{{ dbt_braze.rows_appended(relation, braze, none, updated_at=updated_at) }}
    {%- endif -%}
{% endmacro %}


{# CTE `state`: users that the checkpoint of another sync knows and the relation does not. The hash is that of the batch which
   sent the user last, so one who came back, was sent again and left again is deleted again. #}
{% macro departed_state(relation, sent_by, identifiers, priority) -%}
{{ dbt_braze.begin_of_state(dbt_braze.source_keys(relation, identifiers, priority)) }}

state as (

    select
        {{ dbt_braze.carried_columns(identifiers, [], 'checkpoint') }},
        checkpoint.braze_row,
        {{ dbt_braze.text_literal('{}') }} as payload,
        {{ dbt_braze.text_hash('checkpoint.braze_batch') }} as row_hash,
        {{ dbt.cast('null', dbt_braze.type_text()) }} as attribute_hashes,
        {{ dbt.cast('null', dbt_braze.type_text()) }} as invalid_reason
    {{ dbt_braze.from_checkpoint_without(checkpoint=dbt_braze.companion(sent_by, 'checkpoint')) }}
        and checkpoint.row_hash is not null
        -- Of a sync with several kinds of identifier, the users whom this one can name.
        and (
            {%- for identifier in identifiers %}
            checkpoint.{{ identifier.columns.keys() | first }} is not null{{ ' or' if not loop.last }}
            {%- endfor %}
        )

)
{%- endmacro %}


{% macro sent_by_problems(sent_by, request_id, updated_at) %}
    {%- set problems = [] -%}
    {%- if sent_by is not none -%}
        {%- if sent_by is string -%}
            {%- do problems.append('sent_by is no ref(…)') -%}
        {%- elif not dbt_braze.attribute_syncs_before() -%}
            {%- do problems.append('sent_by is no attributes sync') -%}
        {%- endif -%}
        {%- if request_id or updated_at -%} {%- do problems.append('request_id and updated_at are for lists, not for sent_by') -%} {%- endif -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}


{# The attribute syncs that this model refers to. #}
{% macro attribute_syncs_before() %}
    {%- set nodes = [] -%}
    {%- for name in model.depends_on.nodes if graph.nodes.get(name, {}).get('config', {}).get('meta', {}).get('braze', {}).get('sync') == 'attributes' -%}
        {%- do nodes.append(graph.nodes[name]) -%}
    {%- endfor -%}
    {{ return(nodes) }}
{% endmacro %}
