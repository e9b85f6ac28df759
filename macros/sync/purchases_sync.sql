{# A table in the shape of CDI's USERS_PURCHASES_SYNC: each purchase once, by its id. Braze takes a quantity of 100 at most, so a
   larger one becomes several rows.

   relation     the model or source with one row per purchased product
   purchase_id  the column, or SQL expression, that identifies a row
   external_id, alias_name + alias_label, braze_id, email, phone, priority
                who bought, as in attributes_sync()
   product_id, currency (ISO 4217), price (of one piece; negative is a refund), time
                SQL expressions; all of them are needed
   quantity     SQL expression; without it Braze counts one
   properties, app_id, updated_at, update_existing_only, deliver, baseline
                as in events_sync()
#}
{% macro purchases_sync(
    relation, purchase_id=none, external_id=none, alias_name=none, alias_label=none, braze_id=none, email=none, phone=none,
    priority=none, product_id=none, currency=none, price=none, quantity=none, time=none, properties=[], app_id=none,
    updated_at=none, update_existing_only=none, deliver='rest', baseline=false
) %}
    {%- set identifiers = dbt_braze.given_identifiers(external_id, alias_name, alias_label, braze_id, email, phone) -%}
    {{ dbt_braze.configure_sync('purchases', deliver, {
        'identifiers': identifiers | map(attribute='kind') | list,
        'update_existing_only': update_existing_only,
        'baseline': baseline,
        'emits_once': true,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(dbt_braze.argument_problems(relation, properties, {
            'update_existing_only': update_existing_only, 'baseline': baseline,
        }, 'properties')) -%}
        {%- set properties = dbt_braze.normalized_attributes(properties, relation) -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.missing_problems({
                'purchase_id': purchase_id, 'product_id': product_id, 'currency': currency, 'price': price, 'time': time,
            })
            + dbt_braze.identifier_problems(identifiers, priority)
            + dbt_braze.property_problems(properties, ['time', 'product_id', 'quantity', 'event_name', 'price', 'currency'])
            + dbt_braze.delivery_problems(deliver)
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze -%}
        {%- set columns = {
            'purchase_id': dbt_braze.identifier_value(purchase_id),
            'product_id': dbt_braze.identifier_value(product_id),
            'currency': dbt_braze.identifier_value(currency),
            'price': dbt_braze.json_decimal('(' ~ price ~ ')'),
            'quantity': dbt.cast('(' ~ (quantity or 'null') ~ ')', dbt.type_bigint()),
            'quantity_is_whole': 'case when (' ~ quantity ~ ') != ' ~ dbt.cast('(' ~ quantity ~ ')', dbt.type_bigint()) ~ ' then 0 else 1 end' if quantity else '1',
            'purchase_time': dbt_braze.json_timestamp('(' ~ time ~ ')'),
            'app_id': dbt_braze.identifier_value(app_id or 'null'),
            'properties': dbt_braze.properties_value(properties),
        } -%}
        {%- set payload = dbt_braze.object_of({
            'product_id': dbt_braze.json_string('product_id'),
            'currency': dbt_braze.json_string('currency'),
            'price': 'price',
            'quantity': dbt.cast('quantity', dbt_braze.type_text()),
            'time': 'purchase_time',
            'app_id': dbt_braze.json_string('app_id'),
            'properties': 'properties',
        }) -%}
        {#- braze.com/docs, Purchase object. -#}
        {%- set reasons = dbt_braze.identifier_reasons(identifiers) + [
            "when purchase_id is null then 'no purchase_id'",
            "when product_id is null then 'no product_id'",
            'when ' ~ dbt.length('product_id') ~ " > 255 then 'product_id is longer than 255 characters'",
            "when currency is null then 'no currency'",
            'when ' ~ dbt.length('currency') ~ ' != 3 or ' ~ dbt_braze.regexp_remove('currency', '[A-Z]')
                ~ " != '' then 'currency is not an ISO 4217 code'",
            'when price = ' ~ dbt_braze.json_impossible() ~ " then 'price is out of the range of its type'",
            "when price is null then 'no price'",
            "when quantity_is_whole = 0 then 'quantity is not a whole number'",
            "when quantity < 1 then 'quantity is below 1'",
            "when quantity > 100000 then 'quantity is above 100000'",
            "when purchase_time is null then 'no time'",
        ] + dbt_braze.property_reasons(properties, 51200) %}
{{ dbt_braze.rows_state(
    relation, identifiers, columns, "'purchase:' || part || ':' || purchase_id", payload, reasons, priority, updated_at,
    split=dbt_braze.purchases_split(identifiers, columns),
) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.rows_delta(braze, 'PAYLOAD', measured={'billed_name': 'compared.product_id'}, points='coalesce(compared.quantity, 1)') }}
{{ dbt_braze.rows_appended(relation, braze, 'PAYLOAD', billed_by='billed_name', updated_at=updated_at) }}
    {%- endif -%}
{% endmacro %}


{# CTE `split_rows`: a purchase of more than 100 pieces as several of 100 and one of the rest, each with its own quantity. #}
{% macro purchases_split(identifiers, columns) -%}
{%- set carried = dbt_braze.identifier_columns(identifiers) + (columns.keys() | reject('equalto', 'quantity') | list) -%}
{%- set large = 'quantity between 101 and 100000' -%}
digits as (
    {% for digit in range(10) %}
    select {{ digit }} as digit{{ ' union all' if not loop.last }}
    {%- endfor %}

),

parts as (

    select ones.digit + 10 * tens.digit + 100 * hundreds.digit as part
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds

),

split_rows as (

    select
        {{ carried | join(',
        ') }},
        '0' as part,
        quantity
    from source_rows
    where not coalesce({{ large }}, false)

    union all

    select
        source_rows.{{ carried | join(',
        source_rows.') }},
        {{ dbt.cast('parts.part', dbt_braze.type_text()) }} as part,
        case when (parts.part + 1) * 100 <= source_rows.quantity then 100 else source_rows.quantity - parts.part * 100 end as quantity
    from source_rows
    inner join parts
        on parts.part * 100 < source_rows.quantity
    where source_rows.{{ large }}

)
{%- endmacro %}
