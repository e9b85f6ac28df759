{# The batch of a run: its stamps, and the guards that refuse it. #}

{# CTE `batch`, one row over `emitted`: rows, base of the stamps, the last key, and the refusal (null if there is none). #}
{% macro guarded_batch(relation) -%}
batch_totals as (

    select
        count(*) as emitted_rows,
        sum(case when is_known then 1 else 0 end) as changed_users,
        sum(data_points) as data_points,
        max(braze_row) as last_braze_row
    from emitted

),

batch as (

    select
        batch_totals.emitted_rows,
        batch_totals.last_braze_row,
        {{ dbt_braze.batch_refusal(relation) }} as refusal,
        {{ dbt_braze.first_stamp() }} as first_stamp
    from batch_totals

)
{%- endmacro %}


{# Stamps of a batch are strictly above those of every earlier batch and not in the future. The last key alone holds the
   newest one, so a reader with an inclusive boundary reads one row again and not the batch. More than 10 million rows are
   spread over 4,096 stamps (braze.com/docs, Cloud Data Ingestion, Best practices). #}
{% macro stamp(braze_row) %}
    {%- set spread = 'case when batch.emitted_rows > 10000000 then '
        ~ dbt_braze.hex_to_integer('substring(' ~ braze_row ~ ', 1, 3)') ~ ' else 0 end' -%}
    {{ return(dbt.cast(dbt_braze.add_microseconds(
        'batch.first_stamp', 'case when ' ~ braze_row ~ ' = batch.last_braze_row then 4096 else ' ~ spread ~ ' end'
    ), dbt_braze.type_updated_at())) }}
{% endmacro %}


{% macro first_stamp() %}
    {%- set now = dbt_braze.add_microseconds(dbt_braze.now_utc(), -4096) -%}
    {%- if not is_incremental() -%} {{ return(now) }} {%- endif -%}
    {{ return('greatest(' ~ now ~ ', coalesce((select ' ~ dbt_braze.add_microseconds('max(UPDATED_AT)', 1) ~ ' from ' ~ this ~ '), ' ~ now ~ '))') }}
{% endmacro %}


{# Why the whole batch may not be emitted: text, or null. #}
{% macro batch_refusal(relation) %}
    {%- set branches = [] -%}
    {%- if not dbt_braze.is_partial_run() -%}
        {%- do branches.append('when (select count(*) from ' ~ relation ~ ') = 0 then '
            ~ dbt_braze.refusal(relation ~ ' is empty, so nothing is emitted')) -%}
    {%- endif -%}
    {%- set share = dbt_braze.setting('braze_max_changed_share') -%}
    {%- if share is not none -%}
        {%- set known = "(select count(*) from " ~ dbt_braze.checkpoint_relation() ~ " where braze_row not like 'batch/%')" -%}
        {%- do branches.append('when batch_totals.changed_users > ' ~ share ~ ' * ' ~ known
            ~ ' and ' ~ known ~ ' >= ' ~ dbt_braze.setting('braze_max_changed_share_from') ~ ' then '
            ~ dbt_braze.refusal('of ', known, ' known users ', 'batch_totals.changed_users',
                ' would change, more than the share of ' ~ share ~ ' that braze_max_changed_share allows')) -%}
    {%- endif -%}
    {%- for total, what in [('emitted_rows', 'rows'), ('data_points', 'data_points')] -%}
        {%- set limit = dbt_braze.setting('braze_max_' ~ what) -%}
        {%- if limit is not none -%}
            {%- do branches.append('when batch_totals.' ~ total ~ ' > ' ~ limit ~ ' then '
                ~ dbt_braze.refusal('the run would emit ', 'batch_totals.' ~ total, ' ' ~ what.replace('_', ' ')
                    ~ ', more than the ' ~ limit ~ ' that braze_max_' ~ what ~ ' allows')) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('case ' ~ (branches | join('\n            ')) ~ ' end' if branches else dbt.cast('null', dbt_braze.type_text())) }}
{% endmacro %}


{# The sentence of a refusal: literal text and numbers in turn. #}
{% macro refusal() %}
    {%- set parts = [] -%}
    {%- for part in ('dbt_braze refused this run of ' ~ this.identifier ~ ': ' ~ varargs[0],) + varargs[1:] -%}
        {%- do parts.append(dbt_braze.literal(part) if loop.index0 is divisibleby 2 else dbt.cast(part, dbt_braze.type_text())) -%}
    {%- endfor -%}
    {{ return(parts | join(' || ')) }}
{% endmacro %}


{# Post-hook: what the stamps promise holds for the batch just written. #}
{% macro batch_asserted() %}
    {%- if execute %}
        select
            case
                when newest > {{ dbt_braze.now_utc() }}
                    then {{ dbt_braze.raise_error("'dbt_braze: ' || cast(newest as " ~ dbt_braze.type_text() ~ ") || ' in UPDATED_AT is in the future'") }}
                when oldest <= newest_before
                    then {{ dbt_braze.raise_error("'dbt_braze: another run wrote up to ' || cast(newest_before as " ~ dbt_braze.type_text() ~ ") || ' meanwhile; run again'") }}
            end as problem
        from (
            select
                max(UPDATED_AT) as newest,
                min(case when braze_batch = {{ dbt_braze.literal(invocation_id) }} then UPDATED_AT end) as oldest,
                max(case when braze_batch != {{ dbt_braze.literal(invocation_id) }} then UPDATED_AT end) as newest_before
            from {{ this }}
        ) as stamps
    {%- endif -%}
{% endmacro %}
