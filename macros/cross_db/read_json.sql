{# Reading objects, and JSON text: elements of arrays, fields of objects, texts to compare JSON by. #}

{# A field of a column that is an object: an expression of the type of an attribute. #}
{% macro object_field(object, name, type) %}
    {{ return(adapter.dispatch('object_field', 'dbt_braze')(object, name, type)) }}
{% endmacro %}

{% macro default__object_field(object, name, type) %}
    {{ return(object ~ '.' ~ name) }}
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

{# docs.databricks.com, variant_explode table-valued function. #}
{% macro databricks__json_array_elements(relation, passed, text) %}
    {{ return(
        'select json_rows.' ~ (passed | join(', json_rows.')) ~ ', to_json(elements.value) as element, elements.pos as element_index\n'
        ~ 'from ' ~ relation ~ ' as json_rows, lateral variant_explode(parse_json(json_rows.' ~ text ~ ')) as elements'
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

{% macro databricks__json_field(text, key) %}
    {{ return("nullif(to_json(variant_get(parse_json(" ~ text ~ "), " ~ dbt_braze.literal('$["' ~ key ~ '"]') ~ ", 'variant')), 'null')") }}
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

{% macro databricks__json_array_as_set(text) %}
    {%- set elements = "transform(variant_get(parse_json(" ~ text ~ "), '$', 'array<variant>'), element -> to_json(element))" -%}
    {{ return("('[' || array_join(array_sort(array_distinct(" ~ elements ~ ")), ',') || ']')") }}
{% endmacro %}


{# A text that is equal for equal JSON, whatever the order of keys and the white space; good for nothing but comparing. #}
{% macro json_comparable(text) %}
    {{ return(adapter.dispatch('json_comparable', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__json_comparable(text) %}
    {{ return(dbt_braze.unsupported('json_comparable')) }}
{% endmacro %}

{# Every place in the document with what is there, sorted. #}
{% macro duckdb__json_comparable(text) %}
    {{ return(
        "(select string_agg(place.fullkey || '=' || case when place.type in ('ARRAY', 'OBJECT') then place.type else cast(place.atom as varchar) end, "
        ~ "chr(10) order by place.fullkey) from json_tree(" ~ text ~ ') as place)'
    ) }}
{% endmacro %}

{# A VARIANT keeps no white space, and its keys sorted: github.com/apache/parquet-format, VariantEncoding. #}
{% macro databricks__json_comparable(text) %}
    {{ return('to_json(parse_json(' ~ text ~ '))') }}
{% endmacro %}
