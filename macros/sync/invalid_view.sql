{# Post-hook: the view <model>_invalid, the source rows that are not emitted and why. They stay pending: once a row is mended,
   the next run emits it. #}
{% macro invalid_view_created() %}
    {%- if execute and not dbt_braze.is_partial_run() %}
        {%- set columns = dbt_braze.key_columns(model.config.meta.braze) -%}
        {%- set sql %}
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
            coalesce(state.invalid_reason, '{{ dbt_braze.reason_of_repetition(model.config.meta.braze.sync) }}') as invalid_reason
        from state
        left join repeated
            on state.braze_row = repeated.braze_row
        where state.invalid_reason is not null
            or repeated.braze_row is not null
        {%- endset %}
        {{ dbt_braze.replaced_view(dbt_braze.companion(this, 'invalid', 'view'), sql) }}
    {%- endif -%}
{% endmacro %}


{% macro reason_of_repetition(sync) %}
    {{ return('more than one row of this ' ~ {
        'catalog_items': 'item', 'subscription_groups': 'user and group', 'email_status': 'address',
    }.get(sync, 'user')) }}
{% endmacro %}
