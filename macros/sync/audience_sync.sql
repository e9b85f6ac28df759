{# Audiences as values of an array attribute: rows (user, label) in, and out `{"<attribute>": {"add": […], "remove": […]}}` of
   what changed, in the shape of CDI's USERS_ATTRIBUTES_SYNC.

   relation    the model or source with one row per user and label; a user without rows, or with a null for a label, has none
   external_id, alias_name + alias_label, braze_id, email, phone, priority
               whose label it is, as in attributes_sync()
   label       the column, or SQL expression, of the label
   attribute   name of the array attribute, for example looker_export or lytics_segments
   backfill    true: the members of today are sent at the first run; false: only who joins or leaves from then on
   update_existing_only
               true: never create a profile; false: create it
   deliver     rest or cdi, as in attributes_sync()

   The checkpoint keeps the labels of each user, for they are needed to take one out.
#}
{% macro audience_sync(
    relation, external_id=none, alias_name=none, alias_label=none, braze_id=none, email=none, phone=none, priority=none,
    label=none, attribute=none, backfill=true, update_existing_only=true, deliver='rest'
) %}
    {%- set identifiers = dbt_braze.given_identifiers(external_id, alias_name, alias_label, braze_id, email, phone) -%}
    {{ dbt_braze.configure_sync('attributes', deliver, {
        'identifiers': identifiers | map(attribute='kind') | list,
        'update_existing_only': update_existing_only,
        'baseline': not backfill,
        'complete_source': true,
        'audience': attribute,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.argument_problems(relation, [], {'update_existing_only': update_existing_only, 'backfill': backfill})
            + dbt_braze.missing_problems({'label': label, 'attribute': attribute})
        ) -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.identifier_problems(identifiers, priority)
            + dbt_braze.attribute_problems([dbt_braze.normalized_attribute({'name': attribute, 'type': 'array'}, {})], identifiers)
            + dbt_braze.delivery_problems(deliver)
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze %}
{{ dbt_braze.audience_state(relation, identifiers, label, priority) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.audience_delta(identifiers, attribute) }}

{{ dbt_braze.batch_of_delta(relation, braze, 'PAYLOAD', billed=[attribute]) }}
{{ dbt_braze.end_of_batch() }}
,
{{ dbt_braze.estimate_of_attributes([attribute]) }}
{{ dbt_braze.end_of_estimate() }}

{{ dbt_braze.appended_batch(braze, 'PAYLOAD') }}
    {%- endif -%}
{% endmacro %}


{# CTEs up to `state`: one row per user with the sorted labels as a JSON array, in `payload` and in `attribute_hashes`, and one per
   row that may not be sent. #}
{% macro audience_state(relation, identifiers, label, priority) -%}
{%- set keys = dbt_braze.identifier_columns(identifiers) -%}
with

source_rows as (

    select
        {{ dbt_braze.identifiers_of_row(identifiers, priority) }},
        {{ dbt_braze.json_string(dbt_braze.identifier_value(label)) }} as label
    from {{ relation }}

),

keyed as (

    select
        {{ keys | join(',\n        ') }},
        label,
        {{ dbt_braze.user_key_of(identifiers) }} as braze_row,
        case
            {{ dbt_braze.identifier_reasons(identifiers) | join('\n            ') }}
            when label is null then 'no label'
        end as invalid_reason
    from source_rows

),

members as (

    select distinct
        {{ keys | join(',\n        ') }},
        label,
        braze_row
    from keyed
    where invalid_reason is null

),

labelled as (

    select
        {%- for key in keys %}
        max({{ key }}) as {{ key }},
        {%- endfor %}
        braze_row,
        count(*) as labels,
        '[' || {{ dbt.listagg('label', "','") }} || ']' as labels_in_any_order
    from members
    group by braze_row

),

sorted as (

    select
        *,
        {{ dbt_braze.json_array_as_set('labels_in_any_order') }} as payload
    from labelled

),

state as (

    select
        {{ keys | join(',\n        ') }},
        braze_row,
        payload,
        {{ dbt_braze.text_hash('payload') }} as row_hash,
        payload as attribute_hashes,
        -- braze.com/docs, Array attributes: 500 elements.
        case when labels > 500 then 'more than 500 labels' end as invalid_reason
    from sorted

    union all

    select
        {{ keys | join(',\n        ') }},
        {{ dbt.cast('null', dbt_braze.type_key()) }},
        {{ dbt.cast('null', dbt_braze.type_text()) }},
        {{ dbt.cast('null', dbt_braze.type_key()) }},
        {{ dbt.cast('null', dbt_braze.type_text()) }},
        invalid_reason
    from keyed
    where invalid_reason is not null

)
{%- endmacro %}


{# CTEs up to `changes`: per user the labels that Braze does not have yet, and those that it has too many. Of a user who was
   forgotten, every label counts as missing. #}
{% macro audience_delta(identifiers, attribute) -%}
,

compared as (

    select
        {{ dbt_braze.carried_columns(identifiers, [], 'state') }},
        state.braze_row,
        state.payload as labels,
        state.row_hash,
        checkpoint.braze_batch as braze_base,
        case when checkpoint.row_hash is null then 0 else 1 end as is_known,
        coalesce(checkpoint.attribute_hashes, '[]') as known_labels,
        case when checkpoint.forgotten is null then 0 else 1 end as is_forgotten
    {{ dbt_braze.from_state_that_differs() }}

    union all

    select
        {{ dbt_braze.carried_columns(identifiers, [], 'checkpoint') }},
        checkpoint.braze_row,
        {{ dbt_braze.text_literal('[]') }},
        {{ dbt_braze.text_hash("'[]'") }},
        checkpoint.braze_batch,
        1,
        checkpoint.attribute_hashes,
        0
    {{ dbt_braze.from_checkpoint_without('(select braze_row from state where braze_row is not null)') }}
        and checkpoint.attribute_hashes != '[]'

),

labels_now as (

    {{ dbt_braze.json_array_elements('compared', ['braze_row', 'is_forgotten'], 'labels') }}

),

labels_before as (

    {{ dbt_braze.json_array_elements('compared', ['braze_row'], 'known_labels') }}

),

added as (

    select
        labels_now.braze_row,
        {{ dbt.listagg('labels_now.element', "','") }} as labels,
        count(*) as data_points
    from labels_now
    left join labels_before
        on labels_now.braze_row = labels_before.braze_row
            and labels_now.element = labels_before.element
    where labels_before.element is null or labels_now.is_forgotten = 1
    group by labels_now.braze_row

),

removed as (

    select
        labels_before.braze_row,
        {{ dbt.listagg('labels_before.element', "','") }} as labels,
        count(*) as data_points
    from labels_before
    left join labels_now
        on labels_before.braze_row = labels_now.braze_row
            and labels_before.element = labels_now.element
    where labels_now.element is null
    group by labels_before.braze_row

),

settled as (

    -- In a settled order, so that the same change is the same text.
    select
        compared.*,
        {{ dbt_braze.json_array_as_set("('[' || added.labels || ']')") }} as labels_added,
        {{ dbt_braze.json_array_as_set("('[' || removed.labels || ']')") }} as labels_removed,
        coalesce(added.data_points, 0) + coalesce(removed.data_points, 0) as data_points
    from compared
    left join added
        on compared.braze_row = added.braze_row
    left join removed
        on compared.braze_row = removed.braze_row
    where added.braze_row is not null
        or removed.braze_row is not null

),

changes as (

    select
        {{ dbt_braze.carried_columns(identifiers, []) }},
        {{ dbt_braze.literal('{"' ~ attribute ~ '":{') }} || {{ dbt_braze.join_present([
            "'\"add\":' || labels_added", "'\"remove\":' || labels_removed",
        ]) }} || '}}' as PAYLOAD,
        braze_row,
        row_hash,
        labels as attribute_hashes,
        braze_base,
        is_known,
        0 as is_deletion,
        data_points as points_1
    from settled

),
{%- endmacro %}
