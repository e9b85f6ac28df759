{# A table in the shape of CDI's USERS_ATTRIBUTES_SYNC that holds, run by run, only the attributes that changed.

   relation    the model or source with one row per user
   external_id, alias_name + alias_label, braze_id, email, phone
               the column, or SQL expression, of each kind of identifier; a row uses exactly one kind
   priority    kinds in the order in which they are taken when a row has several; without it such a row is invalid, but for
               email and phone, of which the email is taken
   attributes  a list of {name, column, type, fields, compare, beyond_15_digits}; column defaults to the name, type to the
               column's data_type in YAML
   updated_at  the column with the time of a row's last change: only newer rows are read again
   update_existing_only
               true: never create a profile; false: create; none: leave it to Braze's default
   merge_objects
               true: braze-runner has Braze merge nested objects into what a profile holds; false, none: they are overwritten
   users_that_left
               kept: what Braze has of a user who is no longer in the source stays; unset: every attribute is nulled
   dropped_attributes
               kept: an attribute that is no longer listed stays in Braze as it is; unset: it is nulled
   deliver     rest (braze-runner pushes it) or cdi (Braze reads it)
   baseline    true: what the source holds at the first run counts as already sent
#}
{% macro attributes_sync(
    relation, external_id=none, alias_name=none, alias_label=none, braze_id=none, email=none, phone=none, priority=none,
    attributes=[], updated_at=none, update_existing_only=none, merge_objects=none, users_that_left='kept', dropped_attributes='kept',
    deliver='rest', baseline=false
) %}
    {%- set identifiers = dbt_braze.given_identifiers(external_id, alias_name, alias_label, braze_id, email, phone) -%}
    {{ dbt_braze.configure_sync('attributes', deliver, {
        'identifiers': identifiers | map(attribute='kind') | list,
        'update_existing_only': update_existing_only,
        'merge_objects': merge_objects,
        'baseline': baseline,
        'complete_source': true,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(dbt_braze.argument_problems(relation, attributes, {
            'update_existing_only': update_existing_only, 'merge_objects': merge_objects, 'baseline': baseline,
        })) -%}
        {%- set attributes = dbt_braze.normalized_attributes(attributes, relation) -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.identifier_problems(identifiers, priority)
            + dbt_braze.attribute_problems(attributes, identifiers)
            + dbt_braze.delivery_problems(deliver)
            + dbt_braze.choice_problems({'users_that_left': users_that_left, 'dropped_attributes': dropped_attributes}, ['kept', 'unset'])
            + (dbt_braze.single_kind_problems(identifiers, 'users_that_left: unset') if users_that_left == 'unset' else [])
            + dbt_braze.guard_problems()
        ) -%}
        {%- set names = attributes | map(attribute='name') | list -%}
        {%- set options = {'users_that_left': users_that_left, 'dropped_attributes': dropped_attributes} %}
{{ dbt_braze.attributes_state(relation, identifiers, attributes, priority, updated_at) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.attributes_delta(identifiers, attributes, options) }}

{{ dbt_braze.batch_of_delta(
    relation, model.config.meta.braze, 'PAYLOAD', billed=names, updated_at=updated_at,
    complete='not exists (select 1 from repeated)',
) }}
{{ dbt_braze.end_of_batch() }}
,
{{ dbt_braze.estimate_of_attributes(names) }}
{{ dbt_braze.end_of_estimate() }}

{{ dbt_braze.appended_batch(model.config.meta.braze, 'PAYLOAD') }}
    {%- endif -%}
{% endmacro %}
