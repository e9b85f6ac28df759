{# How the tables are laid out, so that a reader of "rows after W" reads only what is new. #}

{# Settings for config() of a log. #}
{% macro log_layout() %}
    {{ return(adapter.dispatch('log_layout', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__log_layout() %}
    {{ return({}) }}
{% endmacro %}

{# Sorted by time a scan skips the blocks before W, and rows of a user are where the checkpoint has the user:
   docs.aws.amazon.com/redshift, Sort keys, Distribution styles. #}
{% macro redshift__log_layout() %}
    {{ return({'sort_type': 'compound', 'sort': 'updated_at', 'dist': 'braze_row'}) }}
{% endmacro %}

{# By the day of UPDATED_AT, the one column that CDI lets a table be partitioned by (braze.com/docs, Cloud Data Ingestion, BigQuery);
   in a day by batch. #}
{% macro bigquery__log_layout() %}
    {{ return({
        'partition_by': {'field': 'UPDATED_AT', 'data_type': 'timestamp', 'granularity': 'day'},
        'cluster_by': ['braze_batch', 'braze_row'],
    }) }}
{% endmacro %}

{# Rows lie in the order in which they are added, so the newest are found without a clustering key. dbt makes transient tables,
   which have no fail-safe: docs.snowflake.com, Temporary and transient tables; what was emitted can't be computed again. #}
{% macro snowflake__log_layout() %}
    {{ return({'transient': false}) }}
{% endmacro %}


{# The end of the query that appends a batch to a log: the order in which its rows lie. The runner reads a batch in ranges of
   braze_row. #}
{% macro order_of_log() %}
    {{ return(adapter.dispatch('order_of_log', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__order_of_log() %}
    {{ return('') }}
{% endmacro %}

{# DuckDB skips row groups by the least and greatest value of a column: duckdb.org, Indexes, Zonemaps. #}
{% macro duckdb__order_of_log() %}
    {{ return('\norder by batch.braze_row') }}
{% endmacro %}


{# The end of `create table` for a table that is read and written by braze_row. #}
{% macro keyed_table_layout() %}
    {{ return(adapter.dispatch('keyed_table_layout', 'dbt_braze')()) }}
{% endmacro %}

{% macro default__keyed_table_layout() %}
    {{ return('') }}
{% endmacro %}

{% macro redshift__keyed_table_layout() %}
    {{ return('diststyle key distkey (braze_row) compound sortkey (braze_row)') }}
{% endmacro %}

{% macro bigquery__keyed_table_layout() %}
    {{ return('cluster by braze_row') }}
{% endmacro %}
