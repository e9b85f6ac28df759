select
    customer_id,
    crm_id,
    first_name,
    points,
    joined_at,
    case when points > 10 then ['gold', null] else [] end as labels
from {{ ref('customers') }}
