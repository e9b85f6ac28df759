{# What a run compares: the state of the source, and what the checkpoint knows. Parts of CTEs that every sync shares. #}

{# The end of a query of rows of `state`, with their `checkpoint`: those that are new or forgotten and, unless rows are emitted
   once and for all, those that differ; those that do not differ too if they have a fingerprint to note. One condition over both
   sides: an engine that moved the part on `state` below the join would compute each row twice. #}
{% macro from_state_that_differs(emits_once=false, has_fingerprints=false) -%}
from state
    left join {{ dbt_braze.checkpoint_relation() }} as checkpoint
        on state.braze_row = checkpoint.braze_row
    where case
            when state.invalid_reason is not null then false
            when checkpoint.row_hash is null or checkpoint.forgotten is not null then true
            {%- if has_fingerprints %}
            when state.source_hash is not null then true
            {%- endif %}
            else {{ 'false' if emits_once else 'checkpoint.row_hash != state.row_hash' }}
        end
{%- endmacro %}


{# CTE `repeated`: what has more than one row in the source, whichever of the rows is the one that was compared. #}
{% macro repeated_rows(source) -%}
repeated as (

    select braze_row
    from {{ source }}
    {%- if source != 'compared' %}
    where braze_row in (select braze_row from compared)
    {%- endif %}
    group by braze_row
    having count(*) > 1

)
{%- endmacro %}


{# The end of a query of rows of a checkpoint that have none in `keys`. #}
{% macro from_checkpoint_without(keys='source_keys', checkpoint=none) -%}
from {{ checkpoint or dbt_braze.checkpoint_relation() }} as checkpoint
    left join {{ keys }} as present
        on checkpoint.braze_row = present.braze_row
    where present.braze_row is null
        and checkpoint.braze_row not like '%/%'
{%- endmacro %}
