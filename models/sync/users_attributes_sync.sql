{{ config(enabled=var('braze_users_attributes') | length > 0) }}

{%- set identifiers = var('braze_users_identifiers') -%}

{{ dbt_braze.attributes_sync(
    relation=source('braze_users', 'users'),
    external_id=identifiers.get('external_id'),
    alias_name=identifiers.get('alias_name'),
    alias_label=identifiers.get('alias_label'),
    braze_id=identifiers.get('braze_id'),
    email=identifiers.get('email'),
    phone=identifiers.get('phone'),
    attributes=var('braze_users_attributes'),
) }}
