{# DuckDB: a file, so there is nobody to let in. #}

{% macro duckdb__cdi_access(setup) %}
    {{ return([]) }}
{% endmacro %}


{% macro duckdb__cdi_steps_by_hand(setup) %}
    {{ return({
        'before': ['nothing. DuckDB is a file without users, roles or a network, so there is nothing to grant; and Braze reads no '
            ~ 'DuckDB:\nbraze-runner push sends the tables.'],
        'after': [],
    }) }}
{% endmacro %}
