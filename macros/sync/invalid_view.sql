{# Post-hook: the view <model>_invalid, the source rows that are not emitted and why. They stay pending: once a row is mended,
   the next run emits it. #}
{% macro invalid_view_created() %}
    {%- if execute and not dbt_braze.is_partial_run() %}
        {%- set columns = dbt_braze.columns_of_kinds(model.config.meta.braze.identifiers) %}
        create or replace view {{ this.incorporate(path={'identifier': this.identifier ~ '_invalid'}, type='view') }} as
        {{ dbt_braze.state_of_this_model() }},

        repeated as (
            select braze_row
            from state
            where braze_row is not null
            group by braze_row
            having count(*) > 1
        )

        select
            {%- for column in columns %}
            state.{{ column }},
            {%- endfor %}
            state.braze_row,
            coalesce(state.invalid_reason, 'more than one row of this user') as invalid_reason
        from state
        left join repeated
            on state.braze_row = repeated.braze_row
        where state.invalid_reason is not null
            or repeated.braze_row is not null
    {%- endif -%}
{% endmacro %}


{# CDI's columns of the given kinds of identifier. #}
{% macro columns_of_kinds(kinds) %}
    {%- set columns = [] -%}
    {%- for kind in kinds -%}
        {%- do columns.extend(['ALIAS_NAME', 'ALIAS_LABEL'] if kind == 'alias' else [kind | upper]) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
