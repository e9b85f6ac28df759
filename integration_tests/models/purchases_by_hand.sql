select
    {{ dbt.cast(dbt_braze.updated_at_literal('2026-01-01 00:00:00.000000'), dbt_braze.type_updated_at()) }} as UPDATED_AT,
    {{ dbt.cast('customer_id', dbt_braze.type_text()) }} as EXTERNAL_ID,
    {{ dbt_braze.payload_value("'{\"product_id\":\"card\",\"currency\":\"EUR\",\"price\":12.5,\"time\":\"2026-01-01T00:00:00Z\"}'") }} as PAYLOAD
from {{ ref('customers') }}
where customer_id is not null
