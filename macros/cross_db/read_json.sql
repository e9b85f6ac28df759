{# Reading objects, and JSON text: elements of arrays, fields of objects, texts to compare JSON by. #}

{# A field of a column that is an object: an expression of the type of an attribute. #}
{% macro object_field(object, name, type) %}
    {{ return(adapter.dispatch('object_field', 'dbt_braze')(object, name, type)) }}
{% endmacro %}

{% macro default__object_field(object, name, type) %}
    {{ return(object ~ '.' ~ name) }}
{% endmacro %}

{# A name with capitals is found only where enable_case_sensitive_identifier is on: docs.aws.amazon.com/redshift, SUPER
   configurations. A cast of SUPER gives null for what does not fit. Moments are read as text, see json_timestamp. #}
{% macro redshift__object_field(object, name, type) %}
    {%- set types = {'integer': 'decimal(38, 0)', 'decimal': 'decimal(38, 9)', 'float': dbt_braze.type_double(), 'boolean': 'boolean'} -%}
    {%- set field = object ~ '."' ~ name ~ '"' -%}
    {{ return('cast(' ~ field ~ ' as ' ~ types[type] ~ ')' if type in types else field) }}
{% endmacro %}

{# The path keeps the case of the key, and gives a VARIANT, which functions of dates and comparisons with numbers do not take:
   docs.snowflake.com, Querying Semi-structured Data. #}
{% macro snowflake__object_field(object, name, type) %}
    {%- set casts = {
        'string': '::varchar', 'integer': '::number(38, 0)', 'decimal': '::number(38, 9)', 'float': '::double', 'boolean': '::boolean',
        'date': '::date', 'timestamp': '::timestamp_ntz(9)', 'array': '::array',
    } -%}
    {{ return(object ~ ':"' ~ name ~ '"' ~ casts.get(type, '')) }}
{% endmacro %}


{# A query with one row per element of the JSON array in the column `text` of the relation: the columns `passed`, `element`
   (its JSON text) and `element_index`, from 0. A null has no elements. #}
{% macro json_array_elements(relation, passed, text) %}
    {{ return(adapter.dispatch('json_array_elements', 'dbt_braze')(relation, passed, text)) }}
{% endmacro %}

{% macro default__json_array_elements(relation, passed, text) %}
    {{ return(dbt_braze.unsupported('json_array_elements')) }}
{% endmacro %}

{% macro duckdb__json_array_elements(relation, passed, text) %}
    {{ return(
        'select ' ~ (passed | join(', ')) ~ ', cast(elements[position] as varchar) as element, position - 1 as element_index\n'
        ~ 'from (select ' ~ (passed | join(', ')) ~ ', cast(' ~ text ~ ' as json[]) as elements, unnest(range(1, len(cast(' ~ text
        ~ ' as json[])) + 1)) as position from ' ~ relation ~ ') as positions'
    ) }}
{% endmacro %}

{# SUPER of a JSON text; of what is none, null. CASE does not keep Redshift from evaluating what it does not select, so a guard
   around json_parse() would not do. #}
{% macro redshift_parsed(text) %}
    {{ return('json_parse(case when can_json_parse(' ~ text ~ ') then ' ~ text ~ ' end)') }}
{% endmacro %}

{# docs.aws.amazon.com/redshift, Querying semistructured data: Unnesting. #}
{% macro redshift__json_array_elements(relation, passed, text) %}
    {%- set columns = [] -%}
    {%- for column in passed -%} {%- do columns.append('parsed.' ~ column) -%} {%- endfor -%}
    {{ return(
        'select ' ~ ((columns + ['json_serialize(item) as element', 'item_index as element_index']) | join(', ')) ~ '\n'
        ~ 'from (select ' ~ ((passed + [dbt_braze.redshift_parsed(text) ~ ' as elements']) | join(', ')) ~ ' from ' ~ relation
        ~ ') as parsed, parsed.elements as item at item_index'
    ) }}
{% endmacro %}

{# docs.databricks.com, variant_explode table-valued function. #}
{% macro databricks__json_array_elements(relation, passed, text) %}
    {{ return(
        'select json_rows.' ~ (passed | join(', json_rows.')) ~ ', to_json(elements.value) as element, elements.pos as element_index\n'
        ~ 'from ' ~ relation ~ ' as json_rows, lateral variant_explode(parse_json(json_rows.' ~ text ~ ')) as elements'
    ) }}
{% endmacro %}

{# Given text, json_query_array() yields text with the numbers as they are written. #}
{% macro bigquery__json_array_elements(relation, passed, text) %}
    {{ return(
        'select ' ~ (passed | join(', ')) ~ ', element, element_index\n'
        ~ 'from ' ~ relation ~ ' cross join unnest(json_query_array(' ~ text ~ ", '$')) as element with offset as element_index"
    ) }}
{% endmacro %}

{% macro snowflake__json_array_elements(relation, passed, text) %}
    {{ return(
        'select json_rows.' ~ (passed | join(', json_rows.')) ~ ', to_json(elements.value) as element, elements.index as element_index\n'
        ~ 'from ' ~ relation ~ ' as json_rows, lateral flatten(input => try_parse_json(json_rows.' ~ text ~ "), mode => 'ARRAY') as elements"
    ) }}
{% endmacro %}


{# JSON text of a field at the top of a JSON object; null where it is missing or null. #}
{% macro json_field(text, key) %}
    {{ return(adapter.dispatch('json_field', 'dbt_braze')(text, key)) }}
{% endmacro %}

{% macro default__json_field(text, key) %}
    {{ return(dbt_braze.unsupported('json_field')) }}
{% endmacro %}

{% macro duckdb__json_field(text, key) %}
    {{ return("nullif(cast(json_extract(" ~ text ~ ", " ~ dbt_braze.literal('$."' ~ key ~ '"') ~ ") as varchar), 'null')") }}
{% endmacro %}

{# A path has to begin at a column, so the object is cut down to the one field, and what is around its value is taken off:
   docs.aws.amazon.com/redshift, OBJECT_TRANSFORM. #}
{% macro redshift__json_field(text, key) %}
    {%- set object = 'json_serialize(object_transform(' ~ dbt_braze.redshift_parsed(text) ~ ' keep ' ~ dbt_braze.literal('"' ~ key ~ '"') ~ '))' -%}
    {%- set around %}^\{\}$|^\{"[^"\\]*(\\.[^"\\]*)*":|\}${% endset -%}
    {{ return("nullif(nullif(" ~ dbt_braze.regexp_remove(object, around) ~ ", ''), 'null')") }}
{% endmacro %}

{% macro databricks__json_field(text, key) %}
    {{ return("nullif(to_json(variant_get(parse_json(" ~ text ~ "), " ~ dbt_braze.literal('$["' ~ key ~ '"]') ~ ", 'variant')), 'null')") }}
{% endmacro %}

{% macro bigquery__json_field(text, key) %}
    {{ return('json_query(' ~ text ~ ', ' ~ dbt_braze.literal('$."' ~ key ~ '"') ~ ')') }}
{% endmacro %}

{% macro snowflake__json_field(text, key) %}
    {{ return("nullif(to_json(get(try_parse_json(" ~ text ~ "), " ~ dbt_braze.literal(key) ~ ")), 'null')") }}
{% endmacro %}


{# JSON text of an array with each element once, sorted by its text: equal for arrays that are equal as sets. #}
{% macro json_array_as_set(text) %}
    {{ return(adapter.dispatch('json_array_as_set', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__json_array_as_set(text) %}
    {{ return(dbt_braze.unsupported('json_array_as_set')) }}
{% endmacro %}

{% macro duckdb__json_array_as_set(text) %}
    {{ return("('[' || array_to_string(list_sort(list_distinct(cast(cast(" ~ text ~ " as json[]) as varchar[]))), ',') || ']')") }}
{% endmacro %}

{# docs.aws.amazon.com/redshift, ARRAY_DISTINCT, ARRAY_SORT. #}
{% macro redshift__json_array_as_set(text) %}
    {{ return("nullif(json_serialize(array_sort(array_distinct(" ~ dbt_braze.redshift_parsed(text) ~ "))), 'null')") }}
{% endmacro %}

{% macro databricks__json_array_as_set(text) %}
    {%- set elements = "transform(variant_get(parse_json(" ~ text ~ "), '$', 'array<variant>'), element -> to_json(element))" -%}
    {{ return("('[' || array_join(array_sort(array_distinct(" ~ elements ~ ")), ',') || ']')") }}
{% endmacro %}

{% macro bigquery__json_array_as_set(text) %}
    {{ return(
        'case when ' ~ text ~ " is not null then '[' || array_to_string(array(select distinct item from unnest(json_query_array("
        ~ text ~ ", '$')) as item order by item), ',') || ']' end"
    ) }}
{% endmacro %}

{# As texts, for ARRAY_SORT compares only elements of one type: docs.snowflake.com, ARRAY_SORT. #}
{% macro snowflake__json_array_as_set(text) %}
    {{ return("('[' || array_to_string(array_sort(array_distinct(transform(as_array(try_parse_json(" ~ text
        ~ ")), item -> to_json(item)))), ',') || ']')") }}
{% endmacro %}


{# A text that is equal for equal JSON, whatever the order of keys and the white space; good for nothing but comparing. #}
{% macro json_comparable(text) %}
    {{ return(adapter.dispatch('json_comparable', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__json_comparable(text) %}
    {{ return(dbt_braze.unsupported('json_comparable')) }}
{% endmacro %}

{# Every place in the document with what is there, sorted. json_tree() reads the rows that a CASE around it leaves out too, and
   stops the run at one that is no JSON: so the guard is inside. #}
{% macro duckdb__json_comparable(text) %}
    {%- set guarded = 'case when json_valid(' ~ text ~ ') then ' ~ text ~ ' end' -%}
    {{ return(
        "(select string_agg(place.fullkey || '=' || case when place.type in ('ARRAY', 'OBJECT') then place.type else cast(place.atom as varchar) end, "
        ~ "chr(10) order by place.fullkey) from json_tree(" ~ guarded ~ ') as place)'
    ) }}
{% endmacro %}

{# Without white space. Nothing sorts the keys of an object, so on Redshift JSON whose keys were put in another order has
   changed. #}
{% macro redshift__json_comparable(text) %}
    {{ return('json_serialize(' ~ dbt_braze.redshift_parsed(text) ~ ')') }}
{% endmacro %}

{# A VARIANT keeps no white space, and its keys sorted: github.com/apache/parquet-format, VariantEncoding. #}
{% macro databricks__json_comparable(text) %}
    {{ return('to_json(parse_json(' ~ text ~ '))') }}
{% endmacro %}

{# A JSON value keeps no white space and no order of keys: docs.cloud.google.com/bigquery, Data types, JSON type. #}
{% macro bigquery__json_comparable(text) %}
    {{ return("coalesce(nullif(to_json_string(safe.parse_json(" ~ text ~ ", wide_number_mode => 'round')), 'null'), " ~ text ~ ')') }}
{% endmacro %}

{# A VARIANT keeps the keys of objects sorted. Should it not (docs.snowflake.com, TO_JSON, promises no order), a value is taken
   for changed and sent once more, never the other way round. #}
{% macro snowflake__json_comparable(text) %}
    {{ return('to_json(try_parse_json(' ~ text ~ '))') }}
{% endmacro %}
