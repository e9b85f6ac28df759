{# Arrays of objects that are sent element by element: braze.com/docs, Array of objects. CTEs that end in `with_operations`: the
   columns of `before_and_after`, and for each attribute with a key what changes its array in Braze, as the JSON text
   {"$add":[…],"$update":[…],"$remove":[…]}; and `attribute_elements`, the ids and hashes of the elements once that is applied.
   No operation, but the whole array, is sent where Braze's array is not certain, or an id is missing or occurs twice. #}
{% macro array_operations(identifiers, attributes) -%}
{%- set positions = [] -%}
{%- for attribute in attributes if attribute.key -%} {%- do positions.append(attributes.index(attribute) + 1) -%} {%- endfor -%}
{%- for position in positions %}
{{ dbt_braze.operation_of(attributes[position - 1], position) }},
{% endfor %}
{%- if positions %}
with_operations as (

    select
        {{ dbt_braze.carried_columns(identifiers, attributes, 'before_and_after') }},
        before_and_after.braze_row,
        before_and_after.row_hash,
        before_and_after.source_hash,
        before_and_after.braze_base,
        before_and_after.is_known,
        before_and_after.known_hashes,
        before_and_after.forgotten,
        {%- for position in positions %}
        operations_{{ position }}.operation as operation_{{ position }},
        operations_{{ position }}.data_points as operation_points_{{ position }},
        {%- endfor %}
        {{ dbt_braze.object_of(dbt_braze.elements_by_name(attributes, positions)) }} as attribute_elements
    from before_and_after
    {%- for position in positions %}
    left join operations_{{ position }}
        on before_and_after.braze_row = operations_{{ position }}.braze_row
    {%- endfor %}

),
{% endif %}
{%- endmacro %}


{% macro elements_by_name(attributes, positions) %}
    {%- set elements = {} -%}
    {%- for position in positions -%}
        {%- do elements.update({attributes[position - 1].name: 'operations_' ~ position ~ '.elements'}) -%}
    {%- endfor -%}
    {{ return(elements) }}
{% endmacro %}


{# CTEs `operations_<position>` and what it needs: one row per user whose array has elements, or had some. #}
{% macro operation_of(attribute, position) -%}
{%- set name = attribute.name -%}
{%- set id = dbt_braze.json_field('element', attribute.key) -%}
{%- set sent_whole = "forgotten = '*' or " ~ dbt_braze.contains('forgotten', dbt_braze.literal('"' ~ name ~ '"'))
    ~ ' or not ' ~ dbt_braze.contains('known_hashes', dbt_braze.literal('"' ~ name ~ '":'))
    ~ ' or ' ~ dbt_braze.contains('known_hashes', dbt_braze.literal('"' ~ name ~ '":""')) -%}
arrays_{{ position }} as (

    select
        braze_row,
        attribute_{{ position }} as array_now,
        case when {{ sent_whole }} then null else {{ dbt_braze.json_field('known_elements', name) }} end as array_known
    from before_and_after

),

elements_now_{{ position }} as (

    select
        braze_row,
        element,
        {{ id }} as id,
        {{ dbt_braze.attribute_hash({}, 'element') }} as hash,
        {{ dbt_braze.json_object_size('element') }} as keys
    from ({{ dbt_braze.json_array_elements('arrays_' ~ position, ['braze_row'], 'array_now') }}) as elements

),

elements_known_{{ position }} as (

    select
        braze_row,
        {{ dbt_braze.json_field('element', 'id') }} as id,
        {{ dbt_braze.json_field('element', 'hash') }} as hash
    from ({{ dbt_braze.json_array_elements('arrays_' ~ position, ['braze_row'], 'array_known') }}) as elements

),

summaries_{{ position }} as (

    select
        braze_row,
        '[' || {{ dbt.listagg("'{\"id\":' || coalesce(id, 'null') || ',\"hash\":\"' || hash || '\"}'", "','") }} || ']' as elements,
        case when count(*) = count(distinct id) then 1 else 0 end as has_ids
    from elements_now_{{ position }}
    group by braze_row

),

put_{{ position }} as (

    select
        elements_now.braze_row,
        nullif({{ dbt.listagg("case when elements_known.id is null then elements_now.element end", "','") }}, '') as added,
        nullif({{ dbt.listagg(dbt_braze.update_of(attribute), "','") }}, '') as updated,
        sum(case when elements_known.id is null or elements_known.hash != '"' || elements_now.hash || '"' then elements_now.keys else 0 end) as data_points
    from elements_now_{{ position }} as elements_now
    left join elements_known_{{ position }} as elements_known
        on elements_now.braze_row = elements_known.braze_row
            and elements_now.id = elements_known.id
    group by elements_now.braze_row

),

taken_{{ position }} as (

    select
        elements_known.braze_row,
        {{ dbt.listagg(dbt_braze.element_named(attribute, 'elements_known.id') ~ " || '}'", "','") }} as removed,
        count(*) as data_points
    from elements_known_{{ position }} as elements_known
    left join elements_now_{{ position }} as elements_now
        on elements_known.braze_row = elements_now.braze_row
            and elements_known.id = elements_now.id
    where elements_now.id is null
    group by elements_known.braze_row

),

operations_{{ position }} as (

    select
        arrays.braze_row,
        case
            when arrays.array_known is not null and arrays.array_now is not null and coalesce(summaries.has_ids, 1) = 1
                and (put.added is not null or put.updated is not null or taken.removed is not null)
                then {{ dbt_braze.object_of({
                    '$add': "'[' || put.added || ']'", '$update': "'[' || put.updated || ']'", '$remove': "'[' || taken.removed || ']'",
                }) }}
        end as operation,
        coalesce(put.data_points, 0) + coalesce(taken.data_points, 0) as data_points,
        case
            when coalesce(summaries.has_ids, 1) = 1 and arrays.array_now is not null then coalesce(summaries.elements, '[]')
        end as elements
    from arrays_{{ position }} as arrays
    left join summaries_{{ position }} as summaries
        on arrays.braze_row = summaries.braze_row
    left join put_{{ position }} as put
        on arrays.braze_row = put.braze_row
    left join taken_{{ position }} as taken
        on arrays.braze_row = taken.braze_row

)
{%- endmacro %}


{# The beginning of an object that names an element by its id. #}
{% macro element_named(attribute, id) %}
    {{ return(dbt_braze.literal('{"$identifier_key":"' ~ attribute.key ~ '","$identifier_value":') ~ ' || ' ~ id) }}
{% endmacro %}


{% macro update_of(attribute) %}
    {{ return("case when elements_known.hash != '"' || elements_now.hash || '"' then " ~ dbt_braze.element_named(attribute, 'elements_now.id')
        ~ " || ',\"$new_object\":' || elements_now.element || '}' end") }}
{% endmacro %}
