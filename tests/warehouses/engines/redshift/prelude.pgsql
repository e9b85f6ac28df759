-- What Redshift has and PostgreSQL lacks, or does differently. Loaded once into the stand-in's database, whose search path puts
-- these before pg_catalog. Pages named here are those of docs.aws.amazon.com/redshift. Strings with a backslash are E'', since the
-- setting for plain ones is Redshift's.

-- Errors in Redshift's form: the reason is in the detail, not in the message.
create function public.failed(context text) returns text language plpgsql volatile as $$
begin
    raise exception 'Invalid input' using detail = format(
        E'\n  -----------------------------------------------\n  error:  Invalid input\n  code:      8001\n  context:   %s\n', context
    );
end $$;
create function public.refused(reason text) returns text language plpgsql immutable as $$
begin
    raise exception 'Redshift refuses this: %', reason;
end $$;

-- Text: 65,535 bytes (Character types). Memory may hold more than a column there; here nothing may.
create domain public.varchar_max as varchar(65535) check (octet_length(value) <= 65535);
create function public.within_varchar(value text) returns text language sql immutable strict as $$
    select case when octet_length(value) <= 65535 then value
        else public.failed('CONCAT() result too long for type varchar(65535)') end
$$;
create function public.joined(a text, b text) returns text language sql immutable strict as $$
    select public.within_varchar(textcat(a, b))
$$;
create operator public.|| (leftarg = text, rightarg = text, function = public.joined);
create aggregate public.listagg(text, text) (
    sfunc = string_agg_transfn, stype = internal, finalfunc = string_agg_finalfn
);
create function public.len(value text) returns integer language sql immutable strict as $$ select length(value) $$;
create function public.nvl(anycompatible, anycompatible) returns anycompatible language sql immutable as $$
    select coalesce($1, $2)
$$;
create function public.charindex(piece text, value text) returns integer language sql immutable strict as $$
    select position(piece in value)
$$;
-- Every occurrence is replaced, and the replacement is taken as it is (REGEXP_REPLACE; 'p': Perl's dialect).
create function public.regexp_replace(value text, pattern text, replacement text) returns text
language sql immutable strict as $$
    select public.within_varchar(pg_catalog.regexp_replace(value, pattern, replace(replacement, E'\\', E'\\\\'), 'g'))
$$;
create function public.regexp_replace(value text, pattern text) returns text language sql immutable strict as $$
    select public.regexp_replace(value, pattern, '')
$$;
create function public.regexp_replace(value text, pattern text, replacement text, start integer, flags text) returns text
language sql immutable strict as $$
    select left(value, start - 1) || public.regexp_replace(
        substring(value, start), case when flags like '%i%' then '(?i)' else '' end || pattern, replacement
    )
$$;
create function public.strtol(digits text, base integer) returns bigint language plpgsql immutable strict as $$
declare
    result numeric := 0;
    digit text;
begin
    if base = 10 and digits ~ E'^\\s*[-+]?[0-9]+$' then
        return digits::bigint;
    end if;
    if base != 16 or digits !~ '^(0x)?[0-9a-fA-F]*$' then
        perform public.failed(format('The input %s is not valid to be converted to base %s', digits, base));
    end if;
    foreach digit in array regexp_split_to_array(lower(pg_catalog.regexp_replace(digits, '^0x', '')), '') loop
        result := result * 16 + position(digit in '0123456789abcdef') - 1;
    end loop;
    return result::bigint;
end $$;
-- Type compatibility and conversion: a boolean is not cast to text.
create function public.boolean_to_text(boolean) returns varchar language plpgsql immutable as $$
begin
    raise exception 'cannot cast type boolean to character varying';
end $$;

-- Moments. SYSDATE is the start of the transaction, GETDATE that of the statement, both in the session's zone.
create function public.transaction_sysdate() returns timestamp language sql stable as $$ select localtimestamp $$;
create function public.getdate() returns timestamp language sql stable as $$
    select date_trunc('second', statement_timestamp()::timestamp)
$$;
create function public.dateadd(unit text, number bigint, moment timestamp) returns timestamp language sql immutable strict as $$
    select moment + (number || ' ' || unit)::interval
$$;
create function public.dateadd(unit text, number bigint, moment timestamptz) returns timestamp language sql stable strict as $$
    select public.dateadd(unit, number, moment::timestamp)
$$;
create function public.datediff(unit text, a timestamp, b timestamp) returns bigint language sql immutable strict as $$
    select case
        when unit ~* '^days?$' then b::date - a::date
        when unit ~* '^weeks?$' then (date_trunc('week', b + interval '1 day')::date - date_trunc('week', a + interval '1 day')::date) / 7
        when unit ~* '^months?$' then (extract(year from b) - extract(year from a)) * 12 + extract(month from b) - extract(month from a)
        when unit ~* '^years?$' then extract(year from b) - extract(year from a)
        when unit ~* '^hours?$' then extract(epoch from date_trunc('hour', b) - date_trunc('hour', a)) / 3600
        when unit ~* '^minutes?$' then extract(epoch from date_trunc('minute', b) - date_trunc('minute', a)) / 60
        when unit ~* '^seconds?$' then extract(epoch from date_trunc('second', b) - date_trunc('second', a))
        when unit ~* '^microseconds?$' then extract(epoch from b - a) * 1000000
    end::bigint
$$;
create function public.convert_timezone(source text, target text, moment timestamp) returns timestamp
language sql immutable strict as $$
    select moment at time zone source at time zone target
$$;

-- SUPER: JSON in its own order of keys, which nothing but functions and casts can look into (SUPER type).
create type public.super;
-- A quoted literal is text on Redshift; here it has to say so with a cast or json_parse().
create function public.super_in(cstring) returns public.super language internal immutable strict as 'shell_in';
create function public.super_out(public.super) returns cstring language internal immutable strict as 'json_out';
create type public.super (input = public.super_in, output = public.super_out, like = json);
create cast (json as public.super) without function;
create cast (public.super as json) without function;


-- Without white space outside of strings.
create function public.compact(value json) returns text language sql immutable strict as $$
    select pg_catalog.regexp_replace(value::text, E'("(?:[^"\\\\]|\\\\.)*")|\\s+', E'\\1', 'g')
$$;
-- An attribute that occurs twice is an error (SUPER configurations).
create function public.json_parse(value text) returns public.super language sql immutable strict as $$
    select case when value is json with unique keys then value else public.failed('invalid json ' || value) end::json::public.super
$$;
-- A null comes out as the text null (JSON_SERIALIZE, note).
create function public.super_serialize(value public.super) returns text language sql immutable as $$
    select coalesce(public.within_varchar(public.compact(value::json)), 'null')
$$;
create function public.json_size(value public.super) returns integer language sql immutable strict as $$
    select octet_length(public.compact(value::json))
$$;
create function public.json_typeof(value public.super) returns text language sql immutable strict as $$
    select json_typeof(value::json)
$$;
create function public.can_json_parse(value text) returns boolean language sql immutable strict as $$
    select value is json with unique keys
$$;
create function public.is_valid_json(value text) returns boolean language sql immutable strict as $$ select value is json object $$;
create function public.is_valid_json_array(value text) returns boolean language sql immutable strict as $$
    select value is json array
$$;
create function public.get_number_attributes(value public.super) returns integer language sql immutable strict as $$
    select case when json_typeof(value::json) = 'object' then (select count(*)::integer from json_object_keys(value::json)) end
$$;
create function public.get_array_length(value public.super) returns integer language sql immutable strict as $$
    select case when json_typeof(value::json) = 'array' then json_array_length(value::json) end
$$;
create function public.array_distinct(value public.super) returns public.super language sql immutable strict as $$
    select coalesce(json_agg(item), '[]')::json::public.super
    from (select distinct on (public.compact(item)) item from json_array_elements(value::json) as item) as items
$$;
create function public.array_sort(value public.super) returns public.super language sql immutable strict as $$
    select coalesce(json_agg(item order by public.compact(item)), '[]')::json::public.super
    from json_array_elements(value::json) as item
$$;
-- The top level alone of what OBJECT_TRANSFORM can do: object_transform(x keep '"a"', …).
create function public.object_transform(value public.super, variadic kept text[]) returns public.super
language sql immutable strict as $$
    select case json_typeof(value::json) when 'object' then (
        select ('{' || coalesce(string_agg(to_json(field.key)::text || ':' || field.value::text, ','), '') || '}')::json::public.super
        from json_each(value::json) as field
        where '"' || field.key || '"' = any(kept)
    ) else value end
$$;
create function public.rs_array(variadic "any") returns public.super language internal stable as 'json_build_array';
create function public.rs_array() returns public.super language internal stable as 'json_build_array_noargs';
create function public.object(variadic "any") returns public.super language internal stable as 'json_build_object';

-- Navigation is lax: null where there is nothing (Querying semistructured data).
create function public.super_field(value public.super, key text) returns public.super language sql immutable strict as $$
    select case when json_typeof(value::json) = 'object' and json_typeof(value::json -> key) != 'null' then (value::json -> key)::public.super end
$$;
create function public.super_items(value public.super, out item public.super, out item_index bigint) returns setof record
language sql immutable strict as $$
    select element::public.super, position - 1
    from json_array_elements(case when json_typeof(value::json) = 'array' then value::json else '[]' end)
        with ordinality as elements(element, position)
$$;

-- Casts to SUPER, and lax ones from it: what does not fit is null, and so is text of an object or an array (SUPER, Limitations).
create function public.super_to_text(value public.super) returns varchar language sql immutable strict as $$
    select case when json_typeof(value::json) in ('string', 'number', 'boolean') then value::json #>> '{}' end
$$;
create cast (public.super as varchar) with function public.super_to_text(public.super);
create function public.super_to_text_type(value public.super) returns text language sql immutable strict as $$
    select public.super_to_text(value)
$$;
create cast (public.super as text) with function public.super_to_text_type(public.super);
do $do$
declare
    type text;
begin
    foreach type in array array['varchar', 'text', 'bigint', 'integer', 'smallint', 'numeric', 'float8', 'float4', 'boolean'] loop
        execute format(
            'create function public.to_super(value %1$s) returns public.super language sql immutable strict as '
            '$$ select to_json(value)::public.super $$', type
        );
        execute format('create cast (%1$s as public.super) with function public.to_super(%1$s) as assignment', type);
    end loop;
    foreach type in array array['bigint', 'integer', 'numeric', 'float8', 'boolean', 'date', 'timestamp', 'timestamptz'] loop
        execute format(
            'create function public.super_to_%1$s(value public.super) returns %1$s language plpgsql immutable strict as '
            '$$ begin return public.super_to_text(value)::%1$s; exception when others then return null; end $$', type
        );
        execute format('create cast (public.super as %1$s) with function public.super_to_%1$s(public.super)', type);
    end loop;
end $do$;

-- The catalogue that dbt-redshift reads.
create function public.pg_get_late_binding_view_cols() returns setof record language sql as $$
    select null::name, null::name, null::name, null::varchar, null::integer where false
$$;
set allow_system_table_mods = on;
delete from pg_cast where castsource = 'boolean'::regtype and casttarget in ('text'::regtype, 'varchar'::regtype);
create cast (boolean as varchar) with function public.boolean_to_text(boolean);
create view pg_catalog.svv_table_info as
select current_database()::text as "database", schemaname::text as "schema", tablename::text as "table", null::integer as table_id,
    ''::text as encoded, ''::text as diststyle, ''::text as sortkey1, 0 as max_varchar, ''::text as sortkey1_enc, 0 as sortkey_num,
    0::bigint as size, 0.0 as pct_used, 0 as empty, 0.0 as unsorted, 0.0 as stats_off, 0::bigint as tbl_rows,
    0.0 as skew_sortkey1, 0.0 as skew_rows
from pg_tables;
create view pg_catalog.stv_mv_info as
select null::text as db_name, null::text as "schema", null::text as name, null::text as autorewrite, null::text as autorefresh
where false;
create view pg_catalog.svv_columns as
select table_catalog::text, table_schema::text, table_name::text, column_name::text, ordinal_position::integer,
    (case when udt_name = 'super' then 'super' else data_type end)::text as data_type
from information_schema.columns;
create view pg_catalog.svv_all_columns as
select table_catalog as database_name, table_schema as schema_name, table_name, column_name, ordinal_position, data_type
from pg_catalog.svv_columns;
create view pg_catalog.svv_mv_info as
select null::text as database_name, null::text as schema_name, null::text as name, null::text as autorewrite,
    null::text as autorefresh, 0 as state, false as is_stale
where false;
create view pg_catalog.svv_external_columns as
select null::text as redshift_database_name, null::text as schemaname, null::text as tablename, null::text as columnname,
    null::text as external_type, 0 as columnnum, 0 as part_key, null::text as is_nullable
where false;
create view pg_catalog.svv_external_tables as
select null::text as redshift_database_name, null::text as schemaname, null::text as tablename, null::text as location where false;
create view pg_catalog.svv_external_schemas as select null::text as schemaname, null::text as databasename where false;
