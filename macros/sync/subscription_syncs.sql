{# Subscription states that braze-runner pushes to their own endpoints: what is new or differs, each row whole. #}

{# States of users in subscription groups.

   relation                 the model or source with one row per user and group
   external_id, email, phone, priority
                            whose state it is
   subscription_group_id, subscription_state
                            columns or SQL expressions; the state is subscribed or unsubscribed
   pairs_that_left          kept: a pair that is no longer in the source stays as it is; unsubscribed: it is unsubscribed
   updated_at, baseline     as in attributes_sync()
#}
{% macro subscription_groups_sync(
    relation, external_id=none, email=none, phone=none, priority=none, subscription_group_id=none, subscription_state=none,
    pairs_that_left='kept', updated_at=none, baseline=false
) %}
    {%- set identifiers = dbt_braze.given_identifiers(external_id, none, none, none, email, phone) -%}
    {{ dbt_braze.configure_sync('subscription_groups', 'rest', {
        'identifiers': identifiers | map(attribute='kind') | list,
        'baseline': baseline,
        'complete_source': true,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.argument_problems(relation, [], {'baseline': baseline})
            + dbt_braze.missing_problems({'subscription_group_id': subscription_group_id, 'subscription_state': subscription_state})
            + dbt_braze.identifier_problems(identifiers, priority)
            + dbt_braze.choice_problems({'pairs_that_left': pairs_that_left}, ['kept', 'unsubscribed'])
            + (dbt_braze.single_kind_problems(identifiers, 'pairs_that_left: unsubscribed') if pairs_that_left == 'unsubscribed' else [])
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze -%}
        {%- set group_id = dbt_braze.identifier_value(subscription_group_id) -%}
        {%- set columns = {'group_id': group_id, 'subscription_state': dbt_braze.identifier_value(subscription_state)} -%}
        {%- set row_key = dbt_braze.user_key_of(identifiers) ~ " || ':' || group_id" -%}
        {%- set payload = "'{\"subscription_group_id\":' || " ~ dbt_braze.json_string('group_id')
            ~ " || ',\"subscription_state\":' || " ~ dbt_braze.json_string('subscription_state') ~ " || '}'" -%}
        {%- set unsubscribed = "'{\"subscription_group_id\":' || " ~ dbt_braze.json_string('checkpoint.SUBSCRIPTION_GROUP_ID')
            ~ " || ',\"subscription_state\":\"unsubscribed\"}'" -%}
        {%- set reasons = dbt_braze.identifier_reasons(identifiers) + [
            "when group_id is null then 'no subscription_group_id'",
            "when subscription_state is null or subscription_state not in ('subscribed', 'unsubscribed')"
                ~ " then 'subscription_state is neither subscribed nor unsubscribed'",
        ] -%}
        {%- set keys -%}
            select {{ dbt_braze.text_hash(row_key) }} as braze_row
            from (select {{ dbt_braze.identifiers_of_row(identifiers, priority) }}, {{ group_id }} as group_id from {{ relation }}) as identified
        {%- endset -%}
        {%- set left_rows -%}
            select
                {{ dbt_braze.carried_columns(identifiers, [], 'checkpoint') }},
                checkpoint.SUBSCRIPTION_GROUP_ID,
                {{ unsubscribed }} as PAYLOAD,
                checkpoint.braze_row,
                {{ dbt_braze.text_hash(unsubscribed) }} as row_hash,
                {{ dbt.cast('null', dbt_braze.type_text()) }} as attribute_hashes,
                checkpoint.braze_batch as braze_base,
                1 as is_known,
                0 as is_deletion
            {{ dbt_braze.from_checkpoint_without() }}
                and (checkpoint.row_hash != {{ dbt_braze.text_hash(unsubscribed) }} or checkpoint.forgotten is not null)
        {%- endset %}
{{ dbt_braze.rows_state(
    relation, identifiers, columns, row_key, payload, reasons, priority, updated_at, keys,
    extra={'SUBSCRIPTION_GROUP_ID': 'group_id'},
) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.rows_delta(braze, 'PAYLOAD', left_rows=left_rows if pairs_that_left == 'unsubscribed') }}
{{ dbt_braze.rows_appended(relation, braze, 'PAYLOAD', updated_at=updated_at) }}
    {%- endif -%}
{% endmacro %}


{# The global state of email addresses, for opt-outs of profiles that may not exist yet.

   relation                   the model or source with one row per address
   email, subscription_state  columns or SQL expressions; the state is subscribed, unsubscribed or opted_in
   updated_at, baseline       as in attributes_sync()
#}
{% macro email_status_sync(relation, email=none, subscription_state=none, updated_at=none, baseline=false) %}
    {%- set identifiers = dbt_braze.given_identifiers(none, none, none, none, email, none) -%}
    {{ dbt_braze.configure_sync('email_status', 'rest', {
        'identifiers': ['email'], 'baseline': baseline, 'complete_source': true,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.argument_problems(relation, [], {'baseline': baseline})
            + dbt_braze.missing_problems({'email': email, 'subscription_state': subscription_state})
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze -%}
        {%- set columns = {'subscription_state': dbt_braze.identifier_value(subscription_state)} -%}
        {%- set payload = "'{\"subscription_state\":' || " ~ dbt_braze.json_string('subscription_state') ~ " || '}'" -%}
        {%- set reasons = dbt_braze.identifier_reasons(identifiers) + [
            "when subscription_state is null or subscription_state not in ('subscribed', 'unsubscribed', 'opted_in')"
                ~ " then 'subscription_state is none of subscribed, unsubscribed, opted_in'",
        ] -%}
        {%- set keys -%}
            select {{ dbt_braze.text_hash('braze_row') }} as braze_row from ({{ dbt_braze.source_keys(relation, identifiers) }}) as addresses
        {%- endset %}
{{ dbt_braze.rows_state(
    relation, identifiers, columns, dbt_braze.user_key_of(identifiers), payload, reasons, updated_at=updated_at, keys=keys,
) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.rows_delta(braze, 'PAYLOAD') }}
{{ dbt_braze.rows_appended(relation, braze, 'PAYLOAD', updated_at=updated_at) }}
    {%- endif -%}
{% endmacro %}
