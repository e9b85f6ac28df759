"""The package's own sync models, over tables made outside dbt, with the vars that their page shows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt_project import ROOT, DbtProject

PAGE = (ROOT / "docs" / "tables_outside_dbt.md").read_text()
VARS = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])["vars"]
TABLES = (
    "create schema crm",
    "create schema app",
    "create schema shop",
    "create table crm.customers as select * from (values ('a', 'A', date '2000-01-02'), ('b', null, null)) as t(customer_id, first_name, birthday)",
    "create table app.events as select * from (values ('1', 'a', 'Opened', timestamp '2026-01-02', 'home')) as t(id, user_id, event_name, happened_at, screen)",
    (
        "create table shop.order_lines as select '1' as line_id, 'a@b.example' as buyer_email, 'shoe' as sku, 'USD' as currency, 12.5 as unit_price, "
        "150 as pieces, timestamp '2026-01-02' as ordered_at"
    ),
    "create table shop.products as select * from (values ('shoe', 'Shoe', true), ('hat', 'Hat', false)) as t(sku, title, in_stock)",
    "create table app.invitations as select * from (values ('1', 'x')) as t(id, invited)",
)
BOOKKEEPING = ["braze_batch", "braze_row", "row_hash", "attribute_hashes", "braze_base"]
TIME = "2026-01-02T00:00:00.000Z"
SHOES = {"product_id": "shoe", "currency": "USD", "price": 12.5, "time": TIME}
FIRST: dict[str, list[dict[str, Any]]] = {
    # A user without any attribute is not sent.
    "users_attributes_sync": [
        {"EXTERNAL_ID": "a", "PAYLOAD": {"first_name": "A", "dob": "2000-01-02"}},
    ],
    "users_events_sync": [
        {
            "EXTERNAL_ID": "a",
            "PAYLOAD": {"name": "Opened", "time": TIME, "properties": {"screen": "home"}},
        },
    ],
    "users_purchases_sync": [
        {"EMAIL": "a@b.example", "PAYLOAD": {**SHOES, "quantity": 100}},
        {"EMAIL": "a@b.example", "PAYLOAD": {**SHOES, "quantity": 50}},
    ],
    "users_delete_sync": [],
    "catalog_items_sync": [
        {"ID": "hat", "PAYLOAD": {"title": "Hat", "in_stock": False}, "DELETED": False},
        {"ID": "shoe", "PAYLOAD": {"title": "Shoe", "in_stock": True}, "DELETED": False},
    ],
    "canvas_triggers_sync": [{"ALIAS_NAME": "x", "ALIAS_LABEL": "invitation", "PROPERTIES": {}}],
}


def project_with(folder: Path, **project_vars: Any) -> DbtProject:
    """A project that has nothing but vars, over the tables of the page."""
    project = DbtProject(folder, {"dbt_braze": project_vars})
    for statement in TABLES:
        project.sql(statement)
    return project


def columns_of_page(model: str) -> list[str]:
    """The columns that the page says a model has for CDI."""
    row = next(line for line in PAGE.splitlines() if f"`{model}`" in line and "`UPDATED_AT`" in line)
    return re.findall(r"`(\w+)`", row.split("|")[2])


def rows(project: DbtProject, model: str) -> list[dict[str, Any]]:
    """The rows of a log as CDI reads them, without stamps and what is null, payloads parsed."""
    columns = columns_of_page(model)[1:]
    result = []
    for values in project.sql(f"select {', '.join(columns)} from {model}"):
        row = {name: value for name, value in zip(columns, values, strict=True) if value is not None}
        result.append({k: json.loads(v) if k in ("PAYLOAD", "PROPERTIES") else v for k, v in row.items()})
    return sorted(result, key=str)


def test_each_model_emits_what_is_new_in_columns_that_are_always_the_same(tmp_path: Path) -> None:
    project = project_with(tmp_path, **VARS["dbt_braze"])
    project.run()
    assert {model: rows(project, model) for model in FIRST} == FIRST
    for model in FIRST:
        types = dict(project.sql(f"select column_name, column_type from (describe {model})"))
        elements = ["attribute_elements", "source_hash"] if model == "users_attributes_sync" else []
        assert list(types) == columns_of_page(model) + BOOKKEEPING[:-1] + elements + BOOKKEEPING[-1:]
        others = set(types) - {"UPDATED_AT", "DELETED", "source_hash"}
        assert {types[name] for name in others} == {"VARCHAR"}
    project.dbt("build")
    assert {model: rows(project, model) for model in FIRST} == FIRST
    project.sql("delete from crm.customers where customer_id = 'a'")
    project.sql("delete from shop.products where sku = 'hat'")
    project.sql("insert into app.events values ('2', 'b', 'Closed', '2026-01-02', null)")
    project.run()
    assert rows(project, "users_delete_sync") == [{"EXTERNAL_ID": "a"}]
    assert {"ID": "hat", "PAYLOAD": {}, "DELETED": True} in rows(project, "catalog_items_sync")
    assert {"EXTERNAL_ID": "b", "PAYLOAD": {"name": "Closed", "time": TIME}} in rows(
        project, "users_events_sync"
    )


def test_rows_of_a_batch_lie_in_the_order_in_which_the_runner_reads_them(tmp_path: Path) -> None:
    project = project_with(tmp_path, **VARS["dbt_braze"])
    customers = "select 'customer-' || i, 'A', null from range({}, {}) as t(i)"
    for first, last in ((0, 300), (300, 600)):
        project.sql("insert into crm.customers " + customers.format(first, last))
        project.run("--select", "users_attributes_sync")
    batches = project.sql(
        "select count(*) >= 300, bool_and(coalesce(braze_row > before, true)) from "
        "(select *, lag(braze_row) over (partition by braze_batch order by rowid) as before from users_attributes_sync) "
        "group by braze_batch"
    )
    assert batches == [(True, True), (True, True)]


def test_each_model_has_a_contract_with_every_column_typed_and_described(tmp_path: Path) -> None:
    project = project_with(tmp_path, **VARS["dbt_braze"])
    project.dbt("parse")
    manifest = json.loads((tmp_path / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert {node["name"] for node in models} == set(FIRST)
    for node in models:
        assert node["config"]["contract"]["enforced"]
        assert node["config"]["access"] == "public"
        assert node["description"]
        assert all(column["description"] and column["data_type"] for column in node["columns"].values())
    tested = {node["attached_node"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    assert tested >= {node["unique_id"] for node in models}
    assert {source["source_name"] for source in manifest["sources"].values()} == {
        *VARS["dbt_braze"],
        "braze_state",
    }


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "braze_users_events",
            {"tabel": "events", "event_id": "id"},
            "the var braze_users_events has tabel; known are table, schema, database, event_id, ",
        ),
        (
            "braze_users_events",
            {"tabel": "events", "event_id": "id"},
            "the var braze_users_events has no table",
        ),
        (
            "braze_catalog_items",
            ["items"],
            "the var braze_catalog_items is no mapping like {table: …, catalog: …}",
        ),
        (
            "braze_users_delete",
            {"table": "customers", "schema": "crm", "external_id": "customer_id", "sent_by": "my_sync"},
            "in the var braze_users_delete sent_by can only be users_attributes_sync, ",
        ),
        (
            "braze_canvas_triggers",
            {"table": "invitations", "schema": "app", "alias_name": "invited"},
            "an alias needs both alias_name and alias_label",
        ),
    ],
)
def test_a_wrong_var_is_a_plain_error_of_its_model_alone(
    tmp_path: Path, name: str, value: Any, message: str
) -> None:
    others = {"braze_users_attributes": VARS["dbt_braze"]["braze_users_attributes"]}
    project = project_with(tmp_path, **others, **{name: value})
    assert message in project.run(fails=True)
    assert rows(project, "users_attributes_sync") == FIRST["users_attributes_sync"]


def test_deletes_can_compare_with_the_attributes_only_where_they_are_on(tmp_path: Path) -> None:
    project = project_with(tmp_path, braze_users_delete=VARS["dbt_braze"]["braze_users_delete"])
    message = "sent_by can only be users_attributes_sync, switched on by braze_users_attributes"
    assert message in project.run(fails=True)


def test_a_var_knows_the_arguments_of_its_macro(tmp_path: Path) -> None:
    macros = {}
    for path in (ROOT / "macros" / "sync").glob("*.sql"):
        for name, signature in re.findall(r"{% macro (\w+_sync)\(([^)]*)\) %}", path.read_text()):
            macros[name] = set(re.findall(r"(\w+)=", signature))
    project = project_with(tmp_path)
    (tmp_path / "macros").mkdir()
    (tmp_path / "macros" / "printed.sql").write_text(
        "{% macro printed() %}{% do print('KNOWN ' ~ tojson(dbt_braze.arguments_of_vars())) %}{% endmacro %}"
    )
    output = project.dbt("run-operation", "printed")
    known = json.loads(re.findall(r"KNOWN (.*)", output)[0])
    page = re.findall(r"^\| `(braze_\w+)` \| `\w+` \| those of \[?`(\w+)\(\)`", PAGE, re.MULTILINE)
    assert len(page) == 6
    assert {name: set(arguments) for name, arguments in known.items()} == {
        name: macros[macro] for name, macro in page
    }
