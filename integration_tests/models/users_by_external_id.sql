{{ dbt_braze.attributes_sync(
    relation=ref('dim_customers'),
    external_id='customer_id',
    update_existing_only=true,
    attributes=[
        'first_name',
        'points',
        'joined_at',
        {'name': 'labels', 'type': 'array'},
        {'name': 'crm', 'fields': [
            {'name': 'id', 'column': 'crm_id', 'type': 'string'},
            {'name': 'joined', 'column': 'joined_at', 'type': 'timestamp'},
        ]},
    ],
) }}
