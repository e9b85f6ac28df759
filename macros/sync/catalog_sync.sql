{# A table in the shape of CDI's CATALOG_ITEMS_SYNC: the items that are new or changed, each as a whole, and those that left.

   relation         the model or source with one row per item
   catalog          name of the catalog in Braze; braze-runner makes one that is missing, if every field has a type here
   id               the column, or SQL expression, of the item's id: letters, digits, - and _, 250 characters at most
   fields           a list of {name, column, type, fields}, as attributes in attributes_sync()
   items_that_left  deleted: an item that is no longer in the source is deleted; kept: it stays
   null_fields      left_out: a field without a value is not in the payload; sent: it is there as null
   updated_at, deliver, baseline
                    as in attributes_sync()
#}
{% macro catalog_sync(
    relation, catalog=none, id=none, fields=[], items_that_left='deleted', null_fields='left_out', updated_at=none,
    deliver='rest', baseline=false
) %}
    {{ dbt_braze.configure_sync('catalog_items', deliver, {
        'catalog': catalog,
        'catalog_fields': dbt_braze.catalog_field_types(fields),
        'baseline': baseline,
        'complete_source': true,
    }) }}
    {%- if execute -%}
        {%- do dbt_braze.check_sync(dbt_braze.argument_problems(relation, fields, {'baseline': baseline}, 'fields')) -%}
        {%- set fields = dbt_braze.normalized_attributes(fields, relation) -%}
        {%- do dbt_braze.check_sync(
            dbt_braze.missing_problems({'catalog': catalog, 'id': id})
            + dbt_braze.catalog_field_problems(fields)
            + dbt_braze.choice_problems({'items_that_left': items_that_left}, ['deleted', 'kept'])
            + dbt_braze.choice_problems({'null_fields': null_fields}, ['left_out', 'sent'])
            + dbt_braze.delivery_problems(deliver)
            + dbt_braze.guard_problems()
        ) -%}
        {%- set braze = model.config.meta.braze -%}
        {%- set columns = {'item_id': dbt_braze.identifier_value(id)} -%}
        {%- set values = {} -%}
        {%- set reasons = dbt_braze.item_id_reasons('item_id') -%}
        {%- for field in fields -%}
            {%- set text = 'field_' ~ loop.index -%}
            {#- The keys of an object in a catalog hold no dollar sign, so there is no $time there. -#}
            {%- do columns.update({text: dbt_braze.attribute_value(field, times_as_strings=true)}) -%}
            {%- do values.update({field.name: "coalesce(" ~ text ~ ", 'null')" if null_fields == 'sent' else text}) -%}
            {%- do reasons.extend(dbt_braze.value_reasons(field, text, 'field ' ~ field.name)) -%}
        {%- endfor -%}
        {%- set row_key = "'item:' || item_id" -%}
        {%- set keys -%}
            select {{ dbt_braze.text_hash(row_key) }} as braze_row from (select {{ columns.item_id }} as item_id from {{ relation }}) as identified
        {%- endset -%}
        {%- set left_rows -%}
            select
                checkpoint.ID,
                {{ dbt_braze.text_literal('{}') }} as PAYLOAD,
                true as DELETED,
                checkpoint.braze_row,
                {{ dbt_braze.key_literal('deleted') }} as row_hash,
                {{ dbt.cast('null', dbt_braze.type_text()) }} as attribute_hashes,
                checkpoint.braze_batch as braze_base,
                1 as is_known,
                1 as is_deletion
            {{ dbt_braze.from_checkpoint_without() }}
                and (checkpoint.row_hash != 'deleted' or checkpoint.forgotten is not null)
        {%- endset %}
{{ dbt_braze.rows_state(relation, [], columns, row_key, dbt_braze.object_of(values), reasons, updated_at=updated_at, keys=keys, extra={'ID': 'item_id'}) }}
{{ dbt_braze.end_of_state() }}
{{ dbt_braze.rows_delta(braze, 'PAYLOAD', extra={'DELETED': 'false'}, left_rows=left_rows if items_that_left == 'deleted') }}
{{ dbt_braze.rows_appended(relation, braze, 'PAYLOAD', extra=['DELETED'], updated_at=updated_at) }}
    {%- endif -%}
{% endmacro %}


{# The fields as Braze would create them, [{name, type}]; none unless each says its type (braze.com/docs, Create catalog). #}
{% macro catalog_field_types(fields) %}
    {%- set of_type = {
        'string': 'string', 'integer': 'number', 'decimal': 'number', 'float': 'number', 'boolean': 'boolean', 'date': 'time',
        'timestamp': 'time', 'array': 'array', 'object': 'object', 'json': 'object',
    } -%}
    {%- set typed = [] -%}
    {%- for field in fields if field is mapping and (field.get('fields') or field.get('type') in of_type) -%}
        {%- do typed.append({'name': field.get('name'), 'type': 'object' if field.get('fields') else of_type[field.type]}) -%}
    {%- endfor -%}
    {{ return(typed if fields is iterable and fields is not string and typed | length == fields | length else none) }}
{% endmacro %}


{# Branches of a case: what is wrong with the id of an item (braze.com/docs, Catalogs). #}
{% macro item_id_reasons(id) %}
    {{ return([
        'when ' ~ id ~ " is null then 'no id'",
        'when ' ~ dbt.length(id) ~ " > 250 then 'id is longer than 250 characters'",
        'when ' ~ dbt_braze.regexp_remove(id, '[A-Za-z0-9_-]') ~ " != '' then 'id has characters other than letters, digits, - and _'",
    ]) }}
{% endmacro %}


{# braze.com/docs, Catalogs: names of fields have letters, digits, - and _, 250 characters at most; 500 fields; `id` is the id. #}
{% macro catalog_field_problems(fields) %}
    {%- set problems = [] -%}
    {%- set names = fields | map(attribute='name') | list -%}
    {%- if not fields -%} {%- do problems.append('no fields') -%} {%- endif -%}
    {%- if fields | length > 500 -%} {%- do problems.append(fields | length ~ ' fields; a catalog has 500 at most') -%} {%- endif -%}
    {%- for name in names | unique if names.count(name) > 1 -%}
        {%- do problems.append("field '" ~ name ~ "' is listed " ~ names.count(name) ~ ' times') -%}
    {%- endfor -%}
    {%- for field in fields -%}
        {%- set what = "field '" ~ field.name ~ "'" -%}
        {%- if field.name == 'id' -%} {%- do problems.append("field 'id': the argument id is that already") -%} {%- endif -%}
        {%- if not modules.re.match('[A-Za-z0-9_-]{1,250}$', field.name) -%}
            {%- do problems.append(what ~ ': a name has 1 to 250 letters, digits, - and _') -%}
        {%- endif -%}
        {%- do problems.extend(dbt_braze.value_problems(field, what)) -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}
