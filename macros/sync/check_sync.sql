{# Every problem of a sync in one compile error of that model, so that the next run does not bring the next surprise. It is
   raised when the model is compiled, not when the project is parsed: a typo here stops no other model. #}
{% macro check_sync(problems) %}
    {%- if problems -%}
        {%- do exceptions.raise_compiler_error('this Braze sync has problems:\n  - ' ~ (problems | join('\n  - '))) -%}
    {%- endif -%}
{% endmacro %}


{# Arguments of the wrong kind, before anything is done with them. #}
{% macro argument_problems(relation, attributes, switches, what='attributes') %}
    {%- set problems = [] -%}
    {%- if relation is string or relation is none -%}
        {%- do problems.append('relation is no ref(…) or source(…)') -%}
    {%- endif -%}
    {%- if attributes is string or attributes is mapping or attributes is not iterable -%}
        {%- do problems.append(what ~ ' is no list') -%}
    {%- else -%}
        {%- for attribute in attributes -%}
            {%- do problems.extend(dbt_braze.spec_problems(attribute, what ~ ', entry ' ~ loop.index)) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for name, value in switches.items() if value is not none and value is not boolean -%}
        {%- do problems.append(name ~ " is '" ~ value ~ "'; it can be true or false") -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{# What is wrong with the form of an attribute, or of a field. #}
{% macro spec_problems(spec, what) %}
    {%- set problems = [] -%}
    {%- if spec is mapping -%}
        {%- set known = ['name', 'column', 'type', 'fields', 'compare', 'beyond_15_digits', 'label', 'key'] -%}
        {%- set unknown = spec.keys() | reject('in', known) | list -%}
        {%- if unknown -%}
            {%- do problems.append(what ~ ' has ' ~ (unknown | join(', ')) ~ '; known are ' ~ (known | join(', '))) -%}
        {%- endif -%}
        {%- if spec.get('name') is not string -%} {%- do problems.append(what ~ ' has no name that is text') -%} {%- endif -%}
        {%- set fields = spec.get('fields') or [] -%}
        {%- if fields is string or fields is mapping or fields is not iterable -%}
            {%- do problems.append('the fields of ' ~ what ~ ' are no list') -%}
        {%- else -%}
            {%- for field in fields -%}
                {%- do problems.extend(dbt_braze.spec_problems(field, 'field ' ~ loop.index ~ ' of ' ~ what)) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- elif spec is not string -%}
        {%- do problems.append(what ~ ' is neither a name nor {name, column, type, …}') -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}


{% macro guard_problems() %}
    {%- set problems = [] -%}
    {%- for name in dbt_braze.setting_defaults() if name.startswith('braze_max_') -%}
        {%- set value = dbt_braze.setting(name) -%}
        {%- if value is not none and (value is not number or value is boolean) -%}
            {%- do problems.append('the var ' ~ name ~ " is '" ~ value ~ "'; it can be a number or null") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in ['braze_max_changed_share_from', 'braze_source_lookback_hours'] if dbt_braze.setting(name) is not number -%}
        {%- do problems.append('the var ' ~ name ~ ' is no number') -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{% macro delivery_problems(deliver) %}
    {{ return([] if deliver in ['rest', 'cdi'] else ["deliver is '" ~ deliver ~ "'; it can be rest or cdi"]) }}
{% endmacro %}


{# Arguments that a sync can't do without. #}
{% macro missing_problems(arguments) %}
    {%- set problems = [] -%}
    {%- for name, value in arguments.items() if not value or value is not string -%}
        {%- do problems.append(name ~ ' is missing, or no text') -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{# Where it matters who has left: a user known by another kind of identifier from today on would seem to have. #}
{% macro single_kind_problems(identifiers, option) %}
    {{ return([option ~ ' needs a single kind of identifier: a user whose kind changes has not left'] if identifiers | length > 1 else []) }}
{% endmacro %}


{# Options that take one of a few words. #}
{% macro choice_problems(choices, allowed) %}
    {%- set problems = [] -%}
    {%- for name, value in choices.items() if value not in allowed -%}
        {%- do problems.append(name ~ " is '" ~ value ~ "'; it can be " ~ (allowed | join(' or '))) -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{% macro identifier_problems(identifiers, priority=none) %}
    {%- set problems = [] -%}
    {%- set kinds = identifiers | map(attribute='kind') | list -%}
    {%- if priority is string or (priority is not none and priority is not sequence) -%}
        {%- do problems.append('priority is no list of kinds of identifier') -%}
    {%- else -%}
        {%- for kind in priority or [] if kind not in kinds -%}
            {%- do problems.append("priority names '" ~ kind ~ "'; this sync has " ~ (kinds | join(', '))) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if not identifiers -%}
        {%- do problems.append('no identifier: give external_id, alias_name and alias_label, braze_id, email or phone') -%}
    {%- endif -%}
    {%- for identifier in identifiers if identifier.kind == 'alias' and none in identifier.columns.values() | list -%}
        {%- do problems.append('an alias needs both alias_name and alias_label') -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{# Names that Braze reads as something else than an attribute (braze.com/docs, User attributes object). #}
{% macro names_that_are_no_attributes() %}
    {{ return([
        'external_id', 'user_alias', 'alias_name', 'alias_label', 'braze_id', '_update_existing_only', '_merge_objects',
        'push_token_import', 'email_subscription_info',
    ]) }}
{% endmacro %}


{% macro attribute_types() %}
    {{ return(['string', 'integer', 'decimal', 'float', 'boolean', 'date', 'timestamp', 'array', 'object', 'json', 'label']) }}
{% endmacro %}


{% macro attribute_problems(attributes, identifiers) %}
    {%- set problems = [] -%}
    {%- set names = attributes | map(attribute='name') | list -%}
    {%- set reserved = dbt_braze.names_that_are_no_attributes() + (identifiers | map(attribute='kind') | list) -%}
    {%- if not attributes -%}
        {%- do problems.append('no attributes') -%}
    {%- elif attributes | length > 250 -%}
        {#- braze.com/docs, Cloud Data Ingestion, Product limitations: 250 attributes per row. -#}
        {%- do problems.append(attributes | length ~ ' attributes; a row may hold 250, so split them over two models') -%}
    {%- endif -%}
    {%- for name in names | unique if names.count(name) > 1 -%}
        {%- do problems.append("attribute '" ~ name ~ "' is listed " ~ names.count(name) ~ ' times') -%}
    {%- endfor -%}
    {%- set hashes = namespace(bytes=2) -%}
    {%- for attribute in attributes -%}
        {#- "name":"16 hex digits", in the text attribute_hashes. -#}
        {%- set hashes.bytes = hashes.bytes + attribute.name.encode('utf-8') | length + 22 -%}
    {%- endfor -%}
    {%- if dbt_braze.max_text_bytes() and hashes.bytes > dbt_braze.max_text_bytes() -%}
        {%- do problems.append('the hashes of these attributes do not fit into a column of text here, so split them over two models') -%}
    {%- endif -%}
    {%- for attribute in attributes -%}
        {%- if attribute.name in reserved -%}
            {%- do problems.append("'" ~ attribute.name ~ "' identifies the user or steers Braze; it cannot be an attribute") -%}
        {%- endif -%}
        {%- do problems.extend(dbt_braze.value_problems(attribute, "attribute '" ~ attribute.name ~ "'")) -%}
        {%- do problems.extend(dbt_braze.reserved_field_problems(attribute)) -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}


{# Problems of one attribute, or of one field of an object. #}
{% macro value_problems(attribute, what) %}
    {%- set problems = [] -%}
    {%- set types = dbt_braze.attribute_types() -%}
    {%- if not attribute.name or attribute.name != attribute.name | trim or attribute.name | length > 255 -%}
        {%- do problems.append(what ~ ': a name has 1 to 255 characters and no space at its ends') -%}
    {%- elif modules.re.search('["\\\\\\x00-\\x1f]', attribute.name) -%}
        {%- do problems.append(what ~ ': a name holds no double quote, backslash or control character') -%}
    {%- endif -%}
    {%- if (attribute.type == 'label') != (attribute.get('label') is not none) -%}
        {%- do problems.append(what ~ ': a label and the type label go together') -%}
    {%- elif attribute.type == 'label' and modules.re.search('^$|["\\\\\\x00-\\x1f]', attribute.label | string) -%}
        {%- do problems.append(what ~ ': a label holds no double quote, backslash or control character') -%}
    {%- endif -%}
    {%- if attribute.type is none -%}
        {%- do problems.append(what ~ ' has no type: give one of ' ~ (types | join(', ')) ~ ', or a data_type of its column in YAML') -%}
    {%- elif attribute.type not in types -%}
        {%- do problems.append(what ~ " has the type '" ~ attribute.type ~ "'; known are " ~ (types | join(', '))) -%}
    {%- elif attribute.fields and attribute.type != 'object' -%}
        {%- do problems.append(what ~ ' has fields, so its type is object and not ' ~ attribute.type) -%}
    {%- endif -%}
    {%- if attribute.key is not none -%}
        {%- if attribute.type != 'array' or attribute.compare != 'set' -%}
            {%- do problems.append(what ~ ': a key is for arrays of objects, whose order then does not count') -%}
        {%- endif -%}
        {%- if attribute.key is not string or modules.re.search('["\\\\\\x00-\\x1f.$]|^$', attribute.key) -%}
            {%- do problems.append(what ~ ': a key is the name of a field, without double quote, backslash, dot or $') -%}
        {%- endif -%}
    {%- endif -%}
    {%- set comparisons = {'array': ['list', 'set'], 'json': ['canonical', 'text']}.get(attribute.type, []) -%}
    {%- if attribute.compare is not none and attribute.compare not in comparisons -%}
        {%- do problems.append(what ~ " is compared as '" ~ attribute.compare ~ "'; " ~ ('it can be ' ~ (comparisons | join(' or '))
            if comparisons else 'only arrays (list, set) and json (canonical, text) have a choice')) -%}
    {%- endif -%}
    {%- if attribute.beyond_15_digits is not none and (attribute.type != 'decimal' or attribute.beyond_15_digits not in ['number', 'text']) -%}
        {%- do problems.append(what ~ ': beyond_15_digits is number or text, and for decimals alone') -%}
    {%- endif -%}
    {%- set names = attribute.fields | map(attribute='name') | list -%}
    {%- for name in names | unique if names.count(name) > 1 -%}
        {%- do problems.append("field '" ~ name ~ "' of " ~ what ~ ' is listed ' ~ names.count(name) ~ ' times') -%}
    {%- endfor -%}
    {%- for field in attribute.fields -%}
        {%- do problems.extend(dbt_braze.value_problems(field, "field '" ~ field.name ~ "' of " ~ what)) -%}
        {#- braze.com/docs, Nested custom attributes: keys hold no space, dot or dollar sign. -#}
        {%- if modules.re.search('[ .$]', field.name) -%}
            {%- do problems.append("field '" ~ field.name ~ "' of " ~ what ~ ': a key of an object holds no space, dot or $') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}
