"""The setup of Cloud Data Ingestion: what it prints for each warehouse, and what it runs."""

import ipaddress
import json
import re
from pathlib import Path
from typing import Any

import pytest
import stub_connections
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dbt_project import ROOT, DbtProject
from sqlfluff.core import FluffConfig, Linter

GOLDEN = ROOT / "tests" / "setup" / "golden"
WAREHOUSES = ["snowflake", "bigquery", "redshift", "databricks", "duckdb"]
PROFILES: dict[str, dict[str, Any]] = {
    "snowflake": {"account": "none", "user": "dbt", "password": "none", "database": "analytics"},
    "bigquery": {"method": "oauth-secrets", "token": "none", "project": "shop-analytics"},
    "redshift": {"host": "localhost", "port": 5439, "user": "dbt", "password": "none", "dbname": "analytics"},
    "databricks": {
        "host": "http://127.0.0.1:9",
        "http_path": "/sql/1.0/warehouses/0",
        "token": "none",
        "catalog": "analytics",
    },
}
USERS = {
    "snowflake": "BRAZE_INGESTION",
    "bigquery": "braze-ingestion@shop-analytics.iam.gserviceaccount.com",
    "redshift": "braze_ingestion",
    "databricks": "01234567-89ab-cdef-0123-456789abcdef",
}
TABLES = [
    "users_attributes_sync",
    "users_events_sync",
    "users_purchases_sync",
    "users_delete_sync",
    "catalog_items_sync",
    "canvas_triggers_sync",
]
PUBLIC_KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + "MIIBCgKCAQEA" + "braze" * 67 + "IDAQAB"
MODEL = (
    "{{ dbt_braze.attributes_sync(relation=source('crm', 'customers'), external_id='id', deliver='%s', "
    "attributes=[{'name': 'name', 'type': 'string'}]) }}"
)
SOURCES = {"version": 2, "sources": [{"name": "crm", "tables": [{"name": "customers"}]}]}


class Setup:
    """A project with two sync models, of which Braze reads one, on a warehouse that nobody has to reach."""

    def __init__(self, folder: Path, warehouse: str) -> None:
        self.warehouse = warehouse
        output = None
        if warehouse != "duckdb":
            output = {"type": warehouse, "schema": "braze", "threads": 1, **PROFILES[warehouse]}
        self.project = DbtProject(folder, output=output)
        self.project.yaml("sources", SOURCES)
        self.project.model("users_attributes", MODEL % "cdi")
        self.project.model("users_pushed", MODEL % "rest")

    def operation(self, name: str, *, fails: bool = False, found: str = "", **arguments: Any) -> str:
        """Run an operation and return what it printed; `found` is the query that the warehouse answers with a row."""
        command = ("--quiet", "run-operation", name, "--args", json.dumps(arguments))
        if self.warehouse == "duckdb":
            return self.project.dbt(*command, fails=fails)
        log = self.project.folder / "dbt.log"
        code = stub_connections.invoke(command, self.project.folder, log, found)
        assert (code != 0) == fails, log.read_text()
        return log.read_text()

    def cdi(self, *, fails: bool = False, found: str = "", **arguments: Any) -> str:
        """Run the setup, with an instance and a user where there is one, unless told otherwise."""
        who = {} if self.warehouse == "duckdb" else {"instance": "US-01", "user": USERS[self.warehouse]}
        settings = {**who, **arguments}
        output = self.operation("braze_setup_cdi", fails=fails, found=found, **settings)
        return output if fails else output[output.index("-- Braze") :]


@pytest.fixture(scope="module")
def setups(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Setup]:
    """One project a warehouse."""
    return {name: Setup(tmp_path_factory.mktemp(name), name) for name in WAREHOUSES}


def statements(script: str) -> list[str]:
    """The statements of a printed script, one by one."""
    return [text.strip() for text in re.sub(r"(?m)^--.*\n", "", script).split(";\n") if text.strip()]


@pytest.mark.parametrize("warehouse", WAREHOUSES)
def test_it_prints_what_the_sync_models_need(setups: dict[str, Setup], warehouse: str) -> None:
    assert setups[warehouse].cdi() == (GOLDEN / f"{warehouse}.txt").read_text()


@pytest.mark.parametrize("warehouse", WAREHOUSES)
def test_it_prints_tables_of_each_kind_and_grants_on_a_whole_schema(
    setups: dict[str, Setup], warehouse: str
) -> None:
    more: dict[str, Any] = {}
    if warehouse == "snowflake":
        more = {"role": "reader", "warehouse": "small_wh", "public_key": PUBLIC_KEY, "database": "shared"}
    output = setups[warehouse].cdi(
        instance="eu-01", schema="for_braze", tables="all", create_tables=TABLES, **more
    )
    assert output == (GOLDEN / f"{warehouse}_all_tables.txt").read_text()


@pytest.mark.parametrize("script", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_every_statement_is_of_the_warehouses_grammar(script: Path) -> None:
    warehouse = script.stem.removesuffix("_all_tables")
    linter = Linter(config=FluffConfig(overrides={"dialect": warehouse}))
    found = statements(script.read_text())
    assert found
    for statement in found:
        if warehouse == "bigquery" and statement.startswith("grant"):
            # sqlfluff does not know BigQuery's grants: cloud.google.com, Data control language statements.
            form = (
                r"grant `roles/[a-zA-Z.]+` on (schema|table) `[^`]+`(\.`[^`]+`)+ to \"serviceAccount:[^\"]+\""
            )
            assert re.fullmatch(form, statement)
        elif warehouse == "redshift" and "for tables in" in statement:
            # Nor Redshift's scoped permissions: docs.aws.amazon.com, GRANT.
            assert re.fullmatch(r'grant select for tables in schema "\w+" to "\w+"', statement)
        else:
            parsed = linter.parse_string(statement + ";")
            assert not parsed.violations, statement
            assert parsed.tree is not None
            assert not list(parsed.tree.recursive_crawl("unparsable")), statement


def test_only_tables_that_braze_reads_are_granted(setups: dict[str, Setup]) -> None:
    for warehouse in ("snowflake", "bigquery", "redshift", "databricks"):
        script = (GOLDEN / f"{warehouse}.txt").read_text()
        granted = [text for text in statements(script) if re.match("grant .* on table", text)]
        assert len(granted) == 1
        assert "users_attributes" in granted[0]
    named = setups["snowflake"].cdi(tables=["a", "b"], create_tables=["users_delete_sync"])
    granted = [text for text in statements(named) if "on table" in text]
    assert [re.findall(r"analytics\.braze\.(\w+)", text) for text in granted] == [
        ["users_delete_sync"],
        ["a"],
        ["b"],
    ]


def test_a_key_in_pem_is_set_without_the_lines_around_it(setups: dict[str, Setup]) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=4096).public_key()
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    body = "".join(pem.splitlines()[1:-1])
    assert f"set rsa_public_key = '{body}';" in setups["snowflake"].cdi(public_key=pem)


@pytest.mark.parametrize(
    ("form", "size", "is_pem"),
    [("PKCS8", 2048, False), ("PKCS8", 4096, True), ("TraditionalOpenSSL", 4096, False)],
)
def test_a_private_key_is_refused_and_not_repeated(
    setups: dict[str, Setup], form: str, size: int, is_pem: bool
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=size)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        getattr(serialization.PrivateFormat, form),
        serialization.NoEncryption(),
    ).decode()
    body = "".join(pem.splitlines()[1:-1])
    output = setups["snowflake"].cdi(public_key=pem if is_pem else body, fails=True)
    assert "public_key is a private key" in output
    assert pem.splitlines()[3] not in output


@pytest.mark.parametrize("key", ["ssh-rsa AAAAB3NzaC1yc2E", PUBLIC_KEY + "'; drop table x; --", 7])
def test_a_key_of_another_kind_is_refused(setups: dict[str, Setup], key: object) -> None:
    assert "public_key is no RSA public key" in setups["snowflake"].cdi(public_key=key, fails=True)


def test_every_problem_is_in_one_error(setups: dict[str, Setup]) -> None:
    hostile = 'x"; drop user y; --'
    output = setups["snowflake"].cdi(
        instance="US-09",
        user=hostile,
        database=hostile,
        schema="a b\n",
        role=hostile,
        warehouse=5,
        tables=["ok", hostile],
        create_tables=["users_attributes"],
        execute="yes",
        fails=True,
    )
    for problem in (
        "instance is 'US-09'; known are US-01, US-02",
        f"user is '{hostile}'; it has to be a plain name",
        f"database is '{hostile}', which is no plain name",
        "schema is 'a b",
        f"role is '{hostile}'",
        "warehouse is '5'",
        f"a table is '{hostile}'",
        "create_tables is '['users_attributes']'; it can be a list out of users_attributes_sync",
        "execute is 'yes'; it can be true or false",
    ):
        assert problem in output
    assert "RUN" not in output
    missing = setups["snowflake"].cdi(instance=None, user=None, tables="a", create_tables="b", fails=True)
    for problem in ("instance is missing", "user is missing", "tables is 'a'", "create_tables is 'b'"):
        assert problem in missing


@pytest.mark.parametrize(
    ("warehouse", "arguments", "problems"),
    [
        ("snowflake", {"user": "DBT"}, ["user is 'DBT', whom dbt connects as"]),
        (
            "redshift",
            {"user": "dbt", "database": "other", "role": "r"},
            [
                "user is 'dbt', whom dbt connects as",
                "rights are given in the database that dbt connects to, analytics",
                "role is for Snowflake alone",
            ],
        ),
        (
            "bigquery",
            {"user": "somebody@example.com", "tables": ["a`"]},
            ["the mail address of a service account", "a table is 'a`'"],
        ),
        (
            "databricks",
            {"user": "braze`", "public_key": "k"},
            ["the application id of a service principal", "public_key is for Snowflake alone"],
        ),
        (
            "duckdb",
            {"warehouse": "w", "schema": 'a"b'},
            ["warehouse is for Snowflake alone", "schema is 'a\"b'"],
        ),
    ],
)
def test_what_a_warehouse_does_not_take_is_said(
    setups: dict[str, Setup], warehouse: str, arguments: dict[str, Any], problems: list[str]
) -> None:
    output = setups[warehouse].cdi(**arguments, fails=True)
    for problem in problems:
        assert problem in output


def test_without_a_table_to_read_it_says_so(tmp_path: Path) -> None:
    setup = Setup(tmp_path, "snowflake")
    setup.project.model("users_attributes", MODEL % "rest")
    assert "no sync model here has deliver: cdi" in setup.cdi(fails=True)


def test_printing_runs_nothing(setups: dict[str, Setup]) -> None:
    assert "RUN create" not in setups["redshift"].operation("braze_setup_cdi", instance="US-01", user="braze")
    setups["duckdb"].cdi(schema="printed", create_tables=TABLES)
    assert setups["duckdb"].project.sql(
        "select count(*) from duckdb_schemas() where schema_name = 'printed'"
    ) == [(0,)]


def test_it_runs_each_statement_and_running_again_changes_nothing(tmp_path: Path) -> None:
    setup = Setup(tmp_path, "duckdb")
    for _ in range(2):
        arguments = {"schema": "for_braze", "create_tables": TABLES, "execute": True}
        output = setup.project.dbt("run-operation", "braze_setup_cdi", "--args", json.dumps(arguments))
        said = [line.split("dbt_braze: ")[1] for line in output.splitlines() if "dbt_braze: " in line]
        assert said == ['1. schema "warehouse"."for_braze"', '2. schema "warehouse"."main"'] + [
            f'{number}. table "warehouse"."for_braze"."{name}"' for number, name in enumerate(TABLES, 3)
        ]
        setup.project.sql(
            "insert into for_braze.users_attributes_sync (EXTERNAL_ID, PAYLOAD) values ('a', '{}')"
        )
    rows = setup.project.sql(
        "select count(*), max(UPDATED_AT) <= now() at time zone 'UTC' from for_braze.users_attributes_sync"
    )
    assert rows == [(2, True)]
    required = setup.project.sql(
        "select table_name, column_name from duckdb_columns() where schema_name = 'for_braze' and not is_nullable "
        "and column_name != 'UPDATED_AT' order by all"
    )
    assert required == [
        ("canvas_triggers_sync", "PROPERTIES"),
        ("catalog_items_sync", "ID"),
        ("catalog_items_sync", "PAYLOAD"),
        ("users_attributes_sync", "PAYLOAD"),
        ("users_events_sync", "PAYLOAD"),
        ("users_purchases_sync", "PAYLOAD"),
    ]


@pytest.mark.parametrize("user_exists", [True, False])
def test_a_user_of_redshift_is_created_once_and_gets_no_password(
    setups: dict[str, Setup], user_exists: bool
) -> None:
    output = setups["redshift"].cdi(execute=True, found="pg_user" if user_exists else "")
    run = [line.removeprefix("RUN ") for line in output.splitlines() if line.startswith("RUN ")]
    printed = [" ".join(text.split()) for text in statements((GOLDEN / "redshift.txt").read_text())]
    for text in printed:
        was_run = any(text in line for line in run)
        assert was_run == (not (user_exists and text.startswith("create user")))
    assert not [line for line in run if "password '" in line]


def test_the_addresses_of_each_instance_are_printed(setups: dict[str, Setup]) -> None:
    instances = {}
    for line in setups["duckdb"].operation("braze_cdi_addresses").splitlines():
        name, addresses = line.split("  ")
        instances[name] = [ipaddress.IPv4Address(address) for address in addresses.split(", ")]
    assert {name: len(addresses) for name, addresses in instances.items()} == {
        **{f"US-0{number}": 8 for number in range(1, 8)},
        "US-08": 18,
        "US-10": 6,
        "EU-01": 9,
        "EU-02": 9,
        "AU-01": 6,
        "ID-01": 6,
        "JP-01": 6,
        "KR-01": 6,
    }
    assert all(len(set(addresses)) == len(addresses) for addresses in instances.values())
    one = setups["duckdb"].operation("braze_cdi_addresses", instance="jp-01")
    assert one == "JP-01  " + ", ".join(map(str, instances["JP-01"])) + "\n"
    unknown = setups["duckdb"].operation("braze_cdi_addresses", instance="US-99", fails=True)
    assert "instance is 'US-99'; known are" in unknown


def test_the_page_shows_what_is_printed() -> None:
    page = (ROOT / "docs" / "setup.md").read_text()
    for warehouse in WAREHOUSES:
        assert (GOLDEN / f"{warehouse}.txt").read_text().strip() in page
