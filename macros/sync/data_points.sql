{# Estimated data points of every run, written before anything is emitted: the table <model>_data_points has one row per run and
   attribute (or event name, or product), also of runs that were refused. #}

{% macro data_points_relation() %}
    {{ return(dbt_braze.companion(this, 'data_points')) }}
{% endmacro %}


{# Pre-hook. #}
{% macro data_points_created() %}
    {%- if execute and model.config.meta.braze.sync in dbt_braze.billed_syncs() %}
        create table if not exists {{ dbt_braze.data_points_relation() }} (
            braze_batch {{ dbt_braze.type_key() }},
            estimated_at {{ dbt_braze.type_updated_at() }},
            name {{ dbt_braze.type_text() }},
            objects {{ dbt.type_bigint() }},
            data_points {{ dbt.type_bigint() }}
        )
    {%- endif -%}
{% endmacro %}


{# braze.com/docs, Data points: attributes, events and purchases are billed; deletes, catalogs, subscription states, aliases are
   not. #}
{% macro billed_syncs() %}
    {{ return(['attributes', 'events', 'purchases']) }}
{% endmacro %}


{# CTE `estimate` over the batch as it was written: name, objects, data_points. The names of attributes are those of `billed`. #}
{% macro estimate_of_attributes(billed) -%}
estimate as (

    select
        named.name,
        case named.position
            {%- for attribute in billed %} when {{ loop.index }} then totals.objects_{{ loop.index }}{% endfor %} end as objects,
        case named.position
            {%- for attribute in billed %} when {{ loop.index }} then totals.points_{{ loop.index }}{% endfor %} end as data_points
    from (
        select
            {%- for attribute in billed %}
            sum(case when points_{{ loop.index }} > 0 then 1 else 0 end) as objects_{{ loop.index }},
            sum(points_{{ loop.index }}) as points_{{ loop.index }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ dbt_braze.batch_relation() }}
        where braze_batch = {{ dbt_braze.literal(invocation_id) }}
    ) as totals
    cross join (
        {%- for attribute in billed %}
        select {{ loop.index }} as position, {{ dbt_braze.text_literal(attribute) }} as name{{ ' union all' if not loop.last }}
        {%- endfor %}
    ) as named

)
{%- endmacro %}


{# Pre-hook. #}
{% macro data_points_estimated() %}
    {%- if execute and model.config.meta.braze.sync in dbt_braze.billed_syncs() %}
        {%- set estimate = model.compiled_code.split(dbt_braze.end_of_batch())[1].split(dbt_braze.end_of_estimate())[0].lstrip('\n,') %}
        insert into {{ dbt_braze.data_points_relation() }} (braze_batch, estimated_at, name, objects, data_points)
        with {{ estimate }}
        select {{ dbt_braze.literal(invocation_id) }}, {{ dbt_braze.now_utc() }}, name, objects, data_points
        from estimate
        where data_points > 0
    {%- endif -%}
{% endmacro %}


{% macro estimated_data_points() %}
    {%- if model.config.meta.braze.sync not in dbt_braze.billed_syncs() -%} {{ return(0) }} {%- endif -%}
    {{ return(run_query(
        'select coalesce(sum(data_points), 0) from ' ~ dbt_braze.data_points_relation() ~ ' where braze_batch = ' ~ dbt_braze.literal(invocation_id)
    ).columns[0].values()[0] | int) }}
{% endmacro %}


{# CTE `estimate` of rows that are billed each: by the name in a column of the batch. #}
{% macro estimate_of_rows(billed_by) -%}
estimate as (

    select
        {{ billed_by }} as name,
        count(*) as objects,
        sum(points_1) as data_points
    from {{ dbt_braze.batch_relation() }}
    where braze_batch = {{ dbt_braze.literal(invocation_id) }} and braze_row not like '%/%'
    group by {{ billed_by }}

)
{%- endmacro %}
