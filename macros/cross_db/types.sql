{# Types that dbt has no macro for, or has one that is too small: type_string() holds 256 characters on Redshift, type_float()
   is 32 bits wide on DuckDB and Databricks. #}

{% macro type_text() %}
    {{ return(adapter.dispatch('type_text', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__type_text() %}
    {{ return(dbt.type_string()) }}
{% endmacro %}

{% macro duckdb__type_text() %}
    {{ return('varchar') }}
{% endmacro %}

{% macro redshift__type_text() %}
    {{ return('varchar(65535)') }}
{% endmacro %}


{# Keys, hashes and ids of batches. Redshift gives every column the memory of its declared width: docs.aws.amazon.com/redshift,
   Use the smallest possible column size. #}
{% macro type_key() %}
    {{ return(adapter.dispatch('type_key', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__type_key() %}
    {{ return(dbt_braze.type_text()) }}
{% endmacro %}

{% macro redshift__type_key() %}
    {{ return('varchar(64)') }}
{% endmacro %}


{# UPDATED_AT in the type of the CDI pages for each warehouse (braze.com/docs, Cloud Data Ingestion, Table setup). #}
{% macro type_updated_at() %}
    {{ return(adapter.dispatch('type_updated_at', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__type_updated_at() %}
    {{ return('timestamp') }}
{% endmacro %}

{% macro redshift__type_updated_at() %}
    {{ return('timestamptz') }}
{% endmacro %}

{% macro snowflake__type_updated_at() %}
    {{ return('timestamp_ntz(9)') }}
{% endmacro %}


{% macro type_double() %}
    {{ return(adapter.dispatch('type_double', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__type_double() %}
    {{ return('double') }}
{% endmacro %}

{% macro bigquery__type_double() %}
    {{ return('float64') }}
{% endmacro %}

{% macro redshift__type_double() %}
    {{ return('double precision') }}
{% endmacro %}


{% macro type_text_array() %}
    {{ return(adapter.dispatch('type_text_array', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__type_text_array() %}
    {{ return('array<string>') }}
{% endmacro %}

{% macro duckdb__type_text_array() %}
    {{ return('varchar[]') }}
{% endmacro %}

{% macro snowflake__type_text_array() %}
    {{ return('array') }}
{% endmacro %}

{% macro redshift__type_text_array() %}
    {{ return('super') }}
{% endmacro %}


{# PAYLOAD in the type of the CDI pages: text that holds JSON, on BigQuery JSON. #}
{% macro type_payload() %}
    {{ return(adapter.dispatch('type_payload', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__type_payload() %}
    {{ return(dbt_braze.type_text()) }}
{% endmacro %}

{% macro bigquery__type_payload() %}
    {{ return('json') }}
{% endmacro %}


{# JSON text as a value of PAYLOAD. #}
{% macro payload_value(text) %}
    {{ return(adapter.dispatch('payload_value', 'dbt_braze')(text)) }}
{% endmacro %}

{% macro default__payload_value(text) %}
    {{ return(dbt.cast(text, dbt_braze.type_payload())) }}
{% endmacro %}

{% macro bigquery__payload_value(text) %}
    {{ return('parse_json(' ~ text ~ ", wide_number_mode => 'round')") }}
{% endmacro %}


{# PAYLOAD, of any type that CDI takes, as JSON text. #}
{% macro payload_text(column) %}
    {{ return(adapter.dispatch('payload_text', 'dbt_braze')(column)) }}
{% endmacro %}

{% macro default__payload_text(column) %}
    {{ return(dbt.cast(column, dbt_braze.type_text())) }}
{% endmacro %}

{% macro bigquery__payload_text(column) %}
    {{ return('nullif(to_json_string(' ~ column ~ "), 'null')") }}
{% endmacro %}

{# to_json() takes a STRUCT or MAP, but no text. Inside a struct it takes all three, and get_json_object() gives an object as JSON
   and a text as it is: docs.databricks.com, to_json function, get_json_object function. #}
{% macro databricks__payload_text(column) %}
    {{ return("get_json_object(to_json(named_struct('payload', " ~ column ~ ")), '$.payload')") }}
{% endmacro %}
