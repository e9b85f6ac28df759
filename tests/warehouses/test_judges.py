"""The judges refuse what each warehouse refuses, and let pass what it takes."""

import pytest
from warehouse import Warehouse

# What the warehouse takes, in an order that creates the tables which the rest is about.
TAKEN = {
    "bigquery": [
        "create table `shop`.`a`.`t` (id string, since timestamp, tags array<string>, payload json, n bigint) cluster by id",
        "create or replace view shop.a.v as select id, payload from `shop.a.t`; drop table if exists shop.a.u",
        "merge into shop.a.t as t using shop.a.v as v on t.id = v.id when not matched then insert (id) values (id)",
        "update shop.a.t set n = n + 1 where true",
    ],
    "snowflake": [
        "select 'strptime(a) ::json [] filter (where', a from t -- now()",
        'create or replace transient table b.a.t copy grants as (select a:"k"::timestamp_ntz(9) as x from b.a.s)',
        "merge into t using s on t.a = s.a when matched and s.b then update set b = s.b when not matched then insert (a) values (s.a)",
        "select r.k, to_json(f.value), f.index from r, lateral flatten(input => try_parse_json(r.j), mode => 'ARRAY') as f",
        "select listagg(a, ',') within group (order by a), {'a': 1}, [1, 2] from t qualify row_number() over (order by a) = 1",
        "alter session set timezone = 'UTC'",
        "show terse schemas in database b limit 10",
        "begin",
    ],
    "databricks": [
        "create schema if not exists judged",
        "create or replace table `hive_metastore`.`judged`.`t` (a string, b timestamp) using delta cluster by (a)",
        "create or replace view judged.v as select a from judged.t",
        "insert into judged.t by name select 'a' as a",
        "merge into judged.t as x using (with q as (select 'a' as a) select * from q) as s on x.a = s.a when matched then update set b = current_timestamp() when not matched then insert (a) values (s.a)",
        "select t.a, e.pos from judged.t, lateral variant_explode(parse_json(t.a)) as e qualify row_number() over (order by pos) = 1",
    ],
    "redshift": [
        "select 'string_agg(a), array[1] and ::jsonb', a from t -- filter (where",
        "select listagg(a, ',') within group (order by a) from t",
        "create table t diststyle key distkey (a) compound sortkey (a) as (select cast(a as varchar(max)) as a from s)",
        "select p.a, item, position from (select a, json_parse(b) as items from t) as p, p.items as item at position",
        "select dateadd(microsecond, 1, sysdate), object.field, json_serialize(object_transform(o keep '\"a\"')) from t",
        "merge into t using x as s on t.a = s.a when matched then update set a = s.a when not matched then insert values (s.a)",
    ],
}
REFUSED = {
    "bigquery": [
        "select 'it''s'",
        "select cast(1 as varchar)",
        "select list_value(1)",
        "select strftime(current_timestamp(), '%Y')",
        "select 1 union all select 'a'",
        "select distinct p from (select json '1' as p) as t",
        "select 1 from (select json '1' as p) as t where p = p",
        "select cast(p as string) from (select json '1' as p) as t",
        "select count(distinct a, b) from (select 1 as a, 2 as b) as t",
        "select timestamp '2026-01-01' > datetime '2026-01-01'",
        "select missing from (select 1 as a) as t",
        "select a, max(b) from (select 1 as a, 2 as b) as t",
        "select array_to_string(array(select x from unnest([string_agg(a)]) as x), ',') from (select 'a' as a) as t",
        "select t.a from (select 1 as a) as t left join (select 2 as a) as s on t.a < s.a",
        "select array_includes([1], 1)",
        "select 1 as at",
        "select 1 from nothing.is_here",
    ],
    "snowflake": [
        "select strptime('a', '%Y')",
        "select list_value(1, 2)",
        "select objct_construct('a', 1)",
        "select x ->> '$.a' from t",
        "with a as materialized (select 1 as x) select x from a",
        "select count(*) filter (where x > 1) from t",
        "select try_cast(x as number) from t",
        "select x::json from t",
        "select x::varchar[] from t",
        "select x::timestamp from t",
        "select distinct on (a) a from t",
        "select 1 as row",
        "select a from t where",
        "create or replace table if not exists t (a int)",
        "select regexp_replace(a, 'x', 'y', 'g') from t",
        "select json_extract(x, '$.a') from t",
        "select string_agg(x, ',') from t",
        "select * from read_csv('a.csv')",
        "select unnest(x) from t",
        "select a from t using sample 10",
        "update t set a = 1 returning a",
        "insert or replace into t values (1)",
        "create macro f(x) as x + 1",
        "select bool_and(x) from t",
    ],
    "databricks": [
        "select strftime(now(), '%Y')",
        "select list_value(1)",
        "select object_construct('a', 1)",
        "select to_json('a')",
        "select try_cast('x' as json)",
        "select cast(a as varchar(max)) from judged.t",
        "select regexp_replace(a, 'x', '', 'g') from judged.t",
        "select a from judged.t group by b",
        "select a from judged.t union all select a, b from judged.t",
        "select c from judged.v",
        "select * from judged.missing",
        "select '${a}'",
        "select 1; select 2",
        "insert into judged.t values (1, 2, 3)",
        "merge into judged.t as t using (select 'a' as a) as s on t.a = s.b when matched then update set a = ''",
        "update judged.t set c = 1",
        "create table judged.u as select c",
        "create or replace view judged.w as select frob(1)",
        "create table judged.p (a int) using parquet",
    ],
    "redshift": [
        "select string_agg(a, ',') from t",
        "select jsonb_build_object('a', 1) from t",
        "select a::jsonb from t",
        "select md5(cast(a as text)) from t",
        "select * from generate_series(1, 2)",
        "select count(*) filter (where a > 1) from t",
        "select array[1, 2]",
        "select list_value(1) from t",
        "select a is distinct from b from t",
        "select now() from t",
        "select a ->> 'b' from t",
        "select distinct on (a) a, b from t",
        "select * from (values (1), (2)) as v(a)",
        "with delta as (select 1 as a) select a from delta",
        "create or replace table t as select 1 as a",
        "insert into t values (1) on conflict do nothing",
        "insert into t values (1) returning a",
        "merge into t as x using s on x.a = s.a when matched then delete when not matched then insert values (s.a)",
        "merge into t using (select 1 as a) as s on t.a = s.a when matched then delete when not matched then insert values (s.a)",
        "merge into t using s on t.a = s.a when matched and s.b then delete when not matched then insert values (s.a)",
        "merge into t using s on t.a = s.a when not matched then insert values (s.a)",
        "select substring(a, 2) from t",
        "select from where",
    ],
}


def test_what_the_warehouse_lacks_is_refused(warehouse: Warehouse) -> None:
    statements = REFUSED.get(warehouse.name, [])
    if not statements:
        pytest.skip("DuckDB has no judge: it runs the statements itself")
    # One call, for a judge may take its time to start; it quotes the statement with each problem.
    problems = "\n".join(warehouse.engine.judge([*TAKEN.get(warehouse.name, []), *statements]))
    assert [statement for statement in statements if statement[:100] not in problems] == []


def test_what_the_warehouse_has_passes(warehouse: Warehouse) -> None:
    assert warehouse.engine.judge(TAKEN.get(warehouse.name, [])) == []
