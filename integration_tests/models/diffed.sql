{# The diff alone, for the unit tests: `this` is not defined there, and the diff does not need it. #}
{%- set attributes = [{'name': 'a', 'type': 'string'}, {'name': 'b c', 'type': 'object'}] -%}
with

before_and_after as (

    select
        user_key,
        attribute_1,
        attribute_2,
        known_hashes,
        forgotten
    from {{ ref('before_and_after') }}

),

{{ dbt_braze.attributes_diff('before_and_after', attributes, ['user_key']) }}

select
    user_key,
    payload,
    attribute_hashes,
    points_1 + points_2 as data_points
from attributes_diff
