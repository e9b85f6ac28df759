{# From `state` (what the source holds) and the checkpoint (what has been emitted) to the rows of this run's batch. #}
{% macro attributes_delta(relation, identifiers, attributes) -%}
{%- set identifier_columns = dbt_braze.identifier_columns(identifiers) -%}
,

compared as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes, 'state') }},
        state.braze_row,
        state.row_hash,
        checkpoint.braze_row is not null as is_known,
        coalesce(checkpoint.attribute_hashes, '{}') as known_hashes,
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
    from ({{ dbt_braze.source_keys(relation, identifiers) }}) as source_keys
    where braze_row in (select braze_row from compared)
    group by braze_row
    having count(*) > 1

),

before_and_after as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes, 'compared') }},
        compared.braze_row,
        compared.row_hash,
        compared.is_known,
        compared.known_hashes,
        compared.forgotten
    from compared
    left join repeated
        on compared.braze_row = repeated.braze_row
    where repeated.braze_row is null

),

{{ dbt_braze.attributes_diff('before_and_after', attributes, identifier_columns + ['braze_row', 'row_hash', 'is_known']) }},

emitted as (

    select
        {%- for column in identifier_columns %}
        {{ column }},
        {%- endfor %}
        payload,
        braze_row,
        -- With hashes of dropped attributes in it, it matches no row of the source: the user is compared attribute by attribute.
        case
            when dropped_hashes is null then row_hash
            else {{ dbt.hash("row_hash || dropped_hashes") }}
        end as row_hash,
        attribute_hashes,
        is_known,
        data_points
    from attributes_diff
    where payload != '{}'
        {%- if dbt_braze.is_partial_run() %}
        and 1 = 0
        {%- endif %}

),

{{ dbt_braze.guarded_batch(relation) }}

select
    {{ dbt_braze.stamp('emitted.braze_row') }} as UPDATED_AT,
    {%- for column in identifier_columns %}
    {{ dbt.cast('emitted.' ~ column, dbt_braze.type_text()) }} as {{ column }},
    {%- endfor %}
    {{ dbt.cast('emitted.payload', dbt_braze.type_text()) }} as PAYLOAD,
    {{ dbt.cast(dbt_braze.literal(invocation_id), dbt_braze.type_text()) }} as braze_batch,
    {{ dbt.cast('emitted.braze_row', dbt_braze.type_text()) }} as braze_row,
    {{ dbt.cast('emitted.row_hash', dbt_braze.type_text()) }} as row_hash,
    {{ dbt.cast('emitted.attribute_hashes', dbt_braze.type_text()) }} as attribute_hashes
from emitted
cross join batch
where batch.refusal is null

union all

-- A refused batch raises its error here even when nothing else would read the refusal.
select
    {{ dbt.cast('null', dbt_braze.type_updated_at()) }},
    {%- for column in identifier_columns %}
    {{ dbt.cast('null', dbt_braze.type_text()) }},
    {%- endfor %}
    {{ dbt_braze.raise_error('batch.refusal') }},
    {{ dbt.cast('null', dbt_braze.type_text()) }},
    {{ dbt.cast('null', dbt_braze.type_text()) }},
    {{ dbt.cast('null', dbt_braze.type_text()) }},
    {{ dbt.cast('null', dbt_braze.type_text()) }}
from batch
where batch.refusal is not null
{%- endmacro %}


{# One row per source row: its user key. #}
{% macro source_keys(relation, identifiers) -%}
        select {{ dbt_braze.user_key_of(identifiers) }} as braze_row
        from (
            select
                {%- for identifier in identifiers %}
                {%- set outer = loop %}
                {%- for column, expression in identifier.columns.items() %}
                {{ dbt_braze.identifier_value(expression) }} as {{ column }}{{ ',' if not (loop.last and outer.last) }}
                {%- endfor %}
                {%- endfor %}
            from {{ relation }}
        ) as identified
    {% endmacro %}
