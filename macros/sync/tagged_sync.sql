{# attributes_sync() with the mapping taken from the tags of the relation's columns in YAML, as users of the Looker action know it:
   the column tagged `braze_id` identifies the user, and one tagged `braze[first_name]` feeds the attribute first_name.

   relation   a ref or source whose columns have tags, and data_type for the type of the value
   key        what the column tagged braze_id holds: external_id, braze_id, email or phone
   label      a text that is added to an array attribute of every user in the relation, and removed from it again when the user
              leaves the relation; label_attribute names the attribute
   update_existing_only, users_that_left, dropped_attributes, updated_at, deliver, baseline
              as in attributes_sync(); profiles are not created unless update_existing_only is false
#}
{% macro tagged_sync(
    relation, key='external_id', label=none, label_attribute='looker_export', update_existing_only=true, users_that_left='kept',
    dropped_attributes='kept', updated_at=none, deliver='rest', baseline=false
) %}
    {%- set mapping = dbt_braze.mapping_of_tags(relation) if execute else {'key': 'braze_id', 'attributes': {}} -%}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(dbt_braze.tag_problems(mapping, key, label)) -%}
    {%- endif -%}
    {%- set attributes = [] -%}
    {%- for name, column in mapping.attributes.items() -%}
        {%- do attributes.append({'name': name, 'column': column}) -%}
    {%- endfor -%}
    {%- if label is not none -%}
        {%- do attributes.append({'name': label_attribute, 'type': 'label', 'label': label}) -%}
    {%- endif -%}
    {{ dbt_braze.attributes_sync(
        relation, attributes=attributes, update_existing_only=update_existing_only, users_that_left=users_that_left,
        dropped_attributes=dropped_attributes, updated_at=updated_at, deliver=deliver, baseline=baseline, **{key if key in dbt_braze.tagged_kinds() else 'external_id': mapping.key}
    ) }}
{% endmacro %}


{# The columns by their tags. The action's own rules: a tag names an attribute from "braze[", in any case, to its last "]"; of
   several columns with one name the last is taken, as of several keys. #}
{% macro mapping_of_tags(relation) %}
    {%- set mapping = {'key': none, 'attributes': {}} -%}
    {%- for node in dbt_braze.nodes_of(relation) -%}
        {%- for column in node.columns.values() -%}
            {%- for tag in (column.get('tags') or []) + (column.get('config', {}).get('tags') or []) -%}
                {%- if tag == 'braze_id' -%} {%- do mapping.update({'key': column.name}) -%} {%- endif -%}
                {%- set match = modules.re.search('braze\\[(.*)\\]', tag, modules.re.IGNORECASE) -%}
                {%- if match -%} {%- do mapping.attributes.update({match.group(1): column.name}) -%} {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(mapping) }}
{% endmacro %}


{# What one column can hold; an alias takes two. #}
{% macro tagged_kinds() %}
    {{ return(['external_id', 'braze_id', 'email', 'phone']) }}
{% endmacro %}


{% macro tag_problems(mapping, key, label) %}
    {%- set problems = [] -%}
    {%- if key not in dbt_braze.tagged_kinds() -%}
        {%- do problems.append("key is '" ~ key ~ "'; it can be " ~ (dbt_braze.tagged_kinds() | join(' or '))) -%}
    {%- endif -%}
    {%- if mapping.key is none -%} {%- do problems.append('no column of the relation has the tag braze_id in YAML') -%} {%- endif -%}
    {%- if not mapping.attributes and label is none -%} {%- do problems.append('no column of the relation has a tag like braze[first_name] in YAML') -%} {%- endif -%}
    {{ return(problems) }}
{% endmacro %}
