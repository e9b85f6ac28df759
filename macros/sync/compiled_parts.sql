{# A sync model compiles to one query whose CTEs say how its batch comes about. Hooks need parts of it: what reads the source
   alone (the view of invalid rows, the baseline), and the whole of the batch, which is written to a table and checked before
   the model appends it. A marker comment ends each part; arguments of a hook are fixed when a project is parsed, before a
   ref is known, so a hook reads the compiled model instead. #}

{% macro end_of_state() %}
    {{ return('/* dbt_braze: end of the state of the source */') }}
{% endmacro %}

{% macro end_of_batch() %}
    {{ return('/* dbt_braze: end of the batch */') }}
{% endmacro %}

{% macro end_of_estimate() %}
    {{ return('/* dbt_braze: end of the estimate */') }}
{% endmacro %}


{# In a hook: the CTEs of the running model that read the source alone. #}
{% macro state_of_this_model() %}
    {{ return(model.compiled_code.split(dbt_braze.end_of_state())[0]) }}
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
