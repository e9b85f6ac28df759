{# Tables of what Cloud Data Ingestion has no sync type for; braze-runner pushes them. PAYLOAD holds one object of the endpoint's
   list (braze.com/docs, Endpoints: Create new user alias, Update user alias, Identify users, Merge users, Rename external IDs,
   Remove external IDs). Each is emitted once: the same row of the source is the same action. #}

{# New aliases. With external_id the alias is added to that user, without it to a new user who has the alias alone. #}
{% macro aliases_sync(relation, alias_name=none, alias_label=none, external_id=none, updated_at=none, baseline=false) %}
    {{ dbt_braze.action_sync('aliases', relation, {'alias_name': alias_name, 'alias_label': alias_label}, {'external_id': external_id},
        updated_at=updated_at, baseline=baseline) }}
{% endmacro %}


{# Aliases that get another name. #}
{% macro alias_updates_sync(relation, alias_label=none, old_alias_name=none, new_alias_name=none, updated_at=none, baseline=false) %}
    {{ dbt_braze.action_sync('alias_updates', relation, {
        'alias_label': alias_label, 'old_alias_name': old_alias_name, 'new_alias_name': new_alias_name,
    }, updated_at=updated_at, baseline=baseline) }}
{% endmacro %}


{# Users known by alias, email or phone who turn out to be the user of an external_id. `prioritization` is Braze's list for an
   email or phone that several profiles share. #}
{% macro identifies_sync(
    relation, external_id=none, alias_name=none, alias_label=none, email=none, phone=none, prioritization=[], updated_at=none,
    baseline=false
) %}
    {%- set user = dbt_braze.given_identifiers(none, alias_name, alias_label, none, email, phone) -%}
    {{ dbt_braze.action_sync('identifies', relation, {'external_id': external_id}, users={'': user}, prioritization=prioritization,
        updated_at=updated_at, baseline=baseline) }}
{% endmacro %}


{# Profiles to merge: `to_merge` into `to_keep`, each {kind of identifier: SQL expression}, for example {'external_id': 'old_id'}. #}
{% macro merges_sync(relation, to_merge={}, to_keep={}, prioritization=[], updated_at=none, baseline=false) %}
    {{ dbt_braze.action_sync('merges', relation, {}, users={
        'identifier_to_merge': dbt_braze.given_identifiers(to_merge.get('external_id'), to_merge.get('alias_name'), to_merge.get('alias_label'), none, to_merge.get('email'), to_merge.get('phone')),
        'identifier_to_keep': dbt_braze.given_identifiers(to_keep.get('external_id'), to_keep.get('alias_name'), to_keep.get('alias_label'), none, to_keep.get('email'), to_keep.get('phone')),
    }, prioritization=prioritization, updated_at=updated_at, baseline=baseline) }}
{% endmacro %}


{# External ids that get another value; the old one stays as a deprecated id. #}
{% macro external_id_renames_sync(relation, current_external_id=none, new_external_id=none, updated_at=none, baseline=false) %}
    {{ dbt_braze.action_sync('external_id_renames', relation, {
        'current_external_id': current_external_id, 'new_external_id': new_external_id,
    }, updated_at=updated_at, baseline=baseline) }}
{% endmacro %}


{# Deprecated external ids that go. #}
{% macro external_id_removals_sync(relation, external_id=none, updated_at=none, baseline=false) %}
    {{ dbt_braze.action_sync('external_id_removals', relation, {'external_id': external_id}, updated_at=updated_at, baseline=baseline) }}
{% endmacro %}


{# What they have in common.
   required, optional  {key of the payload: SQL expression}
   users               {key: identifiers of one user}: an object of one kind of identifier under that key, or in the payload itself
#}
{% macro action_sync(sync, relation, required, optional={}, users={}, prioritization=[], updated_at=none, baseline=false) %}
    {{ dbt_braze.configure_sync(sync, 'rest', {'baseline': baseline, 'emits_once': true}) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.argument_problems(relation, [], {'baseline': baseline})
            + dbt_braze.missing_problems(required)
            + dbt_braze.user_problems(users, prioritization)
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze -%}
        {%- set columns, values, reasons = {}, {}, [] -%}
        {%- for key, expression in required.items() -%}
            {%- do columns.update({key: dbt_braze.identifier_value(expression)}) -%}
            {%- do values.update({key: dbt_braze.json_string(key)}) -%}
            {%- do reasons.append('when ' ~ key ~ " is null then 'no " ~ key ~ "'") -%}
        {%- endfor -%}
        {%- for key, expression in optional.items() if expression -%}
            {%- do columns.update({key: dbt_braze.identifier_value(expression)}) -%}
            {%- do values.update({key: dbt_braze.json_string(key)}) -%}
        {%- endfor -%}
        {%- for key, identifiers in users.items() -%}
            {%- set user = dbt_braze.user_of_action(key, identifiers, prioritization) -%}
            {%- do columns.update(user.columns) -%}
            {%- do reasons.extend(user.reasons) -%}
            {%- do values.update(user.values_of_keys if not key else {key: dbt_braze.object_of(user.values_of_keys)}) -%}
        {%- endfor -%}
        {%- for name in columns -%} {%- do reasons.extend(dbt_braze.length_reasons(name)) -%} {%- endfor -%}
        {%- set payload = dbt_braze.object_of(values) %}
{{ dbt_braze.rows_state(relation, [], columns, payload, payload, reasons, updated_at=updated_at) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.rows_delta(braze, 'PAYLOAD') }}
{{ dbt_braze.rows_appended(relation, braze, 'PAYLOAD', updated_at=updated_at) }}
    {%- endif -%}
{% endmacro %}


{# One user of an action: the columns, the keys of the object, and branches of a case that say what is wrong. #}
{% macro user_of_action(key, identifiers, prioritization) %}
    {%- set prefix = key ~ '_' if key else 'user_' -%}
    {%- set columns, keys, present = {}, {}, [] -%}
    {%- set shared = [] -%}
    {%- for identifier in identifiers -%}
        {%- set conditions = [] -%}
        {%- for column, expression in identifier.columns.items() -%}
            {%- set name = prefix ~ (column | lower) -%}
            {%- do columns.update({name: dbt_braze.identifier_value(expression)}) -%}
            {%- do conditions.append(name ~ ' is not null') -%}
        {%- endfor -%}
        {%- do present.append('case when ' ~ (conditions | join(' and ')) ~ ' then 1 else 0 end') -%}
        {%- if identifier.kind == 'alias' -%}
            {%- do keys.update({'user_alias': "'{\"alias_name\":' || " ~ dbt_braze.json_string(prefix ~ 'alias_name')
                ~ " || ',\"alias_label\":' || " ~ dbt_braze.json_string(prefix ~ 'alias_label') ~ " || '}'"}) -%}
        {%- else -%}
            {%- do keys.update({identifier.kind: dbt_braze.json_string(prefix ~ identifier.kind)}) -%}
            {%- if identifier.kind in ('email', 'phone') -%} {%- do shared.append(prefix ~ identifier.kind ~ ' is not null') -%} {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if shared and prioritization -%}
        {%- do keys.update({'prioritization': 'case when ' ~ (shared | join(' or ')) ~ ' then ' ~ dbt_braze.literal(tojson(prioritization)) ~ ' end'}) -%}
    {%- endif -%}
    {{ return({'columns': columns, 'values_of_keys': keys, 'reasons': [
        'when ' ~ (present | join(' + ')) ~ " != 1 then 'not exactly one kind of identifier" ~ (' in ' ~ key if key else '') ~ "'"
    ] if present else []}) }}
{% endmacro %}


{# braze.com/docs, Identify users and Merge users: an email or phone needs a prioritization. #}
{% macro user_problems(users, prioritization) %}
    {%- set problems = [] -%}
    {%- set known = ['identified', 'unidentified', 'most_recently_updated', 'least_recently_updated'] -%}
    {%- for key, identifiers in users.items() -%}
        {%- set what = key or 'the user' -%}
        {%- if not identifiers -%} {%- do problems.append(what ~ ' has no identifier') -%} {%- endif -%}
        {%- do problems.extend(dbt_braze.identifier_problems(identifiers) if identifiers else []) -%}
        {%- for identifier in identifiers if identifier.kind in ('email', 'phone') and not prioritization -%}
            {%- do problems.append(what ~ ' by ' ~ identifier.kind ~ ' needs a prioritization') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if prioritization is string or prioritization is mapping -%}
        {%- do problems.append('prioritization is no list') -%}
    {%- elif 'identified' in prioritization and 'unidentified' in prioritization -%}
        {%- do problems.append('prioritization has both identified and unidentified; Braze takes one of them') -%}
    {%- else -%}
        {%- for word in prioritization if word not in known -%}
            {%- do problems.append("prioritization has '" ~ word ~ "'; known are " ~ (known | join(', '))) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}
