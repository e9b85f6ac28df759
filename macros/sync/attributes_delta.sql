{# From `state` (what the source holds) and the checkpoint (what has been emitted) to CTE `changes`, the rows of this run's batch. #}
{% macro attributes_delta(identifiers, attributes, options) -%}
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
        state.source_hash,
        checkpoint.braze_batch as braze_base,
        case when checkpoint.row_hash is null then 0 else 1 end as is_known,
        coalesce(checkpoint.attribute_hashes, '{}') as known_hashes,
        checkpoint.attribute_elements as known_elements,
        coalesce(checkpoint.forgotten, '') as forgotten
    {{ dbt_braze.from_state_that_differs(has_fingerprints=true) }}

),

{{ dbt_braze.repeated_rows('source_keys') }},
{%- if options.users_that_left == 'unset' %}

departed as (

    select
        {{ dbt_braze.carried_columns(identifiers, [], 'checkpoint') }},
        {%- for attribute in attributes %}
        {{ dbt.cast('null', dbt_braze.type_text()) }} as attribute_{{ loop.index }},
        {%- endfor %}
        checkpoint.braze_row,
        {{ dbt_braze.text_hash("'{}'") }} as row_hash,
        {{ dbt.cast('null', dbt.type_bigint()) }} as source_hash,
        checkpoint.braze_batch as braze_base,
        1 as is_known,
        checkpoint.attribute_hashes as known_hashes,
        checkpoint.attribute_elements as known_elements,
        coalesce(checkpoint.forgotten, '') as forgotten
    {{ dbt_braze.from_checkpoint_without() }}
        and (checkpoint.row_hash != {{ dbt_braze.text_hash("'{}'") }} or checkpoint.forgotten is not null)

),
{%- endif %}

before_and_after as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes, 'compared') }},
        compared.braze_row,
        compared.row_hash,
        compared.source_hash,
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
    identifier_columns + ['braze_row', 'row_hash', 'source_hash', 'attribute_elements' if keyed else 'known_elements', 'braze_base', 'is_known'],
    unset_dropped=options.dropped_attributes == 'unset',
) }},

changes as (

    select
        {%- for column in identifier_columns %}
        {{ column }},
        {%- endfor %}
        payload as PAYLOAD,
        -- What turns out to be the same is in the batch for its fingerprint alone.
        case when payload = '{}' then {{ dbt_braze.same_row('braze_row') }} else braze_row end as braze_row,
        -- With hashes of dropped attributes in it, it matches no row of the source: the user is compared attribute by attribute.
        case
            when dropped_hashes is null then row_hash
            else {{ dbt_braze.text_hash("row_hash || dropped_hashes") }}
        end as row_hash,
        attribute_hashes,
        {{ 'attribute_elements' if keyed else 'known_elements' }} as attribute_elements,
        source_hash,
        braze_base,
        is_known,
        0 as is_deletion,
        {%- for attribute in attributes %}
        points_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from attributes_diff
    where payload != '{}' or (source_hash is not null and is_known = 1)
    {%- if label and options.users_that_left == 'kept' %}

    union all

    -- The label goes, all else stays.
    select
        {{ dbt_braze.carried_columns(identifiers, [], 'checkpoint') }},
        {{ dbt_braze.literal('{"' ~ label.name ~ '":' ~ dbt_braze.value_that_removes(label) ~ '}') }},
        checkpoint.braze_row,
        {{ dbt_braze.text_hash("checkpoint.row_hash || 'left'") }},
        {{ dbt_braze.regexp_replace_all('checkpoint.attribute_hashes', labelled, '"' ~ label.name ~ '":""') }},
        checkpoint.attribute_elements,
        {{ dbt.cast('null', dbt.type_bigint()) }},
        checkpoint.braze_batch,
        1,
        0,
        {%- for attribute in attributes %}
        {{ 1 if attribute.type == 'label' else 0 }}{{ ',' if not loop.last }}
        {%- endfor %}
    {{ dbt_braze.from_checkpoint_without() }}
        and {{ dbt_braze.regexp_replace_all('checkpoint.attribute_hashes', labelled, '') }} != checkpoint.attribute_hashes
    {%- endif %}

),
{%- endmacro %}
