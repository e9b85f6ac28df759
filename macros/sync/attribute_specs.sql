{# The attributes as given, completed: column from the name, type from the column's data_type in YAML, sorted by name so that
   the order in which they are listed changes nothing. #}
{% macro normalized_attributes(attributes, relation) %}
    {%- set types = dbt_braze.declared_types(relation) -%}
    {%- set completed = [] -%}
    {%- for attribute in attributes -%}
        {%- do completed.append(dbt_braze.normalized_attribute(attribute, types)) -%}
    {%- endfor -%}
    {{ return(completed | sort(attribute='name', case_sensitive=true)) }}
{% endmacro %}


{% macro normalized_attribute(given, types, parent=none) %}
    {%- set attribute = {'name': given} if given is string else dict(given) -%}
    {%- set name = attribute.get('name', '') -%}
    {%- set own_column = attribute.get('column') is not none -%}
    {%- set type = attribute.get('type') -%}
    {%- if type is none -%}
        {%- set path = attribute.column if own_column else (parent ~ '.' ~ name if parent else name) -%}
        {%- set type = 'object' if attribute.get('fields') else types.get(path | lower) -%}
    {%- endif -%}
    {%- set column = attribute.column if own_column else (dbt_braze.object_field(parent, name, type) if parent else dbt_braze.column_name(name)) -%}
    {%- set fields = [] -%}
    {%- for field in attribute.get('fields') or [] -%}
        {%- do fields.append(dbt_braze.normalized_attribute(field, types, column if own_column or parent else none)) -%}
    {%- endfor -%}
    {#- JSON columns compare whatever the order of their keys, unless told otherwise. -#}
    {#- An array that is sent element by element says nothing about their order. -#}
    {%- set compare = attribute.get('compare') or ({'json': 'canonical', 'array': 'set' if attribute.get('key') else none}.get(type)) -%}
    {{ return({
        'name': name, 'column': column, 'type': type, 'fields': fields, 'compare': compare,
        'beyond_15_digits': attribute.get('beyond_15_digits'), 'label': attribute.get('label'),
        'key': attribute.get('key'),
    }) }}
{% endmacro %}


{# Column -> attribute type, from the data_type that the relation's node declares in YAML. #}
{% macro declared_types(relation) %}
    {%- set types = {} -%}
    {%- for node in dbt_braze.nodes_of(relation) -%}
        {%- for column in node.columns.values() if column.data_type -%}
            {%- do types.update({column.name | lower: dbt_braze.type_of_data_type(column.data_type)}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(types) }}
{% endmacro %}


{# The nodes of the graph that a relation stands for: one, or none in a unit test, where the graph is empty. #}
{% macro nodes_of(relation) %}
    {%- set nodes = [] -%}
    {%- for node in graph.get('nodes', {}).values() | list + graph.get('sources', {}).values() | list
            if node.relation_name and node.relation_name | lower == relation.include(true, true, true).render() | lower -%}
        {%- do nodes.append(node) -%}
    {%- endfor -%}
    {{ return(nodes) }}
{% endmacro %}


{# The attribute type of a warehouse data type; none where the type does not say what the JSON should be. #}
{% macro type_of_data_type(data_type) %}
    {%- set base = data_type | lower | trim -%}
    {%- if base.endswith('[]') or base.startswith('array') -%} {{ return('array') }} {%- endif -%}
    {%- set base = modules.re.split('[(<]', base)[0] | trim -%}
    {%- if base in ['varchar', 'char', 'character varying', 'text', 'string', 'uuid'] -%} {{ return('string') }}
    {%- elif base in ['tinyint', 'smallint', 'int', 'integer', 'bigint', 'int2', 'int4', 'int8', 'int64'] -%} {{ return('integer') }}
    {%- elif base in ['decimal', 'numeric', 'number', 'bignumeric'] -%} {{ return('decimal') }}
    {%- elif base in ['float', 'double', 'double precision', 'real', 'float4', 'float8', 'float64'] -%} {{ return('float') }}
    {%- elif base in ['boolean', 'bool'] -%} {{ return('boolean') }}
    {%- elif base == 'date' -%} {{ return('date') }}
    {%- elif base.startswith('timestamp') or base == 'datetime' -%} {{ return('timestamp') }}
    {%- elif base in ['struct', 'row', 'record', 'map', 'object'] -%} {{ return('object') }}
    {%- elif base in ['json', 'jsonb', 'variant', 'super'] -%} {{ return('json') }}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}
