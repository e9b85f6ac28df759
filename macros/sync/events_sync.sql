{# A table in the shape of CDI's USERS_EVENTS_SYNC: each custom event once, by its id, however late it appears in the source.

   relation     the model or source with one row per event
   event_id     the column, or SQL expression, that identifies an event
   external_id, alias_name + alias_label, braze_id, email, phone, priority
                whose event it is, as in attributes_sync()
   name         SQL expression of the event's name: a column, or a literal such as "'Signed up'"
   time         SQL expression of when it happened
   properties   a list of {name, column, type, fields}, as attributes in attributes_sync()
   app_id       SQL expression of Braze's app identifier
   updated_at   the column with the time at which a row was loaded: only newer rows are read again
   update_existing_only, deliver, baseline
                as in attributes_sync(); with baseline only events from now on are sent
#}
{% macro events_sync(
    relation, event_id=none, external_id=none, alias_name=none, alias_label=none, braze_id=none, email=none, phone=none,
    priority=none, name=none, time=none, properties=[], app_id=none, updated_at=none, update_existing_only=none, deliver='rest',
    baseline=false
) %}
    {%- set identifiers = dbt_braze.given_identifiers(external_id, alias_name, alias_label, braze_id, email, phone) -%}
    {{ dbt_braze.configure_sync('events', deliver, {
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
            dbt_braze.missing_problems({'event_id': event_id, 'name': name, 'time': time})
            + dbt_braze.identifier_problems(identifiers, priority)
            + dbt_braze.property_problems(properties, ['time', 'event_name'])
            + dbt_braze.delivery_problems(deliver)
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze -%}
        {%- set columns = {
            'event_id': dbt_braze.identifier_value(event_id),
            'event_name': dbt_braze.identifier_value(name),
            'event_time': dbt_braze.json_timestamp('(' ~ time ~ ')'),
            'app_id': dbt_braze.identifier_value(app_id or 'null'),
            'properties': dbt_braze.properties_value(properties),
        } -%}
        {%- set payload = dbt_braze.object_of({
            'name': dbt_braze.json_string('event_name'),
            'time': 'event_time',
            'app_id': dbt_braze.json_string('app_id'),
            'properties': 'properties',
        }) -%}
        {%- set reasons = dbt_braze.identifier_reasons(identifiers) + [
            "when event_id is null then 'no event_id'",
            "when event_name is null then 'no name'",
            "when event_time is null then 'no time'",
        ] + dbt_braze.property_reasons(properties, 102400) %}
{{ dbt_braze.rows_state(relation, identifiers, columns, "'event:' || event_id", payload, reasons, priority, updated_at) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.rows_delta(braze, 'PAYLOAD', measured={'billed_name': 'compared.event_name'}, points=1) }}
{{ dbt_braze.rows_appended(relation, braze, 'PAYLOAD', billed_by='billed_name', updated_at=updated_at) }}
    {%- endif -%}
{% endmacro %}


{# The properties of an event or purchase as one JSON object. Times are strings there (braze.com/docs, Custom event properties). #}
{% macro properties_value(properties) %}
    {%- if not properties -%} {{ return(dbt.cast('null', dbt_braze.type_text())) }} {%- endif -%}
    {{ return(dbt_braze.object_from_fields(properties, times_as_strings=true)) }}
{% endmacro %}


{# braze.com/docs, Event object and Purchase object: names have 1 to 255 characters and no dollar sign in front, some are
   reserved. #}
{% macro property_problems(properties, reserved) %}
    {%- set problems = [] -%}
    {%- for property in properties -%}
        {%- set what = "property '" ~ property.name ~ "'" -%}
        {%- if property.name in reserved -%} {%- do problems.append(what ~ ' is reserved by Braze') -%} {%- endif -%}
        {%- if property.name.startswith('$') -%} {%- do problems.append(what ~ ' starts with a dollar sign') -%} {%- endif -%}
        {%- do problems.extend(dbt_braze.value_problems(property, what)) -%}
    {%- endfor -%}
    {%- set names = properties | map(attribute='name') | list -%}
    {%- for name in names | unique if names.count(name) > 1 -%}
        {%- do problems.append("property '" ~ name ~ "' is listed " ~ names.count(name) ~ ' times') -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{# Branches of a case for properties as one text: no valid JSON, out of range, or larger than Braze takes. #}
{% macro property_reasons(properties, max_bytes) %}
    {%- if not properties -%} {{ return([]) }} {%- endif -%}
    {{ return([
        'when not ' ~ dbt_braze.json_is_sound('properties') ~ " then 'a property is not valid JSON, out of range, or holds a null inside'",
        'when ' ~ dbt_braze.byte_length('properties') ~ ' > ' ~ max_bytes ~ " then 'properties are larger than " ~ max_bytes ~ " bytes'",
    ]) }}
{% endmacro %}
