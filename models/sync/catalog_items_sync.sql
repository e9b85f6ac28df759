{{ config(enabled=true if var('braze_catalog_items') else false) }}

{{ dbt_braze.catalog_sync(
    source('braze_catalog_items', 'items'),
    **dbt_braze.arguments_of_var('braze_catalog_items')
) }}
