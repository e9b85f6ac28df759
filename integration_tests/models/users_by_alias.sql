{{ dbt_braze.attributes_sync(
    relation=ref('dim_customers'),
    alias_name='crm_id',
    alias_label="'crm'",
    attributes=[{'name': 'points', 'type': 'integer'}],
) }}
