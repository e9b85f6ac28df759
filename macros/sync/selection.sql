{# What keeps a run from reading all of the source: the window of `updated_at`, and the fingerprints of rows that are known. The
   checkpoint keeps a fingerprint of the source row that a user's state came from. A row that has it, and is of the same user,
   gives the same state, so nothing need be made of it. Fingerprints hold the definition of the sync too: once that changes, all
   rows are compared again, and those that turn out to be the same are noted with the new one. #}

{# The end of the query on the source; `fingerprint` and `user` are the expressions for its rows, or none. #}
{% macro selected_rows(updated_at, fingerprint=none, user=none) -%}
{%- set newer = dbt_braze.newer_rows(updated_at) -%}
{{ dbt_braze.begin_of_selection() }}
{%- if fingerprint %}
    left join (
        select source_hash as braze_known_hash, {{ user.known }} as braze_known_user
        from {{ dbt_braze.checkpoint_relation() }}
        where source_hash is not null and row_hash is not null and forgotten is null
    ) as braze_known
        on braze_known.braze_known_hash = {{ fingerprint }}
            and braze_known.braze_known_user = {{ user.given }}
{%- endif %}
{%- if newer or fingerprint %}
    where {{ newer or '' }}{{ ' and ' if newer and fingerprint }}{{ 'braze_known.braze_known_hash is null' if fingerprint }}
{%- endif %}
    {{ dbt_braze.end_of_selection() }}
{%- endmacro %}


{# The fingerprint of a source row of attributes, or none. Text where the JSON is made of the text of a value: numbers that are
   equal may have several. #}
{% macro attributes_fingerprint(identifiers, attributes, priority) %}
    {%- set values = [{'value': dbt_braze.definition_placeholder()}] -%}
    {%- for expression in dbt_braze.identifier_expressions(identifiers, priority).values() -%}
        {%- do values.append({'value': expression}) -%}
    {%- endfor -%}
    {%- for attribute in attributes if attribute.type != 'label' -%}
        {%- if attribute.fields -%}
            {%- do values.append({'value': dbt_braze.attribute_value(attribute)}) -%}
        {%- elif attribute.type == 'string' -%}
            {%- do values.append({'value': dbt.cast('(' ~ attribute.column ~ ')', dbt_braze.type_text())}) -%}
        {%- else -%}
            {%- do values.append({
                'value': '(' ~ attribute.column ~ ')',
                'text': dbt_braze.attribute_value(attribute) if attribute.type in ('array', 'object', 'json') else none,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(dbt_braze.fingerprint(values)) }}
{% endmacro %}


{# {known, given}: one text of a row that tells users apart, of the checkpoint and of the source. #}
{% macro user_text(identifiers, priority) %}
    {%- set columns, expressions = [], [] -%}
    {%- for column, expression in dbt_braze.identifier_expressions(identifiers, priority).items() if column != 'ALIAS_LABEL' -%}
        {%- do columns.append(column) -%}
        {%- do expressions.append(expression) -%}
    {%- endfor -%}
    {{ return({
        'known': columns[0] if columns | length == 1 else 'coalesce(' ~ (columns | join(', ')) ~ ')',
        'given': expressions[0] if columns | length == 1 else 'coalesce(' ~ (expressions | join(', ')) ~ ')',
    }) }}
{% endmacro %}


{# The name in a batch of a row that is only about a fingerprint: the user's state is the one that has been emitted. #}
{% macro same_row(braze_row) %}
    {{ return("'same/' || " ~ braze_row) }}
{% endmacro %}


{# Post-hook: rows that were compared and found the same have their new fingerprint, unless another run has changed them. #}
{% macro fingerprints_noted() %}
    {%- if execute and 'source_hash' in dbt_braze.state_columns(model.config.meta.braze) and not dbt_braze.is_partial_run() -%}
        {%- set own = 'braze_batch = ' ~ dbt_braze.literal(invocation_id) -%}
        {%- if dbt_braze.number_of('select count(*) from ' ~ dbt_braze.batch_relation() ~ ' where ' ~ own ~ " and braze_row like 'same/%'") -%}
            {{ dbt_braze.upserted_rows(
                dbt_braze.checkpoint_relation(),
                'select known.braze_row, same.source_hash from ' ~ dbt_braze.checkpoint_relation() ~ ' as known inner join '
                    ~ dbt_braze.batch_relation() ~ ' as same on ' ~ dbt_braze.same_row('known.braze_row') ~ ' = same.braze_row and known.braze_batch = same.braze_base'
                    ~ ' where same.' ~ own,
                'braze_row', ['braze_row', 'source_hash'],
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
