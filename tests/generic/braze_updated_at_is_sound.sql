{# Fails for each UPDATED_AT that is null, in the future, or that more rows have than Braze recommends: braze.com/docs, Cloud Data
   Ingestion, Best practices. After a stamp in the future Braze reads nothing until that time has come. #}
{% test braze_updated_at_is_sound(model, max_rows_per_stamp=10000000) %}
select *
from (
    select
        case
            when UPDATED_AT is null then 'no UPDATED_AT'
            when UPDATED_AT > {{ dbt_braze.now_utc() }} then 'UPDATED_AT is in the future'
            when row_count > {{ max_rows_per_stamp }} then 'more than {{ max_rows_per_stamp }} rows have this UPDATED_AT'
        end as problem,
        UPDATED_AT,
        row_count
    from (
        select
            {{ dbt.cast('UPDATED_AT', dbt_braze.type_updated_at()) }} as UPDATED_AT,
            count(*) as row_count
        from {{ model }}
        group by 1
    ) as stamps
) as checked
where problem is not null
{% endtest %}
