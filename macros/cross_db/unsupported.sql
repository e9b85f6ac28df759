{# The end of a primitive that has no form for this warehouse: a plain compile error, raised only where it is used. #}
{% macro unsupported(primitive) %}
    {%- if execute -%}
        {%- do exceptions.raise_compiler_error('dbt_braze cannot build this on ' ~ target.type ~ ': it has no ' ~ primitive ~ ' there') -%}
    {%- endif -%}
{% endmacro %}
