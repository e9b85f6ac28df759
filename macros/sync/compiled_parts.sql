{# A sync model compiles to one query whose CTEs say how its batch comes about. Hooks need parts of it: what reads the source
   alone (the view of invalid rows, the baseline), and the whole of the batch, which is written to a table and checked before
   the model appends it. A marker comment ends each part; arguments of a hook are fixed when a project is parsed, before a
   ref is known, so a hook reads the compiled model instead. #}

{% macro end_of_keys() %}
    {{ return('/* dbt_braze: end of the keys of the source */') }}
{% endmacro %}

{% macro end_of_state() %}
    {{ return('/* dbt_braze: end of the state of the source */') }}
{% endmacro %}

{% macro end_of_batch() %}
    {{ return('/* dbt_braze: end of the batch */') }}
{% endmacro %}

{% macro end_of_estimate() %}
    {{ return('/* dbt_braze: end of the estimate */') }}
{% endmacro %}


{# The beginning of a model: `source_keys`, a query of the key of every row of the source, for syncs whose rows may change. #}
{% macro begin_of_state(source_keys=none) -%}
with
{%- if source_keys %}

source_keys as (

    {{ source_keys }}

)
{{ dbt_braze.end_of_keys() }},
{%- endif %}
{%- endmacro %}


{# Between these stands what keeps a run from reading all of the source. #}
{% macro begin_of_selection() %}
    {{ return('/* dbt_braze: begin of the selection */') }}
{% endmacro %}

{% macro end_of_selection() %}
    {{ return('/* dbt_braze: end of the selection */') }}
{% endmacro %}


{# In a hook: the CTEs of the running model that read the source, all of it, and nothing else. #}
{% macro state_of_this_model() %}
    {%- set pieces = [] -%}
    {%- for piece in dbt_braze.selected_state_of_this_model().split(dbt_braze.begin_of_selection()) -%}
        {%- do pieces.append(piece.split(dbt_braze.end_of_selection())[-1]) -%}
    {%- endfor -%}
    {{ return(dbt_braze.with_definition(pieces | join)) }}
{% endmacro %}


{# In a hook: the same as the run reads it. #}
{% macro selected_state_of_this_model() %}
    {{ return(model.compiled_code.split(dbt_braze.end_of_state())[0]) }}
{% endmacro %}


{# In a hook: the CTE `source_keys` of the running model, or none if it has no such keys. #}
{% macro keys_of_this_model() %}
    {%- set pieces = model.compiled_code.split(dbt_braze.end_of_keys()) -%}
    {{ return(pieces[0] if pieces | length > 1 else none) }}
{% endmacro %}


{# Two runs compared alike if the part of the model that reads the source is the same. #}
{% macro definition_hash() %}
    {{ return(local_md5(dbt_braze.selected_state_of_this_model())) }}
{% endmacro %}


{# A literal in the compiled model that stands for its own hash. #}
{% macro definition_placeholder() %}
    {{ return(dbt_braze.literal('dbt_braze: definition')) }}
{% endmacro %}


{% macro with_definition(sql) %}
    {{ return(sql.replace(dbt_braze.definition_placeholder(), dbt_braze.literal(dbt_braze.definition_hash()))) }}
{% endmacro %}


{# In a hook: the CTEs of the running model up to its batch. #}
{% macro batch_of_this_model() %}
    {{ return(model.compiled_code.split(dbt_braze.end_of_batch())[0]) }}
{% endmacro %}


{# Moments that a hook knows and the compiled model does not are constants in it, so that they prune partitions; each hook
   puts the real one in their place. #}
{% macro moment_placeholder(name) %}
    {{ return(dbt_braze.updated_at_literal('1970-01-01 00:00:00.000000') ~ ' /* dbt_braze: ' ~ name ~ ' */') }}
{% endmacro %}


{% macro with_moment(sql, name, text) %}
    {{ return(sql.replace(dbt_braze.moment_placeholder(name), dbt_braze.updated_at_literal(text))) }}
{% endmacro %}
