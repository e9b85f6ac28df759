{# Run-operation: forget what was emitted, so that the next run emits the current values again, nulls included.

   dbt run-operation braze_reemit --args '{sync: users_attributes_sync, users: "select external_id from …", attributes: [city]}'
   dbt run-operation braze_reemit --args '{sync: users_attributes_sync, parts: 30}'

   sync        name of the sync model
   users       query that returns the identifier under its own name (external_id, or alias_name and alias_label, …; id for a
               catalog); all rows without it
   identifier  the kind that `users` returns; the first kind of the sync without it
   attributes  names of the attributes; all of them without it
   parts       into how many equal parts the rows are divided by the hash of their key
   part        which of them, from 1; without it the part of the day, so that a run a day comes round in `parts` days
   again       true: also of a sync that emits each row once, such as events
#}
{% macro braze_reemit(sync=none, users=none, identifier=none, attributes=[], part=none, parts=none, again=false) %}
    {%- set node = dbt_braze.sync_named(sync) -%}
    {%- do dbt_braze.raise_operation_problems('braze_reemit', dbt_braze.sync_problems(sync) + dbt_braze.switch_problems({'again': again})
        + dbt_braze.part_problems(part, parts)
        + (dbt_braze.reemit_problems(node, users, identifier, attributes, again) if node is not none else [])) -%}
    {%- if dbt_braze.has_run(node) -%}
        {%- set tables = dbt_braze.tables_of_sync(node) -%}
        {%- set braze = node.config.meta.braze -%}
        {%- set part = part if part is not none or parts is none else dbt_braze.part_of_the_day(parts) -%}
        {%- set chosen = dbt_braze.rows_to_reemit(tables, braze, users, identifier, part, parts) -%}
        {%- set names = '["' ~ (attributes | join('","')) ~ '"]' if attributes else '*' -%}
        {#- First what the log holds already: a batch that is merged later would count as newer than the forgetting. -#}
        {%- do dbt_braze.merge_now(node, tables) -%}
        {%- set count = dbt_braze.number_of('select count(*) from ' ~ tables.checkpoint ~ ' where ' ~ chosen) -%}
        {%- do run_query(
            'update ' ~ tables.checkpoint ~ ' set forgotten = case when ' ~ dbt_braze.literal(names) ~ " = '*' or forgotten = '*' then '*' when "
            ~ dbt_braze.contains("coalesce(forgotten, '')", dbt_braze.literal(names)) ~ " then forgotten else coalesce(forgotten, '') || "
            ~ dbt_braze.literal(names) ~ ' end, forgotten_at = ' ~ dbt_braze.now_utc() ~ ' where ' ~ chosen
        ) -%}
        {%- do dbt_braze.say('the next run of ' ~ sync ~ ' sends ' ~ (('these attributes of ' if attributes else 'all attributes of ') if braze.sync == 'attributes' else '')
            ~ count ~ ' ' ~ ('users' if braze.sync == 'attributes' else 'rows') ~ ' again'
            ~ (' (part ' ~ part ~ ' of ' ~ parts ~ ')' if parts is not none else '')) -%}
    {%- endif -%}
{% endmacro %}


{# The condition on the checkpoint. A sync whose checkpoint holds no identifiers has them in its log. #}
{% macro rows_to_reemit(tables, braze, users, identifier, part, parts) -%}
    {%- set kind = identifier or dbt_braze.kinds_of_sync(braze) | first -%}
    {%- set known = tables.checkpoint if dbt_braze.checkpoint_key_columns(braze) else tables.log -%}
    braze_row not like '%/%'
    {%- if users is not none %}
    and braze_row in (
        select known.braze_row
        from {{ known }} as known
        where {{ dbt_braze.chosen_key(kind, 'known') }} in (select {{ dbt_braze.chosen_key(kind, 'chosen') }} from {{ dbt_braze.users_query(users) }} as chosen)
    )
    {%- endif %}
    {%- if parts is not none %}
    and mod({{ dbt_braze.hex_to_integer("case when braze_row like '%/%' then '000' else substring(braze_row, 1, 3) end") }}, {{ parts }}) = {{ part - 1 }}
    {%- endif -%}
{%- endmacro %}


{# From 1 to `parts`, one further each day (UTC). #}
{% macro part_of_the_day(parts) %}
    {{ return(run_started_at.toordinal() % parts + 1) }}
{% endmacro %}


{% macro part_problems(part, parts) %}
    {%- if parts is none -%} {{ return([] if part is none else ['part says which, and parts of how many: parts is missing']) }} {%- endif -%}
    {#- Three hex digits tell 4,096 parts apart. -#}
    {%- set problems = dbt_braze.whole_number_problems('parts', parts, 1, 4096) -%}
    {%- if part is not none -%}
        {%- do problems.extend(dbt_braze.whole_number_problems('part', part, 1, parts if not problems else 4096)) -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}


{% macro reemit_problems(node, users, identifier, attributes, again) %}
    {%- set problems = [] -%}
    {%- set braze = node.config.meta.braze -%}
    {%- set kinds = dbt_braze.kinds_of_sync(braze) -%}
    {%- if braze.emits_once and again is not true -%}
        {%- do problems.append(node.name ~ ' sends each of its rows once, and Braze would take them a second time (' ~ braze.sync
            ~ '); if that is what you want, add again: true') -%}
    {%- endif -%}
    {%- if users is not none -%}
        {%- do problems.extend(dbt_braze.users_problems(users)) -%}
        {%- if not kinds -%} {%- do problems.append('the rows of ' ~ node.name ~ ' (' ~ braze.sync ~ ') have no identifier column, so users cannot choose among them') -%} {%- endif -%}
    {%- endif -%}
    {%- if identifier is not none and identifier not in kinds -%}
        {%- do problems.append("identifier is '" ~ identifier ~ "'; " ~ node.name ~ ' has ' ~ (kinds | join(', ') or 'none')) -%}
    {%- endif -%}
    {%- if attributes is string or attributes is mapping or attributes is not iterable or attributes | reject('string') | list -%}
        {%- do problems.append('attributes is no list of names') -%}
    {%- elif attributes and (braze.sync != 'attributes' or braze.audience) -%}
        {%- do problems.append(node.name ~ ' sends whole rows, so attributes cannot choose among them') -%}
    {%- elif '"' in attributes | join -%}
        {%- do problems.append('attributes has a name with a double quote, which no attribute has') -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}
