{# The diff of attributes, pure: CTEs over the columns of one relation, ending in `attributes_diff`.

   In   attribute_1, attribute_2, …  JSON text of the value now, null for none
        known_hashes  what was emitted: {"<name>":"<hash of the value>"}, "" as the hash of a null that was emitted
        forgotten     '*', or a JSON array of the names whose value in Braze is no longer certain, or ''
        operation_1, operation_points_1, …  for an attribute with a key: what changes its array in Braze, and its estimated
        data points; null where the array is sent as a whole
   Out  `passed`, payload (only the changed keys), attribute_hashes (what is emitted once this payload is), dropped_hashes (the
        part of it for attributes that are not listed, or null), points_1, points_2, … (estimated data points)

   With `unset_dropped` the payload nulls the attributes that are known and no longer listed.

   Hashes are read with text functions alone, which are the same on every warehouse: a name holds no quote and a hash only
   hex digits, so `"name":"hash"` occurs in the text where that pair is, and nowhere else. #}
{% macro attributes_diff(relation, attributes, passed, unset_dropped=false) -%}
attributes_hashed as (

    select
        {%- for column in passed %}
        {{ column }},
        {%- endfor %}
        known_hashes,
        forgotten,
        {%- for attribute in attributes %}
        attribute_{{ loop.index }},
        {%- if attribute.key %}
        operation_{{ loop.index }},
        operation_points_{{ loop.index }},
        {%- endif %}
        {{ dbt_braze.attribute_hash(attribute, 'attribute_' ~ loop.index) }} as hash_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}

),

attributes_compared as (

    select
        {%- for column in passed %}
        {{ column }},
        {%- endfor %}
        known_hashes,
        {{ dbt_braze.dropped_hashes(attributes) }} as dropped_hashes,
        {%- for attribute in attributes %}
        attribute_{{ loop.index }},
        {%- if attribute.key %}
        operation_{{ loop.index }},
        operation_points_{{ loop.index }},
        {%- endif %}
        hash_{{ loop.index }},
        {{ dbt_braze.is_changed(attribute.name, 'hash_' ~ loop.index) }} as is_changed_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from attributes_hashed

),

attributes_diff as {{ dbt_braze.materialized_cte() }}(

    select
        {%- for column in passed %}
        {{ column }},
        {%- endfor %}
        {{ dbt_braze.changed_payload(attributes, unset_dropped) }} as payload,
        {{ dbt_braze.hashes_after(attributes, unset_dropped) }} as attribute_hashes,
        dropped_hashes,
        {%- for attribute in attributes %}
        case when is_changed_{{ loop.index }} then {{ 'coalesce(operation_points_' ~ loop.index ~ ', 1)' if attribute.key else dbt_braze.attribute_data_points(attribute, 'attribute_' ~ loop.index) }} else 0 end as points_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from attributes_compared

)
{%- endmacro %}


{% macro attribute_hash(attribute, text) %}
    {{ return('substring(' ~ dbt_braze.text_hash(dbt_braze.comparable_value(attribute, text)) ~ ', 1, 16)') }}
{% endmacro %}


{# What two values are compared by: their JSON text, unless the order of elements or of keys does not matter. #}
{% macro comparable_value(attribute, text) %}
    {%- if not dbt_braze.is_compared_otherwise([attribute]) -%} {{ return(text) }} {%- endif -%}
    {%- set form = dbt_braze.json_array_as_set(text) if attribute.type == 'array' else dbt_braze.json_comparable(text) -%}
    {{ return('case when ' ~ dbt_braze.json_is_sound(text) ~ ' then ' ~ form ~ ' else ' ~ text ~ ' end') }}
{% endmacro %}


{# True when some attribute is not compared by its text. #}
{% macro is_compared_otherwise(attributes) %}
    {%- for attribute in attributes if attribute.compare in ('set', 'canonical') -%} {{ return(true) }} {%- endfor -%}
    {{ return(false) }}
{% endmacro %}


{# A value that is not the emitted one; or no value, where one was emitted. What was forgotten is sent whatever it is. #}
{% macro is_changed(name, hash) %}
    {%- set key = '"' ~ name ~ '":' -%}
    {%- set key_text = dbt_braze.literal(key) -%}
    {%- set same = dbt_braze.contains('known_hashes', dbt_braze.literal(key ~ '"') ~ ' || ' ~ hash ~ " || '\"'") -%}
    {%- set is_forgotten = "(forgotten = '*' or " ~ dbt_braze.contains('forgotten', dbt_braze.literal('"' ~ name ~ '"')) ~ ')' -%}
    {{ return(
        'case when ' ~ hash ~ ' is not null then ' ~ is_forgotten ~ ' or not ' ~ same
        ~ '\n            else ' ~ dbt_braze.contains('known_hashes', key_text)
        ~ ' and (' ~ is_forgotten ~ ' or not ' ~ dbt_braze.contains('known_hashes', dbt_braze.literal(key ~ '""')) ~ ') end'
    ) }}
{% endmacro %}


{% macro changed_payload(attributes, unset_dropped) %}
    {%- set pairs = [] -%}
    {%- for attribute in attributes -%}
        {%- do pairs.append('case when is_changed_' ~ loop.index ~ ' then ' ~ dbt_braze.literal('"' ~ attribute.name ~ '":')
            ~ ' || coalesce(' ~ ('operation_' ~ loop.index ~ ', ' if attribute.key else '') ~ 'attribute_' ~ loop.index ~ ', ' ~ dbt_braze.literal(dbt_braze.value_that_removes(attribute)) ~ ') end') -%}
    {%- endfor -%}
    {%- if unset_dropped -%} {%- do pairs.append(dbt_braze.dropped_nulls()) -%} {%- endif -%}
    {{ return("'{' || " ~ dbt_braze.join_present(pairs) ~ " || '}'") }}
{% endmacro %}


{# Of the dropped attributes, those that have not been nulled yet, each with null; or null. #}
{% macro dropped_nulls() %}
    {%- set not_null = dbt_braze.regexp_remove(dbt_braze.regexp_remove('dropped_hashes', '"[^"]*":"",?'), ',$') -%}
    {{ return("nullif(" ~ dbt_braze.regexp_replace_all(not_null, '":"[0-9a-f]*"', '":null') ~ ", '')") }}
{% endmacro %}


{# The hashes once the payload is emitted. An attribute that the model no longer has keeps its own: its value is still in
   Braze, and should the attribute come back, it is compared with that. #}
{% macro hashes_after(attributes, unset_dropped) %}
    {%- set pairs = [] -%}
    {%- for attribute in attributes -%}
        {%- set key = '"' ~ attribute.name ~ '":' -%}
        {%- do pairs.append('case when hash_' ~ loop.index ~ ' is not null then ' ~ dbt_braze.literal(key ~ '"') ~ ' || hash_' ~ loop.index
            ~ " || '\"' when " ~ dbt_braze.contains('known_hashes', dbt_braze.literal(key)) ~ ' then '
            ~ dbt_braze.literal(key ~ '""') ~ ' end') -%}
    {%- endfor -%}
    {%- do pairs.append(dbt_braze.regexp_replace_all('dropped_hashes', '":"[0-9a-f]*"', '":""') if unset_dropped else 'dropped_hashes') -%}
    {{ return("'{' || " ~ dbt_braze.join_present(pairs) ~ " || '}'") }}
{% endmacro %}


{# Of what is known, the pairs of attributes that are not listed, or null. What is uncertain gets a hash that no value has, so
   that it is sent when the attribute comes back. #}
{% macro dropped_hashes(attributes) %}
    {%- set names = [] -%}
    {%- for attribute in attributes -%} {%- do names.append(modules.re.escape(attribute.name)) -%} {%- endfor -%}
    {%- set known = 'substring(known_hashes, 2, ' ~ dbt.length('known_hashes') ~ ' - 2)' -%}
    {%- set others = dbt_braze.regexp_remove(known, '"(' ~ (names | join('|')) ~ ')":"[0-9a-f]*",?') -%}
    {%- set others = "nullif(" ~ dbt_braze.regexp_remove(others, ',$') ~ ", '')" -%}
    {{ return("case when known_hashes = '{}' then null when forgotten = '' then " ~ others ~ ' else '
        ~ dbt_braze.regexp_replace_all(others, '":"[0-9a-f]*"', '":"0"') ~ ' end') }}
{% endmacro %}
