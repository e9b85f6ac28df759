{# The MD5 of a text, in hex. #}
{% macro text_hash(text) %}
    {{ return(adapter.dispatch('text_hash', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__text_hash(text) %}
    {{ return(dbt.hash(text)) }}
{% endmacro %}

{# dbt's casts to TEXT first, which on Redshift is VARCHAR(256): docs.aws.amazon.com/redshift, Character types. What comes after
   that would not be hashed. #}
{% macro redshift__text_hash(text) %}
    {{ return('md5(' ~ text ~ ')') }}
{% endmacro %}


{# A 64-bit fingerprint of several values, as a bigint that is never null, at a fraction of what their JSON costs; none where
   the warehouse has no such function (Redshift: FNV_HASH says nothing of nulls, and reads 'ab', 'c' like 'a', 'bc').
   `values` is a list of {value: the expression, text: for a value of no scalar type, its JSON text as well}.
   Docs of DuckDB (hash), Snowflake (HASH), BigQuery (FARM_FINGERPRINT, TO_JSON_STRING), Databricks (xxhash64). #}
{% macro fingerprint(values) %}
    {{ return(adapter.dispatch('fingerprint', 'dbt_braze')(values)) }}
{% endmacro %}

{% macro default__fingerprint(values) %}
    {{ return(none) }}
{% endmacro %}

{# It is unsigned: without one bit, a bigint holds it. #}
{% macro duckdb__fingerprint(values) %}
    {%- set arguments = values | map(attribute='value') | list + [dbt_braze.types_of(values)] -%}
    {{ return('cast(hash(' ~ (arguments | join(', ')) ~ ') >> 1 as bigint)') }}
{% endmacro %}

{# The names of their types as one constant, where a hash sees only the digits: 1250 and 12.50 are the same to it. #}
{% macro types_of(values) %}
    {%- set types = [] -%}
    {%- for each in values -%} {%- do types.append('typeof(' ~ each.value ~ ')') -%} {%- endfor -%}
    {{ return(types | join(' || ')) }}
{% endmacro %}

{% macro snowflake__fingerprint(values) %}
    {{ return('hash(' ~ (values | map(attribute='value') | join(', ')) ~ ')') }}
{% endmacro %}

{% macro bigquery__fingerprint(values) %}
    {%- set fields = [] -%}
    {%- for each in values -%} {%- do fields.append(each.value ~ ' as v' ~ loop.index) -%} {%- endfor -%}
    {{ return('farm_fingerprint(to_json_string(struct(' ~ (fields | join(', ')) ~ ')))') }}
{% endmacro %}

{# Spark passes over nulls, so (null, 1) and (1, null) would be the same, and takes neither maps nor variants. #}
{% macro databricks__fingerprint(values) %}
    {%- set arguments = [dbt_braze.types_of(values)] -%}
    {%- for each in values -%}
        {%- set value = each.text or each.value -%}
        {%- do arguments.extend([value ~ ' is null', value]) -%}
    {%- endfor -%}
    {{ return('xxhash64(' ~ (arguments | join(', ')) ~ ')') }}
{% endmacro %}
