{# A table in the shape of CDI's Canvas triggers (zero-copy): each trigger once, by its id; Braze alone reads it.

   relation    the model or source with one row per trigger
   trigger_id  the column, or SQL expression, that identifies a trigger
   external_id, alias_name + alias_label, priority
               who enters the Canvas; users have to exist, and email or phone is not taken
   properties  the Canvas entry properties: a list of {name, column, type, fields}, as in events_sync()
   updated_at, baseline
               as in events_sync()
#}
{% macro canvas_triggers_sync(
    relation, trigger_id=none, external_id=none, alias_name=none, alias_label=none, priority=none, properties=[],
    updated_at=none, baseline=false, deliver='cdi'
) %}
    {%- set identifiers = dbt_braze.given_identifiers(external_id, alias_name, alias_label, none, none, none) -%}
    {{ dbt_braze.configure_sync('canvas_triggers', deliver, {
        'identifiers': identifiers | map(attribute='kind') | list,
        'baseline': baseline,
        'emits_once': true,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(dbt_braze.argument_problems(relation, properties, {'baseline': baseline}, 'properties')) -%}
        {%- set properties = dbt_braze.normalized_attributes(properties, relation) -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.missing_problems({'trigger_id': trigger_id})
            + dbt_braze.identifier_problems(identifiers, priority)
            + dbt_braze.property_problems(properties, [])
            + (["deliver is '" ~ deliver ~ "'; Canvas triggers are read by Braze alone: cdi"] if deliver != 'cdi' else [])
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze -%}
        {%- set columns = {
            'trigger_id': dbt_braze.identifier_value(trigger_id), 'properties': dbt_braze.properties_value(properties),
        } -%}
        {%- set reasons = dbt_braze.identifier_reasons(identifiers) + [
            "when trigger_id is null then 'no trigger_id'",
        ] + dbt_braze.property_reasons(properties, 1000000) %}
{{ dbt_braze.rows_state(relation, identifiers, columns, "'trigger:' || trigger_id", "coalesce(properties, '{}')", reasons, priority, updated_at) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.rows_delta(braze, 'PROPERTIES') }}
{{ dbt_braze.rows_appended(relation, braze, 'PROPERTIES', updated_at=updated_at) }}
    {%- endif -%}
{% endmacro %}
