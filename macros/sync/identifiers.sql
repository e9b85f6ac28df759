{# The identifiers of a sync: one entry a kind, in the order of priority, with its CDI columns and their SQL expressions. #}
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


{% macro identifier_kinds() %}
    {{ return(['external_id', 'alias', 'braze_id', 'email', 'phone']) }}
{% endmacro %}


{% macro identifier_columns(identifiers) %}
    {{ return(dbt_braze.columns_of_kinds(identifiers | map(attribute='kind'))) }}
{% endmacro %}


{# CDI's columns of the given kinds of identifier. #}
{% macro columns_of_kinds(kinds) %}
    {%- set columns = [] -%}
    {%- for kind in kinds -%}
        {%- do columns.extend(['ALIAS_NAME', 'ALIAS_LABEL'] if kind == 'alias' else [kind | upper]) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}


{# An identifier as text; an empty one is none. #}
{% macro identifier_value(expression) %}
    {{ return("nullif(" ~ dbt.cast('(' ~ expression ~ ')', dbt_braze.type_text()) ~ ", '')") }}
{% endmacro %}


{# The identifiers of a source row, {column: expression}. Where `priority` lists kinds, a kind gives way to those before it; without it
   email goes before phone, as Braze does it (braze.com/docs, Cloud Data Ingestion), and any other pair is left to be refused. #}
{% macro identifier_expressions(identifiers, priority=none) %}
    {%- set priority = priority if priority is not none else ['email', 'phone'] -%}
    {%- set expressions = {} -%}
    {%- for identifier in identifiers -%}
        {%- set before = [] -%}
        {%- if identifier.kind in priority -%}
            {%- for other in identifiers if other.kind in priority and priority.index(other.kind) < priority.index(identifier.kind) -%}
                {%- for expression in other.columns.values() -%}
                    {%- do before.append(dbt_braze.identifier_value(expression) ~ ' is null') -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endif -%}
        {%- for column, expression in identifier.columns.items() -%}
            {%- set value = dbt_braze.identifier_value(expression) -%}
            {%- do expressions.update({column: 'case when ' ~ (before | join(' and ')) ~ ' then ' ~ value ~ ' end' if before else value}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(expressions) }}
{% endmacro %}


{# The same, as the columns of a select. #}
{% macro identifiers_of_row(identifiers, priority=none) %}
    {%- set columns = [] -%}
    {%- for column, expression in dbt_braze.identifier_expressions(identifiers, priority).items() -%}
        {%- do columns.append(expression ~ ' as ' ~ column) -%}
    {%- endfor -%}
    {{ return(columns | join(',\n        ')) }}
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
    {{ return(dbt_braze.text_hash(value)) }}
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


{# Branches of a case: what is wrong with the identifiers of a row. #}
{% macro identifier_reasons(identifiers) %}
    {%- set branches = [] -%}
    {%- set kinds = [] -%}
    {%- for identifier in identifiers -%}
        {%- do kinds.append('case when ' ~ dbt_braze.has_identifier(identifier) ~ ' then 1 else 0 end') -%}
    {%- endfor -%}
    {%- do branches.append('when ' ~ (kinds | join(' + ')) ~ " = 0 then 'no identifier'") -%}
    {%- do branches.append('when ' ~ (kinds | join(' + ')) ~ " > 1 then 'more than one kind of identifier'") -%}
    {%- if identifiers | selectattr('kind', 'equalto', 'alias') | list -%}
        {%- do branches.append('when ' ~ dbt_braze.user_key_of(identifiers) ~ " is null then 'an alias needs both alias_name and alias_label'") -%}
    {%- endif -%}
    {%- for column in dbt_braze.identifier_columns(identifiers) -%}
        {%- do branches.extend(dbt_braze.length_reasons(column)) -%}
    {%- endfor -%}
    {{ return(branches) }}
{% endmacro %}


{# A branch of a case for a column whose name says which identifier it holds. Limits: braze.com/docs, Track users (external_id 987 bytes),
   User alias object (236 bytes). #}
{% macro length_reasons(column) %}
    {%- set name = column | lower -%}
    {%- set limit = 987 if name.endswith('external_id') else (236 if name.endswith('alias_name') or name.endswith('alias_label') else none) -%}
    {{ return(['when ' ~ dbt_braze.byte_length(column) ~ ' > ' ~ limit ~ " then '" ~ name ~ ' is longer than ' ~ limit ~ " bytes'"] if limit else []) }}
{% endmacro %}


{# One row per source row: its user key. #}
{% macro source_keys(relation, identifiers, priority=none) -%}
        select {{ dbt_braze.user_key_of(identifiers) }} as braze_row
        from (
            select {{ dbt_braze.identifiers_of_row(identifiers, priority) }}
            from {{ relation }}
        ) as identified
    {%- endmacro %}
