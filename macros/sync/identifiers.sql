{# The identifiers of a sync: one entry a kind, with its CDI columns and their SQL expressions. #}
{% macro given_identifiers(external_id, alias_name, alias_label, braze_id, email, phone) %}
    {%- set kinds = [] -%}
    {%- if external_id -%}
        {%- do kinds.append({'kind': 'external_id', 'columns': {'EXTERNAL_ID': external_id}}) -%}
    {%- endif -%}
    {%- if alias_name or alias_label -%}
        {%- do kinds.append({'kind': 'alias', 'columns': {'ALIAS_NAME': alias_name, 'ALIAS_LABEL': alias_label}}) -%}
    {%- endif -%}
    {%- if braze_id -%} {%- do kinds.append({'kind': 'braze_id', 'columns': {'BRAZE_ID': braze_id}}) -%} {%- endif -%}
    {%- if email -%} {%- do kinds.append({'kind': 'email', 'columns': {'EMAIL': email}}) -%} {%- endif -%}
    {%- if phone -%} {%- do kinds.append({'kind': 'phone', 'columns': {'PHONE': phone}}) -%} {%- endif -%}
    {{ return(kinds) }}
{% endmacro %}


{% macro identifier_columns(identifiers) %}
    {%- set columns = [] -%}
    {%- for identifier in identifiers -%}
        {%- for column in identifier.columns -%} {%- do columns.append(column) -%} {%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}


{# An identifier as text; an empty one is none. #}
{% macro identifier_value(expression) %}
    {{ return("nullif(" ~ dbt.cast('(' ~ expression ~ ')', dbt_braze.type_text()) ~ ", '')") }}
{% endmacro %}


{# The condition that a row has this kind of identifier, whole or (an alias) in part. #}
{% macro has_identifier(identifier) %}
    {%- set conditions = [] -%}
    {%- for column in identifier.columns -%} {%- do conditions.append(column ~ ' is not null') -%} {%- endfor -%}
    {{ return('(' ~ (conditions | join(' or ')) ~ ')') }}
{% endmacro %}


{# The key of a user in log and checkpoint: a hash in hex, so that order and equality are the same under every collation.
   `columns` maps CDI's column names to the columns to read. #}
{% macro user_key(kind, columns) %}
    {%- if kind == 'alias' -%}
        {#- The length keeps ("ab", "c") and ("a", "bc") apart. -#}
        {%- set value = "'alias:' || " ~ dbt.cast(dbt.length(columns.ALIAS_LABEL), dbt_braze.type_text()) ~ " || ':' || "
            ~ columns.ALIAS_LABEL ~ " || ':' || " ~ columns.ALIAS_NAME -%}
    {%- else -%}
        {%- set value = "'" ~ kind ~ ":' || " ~ columns[kind | upper] -%}
    {%- endif -%}
    {{ return(dbt.hash(value)) }}
{% endmacro %}


{# The key of a row that may have any of the sync's kinds. #}
{% macro user_key_of(identifiers) %}
    {%- set branches = [] -%}
    {%- for identifier in identifiers -%}
        {%- set columns = {} -%}
        {%- set complete = [] -%}
        {%- for column in identifier.columns -%}
            {%- do columns.update({column: column}) -%}
            {%- do complete.append(column ~ ' is not null') -%}
        {%- endfor -%}
        {%- do branches.append('when ' ~ (complete | join(' and ')) ~ ' then ' ~ dbt_braze.user_key(identifier.kind, columns)) -%}
    {%- endfor -%}
    {{ return('case ' ~ (branches | join('\n            ')) ~ ' end') }}
{% endmacro %}
