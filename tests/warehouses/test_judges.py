"""The judges refuse what each warehouse refuses, and let pass what it takes."""

import pytest
from warehouse import Warehouse

# Tables that the statements below are about, and what the warehouse takes.
TAKEN = {
    "databricks": [
        "create schema if not exists judged",
        "create or replace table `hive_metastore`.`judged`.`t` (a string, b timestamp) using delta cluster by (a)",
        "create or replace view judged.v as select a from judged.t",
        "insert into judged.t by name select 'a' as a",
        "merge into judged.t as x using (with q as (select 'a' as a) select * from q) as s on x.a = s.a "  # noqa: ISC004
        "when matched then update set b = current_timestamp() when not matched then insert (a) values (s.a)",
        "select t.a, e.pos from judged.t, lateral variant_explode(parse_json(t.a)) as e qualify row_number() over (order by pos) = 1",
    ],
}
REFUSED = {
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
}


def test_what_the_warehouse_lacks_is_refused(warehouse: Warehouse) -> None:
    statements = REFUSED.get(warehouse.name, [])
    if not statements:
        pytest.skip("nothing to refuse")
    # One call, for a judge may take its time to start; it quotes the statement with each problem.
    problems = "\n".join(warehouse.engine.judge([*TAKEN.get(warehouse.name, []), *statements]))
    assert [statement for statement in statements if statement[:100] not in problems] == []


def test_what_the_warehouse_has_passes(warehouse: Warehouse) -> None:
    assert warehouse.engine.judge(TAKEN.get(warehouse.name, [])) == []
