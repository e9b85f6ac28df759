"""The package's own sync models on every warehouse: one project with nothing but vars, and the shape of its tables."""

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from warehouse import Warehouse, WarehouseProject

TIME = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 (the columns have no zone)
ISO = "2026-01-02T03:04:05.000Z"
KINDS = {
    "id": "string",
    "user_id": "string",
    "email": "string",
    "name": "string",
    "price": "decimal",
    "happened_at": "timestamp",
}
ROWS: list[dict[str, Any]] = [
    {"id": "1", "user_id": "a", "name": "Shoe", "price": Decimal("12.50"), "happened_at": TIME},
    {"id": "2", "email": "b@x.y", "name": "Hat", "price": Decimal("3.00"), "happened_at": TIME},
]
USER = {"external_id": "user_id", "email": "email"}
VARS: dict[str, dict[str, Any]] = {
    "braze_users_attributes": {**USER, "attributes": [{"name": "name", "type": "string"}]},
    "braze_users_events": {**USER, "event_id": "id", "name": "name", "time": "happened_at"},
    "braze_users_purchases": {
        **USER,
        "purchase_id": "id",
        "product_id": "name",
        "currency": "'EUR'",
        "price": "price",
        "time": "happened_at",
    },
    "braze_users_delete": {"external_id": "user_id", "sent_by": "users_attributes_sync"},
    "braze_catalog_items": {"catalog": "things", "id": "id", "fields": [{"name": "name", "type": "string"}]},
    "braze_canvas_triggers": {"trigger_id": "id", "alias_name": "id", "alias_label": "'thing'"},
}
# What get_columns_in_relation() says of UPDATED_AT, of texts, of PAYLOAD and PROPERTIES, of DELETED, of fingerprints, and of keys
# where those are no text like any other.
TYPES = {
    # dbt makes a length of its own of a text on DuckDB, which has none.
    "duckdb": ("timestamp", "character varying(256)", "character varying(256)", "boolean", "bigint"),
    "snowflake": (
        "timestamp_ntz",
        "character varying(16777216)",
        "character varying(16777216)",
        "boolean",
        "number(38,0)",
    ),
    "bigquery": ("timestamp", "string", "json", "boolean", "int64"),
    "redshift": (
        "timestamp with time zone",
        "character varying(65535)",
        "character varying(65535)",
        "boolean",
        "bigint",
        "character varying(64)",
    ),
    "databricks": ("timestamp", "string", "string", "boolean", "bigint"),
}
USERS = ("EXTERNAL_ID", "ALIAS_NAME", "ALIAS_LABEL", "BRAZE_ID", "EMAIL", "PHONE")
PURCHASE = {"currency": "EUR", "time": ISO}
FIRST: dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]] = {
    "users_attributes_sync": (
        (*USERS, "PAYLOAD"),
        [
            ("a", None, None, None, None, None, {"name": "Shoe"}),
            (None, None, None, None, "b@x.y", None, {"name": "Hat"}),
        ],
    ),
    "users_events_sync": (
        (*USERS, "PAYLOAD"),
        [
            ("a", None, None, None, None, None, {"name": "Shoe", "time": ISO}),
            (None, None, None, None, "b@x.y", None, {"name": "Hat", "time": ISO}),
        ],
    ),
    "users_purchases_sync": (
        (*USERS, "PAYLOAD"),
        [
            ("a", None, None, None, None, None, {**PURCHASE, "product_id": "Shoe", "price": 12.5}),
            (None, None, None, None, "b@x.y", None, {**PURCHASE, "product_id": "Hat", "price": 3}),
        ],
    ),
    "users_delete_sync": (USERS[:4], []),
    "catalog_items_sync": (
        ("ID", "PAYLOAD", "DELETED"),
        [("1", {"name": "Shoe"}, False), ("2", {"name": "Hat"}, False)],
    ),
    "canvas_triggers_sync": (
        (*USERS[:3], "PROPERTIES"),
        [(None, "1", "thing", {}), (None, "2", "thing", {})],
    ),
}
BOOKKEEPING = ("braze_batch", "braze_row", "row_hash", "attribute_hashes", "braze_base")
SHAPES = """
{% macro shapes() %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.contract.enforced %}
        {% for column in adapter.get_columns_in_relation(dbt_braze.relation_of_node(node)) %}
            {% do print('SHAPE ' ~ tojson([node.name, column.name | upper, column.data_type | lower])) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}
"""


@pytest.fixture(scope="module")
def project(warehouse: Warehouse) -> WarehouseProject:
    """A project without models over one table."""
    project = warehouse.project("package_models")
    project.table("things", KINDS)
    (project.folder / "macros").mkdir()
    (project.folder / "macros" / "shapes.sql").write_text(SHAPES)
    return project


def emitted(project: WarehouseProject, model: str) -> list[tuple[Any, ...]]:
    """The rows of a log as CDI reads them, in a settled order."""
    columns = FIRST[model][0]
    return sorted(
        (tuple(row[name] for name in columns) for row in project.log(model, ", ".join(columns))), key=str
    )


def shapes(project: WarehouseProject, settings: str) -> dict[str, dict[str, str]]:
    """Model -> column -> type, as the warehouse has them."""
    result: dict[str, dict[str, str]] = {}
    output = project.dbt("run-operation", "shapes", "--vars", settings)
    for line in re.findall(r"SHAPE (.*)", output):
        model, column, data_type = json.loads(line)
        result.setdefault(model, {})[column] = data_type
    return result


def expected_shape(model: str, types: tuple[str, ...]) -> dict[str, str]:
    """CDI's columns and the package's own, with their types."""
    moment, text, payload, boolean, number, *key = types
    special = {
        "UPDATED_AT": moment,
        "PAYLOAD": payload,
        "PROPERTIES": payload,
        "DELETED": boolean,
        "source_hash": number,
        **dict.fromkeys(("braze_batch", "braze_row", "row_hash", "braze_base"), key[0] if key else text),
    }
    elements = ("attribute_elements", "source_hash") if model == "users_attributes_sync" else ()
    columns = ("UPDATED_AT", *FIRST[model][0], *BOOKKEEPING, *elements)
    return {column.upper(): special.get(column, text) for column in columns}


def test_vars_alone_give_six_tables_of_one_shape(project: WarehouseProject) -> None:
    project.fill("things", KINDS, ROWS)
    source = {"table": "things", "schema": project.source_schema}
    settings = {name: {**source, **arguments} for name, arguments in VARS.items()}
    project.run(**settings)
    first = {model: sorted(rows, key=str) for model, (_, rows) in FIRST.items()}
    assert {model: emitted(project, model) for model in FIRST} == first
    found = shapes(project, json.dumps(settings))
    types = TYPES[project.warehouse.name]
    assert found == {model: expected_shape(model, types) for model in FIRST}
    project.fill("things", KINDS, [{**ROWS[0], "user_id": "c"}, ROWS[1]])
    project.run(**settings)
    added = {model: len(emitted(project, model)) - len(rows) for model, rows in first.items()}
    assert added == {**dict.fromkeys(FIRST, 0), "users_attributes_sync": 1, "users_delete_sync": 1}
    # The data tests of the models, in the warehouse's own SQL.
    project.dbt("test", "--vars", json.dumps(settings))
