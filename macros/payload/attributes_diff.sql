{# The diff of attributes, pure: CTEs over the columns of one relation, ending in `attributes_diff`.

   In   attribute_1, attribute_2, …  JSON text of the value now, null for none
        known_hashes  what was emitted: {"<name>":"<hash of the value>"}, "" as the hash of a null that was emitted
        forgotten     '*', or a JSON array of the names whose value in Braze is no longer certain, or ''
   Out  `passed`, payload (only the changed keys), attribute_hashes (what is emitted once this payload is), dropped_hashes (the
        part of it for attributes that are not listed, or null), data_points

   Hashes are read with text functions alone, which are the same on every warehouse: a name holds no quote and a hash only
   hex digits, so `"name":"hash"` occurs in the text where that pair is, and nowhere else. #}
{% macro attributes_diff(relation, attributes, passed) -%}
attributes_hashed as (

    select
        {%- for column in passed %}
        {{ column }},
        {%- endfor %}
        known_hashes,
        forgotten,
        {%- for attribute in attributes %}
        attribute_{{ loop.index }},
        {{ dbt_braze.attribute_hash('attribute_' ~ loop.index) }} as hash_{{ loop.index }}{{ ',' if not loop.last }}
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
        {{ dbt_braze.changed_payload(attributes) }} as payload,
        {{ dbt_braze.hashes_after(attributes) }} as attribute_hashes,
        dropped_hashes,
        {{ dbt_braze.changed_data_points(attributes) }} as data_points
    from attributes_compared

)
{%- endmacro %}


{% macro attribute_hash(text) %}
    {{ return('substring(' ~ dbt.hash(text) ~ ', 1, 16)') }}
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


{% macro changed_payload(attributes) %}
    {%- set pairs = [] -%}
    {%- for attribute in attributes -%}
        {%- do pairs.append('case when is_changed_' ~ loop.index ~ ' then ' ~ dbt_braze.literal('"' ~ attribute.name ~ '":')
            ~ ' || coalesce(attribute_' ~ loop.index ~ ", 'null') end") -%}
    {%- endfor -%}
    {{ return("'{' || " ~ dbt_braze.join_present(pairs) ~ " || '}'") }}
{% endmacro %}


{# The hashes once the payload is emitted. An attribute that the model no longer has keeps its own: its value is still in
   Braze, and should the attribute come back, it is compared with that. #}
{% macro hashes_after(attributes) %}
    {%- set pairs = [] -%}
    {%- for attribute in attributes -%}
        {%- set key = '"' ~ attribute.name ~ '":' -%}
        {%- do pairs.append('case when hash_' ~ loop.index ~ ' is not null then ' ~ dbt_braze.literal(key ~ '"') ~ ' || hash_' ~ loop.index
            ~ " || '\"' when " ~ dbt_braze.contains('known_hashes', dbt_braze.literal(key)) ~ ' then '
            ~ dbt_braze.literal(key ~ '""') ~ ' end') -%}
    {%- endfor -%}
    {%- do pairs.append('dropped_hashes') -%}
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


{% macro changed_data_points(attributes) %}
    {%- set points = [] -%}
    {%- for attribute in attributes -%}
        {%- do points.append('case when is_changed_' ~ loop.index ~ ' then '
            ~ dbt_braze.attribute_data_points(attribute, 'attribute_' ~ loop.index) ~ ' else 0 end') -%}
    {%- endfor -%}
    {{ return(points | join('\n        + ')) }}
{% endmacro %}
