{# Run-operation: forget what was emitted, so that the next run emits the current values again, nulls included.

   dbt run-operation braze_reemit --args '{sync: users_attributes_sync, users: "select external_id from …", attributes: [city]}'

   sync        name of the sync model
   users       query that returns the identifier under its own name (external_id, or alias_name and alias_label, …); all users
               without it
   identifier  the kind that `users` returns: external_id (the default), alias, braze_id, email or phone
   attributes  names of the attributes; all of them without it
#}
{% macro braze_reemit(sync, users=none, identifier='external_id', attributes=[]) %}
    {%- set table = dbt_braze.relation_of_sync(sync) -%}
    {%- set checkpoint = dbt_braze.companion(table, 'checkpoint') if execute -%}
    {%- set columns = {} -%}
    {%- for column in dbt_braze.columns_of_kinds([identifier]) -%} {%- do columns.update({column: column}) -%} {%- endfor -%}
    {%- set names = '["' ~ (attributes | join('","')) ~ '"]' if attributes else '*' -%}
    {%- set chosen -%}
        braze_row not like '%/%'
        {%- if users %}
        and braze_row in (select {{ dbt_braze.user_key(identifier, columns) }} from ({{ users }}) as users_to_reemit)
        {%- endif -%}
    {%- endset -%}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(dbt_braze.reemit_problems(sync, identifier, attributes)) -%}
        {#- First what the log holds already: a batch that is merged later would count as newer than the forgetting. -#}
        {%- do run_query(dbt_braze.merge_into_checkpoint(table, checkpoint, dbt_braze.node_of_sync(sync).config.meta.braze)) -%}
        {%- do run_query(
            'update ' ~ checkpoint ~ ' set forgotten = case when ' ~ dbt_braze.literal(names) ~ " = '*' or forgotten = '*' then '*'"
            ~ " else coalesce(forgotten, '') || " ~ dbt_braze.literal(names) ~ ' end, forgotten_at = ' ~ dbt_braze.now_utc()
            ~ ' where ' ~ chosen
        ) -%}
        {%- set count = run_query('select count(*) from ' ~ checkpoint ~ ' where ' ~ chosen).columns[0].values()[0] -%}
        {%- do log('dbt_braze: the next run of ' ~ sync ~ ' sends ' ~ ('these attributes' if attributes else 'all attributes')
            ~ ' of ' ~ count ~ ' users again', info=true) -%}
    {%- endif -%}
{% endmacro %}


{% macro reemit_problems(sync, identifier, attributes) %}
    {%- set problems = [] -%}
    {%- set kinds = dbt_braze.node_of_sync(sync).config.meta.braze.identifiers -%}
    {%- if identifier not in kinds -%}
        {%- do problems.append("identifier is '" ~ identifier ~ "'; " ~ sync ~ ' has ' ~ (kinds | join(', '))) -%}
    {%- endif -%}
    {%- if attributes is string or attributes is mapping -%}
        {%- do problems.append('attributes is no list') -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}


{# The table of a sync model, by the model's name. #}
{% macro relation_of_sync(name) %}
    {%- if execute -%}
        {{ return(dbt_braze.relation_of_node(dbt_braze.node_of_sync(name))) }}
    {%- endif -%}
{% endmacro %}


{% macro relation_of_node(node) %}
    {{ return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) }}
{% endmacro %}


{% macro node_of_sync(name) %}
    {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.name == name and node.config.get('meta', {}).get('braze') -%}
        {{ return(node) }}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error("no Braze sync is called '" ~ name ~ "'") -%}
{% endmacro %}
