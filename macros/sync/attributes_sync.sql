{# A table in the shape of CDI's USERS_ATTRIBUTES_SYNC that holds, run by run, only the attributes that changed.

   relation    the model or source with one row per user
   external_id, alias_name + alias_label, braze_id, email, phone
               the column, or SQL expression, of each kind of identifier; a row uses exactly one kind
   attributes  a list of {name, column, type, fields}; column defaults to the name, type to the column's data_type in YAML
   update_existing_only
               true: never create a profile; false: create; none: leave it to Braze's default
   deliver     rest (braze-runner pushes it) or cdi (Braze reads it)
   baseline    true: what the source holds at the first run counts as already sent
#}
{% macro attributes_sync(
    relation, external_id=none, alias_name=none, alias_label=none, braze_id=none, email=none, phone=none,
    attributes=[], update_existing_only=none, deliver='rest', baseline=false
) %}
    {%- set identifiers = dbt_braze.given_identifiers(external_id, alias_name, alias_label, braze_id, email, phone) -%}
    {{ dbt_braze.configure_sync('attributes', deliver, {
        'identifiers': identifiers | map(attribute='kind') | list,
        'update_existing_only': update_existing_only,
        'baseline': baseline,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(dbt_braze.argument_problems(relation, attributes, {
            'update_existing_only': update_existing_only, 'baseline': baseline,
        })) -%}
        {%- set attributes = dbt_braze.normalized_attributes(attributes, relation) -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.identifier_problems(identifiers)
            + dbt_braze.attribute_problems(attributes, identifiers)
            + dbt_braze.delivery_problems(deliver)
            + dbt_braze.guard_problems()
        ) %}
{{ dbt_braze.attributes_state(relation, identifiers, attributes) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.attributes_delta(relation, identifiers, attributes) }}
    {%- endif -%}
{% endmacro %}
