-- What depends on the type of a value. typeof() is a constant to DuckDB, so only one branch is left of each case.

create or replace macro bqx_to_json(x) as bqx_to_json_of(cast(to_json(x) as varchar), typeof(x));

create or replace macro bqx_to_json_string(x) as bqx_to_json_string_of(cast(to_json(x) as varchar), typeof(x));

create or replace macro bqx_json_query(x, path) as bqx_json_query_of(x, path, typeof(x));

create or replace macro bqx_string(x) as
    case
        when typeof(x) in ('DOUBLE', 'FLOAT', 'JSON') or starts_with(typeof(x), 'DECIMAL')
            then bqx_string_of(cast(x as varchar), typeof(x))
        else cast(x as varchar)
    end;

-- NUMERIC is NUMERIC(38, 9), and not what DuckDB takes a DECIMAL for.
create or replace macro bqx_numeric_source(x) as
    case when typeof(x) = 'DOUBLE' then bqx_numeric_of(try_cast(x as double)) else cast(x as varchar) end;
create or replace macro bqx_numeric(x) as cast(bqx_numeric_source(x) as decimal(38, 9));
create or replace macro bqx_safe_numeric(x) as try_cast(bqx_numeric_source(x) as decimal(38, 9));

-- A half is rounded away from zero, and a text is a whole number or none.
create or replace macro bqx_int64_source(x) as
    case when typeof(x) = 'DOUBLE' then cast(round(try_cast(x as double)) as varchar) else cast(x as varchar) end;
create or replace macro bqx_int64(x) as cast(bqx_int64_source(x) as bigint);
create or replace macro bqx_safe_int64(x) as
    case
        when typeof(x) != 'VARCHAR' or regexp_matches(cast(x as varchar), '^\s*[+-]?[0-9xXa-fA-F]+\s*$')
            then try_cast(bqx_int64_source(x) as bigint)
    end;

-- Nothing to join is an empty text.
create or replace macro bqx_array_to_string(x, separator) as
    case when x is not null then coalesce(array_to_string(x, separator), '') end;
