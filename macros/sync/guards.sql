{# Pre-hook: refuses the batch of a run, in one plain sentence, before the model appends anything of it. What was refused stays
   in <model>_batch until the next run, to be looked at. #}
{% macro guards_kept() %}
    {%- if execute and not dbt_braze.is_partial_run() -%}
        {%- set batch = dbt_braze.batch_relation() -%}
        {%- set totals = run_query(
            "select sum(case when braze_row like '%/%' then 0 else 1 end), coalesce(sum(case when braze_row not like '%/%' then is_known end), 0), "
            ~ 'coalesce(sum(is_deletion), 0), coalesce(max(source_rows), 0) from ' ~ batch ~ ' where braze_batch = ' ~ dbt_braze.literal(invocation_id)
        ).rows[0].values() | map('int') | list -%}
        {%- set rows, changed, deletions, source_rows = totals[0], totals[1], totals[2], totals[3] -%}
        {%- if not source_rows and model.config.meta.braze.complete_source -%}
            {%- do dbt_braze.refuse('the source is empty') -%}
        {%- endif -%}
        {%- do dbt_braze.check_limit('braze_max_rows', rows, 'rows') -%}
        {%- do dbt_braze.check_limit('braze_max_deletions', deletions, 'deletions') -%}
        {%- if dbt_braze.setting('braze_max_data_points') is not none -%}
            {%- do dbt_braze.check_limit('braze_max_data_points', dbt_braze.estimated_data_points(), 'data points') -%}
        {%- endif -%}
        {%- set share = dbt_braze.setting('braze_max_changed_share') -%}
        {%- if share is not none and changed -%}
            {%- set known = run_query('select count(*) from ' ~ dbt_braze.checkpoint_relation() ~ " where braze_row not like '%/%'").columns[0].values()[0] | int -%}
            {%- if known >= dbt_braze.setting('braze_max_changed_share_from') and changed > share * known -%}
                {%- do dbt_braze.refuse('of ' ~ known ~ ' known ' ~ ('items' if model.config.meta.braze.sync == 'catalog_items' else 'users') ~ ' ' ~ changed
                    ~ ' would change, more than the share of ' ~ share ~ ' that braze_max_changed_share allows', 'braze_max_changed_share') -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro check_limit(name, number, what) %}
    {%- set limit = dbt_braze.setting(name) -%}
    {%- if limit is not none and number > limit -%}
        {%- do dbt_braze.refuse('the run would emit ' ~ number ~ ' ' ~ what ~ ', more than the ' ~ limit ~ ' that ' ~ name ~ ' allows', name) -%}
    {%- endif -%}
{% endmacro %}


{# With `guard`, the var that is in the way, the sentence after says how to let one run through. #}
{% macro refuse(reason, guard=none) %}
    {%- set way_out = " If that is right, let one run through: dbt run --select " ~ model.name ~ " --vars '{" ~ guard ~ ": null}'" -%}
    {%- do exceptions.raise_compiler_error(
        'dbt_braze refused this run of ' ~ this.identifier ~ ': ' ~ reason ~ '. Nothing is emitted.' ~ (way_out if guard else '')
    ) -%}
{% endmacro %}
