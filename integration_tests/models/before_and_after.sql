select
    'u' as user_key,
    cast(null as varchar) as attribute_1,
    cast(null as varchar) as attribute_2,
    '{}' as known_hashes,
    '' as forgotten
where false
