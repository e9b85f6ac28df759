{# From `state` (what the source holds) and the checkpoint (what has been emitted) to CTE `changes`, the rows of this run's batch. #}
{% macro attributes_delta(relation, identifiers, attributes, priority, options) -%}
{%- set identifier_columns = dbt_braze.identifier_columns(identifiers) -%}
{%- set keyed = attributes | selectattr('key') | list -%}
{%- set label = attributes | selectattr('type', 'equalto', 'label') | first | default(none) -%}
{%- set labelled = '"' ~ modules.re.escape(label.name) ~ '":"[0-9a-f]+"' if label -%}
,

compared as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes, 'state') }},
        state.braze_row,
        state.row_hash,
        checkpoint.braze_batch as braze_base,
        case when checkpoint.row_hash is null then 0 else 1 end as is_known,
        coalesce(checkpoint.attribute_hashes, '{}') as known_hashes,
        checkpoint.attribute_elements as known_elements,
        coalesce(checkpoint.forgotten, '') as forgotten
    from state
    left join {{ dbt_braze.checkpoint_relation() }} as checkpoint
        on state.braze_row = checkpoint.braze_row
    -- One condition over both sides: an engine that moved the part on `state` below the join would compute each row twice.
    where case
            when state.invalid_reason is not null then false
            when checkpoint.row_hash is null or checkpoint.forgotten is not null then true
            else checkpoint.row_hash != state.row_hash
        end

),

repeated as (

    -- Users with more than one row in the source, whichever of the rows differs from the checkpoint.
    select braze_row
    from ({{ dbt_braze.source_keys(relation, identifiers, priority) }}) as source_keys
    where braze_row in (select braze_row from compared)
    group by braze_row
    having count(*) > 1

),
{%- if options.users_that_left == 'unset' %}

departed as (

    select
        {{ dbt_braze.carried_columns(identifiers, [], 'checkpoint') }},
        {%- for attribute in attributes %}
        {{ dbt.cast('null', dbt_braze.type_text()) }} as attribute_{{ loop.index }},
        {%- endfor %}
        checkpoint.braze_row,
        {{ dbt.hash("'{}'") }} as row_hash,
        checkpoint.braze_batch as braze_base,
        1 as is_known,
        checkpoint.attribute_hashes as known_hashes,
        checkpoint.attribute_elements as known_elements,
        coalesce(checkpoint.forgotten, '') as forgotten
    from {{ dbt_braze.checkpoint_relation() }} as checkpoint
    left join ({{ dbt_braze.source_keys(relation, identifiers, priority) }}) as source_keys
        on checkpoint.braze_row = source_keys.braze_row
    where source_keys.braze_row is null
        and checkpoint.braze_row not like '%/%'
        and (checkpoint.row_hash != {{ dbt.hash("'{}'") }} or checkpoint.forgotten is not null)

),
{%- endif %}

before_and_after as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes, 'compared') }},
        compared.braze_row,
        compared.row_hash,
        compared.braze_base,
        compared.is_known,
        compared.known_hashes,
        compared.known_elements,
        compared.forgotten
    from compared
    left join repeated
        on compared.braze_row = repeated.braze_row
    where repeated.braze_row is null
    {%- if options.users_that_left == 'unset' %}

    union all

    select *
    from departed
    {%- endif %}

),

{{ dbt_braze.array_operations(identifiers, attributes) -}}

{{ dbt_braze.attributes_diff(
    'with_operations' if keyed else 'before_and_after', attributes,
    identifier_columns + ['braze_row', 'row_hash', 'attribute_elements' if keyed else 'known_elements', 'braze_base', 'is_known'],
    unset_dropped=options.dropped_attributes == 'unset',
) }},

changes as (

    select
        {%- for column in identifier_columns %}
        {{ column }},
        {%- endfor %}
        payload as PAYLOAD,
        braze_row,
        -- With hashes of dropped attributes in it, it matches no row of the source: the user is compared attribute by attribute.
        case
            when dropped_hashes is null then row_hash
            else {{ dbt.hash("row_hash || dropped_hashes") }}
        end as row_hash,
        attribute_hashes,
        {{ 'attribute_elements' if keyed else 'known_elements' }} as attribute_elements,
        braze_base,
        is_known,
        0 as is_deletion,
        {%- for attribute in attributes %}
        points_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from attributes_diff
    where payload != '{}'
    {%- if label and options.users_that_left == 'kept' %}

    union all

    -- The label goes, all else stays.
    select
        {{ dbt_braze.carried_columns(identifiers, [], 'checkpoint') }},
        {{ dbt_braze.literal('{"' ~ label.name ~ '":' ~ dbt_braze.value_that_removes(label) ~ '}') }},
        checkpoint.braze_row,
        {{ dbt.hash("checkpoint.row_hash || 'left'") }},
        {{ dbt_braze.regexp_replace_all('checkpoint.attribute_hashes', labelled, '"' ~ label.name ~ '":""') }},
        checkpoint.attribute_elements,
        checkpoint.braze_batch,
        1,
        0,
        {%- for attribute in attributes %}
        {{ 1 if attribute.type == 'label' else 0 }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ dbt_braze.checkpoint_relation() }} as checkpoint
    left join ({{ dbt_braze.source_keys(relation, identifiers, priority) }}) as source_keys
        on checkpoint.braze_row = source_keys.braze_row
    where source_keys.braze_row is null
        and checkpoint.braze_row not like '%/%'
        and {{ dbt_braze.regexp_replace_all('checkpoint.attribute_hashes', labelled, '') }} != checkpoint.attribute_hashes
    {%- endif %}

),
{%- endmacro %}
